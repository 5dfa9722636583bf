package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/readsetimport/readsetimport/internal/quota"
	"github.com/readsetimport/readsetimport/internal/search"
	"github.com/readsetimport/readsetimport/internal/wire"
)

// Get returns a job as it is now. After a failure that passes by itself it asks again: up to 5 times in all, with pauses of
// some ten seconds together, or what Retry-After asks for. The error is a [*ValidationError] for malformed ids, an
// [*Error], or the cause of the context's end; that the job failed is not an error here.
func (c *Client) Get(ctx context.Context, ref JobRef) (Job, error) {
	if err := ref.validate(); err != nil {
		return Job{}, err
	}
	var job Job
	err := c.retry(ctx, startTries, 1, untold, func() (err error) {
		job, err = c.get(ctx, ref)
		return err
	})
	return job, err
}

// Wait returns when the job has ended. It looks at the job at once, and then at growing intervals between MinPollDelay and
// MaxPollDelay. Looks that fail do not end it, however long that lasts, with the exceptions below.
//
// The error is nil if every source was imported, and a [*JobError] if not; the job is returned either way. It is an [*Error] if
// there is no such job, if the first look is refused, or if nothing but refusals for want of permission or credentials has come for
// half an hour (five minutes if this client has never seen a job); [ErrUnresolved] if the service's answers contradict themselves;
// and the cause of the context's end. Then the job is as it was last seen.
func (c *Client) Wait(ctx context.Context, ref JobRef) (Job, error) {
	if err := ref.validate(); err != nil {
		return Job{}, err
	}
	s := Submission{Phase: PhaseRunning, Job: Job{JobRef: ref}, SentAt: time.Now()}
	for {
		next, trouble, err := c.advance(ctx, s, nil)
		switch {
		case err != nil:
			return next.Job, err
		case trouble != nil && next.Job.Status == "" && !trouble.passing() && !errors.Is(trouble, wire.ErrNotCredible):
			return next.Job, trouble
		case next.Phase == PhaseDone:
			return next.Job, next.Job.Err()
		}
		s = next
		if err := quota.Sleep(ctx, time.Until(s.NextAt)); err != nil {
			if trouble != nil {
				err = fmt.Errorf("%w; the last look: %w", err, trouble)
			}
			return s.Job, err
		}
	}
}

// look asks for the job once.
func (c *Client) look(ctx context.Context, s Submission) (Submission, *Error, error) {
	job, err := c.get(ctx, s.Job.JobRef)
	var e *Error
	switch {
	case err == nil:
	case !errors.As(err, &e):
		return s, nil, err
	case ctx.Err() != nil:
		return s, e, e
	case errors.Is(e, wire.ErrNotCredible), e.Code != "" && (e.kind() == ErrValidation || e.kind() == ErrNotFound && quota.Elapsed(s.SentAt) > settling):
		return c.doubt(s, Job{}, e)
	default:
		if s = c.failed(s, e); c.blind(s, e) {
			return s, e, e
		}
		return s, e, nil
	}
	ended, why := s.judge(job)
	if why != nil {
		return c.doubt(s, job, &Error{Op: opGet.String(), StatusCode: http.StatusOK, Err: why})
	}
	s.Job = job
	s.Job.Sources = search.Once(job.Sources, s.carried, func(js JobSource) (Fingerprint, wire.Outcome) {
		return s.Batch.Target.Fingerprint(js.Source), job.outcome(js)
	})
	s.Failures, s.LastError, s.Doubts, s.DeniedSince = 0, "", 0, time.Time{}
	if ended {
		return done(s), nil, nil
	}
	s.NextAt = time.Now().Add(c.delays.Look(age(s)))
	return s, nil, nil
}

// blind reports whether this client has been refused looks at the job for so long that waiting for permission or
// credentials is hopeless. What the list of jobs answers is no look at a job.
func (c *Client) blind(s Submission, e *Error) bool {
	switch {
	case !e.renewable():
		return false
	case e.kind() == ErrCredentials && !e.passing() && !c.succeeded.Load():
		return true
	case !c.looked.Load():
		return s.denied(e, grantPatience)
	}
	return s.denied(e, deniedPatience)
}

