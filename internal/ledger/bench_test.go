package ledger

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/disk"
	"github.com/readsetimport/readsetimport/journal"
)

// A journal of a million imported sources must be in memory again in under 5 s and 200 MiB:
//
//	go test -run '^$' -bench journal.Open -benchtime 3x
func BenchmarkOpenJournal(b *testing.B) {
	const batches = 10_000
	path := filepath.Join(b.TempDir(), "journal.jsonl")
	writeHistory(b, path, batches)
	info, err := os.Stat(path)
	require.NoError(b, err)
	before := liveHeap()
	peak := sampleHeap(func() {
		for b.Loop() {
			j, err := journal.Open(path)
			require.NoError(b, err)
			l := New(j)
			require.NoError(b, l.Open(b.Context()))
			require.Len(b, l.entries, batches*100)
			require.Empty(b, l.batches)
			require.NoError(b, j.Close())
			b.StopTimer()
			runtime.GC() // each round begins with an empty heap
			b.StartTimer()
		}
	})
	const mib = 1 << 20
	b.ReportMetric(float64(info.Size())/mib, "MiB-file")
	b.ReportMetric(float64(peak.live-before)/mib, "MiB-live")
	b.ReportMetric(float64(peak.heap-before)/mib, "MiB-heap")
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/op")
}

// BenchmarkAppend notes the three records of a job of 100 sources, in a journal that keeps nothing.
func BenchmarkAppend(b *testing.B) {
	l := New(nowhere{})
	require.NoError(b, l.Open(b.Context()))
	batch := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		records := batchHistory(batch, 100, time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC))
		batch++
		b.StartTimer()
		for _, r := range records {
			if err := l.Append(b.Context(), r, nil); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkHoldImported asks for sources that are in the store, as an import does that skips them.
func BenchmarkHoldImported(b *testing.B) {
	l := New(nowhere{})
	require.NoError(b, l.Open(b.Context()))
	var known []journal.Source
	for batch := range 100 {
		for _, r := range batchHistory(batch, 100, time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)) {
			require.NoError(b, l.Append(b.Context(), r, nil))
			if r.Kind == journal.Sending {
				known = append(known, r.Sources...)
			}
		}
	}
	at := 0
	b.ReportAllocs()
	for b.Loop() {
		if s, err := l.Hold(known[at].Fingerprint, b); err != nil || s.ReadSetID == "" {
			b.Fatal(s, err)
		}
		at = (at + 1) % len(known)
	}
}

// nowhere is a journal that keeps nothing.
type nowhere struct{}

func (nowhere) Replay(context.Context) iter.Seq2[journal.Record, error] {
	return func(func(journal.Record, error) bool) {}
}

func (nowhere) Append(context.Context, journal.Record) error { return nil }

// writeHistory writes the journal of an import that went well.
func writeHistory(tb testing.TB, path string, batches int) {
	open := disk.Open
	defer func() { disk.Open = open }()
	disk.Open = func(path string) (disk.File, int64, error) {
		file, size, err := open(path)
		return unsynced{file}, size, err
	}
	j, err := journal.Open(path)
	require.NoError(tb, err)
	now := time.Date(2030, 1, 2, 3, 4, 5, 678_901_234, time.UTC)
	for batch := range batches {
		for _, r := range batchHistory(batch, 100, now.Add(time.Duration(batch)*time.Minute)) {
			require.NoError(tb, j.Append(tb.Context(), r))
		}
	}
	require.NoError(tb, j.Close())
}

// unsynced is a file that is written without waiting for the disk.
type unsynced struct{ disk.File }

func (unsynced) Sync() error { return nil }

// batchHistory is what is remembered of a batch.
func batchHistory(batch, sources int, at time.Time) []journal.Record {
	r := journal.Record{Kind: journal.Sending, Time: at, SequenceStoreID: "1234567890", ClientToken: fmt.Sprintf("rsi1-%052d", batch)}
	sending, started, ended := r, r, r
	sending.Attempt, sending.Body = 1, fmt.Sprintf("%032x", batch)
	started.Kind, started.Time, started.JobID = journal.Started, at.Add(time.Second), fmt.Sprintf("%010d", batch)
	ended.Kind, ended.Time, ended.JobID = journal.Ended, at.Add(time.Hour), started.JobID
	for i := range sources {
		s := journal.Source{}
		binary.BigEndian.PutUint64(s.Fingerprint[8:], uint64(batch*sources+i)*0x9e3779b97f4a7c15)
		sending.Sources = append(sending.Sources, s)
		s.Status, s.ReadSetID = types.ReadSetImportJobItemStatusFinished, fmt.Sprintf("%010d", batch*sources+i)
		ended.Sources = append(ended.Sources, s)
	}
	return []journal.Record{sending, started, ended}
}

type heapPeak struct{ live, heap uint64 }

// sampleHeap is the most memory in use while f runs: marked live by a collection, and with what is not yet collected.
func sampleHeap(f func()) heapPeak {
	var peak heapPeak
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		samples := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
		for ctx.Err() == nil {
			metrics.Read(samples)
			peak.live = max(peak.live, samples[0].Value.Uint64())
			peak.heap = max(peak.heap, samples[1].Value.Uint64())
			time.Sleep(2 * time.Millisecond)
		}
	}()
	f()
	stop()
	<-done
	return peak
}

func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
