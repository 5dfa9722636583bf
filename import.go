package readsetimport

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/logtext"
	"github.com/readsetimport/readsetimport/internal/rules"
)

// Result is what became of one source of an import. Look at Err first: if it is nil, ReadSetID is in the store.
type Result struct {
	Index            int // position in the input, from 0
	Source           Source
	JobID, ReadSetID string // empty where there is none
	// Status of the source as the service last gave it; empty if it was not sent or not looked at.
	Status types.ReadSetImportJobItemStatus
	// StatusMessage is the service's message, verbatim: the source's own, or the job's if the source has none.
	StatusMessage string
	// Err is nil if the read set is in the store. Otherwise it is a [*JobError] if the job or the source failed, a
	// [*ValidationError] if the source is invalid, an [*Error] if the job was refused, [ErrUnresolved] if it is unknown
	// whether the source was imported, or the reason why the import ended before the source was sent or its job was done.
	Err error
	// AlreadyImported is true if the journal knew the read set to be in the store, so that nothing was sent: not even a
	// name, a text or a tag that has changed since.
	AlreadyImported bool
}

// Report says what became of an import.
type Report struct {
	RunID   string
	Jobs    []Job    // those that ended, in the order of their ends
	Results []Result // one for each source, in input order
}

// Imported returns the results of the sources that are in the store, those that were there before the import included.
func (r *Report) Imported() []Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(res Result) bool { return res.Err != nil })
}

// Failed returns the results of the sources that were not imported, or may not have been. Each has an Err that says why.
func (r *Report) Failed() []Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(res Result) bool { return res.Err == nil })
}

// ImportOptions are the options of one import. The client's [Options] of the same names are their defaults.
type ImportOptions struct {
	// RunID names the import. If neither it nor the client's is given, the import has a random one of its own.
	RunID string
	// SourcesPerJob is how many sources the import puts into one job, 1 to [MaxSourcesPerJob].
	SourcesPerJob int
	// OnEvent is called with the events of this import, and of no other.
	OnEvent func(Event)
}

// importOptions resolves the options of an import. They are usable even if they are not valid.
func (c *Client) importOptions(optFns []func(*ImportOptions)) (ImportOptions, error) {
	o := ImportOptions{SourcesPerJob: c.opts.SourcesPerJob, OnEvent: c.opts.OnEvent}
	if c.fixedRunID {
		o.RunID = c.opts.RunID
	}
	for _, fn := range optFns {
		fn(&o)
	}
	o.SourcesPerJob = cmp.Or(o.SourcesPerJob, c.opts.SourcesPerJob)
	if o.RunID == "" {
		o.RunID = rand.Text()
	}
	return o, rules.PerJob(o.SourcesPerJob, MaxSourcesPerJob)
}

// Import imports all sources and returns when each has an outcome. It validates everything first, and sends nothing if
// anything is wrong. The report has a result for every source whatever happens.
//
// The error is nil only if every read set was imported. It is a [*ValidationError] if nothing was sent because the input
// is invalid, and otherwise [ErrIncomplete]. Then it also wraps what kept the import from going on, if anything did (the
// cause of the context's end, an [*Error] for a request that was refused for good, [ErrQuotaExceeded] when no slot came
// free within QuotaTimeout), and [ErrUnresolved] if it is unknown of any source whether it was imported. Its text names the
// first failure. Jobs that run when the context ends go on without the import.
//
// Without a [journal.Journal] an import does not know of those before it: calling Import twice imports twice. To run an
// import again, after a crash or with a sheet that has grown, use a client with a journal (see [Options]) and call Import
// with the whole sheet: sources that are in the store are skipped, those on their way are picked up, and the rest is sent.
// A source that is in the store is not sent again because its name, its texts or its tags have changed: its result says
// AlreadyImported, and the read set keeps those that it was imported with.
func (c *Client) Import(ctx context.Context, t Target, sources []Source, optFns ...func(*ImportOptions)) (*Report, error) {
	sources = clones(sources)
	opts, err := c.importOptions(optFns)
	r := c.newRun(t, opts)
	report := &Report{RunID: opts.RunID, Results: make([]Result, len(sources))}
	for i, s := range sources {
		report.Results[i] = Result{Index: i, Source: s, Err: errInvalidInput}
	}
	if err == nil {
		err = validateImport(t, sources)
	}
	if err != nil {
		report.mark(err)
		r.recall(ctx, report)
		r.ended(err)
		return report, err
	}
	for i := range report.Results {
		report.Results[i].Err = errNotSent
	}
	r.whole = sources
	if r.whole == nil {
		r.whole = []Source{}
	}
	r.onJob = func(job Job) { report.Jobs = append(report.Jobs, job) }
	var fatal error
	for res, err := range r.stream(ctx, nil) {
		if err != nil {
			fatal = err
			break
		}
		report.Results[res.Index] = res
	}
	for i := range report.Results {
		if res := &report.Results[i]; fatal != nil && errors.Is(res.Err, errNotSent) {
			if known, ok := r.known(res.Source, i, fatal); ok {
				*res = known
			} else {
				res.Err = notSent(fatal)
			}
		}
	}
	return report, report.incomplete(fatal)
}

