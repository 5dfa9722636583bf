package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/readsetimport/readsetimport/internal/quota"
)

// flight is a batch under way.
type flight struct {
	sub     Submission
	sources []Source      // what the input has of it: all of it, but for one that an earlier import began
	index   []int         // their positions in the input
	carried []Fingerprint // with a journal: all of its sources
	written int           // with a journal: the attempt that it has a sending record of, or 0
	changed bool          // it cannot be sent as it was: the input has only a part of it, or says something else of it
	slot    *quota.Slot   // nil once it is given back
	busy    bool          // a step or a sweep is under way
	alone   bool          // the next look is a Get of its own
	noted   bool          // Notify named it while a look was under way
	lookAt  time.Time
}

// abandon gives up what is under way, since the context has ended. Steps under way end by themselves.
func (r *run) abandon(ctx context.Context) {
	for _, f := range slices.Clone(r.flights) {
		if !f.busy {
			r.leave(ctx, f)
		}
	}
}

func (r *run) leave(ctx context.Context, f *flight) {
	r.drop(f)
	why := context.Cause(ctx)
	switch {
	case f.sub.unsent():
		why = notSent(why)
	case f.sub.Phase == PhaseRunning:
		why = stillRunning(f.sub.Job, why)
	default:
		why = fmt.Errorf("%w: %w", ErrUnresolved, why)
	}
	r.fail(f, why)
}

func stillRunning(job Job, why error) error {
	return fmt.Errorf("job %s was still running: %w", job.ID, why)
}

// drop takes a flight off the list and gives its slot back.
func (r *run) drop(f *flight) {
	r.freeSlot(f)
	r.flights = slices.DeleteFunc(r.flights, func(g *flight) bool { return g == f })
	if f.sub.Job.ID != "" {
		r.counts.Running -= len(f.index)
	}
}

func (r *run) freeSlot(f *flight) {
	if f.slot != nil {
		f.slot.Release()
		f.slot = nil
	}
}

// stepped is given a submission that took a step.
func (r *run) stepped(ctx context.Context, s step) {
	f := s.flight
	before := f.sub
	f.sub, f.busy = s.next, false
	if s.trouble != nil && ctx.Err() == nil {
		r.report(f, before.Phase, s.trouble)
	}
	if s.broken != nil {
		r.halt(s.broken)
	}
	r.track(f, before.Job)
	if before.Phase == PhaseRunning && s.trouble == nil {
		defer r.c.slots.Seen()
	}
	switch quota := s.trouble != nil && s.trouble.kind() == ErrQuotaExceeded; {
	case f.sub.Phase == PhaseDone:
		r.finish(f)
	case f.sub.Phase == PhaseUnresolved, errors.Is(s.err, ErrUnresolved):
		r.drop(f)
		r.fail(f, s.err)
	case f.sub.unplanned() && f.changed:
		r.replan(f)
	case ctx.Err() != nil:
		r.leave(ctx, f)
	case s.err != nil && f.sub.unsent():
		r.refuse(f, s.err)
	case s.broken != nil && s.err == s.broken:
		// The search found that nothing was started, and that cannot be written down: it would go on for ever.
		r.drop(f)
		r.fail(f, notSent(s.broken))
	case quota && f.sub.unsent():
		r.wait(f, s.trouble)
	case r.stop != nil && f.sub.unsent():
		r.drop(f)
		r.fail(f, notSent(r.stop))
	case f.sub.Phase == PhaseRunning && s.err != nil:
		r.drop(f)
		r.fail(f, stillRunning(f.sub.Job, s.err))
		r.halt(s.err)
	case f.sub.Phase == PhaseRunning:
		if s.trouble == nil {
			f.sub.NextAt = time.Now().Add(r.c.lookDelay(age(f.sub), r.typical))
		} else {
			f.alone = true // it has a time of its own for the next try, which a sweep must not bring forward
		}
		r.hurry(f)
	}
}

