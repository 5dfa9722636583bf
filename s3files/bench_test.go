//go:build unix

package s3files_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/gateway"
	"github.com/readsetimport/readsetimport/s3files"
)

// runKeys yields the key of the nth object of a run of paired FASTQ files, in the order of S3, with perFolder pairs in
// each folder.
func runKey(n, perFolder int) string {
	pair := n / 2
	return fmt.Sprintf("runs/%05d/S%06d_S1_L001_R%d_001.fastq.gz", pair/perFolder, pair%perFolder, 1+n%2)
}

// listing is an API with n objects that it makes as they are asked for.
type listing struct {
	s3files.API
	n, perFolder int
}

func (l listing) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	from := 0
	if token := aws.ToString(in.ContinuationToken); token != "" {
		fmt.Sscan(token, &from)
	}
	to := min(from+1000, l.n)
	out := &s3.ListObjectsV2Output{IsTruncated: aws.Bool(to < l.n), NextContinuationToken: aws.String(fmt.Sprint(to))}
	for i := from; i < to; i++ {
		out.Contents = append(out.Contents, types.Object{
			Key: aws.String(runKey(i, l.perFolder)), Size: aws.Int64(1 << 30), ETag: aws.String(`"0123456789abcdef0123456789abcdef-12"`),
			LastModified: aws.Time(listEpoch), StorageClass: types.ObjectStorageClassStandard,
		})
	}
	return out, nil
}

// TestSourcesMemory shows that a long listing is held in parts.
func TestSourcesMemory(t *testing.T) {
	const n, perFolder = 80_000, 1000
	inUse := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most, count := inUse(), uint64(0), 0
	for _, err := range s3files.Sources(t.Context(), listing{n: n, perFolder: perFolder}, "s3://bucket/runs/") {
		require.NoError(t, err)
		if count++; count%4999 == 0 {
			most = max(most, inUse())
		}
	}
	require.Equal(t, n/2, count)
	// A folder of 2,000 files takes about 1 MB, and two pages as much.
	require.Less(t, most-min(before, most), uint64(8<<20))
}

// BenchmarkSources lists and pairs 100,000 objects, with the real client and its reading of XML. The answers are made
// beforehand.
func BenchmarkSources(b *testing.B) {
	const n, perFolder = 100_000, 1000
	var answers []string
	for from := 0; from < n; from += 1000 {
		var text strings.Builder
		fmt.Fprintf(&text, "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>%t</IsTruncated><NextContinuationToken>%d</NextContinuationToken>", from+1000 < n, len(answers)+1)
		for i := from; i < from+1000; i++ {
			fmt.Fprintf(&text, "<Contents><Key>%s</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;0123456789abcdef0123456789abcdef-12&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>1073741824</Size><StorageClass>STANDARD</StorageClass></Contents>", runKey(i, perFolder))
		}
		answers = append(answers, text.String()+"</ListBucketResult>")
	}
	client := gateway.NewClient("http://s3.test", doFunc(func(r *http.Request) (*http.Response, error) {
		page := 0
		fmt.Sscan(r.URL.Query().Get("continuation-token"), &page)
		return answerXML(answers[page]), nil
	}))
	begin := cpuTime(b)
	for b.Loop() {
		pairs := 0
		for s, err := range s3files.Sources(b.Context(), client, "s3://bucket/runs/") {
			require.NoError(b, err)
			if s.Source2 != "" {
				pairs++
			}
		}
		require.Equal(b, n/2, pairs)
	}
	b.ReportMetric(float64(b.N)*n/(cpuTime(b)-begin).Seconds(), "objects/cpu-s")
}

// cpuTime returns the time that the process has had on all processors.
func cpuTime(tb testing.TB) time.Duration {
	var usage syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkCheck checks pairs of files on a server in memory that takes 20 ms for each request, as S3 does.
func BenchmarkCheck(b *testing.B) {
	const sources, atOnce, latency = 1000, 64, 20 * time.Millisecond
	fake := inBucket(objects{})
	fake.buckets["bucket"].objects["1"] = &fakeObject{data: gzipped(strings.Repeat(reads(2000, 1), 20)), etag: "1"}
	fake.buckets["bucket"].objects["2"] = &fakeObject{data: gzipped(strings.Repeat(reads(2000, 2), 20)), etag: "2"}
	var inFlight, sampled atomic.Int64
	var running atomic.Int64
	fake.before = func(*http.Request) error {
		inFlight.Add(running.Add(1))
		sampled.Add(1)
		time.Sleep(latency)
		running.Add(-1)
		return nil
	}
	client := fake.client()
	pair := sourceOf("FASTQ", "1", "2")
	input := func(yield func(readsetimport.Source, error) bool) {
		for range sources {
			if !yield(pair, nil) {
				return
			}
		}
	}
	begin := cpuTime(b)
	for b.Loop() {
		for checked, err := range s3files.Check(b.Context(), client, input, func(o *s3files.CheckOptions) { o.Concurrency = atOnce }) {
			require.NoError(b, err)
			require.Empty(b, checked.Problems)
		}
	}
	b.ReportMetric(float64(inFlight.Load())/float64(sampled.Load()), "requests-in-flight")
	b.ReportMetric(float64(b.N)*2*sources/b.Elapsed().Seconds(), "files/s")
	b.ReportMetric(float64(b.N)*2*sources/(cpuTime(b)-begin).Seconds(), "files/cpu-s")
}
