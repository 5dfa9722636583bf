package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

var (
	operations = []operation{opStart, opGet, opList}
	sentinels  = []error{ErrValidation, ErrQuotaExceeded, ErrAccessDenied, ErrNotFound, ErrRequestTimeout, ErrThrottled, ErrInternal, ErrCredentials}
)

// refusals are what the service, or a gateway before it, can refuse a request with.
var refusals = []struct {
	status int
	code   string
	want   error
	typed  func() any // a pointer for errors.As
}{
	{400, "ValidationException", ErrValidation, func() any { return new(*types.ValidationException) }},
	{402, "ServiceQuotaExceededException", ErrQuotaExceeded, func() any { return new(*types.ServiceQuotaExceededException) }},
	{403, "AccessDeniedException", ErrAccessDenied, func() any { return new(*types.AccessDeniedException) }},
	{404, "ResourceNotFoundException", ErrNotFound, func() any { return new(*types.ResourceNotFoundException) }},
	{408, "RequestTimeoutException", ErrRequestTimeout, func() any { return new(*types.RequestTimeoutException) }},
	{429, "ThrottlingException", ErrThrottled, func() any { return new(*types.ThrottlingException) }},
	{500, "InternalServerException", ErrInternal, func() any { return new(*types.InternalServerException) }},
	{502, "", ErrInternal, nil},
	{503, "", ErrInternal, nil},
	{504, "", ErrInternal, nil},
}

// request makes one request of an operation, as everything in this package does.
func (c *Client) request(ctx context.Context, op operation) error {
	var err error
	switch op {
	case opStart:
		b := newBatch(testTarget, "run", testSources(1))
		_, err = c.start(ctx, b, 1, notTooLate)
	case opGet:
		_, err = c.get(ctx, testJobRef)
	case opList:
		_, _, err = c.listPage(ctx, testTarget.SequenceStoreID, time.Unix(0, 0), "page-token")
	}
	return err
}

var testJobRef = JobRef{SequenceStoreID: testTarget.SequenceStoreID, ID: "9876543210"}

// spoiled is the error of one request that is answered with a fault.
func spoiled(t *testing.T, op operation, fault omicstest.Fault, optFns ...func(*Options)) *Error {
	t.Helper()
	service := omicstest.New()
	service.Inject("", fault)
	err := newTestClient(t, service, optFns...).request(t.Context(), op)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, op.String(), e.Op)
	require.Len(t, service.Requests(""), 1)
	requireFitForLog(t, err)
	return e
}

func jsonBody(status int, text string) omicstest.Fault {
	return omicstest.Raw(status, http.Header{"Content-Type": {"application/json"}}, func() io.Reader { return strings.NewReader(text) })
}

// requireKind checks that an error is the sentinel, and no other.
func requireKind(t *testing.T, err, want error) {
	t.Helper()
	for _, sentinel := range sentinels {
		require.Equal(t, sentinel == want, errors.Is(err, sentinel), "%v is %v", err, sentinel)
	}
}

