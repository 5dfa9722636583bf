package omicstest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

func TestTokens(t *testing.T) {
	const mismatch = "ValidationException"
	minute := func(o *omicstest.Options) { o.TokenWindow = time.Minute }
	tests := map[string]struct {
		opts  func(*omicstest.Options)
		token string
		wait  time.Duration
		again func(*omics.StartReadSetImportJobInput)
		jobs  int
		code  string
	}{
		"repeated":                   {token: "a", jobs: 1},
		"repeated within the window": {opts: minute, token: "a", wait: time.Minute - 1, jobs: 1},
		"forgotten":                  {opts: minute, token: "a", wait: time.Minute, jobs: 2},
		"default window":             {token: "a", wait: 23 * time.Hour, jobs: 1},
		"after the default window":   {token: "a", wait: 24 * time.Hour, jobs: 2},
		"not remembered":             {opts: func(o *omicstest.Options) { o.TokenWindow = -1 }, token: "a", jobs: 2},
		"no token":                   {jobs: 2},
		"another token": {
			token: "a", jobs: 2,
			again: func(in *omics.StartReadSetImportJobInput) { in.ClientToken = aws.String("b") },
		},
		"another source": {
			token: "a", jobs: 1, code: mismatch,
			again: func(in *omics.StartReadSetImportJobInput) { in.Sources[1].SampleId = aws.String("other") },
		},
		"another order": {
			token: "a", jobs: 1, code: mismatch,
			again: func(in *omics.StartReadSetImportJobInput) {
				in.Sources[0], in.Sources[1] = in.Sources[1], in.Sources[0]
			},
		},
		"another tag": {
			token: "a", jobs: 1, code: mismatch,
			again: func(in *omics.StartReadSetImportJobInput) { in.Sources[1].Tags["more"] = "" },
		},
		"another role": {
			token: "a", jobs: 1, code: mismatch,
			again: func(in *omics.StartReadSetImportJobInput) { in.RoleArn = aws.String(role + "2") },
		},
		"chosen answer": {
			opts: func(o *omicstest.Options) {
				o.TokenMismatch = omicstest.Status(409, "ConflictException", "The token is taken")
			},
			token: "a", jobs: 1, code: "ConflictException",
			again: func(in *omics.StartReadSetImportJobInput) { in.RoleArn = aws.String(role + "2") },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, test.opts, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
				id := start(t, c, test.token, 2)
				time.Sleep(test.wait)
				in := input(test.token, 2)
				in.Sources[0].Tags = map[string]string{"lane": "0"}
				if test.again != nil {
					test.again(in)
				}
				out, err := c.StartReadSetImportJob(t.Context(), in)
				require.Len(t, service.Jobs(store), test.jobs)
				if test.code != "" {
					require.Error(t, err)
					require.Equal(t, test.code, code(t, err))
					return
				}
				require.NoError(t, err)
				require.Equal(t, test.jobs == 1, *out.Id == id)
			})
		})
	}
}

func TestMaxActiveJobs(t *testing.T) {
	for _, quotaFirst := range []bool{false, true} {
		bubble(t, func(o *omicstest.Options) {
			o.Stores = []string{store, "9999999999"}
			o.MaxActiveJobs, o.QuotaFirst = 2, quotaFirst
			o.JobDuration = omicstest.FixedDuration(time.Minute)
		}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
			first := start(t, c, "a", 1)
			time.Sleep(30 * time.Second)
			start(t, c, "b", 1)
			elsewhere := input("c", 1)
			elsewhere.SequenceStoreId = aws.String("9999999999")
			_, err := c.StartReadSetImportJob(t.Context(), elsewhere)
			var quota *types.ServiceQuotaExceededException
			require.ErrorAs(t, err, &quota)
			require.Equal(t, 2, service.ActiveJobs())

			out, err := c.StartReadSetImportJob(t.Context(), input("a", 1))
			if quotaFirst {
				require.ErrorAs(t, err, &quota)
			} else {
				require.NoError(t, err)
				require.Equal(t, first, *out.Id)
			}

			time.Sleep(30 * time.Second) // the first ends
			_, err = c.StartReadSetImportJob(t.Context(), elsewhere)
			require.NoError(t, err)
			service.SetMaxActiveJobs(1)
			time.Sleep(30 * time.Second) // the second ends
			_, err = c.StartReadSetImportJob(t.Context(), input("d", 1))
			require.ErrorAs(t, err, &quota)
			service.SetMaxActiveJobs(0)
			for range 50 {
				start(t, c, "", 1)
			}
		})
	}
}

