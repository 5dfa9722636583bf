package readsetimport

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/quota"
	"github.com/readsetimport/readsetimport/omicstest"
)

// logNormal is n job durations with a median of 20 minutes and a sigma of 0.7.
func logNormal(n int) []time.Duration {
	random := rand.New(rand.NewPCG(20, 7))
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = time.Duration(float64(20*time.Minute) * math.Exp(0.7*random.NormFloat64()))
	}
	return out
}

// inOrder gives the n-th job that starts the n-th duration.
func inOrder(durations []time.Duration) func(omicstest.Job) time.Duration {
	next := 0
	return func(omicstest.Job) time.Duration {
		next++
		return durations[next-1]
	}
}

type durationHeap []time.Duration

func (h durationHeap) Len() int           { return len(h) }
func (h durationHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h durationHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *durationHeap) Push(x any)        { *h = append(*h, x.(time.Duration)) }
func (h *durationHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// idealMakespan is how long the jobs take on so many slots if every end is seen at once and no slot is idle.
func idealMakespan(durations []time.Duration, slots int) time.Duration {
	free := make(durationHeap, slots)
	end := time.Duration(0)
	for _, d := range durations {
		at := heap.Pop(&free).(time.Duration) + d
		end = max(end, at)
		heap.Push(&free, at)
	}
	return end
}

// requireBelowQuota checks, by the service's own clock, that no second holds more than 5 requests of one operation.
func requireBelowQuota(t *testing.T, service *omicstest.Service) {
	t.Helper()
	for _, op := range []operation{opStart, opGet, opList} {
		requests := service.Requests(op.String())
		for i := 5; i < len(requests); i++ {
			require.GreaterOrEqual(t, requests[i].Time.Sub(requests[i-5].Time), time.Second, "%s, request %d", op, i)
		}
	}
}

func TestImportKeepsEverySlotBusy(t *testing.T) {
	if underRace {
		t.Skip("too slow under the race detector")
	}
	const jobs = 500
	for _, slots := range []int{1, 5, 20, 100} {
		t.Run(fmt.Sprintf("%d slots", slots), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				durations := logNormal(jobs)
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = inOrder(durations)
					o.MaxActiveJobs = slots
					o.RequestRate = 5
				})
				c := newTestClient(t, service)
				c.opts.SourcesPerJob = 1
				began := time.Now()
				_, err := c.Import(t.Context(), testTarget, testSources(jobs))
				require.NoError(t, err)
				took, ideal := time.Since(began), idealMakespan(durations, slots)
				require.LessOrEqual(t, float64(took), 1.05*float64(ideal), "ideal %s, took %s", ideal, took)
				perJob := float64(len(service.Requests(""))) / jobs
				t.Logf("%.3f of the ideal makespan, %.2f requests a job: %d starts, %d gets, %d lists; took %s", float64(took)/float64(ideal), perJob,
					len(service.Requests(opStart.String())), len(service.Requests(opGet.String())), len(service.Requests(opList.String())), took)
				if slots >= 20 {
					require.LessOrEqual(t, perJob, 4.0)
				}
				require.Len(t, service.ReadSets(testTarget.SequenceStoreID), jobs)
				requireBelowQuota(t, service)
			})
		})
	}
}

func TestImportFollowsTheSlotLimit(t *testing.T) {
	if underRace {
		t.Skip("too slow under the race detector")
	}
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(25 * time.Minute)
			o.MaxActiveJobs = 20
			o.RequestRate = 5
		})
		c := newTestClient(t, service)
		c.opts.SourcesPerJob = 1
		const twoPolls = 4 * time.Minute   // MaxPollDelay is two
		const nextProbe = 15 * time.Minute // at most
		go func() {
			time.Sleep(time.Hour)
			service.SetMaxActiveJobs(3)
			time.Sleep(25*time.Minute + twoPolls) // those that ran end
			require.Equal(t, 3, service.ActiveJobs())
			time.Sleep(time.Hour)
			require.LessOrEqual(t, service.ActiveJobs(), 3)
			service.SetMaxActiveJobs(50)
			time.Sleep(nextProbe)
			require.GreaterOrEqual(t, service.ActiveJobs(), 48)
		}()
		_, err := c.Import(t.Context(), testTarget, testSources(400))
		require.NoError(t, err)
		requireBelowQuota(t, service)
	})
}

func TestImportsShareAClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(20 * time.Minute)
			o.MaxActiveJobs = 10
			o.RequestRate = 5
		})
		c := newTestClient(t, service)
		c.opts.SourcesPerJob = 1
		n := 400
		if underRace {
			n = 200
		}
		all := testSources(n)
		halves := [][]Source{all[:n/2], all[n/2:]}
		ends := make([]time.Duration, 2)
		began := time.Now()
		done := make(chan error, 2)
		for i, half := range halves {
			go func() {
				_, err := c.Import(t.Context(), testTarget, half)
				ends[i] = time.Since(began)
				done <- err
			}()
		}
		require.NoError(t, <-done)
		require.NoError(t, <-done)
		requireBelowQuota(t, service)
		// Neither starves: both end at about the same time, when all jobs are done.
		require.Less(t, slices.Max(ends)-slices.Min(ends), 80*time.Minute)
		require.InEpsilon(t, float64(time.Duration(n/10)*20*time.Minute), float64(slices.Max(ends)), 0.1)
	})
}

