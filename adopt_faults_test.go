package readsetimport

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

// foreign starts a job as another program does.
func foreign(t *testing.T, service *omicstest.Service, sources ...Source) omicstest.Job {
	var all []omicstest.Source
	for _, s := range sources {
		all = append(all, omicstest.Source{Type: s.Type, Source1: s.Source1, SubjectID: s.SubjectID, SampleID: s.SampleID})
	}
	job, err := service.StartJob(testTarget.SequenceStoreID, testTarget.RoleARN, all...)
	require.NoError(t, err)
	return job
}

func TestAdoptRefused(t *testing.T) {
	t.Parallel()
	mem := new(memoryJournal)
	service := omicstest.New()
	_, err := newTestClient(t, service).Adopt(t.Context(), testTarget)
	require.ErrorIs(t, err, errNoJournal)
	withoutReadSets := struct{ API }{service.Client()}
	c, err := New(withoutReadSets, journaled(mem))
	require.NoError(t, err)
	_, err = c.Adopt(t.Context(), testTarget)
	require.ErrorIs(t, err, errNoReadSetAPI)
	_, err = newTestClient(t, service, journaled(mem)).Adopt(t.Context(), Target{SequenceStoreID: "x"})
	require.ErrorIs(t, err, ErrValidation)
	_, err = newTestClient(t, service, journaled(mem)).Adopt(t.Context(), Target{SequenceStoreID: "9999999999", RoleARN: testTarget.RoleARN})
	require.ErrorIs(t, err, ErrNotFound)
	elsewhere := &memoryJournal{records: []journal.Record{{
		Kind: journal.Placed, SequenceStoreID: testTarget.SequenceStoreID, Place: &journal.Place{Region: "eu-west-1", Account: "210987654321"},
	}}}
	_, err = newTestClient(t, service, journaled(elsewhere)).Adopt(t.Context(), testTarget)
	require.ErrorContains(t, err, "use a journal of its own for each place")
}

// Whatever is not permitted, the error says so, and what was adopted before it is in the journal and true.
func TestAdoptDenied(t *testing.T) {
	t.Parallel()
	for _, op := range []string{omicstest.OpList, omicstest.OpGet, omicstest.OpListReadSets, omicstest.OpGetReadSetMetadata} {
		synctest.Test(t, func(t *testing.T) {
			denied := true
			service := omicstest.New(func(o *omicstest.Options) {
				o.DeletedRetention = -1 // so that it is asked for what is not on the list
				o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
					return omicstest.AccessDenied(), denied && r.Op == op
				}
			})
			sources := testSources(4)
			for _, s := range sources {
				foreign(t, service, s)
			}
			time.Sleep(time.Hour)
			require.NoError(t, service.DeleteReadSet(service.ReadSets(testTarget.SequenceStoreID)[0].ID))
			mem := new(memoryJournal)
			_, err := newTestClient(t, service, journaled(mem)).Adopt(t.Context(), testTarget)
			require.ErrorIs(t, err, ErrAccessDenied, op)
			denied = false
			found, err := newTestClient(t, service, journaled(mem)).Adopt(t.Context(), testTarget)
			require.NoError(t, err)
			require.Equal(t, 4, found.Jobs)
			report, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
			require.NoError(t, err)
			require.Len(t, service.Requests(omicstest.OpStart), 1)
			require.Len(t, report.Imported(), 4)
			require.Len(t, service.ReadSets(testTarget.SequenceStoreID), 4)
		})
	}
}

