package readsetimport

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// sentTimes returns how often a source was sent by requests that started a job, others' jobs not counted.
func sentTimes(service *omicstest.Service, s Source) (n int) {
	for _, job := range service.Jobs(testTarget.SequenceStoreID) {
		for _, js := range job.Sources {
			if js.Source1 == s.Source1 {
				n++
			}
		}
	}
	return n
}

func requireSentOnce(t *testing.T, service *omicstest.Service, sources []Source) {
	t.Helper()
	for _, s := range sources {
		require.Equal(t, 1, sentTimes(service, s))
	}
}

// One source of a job is in doubt: the others are adopted, and the job stays unknown, since it may be the one in doubt.
func TestAdoptAroundDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.TokenWindow = -1 })
		service.Inject(omicstest.OpStart, omicstest.DropBefore())
		sources := testSources(4)
		mem := new(memoryJournal)
		noToken := func(o *Options) { o.TokenWindow = -1 }
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, err := newTestClient(t, service, journaled(mem), noToken).Import(ctx, testTarget, sources[:1])
		cancel()
		require.ErrorIs(t, err, ErrUnresolved)
		foreign(t, service, sources[:3]...)
		time.Sleep(time.Hour)
		c := newTestClient(t, service, journaled(mem), noToken)
		found, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		require.Equal(t, &Adoption{Jobs: 1, Imported: 2, Running: 1}, found)
		records := len(mem.records)
		found, err = c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		require.Equal(t, &Adoption{Jobs: 1, Running: 1}, found, "the job may be the one in doubt, so that it is looked at again")
		require.Equal(t, records, len(mem.records))
		report, err := newTestClient(t, service, journaled(mem), noToken).Import(t.Context(), testTarget, sources)
		require.ErrorIs(t, err, ErrUnresolved)
		require.ErrorIs(t, report.Results[0].Err, ErrUnresolved)
		for _, res := range report.Results[1:3] {
			require.True(t, res.AlreadyImported)
		}
		require.NoError(t, report.Results[3].Err)
		requireSentOnce(t, service, sources)
	})
}

// What an import had in hand when it was adopted counts once the import lets go.
func TestAdoptWhatIsInHand(t *testing.T) {
	t.Parallel()
	for name, ended := range map[string]bool{"in the store": true, "on its way": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(2 * time.Hour) })
				sources := testSources(2)
				mem := new(memoryJournal)
				c := newTestClient(t, service, journaled(mem), func(o *Options) { o.SourcesPerJob, o.MaxActiveJobs = 1, 1 })
				ctx, cancel := context.WithCancelCause(t.Context())
				imported := make(chan error, 1)
				foreign(t, service, sources[1])
				if ended {
					time.Sleep(3 * time.Hour)
				}
				go func() {
					_, err := c.Import(ctx, testTarget, sources)
					imported <- err
				}()
				time.Sleep(30 * time.Minute)
				_, err := c.Adopt(t.Context(), testTarget)
				require.NoError(t, err)
				cancel(errors.New("enough"))
				require.Error(t, <-imported)
				if !ended {
					_, err = c.Adopt(t.Context(), testTarget)
					require.NoError(t, err)
				}
				for range 2 { // by the memory of this client, and by the journal
					_, err := c.Import(t.Context(), testTarget, sources)
					require.NoError(t, err)
					c = newTestClient(t, service, journaled(mem))
				}
				requireSentOnce(t, service, sources)
			})
		})
	}
}

