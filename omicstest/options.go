package omicstest

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

const (
	defaultStore       = "1234567890"
	defaultJobDuration = 2 * time.Second
	defaultTokenWindow = 24 * time.Hour
)

// Options configures a [Service]. The zero value of each field means its documented default.
//
// The service calls the functions, except OnRequest, one at a time while it is locked. They need no lock of their own,
// and must not call the service.
type Options struct {
	// Stores are the ids of the sequence stores. Requests for any other store are answered with 404. Default:
	// "1234567890".
	Stores []string

	// JobDuration returns how long a job takes from Start to its end. It is called once, at Start. Default: 2 s.
	JobDuration func(Job) time.Duration

	// Outcome returns how the import of a source ends. It is called once for each source, at Start, in the order of
	// the sources. Default: all are imported.
	Outcome func(Source) Outcome

	// JobOutcome returns the status of any kind, and the message, with which a job ends. It is called once, at Start.
	// With FAILED, the sources that have no [Outcome] of their own end as FAILED without a message; with CANCELLED
	// they stay NOT_STARTED; none of them is imported. An empty status, the default, derives it from the sources:
	// COMPLETED if all were imported, FAILED if none was, COMPLETED_WITH_FAILURES otherwise.
	JobOutcome func(Job) (status types.ReadSetImportJobStatus, message string)

	// KeepOrder makes Get answer with the sources in the order of the request. Default: the sources are reordered, and
	// none keeps its place.
	KeepOrder bool

	// TokenWindow is how long a client token is remembered. During that time the same token with the same request is
	// answered with the job that it started. Default: 24 h. Negative: tokens are not remembered.
	TokenWindow time.Duration

	// TokenMismatch is the answer to a remembered token with a different request. Default: 400 ValidationException.
	TokenMismatch Fault

	// QuotaFirst makes [Options.MaxActiveJobs] refuse a Start before its token is looked up, so that a repeated
	// request can be answered with 402 too. Default: a remembered token is answered with its job, even if the quota is
	// used up.
	QuotaFirst bool

	// RequestRate is the number of requests of each operation that are admitted in any second, all stores together.
	// One more is answered with 429 ThrottlingException, and does not count. Below 1, one request is admitted in
	// 1/RequestRate seconds. Requests that a fault answers count, but are not refused. Default: no limit. The service's
	// own quota is 5.
	RequestRate float64

	// RetryAfter is sent with each 429, in whole seconds. Default: none is sent.
	RetryAfter time.Duration

	// MaxActiveJobs is the number of jobs that may be active, all stores together. A Start beyond it is answered with
	// 402 ServiceQuotaExceededException. [Service.SetMaxActiveJobs] changes it. Default: no limit.
	MaxActiveJobs int

	// ListLag is how far ListReadSetImportJobs is behind: it answers with the state of that long ago, without the jobs
	// created since.
	ListLag time.Duration

	// ReadSetListLag is how far ListReadSets is behind, as ListLag is for jobs. GetReadSetMetadata has no lag.
	ReadSetListLag time.Duration

	// PageSize is the maximum number of jobs or read sets on a page of a list, whatever the request asks for. Default:
	// 100.
	PageSize int

	// ScanSize is the maximum number of jobs or read sets that a list looks at for one page. With a filter, pages are
	// then short or empty although a nextToken follows, as in other services of AWS. Default: a page ends when it is
	// full.
	ScanSize int

	// JobRetention is how long Get and List still know a job after its end. Its read sets stay. Default: for ever.
	JobRetention time.Duration

	// DiscardExpired makes the service forget the jobs that [Options.JobRetention] hides, and their read sets, so that
	// a run of any size needs little memory: no answer has them any more, nor do [Service.Jobs] and
	// [Service.ReadSets]. [Service.CountReadSets] still counts them.
	DiscardExpired bool

	// DeletionDuration is how long a deleted read set has the status DELETING before it is DELETED. Default: 0.
	DeletionDuration time.Duration

	// DeletedRetention is how long ListReadSets and GetReadSetMetadata still answer with a read set after it became
	// DELETED; after that it is not listed, and GetReadSetMetadata answers with 404. Default: for ever, so that a client
	// that takes what is listed for what is in the store fails its test. Negative: not at all.
	DeletedRetention time.Duration

	// Content returns what the file at a URI contains: files with the same content have the same ETag. It is called
	// once for each file, when the job starts or the read set is uploaded. Default: the URI itself.
	Content func(uri string) string

	// ETagDelay is how long after its import or upload a read set has neither its ETags nor its counts of reads and
	// bases. Default: 0.
	ETagDelay time.Duration

	// ETagFamilies are the hash functions of the ETags in each store, by store id. Default: MD5up.
	ETagFamilies map[string]types.ETagAlgorithmFamily

	// ClockSkew is added to every time that the service sends. The times of a filter are compared with the sum.
	ClockSkew time.Duration

	// MaxRequests is the number of the latest requests that [Service.Requests] returns. Default: all. Negative: none.
	MaxRequests int

	// KeepBodies keeps the bodies of requests in [Request.Body].
	KeepBodies bool

	// Fault returns the fault of a request for which [Service.Inject] has set none. Default: no faults.
	Fault func(Request) (fault Fault, ok bool)

	// OnRequest is called after a request has been answered, without a lock: calls may be concurrent.
	OnRequest func(Request)
}
