package readsetimport

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/ledger"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

// lostBeforeSent leaves a batch in the journal of which the request was lost on its way.
func lostBeforeSent(t *testing.T, service *omicstest.Service, mem journal.Journal, sources ...Source) {
	t.Helper()
	service.Inject(omicstest.OpStart, omicstest.DropBefore())
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := newTestClient(t, service, journaled(mem), noTokens).Import(ctx, testTarget, sources)
	require.ErrorIs(t, err, ErrUnresolved)
}

func noTokens(o *Options) { o.TokenWindow = -1 }

// Was wrong: a source is imported twice. A person settles that a source came by another's job; that makes the job known
// (ledger.apply of a settled marks its JobID in l.jobs), so that Adopt never reads it, and what else it brought in is sent.
func TestSettledJobIsNeverAdopted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.TokenWindow = -1 })
		sources := testSources(2)
		mem := new(memoryJournal)
		lostBeforeSent(t, service, mem, sources[0])
		foreign(t, service, sources...)
		time.Sleep(time.Hour)
		c := newTestClient(t, service, journaled(mem), noTokens)
		_, err := c.Import(t.Context(), testTarget, sources[:1])
		require.ErrorIs(t, err, ErrUnresolved, "a job has this source and another one")
		doubts, err := c.Doubts(t.Context(), testTarget)
		require.NoError(t, err)
		require.Len(t, doubts, 1)
		ids := make(map[Fingerprint]string)
		for _, set := range service.ReadSets(testTarget.SequenceStoreID) {
			if set.Source.Source1 == sources[0].Source1 {
				ids[testTarget.Fingerprint(sources[0])] = set.ID
			}
		}
		require.NoError(t, c.Settle(t.Context(), doubts[0], ids))
		c = newTestClient(t, service, journaled(mem), noTokens)
		found, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		t.Logf("%+v", found)
		_, err = c.Import(t.Context(), testTarget, sources)
		require.NoError(t, err)
		requireSentOnce(t, service, sources)
	})
}

// Was wrong: a source is imported twice. Another's job carries two sources, of which two batches are in doubt. Once the one is
// settled, the job is known, and the search for the other batch passes it over.
func TestSettledJobHidesAnotherDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.TokenWindow = -1 })
		sources := testSources(2)
		mem := new(memoryJournal)
		lostBeforeSent(t, service, mem, sources[0])
		lostBeforeSent(t, service, mem, sources[1])
		foreign(t, service, sources...)
		time.Sleep(time.Hour)
		c := newTestClient(t, service, journaled(mem), noTokens)
		doubts, err := c.Doubts(t.Context(), testTarget)
		require.NoError(t, err)
		require.Len(t, doubts, 2)
		for _, set := range service.ReadSets(testTarget.SequenceStoreID) {
			if f := testTarget.Fingerprint(sources[0]); set.Source.Source1 == sources[0].Source1 {
				for _, d := range doubts {
					if d.Sources[0].Fingerprint == f {
						require.NoError(t, c.Settle(t.Context(), d, map[Fingerprint]string{f: set.ID}))
					}
				}
			}
		}
		_, err = c.Import(t.Context(), testTarget, sources)
		t.Log(err)
		requireSentOnce(t, service, sources)
	})
}

// Was wrong: a source is imported twice. A job runs with a source that is in doubt and one that is not. Adopt counts both as
// Running ("the next import waits for them") and remembers neither.
func TestAdoptRunningJobAroundDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.TokenWindow, o.JobDuration = -1, omicstest.FixedDuration(3*time.Hour)
		})
		sources := testSources(2)
		mem := new(memoryJournal)
		lostBeforeSent(t, service, mem, sources[0])
		foreign(t, service, sources...)
		time.Sleep(time.Hour)
		c := newTestClient(t, service, journaled(mem), noTokens)
		found, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		require.Equal(t, &Adoption{Jobs: 1, Running: 2}, found)
		_, err = c.Import(t.Context(), testTarget, sources)
		t.Log(err)
		requireSentOnce(t, service, sources)
	})
}

