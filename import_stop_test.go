package readsetimport

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/quota"
	"github.com/readsetimport/readsetimport/omicstest"
)

func TestImportRefusedForGood(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		target Target
		fault  omicstest.Fault
		want   error
	}{
		"the role is refused":       {testTarget, omicstest.Status(403, "AccessDeniedException", "no"), ErrAccessDenied},
		"a proxy refuses":           {testTarget, omicstest.HTML(403), ErrAccessDenied},
		"there is no such store":    {Target{"9999999999", testTarget.RoleARN}, omicstest.Fault{}, ErrNotFound},
		"the request is redirected": {testTarget, omicstest.Redirect("https://example.com/"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) {
					o.Fault = func(omicstest.Request) (omicstest.Fault, bool) { return tc.fault, tc.fault.Status != 0 }
				})
				began := time.Now()
				report, err := newTestClient(t, service).Import(t.Context(), tc.target, testSources(5000))
				require.Less(t, time.Since(began), 5*time.Second)
				require.ErrorIs(t, err, ErrIncomplete)
				var e *Error
				require.ErrorAs(t, err, &e)
				require.False(t, e.MayHaveStarted)
				if tc.want != nil {
					require.ErrorIs(t, err, tc.want)
				}
				require.Empty(t, report.Jobs)
				require.Len(t, report.Results, 5000)
				for _, res := range report.Results {
					require.ErrorAs(t, res.Err, &e)
					require.NotErrorIs(t, res.Err, ErrUnresolved)
					require.Empty(t, res.JobID)
				}
				require.LessOrEqual(t, len(service.Requests("")), quota.MaxStarting)
				require.Empty(t, service.Jobs(testTarget.SequenceStoreID))
			})
		})
	}
}

// Permissions that are taken away in the middle stop what was not sent, after some patience, and no more than that.
func TestImportRefusedInTheMiddle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var revokedAt time.Time
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(2 * time.Hour)
			o.MaxActiveJobs = 3
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.Status(403, "AccessDeniedException", "no"), r.Op == omicstest.OpStart && r.Time.After(revokedAt)
			}
		})
		revokedAt = time.Now().Add(time.Hour)
		c := newTestClient(t, service)
		c.opts.SourcesPerJob = 10
		report, err := c.Import(t.Context(), testTarget, testSources(100))
		require.ErrorIs(t, err, ErrAccessDenied)
		require.Len(t, report.Jobs, 3)
		require.Len(t, report.Imported(), 30)
		for _, res := range report.Failed() {
			require.ErrorIs(t, res.Err, ErrAccessDenied)
			require.Empty(t, res.JobID)
		}
	})
}

// What is wrong with one batch is no reason to keep the others back.
func TestImportOfABatchThatIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		service.Inject(omicstest.OpStart, omicstest.Fault{}, omicstest.Status(400, "ValidationException", "sample-113 is not what I like"))
		c := newTestClient(t, service)
		report, err := c.Import(t.Context(), testTarget, testSources(450))
		require.ErrorIs(t, err, ErrIncomplete)
		require.NotErrorIs(t, err, ErrValidation, "nothing kept the import from going on")
		require.NotContains(t, err.Error(), "sample-113")
		require.Len(t, service.Requests(omicstest.OpStart), 5)
		require.Len(t, report.Imported(), 350)
		failed := report.Failed()
		require.Len(t, failed, 100)
		first := failed[0].Index
		require.Zero(t, first%100)
		for i, res := range failed {
			require.Equal(t, first+i, res.Index)
			require.ErrorIs(t, res.Err, ErrValidation)
			var e *Error
			require.ErrorAs(t, res.Err, &e)
			require.Equal(t, "sample-113 is not what I like", e.Message)
			require.NotContains(t, res.Err.Error(), "sample-113")
			require.Empty(t, res.JobID)
		}
	})
}

