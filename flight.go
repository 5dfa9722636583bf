package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/logtext"
	"github.com/readsetimport/readsetimport/internal/quota"
)

// flight is a batch under way.
type flight struct {
	sub     Submission
	sources []Source    // what the input has of it: all of it, but for one that an earlier import began
	index   []int       // their positions in the input
	written int         // with a journal: the attempt that it has a sending record of, or 0
	body    string      // of one that an earlier import began: the digest of its request
	changed bool        // it cannot be sent as it was: the input has only a part of it, or says something else of it
	slot    *quota.Slot // nil once it is given back
	busy    bool        // a step or a sweep is under way
	cancel  context.CancelCauseFunc
	alone   bool // the next look is a Get of its own
	noted   bool // Notify named it while a look was under way
	lookAt  time.Time
	claims  []chan<- *quota.Slot // imports that want it, of a watcher's batch with a step under way
}

// inSweeps reports whether the batch's job is looked at with the others, by a list.
func (f *flight) inSweeps() bool {
	return f.sub.Phase == PhaseRunning && !f.alone && !f.sub.Search.On()
}

// end takes a batch out of the import and delivers the results of its sources. Every batch ends here, and only here. It
// has no step under way, so nothing can come of it any more.
func (r *run) end(f *flight, out []Result) {
	same := func(g *flight) bool { return g == f }
	r.flights = slices.DeleteFunc(r.flights, same)
	r.waiting = slices.DeleteFunc(r.waiting, same)
	r.freeSlot(f)
	if f.sub.Job.ID != "" {
		r.counts.Running -= len(f.index)
	}
	r.letGo(f)
	for i, res := range out {
		if res.Err == nil || !r.informed {
			continue
		}
		// What a job did not bring in may be in the store by another, or on its way.
		switch now := r.c.ledger.Source(r.target.Fingerprint(res.Source)); {
		case now.ReadSetID != "":
			out[i] = alreadyImported(res.Source, res.Index, now)
		case now.JobID != "" && now.JobID != res.JobID:
			why := logtext.Harmless("it is not in the store by job " + res.JobID + ", and another has it too: import it again to know")
			out[i] = Result{Index: res.Index, Source: res.Source, JobID: now.JobID, Err: &DoubtError{JobIDs: []string{now.JobID}, cause: why}}
		}
	}
	for _, reply := range f.claims {
		reply <- nil
	}
	r.deliver(out)
}

// fail ends a batch with the same error for every source.
func (r *run) fail(f *flight, why error) {
	r.release(f)
	out := make([]Result, len(f.index))
	for i, s := range f.sources {
		out[i] = Result{Index: f.index[i], Source: s, JobID: f.sub.Job.ID, Err: why}
	}
	r.end(f, out)
}

func (r *run) freeSlot(f *flight) {
	if f.slot != nil {
		f.slot.Release()
		f.slot = nil
	}
}

// abandon ends what is under way, since the context has ended. Steps under way end by themselves.
func (r *run) abandon(ctx context.Context) {
	r.inputDone = r.inputDone || r.watcher
	for _, f := range slices.Clone(r.flights) {
		if !f.busy {
			r.leave(ctx, f)
		}
	}
}

// leave ends a batch because the context has ended.
func (r *run) leave(ctx context.Context, f *flight) {
	why := context.Cause(ctx)
	switch {
	case f.sub.unsent():
		r.fail(f, notSent(why))
	case f.sub.Phase == PhaseRunning:
		r.leaveBehind(f)
		r.fail(f, stillRunning(f.sub.Job.ID, why))
	default:
		r.leaveBehind(f)
		r.fail(f, fmt.Errorf("%w: %w", ErrUnresolved, why))
	}
}

func stillRunning(jobID string, why error) error {
	return fmt.Errorf("job %s was still running: %w", jobID, why)
}

// stepped is given a submission that took a step, and decides what becomes of the batch.
func (r *run) stepped(ctx context.Context, s step) {
	f := s.flight
	before := f.sub
	f.sub, f.busy = s.next, false
	f.cancel(nil)
	f.cancel = nil
	if s.broken != nil {
		r.halt(s.broken)
	}
	r.track(f, before.Job)
	if before.Phase == PhaseRunning && s.trouble == nil {
		defer r.c.slots.Seen()
	}
	if len(f.claims) > 0 && f.sub.Phase != PhaseDone {
		r.handOver(f)
		return
	}
	full := s.trouble != nil && s.trouble.kind() == ErrQuotaExceeded
	goesOn := false
	var then func()
	switch {
	case f.sub.Phase == PhaseDone:
		then = func() { r.finish(f) }
	case f.sub.Phase == PhaseUnresolved, errors.Is(s.err, ErrUnresolved):
		then = func() { r.fail(f, s.err) }
	case ctx.Err() != nil:
		then = func() { r.leave(ctx, f) }
	case f.sub.unplanned() && len(f.index) == 0:
		then = func() { r.fail(f, nil) } // nothing was started, and nobody here wants it
	case f.sub.unplanned() && f.changed:
		then = func() { r.replan(f) }
	case s.broken != nil && s.err == s.broken:
		// What is about to be sent cannot be written down, or that a search found that nothing was started.
		then = func() { r.fail(f, notSent(s.broken)) }
	case s.err != nil && f.sub.unsent():
		then = func() { r.refuse(f, s.err) }
	case full && f.sub.unsent():
		then = func() { r.wait(f, s.trouble) }
	case r.stop != nil && f.sub.unsent():
		then = func() { r.fail(f, notSent(r.stop)) }
	case f.sub.Phase == PhaseRunning && s.err != nil:
		then = func() {
			r.halt(s.err)
			r.haltOthers(s.err)
			r.fail(f, stillRunning(f.sub.Job.ID, s.err))
		}
	default:
		goesOn = true
		then = func() { r.goOn(f, s) }
	}
	if s.trouble != nil && ctx.Err() == nil {
		r.report(f, before.Phase, s.trouble, goesOn)
	}
	then()
}

