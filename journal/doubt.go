package journal

import "time"

// Doubt is a batch of which it is unknown what became of some of its sources. The client of package readsetimport lists the
// doubts of a store and takes a person's decision on them: see its Doubts and Settle. It is plain JSON.
type Doubt struct {
	SequenceStoreID string        `json:"sequenceStoreId"`
	ClientToken     string        `json:"clientToken"`     // of the batch's first attempt: it names the batch in the journal
	SentAt          time.Time     `json:"sentAt"`          // when a request may have left at the earliest
	JobID           string        `json:"jobId,omitempty"` // the job that carries the sources; empty: it is unknown whether there is one
	Sources         []DoubtSource `json:"sources"`
}

// DoubtSource is a source in doubt, and what a person can look at to decide on it. Its files are in the sheet: they are those of
// the row that has this Fingerprint.
type DoubtSource struct {
	Fingerprint Fingerprint `json:"fingerprint"`
	ReadSetIDs  []string    `json:"readSetIds,omitempty"` // read sets that an import found it may be
}
