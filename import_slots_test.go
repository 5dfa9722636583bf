package readsetimport

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/quota"
	"github.com/readsetimport/readsetimport/omicstest"
)

// otherJobs starts jobs of somebody else's.
func otherJobs(t *testing.T, service *omicstest.Service, n int) {
	client := service.Client()
	for i := range n {
		item := UBAM("s3://other/run/" + string(rune('a'+i))).WithSubject("x").WithSample("x").Item()
		_, err := client.StartReadSetImportJob(t.Context(), &omics.StartReadSetImportJobInput{
			SequenceStoreId: aws.String(testTarget.SequenceStoreID), RoleArn: aws.String(testTarget.RoleARN),
			Sources: []types.StartReadSetImportJobSourceItem{item},
		})
		require.NoError(t, err)
	}
}

func TestImportWithoutASlot(t *testing.T) {
	t.Parallel()
	const patience = 30 * time.Minute
	for name, tc := range map[string]struct {
		others    time.Duration // how long the jobs of others hold all slots
		least     time.Duration
		most      time.Duration
		exhausted bool
	}{
		"they come free in time": {20 * time.Minute, 20 * time.Minute, 45 * time.Minute, false},
		"they do not":            {24 * time.Hour, patience, patience + 2*time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next := tc.others
				service := omicstest.New(func(o *omicstest.Options) {
					o.MaxActiveJobs = 3
					o.JobDuration = func(omicstest.Job) time.Duration { return next }
				})
				otherJobs(t, service, 3)
				next = 10 * time.Minute
				began := time.Now()
				w := &watched{t: t}
				c := newTestClient(t, service, withEvents(w.see), func(o *Options) { o.QuotaTimeout = patience })
				report, err := c.Import(t.Context(), testTarget, testSources(500))
				require.GreaterOrEqual(t, time.Since(began), tc.least)
				require.LessOrEqual(t, time.Since(began), tc.most)
				require.NotEmpty(t, w.of(EventSlotWait))
				probes := 0
				for _, r := range service.Requests(omicstest.OpStart)[3:] {
					if r.Time.Sub(began) < min(tc.others, patience) {
						probes++
					}
				}
				require.LessOrEqual(t, probes, 40, "they are rare")
				if !tc.exhausted {
					require.NoError(t, err)
					require.Len(t, report.Imported(), 500)
					return
				}
				require.ErrorIs(t, err, ErrQuotaExceeded)
				require.ErrorIs(t, err, ErrIncomplete)
				require.Len(t, report.Failed(), 500)
				for _, res := range report.Results {
					require.ErrorIs(t, res.Err, ErrQuotaExceeded)
				}
				require.Len(t, service.Jobs(testTarget.SequenceStoreID), 3)
			})
		})
	}
}

// A batch that may have been started holds the only slot, and its repeat is refused for want of one. The other batches do
// not wait for it for longer than for any slot.
func TestImportWithoutASlotForADoubt(t *testing.T) {
	t.Parallel()
	const patience = 30 * time.Minute
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(10 * 24 * time.Hour)
			o.MaxActiveJobs = 1
		})
		service.Inject(omicstest.OpStart, omicstest.DropBefore())
		time.AfterFunc(100*time.Millisecond, func() { otherJobs(t, service, 1) })
		c := newTestClient(t, service, atMost(1), withJobSize(10), func(o *Options) {
			o.QuotaTimeout, o.TokenWindow = patience, 24*time.Hour
		})
		began := time.Now()
		for res, err := range c.Stream(t.Context(), testTarget, withoutErrors(testSources(20))) {
			if err != nil {
				require.ErrorIs(t, err, ErrQuotaExceeded)
				continue
			}
			require.ErrorIs(t, res.Err, ErrQuotaExceeded)
			if res.Index >= 10 {
				require.InDelta(t, patience, time.Since(began), float64(3*time.Minute))
			}
		}
		require.Len(t, service.Jobs(testTarget.SequenceStoreID), 1)
	})
}