// A job that runs is picked up by the next import, and waited for; it holds its slot from the first moment.
func TestAdoptWhatRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
		sources := testSources(30)
		job := foreign(t, service, sources[:20]...)
		mem := new(memoryJournal)
		c := newTestClient(t, service, journaled(mem), func(o *Options) { o.MaxActiveJobs = 1 })
		found, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		require.Equal(t, &Adoption{Jobs: 1, Running: 20}, found)
		begin := time.Now()
		report, err := c.Import(t.Context(), testTarget, sources[10:]) // the sheet has only some of its sources
		require.NoError(t, err)
		require.Greater(t, time.Since(begin), 2*time.Hour-time.Minute, "one job after the other")
		for i, res := range report.Results {
			require.Equal(t, i < 10, res.JobID == job.ID, i)
			require.False(t, res.AlreadyImported)
		}
		require.Len(t, service.Requests(omicstest.OpStart), 1)
		report, err = newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
		require.NoError(t, err)
		for _, res := range report.Results {
			require.True(t, res.AlreadyImported)
		}
	})
}

// A job that a batch in doubt may have started is left to the search for it.
func TestAdoptLeavesDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.TokenWindow = -1 })
		service.Inject(omicstest.OpStart, omicstest.DropAfter())
		sources := testSources(3)
		mem := new(memoryJournal)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, err := newTestClient(t, service, journaled(mem), func(o *Options) { o.TokenWindow = -1 }).Import(ctx, testTarget, sources)
		cancel()
		require.ErrorIs(t, err, ErrUnresolved)
		time.Sleep(time.Hour)
		c := newTestClient(t, service, journaled(mem), func(o *Options) { o.TokenWindow = -1 })
		found, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		require.Equal(t, &Adoption{Jobs: 1, Running: 3}, found)
		_, err = c.Import(t.Context(), testTarget, append(sources, testSources(4)[3]))
		require.NoError(t, err)
		require.Len(t, service.ReadSets(testTarget.SequenceStoreID), 4)
	})
}

// Of a source that is in the store more than once, the first is kept, and all are reported, also if there are many.
func TestAdoptDoubles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const times = 300
		service := omicstest.New()
		s := testSources(2)
		first := foreign(t, service, s[0], s[0], s[1])
		for range times - 2 {
			time.Sleep(time.Second)
			foreign(t, service, s[0])
		}
		time.Sleep(time.Hour)
		mem := new(memoryJournal)
		var events []Event
		c := newTestClient(t, service, journaled(mem), func(o *Options) {
			o.RequestRate = 1000
			o.OnEvent = func(e Event) { events = append(events, e) }
		})
		found, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		require.Len(t, found.Doubles, 1)
		require.Equal(t, times, len(found.Doubles[0]))
		jobs := make(map[string]string) // by read set
		for _, set := range service.ReadSets(testTarget.SequenceStoreID) {
			jobs[set.ID] = set.JobID
		}
		require.Equal(t, first.ID, jobs[found.Doubles[0][0].ReadSetID])
		ids := make(map[string]bool)
		for _, js := range found.Doubles[0] {
			require.Equal(t, s[0], js.Source)
			ids[js.ReadSetID] = true
		}
		require.Equal(t, times, len(ids))
		require.Equal(t, 2, found.Imported)
		require.Equal(t, times-1, len(events), "one for each job")
		last := events[len(events)-1]
		require.Equal(t, EventAdopted, last.Kind)
		require.Equal(t, Counts{Submitted: 2, Imported: 2}, last.Counts)
		report, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, s)
		require.NoError(t, err)
		require.Equal(t, found.Doubles[0][0].ReadSetID, report.Results[0].ReadSetID)
		require.Empty(t, service.Requests(omicstest.OpStart))
	})
}

// An import that has a source in hand goes on as if its job had not been adopted, and the journal can be read again.
func TestAdoptBesideImport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
		sources := testSources(2)
		foreign(t, service, sources[1])
		mem := new(memoryJournal)
		c := newTestClient(t, service, journaled(mem), func(o *Options) { o.SourcesPerJob, o.MaxActiveJobs = 1, 1 })
		imported := make(chan error, 1)
		go func() {
			_, err := c.Import(t.Context(), testTarget, sources)
			imported <- err
		}()
		time.Sleep(30 * time.Minute)
		found, err := c.Adopt(t.Context(), testTarget)
		require.NoError(t, err)
		require.Equal(t, &Adoption{Jobs: 2, Known: 1, Running: 1}, found, "the other source waits for its slot")
		require.NoError(t, <-imported)
		report, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
		require.NoError(t, err)
		require.True(t, report.Results[1].AlreadyImported)
	})
}