func TestImportRunID(t *testing.T) {
	t.Parallel()
	tokens := func(service *omicstest.Service) (out []string) {
		for _, r := range service.Requests(omicstest.OpStart) {
			out = append(out, r.ClientToken)
		}
		slices.Sort(out)
		return out
	}
	twice := func(t *testing.T, runID string) (service *omicstest.Service, first, second *Report) {
		service = omicstest.New()
		c := newTestClient(t, service, func(o *Options) { o.RunID = runID })
		var err error
		first, err = c.Import(t.Context(), testTarget, testSources(250))
		require.NoError(t, err)
		second, err = c.Import(t.Context(), testTarget, testSources(250))
		require.NoError(t, err)
		return service, first, second
	}
	t.Run("fixed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			service, first, second := twice(t, "monday")
			require.Equal(t, "monday", first.RunID)
			require.Equal(t, first.Results, second.Results, "the same jobs and read sets")
			require.Len(t, service.Jobs(testTarget.SequenceStoreID), 3)
			batches, err := Split(testTarget, "monday", testSources(250))
			require.NoError(t, err)
			var want []string
			for _, b := range batches {
				want = append(want, b.ClientToken, b.ClientToken)
			}
			slices.Sort(want)
			require.Equal(t, want, tokens(service))
		})
	})
	t.Run("random", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			service, first, second := twice(t, "")
			require.NotEqual(t, first.RunID, second.RunID)
			require.Len(t, service.Jobs(testTarget.SequenceStoreID), 6)
			require.Len(t, slices.Compact(tokens(service)), 6)
		})
	})
}

func TestImportWhoseContextEnds(t *testing.T) {
	t.Parallel()
	why := errors.New("end of shift")
	for name, tc := range map[string]struct {
		after                         time.Duration // 0: before it begins
		delay                         time.Duration // of the answers to starts
		running, unresolved, untouchd int           // batches
	}{
		"before it begins":    {0, 0, 0, 0, 10},
		"while it sends":      {time.Second, 10 * time.Second, 0, 5, 5},
		"while a send queues": {time.Second, 0, 5, 0, 5},
		"while jobs run":      {time.Minute, 0, 10, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = omicstest.FixedDuration(time.Hour)
					o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
						return omicstest.Delay(tc.delay), r.Op == omicstest.OpStart
					}
				})
				c := newTestClient(t, service)
				ctx, cancel := context.WithTimeoutCause(t.Context(), tc.after, why)
				defer cancel()
				began := time.Now()
				report, err := c.Import(ctx, testTarget, testSources(1000))
				require.Equal(t, tc.after, time.Since(began), "it returns at once")
				require.ErrorIs(t, err, why)
				require.ErrorIs(t, err, ErrIncomplete)
				require.NotErrorIs(t, err, context.DeadlineExceeded, "the cause, and nothing else")
				require.Empty(t, report.Jobs)
				var running, unresolved, untouched int
				jobs := make(map[string]int)
				for i, res := range report.Results {
					require.Equal(t, i, res.Index)
					require.ErrorIs(t, res.Err, why)
					require.NotErrorIs(t, res.Err, errNotSent)
					switch {
					case res.JobID != "":
						running++
						jobs[res.JobID]++
						require.NotErrorIs(t, res.Err, ErrUnresolved)
					case errors.Is(res.Err, ErrUnresolved):
						unresolved++
					default:
						untouched++
						require.Equal(t, "not sent: end of shift", res.Err.Error())
					}
				}
				require.Equal(t, []int{100 * tc.running, 100 * tc.unresolved, 100 * tc.untouchd}, []int{running, unresolved, untouched})
				started := service.Jobs(testTarget.SequenceStoreID)
				require.Len(t, started, tc.running+tc.unresolved, "what is reported as not sent was not")
				if tc.running > 0 {
					for _, job := range started {
						require.Equal(t, 100, jobs[job.ID])
					}
				}
				if tc.after == 0 {
					require.Empty(t, service.Requests(""))
				}
			})
		})
	}
}

// The context may end while the last answer is on its way. If that says that all is in, the import has succeeded.
func TestImportWhoseContextEndsWithTheLastAnswer(t *testing.T) {
	t.Parallel()
	for range 20 { // whichever of the two the loop sees first
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			service := omicstest.New()
			c, err := New(afterDone{service.Client(), cancel})
			require.NoError(t, err)
			report, err := c.Import(ctx, testTarget, testSources(10))
			require.NoError(t, err)
			require.Len(t, report.Imported(), 10)
			require.ErrorIs(t, ctx.Err(), context.Canceled)
		})
	}
}

// afterDone calls a function when a job is seen to have ended, and before the caller is told.
type afterDone struct {
	API
	then func()
}

