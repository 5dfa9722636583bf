package ledger

import (
	"context"
	"errors"
	"slices"

	"github.com/readsetimport/readsetimport/journal"
)

// UnderWay returns the batches of a store that are under way, with those of their sources of which it is not known what became
// of them, in the order in which they were sent.
func (l *Ledger) UnderWay(storeID string) []Batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Batch
	for _, b := range l.batches {
		if b.SequenceStoreID == storeID {
			open := b.Batch
			open.Sources = l.carried(b)
			out = append(out, open)
		}
	}
	slices.SortFunc(out, BySentAt)
	return out
}

func (l *Ledger) carried(b *batch) []journal.Fingerprint {
	return slices.DeleteFunc(slices.Clone(b.Sources), func(f journal.Fingerprint) bool { return l.entries[f].batch != b })
}

// Doubt writes down which read sets the sources of a batch may be, unless that is known.
func (l *Ledger) Doubt(ctx context.Context, r journal.Record) error {
	l.mu.Lock()
	b := l.batches[r.ClientToken]
	known := b == nil || slices.Equal(b.Candidates, r.Sources)
	l.mu.Unlock()
	if known {
		return nil
	}
	return l.Append(ctx, r, nil)
}

// ErrSettled says that a batch is in doubt no more, or that other sources of it are.
var ErrSettled = errors.New("readsetimport: the doubt is not what it was: list the doubts again")

// Settle writes down what became of all that is left of a batch, in the order of its sources, as the journal knows its job.
// The error is ErrHeld if an import has the batch in hand, and ErrSettled if other sources are left of it.
func (l *Ledger) Settle(ctx context.Context, r journal.Record, jobID string) error {
	ctx = context.WithoutCancel(ctx)
	if err := l.takeTurn(ctx); err != nil {
		return err
	}
	defer l.endTurn()
	l.mu.Lock()
	b := l.batches[r.ClientToken]
	var err error
	switch {
	case b == nil || b.SequenceStoreID != r.SequenceStoreID || b.JobID != jobID:
		err = ErrSettled
	case b.holder != nil:
		err = ErrHeld
	case !slices.EqualFunc(l.carried(b), r.Sources, func(f journal.Fingerprint, s journal.Source) bool { return f == s.Fingerprint }):
		err = ErrSettled
	}
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return l.append(ctx, r, nil)
}