// requireFitForLog checks that the text of an error is one line without anything that must not be in a log.
func requireFitForLog(t *testing.T, err error) {
	t.Helper()
	text := err.Error()
	require.Equal(t, strings.Join(strings.Fields(text), " "), text, "one line")
	require.Less(t, len(text), 1000)
	for _, secret := range []string{
		"sample-0", "subject-0", "s3://", "maxResults", "page-token", "http://", "https://", "<", "{", "AKIDEXAMPLE", "Security-Token", "the-token",
	} {
		require.NotContains(t, strings.ToLower(text), strings.ToLower(secret))
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	forms := map[string]struct {
		typed bool
		fault func(status int, code string) omicstest.Fault
	}{
		"code in header": {true, func(status int, code string) omicstest.Fault {
			return omicstest.Status(status, code, "the service's words")
		}},
		"code in header with a namespace": {true, func(status int, code string) omicstest.Fault {
			return omicstest.Status(status, "com.amazonaws.omics#"+code+":http://internal.amazon.com/coral", "the service's words")
		}},
		"code in __type": {true, func(status int, code string) omicstest.Fault {
			return jsonBody(status, fmt.Sprintf(`{"__type":"com.amazonaws.omics#%s","message":"the service's words"}`, code))
		}},
		"code in code": {true, func(status int, code string) omicstest.Fault {
			return jsonBody(status, fmt.Sprintf(`{"code":%q,"message":"the service's words"}`, code))
		}},
		"no code":    {false, func(status int, _ string) omicstest.Fault { return omicstest.Status(status, "", "the gateway's words") }},
		"empty body": {false, func(status int, _ string) omicstest.Fault { return omicstest.Status(status, "", "") }},
		"HTML":       {false, func(status int, _ string) omicstest.Fault { return omicstest.HTML(status) }},
	}
	for name, form := range forms {
		for _, refusal := range refusals {
			if form.typed && refusal.code == "" {
				continue
			}
			for _, op := range operations {
				t.Run(fmt.Sprintf("%s/%d/%s", name, refusal.status, op), func(t *testing.T) {
					e := spoiled(t, op, form.fault(refusal.status, refusal.code))
					requireKind(t, e, refusal.want)
					require.Equal(t, refusal.status, e.StatusCode)
					require.Equal(t, "00000000-0000-4000-8000-000000000001", e.RequestID)
					unknown := refusal.want == ErrRequestTimeout || refusal.want == ErrInternal
					require.Equal(t, op == opStart && unknown, e.MayHaveStarted)
					var response *awshttp.ResponseError
					require.ErrorAs(t, e, &response)
					require.Equal(t, e.RequestID, response.ServiceRequestID())
					if !form.typed {
						require.Empty(t, e.Code)
						return
					}
					require.Equal(t, refusal.code, e.Code)
					require.Equal(t, "the service's words", e.Message)
					if refusal.want != ErrQuotaExceeded || op == opStart { // the SDK knows a 402 only for Start
						require.ErrorAs(t, e, refusal.typed())
					}
				})
			}
		}
	}
}

// What the service says goes into Message, and into the text only where it does not quote the request.
func TestErrorText(t *testing.T) {
	const quoting = "Value 'sample-0' at 'sources.1.member.sampleId' of subject-0 with s3://bucket/key\nfailed"
	tests := map[string]struct {
		fault omicstest.Fault
		shown bool
	}{
		"400":               {omicstest.Status(400, "ValidationException", quoting), false},
		"400 without code":  {omicstest.Status(400, "", quoting), false},
		"500 without code":  {omicstest.Status(500, "", quoting), false},
		"unknown code":      {omicstest.Status(422, "UnprocessableEntity", quoting), false},
		"wrong signature":   {omicstest.Status(403, "InvalidSignatureException", "The Canonical String should have been 'POST\n\nx-amz-security-token:the-token'"), false},
		"other signature":   {omicstest.Status(403, "SignatureDoesNotMatch", "x-amz-security-token:the-token"), false},
		"403":               {omicstest.Status(403, "AccessDeniedException", "not authorized to perform omics:StartReadSetImportJob"), true},
		"404":               {omicstest.Status(404, "ResourceNotFoundException", "no such store"), true},
		"402 on two lines":  {omicstest.Status(402, "ServiceQuotaExceededException", "first\r\n\tsecond"), true},
		"429, very long":    {omicstest.Status(429, "ThrottlingException", strings.Repeat("é", 5000)), true},
		"500, control code": {omicstest.Status(500, "InternalServerException", "a\x1b[2Jb\x00c"), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			e := spoiled(t, opStart, test.fault)
			require.Equal(t, test.fault.Message, e.Message)
			without := *e
			without.Message = ""
			require.Equal(t, test.shown, e.Error() != without.Error(), e.Error())
			require.NotContains(t, e.Error(), "\x1b")
		})
	}
}

