package readsetimport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/journal"
)

// ledger is what a client knows from its journal and has added to it: what became of each source. Every import of the
// client uses the same one.
type ledger struct {
	journal journal.Journal
	writing chan struct{} // has room for one: who checks, writes and applies a record. A journal may take its time.

	mu      sync.Mutex
	read    bool
	broken  error // an Append failed: nothing more can be promised
	entries map[Fingerprint]entry
	owners  map[Fingerprint]*run // the imports that have sources in hand
	batches map[string]*carrier  // under way, by the client token of their first attempt
	jobs    map[JobRef]struct{}  // of which it is known which batch they are
}

// entry is what is known of a source: small, since there may be millions. One without a carrier was tried and failed, or
// released.
type entry struct {
	carrier  *carrier // that has it under way, or that brought it into the store
	tries    int32    // batches that carried it to an end
	place    uint8    // of its read set id among those of its carrier
	imported bool
}

// carrier is a batch that carries sources, from its sending to its end. Of the end no more is kept than the job's id and
// the read sets'.
type carrier struct {
	token    string
	attempt  int
	sentAt   time.Time
	body     string
	jobID    string
	sources  []Fingerprint // in the order of the request
	owner    *run          // the import that has it in hand
	readSets string        // the read set ids, with a space between them
}

func newLedger(j journal.Journal) *ledger {
	return &ledger{journal: j, writing: make(chan struct{}, 1)}
}

// open reads the journal, once.
func (l *ledger) open(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.read {
		return l.broken
	}
	l.entries = make(map[Fingerprint]entry)
	l.owners = make(map[Fingerprint]*run)
	l.batches = make(map[string]*carrier)
	l.jobs = make(map[JobRef]struct{})
	for r, err := range l.journal.Replay(ctx) {
		if err == nil {
			err = l.check(r)
		}
		if err != nil {
			return fmt.Errorf("readsetimport: read the journal: %w", err)
		}
		l.apply(r)
	}
	l.read = true
	return nil
}

// append makes a record durable and applies it. One that contradicts what is known is not written, since the journal
// could not be read again.
func (l *ledger) append(ctx context.Context, r journal.Record) error {
	l.writing <- struct{}{}
	defer func() { <-l.writing }()
	l.mu.Lock()
	broken, err := l.broken, l.check(r)
	l.mu.Unlock()
	if broken != nil {
		return broken // it is open what the journal has, so that no order of further records would be right
	}
	if err == nil {
		// A record of what happened is written although the import is ending.
		err = l.journal.Append(context.WithoutCancel(ctx), r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.broken = fmt.Errorf("readsetimport: write the journal: %w", err)
		return l.broken
	}
	l.apply(r)
	return nil
}

// check reports what in a record contradicts what is known.
func (l *ledger) check(r journal.Record) error {
	b := l.batches[r.ClientToken]
	if b == nil && r.Kind != journal.Sending {
		return fmt.Errorf("%q of a batch that was not sent", r.Kind)
	}
	switch r.Kind {
	case journal.Sending:
		for _, s := range r.Sources {
			e := l.entries[s.Fingerprint]
			if e.imported || e.carrier != nil && e.carrier != b {
				return fmt.Errorf("a batch was sent with a source that another has brought, or carries: token %s", r.ClientToken)
			}
		}
	case journal.Released:
	case journal.Started:
		if !validID(r.JobID) {
			return fmt.Errorf("a batch was started as job %q, which is no id", shorten(r.JobID))
		}
	case journal.Ended:
		seen := make(map[Fingerprint]bool, len(r.Sources))
		for _, s := range r.Sources {
			if l.entries[s.Fingerprint].carrier != b || seen[s.Fingerprint] {
				return fmt.Errorf("job %s ended with a source that it did not carry", shorten(r.JobID))
			}
			if s.ReadSetID != "" && !validID(s.ReadSetID) {
				return fmt.Errorf("job %s ended with read set %q, which is no id", shorten(r.JobID), shorten(s.ReadSetID))
			}
			seen[s.Fingerprint] = true
		}
	default:
		return fmt.Errorf("unknown kind of record %q", shorten(string(r.Kind)))
	}
	return nil
}

// apply changes what is known by one record, which has passed its check.
func (l *ledger) apply(r journal.Record) {
	b := l.batches[r.ClientToken]
	switch r.Kind {
	case journal.Sending:
		b = &carrier{token: r.ClientToken, attempt: r.Attempt, sentAt: r.Time, body: r.Body, sources: make([]Fingerprint, len(r.Sources))}
		l.batches[r.ClientToken] = b
		for i, s := range r.Sources {
			b.sources[i] = s.Fingerprint
			e := l.entries[s.Fingerprint]
			e.carrier = b
			l.entries[s.Fingerprint] = e
		}
	case journal.Released:
		l.settle(b, true)
	case journal.Started:
		b.jobID = r.JobID
		l.jobs[JobRef{r.SequenceStoreID, r.JobID}] = struct{}{}
	case journal.Ended:
		ended := &carrier{jobID: r.JobID}
		var readSets []string
		for _, s := range r.Sources {
			e := l.entries[s.Fingerprint]
			e.carrier = nil
			if s.ReadSetID != "" {
				e.carrier, e.imported, e.place = ended, true, uint8(len(readSets))
				readSets = append(readSets, s.ReadSetID)
			}
			e.tries++
			l.entries[s.Fingerprint] = e
		}
		ended.readSets = strings.Join(readSets, " ")
		// Sources without an outcome stay with their carrier, to be looked at again.
		l.settle(b, false)
	}
}

// news is the outcomes of a batch's sources that are not known yet. A job is looked at again for those that had none
// at its end, and then tells of the others too, which another batch may carry by now.
func (l *ledger) news(token string, outcomes []journal.Source) []journal.Source {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.batches[token]
	return slices.DeleteFunc(outcomes, func(s journal.Source) bool { return l.entries[s.Fingerprint].carrier != b })
}

// knows reports whether it is known which batch the job is. A search for another does not want it, even if it has the
// same sources: those that failed in it and were sent again.
func (l *ledger) knows(ref JobRef) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, known := l.jobs[ref]
	return known
}

