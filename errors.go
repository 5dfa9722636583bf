package readsetimport

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/logtext"
	"github.com/readsetimport/readsetimport/internal/wire"
)

// Errors returned for a request, by the service's error code or the HTTP status. Test with errors.Is.
var (
	ErrValidation     = wire.ErrValidation           // 400, or refused before it was sent
	ErrQuotaExceeded  = wire.ErrQuotaExceeded        // 402: as many jobs run as the account may have in this Region
	ErrAccessDenied   = wire.ErrAccessDenied         // 403
	ErrNotFound       = wire.ErrNotFound             // 404: no such store or job
	ErrRequestTimeout = wire.ErrRequestTimeout       // 408: it may or may not have been carried out
	ErrThrottled      = wire.ErrThrottled            // 429
	ErrInternal       = wire.ErrInternal             // 5xx: it may or may not have been carried out
	ErrCredentials    = errors.New("no credentials") // nothing was sent: the credentials to sign the request with could not be had
)

// Errors returned for an import job that ended badly. Test with errors.Is; errors.As with a [*JobError] gives the job.
var (
	ErrJobFailed      = errors.New("import job failed")
	ErrJobCancelled   = errors.New("import job cancelled")
	ErrPartialFailure = errors.New("import job completed with failures")
)

// Errors returned for an import and its sources. Test with errors.Is.
var (
	// ErrIncomplete means that some sources were not imported. The report or the results say which, and why.
	ErrIncomplete = errors.New("not every source was imported")
	// ErrUnresolved means that it is unknown whether a source was imported. A [*DoubtError] says what to look at.
	ErrUnresolved = errors.New("it is unknown whether the source was imported")
)

// Error is a request that could not be made, was refused, or was not answered as it should be. It says nothing of what
// became of a job: that is a [*JobError].
//
// errors.Is matches it against the sentinels, [ErrThrottled] and so on: by the service's error code where there is one,
// and by the HTTP status where there is none, as in the answers of a gateway. errors.As still reaches the SDK's own types.
type Error struct {
	Op         string        // the operation, like StartReadSetImportJob
	Code       string        // the service's error code, like ThrottlingException; empty if it sent none
	Message    string        // the service's message, verbatim; Error() omits it when it may quote the request
	RequestID  string        // AWS's id of the request, for a support case
	StatusCode int           // the HTTP status, 0 if there was no answer
	RetryAfter time.Duration // how long the service asked to wait, 0 if it did not
	// MayHaveStarted is true for a StartReadSetImportJob whose outcome is not known. Only the same request with the same
	// token may follow it.
	MayHaveStarted bool
	Err            error // the cause: the SDK's error, in most cases

	local       bool // the request did not get as far as the connection
	credentials bool // and that for want of credentials
	mayPass     bool // which may be had in a while
}

// Error returns one line with the operation, the reason, the HTTP status and the request id, which a support case needs.
func (e *Error) Error() string {
	text := wire.Failure{Code: e.Code, Message: e.Message, RequestID: e.RequestID, StatusCode: e.StatusCode}.Describe(e.Op, e.kind(), e.local, e.Err)
	if e.MayHaveStarted {
		text += "; the job may have started"
	}
	return text
}

// Unwrap returns the cause, so that errors.As reaches the types of the SDK, such as *types.ThrottlingException.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the sentinel of this error, so that errors.Is(err, [ErrThrottled]) and the like hold.
func (e *Error) Is(target error) bool {
	kind := e.kind()
	return kind != nil && target == kind
}

// kind is the sentinel of the error, or nil.
func (e *Error) kind() error {
	if e.credentials {
		return ErrCredentials
	}
	return wire.Kind(e.Code, e.StatusCode, e.Err)
}

// refused reports whether the service said that it did not do what was asked. The other errors leave it open.
func (e *Error) refused() bool {
	switch e.kind() {
	case ErrRequestTimeout, ErrInternal:
		return false
	case nil:
		return 300 <= e.StatusCode && e.StatusCode < 500
	}
	return true
}

// renewable reports whether it is for want of permission or credentials, which may be given again.
func (e *Error) renewable() bool { return e.kind() == ErrAccessDenied || e.local }

// passing reports whether the same request can succeed later, without anybody changing anything.
func (e *Error) passing() bool {
	switch e.kind() {
	case ErrValidation, ErrNotFound:
		return false
	case ErrAccessDenied:
		// The SDK tells a clock that is off, and has set its own right by the answer.
		var skew interface{ RetryableError() bool }
		return errors.As(e.Err, &skew) && skew.RetryableError()
	case ErrCredentials:
		return e.mayPass
	case nil:
		return !e.local && !e.refused() && !errors.Is(e.Err, wire.ErrRedirected)
	}
	return true
}

// newError is the SDK's error of one request. The context's own end is not an Error's business: callers look at ctx
// first.
func newError(op string, err error) *Error {
	f := wire.ReadFailure(err)
	return &Error{Op: op, Code: f.Code, Message: f.Message, RequestID: f.RequestID, StatusCode: f.StatusCode, RetryAfter: f.RetryAfter, Err: err}
}

// JobError is an import job that did not fully succeed. errors.Is matches it against [ErrJobFailed], [ErrJobCancelled] and
// [ErrPartialFailure]; Job has the outcome of each source.
type JobError struct{ Job Job }

// Error returns one line with the job's id, how it ended, how many sources were not imported and the service's message.
func (e *JobError) Error() string {
	text := e.summary(e.Job.ID)
	if e.Job.StatusMessage != "" {
		text += ": " + wire.OneLine(e.Job.StatusMessage)
	}
	return text
}

// summary is Error without the service's message. A job of which only the status is known has no sources.
func (e *JobError) summary(id string) string {
	text := fmt.Sprintf("%v: job %s", e.kind(), id)
	if n := len(e.Job.Sources); n > 0 {
		text += fmt.Sprintf(", %d of %d sources not imported", e.failed(), n)
	}
	return text
}

// failed counts the sources that are not known to be imported.
func (e *JobError) failed() (n int) {
	for _, s := range e.Job.Sources {
		if e.Job.outcome(s) != wire.Imported {
			n++
		}
	}
	return n
}

// Is reports whether target is the sentinel of how the job ended: errors.Is(err, [ErrPartialFailure]) if some sources failed.
func (e *JobError) Is(target error) bool { return target == e.kind() }

func (e *JobError) kind() error {
	switch e.Job.Status {
	case types.ReadSetImportJobStatusCancelled:
		return ErrJobCancelled
	case types.ReadSetImportJobStatusFailed:
		return ErrJobFailed
	}
	return ErrPartialFailure
}

// DoubtError is a batch, or a source, of which it is unknown whether it was imported: it is [ErrUnresolved]. It names what a
// person can look at to find out; [Client.Settle] takes the answer. The page docs/doubts.md says how to find it.
type DoubtError struct {
	JobIDs     []string // jobs that may have brought in the sources, or have some of them
	ReadSetIDs []string // read sets of the same samples, created since, of which nobody tells from which files they came

	cause error
}

// Error returns one line with the reason and the ids of jobs and read sets: what to look at, without anybody's name.
func (e *DoubtError) Error() string {
	return logtext.Doubt(ErrUnresolved.Error()+": "+wire.OneLine(e.cause.Error()), e.ReadSetIDs)
}

// Unwrap returns [ErrUnresolved] and the reason, which is an [*Error] where the last request was answered so.
func (e *DoubtError) Unwrap() []error { return []error{ErrUnresolved, e.cause} }
