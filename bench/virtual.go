package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

const virtualSeeds = 3

var virtualWays = []way{library, sdkWaiter, every30s}

// benchVirtual compares schedules. Time is virtual, so that the load of the machine changes nothing: the spread is that of
// the durations of jobs and of the delays' jitter.
func benchVirtual(ctx context.Context) ([]table, error) {
	alone := table{
		Title: "Virtual time: an import that has the account to itself",
		Notes: []string{
			"200 jobs; the time from the first request to the last result relative to the ideal, in which every end is seen at once",
			"and no slot is ever idle, and requests of all kinds for each job. Those written by hand have a worker for each slot and",
			"know how many there are; this library does not. 5 requests a second of each kind are admitted.",
		},
		Columns: []column{{"durations, slots", ""}},
	}
	shared := table{
		Title: "Virtual time: other tenants, and a limit that changes",
		Notes: []string{
			"200 log-normal jobs, and no limit of requests. The time is relative to that of the loop that looks every 30 s, with the",
			"same durations. Other tenants of the account take and free slots at random, and would use the given part of them alone.",
		},
		Columns: []column{{"slots", ""}},
	}
	for _, w := range virtualWays {
		alone.Columns = append(alone.Columns, column{w.name + ": time / ideal", "%.3f"}, column{"requests a job", "%.1f"})
		shared.Columns = append(shared.Columns, column{w.name + ": time / every 30 s", "%.3f"}, column{"requests a job", "%.1f"})
	}
	aloneRows, sharedRows := virtualRows()
	outcomes, err := inVirtualTime(ctx)
	if err != nil {
		return nil, err
	}
	for i, r := range aloneRows {
		alone.Rows = append(alone.Rows, compared(r.name, outcomes[i], func(o outcome, _ int) float64 { return float64(o.Took) / float64(o.Ideal) }))
	}
	for i, r := range sharedRows {
		ofRow := outcomes[len(aloneRows)+i]
		loop := ofRow[len(virtualWays)-1]
		shared.Rows = append(shared.Rows, compared(r.name, ofRow, func(o outcome, seed int) float64 { return float64(o.Took) / float64(loop[seed].Took) }))
	}
	return []table{alone, shared}, nil
}

// scheduleRow is a schedule that all ways meet.
type scheduleRow struct {
	name string
	schedule
}

// compared is the row of the outcomes of each way with each seed.
func compared(name string, outcomes [][]outcome, took func(o outcome, seed int) float64) row {
	r := row{Name: name}
	for _, ofWay := range outcomes {
		var times, requests []float64
		for seed, o := range ofWay {
			times = append(times, took(o, seed))
			requests = append(requests, o.Requests)
		}
		r.Figures = append(r.Figures, figureOf(times), figureOf(requests))
	}
	return r
}

// virtualRows returns the schedules of both tables.
func virtualRows() (alone, shared []scheduleRow) {
	skewed := mix{"log-normal, median 20 min", logNormal}
	for _, m := range []mix{skewed, {"20 min, give or take 10 %", alike}, {"4 min, one in ten 2.5 h", twoKinds}} {
		for _, slots := range []int{1, 5, 20, 100} {
			alone = append(alone, scheduleRow{fmt.Sprintf("%s, %d", m.name, slots), schedule{mix: m, jobs: 200, slots: slots}})
		}
	}
	for _, slots := range []int{5, 20} {
		for _, others := range []float64{0.5, 1} {
			name := fmt.Sprintf("%d, of which others would use %.0f %%", slots, 100*others)
			shared = append(shared, scheduleRow{name, schedule{mix: skewed, jobs: 200, slots: slots, others: others}})
		}
	}
	return alone, append(shared, scheduleRow{"5, and 20 after half of the jobs", schedule{mix: skewed, jobs: 200, slots: 5, raised: 20}})
}

// virtualFile is an environment variable: the file into which a process of this program writes what became of the
// imports in virtual time, and does nothing else.
const virtualFile = "BENCH_VIRTUAL_FILE"

// inVirtualTime returns the outcomes by schedule, way and seed. A bubble of virtual time belongs to a test, and tests
// belong to a process of their own.
func inVirtualTime(ctx context.Context) (outcomes [][][]outcome, err error) {
	file, err := os.CreateTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), virtualFile+"="+file.Name())
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return outcomes, json.NewDecoder(file).Decode(&outcomes)
}

// runVirtual is that process.
func runVirtual(path string) {
	alone, shared := virtualRows()
	rows := append(alone, shared...)
	outcomes := make([][][]outcome, len(rows))
	testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: "virtual", F: func(t *testing.T) {
		t.Run("imports", func(t *testing.T) {
			for i, r := range rows {
				outcomes[i] = make([][]outcome, len(virtualWays))
				for k, w := range virtualWays {
					outcomes[i][k] = make([]outcome, virtualSeeds)
					t.Run(r.name+", "+w.name, func(t *testing.T) {
						t.Parallel()
						for seed := range virtualSeeds {
							outcomes[i][k][seed] = r.run(t, w, uint64(seed))
						}
					})
				}
			}
		})
		data, err := json.Marshal(outcomes)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, data, 0o600))
	}}}, nil, nil)
}