func done(s Submission) Submission {
	s.Phase, s.Search = PhaseDone, Search{}
	s.NextAt = time.Time{}
	return s
}

// age is how long the job has been under way, by our clock or the service's, whichever is more.
func age(s Submission) time.Duration {
	if s.Job.CreationTime.IsZero() {
		return quota.Elapsed(s.SentAt)
	}
	return max(quota.Elapsed(s.SentAt), quota.Elapsed(s.Job.CreationTime))
}

// doubt notes an answer that makes no sense, and after so many in a row takes what can be taken from it.
func (c *Client) doubt(s Submission, job Job, e *Error) (Submission, *Error, error) {
	patience := doubtPatience
	if job.Status != "" && !wire.KnownStatus(job.Status) {
		patience = unknownPatience
		s.Job = job
	}
	s.Doubts++
	s = c.failed(s, e)
	switch {
	case s.Doubts < patience:
		return s, e, nil
	case (job.completed() && !errors.Is(e, errOtherSources) || e.kind() == ErrNotFound) && c.asksReadSets(s):
		// The read sets may tell. Those of a job that has ended a moment ago may not be listed yet.
		s.Search, s.Doubts = search.New(s.SentAt), 0
		s.Search.Listed, s.Search.Sets = true, &search.Sets{}
		s.NextAt = time.Now()
		if job.completed() {
			s.Job = job
		}
		if s.Job.Done() { // as a list may have told
			s.Search.ClearAt = s.NextAt // when it was completed is by another clock
		}
		return s, e, nil
	case job.Done() && !errors.Is(e, errOtherSources), job.completed() && len(job.Sources) <= len(s.sources()):
		s.Job = job // with what it says of the sources that it knows
		return done(s), e, nil
	}
	if job.Done() {
		s.Job = job
	}
	next, err := unresolved(s, fmt.Errorf("job %s: %w", s.Job.ID, e))
	return next, e, err
}

// errOtherSources is an answer about a job that has sources that this one was not started with. If it failed, nothing tells
// what became of those that it does not name.
var errOtherSources = fmt.Errorf("%w: it has sources that the job was not started with", wire.ErrNotCredible)

// judge reports whether the job has ended, and what is wrong with the answer about it, or nil.
func (s Submission) judge(job Job) (ended bool, wrong error) {
	left := s.sources()
	all := len(left) == 0 // of a job that was started elsewhere, all that its answer names
	told := true
	for _, js := range job.Sources {
		f := s.Batch.Target.Fingerprint(js.Source)
		if !all && left[f] == 0 {
			return false, errOtherSources
		}
		if left[f]--; left[f] <= 0 {
			delete(left, f)
		}
		told = told && job.outcome(js) != wire.Unclear
	}
	if len(left) > 0 {
		told = told && job.outcome(JobSource{}) != wire.Unclear
	}
	switch ended = job.Done() || job.allEnded() && len(left) == 0; {
	case !ended && !wire.KnownStatus(job.Status):
		return false, fmt.Errorf("%w: unknown job status %q", wire.ErrNotCredible, wire.OneLine(string(job.Status)))
	case ended && !told:
		return true, fmt.Errorf("%w: the job has ended, and some of its sources have no clear outcome", wire.ErrNotCredible)
	}
	return ended, nil
}

// sources counts the sources of the batch's job. It is empty if they are not known.
func (s Submission) sources() map[Fingerprint]int {
	if s.carried == nil {
		s.carried = fingerprints(s.Batch.Target, s.Batch.Sources)
	}
	return search.Counts(s.carried)
}

// nextLook returns how long to wait before the next look at a job that runs.
func (r *run) nextLook(f *flight) time.Duration {
	together, oldest := 0.0, 0.0
	for _, g := range r.flights {
		if g.sub.Phase == PhaseRunning {
			a := age(g.sub).Seconds()
			together, oldest = together+a, max(oldest, a)
		}
	}
	d := r.times.Delay(age(f.sub).Seconds(), together, oldest)
	switch wanted, rivals := r.c.slots.Demand(); {
	case wanted:
		d = min(d, max(15, rivals.Seconds()/240))
	case r.inputDone:
		d *= 2 // nobody waits for the slot
	}
	return r.c.delays.Poll(d)
}
