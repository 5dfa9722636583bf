package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"time"
)

// cost is what some work took, for each of its items.
type cost struct {
	wall, cpu     float64 // nanoseconds
	allocs, bytes float64 // of memory
}

// measure runs the work once, beginning with a heap without garbage.
func measure(items int, work func() error) (cost, error) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began, used := time.Now(), cpuTime()
	err := work()
	wall, cpu := time.Since(began), cpuTime()-used
	runtime.ReadMemStats(&after)
	n := float64(items)
	return cost{
		wall: float64(wall) / n, cpu: float64(cpu) / n,
		allocs: float64(after.Mallocs-before.Mallocs) / n, bytes: float64(after.TotalAlloc-before.TotalAlloc) / n,
	}, err
}

// repeat makes work that is over soon last long enough to be measured.
func repeat(items int, work func()) func() (cost, error) {
	const enough = 60 * time.Millisecond
	times := 1
	for ; ; times *= 2 {
		began := time.Now()
		for range times {
			work()
		}
		if took := time.Since(began); took > enough/8 {
			times = max(1, int(float64(times)*float64(enough)/float64(took)))
			break
		}
	}
	return func() (cost, error) {
		return measure(items*times, func() error {
			for range times {
				work()
			}
			return nil
		})
	}
}

// side is one of the ways to do the work of a comparison.
type side struct {
	name string
	run  func() (cost, error)
}

// alternate runs all sides, round after round and each second time in the other order, so that what else the machine does
// meets all of them. It returns the costs by side and round.
func alternate(ctx context.Context, rounds int, sides []side) ([][]cost, error) {
	costs := make([][]cost, len(sides))
	order := make([]int, len(sides))
	for i := range order {
		order[i] = i
	}
	for range rounds {
		for _, i := range order {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			c, err := sides[i].run()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", sides[i].name, err)
			}
			costs[i] = append(costs[i], c)
		}
		slices.Reverse(order)
	}
	return costs, nil
}

func wall(c cost) float64   { return c.wall }
func cpu(c cost) float64    { return c.cpu }
func allocs(c cost) float64 { return c.allocs }

// overRounds returns the figure of one quantity of a side, in some unit.
func overRounds(costs []cost, quantity func(cost) float64, unit float64) *figure {
	var values []float64
	for _, c := range costs {
		values = append(values, quantity(c)/unit)
	}
	return figureOf(values)
}

// ratio returns the figure of what one side took relative to another in the same round.
func ratio(costs, base []cost, quantity func(cost) float64) *figure {
	var values []float64
	for i := range costs {
		values = append(values, quantity(costs[i])/quantity(base[i]))
	}
	return figureOf(values)
}

// heapPeak returns the most bytes of heap in use while work runs, with and without what is not yet collected, less what
// was in use before.
func heapPeak(work func() error) (heap, live float64, err error) {
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/heap/live:bytes"}}
	var peak [2]uint64
	look := func() {
		metrics.Read(samples)
		for i, s := range samples {
			peak[i] = max(peak[i], s.Value.Uint64())
		}
	}
	runtime.GC()
	look()
	before := peak
	done, looked := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(looked)
		ticker := time.NewTicker(2 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				look()
			case <-done:
				return
			}
		}
	}()
	err = work()
	close(done)
	<-looked
	return float64(peak[0] - before[0]), float64(peak[1] - before[1]), err
}

// describeMachine says in a line on what, when and of what was measured.
func describeMachine(ctx context.Context) string {
	commit := "unknown"
	if out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output(); err == nil {
		commit = strings.TrimSpace(string(out))
	}
	processor := "processor unknown"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, after, found := strings.Cut(string(info), "model name"); found {
			line, _, _ := strings.Cut(after, "\n")
			processor = strings.TrimSpace(strings.TrimLeft(line, " \t:"))
		}
	}
	return fmt.Sprintf("Commit %s on %s, %d cores (%s), %s/%s, %s.",
		commit, time.Now().UTC().Format("2006-01-02"), runtime.NumCPU(), processor, runtime.GOOS, runtime.GOARCH, runtime.Version())
}
