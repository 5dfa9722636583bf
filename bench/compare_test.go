package main

import (
	"flag"
	"fmt"
	"io"
	"testing"
	"text/tabwriter"

	"github.com/stretchr/testify/require"
)

var seeds = flag.Int("seeds", 16, "how many sets of job durations to run this library with")

// jobs of each import.
const jobs = 300

// figures are the means of several imports.
type figures struct {
	makespan float64 // relative to the ideal one, in which every end is seen at once and no slot is ever idle
	requests float64 // of all kinds for each job, refused ones included
}

// means runs imports with the durations of several seeds.
func means(t *testing.T, w way, slots, seeds int) (mean figures) {
	for seed := range seeds {
		o := schedule{mix: mix{durations: logNormal}, jobs: jobs, slots: slots}.run(t, w, uint64(seed+7))
		mean.makespan += float64(o.Took) / float64(o.Ideal) / float64(seeds)
		mean.requests += o.Requests / float64(seeds)
	}
	return mean
}

// TestCompare holds what the library needs to what is promised, and prints it beside what is written by hand.
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
