// Package ledger keeps in memory what a journal says of each source, and writes what is added to it. All imports of a
// client share one ledger, and it knows which of them has which source and which batch in hand.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/readsetimport/readsetimport/journal"
)

// Ledger is safe for concurrent use.
type Ledger struct {
	journal journal.Journal
	turn    chan struct{} // has room for one: who reads the journal, or checks, writes and applies a record

	mu      sync.Mutex // never held while the journal is used, which may take its time
	read    bool
	broken  error // an Append failed: nothing more can be promised
	entries map[journal.Fingerprint]entry
	holders map[journal.Fingerprint]any // the imports that have sources in hand
	batches map[string]*batch           // under way, by the client token of their first attempt
	jobs    map[jobKey]struct{}         // jobs of which it is known which batch they are
	spares  map[journal.Fingerprint][]spare
	rivals  map[journal.Fingerprint][]*batch // that carry a source beside the batch of its entry
	places  map[string]journal.Place         // by sequence store
}

type jobKey struct{ storeID, jobID string }

// spare is a read set of a source beside the one that its entry has: it counts where the entry has none.
type spare struct{ readSetID, jobID, storeID string }

// Batch is a batch that is under way, as the journal knows it.
type Batch struct {
	SequenceStoreID string
	ClientToken     string // of its first attempt
	Attempt         int
	SentAt          time.Time
	Body            string                // the digest of its request
	JobID           string                // empty while it is not known whether a job was started
	Sources         []journal.Fingerprint // in the order of the request; not to be changed
	Candidates      []journal.Source      // read sets that sources of a batch in doubt may be; not to be changed
}

// New returns a ledger of what j says. It reads nothing yet.
func New(j journal.Journal) *Ledger { return &Ledger{journal: j, turn: make(chan struct{}, 1)} }

// Open reads the journal, unless that was done before. What was read stays true if a record cannot be written later: see
// Broken.
func (l *Ledger) Open(ctx context.Context) error {
	if err := l.takeTurn(ctx); err != nil {
		return err
	}
	defer l.endTurn()
	if l.Opened() {
		return nil
	}
	l.entries = make(map[journal.Fingerprint]entry)
	l.holders = make(map[journal.Fingerprint]any)
	l.batches = make(map[string]*batch)
	l.jobs = make(map[jobKey]struct{})
	l.spares = make(map[journal.Fingerprint][]spare)
	l.rivals = make(map[journal.Fingerprint][]*batch)
	l.places = make(map[string]journal.Place)
	for r, err := range l.journal.Replay(ctx) {
		if err == nil {
			err = l.check(r)
		}
		if err != nil {
			return fmt.Errorf("readsetimport: read the journal: %w", err)
		}
		l.apply(r, nil)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read = true
	return nil
}

// Opened reports whether the journal has been read.
func (l *Ledger) Opened() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.read
}

// Broken returns why no more records can be written, or nil if they can.
func (l *Ledger) Broken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

func (l *Ledger) takeTurn(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *Ledger) endTurn() { <-l.turn }

// Append makes a record durable and applies it. It does not write one that contradicts what is known, since the journal
// could not be read again. After a failed write every Append fails. A batch that is sent is in the hands of by from then on.
func (l *Ledger) Append(ctx context.Context, r journal.Record, by any) error {
	ctx = context.WithoutCancel(ctx) // what happened is written although the import is ending
	if err := l.takeTurn(ctx); err != nil {
		return err
	}
	defer l.endTurn()
	return l.append(ctx, r, by)
}

