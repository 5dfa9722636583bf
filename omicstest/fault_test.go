package omicstest_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

func TestFaults(t *testing.T) {
	hasStatus := func(want int) func(*testing.T, error) {
		return func(t *testing.T, err error) {
			var response *awshttp.ResponseError
			require.ErrorAs(t, err, &response)
			require.Equal(t, want, response.HTTPStatusCode())
			require.NotEmpty(t, response.ServiceRequestID())
		}
	}
	hasCode := func(status int, want string) func(*testing.T, error) {
		return func(t *testing.T, err error) {
			hasStatus(status)(t, err)
			require.Equal(t, want, code(t, err))
		}
	}
	unreadable := func(t *testing.T, err error) {
		var undecoded *smithy.DeserializationError
		require.ErrorAs(t, err, &undecoded)
	}
	broken := func(t *testing.T, err error) {
		require.True(t, errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF), err)
		var response *awshttp.ResponseError
		require.False(t, errors.As(err, &response) && response.HTTPStatusCode() != 0, "there was an answer")
	}
	tests := map[string]struct {
		fault omicstest.Fault
		jobs  int // that were started in spite of it
		check func(*testing.T, error)
	}{
		"none":               {omicstest.Fault{}, 1, nil},
		"delay":              {omicstest.Delay(time.Millisecond), 1, nil},
		"typed":              {omicstest.Status(429, "ThrottlingException", "slow"), 0, hasCode(429, "ThrottlingException")},
		"typed, no message":  {omicstest.Status(403, "AccessDeniedException", ""), 0, hasCode(403, "AccessDeniedException")},
		"untyped":            {omicstest.Status(503, "", "busy"), 0, hasCode(503, "UnknownError")},
		"without a body":     {omicstest.Status(503, "", ""), 0, hasStatus(503)},
		"after the work":     {omicstest.Status(500, "InternalServerException", "oh").AfterExecution(), 1, hasCode(500, "InternalServerException")},
		"delayed":            {omicstest.Status(500, "", "oh").WithDelay(time.Millisecond), 0, hasStatus(500)},
		"HTML":               {omicstest.HTML(502), 0, func(t *testing.T, err error) { hasStatus(502)(t, err); unreadable(t, err) }},
		"dropped before":     {omicstest.DropBefore(), 0, broken},
		"dropped after":      {omicstest.DropAfter(), 1, broken},
		"late, not yet come": {omicstest.Late(time.Hour), 0, broken},
		"truncated":          {omicstest.Truncate(), 1, func(t *testing.T, err error) { unreadable(t, err); require.ErrorIs(t, err, io.ErrUnexpectedEOF) }},
		"truncated error": {
			omicstest.Fault{Status: 400, Type: "ValidationException", Message: "no", Break: omicstest.BreakBody},
			0,
			func(t *testing.T, err error) { hasStatus(400)(t, err); unreadable(t, err) },
		},
		"raw":      {omicstest.Raw(418, http.Header{"x-amzn-errortype": {"Teapot:http://x/"}}, nil), 0, hasCode(418, "Teapot")},
		"redirect": {omicstest.Raw(302, http.Header{"Location": {"http://127.0.0.1:1/"}}, nil), 0, hasStatus(302)},
	}
	for name, test := range tests {
		for how, client := range map[string]func(*testing.T, *omicstest.Service) *omics.Client{
			"in memory": func(_ *testing.T, s *omicstest.Service) *omics.Client {
				return s.Client(func(o *omics.Options) { o.Retryer = aws.NopRetryer{} })
			},
			"over TCP": over,
		} {
			if name == "redirect" && how == "over TCP" {
				continue // it is up to the HTTP client
			}
			t.Run(name+" "+how, func(t *testing.T) {
				service := omicstest.New()
				service.Inject(omicstest.OpStart, test.fault)
				c := client(t, service)
				out, err := c.StartReadSetImportJob(t.Context(), input("", 2))
				if test.check == nil {
					require.NoError(t, err)
					require.NotEmpty(t, *out.Id)
				} else {
					require.Error(t, err)
					test.check(t, err)
				}
				require.Len(t, service.Jobs(store), test.jobs)
				start(t, c, "", 2) // the next one passes
				require.Len(t, service.Jobs(store), test.jobs+1)
			})
		}
	}
}

func TestEmptyAnswer(t *testing.T) {
	bubble(t, nil, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		service.Inject(omicstest.OpStart, omicstest.Empty())
		out, err := c.StartReadSetImportJob(t.Context(), input("", 1))
		require.NoError(t, err)
		require.Nil(t, out.Id)
		require.Len(t, service.Jobs(store), 1)
	})
}

