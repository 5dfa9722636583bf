package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/readsetimport/readsetimport/internal/quota"
)

// run is one import, or a watcher: see watch.go. One goroutine, loop, owns its state; others read the input, make
// requests, wait for slots and call OnEvent, and hand what they have back to it. It never waits for a consumer or for
// OnEvent, so that neither holds back other imports of the client.
type run struct {
	c        *Client
	target   Target
	opts     ImportOptions
	informed bool      // its journal has been read, and is of its store
	whole    []Source  // all sources of an Import, known to be valid; nil for a Stream
	onJob    func(Job) // called with each job that ended
	watcher  bool      // it has no input of its own

	wants   chan struct{}    // the loop wants a chunk of input
	chunks  chan chunk       // of input
	grants  chan grant       // slots
	steps   chan step        // submissions that took a step
	sweeps  chan sweepAnswer // looks at many jobs
	out     chan []Result
	notices chan notice   // for OnEvent; nil without one
	wake    chan struct{} // there is something in noted
	broken  chan struct{} // closed when nobody reads out any more
	claims  chan claim    // of a watcher: imports want batches that it has in hand
	offers  chan *flight  // of a watcher: batches that nobody else has in hand
	blind   chan error    // why a watcher of the store may not look at its jobs any more
	group   sync.WaitGroup
	cancel  context.CancelCauseFunc // of a watcher

	used  atomic.Bool
	mu    sync.Mutex
	noted map[string]struct{} // jobs to look at now

	wanted, asking, sweeping bool // what is under way
	inputDone                bool
	endAcquire               context.CancelFunc // ends the wait for a slot
	endInput                 context.CancelFunc // no more input is read
	stop                     error              // why no more jobs are started
	inputErr                 error              // the input's own
	waiting                  []*flight          // batches without a slot
	flights                  []*flight          // batches with one
	jobs                     map[string]bool    // ids of all jobs of this import
	outbox                   [][]Result         // results that are not consumed yet
	untold                   []notice           // events that OnEvent has not been called with
	counts                   Counts
	times                    quota.JobTimes
	sweepAfter               time.Time // sweeps cost too much until then
	sweepFailures            int
	patience                 quota.Patience
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

const (
	outboxMax = 16 // jobs' results that may wait for a slow consumer before no more jobs are started
	untoldMax = 64 // events that may wait for a slow OnEvent before no more jobs are started
)

func (c *Client) newRun(t Target, opts ImportOptions) *run {
	r := &run{
		c: c, target: t, opts: opts,
		wants: make(chan struct{}, 1), chunks: make(chan chunk), grants: make(chan grant, 1),
		steps: make(chan step), sweeps: make(chan sweepAnswer), out: make(chan []Result), wake: make(chan struct{}, 1), broken: make(chan struct{}),
		claims: make(chan claim), offers: make(chan *flight), blind: make(chan error, 1),
		noted: make(map[string]struct{}), jobs: make(map[string]bool), endAcquire: func() {}, endInput: func() {},
	}
	if opts.OnEvent != nil {
		r.notices = make(chan notice)
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
		if err := r.c.enter(ctx, r); err != nil {
			r.ended(err)
			yield(Result{}, err)
			return
		}
		caller := ctx
		ctx, cancel := context.WithCancelCause(ctx)
		var reading context.Context
		reading, r.endInput = context.WithCancel(ctx)
		defer func() {
			close(r.broken)
			cancel(errBrokenOff)
			r.group.Wait()
			r.c.exit(r)
		}()
		r.group.Go(func() { r.feed(caller, reading, input) })
		r.group.Go(func() { r.loop(ctx) })
		for some := range r.out {
			for _, res := range some {
				if !yield(res, nil) {
					return
				}
			}
		}
		if err := r.failure(); err != nil {
			yield(Result{}, err)
		}
	}
}

// failure returns why the import could not go on, or why its input could not be read to its end.
func (r *run) failure() error {
	switch {
	case r.stop == nil:
		return r.inputErr
	case r.inputErr == nil:
		return r.stop
	}
	return fmt.Errorf("%w; the input: %w", r.stop, r.inputErr)
}

// note has the job looked at now, if it is one of this import.
func (r *run) note(jobID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	const most = 10_000 // of forged ids
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
	var told chan struct{}
	if r.notices != nil {
		told = make(chan struct{})
		r.group.Go(func() { r.tell(told, r.notices, r.opts.OnEvent) })
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	ended := ctx.Done()
	for {
		select {
		case why := <-r.blind: // before anything that follows from a slot that came free for it
			r.halt(why)
		default:
		}
		r.dropUnsent()
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
		var notices chan notice
		var oldest notice
		if len(r.untold) > 0 {
			notices, oldest = r.notices, r.untold[0]
		}
		select {
		case out <- first:
			r.outbox = r.outbox[1:]
		case notices <- oldest:
			r.untold = r.untold[1:]
		case <-told: // OnEvent has ended its goroutine
			told, r.notices, r.untold, r.opts.OnEvent = nil, nil, nil, nil
		case c := <-r.chunks: // even if too much is waiting: the slots of the batches in it are this import's by now
			r.take(ctx, c)
		case g := <-r.grants:
			r.granted(g)
		case s := <-r.steps:
			r.stepped(ctx, s)
		case s := <-r.sweeps:
			r.swept(ctx, s)
		case <-r.wake:
			r.lookAtNoted()
		case q := <-r.claims:
			r.claimed(q)
		case f := <-r.offers:
			r.resume(ctx, f)
		case why := <-r.blind:
			r.halt(why)
		case <-timer.C:
		case <-ended:
			ended = nil
			r.halt(context.Cause(ctx))
			r.abandon(ctx)
		}
	}
	r.emit(Event{Kind: EventImportEnded, Err: r.failure()})
	r.tellRest(told)
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

// backlogged reports whether the consumer or OnEvent is so slow that no more may be begun.
func (r *run) backlogged() bool {
	return len(r.outbox) >= outboxMax || len(r.untold) >= untoldMax
}

// request asks for input and for a slot, one of each at a time.
func (r *run) request(ctx context.Context) {
	if r.stop != nil || r.backlogged() {
		return
	}
	if !r.inputDone && !r.wanted && len(r.waiting) == 0 {
		r.wanted = true
		r.wants <- struct{}{}
	}
	if !r.asking && len(r.waiting) > 0 {
		r.asking = true
		ctx, cancel := context.WithCancel(ctx)
		r.endAcquire = cancel
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
		case f.inSweeps():
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
		other = func(ref JobRef) bool { return r.c.ledger.IsOthers(ref.SequenceStoreID, ref.ID) }
	case sub.Search.On():
		known := maps.Clone(r.jobs) // the search reads it while the loop writes
		other = func(ref JobRef) bool { return known[ref.ID] }
	}
	ctx, f.cancel = context.WithCancelCause(ctx)
	r.group.Go(func() {
		next, trouble, err := r.c.advance(ctx, sub, other)
		broken := r.remember(ctx, f, sub, next)
		if broken != nil && next.unsent() {
			next, err = sub, broken // what is not written down is not sent
		}
		r.steps <- step{f, next, trouble, err, broken}
	})
}

// untilDue returns how long it is until the next step is due.
func (r *run) untilDue() time.Duration {
	wait := time.Hour
	for _, f := range r.flights {
		if !f.busy && !(r.sweeping && f.inSweeps()) {
			wait = min(wait, time.Until(f.sub.NextAt))
		}
	}
	return max(wait, 0)
}

// take is given a chunk of input.
func (r *run) take(ctx context.Context, c chunk) {
	if !c.early {
		r.wanted = false
	}
	r.inputDone, r.inputErr = c.last, c.err
	if c.cut != nil {
		r.halt(c.cut)
	}
	r.deliver(c.results)
	for _, f := range c.resumed {
		r.resume(ctx, f)
	}
	r.planAll(c.sources, c.index, c.tries)
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

// halt keeps more jobs from being started. It ends no batch: dropUnsent does, before the loop goes on.
func (r *run) halt(why error) {
	if r.stop != nil {
		return
	}
	r.stop = why
	r.endAcquire()
	r.endInput()
}

// dropUnsent ends the batches that were not sent and, since the import has been halted, are not going to be.
func (r *run) dropUnsent() {
	if r.stop == nil {
		return
	}
	for _, f := range slices.Concat(r.waiting, r.flights) {
		if !f.busy && f.sub.unsent() {
			r.fail(f, notSent(r.stop))
		}
	}
}