func TestImportSurvivesADayOfOutage(t *testing.T) {
	if underRace {
		t.Skip("too slow under the race detector")
	}
	synctest.Test(t, func(t *testing.T) {
		var from, to time.Time
		random := rand.New(rand.NewPCG(1, 2))
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(20 * time.Minute)
			o.MaxActiveJobs = 10
			o.RequestRate = 5
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				if r.Time.Before(from) || r.Time.After(to) {
					return omicstest.Fault{}, false
				}
				faults := []omicstest.Fault{omicstest.Status(500, "InternalServerException", "x"), omicstest.HTML(503), omicstest.DropBefore(), omicstest.DropAfter(), omicstest.Reset()}
				return faults[random.IntN(len(faults))], true
			}
		})
		from = time.Now().Add(time.Hour + 10*time.Second)
		to = from.Add(24 * time.Hour)
		c := newTestClient(t, service)
		c.opts.SourcesPerJob = 1
		sources := testSources(200)
		report, err := c.Import(t.Context(), testTarget, sources)
		require.NoError(t, err)
		requireOnceEach(t, service, sources)
		require.Len(t, report.Imported(), 200)
		requireBelowQuota(t, service)
		during := 0
		for _, r := range service.Requests("") {
			if r.Time.After(from) && r.Time.Before(to) {
				during++
			}
		}
		t.Logf("%d requests in 24 h of outage", during)
		// Ten jobs run and five are being started, and each of these makes a request every 45 s, give or take 15.
		require.Less(t, during, 24*60*60/45*(10+quota.MaxStarting))
	})
}

// requireOnceEach checks that the store has each source once and nothing else.
func requireOnceEach(t *testing.T, service *omicstest.Service, sources []Source) {
	t.Helper()
	want := make(map[string]int)
	for _, s := range sources {
		want[s.Source1]++
	}
	got := make(map[string]int)
	for _, r := range service.ReadSets(testTarget.SequenceStoreID) {
		got[r.Source.Source1]++
	}
	require.Equal(t, want, got)
}

// The service has other clients: it throttles at random. The pace keeps the quota, operation by operation, and the
// import goes on.
func TestRequestRate(t *testing.T) {
	t.Parallel()
	sources := testSources(500)
	if underRace {
		sources = sources[:100]
	}
	for _, perSecond := range []float64{0.3, 1, 4.5, 50} {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(3, uint64(perSecond)))
			service := omicstest.New(func(o *omicstest.Options) {
				o.JobDuration = func(omicstest.Job) time.Duration { return time.Duration(random.IntN(600)) * time.Second }
				o.MaxActiveJobs = 20
				o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
					return omicstest.Status(429, "ThrottlingException", "x").WithRetryAfter(time.Duration(random.IntN(5)) * time.Second), random.IntN(50) == 0
				}
			})
			c := newTestClient(t, service, func(o *Options) { o.RequestRate = perSecond })
			c.opts.SourcesPerJob = 10
			_, err := c.Import(t.Context(), testTarget, sources)
			require.NoError(t, err)
			least := time.Duration(float64(time.Second)/perSecond) - time.Microsecond
			for _, op := range []string{omicstest.OpStart, omicstest.OpGet, omicstest.OpList} {
				requests := service.Requests(op)
				require.NotEmpty(t, requests)
				for i, r := range requests[1:] {
					if r.Time.Sub(requests[i].Time) < least {
						require.FailNow(t, "too fast", "%s %d: %s", op, i, r.Time.Sub(requests[i].Time))
					}
				}
			}
		})
	}
}

// A throttled operation slows itself, and no other.
func TestThrottlingIsOfOneOperation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Minute) })
		service.Inject(omicstest.OpGet, omicstest.Status(429, "ThrottlingException", "x").WithRetryAfter(2*time.Minute))
		c := newTestClient(t, service)
		c.opts.SourcesPerJob = 1
		began := time.Now()
		_, err := c.Import(t.Context(), testTarget, testSources(30))
		require.NoError(t, err)
		starts := service.Requests(omicstest.OpStart)
		require.Len(t, starts, 30)
		require.Less(t, starts[29].Time.Sub(began), 7*time.Second)
		gets := service.Requests(omicstest.OpGet)
		require.Equal(t, 2*time.Minute, gets[1].Time.Sub(gets[0].Time))
		require.Greater(t, len(service.Requests(omicstest.OpList)), 3, "which go on in the meantime")
	})
}

// Jobs that end at once are no example for those that go on for hours, of which there are more.
func TestImportWithEarlyEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		early int // jobs that end within a second
		fail  bool
	}{
		"none":       {},
		"one":        {1, false},
		"one fails":  {1, true},
		"three":      {3, false},
		"three fail": {3, true},
		"half":       {10, false},
		"half fail":  {10, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sources := testSources(20)
				early := func(job omicstest.Job) bool { return job.Sources[0].Source1 < sources[tc.early].Source1 }
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = func(job omicstest.Job) time.Duration {
						if early(job) {
							return time.Second
						}
						return 10 * time.Hour
					}
					o.JobOutcome = func(job omicstest.Job) (types.ReadSetImportJobStatus, string) {
						if early(job) && tc.fail {
							return types.ReadSetImportJobStatusFailed, "no access to the bucket"
						}
						return "", ""
					}
				})
				_, err := newTestClient(t, service, withJobSize(1)).Import(t.Context(), testTarget, sources)
				require.Equal(t, tc.fail, err != nil)
				t.Log(len(service.Requests(omicstest.OpList)), "lists", len(service.Requests(omicstest.OpGet)), "gets")
				require.LessOrEqual(t, len(service.Requests("")), 600)
			})
		})
	}
}
