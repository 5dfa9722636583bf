package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/journal"
)

// Adopt writes down a job that was found in the store, and returns what it has written. Of sources of which the journal
// knows better, or that an import has in hand, the record has no status. It reports false, and writes nothing, if the
// journal knows the job already, or if a batch in doubt carries one of its sources: the job may be that batch's, which the
// search for it must find out.
func (l *Ledger) Adopt(ctx context.Context, r journal.Record) (journal.Record, bool, error) {
	ctx = context.WithoutCancel(ctx)
	if err := l.takeTurn(ctx); err != nil {
		return r, false, err
	}
	defer l.endTurn()
	r.Sources = slices.Clone(r.Sources)
	if !l.adoptable(r) {
		return r, false, nil
	}
	return r, true, l.append(ctx, r, nil)
}

// adoptable reports whether a job may be adopted, and takes the status of each source that the job says nothing new of.
func (l *Ledger) adoptable(r journal.Record) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.jobs[jobKey{r.SequenceStoreID, r.JobID}]; known {
		return false
	}
	seen := make(map[journal.Fingerprint]bool, len(r.Sources))
	for i, s := range r.Sources {
		e := l.entries[s.Fingerprint]
		if e.batch != nil && !e.imported && e.batch.JobID == "" {
			return false
		}
		if e.batch != nil || l.holders[s.Fingerprint] != nil || seen[s.Fingerprint] {
			r.Sources[i].Status, r.Sources[i].ReadSetID = "", ""
		}
		seen[s.Fingerprint] = true
	}
	return true
}

func (l *Ledger) checkAdopted(r journal.Record) error {
	switch _, known := l.jobs[jobKey{r.SequenceStoreID, r.JobID}]; {
	case known:
		return fmt.Errorf("job %s was adopted, and was known before", r.JobID)
	case !validID(r.JobID):
		return fmt.Errorf("job %.40q was adopted, which is no id", r.JobID)
	case l.batches[r.ClientToken] != nil, r.ClientToken == "":
		return fmt.Errorf("job %s was adopted under the name %.40q, which another batch has", r.JobID, r.ClientToken)
	}
	seen := make(map[journal.Fingerprint]bool, len(r.Sources))
	for _, s := range r.Sources {
		switch {
		case s.Status == "":
		case l.entries[s.Fingerprint].batch != nil || seen[s.Fingerprint]:
			return fmt.Errorf("job %s was adopted with a source that another has brought, or carries", r.JobID)
		case s.ReadSetID != "" && !validID(s.ReadSetID):
			return fmt.Errorf("job %s was adopted with read set %.40q, which is no id", r.JobID, s.ReadSetID)
		}
		seen[s.Fingerprint] = s.Status != "" || seen[s.Fingerprint]
	}
	return nil
}

func (l *Ledger) applyAdopted(r journal.Record) {
	l.jobs[jobKey{r.SequenceStoreID, r.JobID}] = struct{}{}
	ended := l.newEnded(r)
	b := &batch{Batch: Batch{
		SequenceStoreID: r.SequenceStoreID, ClientToken: r.ClientToken, Attempt: 1, SentAt: r.Time, JobID: r.JobID,
		Sources: make([]journal.Fingerprint, len(r.Sources)),
	}}
	for i, s := range r.Sources {
		b.Sources[i] = s.Fingerprint
		switch s.Status {
		case types.ReadSetImportJobItemStatusFinished, types.ReadSetImportJobItemStatusFailed:
			ended.add(s)
		case types.ReadSetImportJobItemStatusInProgress:
			e := l.entries[s.Fingerprint]
			e.batch = b
			l.entries[s.Fingerprint] = e
			l.batches[r.ClientToken] = b
		}
	}
	ended.close()
}

// Gone writes down that read sets of a store are no longer in it. What the journal knows otherwise by now is left out.
func (l *Ledger) Gone(ctx context.Context, r journal.Record) (int, error) {
	ctx = context.WithoutCancel(ctx)
	if err := l.takeTurn(ctx); err != nil {
		return 0, err
	}
	defer l.endTurn()
	l.mu.Lock()
	r.Sources = slices.DeleteFunc(slices.Clone(r.Sources), func(s journal.Source) bool { return l.standing(s.Fingerprint).ReadSetID != s.ReadSetID })
	l.mu.Unlock()
	if len(r.Sources) == 0 {
		return 0, nil
	}
	return len(r.Sources), l.append(ctx, r, nil)
}

func (l *Ledger) checkGone(r journal.Record) error {
	for _, s := range r.Sources {
		if s.ReadSetID == "" || l.standing(s.Fingerprint).ReadSetID != s.ReadSetID {
			return fmt.Errorf("read set %.40q is gone, and was not known to be in the store", s.ReadSetID)
		}
	}
	return nil
}

// applyGone has the sources imported again, under tokens that the jobs which brought them did not have.
func (l *Ledger) applyGone(r journal.Record) {
	for _, s := range r.Sources {
		e := l.entries[s.Fingerprint]
		l.entries[s.Fingerprint] = entry{tries: e.tries + 1}
	}
}

// ReadSets returns the read sets of a store that are in it as far as the journal knows.
func (l *Ledger) ReadSets(storeID string) []journal.Source {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []journal.Source
	ids := make(map[*batch][]string)
	for f, e := range l.entries {
		if !e.imported || e.batch.SequenceStoreID != storeID {
			continue
		}
		if ids[e.batch] == nil {
			ids[e.batch] = strings.Split(e.batch.readSets, " ")
		}
		out = append(out, journal.Source{Fingerprint: f, ReadSetID: ids[e.batch][e.place]})
	}
	return out
}
