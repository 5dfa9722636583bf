package main

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// besideOthers adds up imports while other tenants of the account take and free slots, who alone would use a part of them.
func besideOthers(t *testing.T, w way, slots int, part float64, seeds int) (took time.Duration, requests float64) {
	for seed := range uint64(seeds) {
		s := schedule{mix: mix{durations: func(n int, seed uint64) []time.Duration { return logNormal(n, seed+7) }}, jobs: jobs, slots: slots, others: part}
		o := s.run(t, w, seed)
		took += o.Took
		requests += o.Requests / float64(seeds)
	}
	return took, requests
}

// TestOtherTenants holds an import beside other tenants against a loop that tries again, and looks, every 10 s: where
// slots are contended for, whoever is quick has more of them.
func TestOtherTenants(t *testing.T) {
	if underRace {
		t.Skip("too slow under the race detector")
	}
	const seeds = 4
	ways := []way{library, every10s}
	var lines []string
	for _, c := range []struct {
		slots int
		part  float64
	}{{5, 0.5}, {5, 1}, {20, 0.5}, {20, 1}} {
		took, requests := besideOthers(t, ways[0], c.slots, c.part, seeds)
		loopTook, loopRequests := besideOthers(t, ways[1], c.slots, c.part, seeds)
		ratio := float64(took) / float64(loopTook)
		lines = append(lines, fmt.Sprintf("%d, %.0f %%\t%.3f\t%.1f\t1\t%.1f", c.slots, 100*c.part, ratio,
			requests, loopRequests))
		assert.LessOrEqual(t, ratio, 1.05, "%d slots, others %.1f", c.slots, c.part)
		assert.Less(t, 2*requests, loopRequests, "%d slots, others %.1f", c.slots, c.part)
	}
	fmt.Fprintln(t.Output(), "Beside other tenants; makespan relative to the loop's, and requests for each job:")
	printTable(t.Output(), "slots, others' part", ways, lines)
}

// TestRaisedLimit raises the service's limit in the middle of an import.
func TestRaisedLimit(t *testing.T) {
	if underRace {
		t.Skip("too slow under the race detector")
	}
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) {
			service := omicstest.New(func(o *omicstest.Options) {
				o.JobDuration = inOrder(logNormal(jobs, seed), nil)
				o.MaxActiveJobs = 5
				o.RequestRate = 5
			})
			go func() {
				time.Sleep(10*time.Hour + time.Duration(seed)*3*time.Minute)
				for service.ActiveJobs() < 5 { // the end of a job may not have been seen yet
					time.Sleep(time.Second)
				}
				service.SetMaxActiveJobs(20)
				time.Sleep(15 * time.Minute)
				require.GreaterOrEqual(t, service.ActiveJobs(), 19)
			}()
			library.run(t, service, seed, sources(jobs), 0)
		})
	}
}
