package readsetimport

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// JobRef names an import job. Job ids are unique within a sequence store.
type JobRef struct {
	SequenceStoreID string `json:"sequenceStoreId"`
	ID              string `json:"id"`
}

// Job is an import job as the service last described it. It is plain JSON, in the service's own shape.
type Job struct {
	JobRef
	RoleARN        string                       `json:"roleArn"`
	Status         types.ReadSetImportJobStatus `json:"status"`
	StatusMessage  string                       `json:"statusMessage,omitempty"` // the service's words, as they came
	CreationTime   time.Time                    `json:"creationTime,omitzero"`   // by the service's clock
	CompletionTime time.Time                    `json:"completionTime,omitzero"` // zero until the job has ended
	Sources        []JobSource                  `json:"sources,omitempty"`       // in no particular order; empty in the answer to a start
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
	if !j.Done() || j.Status == types.ReadSetImportJobStatusCompleted {
		return nil
	}
	return &JobError{Job: j}
}