// Was wrong: a source is imported twice. An import has a source in hand, unsent, when Adopt finds a job that runs with it and
// another source. The job becomes known without the source in hand, which nobody waits for once the import lets go.
func TestAdoptRunningJobPartlyInHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(2 * time.Hour) })
		sources := testSources(3)
		mem := new(memoryJournal)
		c := newTestClient(t, service, journaled(mem), func(o *Options) { o.SourcesPerJob, o.MaxActiveJobs = 1, 1 })
		ctx, cancel := context.WithCancelCause(t.Context())
		imported := make(chan error, 1)
		foreign(t, service, sources[1:]...)
		go func() {
			_, err := c.Import(ctx, testTarget, sources[:2])
			imported <- err
		}()
		time.Sleep(30 * time.Minute)
		_, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		cancel(errors.New("enough"))
		require.Error(t, <-imported)
		_, err = c.Adopt(t.Context(), testTarget) // nothing is in hand any more
		require.NoError(t, err)
		for range 2 {
			_, err := c.Import(t.Context(), testTarget, sources)
			require.NoError(t, err)
			c = newTestClient(t, service, journaled(mem))
		}
		requireSentOnce(t, service, sources)
	})
}

// Was wrong: a job of another program has one source twice, runs when it is adopted, and fails. Its end is written with the source
// twice, which the ledger refuses: the journal counts as broken, and no import with it gets on.
func TestAdoptedJobWithOneSourceTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(2 * time.Hour)
			o.JobOutcome = func(job omicstest.Job) (types.ReadSetImportJobStatus, string) {
				if job.ClientToken == "" {
					return types.ReadSetImportJobStatusFailed, "no such file"
				}
				return types.ReadSetImportJobStatusCompleted, ""
			}
		})
		sources := testSources(2)
		mem := new(memoryJournal)
		foreign(t, service, sources[0], sources[0])
		time.Sleep(time.Minute)
		_, err := newTestClient(t, service, journaled(mem)).Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		for i := range 3 {
			_, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
			t.Log(i, err)
			if err != nil {
				require.NotContains(t, err.Error(), "journal")
			}
		}
	})
}

// Was wrong: as above, and the job's record is gone: the doubt cannot be settled either way, and trying to breaks the journal.
func TestSettleOneSourceTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration, o.JobRetention = omicstest.FixedDuration(2*time.Hour), time.Hour
		})
		sources := testSources(2)
		mem := new(memoryJournal)
		foreign(t, service, sources[0], sources[0])
		time.Sleep(time.Minute)
		c := newTestClient(t, service, journaled(mem))
		_, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		time.Sleep(8 * 24 * time.Hour)
		doubts, err := c.Doubts(t.Context(), testTarget)
		require.NoError(t, err)
		require.Len(t, doubts, 1)
		t.Log(doubts[0].Sources)
		ids := map[Fingerprint]string{doubts[0].Sources[0].Fingerprint: service.ReadSets(testTarget.SequenceStoreID)[0].ID}
		t.Log(c.Settle(t.Context(), doubts[0], ids))
		t.Log(c.Settle(t.Context(), doubts[0], nil))
		_, err = c.Import(t.Context(), testTarget, sources[1:])
		require.NoError(t, err)
	})
}

// Was wrong: a source is imported twice. Settle reads the job of the doubt, which says by now that the source is in the store, and
// writes down all the same that it is not.
func TestSettleAgainstTheJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		silent := true
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(time.Hour)
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.Status(404, "ResourceNotFoundException", "no such job"), silent && r.Op == omicstest.OpGet
			}
		})
		sources := testSources(2)
		mem := new(memoryJournal)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err := newTestClient(t, service, journaled(mem)).Import(ctx, testTarget, sources)
		cancel()
		require.Error(t, err)
		time.Sleep(3 * time.Hour)
		c := newTestClient(t, service, journaled(mem))
		doubts, err := c.Doubts(t.Context(), testTarget)
		require.NoError(t, err)
		require.Len(t, doubts, 1)
		silent = false
		t.Log(c.Settle(t.Context(), doubts[0], nil))
		_, err = c.Import(t.Context(), testTarget, sources)
		require.NoError(t, err)
		requireSentOnce(t, service, sources)
	})
}

