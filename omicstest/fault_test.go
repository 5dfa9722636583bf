package omicstest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
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
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// over returns a client that reaches the service over a real connection.
func over(t *testing.T, service *omicstest.Service) *omics.Client {
	t.Helper()
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	return service.Client(func(o *omics.Options) {
		o.BaseEndpoint = aws.String(server.URL)
		o.HTTPClient = server.Client()
		o.Retryer = aws.NopRetryer{}
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("NoHostPrefix", func(
				ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
			) (middleware.InitializeOutput, middleware.Metadata, error) {
				return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
			}), middleware.Before)
		})
	})
}

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
		"after the work":     {omicstest.Status(500, "InternalServerException", "oh").AfterWork(), 1, hasCode(500, "InternalServerException")},
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

func TestResetInTheBody(t *testing.T) {
	for name, client := range map[string]func(*testing.T, *omicstest.Service) *http.Response{
		"in memory": func(t *testing.T, s *omicstest.Service) *http.Response {
			return post(t, s.Client().Options().HTTPClient.(*http.Client), "https://any.example")
		},
		"over TCP": func(t *testing.T, s *omicstest.Service) *http.Response {
			server := httptest.NewServer(s)
			t.Cleanup(server.Close)
			return post(t, server.Client(), server.URL)
		},
	} {
		t.Run(name, func(t *testing.T) {
			service := omicstest.New()
			service.Inject(omicstest.OpList, omicstest.Reset())
			response := client(t, service)
			defer response.Body.Close()
			require.Equal(t, 200, response.StatusCode)
			_, err := io.ReadAll(response.Body)
			require.ErrorIs(t, err, syscall.ECONNRESET)
		})
	}
}

func post(t *testing.T, c *http.Client, base string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "POST", base+"/sequencestore/1234567890/importjobs", nil)
	require.NoError(t, err)
	response, err := c.Do(r)
	require.NoError(t, err)
	return response
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
		o.JobDuration = omicstest.Lasting(10 * time.Second)
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
		time.Sleep(1)
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
		fault.Late = time.Second
		service.Inject(omicstest.OpStart, fault)
		_, err := c.StartReadSetImportJob(t.Context(), input("a", 1))
		require.Equal(t, "UnknownError", code(t, err))
		require.Empty(t, service.Jobs(store))
		time.Sleep(time.Second)
		require.Len(t, service.Jobs(store), 1)
	})
}

func TestDelayEndsWithTheContext(t *testing.T) {
	cause := errors.New("the user went home")
	bubble(t, nil, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		service.Inject("", omicstest.Delay(time.Hour), omicstest.Delay(time.Hour))
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.StartReadSetImportJob(ctx, input("", 1))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(began))
		require.Len(t, service.Jobs(store), 1, "the request had arrived")

		ctx2, cancel2 := context.WithCancelCause(t.Context())
		go func() {
			time.Sleep(time.Minute)
			cancel2(cause)
		}()
		_, err = get(ctx2, c, service.Jobs(store)[0].ID)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, 2*time.Minute, time.Since(began))

		_, err = get(ctx2, c, service.Jobs(store)[0].ID)
		require.Error(t, err)
		require.Len(t, service.Requests(omicstest.OpGet), 1, "nothing is sent once the context has ended")

		r, err := http.NewRequestWithContext(ctx2, "GET", "http://x/", nil)
		require.NoError(t, err)
		_, err = c.Options().HTTPClient.Do(r)
		require.ErrorIs(t, err, cause)

		client := *c.Options().HTTPClient.(*http.Client)
		client.Timeout = time.Second
		service.Inject("", omicstest.Delay(time.Hour))
		hasty := service.Client(func(o *omics.Options) { o.HTTPClient, o.Retryer = &client, aws.NopRetryer{} })
		_, err = get(t.Context(), hasty, service.Jobs(store)[0].ID)
		require.ErrorContains(t, err, "Client.Timeout exceeded")
		require.Equal(t, 2*time.Minute+time.Second, time.Since(began))
	})
}

func TestBodyEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		service.Inject("", omicstest.Huge(200, "", 1<<50))
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, "POST", "http://x/sequencestore/1234567890/importjobs", nil)
		require.NoError(t, err)
		response, err := service.Client().Options().HTTPClient.Do(r)
		require.NoError(t, err)
		_, err = io.CopyN(io.Discard, response.Body, 1<<20)
		require.NoError(t, err)
		cancel()
		_, err = io.Copy(io.Discard, response.Body)
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, response.Body.Close())
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

func TestDefaultRetriesOfTheSDK(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		service.Inject(omicstest.OpStart, omicstest.DropAfter(), omicstest.Status(500, "InternalServerException", ""))
		start(t, service.Client(), "", 1)
		require.Len(t, service.Requests(omicstest.OpStart), 3)
		require.Len(t, service.Jobs(store), 2, "no token: the SDK's retry starts a second job")

		service.Inject(omicstest.OpStart, omicstest.DropAfter())
		start(t, service.Client(), "token", 1)
		require.Len(t, service.Jobs(store), 3)
	})
}

// The SDK's HTTP client follows 307 and 308, but not for a request with a body, which it cannot send again.
func TestRedirect(t *testing.T) {
	bubble(t, nil, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		redirect := omicstest.Redirect("https://elsewhere.example/sequencestore/1234567890/importjob/1000000000")
		service.Inject("", redirect, redirect)
		_, err := c.StartReadSetImportJob(t.Context(), input("", 1))
		var response *awshttp.ResponseError
		require.ErrorAs(t, err, &response)
		require.Equal(t, 307, response.HTTPStatusCode())
		_, err = get(t.Context(), c, "2000000000")
		require.Equal(t, "ResourceNotFoundException", code(t, err))
		require.Len(t, service.Requests(omicstest.OpGet), 2)
		require.Equal(t, "1000000000", service.Requests(omicstest.OpGet)[1].JobID)
	})
}

func TestSDKWaiter(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.JobDuration = omicstest.Lasting(20 * time.Minute)
	}, func(t *testing.T, _ *omicstest.Service, c *omics.Client) {
		id := start(t, c, "", 1)
		out, err := omics.NewReadSetImportJobCompletedWaiter(c).WaitForOutput(t.Context(),
			&omics.GetReadSetImportJobInput{SequenceStoreId: aws.String(store), Id: aws.String(id)}, time.Hour)
		require.NoError(t, err)
		require.Equal(t, types.ReadSetImportJobStatusCompleted, out.Status)
	})
}

func TestConcurrentUse(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.JobRetention, o.DiscardExpired, o.MaxRequests = time.Second, true, 10
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		const workers, rounds = 8, 20
		done := make(chan error, workers)
		for range workers {
			go func() {
				for range rounds {
					out, err := c.StartReadSetImportJob(t.Context(), input("", 10))
					if err != nil {
						done <- err
						return
					}
					if _, err := get(t.Context(), c, *out.Id); err != nil {
						done <- err
						return
					}
					time.Sleep(time.Second)
					service.Jobs(store)
					service.Requests("")
					service.ActiveJobs()
				}
				done <- nil
			}()
		}
		for range workers {
			require.NoError(t, <-done)
		}
		time.Sleep(time.Minute)
		require.Equal(t, workers*rounds*10, service.CountReadSets(store))
		require.Empty(t, service.Jobs(store))
	})
}
