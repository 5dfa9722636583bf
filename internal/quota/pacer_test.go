package quota

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// turns is how long after the first each of n requests may be sent, when as many goroutines want to.
func turns(t *testing.T, p *Pacer, n int) []time.Duration {
	t.Helper()
	began := time.Now()
	out := make([]time.Duration, n)
	var group sync.WaitGroup
	for i := range out {
		group.Go(func() {
			at, err := p.Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, at, time.Now())
			out[i] = at.Sub(began).Round(time.Millisecond)
		})
	}
	group.Wait()
	slices.Sort(out)
	return out
}

func every(d time.Duration, from time.Duration, n int) []time.Duration {
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = from + time.Duration(i)*d
	}
	return out
}

func TestPacer(t *testing.T) {
	const step = 250 * time.Millisecond // 4 a second
	inBubble := func(name string, test func(t *testing.T, p *Pacer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, NewPacer(4)) })
		})
	}
	inBubble("spaces requests", func(t *testing.T, p *Pacer) {
		require.Equal(t, every(step, 0, 20), turns(t, p, 20))
	})
	inBubble("saves nothing up", func(t *testing.T, p *Pacer) {
		turns(t, p, 3)
		time.Sleep(time.Hour)
		require.Equal(t, every(step, 0, 5), turns(t, p, 5))
	})
	inBubble("pauses and halves the pace", func(t *testing.T, p *Pacer) {
		p.Throttled(time.Now(), 0)
		require.Equal(t, every(2*step, defaultPause, 5), turns(t, p, 5))
	})
	inBubble("recovers with answers", func(t *testing.T, p *Pacer) {
		p.Throttled(time.Now(), 0)
		for range 9 {
			p.Answered()
		}
		require.InDelta(t, 3.8, float64(p.limiter.Limit()), 1e-9)
		for range 9 {
			p.Answered()
		}
		require.InDelta(t, 4, float64(p.limiter.Limit()), 0, "and not beyond")
		time.Sleep(defaultPause)
		require.Equal(t, every(step, 0, 5), turns(t, p, 5))
	})
	inBubble("is never faster than the full pace, not even in recovery", func(t *testing.T, p *Pacer) {
		for range 5 {
			p.Throttled(time.Now(), 0)
			time.Sleep(time.Minute)
		}
		turns(t, p, 1)
		go func() {
			for range 20 {
				time.Sleep(100 * time.Millisecond)
				p.Answered()
			}
		}()
		got := turns(t, p, 10)
		for i := range got[1:] {
			require.GreaterOrEqual(t, got[i+1]-got[i], step)
		}
	})
	inBubble("slows once for many", func(t *testing.T, p *Pacer) {
		sentAt := time.Now()
		for range 10 {
			time.Sleep(10 * time.Millisecond)
			p.Throttled(sentAt, 0)
		}
		require.InDelta(t, 2, float64(p.limiter.Limit()), 0)
		time.Sleep(time.Minute)
		p.Throttled(time.Now(), 0)
		require.InDelta(t, 1, float64(p.limiter.Limit()), 0, "a request sent after that slows again")
	})
	inBubble("never stops", func(t *testing.T, p *Pacer) {
		for range 100 {
			time.Sleep(time.Minute)
			p.Throttled(time.Now(), 0)
		}
		require.InDelta(t, 4.0/slowest, float64(p.limiter.Limit()), 0)
	})
	inBubble("waits as long as it is told", func(t *testing.T, p *Pacer) {
		p.Throttled(time.Now(), 30*time.Second)
		p.Throttled(time.Now().Add(-time.Second), time.Second) // does not shorten the pause
		require.Equal(t, every(2*step, 30*time.Second, 3), turns(t, p, 3))
	})
	inBubble("but no longer than 5 minutes", func(t *testing.T, p *Pacer) {
		p.Throttled(time.Now(), 24*time.Hour)
		require.Equal(t, every(2*step, MaxPause, 3), turns(t, p, 3))
	})
	inBubble("holds requests that wait for their turn", func(t *testing.T, p *Pacer) {
		turns(t, p, 1)
		time.AfterFunc(step/2, func() { p.Throttled(time.Now(), 10*time.Second) })
		got := turns(t, p, 4)
		require.Equal(t, every(2*step, 10*time.Second+step/2, 4), got)
	})
	inBubble("ends with the context", func(t *testing.T, p *Pacer) {
		why := errors.New("enough")
		p.Throttled(time.Now(), time.Minute)
		began := time.Now()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				_, err := p.Wait(ctx)
				require.Equal(t, why, err)
				require.Equal(t, time.Second, time.Since(began))
			})
		}
		group.Wait()
		require.Equal(t, []time.Duration{59 * time.Second}, turns(t, p, 1), "and leaves the others' turns alone")
	})
}
