package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

const (
	million = 1_000_000
	mib     = 1 << 20
)

// benchScale streams up to ten million sources, and reads a journal of a million.
func benchScale(ctx context.Context) ([]table, error) {
	streams := table{
		Title: "Scale: pairs of FASTQ files through Stream",
		Notes: []string{
			"Without the SDK: the service is a function call, so that these are this library's own figures. The input is made while it is",
			"read. Heap is what was in use at the most, with what is not collected yet; live is what a collection left.",
		},
		Columns: []column{
			{"sources", ""}, {"sources a second", "%.0f"}, {"CPU a source, µs", "%.2f"}, {"heap, MiB", "%.0f"}, {"live, MiB", "%.0f"}, {"live, bytes a source", "%.0f"},
		},
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "journal")
	for _, c := range []struct {
		sources, rounds int
		journal         bool
	}{
		{10_000, 5, false},
		{100_000, 3, false},
		{million, 1, false},
		{10 * million, 1, false},
		{10_000, 3, true},
		{100_000, 1, true},
		{million, 1, true},
	} {
		var rates, cpus, heaps, lives, each []float64
		for range c.rounds {
			if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
			var used cost
			heap, live, err := heapPeak(func() (err error) {
				used, err = measure(c.sources, func() error { return streamPairs(ctx, c.sources, path, c.journal) })
				return err
			})
			if err != nil {
				return nil, err
			}
			rates, cpus = append(rates, 1e9/used.wall), append(cpus, used.cpu/1e3)
			heaps, lives, each = append(heaps, heap/mib), append(lives, live/mib), append(each, live/float64(c.sources))
		}
		name := fmt.Sprint(c.sources)
		if c.journal {
			name += ", with a journal in a file"
		}
		streams.Rows = append(streams.Rows, row{name, []*figure{figureOf(rates), figureOf(cpus), figureOf(heaps), figureOf(lives), figureOf(each)}})
	}
	streams.Skipped = []string{"10000000 sources with a journal, which takes minutes"}
	memory, err := benchJournal(ctx, dir, path)
	return []table{streams, memory}, err
}

// streamPairs imports n pairs into a service that takes no time.
func streamPairs(ctx context.Context, n int, path string, withJournal bool) (err error) {
	api := &instantAPI{jobs: make(map[string][]types.StartReadSetImportJobSourceItem)}
	var memory journal.Journal
	if withJournal {
		file, err := journal.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		memory = file
	}
	client, err := readsetimport.New(api, unhindered(memory), func(o *readsetimport.Options) { o.MaxActiveJobs = 100 })
	if err != nil {
		return err
	}
	results := 0
	for res, err := range client.Stream(ctx, target, madePairs(n)) {
		if err == nil {
			err = res.Err
		}
		if err != nil {
			return err
		}
		results++
	}
	if results != n {
		return fmt.Errorf("%d results of %d", results, n)
	}
	return nil
}

// madePairs makes pairs as they are read.
func madePairs(n int) iter.Seq2[readsetimport.Source, error] {
	return func(yield func(readsetimport.Source, error) bool) {
		for i := range n {
			if !yield(pair(i), nil) {
				return
			}
		}
	}
}

