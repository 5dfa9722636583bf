package omicstest

import (
	"maps"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// The operations that a [Service] knows, as [Service.Inject], [Service.Requests] and [Request.Op] name them.
const (
	OpStart              = "StartReadSetImportJob"
	OpGet                = "GetReadSetImportJob"
	OpList               = "ListReadSetImportJobs"
	OpListReadSets       = "ListReadSets"
	OpGetReadSetMetadata = "GetReadSetMetadata"
	OpGetSequenceStore   = "GetSequenceStore"
)

var operations = []string{OpStart, OpGet, OpList, OpListReadSets, OpGetReadSetMetadata, OpGetSequenceStore}

// Source is one source of an import job as it was sent, without the tags that the service adds.
type Source struct {
	Type                                           types.FileType
	Source1, Source2                               string
	SubjectID, SampleID                            string
	Name, Description, GeneratedFrom, ReferenceARN string
	Tags                                           map[string]string
}

// JobSource is a source of a [Job] and what became of it: the read set that it is, or why there is none.
type JobSource struct {
	Source
	ReadSetID     string // empty unless the source was imported; stays when the read set is deleted
	Status        types.ReadSetImportJobItemStatus
	StatusMessage string
}

// Job is the state of an import job, as [Service.Jobs] returns it to compare a client's report with. Its times are the
// service's, with [Options.ClockSkew] added.
type Job struct {
	ID, StoreID, RoleARN, ClientToken string
	Status                            types.ReadSetImportJobStatus
	StatusMessage                     string
	CreationTime                      time.Time
	CompletionTime                    time.Time // zero while the job has not ended
	Sources                           []JobSource
}

// ReadSet is the state of a read set in a sequence store, as [Service.ReadSets] returns it to compare a client's report
// with. Its time is the service's, with [Options.ClockSkew] added.
type ReadSet struct {
	ID, StoreID   string
	JobID         string // the import job that created it; empty for an upload
	Status        types.ReadSetStatus
	StatusMessage string
	CreationTime  time.Time
	Source
}

// Upload is a read set that reaches a store by direct upload, for [Service.Upload]. No field is required or checked,
// so that a test can have read sets that lack, for example, a subject.
type Upload struct {
	Source // Source1 and Source2 name the files to [Options.Content]; no answer has them

	// Duration is how long the read set has the status PROCESSING_UPLOAD.
	Duration time.Duration

	// Failure, if not empty, makes the upload end as UPLOAD_FAILED with this status message, not as ACTIVE.
	Failure string
}

// Request is a request that reached the service, as [Service.Requests] returns it and [Options.Fault] decides on it.
// Starts with the same ClientToken are one that was repeated.
type Request struct {
	Op                        string    // empty if no operation has this method and path
	Time                      time.Time // of arrival, by time.Now, without [Options.ClockSkew]
	Method, Path              string
	StoreID, JobID, ReadSetID string // from the path, unchecked
	ClientToken               string
	Sources                   int           // number of sources in the body
	Status                    int           // the HTTP status answered; 0 if the connection was broken instead
	Duration                  time.Duration // from arrival to the end of the answer; 0 until then
	Body                      []byte        // nil unless [Options.KeepBodies] is set
}

// Outcome is how the import of a source ends. The zero Outcome follows the job: imported, unless [Options.JobOutcome]
// makes the whole job fail.
type Outcome struct {
	Status  types.ReadSetImportJobItemStatus // empty: the job's; FINISHED: imported, even if the job fails as a whole
	Message string                           // the statusMessage
}

// Failed returns the outcome of a source that is not imported, for the reason given. Return it from [Options.Outcome].
func Failed(message string) Outcome {
	return Outcome{Status: types.ReadSetImportJobItemStatusFailed, Message: message}
}

// FixedDuration returns a function for [Options.JobDuration] that gives every job the duration d, for tests in which all
// jobs may take the same time.
func FixedDuration(d time.Duration) func(Job) time.Duration {
	return func(Job) time.Duration { return d }
}

func (s Source) clone() Source {
	s.Tags = maps.Clone(s.Tags)
	return s
}
