package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/restjson"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Errors returned for a request, by the service's error code or the HTTP status. Test with errors.Is.
var (
	ErrValidation     = errors.New("invalid input")         // 400, or refused before it was sent
	ErrQuotaExceeded  = errors.New("too many import jobs")  // 402: as many jobs run as the account may have in this Region
	ErrAccessDenied   = errors.New("access denied")         // 403
	ErrNotFound       = errors.New("not found")             // 404: no such store or job
	ErrRequestTimeout = errors.New("request timed out")     // 408: it may or may not have been carried out
	ErrThrottled      = errors.New("too many requests")     // 429
	ErrInternal       = errors.New("internal server error") // 5xx: it may or may not have been carried out
	ErrCredentials    = errors.New("no credentials")        // nothing was sent: the credentials to sign the request with could not be had
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
	// ErrUnresolved means that it is unknown whether a source was imported. Look in the store before importing it again.
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

// Error returns one line with the operation, the reason and the request id.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	kind := e.kind()
	if kind != nil {
		b.WriteString(": " + kind.Error())
	}
	if e.Code != "" {
		b.WriteString(": " + oneLine(e.Code))
	}
	if _, modelled := codeKinds[e.Code]; modelled && e.Message != "" && kind != ErrValidation {
		b.WriteString(": " + oneLine(e.Message))
	}
	if 300 <= e.StatusCode && e.StatusCode < 400 {
		b.WriteString(": redirects are refused")
	}
	if e.local {
		b.WriteString(": not sent")
	}
	if e.StatusCode < 300 && e.Err != nil {
		b.WriteString(": " + reason(e.Err))
	}
	var where []string
	if e.StatusCode != 0 {
		where = append(where, "status "+strconv.Itoa(e.StatusCode))
	}
	if e.RequestID != "" {
		where = append(where, "request id "+oneLine(e.RequestID))
	}
	if len(where) > 0 {
		b.WriteString(" (" + strings.Join(where, ", ") + ")")
	}
	if e.MayHaveStarted {
		b.WriteString("; the job may have started")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the sentinel of this error.
func (e *Error) Is(target error) bool {
	kind := e.kind()
	return kind != nil && target == kind
}

const codeNotFound = "ResourceNotFoundException"

// codeKinds are the codes of the service's own model.
var codeKinds = map[string]error{
	"ValidationException":           ErrValidation,
	"ServiceQuotaExceededException": ErrQuotaExceeded,
	"AccessDeniedException":         ErrAccessDenied,
	codeNotFound:                    ErrNotFound,
	"RequestTimeoutException":       ErrRequestTimeout,
	"ThrottlingException":           ErrThrottled,
	"InternalServerException":       ErrInternal,
}

// commonKinds are codes of all of AWS, sent before a request gets to the service, some of them with status 400. The
// message of a signature that does not match quotes the request's headers, the session token among them.
var commonKinds = map[string]error{
	"AccessDenied":                ErrAccessDenied,
	"ExpiredToken":                ErrAccessDenied,
	"ExpiredTokenException":       ErrAccessDenied,
	"IncompleteSignature":         ErrAccessDenied,
	"InvalidClientTokenId":        ErrAccessDenied,
	"InvalidSignatureException":   ErrAccessDenied,
	"MissingAuthenticationToken":  ErrAccessDenied,
	"NotAuthorized":               ErrAccessDenied,
	"OptInRequired":               ErrAccessDenied,
	"RequestExpired":              ErrAccessDenied,
	"SignatureDoesNotMatch":       ErrAccessDenied,
	"UnrecognizedClientException": ErrAccessDenied,
	"InternalFailure":             ErrInternal,
	"ServiceUnavailable":          ErrInternal,
}

// kind is the sentinel of the error, or nil: by code first, by status where the code says nothing.
func (e *Error) kind() error {
	if e.credentials {
		return ErrCredentials
	}
	for _, kinds := range []map[string]error{codeKinds, commonKinds} {
		if kind := kinds[e.Code]; kind != nil {
			return kind
		}
	}
	if _, ok := retry.DefaultThrottleErrorCodes[e.Code]; ok {
		return ErrThrottled
	}
	if errors.Is(e.Err, errNoAnswer) {
		return ErrRequestTimeout
	}
	switch e.StatusCode {
	case http.StatusBadRequest:
		return ErrValidation
	case http.StatusPaymentRequired:
		return ErrQuotaExceeded
	case http.StatusForbidden, http.StatusUnauthorized:
		return ErrAccessDenied
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusRequestTimeout:
		return ErrRequestTimeout
	case http.StatusTooManyRequests:
		return ErrThrottled
	}
	if e.StatusCode >= 500 {
		return ErrInternal
	}
	return nil
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
		return !e.local && !e.refused() && !errors.Is(e.Err, errRedirected)
	}
	return true
}

// credentialsMayCome reports whether it was an outage that kept credentials from being had: of the network, or of the
// service that hands them out.
func credentialsMayCome(err error) bool {
	var status interface{ HTTPStatusCode() int }
	if errors.As(err, &status) && status.HTTPStatusCode() != 0 {
		code := status.HTTPStatusCode()
		if code >= 500 || code == http.StatusTooManyRequests || code == http.StatusRequestTimeout {
			return true
		}
	}
	var network *net.OpError
	var lookup *net.DNSError
	return errors.As(err, &network) || errors.As(err, &lookup) || errors.Is(err, context.DeadlineExceeded) ||
		retry.IsErrorRetryables(retry.DefaultRetryables).IsErrorRetryable(err) == aws.TrueTernary
}

// newError is the SDK's error of one request. The context's own end is not an Error's business: callers look at ctx
// first.
func newError(op string, err error) *Error {
	e := &Error{Op: op, Err: err}
	var api smithy.APIError
	if errors.As(err, &api) {
		e.Code, e.Message = api.ErrorCode(), api.ErrorMessage()
		const unknown = "UnknownError" // the SDK's word for what an answer does not have
		if e.Code == unknown {
			e.Code = ""
		}
		if e.Message == unknown {
			e.Message = ""
		}
	}
	var res *awshttp.ResponseError
	if errors.As(err, &res) {
		e.RequestID = res.RequestID
	}
	var http *smithyhttp.ResponseError
	if errors.As(err, &http) && http.Response != nil && http.Response.Response != nil {
		e.StatusCode = http.Response.StatusCode
		e.RetryAfter = retryAfter(http.Response.Header.Get("Retry-After"))
		if e.Code == "" && e.StatusCode >= 300 {
			// The SDK does not look at the header if it cannot read the body.
			e.Code = restjson.SanitizeErrorCode(http.Response.Header.Get("X-Amzn-ErrorType"))
		}
	}
	return e
}

// retryAfter reads seconds or an HTTP date. What it cannot read is 0.
func retryAfter(value string) time.Duration {
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil || errors.Is(err, strconv.ErrRange) {
		return max(0, time.Duration(seconds)*time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}

// reason is why a request came to nothing, without what another's answer can smuggle into it.
func reason(err error) string {
	var unreadable *smithy.DeserializationError
	var broken *net.OpError
	var api smithy.APIError
	switch {
	case errors.Is(err, errBodyTooLarge):
		return errBodyTooLarge.Error()
	case !errors.As(err, &unreadable):
	case errors.As(err, &broken):
		return "the answer cannot be read: " + oneLine(broken.Error())
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the answer cannot be read: it is cut short"
	default:
		return "the answer cannot be read"
	}
	if errors.As(err, &api) { // of a request for credentials
		return oneLine(api.ErrorCode())
	}
	return oneLine(cause(err).Error())
}

// cause is the innermost reason of a request that got no answer, without the URL that net/http puts before it and the
// operation that the SDK does.
func cause(err error) error {
	var op *smithy.OperationError
	if errors.As(err, &op) {
		err = op.Err
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err
}

// oneLine is s with every run of white space and control characters as one blank, cut to a length for a log.
func oneLine(s string) string {
	const most = 512
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// JobError is an import job that did not fully succeed. errors.Is matches it against [ErrJobFailed], [ErrJobCancelled] and
// [ErrPartialFailure]; Job has the outcome of each source.
type JobError struct{ Job Job }

// Error returns one line with the job's id, how it ended, how many sources were not imported and the service's message.
func (e *JobError) Error() string {
	text := fmt.Sprintf("%v: job %s, %d of %d sources not imported", e.kind(), e.Job.ID, e.failed(), len(e.Job.Sources))
	if e.Job.StatusMessage != "" {
		text += ": " + oneLine(e.Job.StatusMessage)
	}
	return text
}

// failed counts the sources that are not known to be imported.
func (e *JobError) failed() (n int) {
	for _, s := range e.Job.Sources {
		if e.Job.outcome(s) != outcomeImported {
			n++
		}
	}
	return n
}

// Is reports whether target is the sentinel of the way in which the job ended.
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

// contextEnded is the cause of the context's end, or nil while it lasts.
func contextEnded(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}