// What was imported a moment ago is not on the lists yet, and not gone.
func TestAdoptBehindTheList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.ReadSetListLag = time.Hour })
		sources := testSources(5)
		foreign(t, service, sources...)
		time.Sleep(time.Minute)
		mem := new(memoryJournal)
		c := newTestClient(t, service, journaled(mem))
		for range 2 {
			found, err := c.Adopt(t.Context(), testTarget)
			require.NoError(t, err)
			require.Zero(t, found.Gone)
		}
		_, err := c.Import(t.Context(), testTarget, sources)
		require.NoError(t, err)
		require.Empty(t, service.Requests(omicstest.OpStart))
	})
}

// Jobs before Since are not looked at.
func TestAdoptSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		s := testSources(2)
		foreign(t, service, s[0])
		time.Sleep(time.Hour)
		since := time.Now()
		foreign(t, service, s[1])
		time.Sleep(time.Hour)
		found, err := newTestClient(t, service, journaled(new(memoryJournal))).Adopt(t.Context(), testTarget, func(o *AdoptOptions) { o.Since = since.Add(-time.Second) })
		require.NoError(t, err)
		require.Equal(t, &Adoption{Jobs: 1, Imported: 1}, found)
	})
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for _, n := range []int{10, 250} { // one by one, and by the list
		synctest.Test(t, func(t *testing.T) {
			service := omicstest.New(func(o *omicstest.Options) {
				o.DeletedRetention = -1
				o.ReadSetListLag = 10 * time.Minute
				o.Content = func(uri string) string {
					if uri == "s3://bucket/run/0000004.bam" {
						return "s3://bucket/run/0000003.bam"
					}
					return uri
				}
			})
			c := newTestClient(t, service)
			report, err := c.Import(t.Context(), testTarget, testSources(n))
			require.NoError(t, err)
			clean, err := c.Verify(t.Context(), testTarget, report.Results)
			require.NoError(t, err)
			require.Len(t, clean, 1, "only the content that is there twice")

			results := report.Results
			require.NoError(t, service.DeleteReadSet(results[0].ReadSetID))
			require.NoError(t, service.SetReadSetStatus(results[1].ReadSetID, types.ReadSetStatusArchived, ""))
			results[2].Source.SampleID = "another"
			results[5].ReadSetID = "9999999999"
			results[6].Err = ErrUnresolved
			upload, err := service.Upload(testTarget.SequenceStoreID, omicstest.Upload{Source: omicstest.Source{
				Type: types.FileTypeUbam, Source1: "upload", SubjectID: results[7].Source.SubjectID, SampleID: results[7].Source.SampleID,
			}})
			require.NoError(t, err)
			results[7].ReadSetID = upload
			results[8].ReadSetID = ""
			time.Sleep(time.Hour)
			got, err := c.Verify(t.Context(), testTarget, results)
			require.NoError(t, err)
			var kinds []string
			for _, d := range got {
				kinds = append(kinds, fmt.Sprint(d.Result.Index, " ", d.Kind))
			}
			require.Equal(t, []string{
				"0 missing", "1 not active", "2 another source", "4 content twice", "5 missing", "7 uploaded", "8 missing",
			}, kinds)

			_, err = c.Verify(t.Context(), Target{SequenceStoreID: "9999999999"}, results)
			require.ErrorIs(t, err, ErrNotFound, "a store that is not there is not one without read sets")
			service.Inject(omicstest.OpListReadSets, slices.Repeat([]omicstest.Fault{omicstest.AccessDenied()}, 10)...)
			_, err = c.Verify(t.Context(), testTarget, results)
			require.ErrorIs(t, err, ErrAccessDenied)
		})
	}
}