// Was wrong: imported twice. A source in hand was found in the store by Adopt (a spare). Its own request is lost, and the next
// import's search passes over the job that brought it, since that is known, and sends again what the journal knows to be in.
func TestSpareBehindADoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration, o.TokenWindow = omicstest.FixedDuration(2*time.Hour), -1
		})
		sources := testSources(2)
		mem := new(memoryJournal)
		foreign(t, service, sources[1])
		time.Sleep(3 * time.Hour)
		c := newTestClient(t, service, journaled(mem), noTokens, func(o *Options) { o.SourcesPerJob, o.MaxActiveJobs = 1, 1 })
		ctx, cancel := context.WithCancelCause(t.Context())
		imported := make(chan error, 1)
		go func() {
			_, err := c.Import(ctx, testTarget, sources)
			imported <- err
		}()
		time.Sleep(30 * time.Minute)
		_, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		service.Inject(omicstest.OpStart, omicstest.DropBefore()) // of the second batch
		for len(service.Requests(omicstest.OpStart)) < 2 {
			time.Sleep(time.Second)
		}
		cancel(errors.New("enough"))
		require.Error(t, <-imported)
		report, err := newTestClient(t, service, journaled(mem), noTokens).Import(t.Context(), testTarget, sources)
		t.Log(err, report.Results[1].AlreadyImported)
		requireSentOnce(t, service, sources)
	})
}

// Was wrong: a result names a job that did not make its read set. Settle writes all sources of a doubt as those of one job, the first
// that it comes upon, or the one that the doubt names.
func TestSettleNamesAWrongJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.TokenWindow = -1 })
		sources := testSources(2)
		mem := new(memoryJournal)
		lostBeforeSent(t, service, mem, sources...)
		foreign(t, service, sources[0])
		foreign(t, service, sources[1])
		time.Sleep(time.Hour)
		c := newTestClient(t, service, journaled(mem), noTokens)
		doubts, err := c.Doubts(t.Context(), testTarget)
		require.NoError(t, err)
		ids, jobs := make(map[Fingerprint]string), make(map[string]string)
		for _, set := range service.ReadSets(testTarget.SequenceStoreID) {
			jobs[set.ID] = set.JobID
			for _, s := range sources {
				if s.Source1 == set.Source.Source1 {
					ids[testTarget.Fingerprint(s)] = set.ID
				}
			}
		}
		require.NoError(t, c.Settle(t.Context(), doubts[0], ids))
		report, err := c.Import(t.Context(), testTarget, sources)
		require.NoError(t, err)
		for _, res := range report.Results {
			require.Equal(t, jobs[res.ReadSetID], res.JobID)
		}
	})
}

// Was wrong: no end. A job that carried only what another brought in, and whose record is gone, stays under way for ever: each import
// looks at it again, with a slot, until it has been told ten times that there is no such job; Doubts does not list it.
func TestRivalJobIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration, o.JobRetention = omicstest.FixedDuration(2*time.Hour), time.Hour
		})
		sources := testSources(2)
		mem := new(memoryJournal)
		foreign(t, service, sources[0])
		time.Sleep(90 * time.Minute)
		foreign(t, service, sources[0])
		c := newTestClient(t, service, journaled(mem))
		_, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		report, err := c.Import(t.Context(), testTarget, sources[:1]) // waits for the first job
		require.NoError(t, err)
		require.NoError(t, report.Results[0].Err)
		time.Sleep(30 * 24 * time.Hour)
		doubts, err := newTestClient(t, service, journaled(mem)).Doubts(t.Context(), testTarget)
		require.NoError(t, err)
		for i := range 3 {
			before := len(service.Requests(omicstest.OpGet))
			slow := testSources(3 + i)[2+i:]
			_, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, slow)
			require.NoError(t, err)
			t.Log(len(doubts), len(service.Requests(omicstest.OpGet))-before)
		}
		l := ledger.New(mem)
		require.NoError(t, l.Open(t.Context()))
		require.Empty(t, l.UnderWay(testTarget.SequenceStoreID), "nobody waits for it any more")
	})
}

