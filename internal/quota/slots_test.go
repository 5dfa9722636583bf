package quota

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func exactly(d time.Duration) time.Duration { return d }

// take acquires a slot that must be free.
func take(t *testing.T, s *Slots) *Slot {
	t.Helper()
	began := time.Now()
	sl, err := s.Acquire(t.Context())
	require.NoError(t, err)
	require.Equal(t, began, time.Now())
	return sl
}

// waits is how long it takes to acquire a slot, or -1 if a day is not enough.
func waits(t *testing.T, s *Slots) (*Slot, time.Duration) {
	t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
	defer cancel()
	sl, err := s.Acquire(ctx)
	if err != nil {
		require.Nil(t, sl)
		return nil, -1
	}
	return sl, time.Since(began)
}

// everySecond calls a function until the test ends.
func everySecond(t *testing.T, do func()) {
	go func() {
		for sleep(t.Context(), time.Second) == nil {
			do()
		}
	}()
}

// occupied is slots with n jobs that run, all of them looked at just now.
func occupied(t *testing.T, s *Slots, n int) []*Slot {
	t.Helper()
	out := make([]*Slot, n)
	for i := range out {
		out[i] = take(t, s)
		out[i].Started()
	}
	s.Seen()
	return out
}

func TestSlots(t *testing.T) {
	inBubble := func(name string, most int, test func(t *testing.T, s *Slots)) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { test(t, NewSlots(most, time.Minute, exactly)) })
		})
	}
	inBubble("no more starts at once than are safe", 0, func(t *testing.T, s *Slots) {
		open := make([]*Slot, MaxStarting)
		for i := range open {
			open[i] = take(t, s)
		}
		_, d := waits(t, s)
		require.Equal(t, time.Duration(-1), d)
		open[2].Started()
		take(t, s)
	})
	inBubble("no more than MaxActiveJobs", 3, func(t *testing.T, s *Slots) {
		held := occupied(t, s, 3)
		_, d := waits(t, s)
		require.Equal(t, time.Duration(-1), d)
		held[0].Release()
		take(t, s)
	})
	inBubble("first come, first served", 1, func(t *testing.T, s *Slots) {
		held := occupied(t, s, 1)[0]
		var order []int
		for i := range 10 {
			go func() {
				sl, err := s.Acquire(t.Context())
				require.NoError(t, err)
				order = append(order, i)
				sl.Started()
				time.Sleep(time.Second)
				sl.Release()
			}()
			synctest.Wait()
		}
		held.Release()
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, order)
	})
	inBubble("who gives up makes room for those behind", 1, func(t *testing.T, s *Slots) {
		held := occupied(t, s, 1)[0]
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		first := make(chan error)
		go func() {
			_, err := s.Acquire(ctx)
			first <- err
		}()
		synctest.Wait()
		second := make(chan *Slot)
		go func() {
			sl, _ := s.Acquire(t.Context())
			second <- sl
		}()
		synctest.Wait()
		cancel(why)
		require.Equal(t, why, <-first)
		held.Release()
		require.NotNil(t, <-second)
		require.Equal(t, 0, s.queue.Len())
		require.Equal(t, 1, s.taken)
	})
	inBubble("a refusal teaches the limit", 0, func(t *testing.T, s *Slots) {
		held := occupied(t, s, 20)
		require.Zero(t, take(t, s).Refused())
		require.Equal(t, 20, s.limit)
		held[0].Release()
		take(t, s).Started() // one that ended makes room for one
	})
	inBubble("a probe for one more goes out after a delay and a look", 0, func(t *testing.T, s *Slots) {
		occupied(t, s, 20)
		take(t, s).Refused()
		var lookAt time.Time
		time.AfterFunc(probeDelay-10*time.Second, s.Seen)
		time.AfterFunc(probeDelay+20*time.Second, func() {
			lookAt = time.Now()
			s.Seen()
		})
		probe, _ := waits(t, s)
		require.Equal(t, lookAt, time.Now())
		require.True(t, probe.probe)
		_, again := waits(t, s)
		require.Equal(t, time.Duration(-1), again, "one at a time")
		probe.Refused()
		require.Equal(t, 20, s.limit)
	})
	inBubble("probes that are refused come ever later, until one succeeds", 0, func(t *testing.T, s *Slots) {
		occupied(t, s, 20)
		take(t, s).Refused()
		everySecond(t, s.Seen)
		delays := func(n int) (out []time.Duration) {
			for range n {
				probe, d := waits(t, s)
				out = append(out, d.Round(2*time.Second))
				probe.Refused()
			}
			return out
		}
		const second = time.Second
		require.Equal(t, []time.Duration{30 * second, 60 * second, 120 * second, 240 * second, 480 * second, 660 * second, 660 * second}, delays(7))
		probe, _ := waits(t, s)
		probe.Started()
		require.Equal(t, []time.Duration{0, 60 * second}, delays(2))
	})
	inBubble("a place that somebody else took is probed for soon", 0, func(t *testing.T, s *Slots) {
		held := occupied(t, s, 3)
		take(t, s).Refused()
		for range 8 {
			time.Sleep(time.Hour)
			s.Seen()
			take(t, s).Refused()
		}
		held[0].Release()
		take(t, s).Refused()
		require.Equal(t, 2, s.limit)
		_, rivals := s.Demand()
		require.Zero(t, rivals)
		everySecond(t, s.Seen)
		for range 20 {
			probe, d := waits(t, s)
			require.InDelta(t, contestedDelay, d, float64(time.Second))
			probe.Refused()
		}
		time.Sleep(3 * time.Hour)
		take(t, s).Refused()
		_, d := waits(t, s)
		require.InDelta(t, 30*time.Second, d, float64(2*time.Second), "less often, as nothing more is seen of others")
	})
	inBubble("a slot that somebody else freed is a sign of others, too", 0, func(t *testing.T, s *Slots) {
		occupied(t, s, 3)
		take(t, s).Refused()
		time.Sleep(time.Hour)
		s.Seen()
		take(t, s).Started()
		_, rivals := s.Demand()
		require.Greater(t, rivals, 100*365*24*time.Hour, "before it is known that none of ours had ended")
		s.Seen()
		_, rivals = s.Demand()
		require.Zero(t, rivals)
		require.Equal(t, 4, s.limit)
	})
	for name, order := range map[string][]string{
		"the look comes after the probe":    {"probe started", "release"},
		"the start is refused before":       {"release", "start refused", "probe started"},
		"the start is refused after":        {"release", "probe started", "start refused"},
		"and the next probe is refused":     {"release", "probe started", "probe refused", "start refused"},
		"with a look at one job in between": {"release", "probe started", "look", "start refused"},
	} {
		inBubble("a probe in the place of a job of ours that ended, "+name, 0, func(t *testing.T, s *Slots) {
			held := occupied(t, s, 3)
			take(t, s).Refused()
			time.Sleep(time.Hour)
			s.Seen()
			var probe, start *Slot
			for _, what := range order {
				switch what {
				case "release":
					held[0].Release()
					if probe == nil {
						start, probe = take(t, s), take(t, s)
					}
				case "probe started":
					if probe == nil {
						probe = take(t, s)
					}
					probe.Started()
				case "probe refused":
					take(t, s).Refused()
				case "start refused":
					start.Refused()
				case "look":
					s.Seen()
				}
			}
			s.Seen()
			require.Equal(t, 3, s.limit)
			_, rivals := s.Demand()
			require.Greater(t, rivals, 100*365*24*time.Hour, "nobody else was there")
		})
	}
	inBubble("a job in the place of one that ended does not raise the limit", 0, func(t *testing.T, s *Slots) {
		held := occupied(t, s, 3)
		take(t, s).Refused()
		time.Sleep(time.Hour)
		held[0].Release()
		s.Seen()
		again, probe := take(t, s), take(t, s)
		require.True(t, probe.probe)
		again.Started()
		require.Equal(t, 3, s.limit)
		probe.Refused()
		require.Equal(t, 3, s.limit)
		require.Equal(t, 1, s.missed)
	})
	inBubble("where no look succeeds, a probe goes out all the same", 0, func(t *testing.T, s *Slots) {
		occupied(t, s, 2)
		take(t, s).Refused()
		_, d := waits(t, s)
		require.Equal(t, 2*time.Minute, d)
	})
	inBubble("a probe that succeeds is followed by the next", 0, func(t *testing.T, s *Slots) {
		occupied(t, s, 4)
		take(t, s).Refused()
		for n := 5; n < 50; n++ {
			probe, _ := waits(t, s)
			require.True(t, probe.probe)
			probe.Started()
			require.Equal(t, n, s.limit)
			if n > 5 {
				require.Equal(t, time.Now(), s.probeAt)
			}
			s.Seen()
		}
	})
	inBubble("with nothing of ours running, probes go out sooner", 0, func(t *testing.T, s *Slots) {
		for n, want := range []time.Duration{0, 2, 4, 8, 16, 32, 60, 60, 60} {
			probe, d := waits(t, s)
			require.Equal(t, want*time.Second, d)
			require.Equal(t, n > 0, probe.probe)
			probe.Refused()
		}
	})
	inBubble("many refusals at once", 0, func(t *testing.T, s *Slots) {
		held := occupied(t, s, 3)
		open := []*Slot{take(t, s), take(t, s), take(t, s)}
		for i, sl := range open {
			sl.Refused()
			require.Equal(t, 5-i, s.limit)
		}
		require.Equal(t, 3, s.taken)
		held[0].Release()
		take(t, s)
		require.False(t, s.probing)
	})
}

