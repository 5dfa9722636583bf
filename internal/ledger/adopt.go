package ledger

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/journal"
)

// Adopt writes down a job that was found in the store, and returns what it has written. Where the journal knows better of a
// source, or an import has it in hand, the record has no status, unless the source is on its way in the job: then that may
// bring it in too. A read set without a status is a spare, which counts once the journal knows of no other. A source that a
// batch in doubt carries has neither: the job may be that batch's, which the search for it must find out. A job with such a
// source, or with one on its way that is in hand, stays unknown, to be adopted once more. Adopt reports false, and writes
// nothing, if the record would say nothing.
func (l *Ledger) Adopt(ctx context.Context, r journal.Record) (journal.Record, bool, error) {
	ctx = context.WithoutCancel(ctx)
	if err := l.takeTurn(ctx); err != nil {
		return r, false, err
	}
	defer l.endTurn()
	r.Sources = slices.Clone(r.Sources)
	if !l.adoptable(&r) {
		return r, false, nil
	}
	return r, true, l.append(ctx, r, nil)
}

// adoptable takes from a job what is not to be written of it, gives it a name of its own, and reports whether anything is left.
func (l *Ledger) adoptable(r *journal.Record) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.jobs[jobKey{r.SequenceStoreID, r.JobID}]; known {
		return false
	}
	news := false
	seen := make(map[journal.Fingerprint]bool, len(r.Sources))
	for i := range r.Sources {
		s := &r.Sources[i]
		e := l.entries[s.Fingerprint]
		running := s.Status == types.ReadSetImportJobItemStatusInProgress
		switch {
		case l.inDoubt(s.Fingerprint):
			s.Status, s.ReadSetID = "", ""
		case running && e.batch != nil && !seen[s.Fingerprint] && !l.carriedBy(s.Fingerprint, r.JobID):
		case e.batch != nil, l.holders[s.Fingerprint] != nil, seen[s.Fingerprint], l.hasReadSet(s.Fingerprint, s.ReadSetID):
			s.Status = ""
		}
		if s.ReadSetID != "" && l.hasReadSet(s.Fingerprint, s.ReadSetID) {
			s.ReadSetID = ""
		}
		news = news || s.Status != "" || s.ReadSetID != ""
		seen[s.Fingerprint] = true
	}
	for name, n := r.ClientToken, 2; l.batches[r.ClientToken] != nil; n++ {
		r.ClientToken = fmt.Sprintf("%s %d", name, n) // a part of it was adopted before
	}
	return news || l.whole(*r)
}

// carriedBy reports whether a job carries a source, which is on its way in it, as far as is known.
func (l *Ledger) carriedBy(f journal.Fingerprint, jobID string) bool {
	is := func(b *batch) bool { return b.JobID == jobID }
	e := l.entries[f]
	return e.batch != nil && !e.imported && is(e.batch) || slices.ContainsFunc(l.rivals[f], is)
}

// whole reports whether all that a job is about is known with its record: of each source the record tells, or the ledger does.
func (l *Ledger) whole(r journal.Record) bool {
	told := make(map[journal.Fingerprint]bool, len(r.Sources))
	for _, s := range r.Sources {
		told[s.Fingerprint] = told[s.Fingerprint] || s.Status != "" || s.ReadSetID != ""
	}
	for f, told := range told {
		if l.inDoubt(f) || !told && l.entries[f].batch == nil && len(l.spares[f]) == 0 {
			return false
		}
	}
	return true
}

// inDoubt reports whether a source is carried by a batch of which it is not known whether it started a job.
func (l *Ledger) inDoubt(f journal.Fingerprint) bool {
	e := l.entries[f]
	return e.batch != nil && !e.imported && e.batch.JobID == ""
}

// InDoubt reports whether a source is carried by a batch of which it is not known whether it started a job.
func (l *Ledger) InDoubt(f journal.Fingerprint) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.inDoubt(f)
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
		case s.ReadSetID != "" && !validID(s.ReadSetID):
			return fmt.Errorf("job %s was adopted with read set %.40q, which is no id", r.JobID, s.ReadSetID)
		case s.Status == "", s.Status == types.ReadSetImportJobItemStatusInProgress && !seen[s.Fingerprint]:
		case l.entries[s.Fingerprint].batch != nil || seen[s.Fingerprint]:
			return fmt.Errorf("job %s was adopted with a source that another has brought, or carries", r.JobID)
		}
		seen[s.Fingerprint] = s.Status != "" || seen[s.Fingerprint]
	}
	return nil
}