// append is Append for whoever has the turn.
func (l *Ledger) append(ctx context.Context, r journal.Record, by any) error {
	l.mu.Lock()
	broken, err := l.broken, l.check(r)
	l.mu.Unlock()
	if broken != nil {
		return broken // the journal may have the last record or not, so that no order of further ones would be right
	}
	if err == nil {
		err = l.journal.Append(ctx, r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.broken = fmt.Errorf("readsetimport: write the journal: %w", err)
		return l.broken
	}
	l.apply(r, by)
	return nil
}

// Locate reports an error if the journal knows the store in another place, and otherwise writes down that it is here,
// unless it knows. Of a place that is not known it writes nothing.
func (l *Ledger) Locate(ctx context.Context, storeID string, here journal.Place) error {
	if here == (journal.Place{}) {
		return nil
	}
	switch known, marked := l.Place(storeID); {
	case !marked:
		return l.Append(ctx, journal.Record{Kind: journal.Placed, Time: time.Now(), SequenceStoreID: storeID, Place: &here}, nil)
	case !known.Matches(here):
		return fmt.Errorf("readsetimport: the journal is of store %s in %s, and this client imports into %s: use a journal of its own for each place", storeID, known, here)
	}
	return nil
}

// Place returns where the journal knows the store, or false if it does not know.
func (l *Ledger) Place(storeID string) (journal.Place, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, marked := l.places[storeID]
	return known, marked
}

// check reports what in a record contradicts what is known.
func (l *Ledger) check(r journal.Record) error {
	b := l.batches[r.ClientToken]
	switch r.Kind {
	case journal.Released, journal.Started, journal.Ended, journal.Doubted, journal.Settled:
		if b == nil {
			return fmt.Errorf("%q of a batch that was not sent", r.Kind)
		}
	}
	switch r.Kind {
	case journal.Adopted:
		return l.checkAdopted(r)
	case journal.Gone:
		return l.checkGone(r)
	case journal.Placed:
		if known, marked := l.places[r.SequenceStoreID]; r.Place == nil || marked && !known.Matches(*r.Place) {
			return fmt.Errorf("store %.40q is in two places, or in none", r.SequenceStoreID)
		}
	case journal.Sending:
		for _, s := range r.Sources {
			e := l.entries[s.Fingerprint]
			if e.imported || e.batch != nil && e.batch != b {
				return fmt.Errorf("a batch was sent with a source that another has brought, or carries: token %s", r.ClientToken)
			}
		}
	case journal.Released, journal.Doubted:
	case journal.Started:
		if !validID(r.JobID) {
			return fmt.Errorf("a batch was started as job %.40q, which is no id", r.JobID)
		}
	case journal.Ended, journal.Settled:
		seen := make(map[journal.Fingerprint]bool, len(r.Sources))
		for _, s := range r.Sources {
			if another := l.entries[s.Fingerprint].batch != b && (s.Status != "" || !slices.Contains(b.Sources, s.Fingerprint)); another || seen[s.Fingerprint] {
				return fmt.Errorf("job %.40q ended with a source that it did not carry", r.JobID)
			}
			if s.ReadSetID != "" && !validID(s.ReadSetID) {
				return fmt.Errorf("job %.40q ended with read set %.40q, which is no id", r.JobID, s.ReadSetID)
			}
			seen[s.Fingerprint] = true
		}
	default:
		return fmt.Errorf("unknown kind of record %.40q", r.Kind)
	}
	return nil
}

// apply changes what is known by one record, which has passed its check.
func (l *Ledger) apply(r journal.Record, by any) {
	b := l.batches[r.ClientToken]
	switch r.Kind {
	case journal.Placed:
		l.places[r.SequenceStoreID] = *r.Place
	case journal.Sending:
		b = &batch{holder: by, Batch: Batch{
			SequenceStoreID: r.SequenceStoreID, ClientToken: r.ClientToken, Attempt: r.Attempt, SentAt: r.Time, Body: r.Body,
			Sources: make([]journal.Fingerprint, len(r.Sources)),
		}}
		l.batches[r.ClientToken] = b
		for i, s := range r.Sources {
			b.Sources[i] = s.Fingerprint
			e := l.entries[s.Fingerprint]
			e.batch = b
			l.entries[s.Fingerprint] = e
		}
	case journal.Released:
		for _, f := range b.Sources {
			l.dropRival(f, b)
		}
		l.close(b, true)
	case journal.Doubted:
		b.Candidates = r.Sources
	case journal.Started:
		b.JobID = r.JobID
		l.jobs[jobKey{r.SequenceStoreID, r.JobID}] = struct{}{}
	case journal.Ended, journal.Settled:
		ended := l.newEnded(r)
		for _, s := range r.Sources {
			if s.Status != "" {
				ended.add(s)
			} else {
				l.addSpare(r, s) // another batch carries it
			}
		}
		ended.close()
		for _, s := range r.Sources {
			l.dropRival(s.Fingerprint, b)
		}
		// Sources without an outcome stay with their batch, to be looked at again.
		l.close(b, false)
		l.promote(r.Sources)
	case journal.Adopted:
		l.applyAdopted(r)
	case journal.Gone:
		l.applyGone(r)
	}
}

// close takes a batch off the list that carries nothing more, or with release carries nothing from now on.
func (l *Ledger) close(b *batch, release bool) {
	open := false
	for _, f := range b.Sources {
		e := l.entries[f]
		switch {
		case e.batch != b:
			open = open || slices.Contains(l.rivals[f], b)
		case !release:
			open = true
		case e.tries == 0:
			delete(l.entries, f)
		default:
			e.batch = nil
			l.entries[f] = e
		}
	}
	if !open {
		delete(l.batches, b.ClientToken)
	}
}

// Unknown returns those of the outcomes of a batch's sources that are not known yet. A job is looked at again for sources
// that had no outcome at its end, and then tells of the others too, which another batch may carry by now. Of a source that
// another carries, no more is kept than its read set.
func (l *Ledger) Unknown(token string, outcomes []journal.Source) []journal.Source {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.batches[token]
	var out []journal.Source
	for _, s := range outcomes {
		rival := slices.Contains(l.rivals[s.Fingerprint], b)
		if rival {
			s.Status = ""
		}
		if rival || l.entries[s.Fingerprint].batch == b {
			out = append(out, s)
		}
	}
	return out
}

// KnowsJob reports whether it is known which batch the job is.
func (l *Ledger) KnowsJob(storeID, jobID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, known := l.jobs[jobKey{storeID, jobID}]
	return known
}

// AnySpare reports whether one of the sources is in the store by another way than the batch that carries it.
func (l *Ledger) AnySpare(sources []journal.Fingerprint) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(sources, func(f journal.Fingerprint) bool { return len(l.spares[f]) > 0 })
}

// IsOthers reports whether a job is known to be another batch's, so that the search for a batch does not want it, even if it has
// the same sources: those that failed in it and were sent again. It does want one that has brought in a source of a batch in
// doubt.
func (l *Ledger) IsOthers(storeID, jobID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, b := range l.batches {
		brought := func(f journal.Fingerprint) bool {
			return l.inDoubt(f) && slices.ContainsFunc(l.spares[f], func(s spare) bool { return s.jobID == jobID })
		}
		if b.JobID == "" && len(l.spares) > 0 && slices.ContainsFunc(b.Sources, brought) {
			return false
		}
	}
	_, known := l.jobs[jobKey{storeID, jobID}]
	return known
}

// ErrHeld says that another import has a source or a batch in hand.
var ErrHeld = errors.New("another import of this client has the same source in hand")

func validID(id string) bool {
	return 10 <= len(id) && len(id) <= 36 && strings.Trim(id, "0123456789") == ""
}
