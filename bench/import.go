package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

const importedAtOnce = 100_000

// benchImport imports the same sources in all ways, through the SDK's own client into a simulated service that takes no
// time and has no quotas.
func benchImport(ctx context.Context) ([]table, error) {
	sources := pairs(importedAtOnce)
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	sides := []side{
		into("by hand: a loop over the SDK", func(service *omicstest.Service) (int, error) {
			readSets, err := importByHand(ctx, service.Client(), sources, lookEvery(0, 10*time.Second))
			return len(readSets), err
		}),
		into("by hand: the SDK's waiter", func(service *omicstest.Service) (int, error) {
			readSets, err := importByHand(ctx, service.Client(), sources, waiter)
			return len(readSets), err
		}),
		into("Import", func(service *omicstest.Service) (int, error) {
			return importAll(ctx, service, sources, nil)
		}),
		into("Import, with a journal in a file", func(service *omicstest.Service) (n int, err error) {
			return withJournal(dir, func(j journal.Journal) (int, error) { return importAll(ctx, service, sources, j) })
		}),
		into("Stream", func(service *omicstest.Service) (int, error) {
			return streamAll(ctx, service, sources, nil)
		}),
		into("Stream, with a journal in a file", func(service *omicstest.Service) (int, error) {
			return withJournal(dir, func(j journal.Journal) (int, error) { return streamAll(ctx, service, sources, j) })
		}),
	}
	costs, err := alternate(ctx, 3, sides)
	if err != nil {
		return nil, err
	}
	t := table{
		Title: fmt.Sprintf("The whole import of %d pairs of FASTQ files", importedAtOnce),
		Notes: []string{
			"Through the SDK's client into a service in the same process, whose jobs end at once and whose own CPU time is in all",
			"figures. By hand means no validation, no search for files that come twice, no fingerprints, no tokens that another",
			"process would make again. With a journal, each of its records is waited for until it is on the disk.",
		},
		Columns: []column{
			{"way", ""}, {"CPU a source, µs", "%.1f"}, {"CPU / by hand", "%.2f"}, {"time a source, µs", "%.1f"}, {"time / by hand", "%.2f"}, {"allocations a source", "%.0f"},
		},
	}
	for i, s := range sides {
		t.Rows = append(t.Rows, row{s.name, []*figure{
			overRounds(costs[i], cpu, 1e3), ratio(costs[i], costs[0], cpu),
			overRounds(costs[i], wall, 1e3), ratio(costs[i], costs[0], wall), overRounds(costs[i], allocs, 1),
		}})
	}
	return []table{t}, nil
}

// into is a way to import everything into a new service.
func into(name string, importAll func(*omicstest.Service) (int, error)) side {
	return side{name, func() (cost, error) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration, o.MaxRequests = omicstest.FixedDuration(0), -1 })
		return measure(importedAtOnce, func() error {
			n, err := importAll(service)
			if have := service.CountReadSets(target.SequenceStoreID); err == nil && (n != importedAtOnce || have != n) {
				err = fmt.Errorf("%d results, and %d read sets in the store", n, have)
			}
			return err
		})
	}}
}

// withJournal runs an import with a new journal.
func withJournal(dir string, run func(journal.Journal) (int, error)) (int, error) {
	path := filepath.Join(dir, "journal")
	j, err := journal.Open(path)
	if err != nil {
		return 0, err
	}
	defer os.Remove(path)
	defer j.Close()
	return run(j)
}

// unhindered are the options of a client whose service has no quotas and takes no time. It has as many jobs at once as
// what is written by hand.
func unhindered(j journal.Journal) func(*readsetimport.Options) {
	return func(o *readsetimport.Options) {
		o.MaxActiveJobs = atOnce
		o.RequestRate = 1e9
		o.MinPollDelay, o.MaxPollDelay = time.Nanosecond, time.Millisecond
		o.Journal = j
	}
}

func importAll(ctx context.Context, service *omicstest.Service, sources []readsetimport.Source, j journal.Journal) (int, error) {
	client, err := readsetimport.New(service.Client(), unhindered(j))
	if err != nil {
		return 0, err
	}
	report, err := client.Import(ctx, target, sources)
	if err != nil {
		return 0, err
	}
	return len(report.Results), nil
}

func streamAll(ctx context.Context, service *omicstest.Service, sources []readsetimport.Source, j journal.Journal) (int, error) {
	client, err := readsetimport.New(service.Client(), unhindered(j))
	if err != nil {
		return 0, err
	}
	n := 0
	for res, err := range client.Stream(ctx, target, withoutErrors(slices.Values(sources))) {
		if err == nil {
			err = res.Err
		}
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}