// Was wrong: Settle of a Doubt whose store id is none (an empty one, one that was cut off) writes a record of where that store is before
// it looks at anything; one that is long enough breaks the journal for the client.
func TestSettleOfNoStore(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"", "x", "12345\n67890"} {
		mem := new(memoryJournal)
		require.Error(t, newTestClient(t, omicstest.New(), journaled(mem)).Settle(t.Context(), Doubt{SequenceStoreID: id}, nil))
		require.Empty(t, mem.records)
	}
	j, err := journal.Open(filepath.Join(t.TempDir(), "journal"))
	require.NoError(t, err)
	c := newTestClient(t, omicstest.New(), journaled(j))
	require.Error(t, c.Settle(t.Context(), Doubt{SequenceStoreID: strings.Repeat("1", 2<<20)}, nil))
	_, err = c.Adopt(t.Context(), testTarget)
	require.NoError(t, err)
	require.NoError(t, j.Close())
}

// Was wrong: no end for a person. Of a job that has ended, one source is told and the other is not, and no import has written that down.
// Doubts lists the one, and Settle takes no decision on it: "list the doubts again" gives the same.
func TestSettleBesideWhatIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(time.Hour)
			o.Outcome = func(s omicstest.Source) omicstest.Outcome {
				if s.Source1 == testSources(1)[0].Source1 {
					return omicstest.Outcome{Status: types.ReadSetImportJobItemStatusInProgress}
				}
				return omicstest.Outcome{}
			}
		})
		sources := testSources(2)
		mem := new(memoryJournal)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err := newTestClient(t, service, journaled(mem)).Import(ctx, testTarget, sources)
		cancel()
		require.Error(t, err)
		time.Sleep(3 * time.Hour)
		for range 3 {
			c := newTestClient(t, service, journaled(mem))
			doubts, err := c.Doubts(t.Context(), testTarget)
			require.NoError(t, err)
			require.Len(t, doubts, 1)
			if err = c.Settle(t.Context(), doubts[0], nil); err == nil {
				return
			}
			t.Log(err)
		}
		t.Fail()
	})
}

// Was wrong: no end. A job has one source twice, runs when it is adopted, and brings it in twice. Its answer counts as contradictory for ever:
// every import says that it is unknown whether the source was imported, and neither Adopt nor Settle helps.
func TestOneSourceTwiceIsImported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(2 * time.Hour) })
		sources := testSources(1)
		mem := new(memoryJournal)
		foreign(t, service, sources[0], sources[0])
		time.Sleep(time.Minute)
		_, err := newTestClient(t, service, journaled(mem)).Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		_, err = newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
		t.Log(err)
		c := newTestClient(t, service, journaled(mem))
		_, err = c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		doubts, err := c.Doubts(t.Context(), testTarget)
		require.NoError(t, err)
		t.Log(doubts)
		_, err = c.Import(t.Context(), testTarget, sources)
		require.NoError(t, err)
	})
}

// Was wrong: a person's decision is taken against the store. Two sources of a doubt are of one job that can be read, and is: that the one
// is said to be one of its read sets, and the other not to be imported, is written although the job says that both are in.
func TestSettleHalfOfAJob(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.TokenWindow = -1 })
		sources := testSources(2)
		mem := new(memoryJournal)
		lostBeforeSent(t, service, mem, sources...)
		foreign(t, service, sources...)
		time.Sleep(time.Hour)
		c := newTestClient(t, service, journaled(mem), noTokens)
		doubts, err := c.Doubts(t.Context(), testTarget)
		require.NoError(t, err)
		ids := make(map[Fingerprint]string)
		for _, set := range service.ReadSets(testTarget.SequenceStoreID) {
			if set.Source.Source1 == sources[0].Source1 {
				ids[testTarget.Fingerprint(sources[0])] = set.ID
			}
		}
		require.Error(t, c.Settle(t.Context(), doubts[0], ids))
	})
}
