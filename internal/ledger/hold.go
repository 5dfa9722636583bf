package ledger

import (
	"cmp"
	"slices"

	"github.com/readsetimport/readsetimport/journal"
)

// Standing is what is known of a source.
type Standing struct {
	Batch     string // the client token of the batch that carries it; empty if none does
	JobID     string // of the job that brought it into the store, or that carries it; empty if there is none, or it is not known
	ReadSetID string // empty if it is not in the store, as far as is known
	Tries     int    // batches that carried it to an end
}

// Source returns what is known of a source.
func (l *Ledger) Source(f journal.Fingerprint) Standing {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.standing(f)
}

func (l *Ledger) standing(f journal.Fingerprint) Standing {
	e := l.entries[f]
	s := Standing{Tries: int(e.tries)}
	switch {
	case e.imported:
		s.JobID, s.ReadSetID = e.batch.JobID, e.readSetID()
	case e.batch != nil:
		s.Batch, s.JobID = e.batch.ClientToken, e.batch.JobID
	case len(l.spares[f]) > 0:
		s.JobID, s.ReadSetID = l.spares[f][0].jobID, l.spares[f][0].readSetID
	}
	return s
}

// Hold gives a source into the hands of an import, unless it is in the store, and returns what is known of it. The error
// is ErrHeld if another import has it.
func (l *Ledger) Hold(f journal.Fingerprint, by any) (Standing, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.standing(f)
	if s.ReadSetID != "" {
		if l.holders[f] == by { // it was not in the store when the import took it
			delete(l.holders, f)
		}
		return s, nil
	}
	if holder := l.holders[f]; holder != nil && holder != by {
		return s, ErrHeld
	}
	l.holders[f] = by
	return s, nil
}

// LetGo takes sources out of the hands of an import.
func (l *Ledger) LetGo(sources []journal.Fingerprint, by any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range sources {
		if l.holders[f] == by {
			delete(l.holders, f)
		}
	}
}

// Batch returns a batch that is under way, or false if there is none of that token.
func (l *Ledger) Batch(token string) (Batch, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.batches[token]; b != nil {
		return b.Batch, true
	}
	return Batch{}, false
}

// HoldBatch gives a batch that is under way into the hands of an import, and returns who has it then: that import, or the
// one that had it before. It returns nil if there is no such batch any more.
func (l *Ledger) HoldBatch(token string, by any) (holder any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.batches[token]
	switch {
	case b == nil:
		return nil
	case b.holder == nil:
		b.holder = by
	}
	return b.holder
}

// LetGoOfBatch takes a batch out of the hands of an import.
func (l *Ledger) LetGoOfBatch(token string, by any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.batches[token]; b != nil && b.holder == by {
		b.holder = nil
	}
}

// Unheld returns the batches under way that no import has in hand, in the order in which they were sent.
func (l *Ledger) Unheld() []Batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Batch
	for _, b := range l.batches {
		if b.holder == nil {
			out = append(out, b.Batch)
		}
	}
	slices.SortFunc(out, BySentAt)
	return out
}

// BySentAt compares batches by when they were sent.
func BySentAt(a, b Batch) int {
	return cmp.Or(a.SentAt.Compare(b.SentAt), cmp.Compare(a.ClientToken, b.ClientToken))
}

// Sources returns sources of which nothing else is known, for a record.
func Sources(fingerprints []journal.Fingerprint) []journal.Source {
	out := make([]journal.Source, len(fingerprints))
	for i, f := range fingerprints {
		out[i].Fingerprint = f
	}
	return out
}

// Tries returns how many batches carried one of the sources to an end, at the most.
func (l *Ledger) Tries(sources []journal.Fingerprint) (most int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range sources {
		most = max(most, int(l.entries[f].tries))
	}
	return most
}

// Gathering puts the sources of a batch under way back in their order, as they come up in the input of an import. S is what
// the import has of each.
type Gathering[S any] struct {
	Token   string
	Sources []S // in the order of the request; those that have not come up are zero
	Index   []int
	Missing int // sources that have not come up

	place map[journal.Fingerprint]int
}

// Gather begins with a batch of which nothing has come up.
func Gather[S any](b Batch) *Gathering[S] {
	n := len(b.Sources)
	g := &Gathering[S]{Token: b.ClientToken, Sources: make([]S, n), Index: make([]int, n), Missing: n, place: make(map[journal.Fingerprint]int, n)}
	for i, f := range b.Sources {
		g.place[f] = i
	}
	g.Missing = len(g.place)
	return g
}

// Put takes a source that has come up, and reports whether the batch has it.
func (g *Gathering[S]) Put(f journal.Fingerprint, s S, index int) bool {
	at, ok := g.place[f]
	if ok {
		g.Sources[at], g.Index[at] = s, index
		g.Missing--
	}
	return ok
}
