package omicstest

import (
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// The operations that a [Service] knows, as [Service.Inject], [Service.Requests] and [Request.Op] name them.
const (
	OpStart = "StartReadSetImportJob"
	OpGet   = "GetReadSetImportJob"
	OpList  = "ListReadSetImportJobs"
)

// Source is one source of an import job as it was sent: the service's own tags are not in it.
type Source struct {
	Type                                           types.FileType
	Source1, Source2                               string
	SubjectID, SampleID                            string
	Name, Description, GeneratedFrom, ReferenceARN string
	Tags                                           map[string]string
}

// JobSource is a source of a job and what has become of it.
type JobSource struct {
	Source
	ReadSetID     string // empty unless the read set is in the store
	Status        types.ReadSetImportJobItemStatus
	StatusMessage string
}

// Job is an import job as it stands when it is asked for. Times are the service's, [Options.ClockSkew] included.
type Job struct {
	ID, StoreID, RoleARN, ClientToken string
	Status                            types.ReadSetImportJobStatus
	StatusMessage                     string
	CreationTime                      time.Time
	CompletionTime                    time.Time // zero while the job has not ended
	Sources                           []JobSource
}

// ReadSet is a read set in a sequence store.
type ReadSet struct {
	ID, JobID, StoreID string
	Source
}

// Request is a request that reached the service.
type Request struct {
	Op             string    // empty if the path is none of the service's
	Time           time.Time // of arrival, by time.Now: [Options.ClockSkew] does not show
	Method, Path   string
	StoreID, JobID string // from the path, unchecked
	ClientToken    string
	Sources        int           // how many sources the body holds
	Status         int           // the HTTP status answered; 0 if the connection was broken instead
	Duration       time.Duration // from arrival to the end of the answer; 0 while it is not over
	Body           []byte        // nil unless [Options.KeepBodies]
}

// Outcome is what becomes of a source. The zero Outcome is that of the job: imported, unless [Options.JobOutcome]
// makes the whole job fail.
type Outcome struct {
	Status  types.ReadSetImportJobItemStatus // empty: the job's; FINISHED: imported, even if the job fails as a whole
	Message string                           // the statusMessage
}

// Failed returns the outcome of a source that is not imported, for the reason given.
func Failed(message string) Outcome {
	return Outcome{Status: types.ReadSetImportJobItemStatusFailed, Message: message}
}

// Lasting returns an [Options.JobDuration] that gives every job the same duration.
func Lasting(d time.Duration) func(Job) time.Duration {
	return func(Job) time.Duration { return d }
}

func (s Source) clone() Source {
	s.Tags = maps.Clone(s.Tags)
	return s
}
