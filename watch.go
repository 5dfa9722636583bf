package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/readsetimport/readsetimport/internal/quota"
	"github.com/readsetimport/readsetimport/internal/wire"
)

// What an earlier import began counts from the moment that an import of the client begins, and not when its input comes
// to it: the jobs hold their slots, are looked at, and what becomes of them is written to the journal. A watcher does
// that for one store: it is an import without input, which has the batches in hand that no other has, and gives them up
// to the import whose input has their sources. It lives as long as any import of the client does.

// claimGrace is how long a watcher leaves a batch alone. An import whose input has its sources may come for it at once,
// and can repeat a request of which it is not known whether it started a job, which is quicker than to look for the job.
const claimGrace = time.Minute

// claim is an import's wish for a batch that a watcher has.
type claim struct {
	token string
	reply chan<- *quota.Slot // has room for one; nil: the batch was not there, or has no slot any more
}

// enter makes an import one of the client's. With a journal, it reads that, and has the batches watched that it knows
// to be under way.
func (c *Client) enter(ctx context.Context, r *run) error {
	if c.ledger != nil {
		defer func() { r.informed = c.ledger.Opened() && c.here(r.target) }()
	}
	if err := c.knock(ctx); err != nil {
		return err
	}
	defer func() { <-c.door }()
	if c.ledger != nil {
		if err := c.openJournal(ctx, r.target); err != nil {
			return err
		}
		c.watch(ctx, r)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runs[r] = struct{}{}
	return nil
}

// openJournal reads the journal. The error says that it cannot be read or written, or that it is of another place.
func (c *Client) openJournal(ctx context.Context, t Target) error {
	if err := c.ledger.Open(ctx); err != nil {
		return err
	}
	if err := c.ledger.Locate(ctx, t.SequenceStoreID, wire.Place(t.RoleARN, c.api, c.opts.ClientOptions)); err != nil {
		return err
	}
	return c.ledger.Broken()
}

// here reports whether what the journal says of the target's store can be said of this client's: it does not know the
// store in another place.
func (c *Client) here(t Target) bool {
	place, _ := c.ledger.Place(t.SequenceStoreID)
	return place.Matches(wire.Place(t.RoleARN, c.api, c.opts.ClientOptions))
}

// knock waits until no other import enters or leaves.
func (c *Client) knock(ctx context.Context) error {
	select {
	case c.door <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// watch gives the batches under way that no import has in hand to the watchers of their stores.
func (c *Client) watch(ctx context.Context, r *run) {
	c.watcher(ctx, r.target)
	for _, known := range c.ledger.Unheld() {
		t := Target{SequenceStoreID: known.SequenceStoreID, RoleARN: r.target.RoleARN}
		if _, marked := c.ledger.Place(t.SequenceStoreID); t != r.target && !(marked && c.here(t)) {
			continue
		}
		w := c.watcher(ctx, t)
		if c.ledger.HoldBatch(known.ClientToken, w) != w {
			continue
		}
		f := w.flightOf(known, c.slots.Hold(known.JobID != ""))
		f.sub.NextAt = time.Now().Add(claimGrace)
		w.offers <- f
	}
}

// watcher returns the watcher of a store, and starts it if there is none.
func (c *Client) watcher(ctx context.Context, t Target) *run {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w := c.watchers[t.SequenceStoreID]; w != nil {
		return w
	}
	w := c.newRun(t, ImportOptions{})
	w.watcher, w.wanted = true, true
	ctx, w.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	w.group.Go(func() { w.loop(ctx) })
	c.watchers[t.SequenceStoreID] = w
	return w
}

var errNoImport = errors.New("no import of the client is left")

// exit ends an import's being one of the client's. After the last one, nothing of the watchers is left either.
func (c *Client) exit(r *run) {
	_ = c.knock(context.Background())
	defer func() { <-c.door }()
	c.mu.Lock()
	delete(c.runs, r)
	var last []*run
	if len(c.runs) == 0 {
		for store, w := range c.watchers {
			last = append(last, w)
			delete(c.watchers, store)
		}
	}
	c.mu.Unlock()
	for _, w := range last {
		w.cancel(errNoImport)
		w.group.Wait()
	}
}

// yield asks a watcher for a batch, and returns its slot, or nil if it has none or is not there any more. It does not heed
// the import's context, since what the watcher has given up is in nobody else's hands; the watcher answers at once, or when
// the step under way, which it cuts short, is in the journal.
func (r *run) yield(token string) *quota.Slot {
	reply := make(chan *quota.Slot, 1)
	r.claims <- claim{token, reply}
	return <-reply
}

// claimed is given an import's wish for a batch. A step under way ends first, and is cut short for that.
func (r *run) claimed(q claim) {
	at := slices.IndexFunc(r.flights, func(f *flight) bool { return f.sub.Batch.ClientToken == q.token })
	if at < 0 {
		q.reply <- nil
		return
	}
	f := r.flights[at]
	f.claims = append(f.claims, q.reply)
	if f.cancel != nil {
		f.cancel(errClaimed)
		return
	}
	r.handOver(f)
}

var errClaimed = errors.New("another import has the sources of this batch")

// handOver gives a batch of a watcher up to the import that asked first.
func (r *run) handOver(f *flight) {
	slot, first := f.slot, f.claims[0]
	f.slot, f.claims = nil, f.claims[1:]
	r.end(f, nil)
	first <- slot
}

// haltOthers keeps the imports of a watcher's store from starting more jobs, since it may not look at its own any more: they
// may run, and their slots are not watched.
func (r *run) haltOthers(why error) {
	if !r.watcher {
		return
	}
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	for other := range r.c.runs {
		if other.target.SequenceStoreID == r.target.SequenceStoreID {
			select {
			case other.blind <- why:
			default: // it has been told
			}
		}
	}
}

// leaveBehind gives a batch that is under way to the watcher. If no other import of the client is left, it ends with the
// watcher; whether one is just entering cannot be told here.
func (r *run) leaveBehind(f *flight) {
	if r.c.ledger == nil || r.watcher {
		return
	}
	r.c.mu.Lock()
	w := r.c.watchers[r.target.SequenceStoreID] // it is there as long as this import is
	r.c.mu.Unlock()
	token := f.sub.Batch.ClientToken
	r.c.ledger.LetGoOfBatch(token, r)
	if r.c.ledger.HoldBatch(token, w) != w {
		return
	}
	known, _ := r.c.ledger.Batch(token)
	left := w.flightOf(known, f.slot)
	left.sub.NextAt = time.Now().Add(claimGrace)
	f.slot = nil
	w.offers <- left
}

// known returns the result of a source that the import did not come to, as the journal knows it; false if it is not
// known to be in the store or on its way.
func (r *run) known(s Source, index int, why error) (Result, bool) {
	if !r.informed {
		return Result{}, false
	}
	now := r.c.ledger.Source(r.target.Fingerprint(s))
	switch {
	case now.ReadSetID != "":
		return alreadyImported(s, index, now), true
	case now.Batch != "":
		res := Result{Index: index, Source: s, JobID: now.JobID, Err: fmt.Errorf("%w: %w", ErrUnresolved, why)}
		if now.JobID != "" {
			res.Err = stillRunning(now.JobID, why)
		}
		return res, true
	}
	return Result{}, false
}
