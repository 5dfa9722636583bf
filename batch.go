package readsetimport

import (
	"fmt"
	"iter"
	"slices"

	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/internal/token"
	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/journal"
)

// Target is where read sets go: a sequence store, and the role with which HealthOmics reads the files from S3.
type Target struct {
	SequenceStoreID string `json:"sequenceStoreId"` // 10 to 36 decimal digits
	RoleARN         string `json:"roleArn"`         // 20 to 2048 characters
}

// Validate reports an error unless the sequence store id and the role ARN are well formed. Whether they exist, only the
// service knows.
func (t Target) Validate() error {
	var c checker
	c.target(t)
	return c.err()
}

// Batch is what one import job takes: up to [MaxSourcesPerJob] sources for one target, and the client token by which
// HealthOmics recognises a repeated request. It is plain JSON. [Split] makes batches.
type Batch struct {
	Target      Target   `json:"target"`
	ClientToken string   `json:"clientToken"` // 1 to 127 characters
	Sources     []Source `json:"sources"`
}

// Split validates the target and the sources and cuts them, in their order, into batches of up to [MaxSourcesPerJob].
// It is a pure function: the same arguments give the same batches with the same client tokens, in any process and on
// any day. Another runID, target or source gives other tokens, so a run id says which imports are the same import.
//
// The error is a [*ValidationError] with every fault found, and then there are no batches.
func Split(t Target, runID string, sources []Source) ([]Batch, error) {
	if err := validateImport(t, sources); err != nil {
		return nil, err
	}
	batches := make([]Batch, 0, (len(sources)+MaxSourcesPerJob-1)/MaxSourcesPerJob)
	for chunk := range slices.Chunk(sources, MaxSourcesPerJob) {
		batches = append(batches, newBatch(t, runID, clones(chunk)))
	}
	return batches, nil
}

// validateImport is all that can be told about an import before anything is sent.
func validateImport(t Target, sources []Source) error {
	var c checker
	c.target(t)
	c.sources(sources)
	return c.err()
}

// newBatch takes sources that are known to be valid, and keeps them: the client token stands for this body, so nobody may
// change it.
func newBatch(t Target, runID string, sources []Source) Batch {
	b := Batch{Target: t, Sources: sources}
	b.ClientToken = firstToken(runID, b)
	return b
}

// validate checks the batch as [Client.Start] and [Client.Advance] do before they send it. An empty client token is
// allowed, since they fill it.
func (s Submission) validate() error {
	if s.checked {
		return nil
	}
	c, b := checker{}, s.Batch
	c.target(b.Target)
	c.Optional(rules.Field("clientToken"), b.ClientToken, 127)
	if n := len(b.Sources); n > MaxSourcesPerJob {
		c.Fault(rules.Field("sources"), rules.Length, "", fmt.Sprintf("must be at most %d in one job, not %d: Split makes batches", MaxSourcesPerJob, n))
	}
	c.sources(b.Sources)
	return c.err()
}

// firstToken is the client token of the batch's first attempt.
func firstToken(runID string, b Batch) string {
	return token.First(runID, b.Target.SequenceStoreID, b.Target.RoleARN, b.body())
}

// body is the JSON of the sources, by which it is told whether a request is the same.
func (b Batch) body() iter.Seq[[]byte] {
	return wire.SourcesJSON(len(b.Sources), b.shape)
}

func (b Batch) shape(i int) wire.Source { return b.Sources[i].shape() }

// Fingerprint identifies a read set in a journal: see [Target.Fingerprint], and [journal.Fingerprint] for what counts.
type Fingerprint = journal.Fingerprint

// Fingerprint returns the fingerprint of a source in the target's store, whatever the role.
func (t Target) Fingerprint(s Source) Fingerprint {
	return token.Fingerprint(t.SequenceStoreID, string(s.Type), s.Source1, s.Source2, s.SubjectID, s.SampleID)
}
