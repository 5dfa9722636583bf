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

func TestPollDelay(t *testing.T) {
	t.Parallel()
	c := newTestClient(t, omicstest.New())
	for _, seconds := range []float64{0, 1, 1e3, 1e18, 1e300} {
		d := c.delays.Poll(seconds)
		require.GreaterOrEqual(t, d, c.opts.MinPollDelay, fmt.Sprint(seconds))
		require.LessOrEqual(t, d, c.opts.MaxPollDelay, fmt.Sprint(seconds))
	}
}