// benchJournal takes up the journal of a million sources that are all in the store, and adopts a store without one.
func benchJournal(ctx context.Context, dir, path string) (table, error) {
	t := table{
		Title: "Scale: journals",
		Notes: []string{
			"Opening is the time from Open to the first result of a Stream of the same million pairs, of which each is in the store.",
			"Adopt looks at 10000 jobs of 10 sources through the SDK's client; at the default pace of 4.5 requests a second it",
			"would take 37 minutes.",
		},
		Columns: []column{{"what", ""}, {"s", "%.2f"}, {"µs a source", "%.2f"}, {"heap, MiB", "%.0f"}, {"live, MiB", "%.0f"}},
	}
	var opening, skipping, openHeap, openLive, skipHeap, skipLive []float64
	for range 2 {
		o, s, err := reread(ctx, path)
		if err != nil {
			return t, err
		}
		opening, openHeap, openLive = append(opening, o.seconds), append(openHeap, o.heap), append(openLive, o.live)
		skipping, skipHeap, skipLive = append(skipping, s.seconds), append(skipHeap, s.heap), append(skipLive, s.live)
	}
	open, skip := figureOf(opening), figureOf(skipping)
	t.Rows = append(t.Rows,
		row{"opening a journal of 1000000 sources", []*figure{open, open, figureOf(openHeap), figureOf(openLive)}},
		row{"the same sources again, all skipped", []*figure{skip, skip, figureOf(skipHeap), figureOf(skipLive)}},
	)
	const jobs, sourcesPerJob = 10_000, 10
	a, err := adopt(ctx, filepath.Join(dir, "adopted"), jobs, sourcesPerJob)
	t.Rows = append(t.Rows, row{
		fmt.Sprintf("Adopt of %d jobs, with %d sources", jobs, jobs*sourcesPerJob),
		[]*figure{one(a.seconds), one(a.seconds * 1e6 / jobs / sourcesPerJob), one(a.heap), one(a.live)},
	})
	return t, err
}

// phase is a part of something: how long it took, and the growth of the heap in it, in MiB.
type phase struct{ seconds, heap, live float64 }

func timed(work func() error) (p phase, err error) {
	began := time.Now()
	p.heap, p.live, err = heapPeak(work)
	p.heap, p.live, p.seconds = p.heap/mib, p.live/mib, time.Since(began).Seconds()
	return p, err
}

// reread streams what the journal knows to be in the store.
func reread(ctx context.Context, path string) (opening, skipping phase, err error) {
	var next func() (readsetimport.Result, error, bool)
	stop := func() {}
	var file *journal.File
	opening, err = timed(func() error {
		if file, err = journal.Open(path); err != nil {
			return err
		}
		client, err := readsetimport.New(&instantAPI{}, unhindered(file))
		if err != nil {
			return err
		}
		next, stop = iter.Pull2(client.Stream(ctx, target, madePairs(million)))
		res, err, _ := next()
		return errors.Join(err, res.Err)
	})
	defer func() { stop(); file.Close() }()
	if err != nil {
		return opening, skipping, err
	}
	skipping, err = timed(func() error {
		n := 1
		for {
			res, err, more := next()
			switch {
			case err != nil:
				return err
			case !more && n == million:
				return nil
			case !more || res.Err != nil || !res.AlreadyImported:
				return fmt.Errorf("source %d is not known to the journal: %w", res.Index, res.Err)
			}
			n++
		}
	})
	return opening, skipping, err
}

// adopt reads the jobs of a store into a new journal.
func adopt(ctx context.Context, path string, jobs, sourcesPerJob int) (phase, error) {
	service := omicstest.New(func(o *omicstest.Options) { o.JobDuration, o.MaxRequests = omicstest.FixedDuration(0), -1 })
	for job := range jobs {
		var files []omicstest.Source
		for i := range sourcesPerJob {
			s := pair(job*sourcesPerJob + i)
			files = append(files, omicstest.Source{
				Type: s.Type, Source1: s.Source1, Source2: s.Source2, SubjectID: s.SubjectID, SampleID: s.SampleID, Tags: s.Tags,
			})
		}
		if _, err := service.StartJob(target.SequenceStoreID, target.RoleARN, files...); err != nil {
			return phase{}, err
		}
	}
	return timed(func() error {
		file, err := journal.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		client, err := readsetimport.New(service.Client(), unhindered(file))
		if err != nil {
			return err
		}
		found, err := client.Adopt(ctx, target)
		if err == nil && found.Imported != jobs*sourcesPerJob {
			err = fmt.Errorf("adopted %d sources", found.Imported)
		}
		return err
	})
}
