package readsetimport

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// optionCase sets one option.
type optionCase struct {
	name string
	set  func(*Options)
}

func durations(name string, field func(*Options) *time.Duration, values ...time.Duration) (out []optionCase) {
	for _, d := range values {
		out = append(out, optionCase{fmt.Sprintf("%s %s", name, d), func(o *Options) { *field(o) = d }})
	}
	return out
}

// optionCases are the ends of the ranges of all options, and what is just beyond.
func optionCases() (good, bad []optionCase) {
	timeout := func(o *Options) *time.Duration { return &o.RequestTimeout }
	least := func(o *Options) *time.Duration { return &o.MinPollDelay }
	most := func(o *Options) *time.Duration { return &o.MaxPollDelay }
	patience := func(o *Options) *time.Duration { return &o.QuotaTimeout }
	window := func(o *Options) *time.Duration { return &o.TokenWindow }
	const day = 24 * time.Hour
	good = slices.Concat(
		durations("RequestTimeout", timeout, 0, time.Millisecond, time.Hour),
		durations("MinPollDelay", least, 0, 1, time.Hour, day),
		durations("MaxPollDelay", most, 0, 2*time.Second, day),
		durations("QuotaTimeout", patience, 0, 1, 365*day),
		durations("TokenWindow", window, 0, math.MinInt64, -1, 1, 7*day),
	)
	bad = slices.Concat(
		durations("RequestTimeout", timeout, -1, math.MinInt64, time.Hour+1, math.MaxInt64),
		durations("MinPollDelay", least, -1, day+1, math.MaxInt64),
		durations("MaxPollDelay", most, -1, time.Second, day+1, math.MaxInt64/4, math.MaxInt64/2, math.MaxInt64),
		durations("QuotaTimeout", patience, -1, 365*day+1, math.MaxInt64),
		durations("TokenWindow", window, 7*day+1, math.MaxInt64),
	)
	for _, rate := range []float64{0, 0.001, 1, 1e9} {
		good = append(good, optionCase{fmt.Sprint("RequestRate ", rate), func(o *Options) { o.RequestRate = rate }})
	}
	for _, rate := range []float64{-1, 1e-300, 0.0009, 1.1e9, 1e300, math.NaN(), math.Inf(1), math.Inf(-1)} {
		bad = append(bad, optionCase{fmt.Sprint("RequestRate ", rate), func(o *Options) { o.RequestRate = rate }})
	}
	for _, n := range []int{0, 1, 100} {
		good = append(good, optionCase{fmt.Sprint("SourcesPerJob ", n), func(o *Options) { o.SourcesPerJob = n }})
	}
	for _, n := range []int{-1, 101, math.MaxInt} {
		bad = append(bad, optionCase{fmt.Sprint("SourcesPerJob ", n), func(o *Options) { o.SourcesPerJob = n }})
	}
	good = append(good, optionCase{"MaxActiveJobs", func(o *Options) { o.MaxActiveJobs = math.MaxInt }})
	bad = append(bad, optionCase{"MaxActiveJobs", func(o *Options) { o.MaxActiveJobs = -1 }})
	return good, bad
}

// An option out of its range is refused in one line that names it.
func TestOptionsRefused(t *testing.T) {
	t.Parallel()
	_, bad := optionCases()
	for _, tc := range bad {
		t.Run(tc.name, func(t *testing.T) {
			c, err := New(omicstest.New().Client(), tc.set)
			require.Error(t, err)
			require.Nil(t, c)
			var option string
			_, _ = fmt.Sscan(tc.name, &option)
			require.ErrorContains(t, err, option)
			requireFitForLog(t, err)
		})
	}
	_, err := New(nil)
	require.Error(t, err)
}

// With an option at the end of its range, a job runs to its end at a bounded number of requests: nothing overflows.
func TestOptionsAtTheirEnds(t *testing.T) {
	t.Parallel()
	good, _ := optionCases()
	for _, tc := range good {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) { o.JobDuration, o.MaxActiveJobs = omicstest.FixedDuration(time.Minute), 1 })
				service.Inject(omicstest.OpStart, omicstest.Status(402, "ServiceQuotaExceededException", "x"), omicstest.Status(429, "ThrottlingException", "x"))
				service.Inject(omicstest.OpGet, omicstest.Status(500, "InternalServerException", "x"))
				c := newTestClient(t, service, tc.set)
				_, err := c.Import(t.Context(), testTarget, testSources(2))
				if c.opts.QuotaTimeout > time.Second {
					require.NoError(t, err)
				}
				require.Less(t, len(service.Requests(omicstest.OpStart)), 15)
				require.Less(t, len(service.Requests("")), 100)
			})
		})
	}
}
