package readsetimport

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// turns is how long after the first each of n requests may be sent, when as many goroutines want to.
func turns(t *testing.T, p *pacer, n int) []time.Duration {
	t.Helper()
	began := time.Now()
	out := make([]time.Duration, n)
	var group sync.WaitGroup
	for i := range out {
		group.Go(func() {
			at, err := p.wait(t.Context())
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
	inBubble := func(name string, test func(t *testing.T, p *pacer)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, newPacer(4)) })
		})
	}
	inBubble("spaces requests", func(t *testing.T, p *pacer) {
		require.Equal(t, every(step, 0, 20), turns(t, p, 20))
	})
	inBubble("saves nothing up", func(t *testing.T, p *pacer) {
		turns(t, p, 3)
		time.Sleep(time.Hour)
		require.Equal(t, every(step, 0, 5), turns(t, p, 5))
	})
	inBubble("pauses and halves the pace", func(t *testing.T, p *pacer) {
		p.throttled(time.Now(), 0)
		require.Equal(t, every(2*step, throttlePause, 5), turns(t, p, 5))
	})
	inBubble("recovers with answers", func(t *testing.T, p *pacer) {
		p.throttled(time.Now(), 0)
		for range 9 {
			p.answered()
		}
		require.InDelta(t, 3.8, float64(p.limiter.Limit()), 1e-9)
		for range 9 {
			p.answered()
		}
		require.InDelta(t, 4, float64(p.limiter.Limit()), 0, "and not beyond")
		time.Sleep(throttlePause)
		require.Equal(t, every(step, 0, 5), turns(t, p, 5))
	})
	inBubble("is never faster than the full pace, not even in recovery", func(t *testing.T, p *pacer) {
		for range 5 {
			p.throttled(time.Now(), 0)
			time.Sleep(time.Minute)
		}
		turns(t, p, 1)
		go func() {
			for range 20 {
				time.Sleep(100 * time.Millisecond)
				p.answered()
			}
		}()
		got := turns(t, p, 10)
		for i := range got[1:] {
			require.GreaterOrEqual(t, got[i+1]-got[i], step)
		}
	})
	inBubble("slows once for many", func(t *testing.T, p *pacer) {
		sentAt := time.Now()
		for range 10 {
			time.Sleep(10 * time.Millisecond)
			p.throttled(sentAt, 0)
		}
		require.InDelta(t, 2, float64(p.limiter.Limit()), 0)
		time.Sleep(time.Minute)
		p.throttled(time.Now(), 0)
		require.InDelta(t, 1, float64(p.limiter.Limit()), 0, "a request sent after that slows again")
	})
	inBubble("never stops", func(t *testing.T, p *pacer) {
		for range 100 {
			time.Sleep(time.Minute)
			p.throttled(time.Now(), 0)
		}
		require.InDelta(t, 4.0/slowest, float64(p.limiter.Limit()), 0)
	})
	inBubble("waits as long as it is told", func(t *testing.T, p *pacer) {
		p.throttled(time.Now(), 30*time.Second)
		p.throttled(time.Now().Add(-time.Second), time.Second) // does not shorten the pause
		require.Equal(t, every(2*step, 30*time.Second, 3), turns(t, p, 3))
	})
	inBubble("but no longer than 5 minutes", func(t *testing.T, p *pacer) {
		p.throttled(time.Now(), 24*time.Hour)
		require.Equal(t, every(2*step, 5*time.Minute, 3), turns(t, p, 3))
	})
	inBubble("holds requests that wait for their turn", func(t *testing.T, p *pacer) {
		turns(t, p, 1)
		time.AfterFunc(step/2, func() { p.throttled(time.Now(), 10*time.Second) })
		got := turns(t, p, 4)
		require.Equal(t, every(2*step, 10*time.Second+step/2, 4), got)
	})
	inBubble("ends with the context", func(t *testing.T, p *pacer) {
		why := errors.New("enough")
		p.throttled(time.Now(), time.Minute)
		began := time.Now()
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
		defer cancel()
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() {
				_, err := p.wait(ctx)
				require.Equal(t, why, err)
				require.Equal(t, time.Second, time.Since(began))
			})
		}
		group.Wait()
		require.Equal(t, []time.Duration{59 * time.Second}, turns(t, p, 1), "and leaves the others' turns alone")
	})
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
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.Lasting(time.Minute) })
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
