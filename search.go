package readsetimport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/logtext"
	"github.com/readsetimport/readsetimport/internal/quota"
	"github.com/readsetimport/readsetimport/internal/search"
	"github.com/readsetimport/readsetimport/internal/wire"
)

// Search is the state of the search for a job that a lost answer may have started: the store's jobs since the first
// request are listed, read and compared, and where they cannot tell, the read sets of the same persons. It is plain JSON; save
// it with its [Submission], and do not change it.
type Search = search.State

const (
	clockMargin = 15 * time.Minute   // how far our clock and the service's may be apart, beyond what its answers tell
	recordsKept = 7 * 24 * time.Hour // how long the service is trusted to keep a job on its list; it publishes no time
	recordsSure = 24 * time.Hour     // and for how long without a look at the read sets, where those can be listed
	listing     = 15 * time.Minute   // how long the service may take to list the read sets of a job that has ended
	attemptMax  = 5                  // client tokens, each tried for TokenWindow, after which a batch is not worth more
)

// errGivenUp is for a batch that the service does not take, and does not refuse either.
var errGivenUp = errors.New("given up")

// search takes one step: a page of the list, or a look at one of the jobs or read sets on it.
func (c *Client) search(ctx context.Context, s Submission, other func(JobRef) bool) (Submission, *Error, error) {
	if err := s.Batch.Target.Validate(); err != nil {
		return s, nil, err
	}
	if !s.Search.On() {
		s.Search = search.New(s.SentAt)
	}
	if !s.Search.ClearAt.IsZero() { // the service may list late
		pause := settling
		if s.Phase == PhaseRunning {
			pause = listing
		}
		ago := quota.Elapsed(s.Search.ClearAt)
		if ago < 0 { // the clock was set back
			s.Search.ClearAt, ago = time.Now(), 0
		}
		if ago < pause {
			s.NextAt = time.Now().Add(pause - ago)
			return s, nil, nil
		}
	}
	var err error
	store := searched{c, s, other}
	if s.Search.Sets != nil && !c.asksReadSets(s) {
		return c.unsettled(s, nil, errNoReadSetAPI) // another client began with it
	}
	if s.Search.Sets == nil {
		s.Search, err = s.Search.OfJobs(ctx, store)
	} else {
		s.Search, err = s.Search.OfReadSets(ctx, store, s.wants(), s.Job.ID)
	}
	sets := s.Search.Sets
	ofList := sets == nil && len(s.Search.Candidates) == 0
	var e *Error
	if errors.Is(err, search.ErrEndless) {
		err = opList.wrong(err)
	}
	errors.As(err, &e)
	gone := e != nil && e.Code == wire.CodeNotFound && ofList && !s.MayHaveStarted
	if !gone {
		s.Search.Gone = 0
	}
	switch {
	case err == nil:
	case e == nil && !errors.Is(err, search.ErrTooMany):
		return s, nil, err
	case ctx.Err() != nil:
		return s, e, e
	case gone:
		return c.storeGone(s, e)
	case sets != nil && e != nil && e.kind() == ErrAccessDenied && s.Phase == PhaseSending:
		s.Search.Sets = &search.Sets{Done: true, Denied: true}
	case e == nil, sets != nil && e.kind() == ErrAccessDenied:
		return c.unsettled(s, e, err)
	case errors.Is(e, wire.ErrNotCredible), e.kind() == ErrNotFound && !ofList:
		if s.Doubts++; s.Doubts < doubtPatience && s.Search.Pages < search.PageMax {
			return c.failed(s, e), e, nil
		}
		if errors.Is(e, wire.ErrNoList) && ofList {
			s.Search.Page, s.Search.Listed = "", true // it is how this service says that there are none
			break
		}
		rest, ok := s.Search.Forget()
		if !ok || e.Code != wire.CodeNotFound {
			return c.unsettled(s, e, e)
		}
		s.Search = rest
	case e.passing() && !c.unreached(s, e) && !s.denied(e, deniedPatience), c.forgives(e, s.Failures):
		return c.failed(s, e), e, nil
	default:
		// Once the cause is fixed, a search from the beginning can tell, or another look at the job.
		if s.Search = search.New(s.Search.Since); s.Phase == PhaseRunning {
			s.Search = Search{}
		}
		return c.failed(s, e), e, fmt.Errorf("%w: %w", ErrUnresolved, e)
	}
	s.Failures, s.Doubts, s.DeniedSince = 0, 0, time.Time{}
	switch sets = s.Search.Sets; {
	case sets == nil && !s.Search.Over(), sets != nil && !sets.Done:
		s.NextAt = time.Now()
		return s, nil, nil
	case s.Phase == PhaseRunning:
		return c.settled(s)
	}
	next, err := c.conclude(s)
	return next, nil, err
}

