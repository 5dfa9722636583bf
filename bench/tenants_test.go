package bench

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

const otherStore = "9876543210"

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

// besideOthers runs imports while other tenants of the account take and free slots, who alone would use a part of them.
func besideOthers(t *testing.T, w way, slots int, part float64, seeds int) (took time.Duration, requests int) {
	const lasting = 25 * time.Minute
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			starts, lasts := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2))
			service := omicstest.New(func(o *omicstest.Options) {
				o.Stores = []string{target.SequenceStoreID, otherStore}
				o.JobDuration = inOrder(logNormal(jobs, seed+7), func() time.Duration { return time.Duration(lasts.ExpFloat64() * float64(lasting)) })
				o.MaxActiveJobs = slots
			})
			go tenant(t, service, starts, time.Duration(float64(lasting)/(float64(slots)*part)))
			time.Sleep(2 * time.Hour) // they were there before us
			began := time.Now()
			w.run(t, service, seed, sources(jobs), slots)
			took += time.Since(began)
			require.Equal(t, jobs, service.CountReadSets(target.SequenceStoreID))
			for _, r := range service.Requests("") {
				if r.StoreID == target.SequenceStoreID {
					requests++
				}
			}
		})
	}
	return took, requests
}

// TestOtherTenants holds an import beside other tenants against a loop that tries again, and looks, every 10 s: where
// slots are contended for, whoever is quick has more of them.
func TestOtherTenants(t *testing.T) {
	if underRace {
		t.Skip("too slow under the race detector")
	}
	const seeds = 4
	ways := []way{library, every10s}
	var lines []string
	for _, c := range []struct {
		slots int
		part  float64
	}{{5, 0.5}, {5, 1}, {20, 0.5}, {20, 1}} {
		took, requests := besideOthers(t, ways[0], c.slots, c.part, seeds)
		loopTook, loopRequests := besideOthers(t, ways[1], c.slots, c.part, seeds)
		ratio := float64(took) / float64(loopTook)
		lines = append(lines, fmt.Sprintf("%d, %.0f %%\t%.3f\t%.1f\t1\t%.1f", c.slots, 100*c.part, ratio,
			float64(requests)/jobs/seeds, float64(loopRequests)/jobs/seeds))
		assert.LessOrEqual(t, ratio, 1.05, "%d slots, others %.1f", c.slots, c.part)
		assert.Less(t, 2*requests, loopRequests, "%d slots, others %.1f", c.slots, c.part)
	}
	fmt.Fprintln(t.Output(), "Beside other tenants; makespan relative to the loop's, and requests for each job:")
	printTable(t.Output(), "slots, others' part", ways, lines)
}

// TestRaisedLimit raises the service's limit in the middle of an import.
func TestRaisedLimit(t *testing.T) {
	if underRace {
		t.Skip("too slow under the race detector")
	}
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) {
			service := omicstest.New(func(o *omicstest.Options) {
				o.JobDuration = inOrder(logNormal(jobs, seed), nil)
				o.MaxActiveJobs = 5
				o.RequestRate = 5
			})
			go func() {
				time.Sleep(10*time.Hour + time.Duration(seed)*3*time.Minute)
				require.Equal(t, 5, service.ActiveJobs())
				service.SetMaxActiveJobs(20)
				time.Sleep(15 * time.Minute)
				require.GreaterOrEqual(t, service.ActiveJobs(), 19)
			}()
			library.run(t, service, seed, sources(jobs), 0)
		})
	}
}