// A request that the context ends has the context's cause.
func TestContextCause(t *testing.T) {
	cause := errors.New("the ship sank")
	for _, op := range operations {
		for name, fault := range map[string]omicstest.Fault{
			"while waiting for the answer": omicstest.Delay(time.Hour),
			"while a body drips":           omicstest.Raw(200, nil, func() io.Reader { return drip{} }),
		} {
			t.Run(fmt.Sprintf("%s/%s", op, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancelCause(t.Context())
					time.AfterFunc(time.Second, func() { cancel(cause) })
					service := omicstest.New()
					service.Inject("", fault)
					err := newTestClient(t, service).request(ctx, op)
					var e *Error
					require.ErrorAs(t, err, &e)
					require.ErrorIs(t, err, cause)
					requireKind(t, err, nil)
					require.Equal(t, op == opStart, e.MayHaveStarted)
				})
			})
		}
		t.Run(fmt.Sprintf("%s/before it is sent", op), func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			cancel(cause)
			service := omicstest.New()
			require.Equal(t, cause, newTestClient(t, service).request(ctx, op))
			require.Empty(t, service.Requests(""))
		})
	}
}

// drip is a body that goes on for ever, slowly.
type drip struct{}

func (drip) Read(p []byte) (int, error) {
	time.Sleep(time.Second)
	p[0] = ' '
	return 1, nil
}

func TestRequestTimeout(t *testing.T) {
	for name, fault := range map[string]omicstest.Fault{
		"no answer":        omicstest.Delay(time.Hour),
		"endless 200":      omicstest.Raw(200, nil, func() io.Reader { return drip{} }),
		"endless 400":      omicstest.Raw(400, nil, func() io.Reader { return drip{} }),
		"late 400, typed":  omicstest.Status(400, "ValidationException", "x").WithDelay(time.Minute),
		"just in the time": omicstest.Delay(29 * time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New()
				service.Inject("", fault)
				c := newTestClient(t, service)
				begin := time.Now()
				err := c.request(t.Context(), opStart)
				if fault.Delay == 29*time.Second {
					require.NoError(t, err)
					return
				}
				var e *Error
				require.ErrorAs(t, err, &e)
				requireKind(t, err, ErrRequestTimeout)
				require.True(t, e.MayHaveStarted)
				require.InDelta(t, 30*time.Second, time.Since(begin), float64(time.Second))
			})
		})
	}
}

// What became of a request for credentials says nothing about the request that was to be made. It is tried again where
// another try may give credentials.
func TestNoCredentials(t *testing.T) {
	t.Parallel()
	answered := func(status int) error {
		return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: errors.New("no more is known"),
		}}
	}
	inside := func(err error) error {
		return fmt.Errorf("failed to refresh cached credentials, %w", &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: err})
	}
	const secret = "token the-token of https://sts.example/?Action=AssumeRole"
	for name, test := range map[string]struct {
		cause   error
		passing bool
	}{
		"no provider":                      {errors.New("no EC2 IMDS role found"), false},
		"empty static credentials":         {errors.New("static credentials are empty"), false},
		"refused":                          {inside(&smithy.GenericAPIError{Code: "ExpiredTokenException", Message: secret}), false},
		"not found":                        {&types.ResourceNotFoundException{}, false},
		"status 400":                       {inside(answered(400)), false},
		"status 404":                       {inside(answered(404)), false},
		"throttled":                        {inside(&smithy.GenericAPIError{Code: "Throttling", Message: secret}), true},
		"status 408":                       {inside(answered(408)), true},
		"status 429":                       {inside(answered(429)), true},
		"status 500":                       {inside(answered(500)), true},
		"status 503":                       {inside(answered(503)), true},
		"connection refused":               {inside(&url.Error{Op: "Get", URL: "http://169.254.169.254/latest", Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}), true},
		"host not found":                   {inside(&net.DNSError{Err: "no such host", Name: "sts.example", IsNotFound: true}), true},
		"no answer in the provider's time": {inside(context.DeadlineExceeded), true},
	} {
		t.Run(name, func(t *testing.T) {
			service := omicstest.New()
			c, err := New(service.Client(withCredentials(test.cause)))
			require.NoError(t, err)
			for _, op := range operations {
				err := c.request(t.Context(), op)
				var e *Error
				require.ErrorAs(t, err, &e)
				requireKind(t, err, ErrCredentials)
				require.ErrorIs(t, err, test.cause)
				require.False(t, e.MayHaveStarted)
				require.Equal(t, test.passing, e.passing())
				require.Zero(t, e.Code)
				require.Zero(t, e.StatusCode)
				requireFitForLog(t, err)
			}
			require.Empty(t, service.Requests(""))
		})
	}
}

