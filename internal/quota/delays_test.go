package quota

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDelays(t *testing.T) {
	t.Parallel()
	for random, tenth := range map[float64]time.Duration{0: 90, 0.5: 100, 1: 110} {
		d := Delays{Min: 2 * time.Second, Max: 2 * time.Minute, Random: func() float64 { return random }}
		require.InDelta(t, tenth*time.Second, d.Jittered(100*time.Second), 10)
		require.Positive(t, d.Jittered(math.MaxInt64))
		require.Equal(t, d.Min, d.Poll(0))
		require.Equal(t, d.Max, d.Poll(1e300))
		require.InDelta(t, tenth*time.Second/10, d.Look(100*time.Second), 10)
		require.InDelta(t, time.Second/2+time.Duration(random*float64(time.Second/2)), d.Backoff(1), 10)
		require.InDelta(t, 2*time.Second+time.Duration(random*float64(2*time.Second)), d.Backoff(3), 10)
		for _, n := range []int{8, 29, 30, 64, math.MaxInt} {
			require.InDelta(t, time.Minute+time.Duration(random*float64(time.Minute)), d.Backoff(n), 10, n)
		}
	}
	short := Delays{Max: time.Millisecond, Random: func() float64 { return 0 }}
	require.Equal(t, time.Second/2, short.Backoff(10), "not less than that")
}

func TestPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p Patience
		since := time.Now()
		require.False(t, p.Over(since, time.Hour))
		time.Sleep(time.Hour)
		require.True(t, p.Over(since, time.Hour))
		require.False(t, p.Over(time.Time{}, time.Hour), "one of the client's jobs runs")
		require.False(t, p.Over(since, time.Hour), "it begins anew")
		time.Sleep(50 * time.Minute)
		later := time.Now()
		time.Sleep(20 * time.Minute)
		require.False(t, p.Over(later, time.Hour), "one ran until then")
		p.Renew()
		time.Sleep(2 * time.Hour)
		require.False(t, p.Over(later, time.Hour))
	})
}

// The slot of a job that may have been started is given back once it is known not to have been.
func TestGiveBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewSlots(1, time.Minute, func(d time.Duration) time.Duration { return d })
		doubtful := s.Hold(false)
		got := make(chan *Slot)
		go func() {
			slot, _ := s.Acquire(t.Context())
			got <- slot
		}()
		synctest.Wait()
		select {
		case <-got:
			require.Fail(t, "there is one slot")
		default:
		}
		require.True(t, doubtful.GiveBack())
		slot := <-got
		require.NotNil(t, slot)
		require.False(t, slot.GiveBack(), "it is nobody's doubt")
		slot.Release()
	})
}
