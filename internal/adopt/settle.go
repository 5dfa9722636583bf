package adopt

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/ledger"
	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/journal"
)

// Doubts returns the batches of the store that the ledger has in doubt. A job that the ledger takes to be running is looked at.
func Doubts[S any](ctx context.Context, l *ledger.Ledger, store Store[S]) ([]journal.Doubt, error) {
	var out []journal.Doubt
	for _, b := range l.UnderWay(store.ID) {
		if b.JobID != "" {
			job, known, err := store.Job(ctx, b.JobID)
			if err != nil {
				return out, err
			}
			b.Sources = slices.DeleteFunc(b.Sources, func(f journal.Fingerprint) bool { return known && job.tells(f) })
		}
		d := journal.Doubt{SequenceStoreID: b.SequenceStoreID, ClientToken: b.ClientToken, SentAt: b.SentAt, JobID: b.JobID}
		for _, f := range b.Sources {
			s := journal.DoubtSource{Fingerprint: f}
			for _, candidate := range b.Candidates {
				if candidate.Fingerprint == f {
					s.ReadSetIDs = append(s.ReadSetIDs, candidate.ReadSetID)
				}
			}
			d.Sources = append(d.Sources, s)
		}
		if len(d.Sources) > 0 {
			out = append(out, d)
		}
	}
	return out, nil
}

// tells reports whether the job says what became of a source, or is going to.
func (j Job[S]) tells(f journal.Fingerprint) bool {
	if !wire.Ended(j.Status) {
		return true
	}
	s := j.source(f)
	return wire.OutcomeOf(j.Status, s.Status, s.ReadSetID != "") != wire.Unclear
}

func (j Job[S]) source(f journal.Fingerprint) (out Source[S]) {
	for _, s := range j.Sources {
		if s.Fingerprint == f {
			return s
		}
	}
	return out
}

// Settle writes down a person's decision on a doubt, if nothing in the store and in the ledger contradicts it.
func Settle[S any](ctx context.Context, l *ledger.Ledger, store Store[S], d journal.Doubt, readSetIDs map[journal.Fingerprint]string) error {
	if b, underWay := l.Batch(d.ClientToken); !underWay || b.JobID != d.JobID {
		return ledger.ErrSettled
	}
	read := make(map[string]Job[S]) // each job is read once; one that is not known has no id
	look := store.Job
	store.Job = func(ctx context.Context, id string) (Job[S], bool, error) {
		job, before := read[id]
		if before {
			return job, job.ID != "", nil
		}
		job, known, err := look(ctx, id)
		if err == nil {
			read[id] = job
		}
		return job, known, err
	}
	var job Job[S]
	known := false
	if d.JobID != "" {
		var err error
		if job, known, err = store.Job(ctx, d.JobID); err != nil {
			return err
		}
	}
	of := make(map[string]journal.Fingerprint) // whose a read set is
	for _, s := range l.ReadSets(d.SequenceStoreID) {
		of[s.ReadSetID] = s.Fingerprint
	}
	by := make(map[string][]journal.Source) // by the job that created them
	for _, s := range d.Sources {
		id, imported := readSetIDs[s.Fingerprint]
		if known && job.tells(s.Fingerprint) && (id == "" || job.source(s.Fingerprint).ReadSetID != id) {
			return fmt.Errorf("readsetimport: job %s tells what became of source %s, or is going to: import it again", d.JobID, s.Fingerprint)
		}
		if !imported {
			by[d.JobID] = append(by[d.JobID], journal.Source{Fingerprint: s.Fingerprint, Status: types.ReadSetImportJobItemStatusFailed})
			continue
		}
		creator, err := store.check(ctx, s.Fingerprint, id)
		if other, taken := of[id]; err == nil && taken {
			err = fmt.Errorf("readsetimport: read set %s is that of source %s", id, other)
		}
		if err != nil {
			return err
		}
		of[id] = s.Fingerprint
		by[creator] = append(by[creator], journal.Source{Fingerprint: s.Fingerprint, Status: types.ReadSetImportJobItemStatusFinished, ReadSetID: id})
	}
	for f := range readSetIDs {
		if !slices.ContainsFunc(d.Sources, func(s journal.DoubtSource) bool { return s.Fingerprint == f }) {
			return fmt.Errorf("readsetimport: source %s is none of the doubt", f)
		}
	}
	for _, s := range d.Sources {
		for id, job := range read {
			if readSetIDs[s.Fingerprint] == "" && job.source(s.Fingerprint).ReadSetID != "" {
				return fmt.Errorf("readsetimport: job %s brought in source %s", id, s.Fingerprint)
			}
		}
	}
	var records []journal.Record
	for _, jobID := range slices.Sorted(maps.Keys(by)) {
		records = append(records, journal.Record{
			Kind: journal.Settled, Time: time.Now(), SequenceStoreID: d.SequenceStoreID, ClientToken: d.ClientToken, JobID: jobID, Sources: by[jobID],
		})
	}
	return l.Settle(ctx, d, records)
}

// check reports what contradicts that a source is a read set, and returns the job that created it, if that can be told.
func (store Store[S]) check(ctx context.Context, f journal.Fingerprint, id string) (jobID string, err error) {
	if !rules.IsID(id) {
		return "", fmt.Errorf("readsetimport: %.40q is no id of a read set", id)
	}
	set, jobID, err := store.ReadSet(ctx, id)
	switch {
	case err != nil:
		return "", err
	case set.ID == "" || !set.Present():
		return "", fmt.Errorf("readsetimport: read set %s is not in the store", id)
	case jobID == "":
		return "", nil
	}
	job, known, err := store.Job(ctx, jobID)
	if known && job.source(f).ReadSetID != id {
		err = fmt.Errorf("readsetimport: job %s made read set %s of other files", jobID, id)
	}
	return jobID, err
}
