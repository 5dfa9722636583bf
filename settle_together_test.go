package readsetimport

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/ledger"
	"github.com/readsetimport/readsetimport/omicstest"
)

// Several imports of one client settle by read sets while their batches are handed over, noted and broken off.
func TestSettlingTogether(t *testing.T) {
	t.Parallel()
	for seed := range uint64(25) {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { settlingTogether(t, seed) }) }) {
			return
		}
	}
}

// Imports, Adopt, others' jobs, deletions and decisions on doubts at once: what is written is read again, to the same effect.
func TestAllAtOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { allAtOnce(t, seed) }) }) {
			return
		}
	}
}

func allAtOnce(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 9))
	var mu sync.Mutex
	draw := func(n int) int { mu.Lock(); defer mu.Unlock(); return random.IntN(n) }
	service := omicstest.New(func(o *omicstest.Options) {
		o.JobDuration = func(omicstest.Job) time.Duration { return time.Duration(draw(120)+1) * time.Minute }
		o.JobRetention = time.Duration(draw(200)+1) * time.Minute
		o.Outcome = func(omicstest.Source) omicstest.Outcome {
			switch draw(6) {
			case 0:
				return omicstest.Failed("x")
			case 1:
				return omicstest.Outcome{Status: types.ReadSetImportJobItemStatusInProgress}
			}
			return omicstest.Outcome{}
		}
		o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
			switch draw(12) {
			case 0:
				return omicstest.DropBefore(), true
			case 1:
				return omicstest.DropAfter(), true
			}
			return omicstest.Fault{}, false
		}
	})
	sources := testSources(5)
	pick := func() (out []Source) {
		for _, s := range sources {
			if draw(2) == 0 {
				out = append(out, s)
			}
		}
		return out
	}
	mem := new(memoryJournal)
	failed := ""
	fail := func(f string, a ...any) { mu.Lock(); defer mu.Unlock(); failed += fmt.Sprintf(f, a...) + "\n" }
	broken := func(err error) {
		if err != nil && strings.Contains(err.Error(), "write the journal") {
			fail("%v", err)
		}
	}
	for range 3 {
		c := newTestClient(t, service, journaled(mem), func(o *Options) { o.SourcesPerJob, o.TokenWindow = 1+draw(3), -1 })
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() {
				time.Sleep(time.Duration(draw(100)) * time.Minute)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(draw(300)+1)*time.Minute)
				defer cancel()
				_, err := c.Import(ctx, testTarget, pick())
				broken(err)
			})
		}
		for range 2 {
			group.Go(func() {
				for range 3 {
					time.Sleep(time.Duration(draw(100)) * time.Minute)
					_, err := c.Adopt(t.Context(), testTarget)
					broken(err)
				}
			})
		}
		group.Go(func() {
			for range 4 {
				time.Sleep(time.Duration(draw(60)) * time.Minute)
				if some := pick(); len(some) > 0 {
					foreign(t, service, some...)
				}
				for _, set := range service.ReadSets(testTarget.SequenceStoreID) {
					if draw(4) == 0 {
						_ = service.DeleteReadSet(set.ID)
					}
				}
			}
		})
		group.Go(func() {
			for range 4 {
				time.Sleep(time.Duration(draw(200)) * time.Minute)
				doubts, err := c.Doubts(t.Context(), testTarget)
				broken(err)
				for _, d := range doubts {
					ids := make(map[Fingerprint]string)
					for _, set := range service.ReadSets(testTarget.SequenceStoreID) {
						for i, s := range d.Sources {
							if testTarget.Fingerprint(sources[i%5]) == s.Fingerprint && set.Source.Source1 == sources[i%5].Source1 && draw(2) == 0 {
								ids[s.Fingerprint] = set.ID
							}
						}
					}
					broken(c.Settle(t.Context(), d, ids))
				}
			}
		})
		group.Wait()
		require.Empty(t, failed)
		l := ledger.New(mem)
		require.NoError(t, l.Open(t.Context()))
		for _, s := range sources {
			require.Equal(t, l.Source(testTarget.Fingerprint(s)), c.ledger.Source(testTarget.Fingerprint(s)))
		}
		require.Equal(t, l.UnderWay(testTarget.SequenceStoreID), c.ledger.UnderWay(testTarget.SequenceStoreID))
	}
}

func settlingTogether(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 3))
	var mu sync.Mutex
	draw := func(n int) int { mu.Lock(); defer mu.Unlock(); return random.IntN(n) }
	silent := draw(3)
	ends := make(map[string]time.Time)
	service := omicstest.New(func(o *omicstest.Options) {
		o.JobDuration = func(job omicstest.Job) time.Duration {
			d := time.Duration(draw(120)+1) * time.Minute
			ends[job.ID] = time.Now().Add(d)
			return d
		}
		o.JobRetention = time.Duration(draw(20)+1) * time.Minute
		o.ReadSetListLag = time.Duration(draw(14)) * time.Minute
		o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
			if r.Op == omicstest.OpGet && silent == 0 && time.Now().After(ends[r.JobID]) {
				return jsonBody(200, `{"id":"`+r.JobID+`","status":"COMPLETED","sources":[]}`), draw(2) == 0
			}
			if silent == 1 && draw(4) == 0 {
				return omicstest.Status(500, "InternalServerException", "x"), r.Op != omicstest.OpStart
			}
			return omicstest.Fault{}, false
		}
	})
	sources := testSources(6)
	mem := new(memoryJournal)
	cut := func(d time.Duration) (context.Context, context.CancelFunc) {
		return context.WithTimeout(t.Context(), d)
	}
	failed := ""
	for range 4 {
		c := newTestClient(t, service, journaled(mem), func(o *Options) { o.SourcesPerJob = 1 + draw(3) })
		var group sync.WaitGroup
		ctx, cancel := cut(time.Duration(draw(400)+1) * time.Minute)
		for range 2 {
			d := time.Duration(draw(300)+1) * time.Minute
			lead := time.Duration(draw(100)) * time.Minute
			n, from := 1+draw(4), draw(3)
			group.Go(func() {
				time.Sleep(lead)
				ctx, cancel := cut(d)
				defer cancel()
				report, err := c.Import(ctx, testTarget, sources[from:min(from+n, 6)])
				mu.Lock()
				defer mu.Unlock()
				if err != nil && strings.Contains(err.Error(), "journal: ") {
					failed += err.Error() + "\n"
				}
				for i, res := range report.Results {
					if res.Index != i || res.Source.Source1 != sources[from+i].Source1 {
						failed += fmt.Sprintf("wrong result %+v\n", res)
					}
				}
			})
		}
		group.Go(func() {
			for ctx.Err() == nil {
				time.Sleep(time.Duration(draw(600)+1) * time.Second)
				for _, job := range service.Jobs(testTarget.SequenceStoreID) {
					if draw(3) == 0 {
						c.Notify(JobRef{testTarget.SequenceStoreID, job.ID})
					}
				}
			}
		})
		group.Wait()
		cancel()
		require.Empty(t, failed)
		l := ledger.New(mem)
		require.NoError(t, l.Open(t.Context()))
		made := make(map[string]string)
		for _, set := range service.ReadSets(testTarget.SequenceStoreID) {
			require.Empty(t, made[set.Source.Source1], "imported twice")
			made[set.Source.Source1] = set.ID
		}
		for _, s := range sources {
			if id := l.Source(testTarget.Fingerprint(s)).ReadSetID; id != "" {
				require.Equal(t, made[s.Source1], id)
			}
		}
	}
}