// recall gives the sources of an import that did not begin the results that the journal knows.
func (r *run) recall(ctx context.Context, report *Report) {
	if r.c.ledger == nil || r.c.ledger.Open(ctx) != nil {
		return
	}
	r.informed = r.c.here(r.target)
	for i, res := range report.Results {
		if !errors.Is(res.Err, errInvalidInput) {
			continue
		}
		if known, ok := r.known(res.Source, i, errInvalidInput); ok {
			report.Results[i] = known
		}
	}
}

var (
	errNotSent      = errors.New("not sent")
	errInvalidInput = errors.New("not sent: the import has invalid input")
)

func notSent(why error) error { return fmt.Errorf("not sent: %w", why) }

// incomplete returns nil if every source was imported, and otherwise an ErrIncomplete with the reason: what kept the import
// from going on, or the first failure.
func (r *Report) incomplete(fatal error) error {
	var first *Result
	failed, unresolved := 0, 0
	for i := range r.Results {
		res := &r.Results[i]
		if res.Err == nil {
			continue
		}
		if failed++; first == nil {
			first = res
		}
		if errors.Is(res.Err, ErrUnresolved) {
			unresolved++
		}
	}
	if failed == 0 {
		return nil // even if the context ended with the last of them
	}
	e := &logtext.Error{Causes: []error{ErrIncomplete}}
	e.Text = fmt.Sprintf("%v (%d of %d were not", ErrIncomplete, failed, len(r.Results))
	if unresolved > 0 {
		e.Causes = append(e.Causes, ErrUnresolved)
		e.Text += fmt.Sprintf("; of %d of them it is unknown", unresolved)
	}
	if fatal != nil {
		e.Causes = append(e.Causes, fatal)
		e.Text += "): " + fatal.Error()
		return e
	}
	e.Text += fmt.Sprintf("); the first, source %d: %v", first.Index, first.Err)
	return e
}

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

// Stream imports sources as [Client.Import] does, from inputs of any size. It reads no faster than it can send, a job's sources ahead at most, and
// yields results as jobs end, in no particular order: Index tells which source it is of. Memory is bounded by the jobs
// in flight, and by what is remembered of each source: some 10 bytes for each of its files, by which Stream notices the
// same file twice, and with a journal about 100 more.
//
// Every source that was read has exactly one result. A source's own failure is in its result, an invalid source's too,
// and the others go on. The iterator's error comes once, and last: what kept the import from going on (see
// [Client.Import]), the cause of the context's end if that came before the end of the input, or the input's own error.
// What was read before the input's error is imported all the same; to import all or nothing, collect the input first and
// call Import.
//
// A source without a result was not read. Nothing follows from that: with a journal, it may be in the store, or on its
// way, from an earlier import. Stream the whole input again to know.
//
// The input is read in another goroutine. Breaking out of the loop cancels the import and waits for its goroutines; jobs
// that run go on without it. A blocked input delays the end: it should watch the same context. The iterator can be used
// once.
func (c *Client) Stream(ctx context.Context, t Target, sources iter.Seq2[Source, error], optFns ...func(*ImportOptions)) iter.Seq2[Result, error] {
	opts, err := c.importOptions(optFns)
	r := c.newRun(t, opts)
	if err == nil {
		err = t.Validate()
	}
	if err != nil {
		return func(yield func(Result, error) bool) {
			r.ended(err)
			yield(Result{}, err)
		}
	}
	return r.stream(ctx, sources)
}