// goOn leaves a batch under way until its next step.
func (r *run) goOn(f *flight, s step) {
	switch {
	case f.sub.unplanned() && f.slot.GiveBack(): // nothing was started, and it needs a slot as others do
		r.requeue(f)
	case f.sub.Phase != PhaseRunning && f.slot != nil && s.trouble != nil && s.trouble.kind() == ErrQuotaExceeded:
		r.losePatience(f.slot.RefusedInDoubt(), s.trouble)
	case f.sub.Phase != PhaseRunning, f.sub.Search.On():
	case s.trouble == nil:
		f.sub.NextAt = time.Now().Add(r.nextLook(f))
		r.hurry(f)
	default:
		f.alone = true // it has a time of its own for the next try, which a sweep must not bring forward
		r.hurry(f)
	}
}

// track notes what has changed about a job: that it started, or its status.
func (r *run) track(f *flight, before Job) {
	job := f.sub.Job
	switch {
	case job.ID == "":
	case before.ID == "":
		if f.slot != nil {
			f.slot.Started()
		}
		r.jobs[job.ID] = true
		r.patience.Renew()
		r.counts.Submitted += len(f.index)
		r.counts.Running += len(f.index)
		r.emit(Event{Kind: EventJobStarted, Job: job})
	case before.Status != job.Status:
		e := Event{Kind: EventJobStatus, Job: job}
		if job.Done() && job.Status != types.ReadSetImportJobStatusCompleted {
			e.Err = &JobError{Job: job}
		}
		r.emit(e)
	}
}

// report makes an event of a failed request. The time until the next try is known if the batch goes on.
func (r *run) report(f *flight, phase Phase, trouble *Error, goesOn bool) {
	e := Event{Kind: EventPollFailed, Job: f.sub.Job, Err: trouble}
	switch {
	case trouble.kind() == ErrThrottled:
		e.Kind = EventThrottled
	case trouble.kind() == ErrQuotaExceeded:
		e.Kind = EventSlotWait
	case phase != PhaseRunning && !f.sub.Search.On():
		e.Kind = EventStartFailed
	}
	if goesOn {
		e.Wait = max(0, time.Until(f.sub.NextAt))
	}
	r.emit(e)
}

// finish ends a batch whose job has ended.
func (r *run) finish(f *flight) {
	job := f.sub.Job
	took := job.CompletionTime.Sub(job.CreationTime)
	if job.CompletionTime.IsZero() || job.CreationTime.IsZero() || took < 0 {
		took = quota.Elapsed(f.sub.SentAt)
	}
	if job.Err() == nil {
		r.times.Add(took)
	}
	if r.onJob != nil {
		r.onJob(job)
	}
	r.end(f, results(r.target, f.sources, f.index, job))
}

// refuse ends a batch that the service refused for good. What is wrong with a batch is its own matter; what is wrong
// with the store, the role, the permissions or the endpoint is everybody's.
func (r *run) refuse(f *flight, why error) {
	if !errors.Is(why, ErrValidation) && !errors.Is(why, errGivenUp) {
		r.halt(why)
	}
	r.fail(f, why)
}

// wait puts a batch back that got no slot, before all others.
func (r *run) wait(f *flight, trouble *Error) {
	since := f.slot.Refused()
	f.sub.Failures = 0 // the slots know when to try again
	r.requeue(f)
	r.losePatience(since, trouble)
}

func (r *run) requeue(f *flight) {
	f.slot = nil
	r.flights = slices.DeleteFunc(r.flights, func(g *flight) bool { return g == f })
	r.waiting = slices.Insert(r.waiting, 0, f)
}

// losePatience halts the import when no slot came free for too long: see [quota.Patience].
func (r *run) losePatience(since time.Time, trouble *Error) {
	if r.patience.Over(since, r.c.opts.QuotaTimeout) {
		r.halt(fmt.Errorf("no job slot came free within %s: %w", r.c.opts.QuotaTimeout, trouble))
	}
}

// lookAtNoted brings forward the looks at jobs that Notify named.
func (r *run) lookAtNoted() {
	r.mu.Lock()
	noted := r.noted
	r.noted = make(map[string]struct{})
	r.mu.Unlock()
	for _, f := range r.flights {
		if _, named := noted[f.sub.Job.ID]; named && f.sub.Phase == PhaseRunning && !f.sub.Search.On() {
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