// settle takes a batch off the list that carries nothing more, or with release carries nothing from now on.
func (l *ledger) settle(b *carrier, release bool) {
	open := false
	for _, f := range b.sources {
		e := l.entries[f]
		switch {
		case e.carrier != b:
		case !release:
			open = true
		case e.tries == 0:
			delete(l.entries, f)
		default:
			e.carrier = nil
			l.entries[f] = e
		}
	}
	if !open {
		delete(l.batches, b.token)
	}
}

// standing is what is known of a source at the moment that an import takes it in hand.
type standing struct {
	carrier   *carrier // that has it under way
	jobID     string   // that brought it into the store
	readSetID string
	tries     int32 // batches that carried it to an end
	busy      bool  // another import of this client has it in hand
}

// take takes a source in hand, and the batch that carries it, unless it is in the store or another import has it.
func (l *ledger) take(f Fingerprint, r *run) standing {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.entries[f]
	if e.imported {
		return standing{jobID: e.carrier.jobID, readSetID: strings.Split(e.carrier.readSets, " ")[e.place], tries: e.tries}
	}
	if l.owners[f] != nil || e.carrier != nil && e.carrier.owner != nil && e.carrier.owner != r {
		return standing{busy: true}
	}
	if e.carrier != nil {
		e.carrier.owner = r
	}
	l.owners[f] = r
	return standing{carrier: e.carrier, tries: e.tries}
}

// leave lets go of sources, and of the batch that carries them.
func (l *ledger) leave(token string, sources []Fingerprint, r *run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.batches[token]; b != nil && b.owner == r {
		b.owner = nil
	}
	for _, f := range sources {
		if l.owners[f] == r {
			delete(l.owners, f)
		}
	}
}

// tries is how many batches carried one of the sources to an end, at the most.
func (l *ledger) tries(sources []Fingerprint) (most int32) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range sources {
		most = max(most, l.entries[f].tries)
	}
	return most
}

// record is the change from one state of a submission to the next as a record, or false if there is nothing to
// remember.
func record(before, after Submission, sources []Fingerprint) (journal.Record, bool) {
	r := journal.Record{
		Time:            time.Now(),
		SequenceStoreID: after.Batch.Target.SequenceStoreID,
		ClientToken:     after.Batch.ClientToken,
	}
	switch {
	case before.unplanned() && after.Phase == PhaseSending:
		r.Kind, r.Time, r.Attempt, r.Body = journal.Sending, after.SentAt, after.Attempt, bodyDigest(after.Batch)
		for _, f := range sources {
			r.Sources = append(r.Sources, journal.Source{Fingerprint: f})
		}
	case before.Phase == PhaseSending && after.unplanned():
		r.Kind = journal.Released
	case before.Phase == PhaseSending && after.Phase == PhaseRunning:
		r.Kind, r.JobID = journal.Started, after.Job.ID
	case before.Phase == PhaseRunning && after.Phase == PhaseDone:
		r.Kind, r.JobID = journal.Ended, after.Job.ID
		r.Sources = outcomes(after, sources)
	default:
		return journal.Record{}, false
	}
	return r, true
}

func (s Submission) unplanned() bool { return s.Phase == PhasePlanned || s.Phase == "" }

// outcomes is what an ended job says for certain of the sources that it carried.
func outcomes(s Submission, sources []Fingerprint) []journal.Source {
	carried := make(map[Fingerprint]bool, len(sources))
	for _, f := range sources {
		carried[f] = true
	}
	failed := s.Job.Status == types.ReadSetImportJobStatusFailed || s.Job.Status == types.ReadSetImportJobStatusCancelled
	mentioned := make(map[Fingerprint]bool, len(sources))
	var out []journal.Source
	for _, js := range s.Job.Sources {
		f := s.Batch.Target.Fingerprint(js.Source)
		mentioned[f] = true
		if !carried[f] || unsettled(js) && (!failed || js.Status == types.ReadSetImportJobItemStatusFinished) {
			continue
		}
		delete(carried, f)
		out = append(out, journal.Source{Fingerprint: f, Status: js.Status, ReadSetID: js.ReadSetID})
	}
	for _, f := range sources {
		if failed && carried[f] && !mentioned[f] {
			out = append(out, journal.Source{Fingerprint: f, Status: types.ReadSetImportJobItemStatusFailed})
		}
	}
	return out
}

// bodyDigest tells whether a batch that is built again is the one that was sent. It says nothing of the sources.
func bodyDigest(b Batch) string {
	h := sha256.New()
	hashStrings(h, "body", b.ClientToken, b.Target.RoleARN)
	if err := json.NewEncoder(h).Encode(b.Sources); err != nil {
		panic(err) // strings and a map of strings always encode
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
