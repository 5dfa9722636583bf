package wire

import (
	"context"
	"errors"
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
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The kinds of failed requests, by the service's error code or the HTTP status.
var (
	ErrValidation     = errors.New("invalid input")
	ErrQuotaExceeded  = errors.New("too many import jobs")
	ErrAccessDenied   = errors.New("access denied")
	ErrNotFound       = errors.New("not found")
	ErrRequestTimeout = errors.New("request timed out")
	ErrThrottled      = errors.New("too many requests")
	ErrInternal       = errors.New("internal server error")
)

// CodeNotFound is the service's error code for a store or a job that does not exist.
const CodeNotFound = "ResourceNotFoundException"

// serviceCodes are the codes of the service's own model.
var serviceCodes = map[string]error{
	"ValidationException":           ErrValidation,
	"ServiceQuotaExceededException": ErrQuotaExceeded,
	"AccessDeniedException":         ErrAccessDenied,
	CodeNotFound:                    ErrNotFound,
	"RequestTimeoutException":       ErrRequestTimeout,
	"ThrottlingException":           ErrThrottled,
	"InternalServerException":       ErrInternal,
}

// commonCodes are codes of all of AWS, sent before a request gets to the service, some of them with status 400. The
// message of a signature that does not match quotes the request's headers, the session token among them.
var commonCodes = map[string]error{
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

// IsServiceCode reports whether code is one of HealthOmics's own error codes.
func IsServiceCode(code string) bool { return serviceCodes[code] != nil }

// IsKnownCode reports whether code is an error code of HealthOmics or of all of AWS.
func IsKnownCode(code string) bool { return codeKind(code) != nil }

// codeKind returns the kind of failure that a code stands for, or nil if it is not known.
func codeKind(code string) error {
	for _, kinds := range []map[string]error{serviceCodes, commonCodes} {
		if kind := kinds[code]; kind != nil {
			return kind
		}
	}
	if _, ok := retry.DefaultThrottleErrorCodes[code]; ok {
		return ErrThrottled
	}
	return nil
}

// Kind returns the kind of a failed request, or nil if it is of none: by code first, by status where the code says
// nothing. A request whose time was up, by its cause, has timed out.
func Kind(code string, status int, cause error) error {
	if kind := codeKind(code); kind != nil {
		return kind
	}
	if errors.Is(cause, ErrNoAnswer) {
		return ErrRequestTimeout
	}
	switch status {
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
	if status >= 500 {
		return ErrInternal
	}
	return nil
}

// CredentialsMayCome reports whether it was an outage that kept credentials from being had: of the network, or of the
// service that hands them out.
func CredentialsMayCome(err error) bool {
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

// Failure is what the SDK's error of a request holds. What it does not hold is empty.
type Failure struct {
	Code, Message, RequestID string
	StatusCode               int
	RetryAfter               time.Duration
}

// Describe returns one line with the operation, the reason and the request id. kind is the failure's sentinel, or nil; local is
// whether the request did not get as far as the connection, and cause is the SDK's error.
func (f Failure) Describe(op string, kind error, local bool, cause error) string {
	var b strings.Builder
	b.WriteString(op)
	if kind != nil {
		b.WriteString(": " + kind.Error())
	}
	if f.Code != "" {
		b.WriteString(": " + OneLine(f.Code))
	}
	if IsServiceCode(f.Code) && f.Message != "" && kind != ErrValidation {
		b.WriteString(": " + OneLine(f.Message))
	}
	if 300 <= f.StatusCode && f.StatusCode < 400 {
		b.WriteString(": redirects are refused")
	}
	if local {
		b.WriteString(": not sent")
	}
	if f.StatusCode < 300 && cause != nil {
		b.WriteString(": " + Reason(cause))
	}
	var where []string
	if f.StatusCode != 0 {
		where = append(where, "status "+strconv.Itoa(f.StatusCode))
	}
	if f.RequestID != "" {
		where = append(where, "request id "+OneLine(f.RequestID))
	}
	if len(where) > 0 {
		b.WriteString(" (" + strings.Join(where, ", ") + ")")
	}
	return b.String()
}

// ReadFailure reads the SDK's error of one request.
func ReadFailure(err error) Failure {
	var f Failure
	var api smithy.APIError
	if errors.As(err, &api) {
		f.Code, f.Message = api.ErrorCode(), api.ErrorMessage()
		const unknown = "UnknownError" // the SDK's word for what an answer does not have
		if f.Code == unknown {
			f.Code = ""
		}
		if f.Message == unknown {
			f.Message = ""
		}
	}
	var res *awshttp.ResponseError
	if errors.As(err, &res) {
		f.RequestID = res.RequestID
	}
	var http *smithyhttp.ResponseError
	if errors.As(err, &http) && http.Response != nil && http.Response.Response != nil {
		f.StatusCode = http.Response.StatusCode
		f.RetryAfter = retryAfter(http.Response.Header.Get("Retry-After"))
		if f.Code == "" && f.StatusCode >= 300 {
			// The SDK does not look at the header if it cannot read the body.
			f.Code = restjson.SanitizeErrorCode(http.Response.Header.Get("X-Amzn-ErrorType"))
		}
	}
	return f
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

// Reason returns why a request failed, in one line, without what another's answer can smuggle into it.
func Reason(err error) string {
	var unreadable *smithy.DeserializationError
	var broken *net.OpError
	var api smithy.APIError
	switch {
	case errors.Is(err, ErrBodyTooLarge):
		return ErrBodyTooLarge.Error()
	case !errors.As(err, &unreadable):
	case errors.As(err, &broken):
		return "the answer cannot be read: " + OneLine(broken.Error())
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the answer cannot be read: it is cut short"
	default:
		return "the answer cannot be read"
	}
	if errors.As(err, &api) { // of a request for credentials
		return OneLine(api.ErrorCode())
	}
	return OneLine(cause(err).Error())
}

// cause returns the innermost reason of a request that got no answer, without the URL that net/http puts before it and
// the operation that the SDK does.
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

// OneLine returns s with every run of white space and control characters as one blank, cut to a length for a log.
func OneLine(s string) string {
	const most = 512
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
