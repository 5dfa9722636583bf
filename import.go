package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// Result is what became of one source of an import.
type Result struct {
	Index            int // position in the input, from 0
	Source           Source
	JobID, ReadSetID string // empty where there is none
	// Status of the source as the service last gave it; empty if it was not sent or not looked at.
	Status types.ReadSetImportJobItemStatus
	// StatusMessage is the service's words, as they came: the source's own, or the job's where the source has none.
	StatusMessage string
	// Err is nil when the read set is in the store. Otherwise it is a [*JobError] if the job or the source failed, a
	// [*ValidationError] if the source is invalid, an [*Error] if the job was refused, [ErrUnresolved] if it cannot be
	// told, and else the reason why the import ended before the source was sent or its job was done.
	Err error
	// AlreadyImported is true if the journal knew the read set to be in the store, so that nothing was sent.
	AlreadyImported bool
}

// Report is what became of an import.
type Report struct {
	RunID   string
	Jobs    []Job    // those that ended, in the order of their ends
	Results []Result // one for each source, in input order
}

// Imported is the results of the sources that are in the store.
func (r *Report) Imported() []Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(res Result) bool { return res.Err != nil })
}

// Failed is the results of the other sources.
func (r *Report) Failed() []Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(res Result) bool { return res.Err == nil })
}

// Import imports all sources and returns when each has an outcome. It validates everything first, and sends nothing if
// anything is wrong. The report has a result for every source whatever happens.
//
// The error is nil only if every read set was imported. It is a [*ValidationError] if nothing was sent, and else
// [ErrIncomplete]; then it is also what kept the import from going on, if anything did: the cause of the context's end,
// an [*Error] for a request that was refused for good, [ErrQuotaExceeded] when no slot came free within QuotaPatience.
// Jobs that run when the context ends go on without the import.
func (c *Client) Import(ctx context.Context, t Target, sources []Source) (*Report, error) {
	sources = slices.Clone(sources)
	r := c.newRun(t)
	report := &Report{RunID: r.runID, Results: make([]Result, len(sources))}
	for i, s := range sources {
		report.Results[i] = Result{Index: i, Source: s, Err: errNotSent}
	}
	if err := validateImport(t, sources); err != nil {
		report.mark(err)
		return report, err
	}
	r.valid = true
	r.onJob = func(job Job) { report.Jobs = append(report.Jobs, job) }
	var fatal error
	for res, err := range r.stream(ctx, withoutErrors(sources)) {
		if err != nil {
			fatal = err
			break
		}
		report.Results[res.Index] = res
	}
	failed := 0
	for i := range report.Results {
		res := &report.Results[i]
		if fatal != nil && errors.Is(res.Err, errNotSent) {
			res.Err = notSent(fatal)
		}
		if res.Err != nil {
			failed++
		}
	}
	switch {
	case failed == 0:
		return report, nil // even if the context ended with the last of them
	case fatal != nil:
		return report, fmt.Errorf("%w (%d of %d were not): %w", ErrIncomplete, failed, len(sources), fatal)
	}
	return report, fmt.Errorf("%w (%d of %d were not)", ErrIncomplete, failed, len(sources))
}

// errNotSent is for sources that were not sent because of others.
var errNotSent = errors.New("not sent: the import has invalid input")

func notSent(why error) error { return fmt.Errorf("not sent: %w", why) }

// mark gives each invalid source its own faults.
func (r *Report) mark(err error) {
	var all *ValidationError
	if !errors.As(err, &all) {
		return
	}
	for _, f := range all.Fields {
		var i int
		if n, _ := fmt.Sscanf(f.Path, "sources[%d]", &i); n != 1 {
			continue
		}
		var own *ValidationError
		if !errors.As(r.Results[i].Err, &own) {
			own = &ValidationError{}
			r.Results[i].Err = own
		}
		own.Fields = append(own.Fields, f)
	}
}

func withoutErrors(sources []Source) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		for _, s := range sources {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// Stream is [Client.Import] for inputs of any size. It reads the input as it can send, 100 sources ahead at most, and
// yields results as jobs end, in no particular order: Index tells which. Memory is bounded by the jobs in flight, and by
// some 25 bytes for each file, by which it notices the same file twice.
//
// A source's own failure is in its result, an invalid source's too, and the others go on. The iterator's error is what
// kept the import from going on (see [Client.Import]), or the input's own error; it comes once, and last, after the
// results of all sources that were read. The input is read in another goroutine. Breaking off the loop stops the work
// and returns when nothing of it is left; jobs that run go on without it. All of these wait for an input that is blocked:
// it should watch the same context. The iterator can be used once.
func (c *Client) Stream(ctx context.Context, t Target, sources iter.Seq2[Source, error]) iter.Seq2[Result, error] {
	if err := t.Validate(); err != nil {
		return func(yield func(Result, error) bool) { yield(Result{}, err) }
	}
	return c.newRun(t).stream(ctx, sources)
}

// results is the outcome of every source of an ended job. Sources are found in the answer by what they are, never by
// their place.
func results(t Target, sources []Source, index []int, job Job) []Result {
	answers := make(map[Fingerprint][]JobSource, len(job.Sources))
	for _, s := range job.Sources {
		f := t.Fingerprint(s.Source)
		answers[f] = append(answers[f], s)
	}
	failure := &JobError{Job: job}
	out := make([]Result, len(sources))
	for i, s := range sources {
		out[i] = Result{Index: index[i], Source: s, JobID: job.ID, StatusMessage: job.StatusMessage}
		f := t.Fingerprint(s)
		if same := answers[f]; len(same) > 0 {
			answers[f] = same[1:]
			outcome(&out[i], same[0], failure)
		} else {
			out[i].Err = missing(failure, "the job's answer does not have the source")
		}
	}
	return out
}

// outcome is what an ended job says of a source.
func outcome(res *Result, s JobSource, failure *JobError) {
	res.Status = s.Status
	res.ReadSetID = s.ReadSetID
	if s.StatusMessage != "" {
		res.StatusMessage = s.StatusMessage
	}
	switch s.Status {
	case types.ReadSetImportJobItemStatusFinished:
		if s.ReadSetID == "" {
			res.Err = fmt.Errorf("%w: job %s finished it without a valid read set id", ErrUnresolved, failure.Job.ID)
		} else {
			res.StatusMessage = s.StatusMessage
		}
	case types.ReadSetImportJobItemStatusFailed:
		res.Err = withMessage(failure, s.StatusMessage)
	default:
		res.Err = missing(failure, fmt.Sprintf("the source's last status is %q", oneLine(string(s.Status))))
	}
}

// missing is the error of a source that an ended job says nothing clear of: it failed with the job, or it cannot be
// told.
func missing(failure *JobError, what string) error {
	if errors.Is(failure, ErrJobFailed) || errors.Is(failure, ErrJobCancelled) {
		return failure
	}
	return fmt.Errorf("%w: job %s completed, but %s", ErrUnresolved, failure.Job.ID, what)
}

func withMessage(failure *JobError, message string) error {
	if message == "" {
		return failure
	}
	return fmt.Errorf("source failed: %s: %w", strings.TrimSpace(oneLine(message)), failure)
}