// unsettled ends a batch of which neither jobs nor read sets tell what became of it.
func (c *Client) unsettled(s Submission, e *Error, why error) (Submission, *Error, error) {
	if s.Job.completed() {
		return done(s), e, nil // with what it says of the sources that it knows
	}
	next, err := unresolved(s, why)
	return next, e, err
}

// storeGone notes that the service knows no such store. A store that is not there has no jobs, so that after so many
// answers in a row the batch is planned again. It keeps its token: should the store be there all the same, the service
// recognises the request.
func (c *Client) storeGone(s Submission, e *Error) (Submission, *Error, error) {
	if s.Search.Gone++; s.Search.Gone < doubtPatience {
		return c.failed(s, e), e, nil
	}
	s.Phase, s.NextAt = PhasePlanned, time.Now()
	s.Failures, s.LastError, s.Search = 0, e.Error(), Search{}
	return s, e, e
}

// searched is the store in which a batch is looked for. Jobs for which other is true are known to be other batches'.
type searched struct {
	c     *Client
	s     Submission
	other func(JobRef) bool
}

func (q searched) ref(id string) JobRef { return JobRef{q.s.Batch.Target.SequenceStoreID, id} }

func (q searched) Other(id string) bool { return q.other != nil && q.other(q.ref(id)) }

func (q searched) After(since time.Time) time.Time { return q.c.searchAfter(since) }

func (q searched) Jobs(ctx context.Context, after time.Time, page string) (ids []string, next string, err error) {
	jobs, next, err := q.c.listPage(ctx, q.s.Batch.Target.SequenceStoreID, after, page)
	for _, job := range jobs {
		ids = append(ids, job.ID)
	}
	return ids, next, err
}

// Job reads a job and compares its sources with the batch's.
func (q searched) Job(ctx context.Context, id string) (search.Match, error) {
	job, err := q.c.get(ctx, q.ref(id))
	if err == nil && len(job.Sources) == 0 && job.Status != types.ReadSetImportJobStatusFailed {
		err = opGet.wrong(fmt.Errorf("%w: a job without sources", wire.ErrNotCredible))
	}
	match := search.Compare(q.s.sources(), len(job.Sources), func(i int) Fingerprint { return q.s.Batch.Target.Fingerprint(job.Sources[i].Source) })
	return match, err
}

func (q searched) ReadSets(ctx context.Context, p search.Person, after time.Time, page string) ([]ReadSet, string, error) {
	f := ReadSetFilter{SubjectID: p.SubjectID, SampleID: p.SampleID, CreatedAfter: after}
	return q.c.readSetPage(ctx, q.s.Batch.Target.SequenceStoreID, f, page)
}

func (q searched) ReadSet(ctx context.Context, id string) (ReadSet, string, error) {
	return q.c.readSetOf(ctx, q.s.Batch.Target.SequenceStoreID, id)
}

// wants is what a search among the read sets looks for.
func (s Submission) wants() []search.Want {
	out := make([]search.Want, len(s.Batch.Sources))
	for i, source := range s.Batch.Sources {
		out[i] = search.Want{Person: search.Person{SubjectID: source.SubjectID, SampleID: source.SampleID}, Type: source.Type, Name: source.Name}
	}
	return out
}

// asksReadSets reports whether read sets can tell what became of the batch: the API lists them, and all sources are at hand.
func (c *Client) asksReadSets(s Submission) bool {
	n := len(s.Batch.Sources)
	return c.readSets != nil && n > 0 && (s.carried == nil || n == len(s.carried))
}

// searchAfter is when the first request left at the earliest, by the service's clock.
func (c *Client) searchAfter(since time.Time) time.Time {
	ago := quota.Elapsed(since)
	if ago < -clockMargin {
		ago = recordsKept // the clock was set back
	}
	ahead := min(time.Duration(c.guard.Skew.Load()), 0)
	// One after the other, since their sum can be more than a Duration holds.
	after := time.Now().Add(ahead).Add(-ago).Add(-clockMargin)
	if first := time.Unix(0, 0); after.Before(first) {
		return first
	}
	return after
}

