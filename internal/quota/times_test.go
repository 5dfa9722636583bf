package quota

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestJobTimes(t *testing.T) {
	t.Parallel()
	const minute = 60.0
	times := func(took ...time.Duration) (j JobTimes) {
		for _, d := range took {
			j.Add(d)
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
		times         JobTimes
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
			d := tc.times.Delay(tc.age, tc.together, tc.oldest)
			require.GreaterOrEqual(t, d, tc.least)
			require.LessOrEqual(t, d, tc.most)
		})
	}
}
