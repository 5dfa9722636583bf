// Package bench compares ways of importing the same files: this library, and what people write on the SDK by hand.
//
//	go test -C bench -run Compare -v
//
// prints the tables. Time is virtual, and the tests fail if the library's figures are not what is promised.
package bench

import (
	"flag"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

var seeds = flag.Int("seeds", 16, "how many sets of job durations to run this library with")

// figures of one import, or the means of several.
type figures struct {
	makespan float64 // relative to the ideal one, in which every end is seen at once and no slot is ever idle
	requests float64 // of all kinds for each job, refused ones included
}

// measured runs an import with so many slots and the durations of a seed.
func measured(t *testing.T, w way, slots int, seed uint64) (f figures) {
	durations := logNormal(jobs, seed)
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = inOrder(durations, nil)
			o.MaxActiveJobs = slots
			o.RequestRate = 5
		})
		began := time.Now()
		w.run(t, service, seed, sources(jobs), slots)
		f.makespan = float64(time.Since(began)) / float64(idealMakespan(durations, slots))
		f.requests = float64(len(service.Requests(""))) / jobs
		require.Equal(t, jobs, service.CountReadSets(target.SequenceStoreID))
	})
	return f
}

// means runs imports with the durations of several seeds.
func means(t *testing.T, w way, slots, seeds int) (mean figures) {
	for seed := range seeds {
		f := measured(t, w, slots, uint64(seed+7))
		mean.makespan += f.makespan / float64(seeds)
		mean.requests += f.requests / float64(seeds)
	}
	return mean
}

func TestCompare(t *testing.T) {
	if underRace {
		t.Skip("too slow under the race detector")
	}
	ways := []way{sdkWaiter, every30s, every10s}
	rows := []struct {
		slots int
		most  figures // of the library
	}{
		{1, figures{1.02, 30}},
		{5, figures{1.02, 8}},
		{20, figures{1.02, 3.6}},
		{100, figures{1.02, 3.2}},
	}
	lines := make([]string, len(rows))
	t.Run("slots", func(t *testing.T) {
		for i, row := range rows {
			t.Run(fmt.Sprint(row.slots), func(t *testing.T) {
				t.Parallel()
				f := means(t, library, row.slots, *seeds)
				lines[i] = fmt.Sprintf("%d\t%.4f\t%.2f", row.slots, f.makespan, f.requests)
				for _, w := range ways {
					byHand := means(t, w, row.slots, 1)
					lines[i] += fmt.Sprintf("\t%.4f\t%.2f", byHand.makespan, byHand.requests)
				}
				require.LessOrEqual(t, f.makespan, row.most.makespan)
				require.LessOrEqual(t, f.requests, row.most.requests)
			})
		}
	})
	fmt.Fprintf(t.Output(), "%d jobs, median 20 min, sigma 0.7; makespan relative to the ideal, and requests for each job:\n", jobs)
	printTable(t.Output(), "slots", append([]way{library}, ways...), lines)
}

func printTable(w io.Writer, first string, ways []way, lines []string) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	fmt.Fprint(table, first)
	for _, way := range ways {
		fmt.Fprintf(table, "\t%s:\trequests", way.name)
	}
	fmt.Fprintln(table, "\t")
	for _, line := range lines {
		fmt.Fprintln(table, line+"\t")
	}
}
