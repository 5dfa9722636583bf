// Package bench compares ways of importing the same files: this library, and what people write on the SDK by hand.
package bench

import (
	"container/heap"
	"context"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

var jobs = flag.Int("jobs", 10, "how many import jobs of 100 files")

var target = readsetimport.Target{SequenceStoreID: "1234567890", RoleARN: "arn:aws:iam::123456789012:role/import"}

// ways are how the batches are imported with so many slots. All of them know the batches; only the library does not know
// the number of slots.
var ways = []struct {
	name string
	run  func(t *testing.T, service *omicstest.Service, sources []readsetimport.Source, slots int)
}{
	{"this library", importAll},
	{"SDK waiter in a loop", func(t *testing.T, service *omicstest.Service, sources []readsetimport.Source, slots int) {
		byHand(t, service, sources, slots, waiter)
	}},
	{"Get every 30 s", func(t *testing.T, service *omicstest.Service, sources []readsetimport.Source, slots int) {
		byHand(t, service, sources, slots, every30s)
	}},
}

// TestCompare prints, for 1 to 100 slots, how long each way takes relative to a scheduler that sees every end at once
// and leaves no slot idle, and how many requests it makes for each job, refused ones included. Time is virtual.
func TestCompare(t *testing.T) {
	sources := make([]readsetimport.Source, *jobs*readsetimport.MaxSourcesPerJob)
	for i := range sources {
		sources[i] = readsetimport.UBAM(fmt.Sprintf("s3://bucket/run/%07d.bam", i)).WithSubject("subject").WithSample(fmt.Sprintf("sample-%d", i))
	}
	durations := logNormal(*jobs)
	fmt.Fprintf(t.Output(), "%d jobs, median 20 min, sigma 0.7; 5 requests per second and operation\n", *jobs)
	table := tabwriter.NewWriter(t.Output(), 0, 0, 2, ' ', tabwriter.AlignRight)
	defer table.Flush()
	header(table)
	for _, slots := range []int{1, 5, 20, 100} {
		ideal := idealMakespan(durations, slots)
		fmt.Fprintf(table, "%d\t%s", slots, ideal.Round(time.Minute))
		for _, way := range ways {
			synctest.Test(t, func(t *testing.T) {
				next := 0
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = func(omicstest.Job) time.Duration { next++; return durations[next-1] }
					o.MaxActiveJobs = slots
					o.RequestRate = 5
				})
				began := time.Now()
				way.run(t, service, sources, slots)
				took := time.Since(began)
				require.Equal(t, len(sources), service.CountReadSets(target.SequenceStoreID))
				fmt.Fprintf(table, "\t%.3f\t%.1f", float64(took)/float64(ideal), float64(len(service.Requests("")))/float64(*jobs))
			})
		}
		fmt.Fprintln(table, "\t")
	}
}

func header(w io.Writer) {
	fmt.Fprint(w, "slots\tideal")
	for _, way := range ways {
		fmt.Fprintf(w, "\t%s: makespan\trequests/job", way.name)
	}
	fmt.Fprintln(w, "\t")
}

func importAll(t *testing.T, service *omicstest.Service, sources []readsetimport.Source, _ int) {
	c, err := readsetimport.New(service.Client())
	require.NoError(t, err)
	_, err = c.Import(t.Context(), target, sources)
	require.NoError(t, err)
}

// byHand has a worker for each slot, that starts a job and waits for it.
func byHand(t *testing.T, service *omicstest.Service, sources []readsetimport.Source, slots int,
	wait func(context.Context, *omics.Client, *omics.GetReadSetImportJobInput) error,
) {
	batches, err := readsetimport.Split(target, "by hand", sources)
	require.NoError(t, err)
	client := service.Client()
	queue := make(chan readsetimport.Batch, len(batches))
	for _, b := range batches {
		queue <- b
	}
	close(queue)
	const again = 5 * time.Second // after an error
	var group sync.WaitGroup
	for range slots {
		group.Go(func() {
			for b := range queue {
				in := &omics.StartReadSetImportJobInput{
					SequenceStoreId: aws.String(b.Target.SequenceStoreID),
					RoleArn:         aws.String(b.Target.RoleARN),
					ClientToken:     aws.String(b.ClientToken),
				}
				for _, s := range b.Sources {
					in.Sources = append(in.Sources, s.Item())
				}
				job, err := client.StartReadSetImportJob(t.Context(), in)
				for err != nil {
					time.Sleep(again)
					job, err = client.StartReadSetImportJob(t.Context(), in)
				}
				for wait(t.Context(), client, &omics.GetReadSetImportJobInput{SequenceStoreId: job.SequenceStoreId, Id: job.Id}) != nil {
					time.Sleep(again)
				}
			}
		})
	}
	group.Wait()
}

func waiter(ctx context.Context, client *omics.Client, in *omics.GetReadSetImportJobInput) error {
	return omics.NewReadSetImportJobCompletedWaiter(client).Wait(ctx, in, 100*time.Hour)
}

func every30s(ctx context.Context, client *omics.Client, in *omics.GetReadSetImportJobInput) error {
	for {
		time.Sleep(30 * time.Second)
		job, err := client.GetReadSetImportJob(ctx, in)
		if err != nil {
			return err
		}
		if job.Status == types.ReadSetImportJobStatusCompleted {
			return nil
		}
	}
}

// logNormal is n job durations with a median of 20 minutes and a sigma of 0.7.
func logNormal(n int) []time.Duration {
	random := rand.New(rand.NewPCG(20, 7))
	out := make([]time.Duration, n)
	for i := range out {
		out[i] = time.Duration(float64(20*time.Minute) * math.Exp(0.7*random.NormFloat64()))
	}
	return out
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

// idealMakespan is how long the jobs take on so many slots if every end is seen at once and no slot is idle.
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