// Of a source that is in the store twice, one read set is deleted, and then the other.
func TestAdoptedDoubleIsDeleted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		s := testSources(1)
		foreign(t, service, s...)
		time.Sleep(time.Second)
		foreign(t, service, s...)
		time.Sleep(time.Hour)
		sets := service.ReadSets(testTarget.SequenceStoreID)
		mem := new(memoryJournal)
		found, err := newTestClient(t, service, journaled(mem)).Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		require.Len(t, found.Doubles, 1)
		for i, set := range sets {
			require.NoError(t, service.DeleteReadSet(set.ID))
			found, err := newTestClient(t, service, journaled(mem)).Adopt(t.Context(), testTarget)
			require.NoError(t, err)
			require.Equal(t, &Adoption{Jobs: 2, Known: 2, Gone: i}, found)
			report, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, s)
			require.NoError(t, err)
			if i == 0 {
				require.Equal(t, sets[1].ID, report.Results[0].ReadSetID)
			}
		}
		require.Len(t, service.Requests(omicstest.OpStart), 1)
	})
}

// A job of the journal fails on a source that another's job brings in meanwhile.
func TestAdoptedWhileOwnJobFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sources := testSources(1)
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(2 * time.Hour)
			o.JobOutcome = func(job omicstest.Job) (types.ReadSetImportJobStatus, string) {
				if job.ClientToken != "" {
					return types.ReadSetImportJobStatusFailed, "no such file"
				}
				return types.ReadSetImportJobStatusCompleted, ""
			}
		})
		foreign(t, service, sources...)
		time.Sleep(90 * time.Minute)
		mem := new(memoryJournal)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err := newTestClient(t, service, journaled(mem)).Import(ctx, testTarget, sources)
		cancel()
		require.Error(t, err)
		time.Sleep(time.Hour)
		c := newTestClient(t, service, journaled(mem))
		_, err = c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		for range 3 { // its own job fails in the first
			report, err := c.Import(t.Context(), testTarget, sources)
			require.NoError(t, err)
			require.True(t, report.Results[0].AlreadyImported)
			c = newTestClient(t, service, journaled(mem))
		}
		require.Equal(t, 2, sentTimes(service, sources[0]))
	})
}

// A job that names no sources is looked at again the next time.
func TestAdoptJobWithoutSources(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		s := testSources(1)
		job := foreign(t, service, s...)
		time.Sleep(time.Hour)
		mem := new(memoryJournal)
		service.Inject(omicstest.OpGet, omicstest.Raw(200, nil, func() io.Reader {
			return strings.NewReader(`{"id":"` + job.ID + `","sequenceStoreId":"` + testTarget.SequenceStoreID + `","status":"COMPLETED","sources":[]}`)
		}))
		found, err := newTestClient(t, service, journaled(mem)).Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		require.Equal(t, &Adoption{Jobs: 1, Unread: 1}, found)
		found, err = newTestClient(t, service, journaled(mem)).Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		require.Equal(t, &Adoption{Jobs: 1, Imported: 1}, found)
	})
}

// Two jobs of others carry a source: the first fails, and what the second brings in is waited for.
func TestAdoptRivals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			first := true
			o.JobDuration = omicstest.FixedDuration(2 * time.Hour)
			o.JobOutcome = func(omicstest.Job) (types.ReadSetImportJobStatus, string) {
				if first {
					first = false
					return types.ReadSetImportJobStatusFailed, "no such file"
				}
				return types.ReadSetImportJobStatusCompleted, ""
			}
		})
		s := testSources(1)
		foreign(t, service, s...)
		time.Sleep(time.Hour)
		second := foreign(t, service, s...)
		mem := new(memoryJournal)
		c := newTestClient(t, service, journaled(mem))
		found, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		require.Equal(t, &Adoption{Jobs: 2, Running: 2}, found)
		report, err := c.Import(t.Context(), testTarget, s)
		require.ErrorIs(t, err, ErrUnresolved)
		require.Equal(t, second.ID, report.Results[0].JobID)
		for _, c := range []*Client{c, newTestClient(t, service, journaled(mem))} {
			report, err = c.Import(t.Context(), testTarget, s)
			require.NoError(t, err)
			require.Equal(t, second.ID, report.Results[0].JobID)
		}
		require.True(t, report.Results[0].AlreadyImported)
		require.Empty(t, service.Requests(omicstest.OpStart))
	})
}
