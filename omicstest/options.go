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

// Options is what a [Service] does. The zero value of each field is its documented default.
//
// The functions are called one at a time with the service locked: they need no lock of their own, and must not call
// the service.
type Options struct {
	// Stores are the ids of the sequence stores. Any other is answered with 404. Default: "1234567890".
	Stores []string

	// JobDuration is the time that a job takes from Start to its end. It is asked once, at Start. Default: 2 s.
	JobDuration func(Job) time.Duration

	// Outcome says what becomes of a source. It is asked once, at Start, in the order of the sources. Default: all
	// are imported.
	Outcome func(Source) Outcome

	// JobOutcome says how a job ends: with a status of any kind, and a message. It is asked once, at Start. With
	// FAILED, the sources that have no [Outcome] of their own end as FAILED without a message, with CANCELLED they
	// stay NOT_STARTED, and none of them is imported. An empty status, the default, derives it from the sources:
	// COMPLETED if all were imported, FAILED if none was, COMPLETED_WITH_FAILURES otherwise.
	JobOutcome func(Job) (status types.ReadSetImportJobStatus, message string)

	// KeepOrder makes Get answer with the sources in the order of the request. Default: none is where it was.
	KeepOrder bool

	// TokenWindow is how long a client token is remembered. While it is, the same token with the same request
	// answers the job that it started. Default: 24 h. Negative: not at all.
	TokenWindow time.Duration

	// TokenMismatch is what a remembered token with another request is answered with. Default: 400
	// ValidationException.
	TokenMismatch Fault

	// QuotaFirst makes [Options.MaxActiveJobs] refuse a Start before its token is looked up, so that a repeated
	// request can be answered with 402 too. Default: a remembered token is answered with its job whatever the
	// quota.
	QuotaFirst bool

	// RequestRate is the number of requests of one operation that are admitted in any second, all stores together;
	// one more is answered with 429 ThrottlingException, and does not count. Below 1, it is one request in so many
	// seconds. Requests that a fault answers count, but are not refused. Default: no limit.
	RequestRate float64

	// RetryAfter is sent with each 429, in full seconds. Default: none is sent.
	RetryAfter time.Duration

	// MaxActiveJobs is how many jobs may be under way, all stores together; a Start beyond it is answered with 402
	// ServiceQuotaExceededException. [Service.SetMaxActiveJobs] changes it. Default: no limit.
	MaxActiveJobs int

	// ListLag is how far List is behind: it answers as of that long ago, without the jobs created since.
	ListLag time.Duration

	// PageSize is how many jobs a page of List holds at most, whatever is asked for. Default: 100.
	PageSize int

	// JobRetention is how long a job can be seen by Get and List after its end. Its read sets stay. Default: for
	// ever.
	JobRetention time.Duration

	// DiscardExpired makes the service forget the jobs that [Options.JobRetention] hides and their read sets, so
	// that a run of any size takes little memory: [Service.Jobs] and [Service.ReadSets] no longer have them,
	// [Service.CountReadSets] still counts them.
	DiscardExpired bool

	// ClockSkew is added to every time that the service sends, and those of List's filter are compared with the
	// result.
	ClockSkew time.Duration

	// MaxRequests is how many of the latest requests [Service.Requests] has. Default: all. Negative: none.
	MaxRequests int

	// KeepBodies keeps the bodies of requests in [Request.Body].
	KeepBodies bool

	// Fault is asked about each request that no [Service.Inject] was meant for. Default: no faults.
	Fault func(Request) (fault Fault, ok bool)

	// OnRequest is called when a request has been answered, without a lock: calls can come at the same time.
	OnRequest func(Request)
}
