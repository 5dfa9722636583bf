package quota

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// How long the service has been full for a client of which no job is known to run, and what sets that time to zero.
func TestStarved(t *testing.T) {
	inBubble := func(name string, test func(t *testing.T, s *Slots)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, NewSlots(0, time.Minute, exactly)) })
		})
	}
	refuse := func(t *testing.T, s *Slots) time.Time {
		t.Helper()
		sl, _ := waits(t, s)
		require.NotNil(t, sl)
		return sl.Refused()
	}
	inBubble("it begins with the first refusal", func(t *testing.T, s *Slots) {
		began := time.Now()
		for range 10 {
			require.Equal(t, began, refuse(t, s))
		}
	})
	inBubble("there is none while a job runs", func(t *testing.T, s *Slots) {
		job := occupied(t, s, 1)[0]
		require.Zero(t, refuse(t, s))
		time.Sleep(time.Hour)
		s.Seen()
		require.Zero(t, refuse(t, s))
		job.Release()
		time.Sleep(time.Hour)
		now := time.Now()
		require.Equal(t, now, refuse(t, s), "it begins with the next refusal, not with the job's end")
	})
	inBubble("a start in doubt does not stop it", func(t *testing.T, s *Slots) {
		s.Hold(false)
		doubtful := take(t, s)
		began := time.Now()
		for range 10 {
			require.Equal(t, began, refuse(t, s))
		}
		doubtful.Release()
		s.Hold(false)
		require.Equal(t, began, refuse(t, s), "nor does it begin anew when a slot in doubt is granted or given back")
	})
	inBubble("a refusal in doubt starts it, and keeps the slot", func(t *testing.T, s *Slots) {
		doubtful := take(t, s)
		began := time.Now()
		require.Equal(t, began, doubtful.RefusedInDoubt())
		require.Equal(t, 1, s.InUse())
		time.Sleep(time.Minute)
		require.Equal(t, began, doubtful.RefusedInDoubt())
		require.Equal(t, began, refuse(t, s))
		doubtful.Started()
		time.Sleep(time.Hour)
		s.Seen()
		require.Zero(t, refuse(t, s))
	})
	for name, run := range map[string]func(t *testing.T, s *Slots) *Slot{
		"a job that starts":   func(t *testing.T, s *Slots) *Slot { sl, _ := waits(t, s); sl.Started(); return sl },
		"a job that is found": func(t *testing.T, s *Slots) *Slot { sl := s.Hold(false); sl.Started(); return sl },
		"a job taken up":      func(_ *testing.T, s *Slots) *Slot { return s.Hold(true) },
	} {
		inBubble(name+" sets it to zero", func(t *testing.T, s *Slots) {
			require.Equal(t, time.Now(), refuse(t, s))
			time.Sleep(time.Hour)
			job := run(t, s)
			time.Sleep(time.Hour)
			s.Seen()
			require.Zero(t, refuse(t, s))
			job.Release()
			now := time.Now()
			require.Equal(t, now, refuse(t, s))
		})
	}
	inBubble("refusals in doubt do not put off the probes of others", func(t *testing.T, s *Slots) {
		running := occupied(t, s, 3)
		doubtful := take(t, s)
		require.Zero(t, doubtful.RefusedInDoubt())
		require.Equal(t, 4, s.limit, "its job may run")
		everySecond(t, func() {
			s.Seen()
			doubtful.RefusedInDoubt()
		})
		probe, d := waits(t, s)
		require.InDelta(t, probeDelay, d, float64(time.Second))
		require.Zero(t, probe.RefusedInDoubt())
		require.Equal(t, 4, s.limit)
		_, d = waits(t, s)
		require.InDelta(t, 2*probeDelay, d, float64(time.Second), "a probe in doubt does not keep the next from going out")
		require.Len(t, running, 3)
	})
}

// Whatever the options, delays do not overflow.
func TestExtremes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSlots(0, 1<<63-1, exactly)
		occupied(t, s, 2)
		take(t, s).Refused()
		probe, d := waits(t, s)
		require.Equal(t, staleMax, d, "after the last look")
		probe.Refused()

		for _, perSecond := range []float64{1e-300, 1e-12, 1e300} {
			p := NewPacer(perSecond)
			_, err := p.Wait(t.Context())
			require.NoError(t, err)
			p.Throttled(time.Now(), 1<<63-1)
			p.Answered()
			if perSecond > 1 {
				began := time.Now()
				_, err = p.Wait(t.Context())
				require.NoError(t, err)
				require.Equal(t, MaxPause, time.Since(began))
				continue
			}
			ctx, cancel := context.WithTimeout(t.Context(), 100*365*24*time.Hour)
			_, err = p.Wait(ctx)
			cancel()
			require.Error(t, err)
		}
	})
}
