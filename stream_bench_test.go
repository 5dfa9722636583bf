package readsetimport

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"
)

// instantAPI is an API whose jobs have ended when they are first looked at, and are forgotten then.
type instantAPI struct {
	API
	mu   sync.Mutex
	last int
	jobs map[string][]types.StartReadSetImportJobSourceItem
}

func (a *instantAPI) StartReadSetImportJob(_ context.Context, in *omics.StartReadSetImportJobInput, _ ...func(*omics.Options)) (*omics.StartReadSetImportJobOutput, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	id := fmt.Sprintf("%010d", a.last)
	a.jobs[id] = in.Sources
	return &omics.StartReadSetImportJobOutput{
		Id: &id, SequenceStoreId: in.SequenceStoreId, RoleArn: in.RoleArn,
		Status: types.ReadSetImportJobStatusSubmitted, CreationTime: aws.Time(time.Now()),
	}, nil
}

func (a *instantAPI) GetReadSetImportJob(_ context.Context, in *omics.GetReadSetImportJobInput, _ ...func(*omics.Options)) (*omics.GetReadSetImportJobOutput, error) {
	a.mu.Lock()
	sources := a.jobs[*in.Id]
	delete(a.jobs, *in.Id)
	a.mu.Unlock()
	now := time.Now()
	out := &omics.GetReadSetImportJobOutput{
		Id: in.Id, SequenceStoreId: in.SequenceStoreId, RoleArn: aws.String(testTarget.RoleARN),
		Status: types.ReadSetImportJobStatusCompleted, CreationTime: &now, CompletionTime: &now,
	}
	for i, s := range sources {
		out.Sources = append(out.Sources, types.ImportReadSetSourceItem{
			SourceFiles: s.SourceFiles, SourceFileType: s.SourceFileType, SubjectId: s.SubjectId, SampleId: s.SampleId,
			Name: s.Name, Description: s.Description, Tags: s.Tags,
			Status: types.ReadSetImportJobItemStatusFinished, ReadSetId: aws.String(*in.Id + strconv.Itoa(i)),
		})
	}
	return out, nil
}

func (a *instantAPI) ListReadSetImportJobs(context.Context, *omics.ListReadSetImportJobsInput, ...func(*omics.Options)) (*omics.ListReadSetImportJobsOutput, error) {
	return &omics.ListReadSetImportJobsOutput{}, nil
}

func liveHeap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkStream is a stream of a million sources, 10,000 jobs, on a service that takes no time. The growth of the live
// heap must stay below 32 MiB, a good part of which notices files that come twice.
func BenchmarkStream(b *testing.B) {
	const (
		sources   = 1_000_000
		mostBytes = 32 << 20
	)
	var growth uint64
	for b.Loop() {
		c, err := New(&instantAPI{jobs: make(map[string][]types.StartReadSetImportJobSourceItem)}, func(o *Options) {
			o.RequestRate = 1e9
			o.MaxActiveJobs = 100
			o.MinPollDelay, o.MaxPollDelay = time.Nanosecond, time.Millisecond
		})
		require.NoError(b, err)
		before := liveHeap()
		n := 0
		for res, err := range c.Stream(b.Context(), testTarget, func(yield func(Source, error) bool) {
			for i := range sources {
				s := PairedFASTQ(fmt.Sprintf("s3://bucket/run/%07d_R1.fastq.gz", i), fmt.Sprintf("s3://bucket/run/%07d_R2.fastq.gz", i)).
					WithSubject("subject").WithSample(strconv.Itoa(i)).WithTag("project", "p")
				if !yield(s, nil) {
					return
				}
			}
		}) {
			require.NoError(b, err)
			if res.Err != nil {
				b.Fatal(res.Err)
			}
			if n++; n%(sources/20) == 0 {
				if live := liveHeap(); live > before {
					growth = max(growth, live-before)
				}
			}
		}
		if n != sources {
			b.Fatalf("%d results", n)
		}
	}
	b.ReportMetric(sources*float64(b.N)/b.Elapsed().Seconds(), "sources/s")
	b.ReportMetric(float64(growth)/(1<<20), "live-MiB")
	if growth > mostBytes {
		b.Fatalf("the live heap grew by %d bytes", growth)
	}
}
