package bench

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/jitter"
	"github.com/readsetimport/readsetimport/omicstest"
)

const jobs = 300

var target = readsetimport.Target{SequenceStoreID: "1234567890", RoleARN: "arn:aws:iam::123456789012:role/import"}

// sources returns the file of each job: how many files a job has makes no difference here.
func sources(n int) []readsetimport.Source {
	out := make([]readsetimport.Source, n)
	for i := range out {
		out[i] = readsetimport.UBAM(fmt.Sprintf("s3://bucket/run/%07d.bam", i)).WithSubject("subject").WithSample(fmt.Sprintf("sample-%d", i))
	}
	return out
}

// logNormal returns n job durations with a median of 20 minutes and a sigma of 0.7.
func logNormal(n int, seed uint64) []time.Duration {
	random := rand.New(rand.NewPCG(20, seed))
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = time.Duration(float64(20*time.Minute) * math.Exp(0.7*random.NormFloat64()))
	}
	return out
}

// inOrder returns a function that gives the n-th job of the target's store that starts the n-th duration, and jobs of
// other stores another one.
func inOrder(durations []time.Duration, other func() time.Duration) func(omicstest.Job) time.Duration {
	next := 0
	return func(job omicstest.Job) time.Duration {
		if job.StoreID != target.SequenceStoreID {
			return other()
		}
		next++
		return durations[next-1]
	}
}

var newClient sync.Mutex

// client returns a client of this library whose delays are spread in the same way for the same seed.
func client(t *testing.T, service *omicstest.Service, seed uint64) *readsetimport.Client {
	newClient.Lock()
	defer newClient.Unlock()
	real := jitter.Float64
	defer func() { jitter.Float64 = real }()
	jitter.Float64 = func() float64 { return rand.New(rand.NewPCG(seed, uint64(time.Now().UnixNano()))).Float64() }
	c, err := readsetimport.New(service.Client(), func(o *readsetimport.Options) { o.SourcesPerJob = 1 })
	require.NoError(t, err)
	return c
}

type durationHeap []time.Duration

func (h durationHeap) Len() int           { return len(h) }
func (h durationHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h durationHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *durationHeap) Push(x any)        { *h = append(*h, x.(time.Duration)) }
func (h *durationHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// idealMakespan returns how long the jobs take on so many slots if every end is seen at once and no slot is idle.
func idealMakespan(durations []time.Duration, slots int) time.Duration {
	free := make(durationHeap, slots)
	end := time.Duration(0)
	for _, d := range durations {
		at := heap.Pop(&free).(time.Duration) + d
		end = max(end, at)
		heap.Push(&free, at)
	}
	return end
}
