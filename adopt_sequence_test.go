package readsetimport

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// One after the other: imports that break off, others' jobs, deletions, and Adopt before each import. What ran or was in the store
// at an Adopt that had nothing in doubt is not sent after it.
func TestSequence(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { sequence(t, seed) }) }) {
			return
		}
	}
}

func sequence(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 3))
	chance := func(p float64) bool { return random.Float64() < p }
	outcomes := rand.New(rand.NewPCG(seed, 4))
	window := time.Duration(-1)
	if chance(0.5) {
		window = 0
	}
	service := omicstest.New(func(o *omicstest.Options) {
		o.JobDuration = func(omicstest.Job) time.Duration { return time.Duration(outcomes.IntN(180)+1) * time.Minute }
		o.Outcome = func(omicstest.Source) omicstest.Outcome {
			if outcomes.IntN(4) == 0 {
				return omicstest.Failed("x")
			}
			return omicstest.Outcome{}
		}
		o.TokenWindow = window
	})
	sources := testSources(2 + random.IntN(4))
	pick := func() (out []Source) {
		for _, s := range sources {
			if chance(0.5) {
				out = append(out, s)
			}
		}
		return out
	}
	mem := new(memoryJournal)
	log := ""
	note := func(f string, a ...any) { log += fmt.Sprintf(f, a...) + "\n" }
	var c *Client
	fresh := func() {
		c = newTestClient(t, service, journaled(mem), func(o *Options) { o.TokenWindow, o.SourcesPerJob = window, 1+random.IntN(3) })
	}
	fresh()
	for range 10 {
		if chance(0.5) {
			fresh()
		}
		switch random.IntN(4) {
		case 0:
			if some := pick(); len(some) > 0 {
				job := foreign(t, service, some...)
				note("%s foreign %s %v", time.Now().Format("15:04"), job.ID, names(some))
			}
		case 1:
			for _, set := range service.ReadSets(testTarget.SequenceStoreID) {
				if set.Status == types.ReadSetStatusActive && chance(0.3) {
					require.NoError(t, service.DeleteReadSet(set.ID))
					note("%s delete %s of %s", time.Now().Format("15:04"), set.ID, set.Source.Source1)
				}
			}
		case 2:
			time.Sleep(time.Duration(random.IntN(200)) * time.Minute)
		}
		found, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err, log)
		note("%s adopted %+v", time.Now().Format("15:04"), *found)
		doubts, err := c.Doubts(t.Context(), testTarget)
		require.NoError(t, err, log)
		known := make(map[string]bool)
		present := make(map[string]bool)
		for _, set := range service.ReadSets(testTarget.SequenceStoreID) {
			present[set.ID] = set.Status == types.ReadSetStatusActive
		}
		jobs := service.Jobs(testTarget.SequenceStoreID)
		for _, job := range jobs {
			for _, s := range job.Sources {
				if s.ReadSetID != "" && present[s.ReadSetID] {
					known[s.Source1] = true
				}
			}
		}
		some := pick()
		if len(some) == 0 {
			continue
		}
		faults := []omicstest.Fault{omicstest.DropBefore(), omicstest.DropAfter()}
		if chance(0.4) {
			service.Inject(omicstest.OpStart, faults[random.IntN(2)])
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(240))*time.Minute+time.Millisecond)
		report, err := c.Import(ctx, testTarget, some)
		cancel()
		note("%s imported %v, %d doubts: %v", time.Now().Format("15:04"), names(some), len(doubts), err)
		ended := make(map[string]omicstest.Job)
		for _, job := range service.Jobs(testTarget.SequenceStoreID) {
			ended[job.ID] = job
		}
		for _, job := range service.Jobs(testTarget.SequenceStoreID)[len(jobs):] {
			for _, s := range job.Sources {
				require.False(t, known[s.Source1] && len(doubts) == 0, "%s was in the store\n%s", s.Source1, log)
				for _, before := range jobs {
					for _, other := range ended[before.ID].Sources {
						running := before.CompletionTime.IsZero() && (ended[before.ID].CompletionTime.IsZero() || ended[before.ID].CompletionTime.After(job.CreationTime))
						require.False(t, running && other.Source1 == s.Source1 && len(doubts) == 0, "%s ran in job %s\n%s", s.Source1, before.ID, log)
					}
				}
			}
		}
		for _, res := range report.Results {
			if res.Err != nil {
				continue
			}
			ok := false
			for _, s := range ended[res.JobID].Sources {
				ok = ok || s.ReadSetID == res.ReadSetID && s.Source1 == res.Source.Source1
			}
			require.True(t, ok, "%+v\n%s", res, log)
		}
	}
	_, err := newTestClient(t, service, journaled(mem)).Doubts(t.Context(), testTarget)
	require.NoError(t, err, log)
}

func names(sources []Source) (out []string) {
	for _, s := range sources {
		out = append(out, s.Source1[len(s.Source1)-5:])
	}
	return out
}
