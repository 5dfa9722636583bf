package readsetimport

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// JobRef names an import job. Job ids are unique within a sequence store.
type JobRef struct {
	SequenceStoreID string `json:"sequenceStoreId"`
	ID              string `json:"id"`
}

func (r JobRef) validate() error {
	var c checker
	const form = "10 to 36 decimal digits"
	if !validID(r.SequenceStoreID) {
		c.need(field("sequenceStoreId"), r.SequenceStoreID, RulePattern, form)
	}
	if !validID(r.ID) {
		c.need(field("id"), r.ID, RulePattern, form)
	}
	return c.err()
}

// Job is an import job as the service last described it. It is plain JSON.
type Job struct {
	JobRef
	RoleARN        string                       `json:"roleArn"`
	Status         types.ReadSetImportJobStatus `json:"status"`
	StatusMessage  string                       `json:"statusMessage,omitempty"` // the service's words, as they came
	CreationTime   time.Time                    `json:"creationTime,omitzero"`   // by the service's clock
	CompletionTime time.Time                    `json:"completionTime,omitzero"` // zero until the job has ended
	Sources        []JobSource                  `json:"sources,omitempty"`       // in no particular order; none in the answer to a start
}

// JobSource is one source of a job and what became of it. The source is as it was sent: without the tags that the
// service adds of its own.
type JobSource struct {
	Source        Source                           `json:"source"`
	ReadSetID     string                           `json:"readSetId,omitempty"` // empty until the source is imported
	Status        types.ReadSetImportJobItemStatus `json:"status"`
	StatusMessage string                           `json:"statusMessage,omitempty"` // the service's words, as they came
}

// Done reports whether the job has ended, well or badly. A status that this package does not know is not an end.
func (j Job) Done() bool {
	switch j.Status {
	case types.ReadSetImportJobStatusCompleted, types.ReadSetImportJobStatusCompletedWithFailures,
		types.ReadSetImportJobStatusFailed, types.ReadSetImportJobStatusCancelled:
		return true
	}
	return false
}

// Err is nil for a job that runs or has imported all of its sources, and a [*JobError] for one that ended otherwise.
func (j Job) Err() error {
	failed := slices.ContainsFunc(j.Sources, func(s JobSource) bool { return s.Status == types.ReadSetImportJobItemStatusFailed })
	switch {
	case !j.Done() && !allEnded(j):
		return nil
	case !failed && (j.Status == types.ReadSetImportJobStatusCompleted || !j.Done()):
		return nil
	}
	return &JobError{Job: j}
}

// implausible is what is wrong with the answer about the job of a batch, or nil. The batch of a job that was not
// started here is empty.
func implausible(b Batch, job Job) error {
	completed := job.Status == types.ReadSetImportJobStatusCompleted ||
		job.Status == types.ReadSetImportJobStatusCompletedWithFailures
	switch {
	case len(b.Sources) > 0 && len(job.Sources) > len(b.Sources):
		return fmt.Errorf("%w: %d sources in a job of %d", errNotCredible, len(job.Sources), len(b.Sources))
	case !known(job.Status) && !allEnded(job):
		return fmt.Errorf("%w: unknown job status %q", errNotCredible, oneLine(string(job.Status)))
	case completed && (len(job.Sources) < len(b.Sources) || slices.ContainsFunc(job.Sources, unsettled)):
		return fmt.Errorf("%w: the job has completed, and some of its sources have no outcome", errNotCredible)
	case job.Done() && slices.ContainsFunc(job.Sources, nameless):
		return fmt.Errorf("%w: the job has ended, and a source that it finished has no read set id", errNotCredible)
	}
	return nil
}

func known(status types.ReadSetImportJobStatus) bool {
	return slices.Contains(jobStatuses, status)
}

var jobStatuses = types.ReadSetImportJobStatus("").Values()

// unsettled reports whether a source of an ended job has no outcome of its own that can be believed.
func unsettled(s JobSource) bool {
	switch s.Status {
	case types.ReadSetImportJobItemStatusFailed:
		return false
	case types.ReadSetImportJobItemStatusFinished:
		return s.ReadSetID == ""
	}
	return true
}

// nameless reports whether a source is said to be in the store, and not as which read set.
func nameless(s JobSource) bool {
	return s.Status == types.ReadSetImportJobItemStatusFinished && s.ReadSetID == ""
}

// allEnded reports whether every source of the job has an outcome, so that the job has ended whatever its status says.
func allEnded(job Job) bool {
	return len(job.Sources) > 0 && !job.CompletionTime.IsZero() && !slices.ContainsFunc(job.Sources, unsettled)
}