func TestInject(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
			return omicstest.Status(408, "RequestTimeoutException", ""), r.Op == omicstest.OpList
		}
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		service.Inject(omicstest.OpGet, omicstest.Status(500, "A", ""), omicstest.Fault{})
		service.Inject("", omicstest.Status(500, "C", ""))
		service.Inject(omicstest.OpGet, omicstest.Status(500, "B", ""))
		service.Inject(omicstest.OpList, omicstest.Fault{})
		var got []string
		for range 5 {
			_, err := get(t.Context(), c, "1000000000")
			got = append(got, code(t, err))
		}
		require.Equal(t, []string{"A", "ResourceNotFoundException", "B", "C", "ResourceNotFoundException"}, got)
		require.Empty(t, list(t, c, omics.ListReadSetImportJobsInput{}), "what was injected comes before Options.Fault")
		_, err := c.ListReadSetImportJobs(t.Context(), &omics.ListReadSetImportJobsInput{SequenceStoreId: aws.String(store)})
		require.Equal(t, "RequestTimeoutException", code(t, err))
		require.Panics(t, func() { service.Inject("GetReadSet", omicstest.HTML(500)) })
	})
}

func TestFaultsAndTheRate(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.RequestRate = 2
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		internal := omicstest.Status(500, "InternalServerException", "")
		service.Inject(omicstest.OpGet, internal, internal, internal)
		var got []string
		for range 4 {
			_, err := get(t.Context(), c, "1000000000")
			got = append(got, code(t, err))
		}
		require.Equal(t, []string{
			"InternalServerException", "InternalServerException", "InternalServerException", "ThrottlingException",
		}, got)
	})
}

func TestLateRequest(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.MaxActiveJobs = 1
		o.JobDuration = omicstest.FixedDuration(10 * time.Second)
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		began := time.Now()
		service.Inject(omicstest.OpStart, omicstest.Late(time.Minute), omicstest.Late(30*time.Second),
			omicstest.Late(15*time.Second), omicstest.Status(504, "", "gateway timeout"), omicstest.Late(31*time.Second))
		for _, token := range []string{"a", "b", "c", "d", "e"} {
			_, err := c.StartReadSetImportJob(t.Context(), input(token, 1))
			require.Error(t, err)
		}
		time.Sleep(15*time.Second - 1)
		require.Empty(t, service.Jobs(store))
		time.Sleep(time.Nanosecond)
		require.Len(t, service.Jobs(store), 1)
		time.Sleep(time.Hour)
		var got []string
		for _, j := range service.Jobs(store) {
			got = append(got, j.ClientToken+" at "+j.CreationTime.Sub(began).String())
		}
		// e came while b was running, and was refused without its client hearing of it.
		require.Equal(t, []string{"c at 15s", "b at 30s", "a at 1m0s"}, got)
	})
}

func TestLateBehindAStatus(t *testing.T) {
	bubble(t, nil, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		fault := omicstest.Status(504, "", "gateway timeout")
		fault.Late, fault.Execute = time.Second, true // late wins
		service.Inject(omicstest.OpStart, fault)
		_, err := c.StartReadSetImportJob(t.Context(), input("a", 1))
		require.Equal(t, "UnknownError", code(t, err))
		require.Empty(t, service.Jobs(store))
		time.Sleep(time.Second)
		require.Len(t, service.Jobs(store), 1)
	})
}

func TestWithRetryAfter(t *testing.T) {
	service := omicstest.New()
	page := omicstest.HTML(429)
	service.Inject("", page.WithRetryAfter(7*time.Second), page)
	for _, want := range []string{"7", ""} {
		w := send(t, service, "POST", "/sequencestore/1234567890/importjobs", "")
		require.Equal(t, 429, w.Code)
		require.Equal(t, want, w.Header().Get("Retry-After"))
		require.Equal(t, "text/html", w.Header().Get("Content-Type"))
		require.Contains(t, w.Body.String(), "429 Too Many Requests")
	}
}

func TestHuge(t *testing.T) {
	service := omicstest.New()
	service.Inject("", omicstest.Huge(500, "InternalServerException", 1000))
	w := send(t, service, "POST", "/sequencestore/1234567890/importjobs", "")
	require.Equal(t, 500, w.Code)
	require.Equal(t, 1000, w.Body.Len())
	require.Equal(t, strings.Repeat("a", 1000-14), message(t, w))
}