// The patience begins when the last job of ours has ended, and what ran is waited for.
func TestImportThatLosesItsSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		next := 24 * time.Hour
		service := omicstest.New(func(o *omicstest.Options) {
			o.MaxActiveJobs = 5
			o.JobDuration = func(omicstest.Job) time.Duration { return next }
		})
		otherJobs(t, service, 3)
		next = 2 * time.Hour
		time.AfterFunc(30*time.Minute, func() { service.SetMaxActiveJobs(3) })
		began := time.Now()
		c := newTestClient(t, service, func(o *Options) { o.QuotaTimeout = 30 * time.Minute })
		c.opts.SourcesPerJob = 10
		report, err := c.Import(t.Context(), testTarget, testSources(50))
		require.ErrorIs(t, err, ErrQuotaExceeded)
		require.Greater(t, time.Since(began), 150*time.Minute)
		require.Less(t, time.Since(began), 154*time.Minute)
		require.Len(t, report.Imported(), 20)
		for _, res := range report.Failed() {
			require.ErrorIs(t, res.Err, ErrQuotaExceeded)
		}
	})
}

// The patience begins anew after a job of ours ran: the time before it does not count.
func TestImportWaitsForEachSlotAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(2 * time.Hour)
			o.MaxActiveJobs = 1
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				since := time.Since(began)
				others := since < 20*time.Minute || 130*time.Minute < since && since < 165*time.Minute // our job ends in between
				return omicstest.Status(402, "ServiceQuotaExceededException", "x"), r.Op == omicstest.OpStart && others
			}
		})
		c := newTestClient(t, service, withJobSize(10), func(o *Options) { o.QuotaTimeout = 30 * time.Minute })
		_, err := c.Import(t.Context(), testTarget, testSources(20))
		require.NoError(t, err)
		require.Greater(t, time.Since(began), 285*time.Minute)
	})
}

func TestImportMaxActiveJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(20 * time.Minute) })
		c := newTestClient(t, service, func(o *Options) { o.MaxActiveJobs = 4 })
		c.opts.SourcesPerJob = 5
		began := time.Now()
		report, err := c.Import(t.Context(), testTarget, testSources(200))
		require.NoError(t, err)
		require.Len(t, report.Jobs, 40)
		jobs := service.Jobs(testTarget.SequenceStoreID)
		for i, job := range jobs[4:] {
			require.False(t, job.CreationTime.Before(jobs[i].CompletionTime), "job %d", i+4)
		}
		require.Less(t, time.Since(began), 10*22*time.Minute, "and all of the four are used")
	})
}

// Batches in doubt hold their slots, and do not keep an import waiting for ever: nothing of the client's is known to run.
func TestPatienceRunsInDoubt(t *testing.T) {
	t.Parallel()
	for _, doubtful := range []int{1, quota.MaxStarting} {
		synctest.Test(t, func(t *testing.T) {
			service := omicstest.New(func(o *omicstest.Options) {
				o.MaxActiveJobs = 3
				o.QuotaFirst = true
				o.JobDuration = omicstest.FixedDuration(100 * time.Hour)
			})
			otherJobs(t, service, 3)
			for range doubtful {
				service.Inject(omicstest.OpStart, omicstest.DropBefore())
			}
			c := newTestClient(t, service, func(o *Options) {
				o.SourcesPerJob = 10
				o.QuotaTimeout = 30 * time.Minute
				o.TokenWindow = 5 * time.Hour
			})
			began := time.Now()
			late := 0 // sources that were not given up when the patience ended
			c.opts.OnEvent = func(e Event) {
				if e.Kind == EventSourceEnded {
					require.GreaterOrEqual(t, time.Since(began), 30*time.Minute)
					if time.Since(began) > 33*time.Minute {
						late++
					}
				}
			}
			report, err := c.Import(t.Context(), testTarget, testSources(100))
			require.ErrorIs(t, err, ErrQuotaExceeded)
			require.Len(t, report.Failed(), 100)
			for _, res := range report.Results {
				require.ErrorIs(t, res.Err, ErrQuotaExceeded)
			}
			require.Equal(t, 10*doubtful, late, "only those in doubt")
			require.Less(t, time.Since(began), 5*time.Hour+30*time.Minute, "what is in doubt is looked for when its token is old")
		})
	}
}
