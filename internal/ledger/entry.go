package ledger

import (
	"strings"

	"github.com/readsetimport/readsetimport/journal"
)

// entry is what is known of a source: small, since there may be millions. One without a batch was tried and failed, or
// was released.
type entry struct {
	batch    *batch // that carries it, or that brought it into the store
	tries    int32  // batches that carried it to an end
	place    uint8  // of its read set id among those of its batch
	imported bool
}

// readSetID returns the read set that the source was imported as, or "" if it was not.
func (e entry) readSetID() string {
	if !e.imported {
		return ""
	}
	ids := e.batch.readSets
	if width := int(e.batch.width); width > 0 {
		return ids[int(e.place)*(width+1):][:width]
	}
	for range e.place {
		_, ids, _ = strings.Cut(ids, " ")
	}
	id, _, _ := strings.Cut(ids, " ")
	return id
}

// batch carries sources, from its sending to its end. Of the end no more is kept than the job's id and the read sets'.
type batch struct {
	Batch
	holder   any    // the import that has it in hand
	readSets string // the read set ids, with a space between them
	width    uint8  // of each read set id, if they have the same, as a service makes them; otherwise 0
}

// endedJob is a job that has ended, while what it brought into the store is noted.
type endedJob struct {
	*batch
	ledger   *Ledger
	readSets []string
}

func (l *Ledger) newEnded(r journal.Record) *endedJob {
	ids := make([]string, 0, len(r.Sources))
	return &endedJob{ledger: l, batch: &batch{Batch: Batch{SequenceStoreID: r.SequenceStoreID, JobID: r.JobID}}, readSets: ids}
}

// add notes the outcome of a source.
func (j *endedJob) add(s journal.Source) {
	e := j.ledger.entries[s.Fingerprint]
	e.batch = nil
	if s.ReadSetID != "" {
		e.batch, e.imported, e.place = j.batch, true, uint8(len(j.readSets))
		j.readSets = append(j.readSets, s.ReadSetID)
	}
	e.tries++
	j.ledger.entries[s.Fingerprint] = e
}

func (j *endedJob) close() {
	j.batch.readSets = strings.Join(j.readSets, " ")
	for i, id := range j.readSets {
		if i == 0 {
			j.width = uint8(len(id)) // an id has at most 36 digits
		}
		if len(id) != int(j.width) {
			j.width = 0
			break
		}
	}
}