// Credentials that do not come within RequestTimeout may come later. The end of the context is not a want of credentials.
func TestCredentialsThatDoNotCome(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		after time.Duration
		want  error
	}{"no answer": {time.Hour, ErrCredentials}, "the context ends": {time.Second, nil}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer time.AfterFunc(tc.after, func() { cancel(errSunk) }).Stop()
				c, err := New(omicstest.New().Client(func(o *omics.Options) {
					o.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
						<-ctx.Done()
						return aws.Credentials{}, errNoKey // not the context's own
					})
				}))
				require.NoError(t, err)
				err = c.request(ctx, opStart)
				var e *Error
				require.ErrorAs(t, err, &e)
				requireKind(t, err, tc.want)
				require.Equal(t, tc.want != nil, e.passing())
				require.Equal(t, tc.want == nil, errors.Is(err, errSunk))
				require.False(t, e.MayHaveStarted)
			})
		})
	}
}

func TestJobErrorKinds(t *testing.T) {
	source := func(status types.ReadSetImportJobItemStatus) JobSource {
		return JobSource{Source: testSources(1)[0], Status: status}
	}
	finished, failed := source(types.ReadSetImportJobItemStatusFinished), source(types.ReadSetImportJobItemStatusFailed)
	finished.ReadSetID = "1234567890"
	now := time.Now()
	for name, test := range map[string]struct {
		job  Job
		want error
	}{
		"submitted":                       {Job{Status: types.ReadSetImportJobStatusSubmitted}, nil},
		"in progress":                     {Job{Status: types.ReadSetImportJobStatusInProgress, Sources: []JobSource{failed}}, nil},
		"cancelling":                      {Job{Status: types.ReadSetImportJobStatusCancelling}, nil},
		"unknown status":                  {Job{Status: "RUNNING"}, nil},
		"completed":                       {Job{Status: types.ReadSetImportJobStatusCompleted, Sources: []JobSource{finished}}, nil},
		"completed, and a source failed":  {Job{Status: types.ReadSetImportJobStatusCompleted, Sources: []JobSource{finished, failed}}, ErrPartialFailure},
		"completed with failures":         {Job{Status: types.ReadSetImportJobStatusCompletedWithFailures, Sources: []JobSource{finished, failed}}, ErrPartialFailure},
		"failed":                          {Job{Status: types.ReadSetImportJobStatusFailed, Sources: []JobSource{failed}}, ErrJobFailed},
		"cancelled":                       {Job{Status: types.ReadSetImportJobStatusCancelled}, ErrJobCancelled},
		"unknown status, all finished":    {Job{Status: "DONE", CompletionTime: now, Sources: []JobSource{finished}}, nil},
		"unknown status, ended and faild": {Job{Status: "DONE", CompletionTime: now, Sources: []JobSource{finished, failed}}, ErrPartialFailure},
	} {
		t.Run(name, func(t *testing.T) {
			test.job.ID = testJobRef.ID
			test.job.StatusMessage = "one\ntwo"
			err := test.job.Err()
			for _, sentinel := range []error{ErrJobFailed, ErrJobCancelled, ErrPartialFailure} {
				require.Equal(t, sentinel == test.want, errors.Is(err, sentinel))
			}
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			var e *JobError
			require.ErrorAs(t, err, &e)
			require.Equal(t, test.job, e.Job)
			require.Contains(t, err.Error(), testJobRef.ID)
			require.Contains(t, err.Error(), "one two")
			requireFitForLog(t, err)
		})
	}
}
