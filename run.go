package readsetimport

import (
	"context"
	"crypto/rand"
	"errors"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/readsetimport/readsetimport/internal/quota"
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

type grant struct {
	slot *quota.Slot
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
			r.take(ctx, c)
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
			sl, err := r.c.slots.Acquire(ctx)
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
	switch {
	case r.c.ledger != nil:
		other = r.c.ledger.knows
	case sub.Search.on():
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
func (r *run) take(ctx context.Context, c chunk) {
	r.wanted = false
	r.inputDone = c.last
	r.deliver(c.results)
	switch {
	case c.err != nil:
		r.halt(c.err)
	case c.cut && ctx.Err() != nil:
		r.halt(context.Cause(ctx))
	}
	for _, f := range c.resumed {
		r.resume(f)
		if ctx.Err() != nil {
			r.leave(ctx, f)
		}
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
		g.slot.Release()
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
