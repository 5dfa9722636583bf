package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

func TestCodeBeforeStatus(t *testing.T) {
	body := func(status int, text string) omicstest.Fault {
		return omicstest.Raw(status, http.Header{"Content-Type": {"application/json"}}, func() io.Reader { return strings.NewReader(text) })
	}
	headerOver := func(f omicstest.Fault, code string) omicstest.Fault {
		f.Type = code
		return f
	}
	broken := func(f omicstest.Fault) omicstest.Fault {
		f.Break = omicstest.BreakBody
		return f
	}
	for name, test := range map[string]struct {
		fault omicstest.Fault
		code  string
		want  error
	}{
		"throttled with 400":          {omicstest.Status(400, "ThrottlingException", "x"), "ThrottlingException", ErrThrottled},
		"throttled with 503":          {omicstest.Status(503, "ThrottlingException", "x"), "ThrottlingException", ErrThrottled},
		"other throttling":            {omicstest.Status(400, "TooManyRequestsException", "x"), "TooManyRequestsException", ErrThrottled},
		"quota with 400":              {omicstest.Status(400, "ServiceQuotaExceededException", "x"), "ServiceQuotaExceededException", ErrQuotaExceeded},
		"internal with 400":           {omicstest.Status(400, "InternalServerException", "x"), "InternalServerException", ErrInternal},
		"timeout with 400":            {omicstest.Status(400, "RequestTimeoutException", "x"), "RequestTimeoutException", ErrRequestTimeout},
		"not found with 500":          {omicstest.Status(500, "ResourceNotFoundException", "x"), "ResourceNotFoundException", ErrNotFound},
		"credentials expired, 400":    {omicstest.Status(400, "ExpiredTokenException", "x"), "ExpiredTokenException", ErrAccessDenied},
		"unknown client, 400":         {omicstest.Status(400, "UnrecognizedClientException", "x"), "UnrecognizedClientException", ErrAccessDenied},
		"unknown code":                {omicstest.Status(404, "UnknownOperationException", "x"), "UnknownOperationException", ErrNotFound},
		"unknown code and status":     {omicstest.Status(418, "TeapotException", "x"), "TeapotException", nil},
		"401":                         {omicstest.Status(401, "", ""), "", ErrAccessDenied},
		"header code over HTML":       {headerOver(omicstest.HTML(400), "ThrottlingException"), "ThrottlingException", ErrThrottled},
		"header code over cut body":   {broken(omicstest.Status(400, "ThrottlingException", "long message")), "ThrottlingException", ErrThrottled},
		"header code over huge body":  {omicstest.Huge(400, "ThrottlingException", 64<<20), "ThrottlingException", ErrThrottled},
		"header code over body code":  {headerOver(body(400, `{"code":"ValidationException"}`), "ThrottlingException"), "ThrottlingException", ErrThrottled},
		"body that is no object, 429": {body(429, `["x"]`), "", ErrThrottled},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := spoiled(t, omicstest.OpStart, test.fault)
			f := ReadFailure(err)
			require.Equal(t, test.code, f.Code)
			require.Equal(t, test.fault.Status, f.StatusCode)
			require.Equal(t, "00000000-0000-4000-8000-000000000001", f.RequestID)
			require.Equal(t, test.want, Kind(f.Code, f.StatusCode, err))
			known := test.code != "" && test.want != nil && name != "unknown code"
			require.Equal(t, known, IsKnownCode(f.Code))
		})
	}
	require.True(t, IsServiceCode(CodeNotFound))
	require.False(t, IsServiceCode("TooManyRequestsException"), "a code of all of AWS")
}