func TestRequestRate(t *testing.T) {
	tests := map[string]struct {
		rate  float64
		every time.Duration
		want  int // admitted of 40
	}{
		"off":                   {0, 0, 40},
		"burst":                 {5, 0, 5},
		"at the rate":           {5, 200 * time.Millisecond, 40},
		"just above":            {5, 199 * time.Millisecond, 34},
		"twice the rate":        {5, 100 * time.Millisecond, 20},
		"a fraction is cut off": {4.5, 250 * time.Millisecond, 40},
		"nor rounded up":        {4.5, 200 * time.Millisecond, 32},
		"one in two seconds":    {0.5, 500 * time.Millisecond, 10},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(o *omicstest.Options) {
				o.RequestRate = test.rate
			}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
				admitted := map[string]int{}
				for range 40 {
					_, err := get(t.Context(), c, "1000000000")
					admitted[code(t, err)]++
					_, err = c.ListReadSetImportJobs(t.Context(), &omics.ListReadSetImportJobsInput{SequenceStoreId: aws.String(store)})
					if err == nil {
						admitted["List"]++
					}
					time.Sleep(test.every)
				}
				require.Equal(t, test.want, admitted["ResourceNotFoundException"])
				require.Equal(t, 40-test.want, admitted["ThrottlingException"])
				require.Equal(t, test.want, admitted["List"], "each operation has a quota of its own")

				requests := service.Requests(omicstest.OpGet)
				require.Len(t, requests, 40)
				var passed []time.Time
				for _, r := range requests {
					if r.Status != http.StatusTooManyRequests {
						passed = append(passed, r.Time)
					}
				}
				for i := 5; i < len(passed) && test.rate > 0; i++ {
					require.GreaterOrEqual(t, passed[i].Sub(passed[i-5]), time.Second)
				}
			})
		})
	}
}

func TestRetryAfter(t *testing.T) {
	service := omicstest.New(func(o *omicstest.Options) { o.RequestRate, o.RetryAfter = 1, 3*time.Second })
	send(t, service, "GET", "/sequencestore/1234567890/importjob/1234567890", "")
	answer := send(t, service, "GET", "/sequencestore/1234567890/importjob/1234567890", "")
	require.Equal(t, http.StatusTooManyRequests, answer.Code)
	require.Equal(t, "3", answer.Header().Get("Retry-After"))
	require.Equal(t, "ThrottlingException", answer.Header().Get("X-Amzn-Errortype"))
	require.NotEmpty(t, answer.Header().Get("X-Amzn-Requestid"))
	require.JSONEq(t, `{"message":"Rate exceeded"}`, answer.Body.String())
}

func TestRequests(t *testing.T) {
	bubble(t, func(o *omicstest.Options) { o.KeepBodies = true },
		func(t *testing.T, service *omicstest.Service, c *omics.Client) {
			id := start(t, c, "token", 3)
			time.Sleep(time.Second)
			service.Inject(omicstest.OpGet, omicstest.DropAfter().WithDelay(2*time.Second))
			_, err := get(t.Context(), c, id)
			require.Error(t, err)

			all := service.Requests("")
			require.Len(t, all, 2)
			require.Contains(t, string(all[0].Body), `"clientToken":"token"`)
			all[0].Body = nil
			require.Equal(t, omicstest.Request{
				Op: omicstest.OpStart, Time: all[1].Time.Add(-time.Second), Method: "POST",
				Path: "/sequencestore/1234567890/importjob", StoreID: store, ClientToken: "token", Sources: 3, Status: 200,
			}, all[0])
			require.Equal(t, omicstest.Request{
				Op: omicstest.OpGet, Time: all[1].Time, Method: "GET", Path: "/sequencestore/1234567890/importjob/" + id,
				StoreID: store, JobID: id, Duration: 2 * time.Second,
			}, func() omicstest.Request { r := all[1]; r.Body = nil; return r }())
			require.Equal(t, all[1:], service.Requests(omicstest.OpGet))
			require.Empty(t, service.Requests(omicstest.OpList))

			_, err = metadata(t, c, "1000000000")
			require.Error(t, err)
			require.Equal(t, []omicstest.Request{{
				Op: omicstest.OpGetReadSetMetadata, Time: time.Now(), Method: "GET",
				Path: "/sequencestore/1234567890/readset/1000000000/metadata", StoreID: store, ReadSetID: "1000000000", Status: 404,
			}}, service.Requests(omicstest.OpGetReadSetMetadata))
		})
}

func TestMaxRequests(t *testing.T) {
	for limit, want := range map[int]int{0: 25, 3: 3, 25: 25, 100: 25, -1: 0} {
		synctest.Test(t, func(t *testing.T) {
			var told []omicstest.Request
			service := omicstest.New(func(o *omicstest.Options) {
				o.MaxRequests = limit
				o.OnRequest = func(r omicstest.Request) { told = append(told, r) }
			})
			c := service.Client()
			for range 25 {
				start(t, c, "", 1)
				time.Sleep(time.Second)
			}
			got := service.Requests("")
			require.Len(t, got, want)
			require.Len(t, told, 25)
			if want > 0 {
				require.Equal(t, time.Now().Add(-time.Second), got[want-1].Time)
				require.Equal(t, told[25-want:], got)
				require.Nil(t, got[0].Body)
			}
		})
	}
}
