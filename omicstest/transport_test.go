package omicstest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
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

func TestBreaksInTheBody(t *testing.T) {
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
			endless := omicstest.Huge(200, "", 1<<50)
			endless.Break = omicstest.BreakBody
			service.Inject(omicstest.OpList, omicstest.Reset(), omicstest.Truncate(), endless)
			for _, want := range []error{syscall.ECONNRESET, io.ErrUnexpectedEOF, io.ErrUnexpectedEOF} {
				response := client(t, service)
				require.Equal(t, 200, response.StatusCode)
				_, err := io.ReadAll(response.Body)
				require.ErrorIs(t, err, want)
				require.NoError(t, response.Body.Close())
			}
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
		require.ErrorIs(t, err, context.DeadlineExceeded)
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
		o.JobDuration = omicstest.FixedDuration(20 * time.Minute)
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