func TestTimeIsUp(t *testing.T) {
	up := fmt.Errorf("%w within 30s", ErrNoAnswer)
	require.Equal(t, ErrRequestTimeout, Kind("", 0, up))
	require.Equal(t, ErrRequestTimeout, Kind("", 400, up), "the rest of the answer did not come")
	require.Equal(t, ErrValidation, Kind("ValidationException", 400, up), "all that counts did")
	require.NoError(t, Kind("", 0, io.EOF))
	require.NoError(t, Kind("", 200, nil))
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		httpDate := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
		for value, want := range map[string]time.Duration{
			"":                            0,
			"0":                           0,
			"7":                           7 * time.Second,
			"-7":                          0,
			"soon":                        0,
			"1.5":                         0,
			"3000000000":                  math.MaxInt32 * time.Second,
			"-3000000000":                 0,
			"99999999999999999999999":     math.MaxInt32 * time.Second,
			httpDate(90 * time.Second):    90 * time.Second,
			httpDate(-time.Hour):          0,
			"Wed, 21 Oct 1015 07:28:00 X": 0,
		} {
			fault := omicstest.Status(429, "ThrottlingException", "slow down")
			fault.Header = http.Header{"Retry-After": {value}}
			_, err := spoiled(t, omicstest.OpGet, fault)
			require.Equal(t, want, ReadFailure(err).RetryAfter, value)
		}
	})
}

func TestCredentialsMayCome(t *testing.T) {
	answered := func(status int) error {
		return &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}}, Err: errors.New("no more is known"),
		}}
	}
	inside := func(err error) error {
		return fmt.Errorf("failed to refresh cached credentials, %w", &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: err})
	}
	for name, test := range map[string]struct {
		err  error
		want bool
	}{
		"no provider":                      {errors.New("no EC2 IMDS role found"), false},
		"empty static credentials":         {errors.New("static credentials are empty"), false},
		"refused":                          {inside(&smithy.GenericAPIError{Code: "ExpiredTokenException"}), false},
		"not found":                        {&types.ResourceNotFoundException{}, false},
		"status 400":                       {inside(answered(400)), false},
		"status 404":                       {inside(answered(404)), false},
		"throttled":                        {inside(&smithy.GenericAPIError{Code: "Throttling"}), true},
		"status 408":                       {inside(answered(408)), true},
		"status 429":                       {inside(answered(429)), true},
		"status 500":                       {inside(answered(500)), true},
		"status 503":                       {inside(answered(503)), true},
		"connection refused":               {inside(&url.Error{Op: "Get", URL: "http://169.254.169.254/latest", Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}), true},
		"host not found":                   {inside(&net.DNSError{Err: "no such host", Name: "sts.example", IsNotFound: true}), true},
		"no answer in the provider's time": {inside(context.DeadlineExceeded), true},
	} {
		require.Equal(t, test.want, CredentialsMayCome(test.err), name)
	}
}

// The reason of an answer that cannot be read never quotes it.
func TestReason(t *testing.T) {
	quoting := &smithy.DeserializationError{Err: errors.New("sample-0 is no time"), Snapshot: []byte("sample-0")}
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	for want, err := range map[string]error{
		"the answer is larger than 16 MiB":                              fmt.Errorf("deserialization: %w", ErrBodyTooLarge),
		"the answer cannot be read":                                     quoting,
		"the answer cannot be read: it is cut short":                    &smithy.DeserializationError{Err: io.ErrUnexpectedEOF},
		"the answer cannot be read: read tcp: connection reset by peer": &smithy.DeserializationError{Err: reset},
		"ExpiredToken":                       &smithy.GenericAPIError{Code: "ExpiredToken", Message: "token the-token"},
		"read tcp: connection reset by peer": &smithy.OperationError{OperationName: "Get", Err: &url.Error{Op: "Get", URL: "https://x/?a=b", Err: reset}},
		"two lines":                          errors.New("two\r\n\tlines"),
	} {
		require.Equal(t, want, Reason(err))
	}
}

func TestOneLine(t *testing.T) {
	for s, want := range map[string]string{
		"":                             "",
		" a\tb\r\nc\x00d\x1b[2J ":      "a b c d [2J",
		strings.Repeat("é", 256):       strings.Repeat("é", 256),
		"a" + strings.Repeat("é", 256): "a" + strings.Repeat("é", 255) + "…",
	} {
		require.Equal(t, want, OneLine(s))
	}
}
