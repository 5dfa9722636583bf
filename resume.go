package readsetimport

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/readsetimport/readsetimport/journal"
)

// errBusy is for a source that is in two imports of one client at the same time.
var errBusy = errors.New("not sent: another import of this client has the same source in hand")

// plan is a batch of sources that are to be sent for the first time, or again after they failed.
func (r *run) plan(sources []Source, index []int, tries int32) *flight {
	runID := r.runID
	if tries > 0 {
		// The same sources under the same token would answer the job in which they failed.
		runID += " " + strconv.Itoa(int(tries))
	}
	f := &flight{sources: sources, index: index, sub: Submission{Batch: newBatch(r.target, runID, sources)}}
	if r.c.ledger != nil {
		f.carried = fingerprints(r.target, sources)
	}
	return f
}

func fingerprints(t Target, sources []Source) []Fingerprint {
	out := make([]Fingerprint, len(sources))
	for i, s := range sources {
		out[i] = t.Fingerprint(s)
	}
	return out
}

// remember writes the change from one state of a batch to the next to the journal.
func (r *run) remember(ctx context.Context, f *flight, before, after Submission) error {
	if r.c.ledger == nil {
		return nil
	}
	rec, ok := record(before, after, f.carried)
	if !ok {
		return nil
	}
	switch rec.Kind {
	case journal.Sending:
		if f.written == rec.Attempt {
			return nil // it was refused and is tried again: that it may be sent is written already
		}
		f.written = rec.Attempt
	case journal.Released:
		if f.written == after.Attempt {
			return nil // it will be tried again, or fail
		}
		f.written = 0
	case journal.Ended:
		rec.Sources = r.c.ledger.news(rec.ClientToken, rec.Sources)
	}
	return r.c.ledger.append(ctx, rec)
}

// release writes that a batch that is given up was never sent, so that nobody looks for it.
func (r *run) release(f *flight) {
	if f.written == 0 || !f.sub.unsent() {
		return
	}
	f.written = 0
	rec, _ := record(Submission{Phase: PhaseSending}, Submission{Phase: PhasePlanned, Batch: f.sub.Batch}, nil)
	// If it cannot be written, the next import looks for the batch, and finds nothing.
	_ = r.c.ledger.append(context.Background(), rec)
}

// letGo lets other imports of this client have the batch's sources.
func (r *run) letGo(f *flight) {
	if r.c.ledger != nil {
		r.c.ledger.leave(f.sub.Batch.ClientToken, fingerprints(r.target, f.sources), r)
	}
}

// resumption gathers the sources of batches that an earlier import began, as they come up in the input.
type resumption map[*carrier]*begun

type begun struct {
	place   map[Fingerprint]int // in the request
	sources []Source            // in that order; those that have not come up are zero
	index   []int
	missing int
}

// add puts a source back in its batch, and returns the batch when it is whole again.
func (m resumption) add(t Target, c *carrier, f Fingerprint, s Source, index int) *flight {
	b := m[c]
	if b == nil {
		n := len(c.sources)
		b = &begun{place: make(map[Fingerprint]int, n), sources: make([]Source, n), index: make([]int, n), missing: n}
		for i, f := range c.sources {
			b.place[f] = i
		}
		m[c] = b
	}
	at := b.place[f]
	b.sources[at], b.index[at] = s, index
	if b.missing--; b.missing > 0 {
		return nil
	}
	delete(m, c)
	return b.flight(t, c)
}

// rest is the batches of which the input has only a part, in the order in which they were sent.
func (m resumption) rest(t Target) []*flight {
	var out []*flight
	for _, c := range slices.SortedFunc(maps.Keys(m), func(a, b *carrier) int {
		return cmp.Or(a.sentAt.Compare(b.sentAt), cmp.Compare(a.token, b.token))
	}) {
		out = append(out, m[c].flight(t, c))
	}
	return out
}

// flight is the batch as the earlier import left it. A request whose outcome is not known is repeated only if it can be
// repeated exactly, and otherwise looked for.
func (b *begun) flight(t Target, c *carrier) *flight {
	f := &flight{carried: c.sources, written: c.attempt}
	for i, s := range b.sources {
		if s.Source1 != "" {
			f.sources, f.index = append(f.sources, s), append(f.index, b.index[i])
		}
	}
	f.sub = Submission{
		Batch:   Batch{Target: t, ClientToken: c.token},
		Phase:   PhaseSending,
		Attempt: c.attempt,
		SentAt:  c.sentAt,
		NextAt:  time.Now(),
	}
	if b.missing == 0 {
		f.sub.Batch.Sources = f.sources
	}
	switch {
	case c.jobID != "":
		f.sub.Phase = PhaseRunning
		f.sub.Job.JobRef = JobRef{SequenceStoreID: t.SequenceStoreID, ID: c.jobID}
	case bodyDigest(f.sub.Batch) != c.body:
		f.sub.Search = Search{Since: c.sentAt, Sources: c.sources}
		f.changed = true
	}
	return f
}

// resume takes up a batch that an earlier import began. It has its slot already, as far as anybody knows.
func (r *run) resume(f *flight) {
	f.slot = r.c.slots.Hold(f.sub.Phase == PhaseRunning)
	r.flights = append(r.flights, f)
	if f.sub.Job.ID != "" {
		r.jobs[f.sub.Job.ID] = true
		r.counts.Submitted += len(f.index)
		r.counts.Running += len(f.index)
	}
}

// replan makes a new batch of what the input has of one that was begun and never sent.
func (r *run) replan(f *flight) {
	fresh := r.plan(f.sources, f.index, r.c.ledger.tries(fingerprints(r.target, f.sources)))
	f.sub, f.carried, f.written, f.changed = fresh.sub, fresh.carried, 0, false
	f.sub.NextAt = time.Now()
	if r.stop != nil {
		r.drop(f)
		r.fail(f, notSent(r.stop))
	}
}
