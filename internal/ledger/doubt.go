package ledger

import (
	"context"
	"errors"
	"slices"
	"time"

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
	var out []journal.Fingerprint
	for _, f := range b.Sources {
		if l.entries[f].batch == b && !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out
}

// Doubt writes down which read sets the sources of a batch may be, unless that is known. If the batch is given up, and others
// carry all of its sources, it is released: nobody waits for it.
func (l *Ledger) Doubt(ctx context.Context, token string, candidates map[journal.Fingerprint][]string, givenUp bool) error {
	l.mu.Lock()
	b := l.batches[token]
	if b == nil || len(candidates) == 0 && !givenUp {
		l.mu.Unlock()
		return nil
	}
	r := journal.Record{Kind: journal.Doubted, Time: time.Now(), SequenceStoreID: b.SequenceStoreID, ClientToken: token}
	carried := l.carried(b)
	for _, f := range carried {
		for _, id := range candidates[f] {
			r.Sources = append(r.Sources, journal.Source{Fingerprint: f, ReadSetID: id})
		}
	}
	known := len(r.Sources) == 0 || slices.Equal(b.Candidates, r.Sources)
	if givenUp && b.JobID != "" && len(carried) == 0 {
		known, r.Kind, r.Sources = false, journal.Released, nil
	}
	l.mu.Unlock()
	if known {
		return nil
	}
	return l.Append(ctx, r, nil)
}

// ErrSettled says that a batch is in doubt no more, or that other sources of it are.
var ErrSettled = errors.New("readsetimport: the doubt is not what it was: list the doubts again")

// Settle writes down what became of sources of a batch, each record that of one job's sources. d is the doubt as it was listed.
// The error is ErrHeld if an import has the batch in hand, and ErrSettled if the batch does not carry one of them any more.
func (l *Ledger) Settle(ctx context.Context, d journal.Doubt, records []journal.Record) error {
	ctx = context.WithoutCancel(ctx)
	if err := l.takeTurn(ctx); err != nil {
		return err
	}
	defer l.endTurn()
	l.mu.Lock()
	b := l.batches[d.ClientToken]
	var err error
	switch {
	case b == nil || b.SequenceStoreID != d.SequenceStoreID || b.JobID != d.JobID:
		err = ErrSettled
	case b.holder != nil:
		err = ErrHeld
	case slices.ContainsFunc(d.Sources, func(s journal.DoubtSource) bool { return l.entries[s.Fingerprint].batch != b }):
		err = ErrSettled
	}
	l.mu.Unlock()
	for _, r := range records {
		if err == nil {
			err = l.append(ctx, r, nil)
		}
	}
	return err
}