// Whatever comes in whatever order, the numbers add up.
func TestSlotsAddUp(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			s := NewSlots(random.IntN(8), time.Minute, exactly)
			var open, running []*Slot
			pick := func(list *[]*Slot) *Slot {
				i := random.IntN(len(*list))
				sl := (*list)[i]
				*list = append((*list)[:i:i], (*list)[i+1:]...)
				return sl
			}
			for range 1000 {
				switch what := random.IntN(8); {
				case what < 2:
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(300))*time.Second)
					if sl, err := s.Acquire(ctx); err == nil {
						open = append(open, sl)
					}
					cancel()
				case what == 2 && len(open) > 0:
					sl := pick(&open)
					sl.Started()
					running = append(running, sl)
				case what == 3 && len(open) > 0:
					pick(&open).Refused()
				case what == 4 && len(open) > 0:
					pick(&open).Release()
				case what == 5 && len(running) > 0:
					pick(&running).Release()
				case what == 6:
					s.Seen()
				case what == 7 && len(open) > 0:
					open[random.IntN(len(open))].RefusedInDoubt()
				}
				if len(open) != s.starting || len(open)+len(running) != s.taken || s.starting > MaxStarting || s.limit < 0 || s.most > 0 && s.taken > s.most {
					require.FailNow(t, "the numbers do not add up", "%d open, %d running; %+v", len(open), len(running), s)
				}
				probes := 0
				for _, sl := range open {
					if sl.probe {
						probes++
					}
				}
				if probes > 1 || s.probing != (probes == 1) || s.starved != (time.Time{}) && len(running) > 0 {
					require.FailNow(t, "probes", "%d, %t", probes, s.probing)
				}
			}
			require.Zero(t, s.queue.Len())
		})
	}
}
