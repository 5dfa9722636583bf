package readsetimport

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// run is one import. One goroutine, loop, owns its state; others read the input, make requests and wait for slots, and
// hand what they have back to it.
type run struct {
	c      *Client
	target Target
	runID  string
	valid  bool      // the sources are known to be valid
	onJob  func(Job) // called with each job that ended

	wants  chan struct{}    // the loop wants a chunk of input
	chunks chan chunk       // one for each
	grants chan grant       // slots
	steps  chan step        // submissions that took a step
	sweeps chan sweepAnswer // looks at many jobs
	out    chan []Result
	wake   chan struct{} // there is something in noted
	broken chan struct{} // closed when nobody reads out any more
	group  sync.WaitGroup

	used  atomic.Bool
	mu    sync.Mutex
	noted map[string]struct{} // jobs to look at now

	wanted, asking, sweeping bool // what is under way
	inputDone                bool
	giveUp                   context.CancelFunc // ends the wait for a slot
	endInput                 context.CancelFunc // no more input is read
	stop                     error              // why no more jobs are started
	waiting                  []*flight          // batches without a slot
	flights                  []*flight          // batches with one
	jobs                     map[string]bool    // ids of all jobs of this import
	outbox                   [][]Result
	counts                   Counts
	typical                  time.Duration // how long a job takes, 0 before one has ended
	sweepAfter               time.Time     // sweeps cost too much until then
	sweepFailures            int
	quotaSince               time.Time // since when there has been no slot, and no job of this client's running
}

// flight is a batch under way.
type flight struct {
	sub     Submission
	sources []Source      // what the input has of it: all of it, but for one that an earlier import began
	index   []int         // their positions in the input
	carried []Fingerprint // with a journal: all of its sources
	written int           // with a journal: the attempt that it has a sending record of, or 0
	slot    *slot         // nil once it is given back
	busy    bool          // a step or a sweep is under way
	alone   bool          // the next look is a Get of its own
	noted   bool          // Notify named it while a look was under way
	lookAt  time.Time
}

type grant struct {
	slot *slot
	err  error
}

type step struct {
	flight  *flight
	next    Submission
	trouble *Error
	err     error
	broken  error // the journal could not be written
}

// outboxMax is how many jobs' results may wait for a slow consumer before no more jobs are started.
const outboxMax = 16

func (c *Client) newRun(t Target) *run {
	r := &run{
		c: c, target: t, runID: c.opts.RunID,
		wants: make(chan struct{}, 1), chunks: make(chan chunk, 1), grants: make(chan grant, 1),
		steps: make(chan step), sweeps: make(chan sweepAnswer), out: make(chan []Result), wake: make(chan struct{}, 1), broken: make(chan struct{}),
		noted: make(map[string]struct{}), jobs: make(map[string]bool), giveUp: func() {},
	}
	if !c.fixedRunID {
		r.runID = rand.Text()
	}
	return r
}

var (
	errBrokenOff = errors.New("the loop over the results was broken off")
	errUsed      = errors.New("readsetimport: the iterator of a Stream can be used once")
)

// stream runs the import while its results are consumed.
func (r *run) stream(ctx context.Context, input iter.Seq2[Source, error]) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		if r.used.Swap(true) {
			yield(Result{}, errUsed)
			return
		}
		if r.c.ledger != nil {
			if err := r.c.ledger.open(ctx); err != nil {
				yield(Result{}, err)
				return
			}
		}
		ctx, cancel := context.WithCancelCause(ctx)
		var inputCtx context.Context
		inputCtx, r.endInput = context.WithCancel(ctx)
		r.c.watch(r, true)
		defer func() {
			close(r.broken)
			cancel(errBrokenOff)
			r.group.Wait()
			r.c.watch(r, false)
		}()
		chunks := r.chunks
		r.group.Go(func() { r.feed(inputCtx, input, chunks) })
		r.group.Go(func() { r.loop(ctx) })
		for some := range r.out {
			for _, res := range some {
				if !yield(res, nil) {
					return
				}
			}
		}
		if r.stop != nil {
			yield(Result{}, r.stop)
		}
	}
}

