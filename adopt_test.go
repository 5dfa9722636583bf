package readsetimport

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// usedStore is a store into which jobs of sources were imported, of which every tenth failed, and from which every step-th of
// the read sets was deleted. It returns the sources, and those of them that are not in the store.
func usedStore(t *testing.T, service *omicstest.Service, jobs, perJob, step int) (sources []Source, missing map[string]bool) {
	sources = testSources(jobs * perJob)
	for batch := range slices.Chunk(sources, perJob) {
		foreign(t, service, batch...)
	}
	time.Sleep(time.Hour)
	missing = make(map[string]bool)
	for _, s := range sources {
		missing[s.Source1] = true
	}
	sets := service.ReadSets(testTarget.SequenceStoreID)
	for i, set := range sets {
		if i%step == 0 {
			require.NoError(t, service.DeleteReadSet(set.ID))
			continue
		}
		delete(missing, set.Source1)
	}
	return sources, missing
}

// everyTenthFails has every tenth of the first most sources fail.
func everyTenthFails(most int) func(omicstest.Source) omicstest.Outcome {
	n := 0
	return func(omicstest.Source) omicstest.Outcome {
		if n++; n%10 == 0 && n <= most {
			return omicstest.Failed("File validation failed")
		}
		return omicstest.Outcome{}
	}
}

// requireComplete checks that each source is in the store once.
func requireComplete(t *testing.T, service *omicstest.Service, sources []Source) {
	count := make(map[string]int)
	for _, set := range service.ReadSets(testTarget.SequenceStoreID) {
		if set.Status == types.ReadSetStatusActive {
			count[set.Source1]++
		}
	}
	require.Len(t, count, len(sources))
	for uri, n := range count {
		require.Equal(t, 1, n, uri)
	}
}

// After a thousand jobs of a hundred sources, of which a tenth failed and 500 read sets were deleted, Adopt with an empty
// journal and then the import of the whole sheet start jobs for exactly what is missing.
func TestAdoptAndImport(t *testing.T) {
	if underRace {
		t.Skip("a hundred thousand sources")
	}
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.RequestRate = 5
			o.Outcome = everyTenthFails(100_000)
		})
		sources, missing := usedStore(t, service, 1000, 100, 180)
		require.Len(t, missing, 10_500)
		mem := new(memoryJournal)
		c := newTestClient(t, service, journaled(mem))

		begin := time.Now()
		found, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		require.Equal(t, &Adoption{Jobs: 1000, Imported: 89_500, Failed: 10_000, Gone: 500}, found)
		looks := time.Duration(1000 / c.opts.RequestRate * float64(time.Second))
		require.LessOrEqual(t, time.Since(begin).Seconds(), 1.1*looks.Seconds())
		t.Logf("%.3f of what 1000 looks take", time.Since(begin).Seconds()/looks.Seconds())

		before := len(service.Requests(omicstest.OpGet))
		again, err := newTestClient(t, service, journaled(mem)).Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		require.Equal(t, &Adoption{Jobs: 1000, Known: 1000}, again)
		require.Len(t, service.Requests(omicstest.OpGet), before)

		report, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
		require.NoError(t, err)
		for _, res := range report.Results {
			require.Equal(t, missing[res.Source.Source1], !res.AlreadyImported, res.Source.Source1)
		}
		require.Len(t, service.Requests(omicstest.OpStart), (len(missing)+99)/100)
		requireComplete(t, service, sources)
	})
}

// The same holds if the process that adopts is killed at any of its steps, and another adopts again: at a record, which is
// written or not, and at a request, which is answered or not.
func TestAdoptKilled(t *testing.T) {
	t.Parallel()
	const jobs, perJob = 12, 10
	for _, kill := range []struct {
		what  string
		steps int
	}{{"record", jobs + 1}, {"request", jobs + 3}} {
		for step := range kill.steps {
			synctest.Test(t, func(t *testing.T) {
				var killed *memoryJournal
				requests := -1 // until it begins
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				service := omicstest.New(func(o *omicstest.Options) {
					o.Outcome = everyTenthFails(jobs * perJob)
					o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
						if requests >= 0 && kill.what == "request" {
							if requests++; requests > step {
								killed.kill()
								cancel(errKilled)
							}
						}
						return omicstest.Fault{}, false
					}
				})
				sources, missing := usedStore(t, service, jobs, perJob, 20)
				killed = new(memoryJournal)
				if kill.what == "record" {
					killed.failAt = step + 1
				}
				requests = 0
				_, err := newTestClient(t, service, journaled(killed)).Adopt(ctx, testTarget)
				require.Error(t, err, "%s %d", kill.what, step)
				requests = -1

				mem := &memoryJournal{records: killed.records}
				found, err := newTestClient(t, service, journaled(mem)).Adopt(t.Context(), testTarget)
				require.NoError(t, err, "%s %d", kill.what, step)
				require.Equal(t, jobs, found.Jobs)
				report, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
				require.NoError(t, err)
				for _, res := range report.Results {
					require.Equal(t, missing[res.Source.Source1], !res.AlreadyImported, "%s %d: %s", kill.what, step, res.Source.Source1)
				}
				requireComplete(t, service, sources)
			})
		}
	}
}

var errKilled = errors.New("killed")

// kill has every further Append fail.
func (j *memoryJournal) kill() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.failAt = 1
}
