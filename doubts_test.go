package readsetimport

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/ledger"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

// doubtful returns a service and a journal with a batch of which the answer was lost, and of which the job's record is gone.
func doubtful(t *testing.T, sources []Source) (*omicstest.Service, *memoryJournal) {
	service := omicstest.New(func(o *omicstest.Options) {
		o.JobRetention, o.JobDuration = time.Hour, omicstest.FixedDuration(time.Hour)
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			if s.Source1 == testSources(3)[2].Source1 {
				return omicstest.Failed("no such file")
			}
			return omicstest.Outcome{}
		}
	})
	service.Inject(omicstest.OpStart, omicstest.DropAfter())
	mem := new(memoryJournal)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := newTestClient(t, service, journaled(mem)).Import(ctx, testTarget, sources)
	require.ErrorIs(t, err, ErrUnresolved)
	time.Sleep(8 * 24 * time.Hour)
	return service, mem
}

// A doubt that nothing can settle is told with what to look at, and a person's decision is the end of it.
func TestDoubtsAndSettle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sources := testSources(3)
		service, mem := doubtful(t, sources)
		for range 2 { // in the second, nothing new is written
			report, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
			require.ErrorIs(t, err, ErrUnresolved)
			var doubt *DoubtError
			require.ErrorAs(t, report.Results[0].Err, &doubt)
			require.Len(t, doubt.ReadSetIDs, 2)
		}
		require.Equal(t, []journal.Kind{journal.Placed, journal.Sending, journal.Doubted}, mem.kinds())
		c := newTestClient(t, service, journaled(mem))
		doubts, err := c.Doubts(t.Context(), testTarget)
		require.NoError(t, err)
		require.Len(t, doubts, 1)
		d := doubts[0]
		sets := service.ReadSets(testTarget.SequenceStoreID)
		ids := make(map[Fingerprint]string)
		for i, s := range d.Sources {
			require.Equal(t, testTarget.Fingerprint(sources[i]), s.Fingerprint)
			if i < 2 {
				require.Equal(t, []string{sets[i].ID}, s.ReadSetIDs)
				ids[s.Fingerprint] = sets[i].ID
			} else {
				require.Empty(t, s.ReadSetIDs)
			}
		}
		require.NoError(t, c.Settle(t.Context(), d, ids))
		require.ErrorIs(t, c.Settle(t.Context(), d, ids), ledger.ErrSettled)
		doubts, err = c.Doubts(t.Context(), testTarget)
		require.NoError(t, err)
		require.Empty(t, doubts)
		for _, c := range []*Client{c, newTestClient(t, service, journaled(mem))} {
			report, err := c.Import(t.Context(), testTarget, sources)
			require.ErrorIs(t, err, ErrIncomplete)
			require.NotErrorIs(t, err, ErrUnresolved)
			for i, res := range report.Results {
				require.Equal(t, i < 2, res.AlreadyImported)
				if i < 2 {
					require.Equal(t, sets[i].ID, res.ReadSetID)
					require.Equal(t, sets[i].JobID, res.JobID)
				}
			}
		}
		require.Len(t, service.ReadSets(testTarget.SequenceStoreID), 2)
	})
}

// What the store or the journal contradicts is not settled.
func TestSettleRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sources := testSources(3)
		service, mem := doubtful(t, sources)
		upload, err := service.Upload(testTarget.SequenceStoreID, omicstest.Upload{Source: sourceAsSent(sources[0])})
		require.NoError(t, err)
		other := foreign(t, service, testSources(4)[3])
		c := newTestClient(t, service, journaled(mem))
		doubts, err := c.Doubts(t.Context(), testTarget)
		require.NoError(t, err)
		d := doubts[0]
		time.Sleep(61 * time.Minute)
		sets := service.ReadSets(testTarget.SequenceStoreID)
		ofOther := sets[len(sets)-1]
		require.Equal(t, other.ID, ofOther.JobID)
		require.NoError(t, service.DeleteReadSet(sets[1].ID))
		f := d.Sources[0].Fingerprint
		for want, ids := range map[string]map[Fingerprint]string{
			"is no id of a read set":             {f: "x"},
			"is not in the store":                {f: "1111111111"},
			"read set " + sets[1].ID + " is not": {f: sets[1].ID},
			"of other files":                     {f: ofOther.ID},
			"none of the doubt":                  {Fingerprint{1}: sets[0].ID},
			"is that of source":                  {f: sets[0].ID, d.Sources[1].Fingerprint: sets[0].ID},
		} {
			require.ErrorContains(t, c.Settle(t.Context(), d, ids), want)
		}
		stale := d
		stale.Sources = append(d.Sources[:2:2], journal.DoubtSource{Fingerprint: Fingerprint{1}})
		require.ErrorIs(t, c.Settle(t.Context(), stale, nil), ledger.ErrSettled)
		elsewhere := d
		elsewhere.SequenceStoreID = "9999999999"
		require.ErrorIs(t, c.Settle(t.Context(), elsewhere, nil), ledger.ErrSettled)
		require.ErrorIs(t, newTestClient(t, service).Settle(t.Context(), d, nil), errNoJournal)
		_, err = newTestClient(t, service).Doubts(t.Context(), testTarget)
		require.ErrorIs(t, err, errNoJournal)
		ctx, cancel := context.WithCancelCause(t.Context())
		imported := make(chan error, 1)
		go func() {
			_, err := c.Import(ctx, testTarget, sources)
			imported <- err
		}()
		time.Sleep(time.Millisecond)
		require.ErrorIs(t, c.Settle(t.Context(), d, nil), ledger.ErrHeld)
		cancel(errors.New("enough"))
		require.Error(t, <-imported)
		require.NoError(t, c.Settle(t.Context(), d, map[Fingerprint]string{f: upload}), "an upload of the same files is a person's matter")
	})
}

// A job that runs, and one that tells what became of its sources, are in no doubt; one that is gone is.
func TestDoubtsOfJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobRetention, o.JobDuration = time.Hour, omicstest.FixedDuration(time.Hour)
		})
		sources := testSources(2)
		mem := new(memoryJournal)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := newTestClient(t, service, journaled(mem)).Import(ctx, testTarget, sources)
		require.Error(t, err)
		for _, in := range []int{0, 0, 1} { // it runs, it has ended, its record is gone
			c := newTestClient(t, service, journaled(mem))
			doubts, err := c.Doubts(t.Context(), testTarget)
			require.NoError(t, err)
			require.Len(t, doubts, in)
			d := Doubt{
				SequenceStoreID: testTarget.SequenceStoreID, ClientToken: mem.records[1].ClientToken, JobID: mem.records[2].JobID,
				Sources: []journal.DoubtSource{{Fingerprint: testTarget.Fingerprint(sources[0])}, {Fingerprint: testTarget.Fingerprint(sources[1])}},
			}
			if in == 1 {
				require.Equal(t, d.Sources, doubts[0].Sources)
			} else if service.Jobs(testTarget.SequenceStoreID)[0].CompletionTime.IsZero() {
				require.ErrorContains(t, c.Settle(t.Context(), d, nil), "tells what became of")
			}
			time.Sleep(80 * time.Minute)
		}
	})
}