func (l *Ledger) applyAdopted(r journal.Record) {
	if l.whole(r) {
		l.jobs[jobKey{r.SequenceStoreID, r.JobID}] = struct{}{}
	}
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
			if e := l.entries[s.Fingerprint]; e.batch == nil {
				e.batch = b
				l.entries[s.Fingerprint] = e
			} else {
				l.rivals[s.Fingerprint] = append(l.rivals[s.Fingerprint], b)
			}
			l.batches[r.ClientToken] = b
		case "":
			l.addSpare(r, s)
		}
	}
	ended.close()
}

func (l *Ledger) addSpare(r journal.Record, s journal.Source) {
	if s.ReadSetID != "" && !l.hasReadSet(s.Fingerprint, s.ReadSetID) {
		l.spares[s.Fingerprint] = append(l.spares[s.Fingerprint], spare{s.ReadSetID, r.JobID, r.SequenceStoreID})
	}
}

// promote gives sources that their batch did not bring in to another that carries them too.
func (l *Ledger) promote(sources []journal.Source) {
	if len(l.rivals) == 0 {
		return // as nearly always
	}
	for _, s := range sources {
		if e := l.entries[s.Fingerprint]; e.batch == nil && len(l.rivals[s.Fingerprint]) > 0 {
			e.batch = l.rivals[s.Fingerprint][0]
			l.entries[s.Fingerprint] = e
			l.dropRival(s.Fingerprint, e.batch)
		}
	}
}

// dropRival takes it that a batch does not carry a source any more beside the one that does.
func (l *Ledger) dropRival(f journal.Fingerprint, b *batch) {
	if len(l.rivals) == 0 {
		return
	}
	l.rivals[f] = slices.DeleteFunc(l.rivals[f], func(other *batch) bool { return other == b })
	if len(l.rivals[f]) == 0 {
		delete(l.rivals, f)
	}
}

// Gone writes down that read sets of a store are no longer in it, and returns of how many sources none is left. What the
// journal does not know is left out.
func (l *Ledger) Gone(ctx context.Context, r journal.Record) (int, error) {
	ctx = context.WithoutCancel(ctx)
	if err := l.takeTurn(ctx); err != nil {
		return 0, err
	}
	defer l.endTurn()
	l.mu.Lock()
	r.Sources = slices.DeleteFunc(slices.Clone(r.Sources), func(s journal.Source) bool { return !l.hasReadSet(s.Fingerprint, s.ReadSetID) })
	l.mu.Unlock()
	if len(r.Sources) == 0 {
		return 0, nil
	}
	err := l.append(ctx, r, nil)
	gone := 0
	for _, s := range r.Sources {
		if now := l.Source(s.Fingerprint); err == nil && now.ReadSetID == "" && now.Batch == "" {
			gone++
		}
	}
	return gone, err
}

// hasReadSet reports whether a source is in the store as this read set, as far as the journal knows.
func (l *Ledger) hasReadSet(f journal.Fingerprint, id string) bool {
	if e := l.entries[f]; e.imported && e.readSetID() == id {
		return true
	}
	return slices.ContainsFunc(l.spares[f], func(s spare) bool { return s.readSetID == id })
}

func (l *Ledger) checkGone(r journal.Record) error {
	for _, s := range r.Sources {
		if s.ReadSetID == "" || !l.hasReadSet(s.Fingerprint, s.ReadSetID) {
			return fmt.Errorf("read set %.40q is gone, and was not known to be in the store", s.ReadSetID)
		}
	}
	return nil
}

// applyGone has a source that is left without a read set imported again, under a token that no job which brought it had.
func (l *Ledger) applyGone(r journal.Record) {
	for _, s := range r.Sources {
		left := slices.DeleteFunc(l.spares[s.Fingerprint], func(spare spare) bool { return spare.readSetID == s.ReadSetID })
		if l.spares[s.Fingerprint] = left; len(left) == 0 {
			delete(l.spares, s.Fingerprint)
		}
		e := l.entries[s.Fingerprint]
		switch {
		case e.imported && e.readSetID() == s.ReadSetID:
			l.entries[s.Fingerprint] = entry{tries: e.tries + 1}
		case !e.imported:
			e.tries++
			l.entries[s.Fingerprint] = e
		}
	}
	l.promote(r.Sources)
}

// ReadSets returns the read sets of a store that are in it as far as the journal knows.
func (l *Ledger) ReadSets(storeID string) []journal.Source {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []journal.Source
	for f, e := range l.entries {
		if !e.imported || e.batch.SequenceStoreID != storeID {
			continue
		}
		out = append(out, journal.Source{Fingerprint: f, ReadSetID: e.readSetID()})
	}
	for f, spares := range l.spares {
		for _, s := range spares {
			if s.storeID == storeID {
				out = append(out, journal.Source{Fingerprint: f, ReadSetID: s.readSetID})
			}
		}
	}
	return out
}
