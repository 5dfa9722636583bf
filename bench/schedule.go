package main

import (
	"container/heap"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/jitter"
	"github.com/readsetimport/readsetimport/omicstest"
)

// sources returns the file of each job: how many files a job has makes no difference here.
func sources(n int) []readsetimport.Source {
	out := make([]readsetimport.Source, n)
	for i := range out {
		out[i] = readsetimport.UBAM(fmt.Sprintf("s3://bucket/run/%07d.bam", i)).WithSubject("subject").WithSample(fmt.Sprintf("sample-%d", i))
	}
	return out
}

// mix is a distribution of the durations of jobs.
type mix struct {
	name      string
	durations func(n int, seed uint64) []time.Duration
}

// logNormal returns n job durations with a median of 20 minutes and a sigma of 0.7.
func logNormal(n int, seed uint64) []time.Duration {
	return randomly(n, seed, func(random *rand.Rand) time.Duration {
		return time.Duration(float64(20*time.Minute) * math.Exp(0.7*random.NormFloat64()))
	})
}

// alike returns n job durations of 20 minutes, give or take a tenth.
func alike(n int, seed uint64) []time.Duration {
	return randomly(n, seed, func(random *rand.Rand) time.Duration {
		return time.Duration(float64(20*time.Minute) * (0.9 + 0.2*random.Float64()))
	})
}

// twoKinds returns n job durations of which most are 3 to 5 minutes, and one in ten is 2 to 3 hours.
func twoKinds(n int, seed uint64) []time.Duration {
	return randomly(n, seed, func(random *rand.Rand) time.Duration {
		if random.IntN(10) == 0 {
			return 2*time.Hour + time.Duration(random.Float64()*float64(time.Hour))
		}
		return 3*time.Minute + time.Duration(random.Float64()*float64(2*time.Minute))
	})
}

func randomly(n int, seed uint64, duration func(*rand.Rand) time.Duration) []time.Duration {
	random := rand.New(rand.NewPCG(20, seed))
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = duration(random)
	}
	return out
}

// schedule is what an import meets in virtual time: its jobs, with their durations, and the slots that there are.
type schedule struct {
	mix         mix
	jobs, slots int
	others      float64 // the part of the slots that other tenants of the account would use alone
	raised      int     // the number of slots once half of the jobs have started; 0: no change
}

// outcome is what became of one import.
type outcome struct {
	Took     time.Duration
	Ideal    time.Duration // if every end were seen at once and no slot were ever idle; of no use beside others
	Requests float64       // of all kinds for each job, refused ones included
}

// run imports in some way, with the random numbers of a seed.
func (s schedule) run(t *testing.T, w way, seed uint64) (out outcome) {
	durations := s.mix.durations(s.jobs, seed)
	synctest.Test(t, func(t *testing.T) {
		starts, lasts := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
		next := inOrder(durations, func() time.Duration { return time.Duration(lasts.ExpFloat64() * float64(tenantsJob)) })
		started := 0
		var service *omicstest.Service
		service = omicstest.New(func(o *omicstest.Options) {
			o.Stores = []string{target.SequenceStoreID, otherStore}
			o.MaxActiveJobs = s.slots
			o.JobDuration = func(job omicstest.Job) time.Duration {
				if started++; started == s.jobs/2 && s.raised > 0 {
					go service.SetMaxActiveJobs(s.raised) // not from within a call of the service
				}
				return next(job)
			}
			if s.others == 0 {
				o.RequestRate = 5
			}
		})
		if s.others > 0 {
			go tenant(t, service, starts, time.Duration(float64(tenantsJob)/(float64(s.slots)*s.others)))
			time.Sleep(2 * time.Hour) // they were there before us
		}
		began := time.Now()
		w.run(t, service, seed, sources(s.jobs), max(s.slots, s.raised))
		out.Took, out.Ideal = time.Since(began), idealMakespan(durations, s.slots)
		requests := 0
		for _, r := range service.Requests("") {
			if r.StoreID == target.SequenceStoreID {
				requests++
			}
		}
		out.Requests = float64(requests) / float64(s.jobs)
		require.Equal(t, s.jobs, service.CountReadSets(target.SequenceStoreID))
	})
	return out
}

const (
	otherStore = "9876543210"
	tenantsJob = 25 * time.Minute // how long their jobs take on average
)

// tenant starts jobs in another store of the account, at random times, until the test ends. Where the service is full, it
// does without.
func tenant(t *testing.T, service *omicstest.Service, random *rand.Rand, between time.Duration) {
	client := service.Client()
	item := readsetimport.UBAM("s3://other/1.bam").WithSubject("x").WithSample("x").Item()
	for {
		timer := time.NewTimer(time.Duration(random.ExpFloat64() * float64(between)))
		select {
		case <-timer.C:
		case <-t.Context().Done():
			timer.Stop()
			return
		}
		_, _ = client.StartReadSetImportJob(t.Context(), &omics.StartReadSetImportJobInput{
			SequenceStoreId: aws.String(otherStore), RoleArn: aws.String(target.RoleARN),
			Sources: []types.StartReadSetImportJobSourceItem{item},
		})
	}
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