func (a afterDone) GetReadSetImportJob(ctx context.Context, in *omics.GetReadSetImportJobInput, optFns ...func(*omics.Options)) (*omics.GetReadSetImportJobOutput, error) {
	out, err := a.API.GetReadSetImportJob(ctx, in, optFns...)
	if err == nil && out.Status == types.ReadSetImportJobStatusCompleted {
		a.then()
	}
	return out, err
}

// A service that forgets tokens at once starts a second job when an answer is lost and the request is repeated. Within
// TokenWindow that is what the library trusts it not to do; a client that trusts no token never sends twice.
func TestImportWithAServiceThatForgetsTokens(t *testing.T) {
	t.Parallel()
	run := func(t *testing.T, window time.Duration) (doubled int) {
		lost := 0
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(20 * time.Minute)
			o.TokenWindow = -1
			o.ListLag = time.Minute
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				if r.Op != omicstest.OpStart {
					return omicstest.Fault{}, false
				}
				lost++
				return omicstest.DropAfter(), lost%3 == 1
			}
		})
		c := newTestClient(t, service, func(o *Options) { o.TokenWindow = window })
		c.opts.SourcesPerJob = 10
		sources := testSources(120)
		report, err := c.Import(t.Context(), testTarget, sources)
		require.NoError(t, err)
		copies := make(map[string][]string)
		for _, r := range service.ReadSets(testTarget.SequenceStoreID) {
			copies[r.Source1] = append(copies[r.Source1], r.ID)
		}
		for _, res := range report.Results {
			require.Contains(t, copies[res.Source.Source1], res.ReadSetID)
			doubled += len(copies[res.Source.Source1]) - 1
		}
		return doubled
	}
	synctest.Test(t, func(t *testing.T) { require.Zero(t, run(t, -1)) })
	synctest.Test(t, func(t *testing.T) { require.Positive(t, run(t, 0)) })
}

// An endpoint that never answers is a mistake, and waiting does not fix it. One that has answered before is an outage.
func TestImportThatReachesNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		var down atomic.Bool
		down.Store(true)
		api := service.Client(func(o *omics.Options) {
			next := o.HTTPClient.(*http.Client).Transport
			o.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if down.Load() {
					return nil, refused
				}
				return next.RoundTrip(r)
			})}
		})
		c, err := New(api)
		require.NoError(t, err)
		began := time.Now()
		report, err := c.Import(t.Context(), testTarget, testSources(250))
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.Len(t, report.Failed(), 250)
		require.Less(t, time.Since(began), 15*time.Minute)
		require.Empty(t, service.Requests(""))

		down.Store(false)
		_, err = c.Get(t.Context(), JobRef{testTarget.SequenceStoreID, "1111111111"})
		require.ErrorIs(t, err, ErrNotFound)
		down.Store(true)
		go func() {
			time.Sleep(3 * time.Hour)
			down.Store(false)
		}()
		_, err = c.Import(t.Context(), testTarget, testSources(250))
		require.NoError(t, err)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Whoever may start jobs and not look at them is told so, and the next import with the permission picks them up.
func TestImportThatMayNotLook(t *testing.T) {
	t.Parallel()
	for _, batches := range []int{1, 5} {
		synctest.Test(t, func(t *testing.T) {
			began, forbidden := time.Now(), true
			service := omicstest.New(func(o *omicstest.Options) {
				o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
					return omicstest.Status(403, "AccessDeniedException", "x"), r.Op != omicstest.OpStart && forbidden
				}
			})
			mem := new(memoryJournal)
			c := newTestClient(t, service, journaled(mem))
			c.opts.SourcesPerJob = 3
			report, err := c.Import(t.Context(), testTarget, testSources(3*batches))
			require.ErrorIs(t, err, ErrAccessDenied)
			require.Less(t, time.Since(began), 20*time.Minute)
			for _, res := range report.Results {
				require.ErrorIs(t, res.Err, ErrAccessDenied)
				require.ErrorContains(t, res.Err, "still running")
				require.NotEmpty(t, res.JobID)
			}
			forbidden = false
			_, err = newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, testSources(3*batches))
			require.NoError(t, err)
			requireOnceEach(t, service, testSources(3*batches))
		})
	}
}
