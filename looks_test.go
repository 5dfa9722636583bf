package readsetimport

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// What a few jobs took does not say how often the others are worth a look.
func TestEarlyEndsDoNotRuleTheLooks(t *testing.T) {
	t.Parallel()
	lists := func(t *testing.T, jobs, early int, status types.ReadSetImportJobStatus) (n int) {
		synctest.Test(t, func(t *testing.T) {
			started := 0
			service := omicstest.New(func(o *omicstest.Options) {
				o.JobDuration = func(omicstest.Job) time.Duration {
					if started++; started <= early {
						return time.Second
					}
					return 10 * time.Hour
				}
				o.JobOutcome = func(omicstest.Job) (types.ReadSetImportJobStatus, string) {
					if started <= early {
						return status, ""
					}
					return "", ""
				}
			})
			c := newTestClient(t, service, func(o *Options) { o.SourcesPerJob = 1 })
			_, err := c.Import(t.Context(), testTarget, testSources(jobs))
			if status == "" || status == types.ReadSetImportJobStatusCompleted {
				require.NoError(t, err)
			}
			n = len(service.Requests(omicstest.OpList))
		})
		return n
	}
	most := 1.2 * float64(lists(t, 20, 0, ""))
	require.LessOrEqual(t, float64(lists(t, 220, 200, types.ReadSetImportJobStatusFailed)), most, "failures teach nothing")
	for _, early := range []int{1, 2, 4, 10} {
		for _, status := range []types.ReadSetImportJobStatus{types.ReadSetImportJobStatusCompleted, types.ReadSetImportJobStatusFailed} {
			require.LessOrEqual(t, float64(lists(t, 20, early, status)), most, "%d %s", early, status)
		}
	}
}

func TestJobTimes(t *testing.T) {
	t.Parallel()
	const minute = 60.0
	times := func(took ...time.Duration) (j jobTimes) {
		for _, d := range took {
			j.add(d)
		}
		return j
	}
	repeat := func(d time.Duration, n int) []time.Duration {
		out := make([]time.Duration, n)
		for i := range out {
			out[i] = d
		}
		return out
	}
	for name, tc := range map[string]struct {
		times         jobTimes
		age, together float64
		oldest        float64
		least, most   float64 // seconds to the next look
	}{
		"nothing has ended: a quarter of the oldest's age": {times(), minute, 100 * minute, 4 * minute, 60, 60},
		"two have ended":                         {times(0, time.Second), minute, 100 * minute, 4 * minute, 60, 60},
		"many of 20 minutes":                     {times(repeat(20*time.Minute, 200)...), 15 * minute, 100 * minute, 20 * minute, 43, 48},
		"a young one, where none ended so early": {times(repeat(20*time.Minute, 200)...), 0, 0, 0, 9.9 * minute, 10 * minute},
		"a few ended early, and many go on":      {times(time.Second, time.Second, time.Second), 0, 17 * 60 * minute, 60 * minute, 10 * minute, 12 * minute},
		"one much older than the others":         {times(repeat(time.Minute, 200)...), 100 * minute, 100 * minute, 100 * minute, 9 * minute, 10 * minute},
		"the latest count most":                  {times(append(repeat(10*time.Hour, 200), repeat(2*time.Minute, 400)...)...), 5 * minute, 0, 0, 3, 60},
		"an absurd time does no harm":            {times(repeat(1<<63-1, 3)...), 1e10, 1e12, 1e10, 1, 1e11},
	} {
		t.Run(name, func(t *testing.T) {
			d := tc.times.delay(tc.age, tc.together, tc.oldest)
			require.GreaterOrEqual(t, d, tc.least)
			require.LessOrEqual(t, d, tc.most)
		})
	}
	c := newTestClient(t, omicstest.New())
	for _, seconds := range []float64{0, 1, 1e3, 1e18, 1e300} {
		d := c.pollDelay(seconds)
		require.GreaterOrEqual(t, d, c.opts.MinPollDelay, fmt.Sprint(seconds))
		require.LessOrEqual(t, d, c.opts.MaxPollDelay, fmt.Sprint(seconds))
	}
}