// track notes what has changed about a job: that it started, or its status.
func (r *run) track(f *flight, before Job) {
	job := f.sub.Job
	switch {
	case job.ID == "":
	case before.ID == "":
		f.slot.Started()
		r.jobs[job.ID] = true
		r.quotaSince = time.Time{}
		r.counts.Submitted += len(f.index)
		r.counts.Running += len(f.index)
		r.emit(Event{Kind: EventJobStarted, Job: job})
	case before.Status != job.Status:
		r.emit(Event{Kind: EventJobStatus, Job: job})
	}
}

// report makes an event of trouble that passes.
func (r *run) report(f *flight, phase Phase, trouble *Error) {
	e := Event{Kind: EventLookFailed, Job: f.sub.Job, Err: trouble, Wait: max(0, time.Until(f.sub.NextAt))}
	switch {
	case trouble.kind() == ErrThrottled:
		e.Kind = EventThrottled
	case trouble.kind() == ErrQuotaExceeded:
		e.Kind = EventSlotWait
	case phase != PhaseRunning && !f.sub.Search.on():
		e.Kind = EventStartFailed
	}
	r.emit(e)
}

// finish delivers what became of the sources of an ended job.
func (r *run) finish(f *flight) {
	job := f.sub.Job
	took := job.CompletionTime.Sub(job.CreationTime)
	if job.CompletionTime.IsZero() || job.CreationTime.IsZero() || took < 0 {
		took = elapsed(f.sub.SentAt)
	}
	if r.typical == 0 {
		r.typical = took
	}
	r.typical += (took - r.typical) / 8
	r.drop(f)
	if r.onJob != nil {
		r.onJob(job)
	}
	r.letGo(f)
	r.deliver(results(r.target, f.sources, f.index, job))
}

// refuse ends a batch that the service refused for good. What is wrong with a batch is its own matter; what is wrong
// with the store, the role, the permissions or the endpoint is everybody's.
func (r *run) refuse(f *flight, why error) {
	r.drop(f)
	r.fail(f, why)
	if !errors.Is(why, ErrValidation) && !errors.Is(why, errGivenUp) {
		r.halt(why)
	}
}

// wait puts a batch back that got no slot, before all others.
func (r *run) wait(f *flight, trouble *Error) {
	since := f.slot.Refused()
	f.slot = nil
	f.sub.Failures = 0 // the slots know when to try again
	r.flights = slices.DeleteFunc(r.flights, func(g *flight) bool { return g == f })
	if r.quotaSince.IsZero() {
		r.quotaSince = time.Now()
	}
	if r.quotaSince.Before(since) {
		r.quotaSince = since
	}
	switch {
	case r.stop != nil:
		r.fail(f, notSent(r.stop))
		return
	case since.IsZero():
		r.quotaSince = time.Time{}
	case time.Since(r.quotaSince) >= r.c.opts.QuotaPatience:
		r.waiting = append(r.waiting, f)
		r.halt(fmt.Errorf("no job slot came free within %s: %w", r.c.opts.QuotaPatience, trouble))
		return
	}
	r.waiting = slices.Insert(r.waiting, 0, f)
}

// fail delivers the same error for every source of a batch.
func (r *run) fail(f *flight, why error) {
	r.release(f)
	r.letGo(f)
	out := make([]Result, len(f.index))
	for i, s := range f.sources {
		out[i] = Result{Index: f.index[i], Source: s, JobID: f.sub.Job.ID, Err: why}
	}
	r.deliver(out)
}

// lookAtNoted brings forward the looks at jobs that Notify named.
func (r *run) lookAtNoted() {
	r.mu.Lock()
	noted := r.noted
	r.noted = make(map[string]struct{})
	r.mu.Unlock()
	for _, f := range r.flights {
		if _, named := noted[f.sub.Job.ID]; named && f.sub.Phase == PhaseRunning {
			f.noted = true
			r.hurry(f)
		}
	}
}

// hurry brings forward the look at a job that Notify named. A look that is under way may have been answered before what
// the event is about, so another follows it.
func (r *run) hurry(f *flight) {
	if !f.noted || f.busy {
		return
	}
	f.noted, f.alone = false, true
	if at := f.lookAt.Add(r.c.opts.MinPollDelay); at.Before(f.sub.NextAt) {
		f.sub.NextAt = at
	}
}