// conclude decides what a whole search means.
func (c *Client) conclude(s Submission) (Submission, error) {
	old := quota.Elapsed(s.Search.Since) > recordsKept
	switch sets := s.Search.Sets; {
	case len(s.Search.Found) == 1 && s.Search.Carries != "":
		return c.running(s, Job{JobRef: JobRef{s.Batch.Target.SequenceStoreID, s.Search.Carries}}), nil
	case len(s.Search.Found) > 0:
		return unresolved(s, logtext.Harmless("jobs "+strings.Join(s.Search.Found, ", ")+" have some or all of these sources"))
	case (quota.Elapsed(s.Search.Since) > recordsSure || s.Search.Lost > 0) && sets == nil && c.readSets != nil:
		if !c.asksReadSets(s) {
			return unresolved(s, logtext.Harmless("its read sets can tell: import the sheet that has all of its sources"))
		}
		s.Search.Sets = &search.Sets{}
		s.NextAt = time.Now()
		return s, nil
	case sets != nil && len(sets.Unclear) > 0:
		return unresolved(s, logtext.Harmless("there are read sets of the same samples, and the service does not know the jobs that created them any more"))
	case old && (sets == nil || sets.Denied):
		return unresolved(s, logtext.Harmless(fmt.Sprintf("no such job is listed, but the request is older than %d days", recordsKept/(24*time.Hour))))
	case s.Search.Lost > 0 && !old:
		return unresolved(s, logtext.Harmless("the service does not know a job any more that it listed"))
	case s.Unsent >= unsentPatience:
		return unresolved(s, logtext.Harmless("its state comes back too late to be sent while its client token is trusted"))
	case s.Search.ClearAt.IsZero():
		// A job that was started a moment ago may not be listed yet: look again.
		s.Search = search.New(s.Search.Since)
		s.Search.ClearAt = time.Now()
		s.NextAt = s.Search.ClearAt.Add(settling)
		return s, nil
	}
	s.Search, s.MayHaveStarted, s.NextAt = Search{}, false, time.Now()
	// But for an import's, another worker may send the token from a state of before while it is trusted: no other until then.
	if ago := quota.Elapsed(s.SentAt); s.carried != nil || ago >= c.opts.TokenWindow+settling || ago < -clockMargin {
		s.Phase = PhasePlanned
		s.Attempt++
	}
	s.untried = s.Phase == PhaseSending
	if s.FailedAttempts++; s.FailedAttempts >= attemptMax {
		s.FailedAttempts = 0 // who goes on has as many again
		why := cmp.Or(s.StartError, "no request is known to have been made")
		return s, &Error{Op: opStart.String(), Err: fmt.Errorf("%w after %d attempts, none of which started a job; the last: %s", errGivenUp, attemptMax, why)}
	}
	return s, nil
}

func unresolved(s Submission, why error) (Submission, error) {
	s.Phase = PhaseUnresolved
	s.NextAt = time.Time{}
	s.LastError = wire.OneLine(why.Error())
	return s, s.doubt(why)
}

// doubt is the error of a batch that is unresolved.
func (s Submission) doubt(why error) *DoubtError {
	e := &DoubtError{JobIDs: s.Search.Found, ReadSetIDs: s.Search.ReadSetIDs(), cause: why}
	if s.Job.ID != "" {
		e.JobIDs = []string{s.Job.ID}
	}
	return e
}

// settled ends a batch with what the read sets of its job tell of the sources of which the job told nothing.
func (c *Client) settled(s Submission) (Submission, *Error, error) {
	job := s.Job
	absent := job.Done() || !s.SentAt.IsZero() && quota.Elapsed(s.SentAt) > recordsKept // what is not in the store is not on its way either
	answers := job.answers(s.Batch.Target)
	sources := make([]JobSource, len(s.Batch.Sources))
	told := make([]search.Told, len(sources))
	for i, source := range s.Batch.Sources {
		f := s.Batch.Target.Fingerprint(source)
		js, named := answers.Of(f), answers[f] != nil
		told[i] = search.Told{Outcome: wire.Unclear, Status: js.Status, ReadSetID: js.ReadSetID, Message: js.StatusMessage}
		if sources[i].Source = source.clone(); named { // a status alone, of a start or a list, tells nothing of them
			told[i].Outcome = job.outcome(js)
		}
	}
	worst := s.Search.Sets.Tell(s.wants(), told, absent)
	for i, o := range told {
		js := &sources[i]
		js.Status, js.ReadSetID, js.StatusMessage, js.CandidateIDs = o.Status, o.ReadSetID, o.Message, o.Candidates
	}
	if !job.Done() {
		job.Status, job.StatusMessage = types.ReadSetImportJobStatusCompletedWithFailures, "the service does not know the job any more: its read sets told"
	}
	if worst == wire.Imported {
		job.Status = types.ReadSetImportJobStatusCompleted
	}
	if !s.Job.completed() && !slices.ContainsFunc(told, func(o search.Told) bool { return o.Outcome != wire.Unclear }) {
		return c.unsettled(s, nil, logtext.Harmless("the service does not know job "+job.ID+" any more"))
	}
	job.Sources = sources
	s.Job = job
	return done(s), nil, nil
}