func (c *Client) watch(r *run, on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if on {
		c.runs[r] = struct{}{}
	} else {
		delete(c.runs, r)
	}
}

func (r *run) note(jobID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	const most = 10_000 // of forged ids, if the import is held up by its OnEvent
	if len(r.noted) < most {
		r.noted[jobID] = struct{}{}
	}
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// loop owns the import.
func (r *run) loop(ctx context.Context) {
	defer close(r.out)
	timer := time.NewTimer(0)
	defer timer.Stop()
	ended := ctx.Done()
	for {
		r.request(ctx)
		r.dispatch(ctx)
		if r.finished() {
			break
		}
		timer.Reset(r.untilDue())
		var out chan []Result
		var first []Result
		if len(r.outbox) > 0 {
			out, first = r.out, r.outbox[0]
		}
		select {
		case out <- first:
			r.outbox = r.outbox[1:]
		case c := <-r.chunks:
			r.take(c)
		case g := <-r.grants:
			r.granted(g)
		case s := <-r.steps:
			r.stepped(ctx, s)
		case s := <-r.sweeps:
			r.swept(ctx, s)
		case <-r.wake:
			r.lookAtNoted()
		case <-timer.C:
		case <-ended:
			ended = nil
			r.halt(context.Cause(ctx))
			r.abandon(ctx)
		}
	}
	r.emit(Event{Kind: EventImportEnded, Err: r.stop})
	for _, some := range r.outbox {
		select {
		case r.out <- some:
		case <-r.broken:
			return
		}
	}
}

// finished reports whether nothing is under way and nothing is left to do.
func (r *run) finished() bool {
	return r.inputDone && !r.asking && !r.sweeping && len(r.waiting) == 0 && len(r.flights) == 0
}

// request asks for input and for a slot, one of each at a time.
func (r *run) request(ctx context.Context) {
	if r.stop != nil {
		return
	}
	if !r.inputDone && !r.wanted && len(r.waiting) == 0 && len(r.outbox) < outboxMax {
		r.wanted = true
		r.wants <- struct{}{}
	}
	if !r.asking && len(r.waiting) > 0 {
		r.asking = true
		ctx, cancel := context.WithCancel(ctx)
		r.giveUp = cancel
		r.group.Go(func() {
			defer cancel()
			sl, err := r.c.slots.acquire(ctx)
			r.grants <- grant{sl, err}
		})
	}
}

// dispatch starts the steps that are due, or one sweep for all jobs that run.
func (r *run) dispatch(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	now := time.Now()
	var running []*flight
	due := false
	for _, f := range r.flights {
		switch {
		case f.busy:
		case f.sub.Phase == PhaseRunning && !f.alone:
			running = append(running, f)
			due = due || !f.sub.NextAt.After(now)
		case !f.sub.NextAt.After(now):
			r.step(ctx, f)
		}
	}
	switch {
	case !due:
	case len(running) >= sweepMin && !r.sweeping && !now.Before(r.sweepAfter):
		r.sweep(ctx, running)
	case r.sweeping:
		// It started after the sweep, which ends soon.
	default:
		for _, f := range running {
			if !f.sub.NextAt.After(now) {
				r.step(ctx, f)
			}
		}
	}
}

func (r *run) step(ctx context.Context, f *flight) {
	f.busy, f.alone, f.lookAt = true, false, time.Now()
	sub := f.sub
	var other func(JobRef) bool
	if sub.Search.on() {
		known := maps.Clone(r.jobs) // the search reads it while the loop writes
		other = func(ref JobRef) bool { return known[ref.ID] }
	}
	r.group.Go(func() {
		next, trouble, err := r.c.advance(ctx, sub, other)
		broken := r.remember(ctx, f, sub, next)
		if broken != nil && next.unsent() {
			next, err = sub, broken // what is not written down is not sent
		}
		r.steps <- step{f, next, trouble, err, broken}
	})
}

// untilDue is how long until the next step is due.
func (r *run) untilDue() time.Duration {
	wait := time.Hour
	for _, f := range r.flights {
		if !f.busy && !(r.sweeping && f.sub.Phase == PhaseRunning && !f.alone) {
			wait = min(wait, time.Until(f.sub.NextAt))
		}
	}
	return max(wait, 0)
}

// take is given the chunk of input that was wanted.
func (r *run) take(c chunk) {
	r.wanted = false
	r.inputDone = c.last
	r.deliver(c.results)
	if c.err != nil {
		r.halt(c.err)
	}
	for _, f := range c.resumed {
		r.resume(f)
	}
	if len(c.sources) == 0 {
		return
	}
	f := r.plan(c.sources, c.index, c.tries)
	if r.stop != nil {
		r.fail(f, notSent(r.stop))
		return
	}
	r.waiting = append(r.waiting, f)
}

// granted is given the slot that was asked for.
func (r *run) granted(g grant) {
	r.asking = false
	switch {
	case g.slot == nil:
	case len(r.waiting) == 0:
		r.c.slots.released(g.slot)
	default:
		f := r.waiting[0]
		r.waiting = r.waiting[1:]
		f.slot = g.slot
		f.sub.NextAt = time.Now()
		r.flights = append(r.flights, f)
	}
}

// halt keeps more jobs from being started. Batches that were not sent are not going to be.
func (r *run) halt(why error) {
	if r.stop != nil {
		return
	}
	r.stop = why
	r.giveUp()
	r.endInput()
	for _, f := range r.waiting {
		r.fail(f, notSent(why))
	}
	r.waiting = nil
	for _, f := range slices.Clone(r.flights) {
		if !f.busy && f.sub.unsent() {
			r.drop(f)
			r.fail(f, notSent(why))
		}
	}
}

// unsent reports whether it is certain that no request for the batch has left.
func (s Submission) unsent() bool {
	return s.Phase == PhasePlanned || s.Phase == "" || s.Phase == PhaseSending && s.untried
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
		why = fmt.Errorf("job %s was still running: %w", f.sub.Job.ID, why)
	default:
		why = fmt.Errorf("%w: %w", ErrUnresolved, why)
	}
	r.fail(f, why)
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
		r.c.slots.released(f.slot)
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
		defer r.c.slots.seen()
	}
	switch quota := s.trouble != nil && s.trouble.kind() == ErrQuotaExceeded; {
	case f.sub.Phase == PhaseDone:
		r.finish(f)
	case f.sub.Phase == PhaseUnresolved:
		r.drop(f)
		r.fail(f, s.err)
	case f.sub.unplanned() && len(f.sources) < len(f.carried):
		r.replan(f)
	case ctx.Err() != nil:
		r.leave(ctx, f)
	case s.err != nil && f.sub.unsent():
		r.refuse(f, s.err)
	case quota && f.sub.unsent():
		r.wait(f, s.trouble)
	case r.stop != nil && f.sub.unsent():
		r.drop(f)
		r.fail(f, notSent(r.stop))
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
		r.c.slots.started(f.slot)
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
	since := r.c.slots.refused(f.slot, r.c.jittered)
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

func (r *run) deliver(out []Result) {
	if len(out) == 0 {
		return
	}
	for i := range out {
		if out[i].Err == nil {
			r.counts.Imported++
		} else {
			r.counts.Failed++
		}
		if r.c.opts.OnEvent != nil {
			res := out[i]
			r.emit(Event{Kind: EventSourceEnded, Job: Job{JobRef: JobRef{r.target.SequenceStoreID, res.JobID}}, Result: &res})
		}
	}
	r.outbox = append(r.outbox, out)
}

func (r *run) emit(e Event) {
	if r.c.opts.OnEvent == nil {
		return
	}
	e.Time, e.Counts = time.Now(), r.counts
	e.Job.Sources = nil
	r.c.opts.OnEvent(e)
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
