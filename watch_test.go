package readsetimport

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/ledger"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

// crashed begins an import with a journal that its context cuts off after some time.
func crashed(t *testing.T, service *omicstest.Service, mem journal.Journal, sources []Source, after time.Duration, optFns ...func(*Options)) {
	t.Helper()
	c := newTestClient(t, service, append(optFns, journaled(mem))...)
	c.opts.SourcesPerJob = 10
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	_, err := c.Import(ctx, testTarget, sources)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func withJobSize(n int) func(*Options) { return func(o *Options) { o.SourcesPerJob = n } }

// Jobs of an earlier import have all the slots, and the sheet has new rows above theirs. The import waits for its own jobs
// however long they take, and not for QuotaTimeout.
func TestJobsOfTheJournalHoldTheirSlots(t *testing.T) {
	t.Parallel()
	sources := testSources(80)
	old, fresh := sources[:50], sources[50:]
	grown := slices.Concat(fresh, old)
	drivers := map[string]func(*testing.T, *Client) map[int]error{
		"Import": func(t *testing.T, c *Client) map[int]error {
			report, _ := c.Import(t.Context(), testTarget, grown)
			errs := make(map[int]error)
			for _, res := range report.Results {
				errs[res.Index] = res.Err
			}
			return errs
		},
		"Stream": func(t *testing.T, c *Client) map[int]error {
			errs := make(map[int]error)
			for res, err := range streamChecked(t.Context(), t, c, testTarget, withoutErrors(grown)) {
				require.NoError(t, err)
				errs[res.Index] = res.Err
			}
			return errs
		},
	}
	for name, drive := range drivers {
		for _, most := range []int{0, 5} { // of the client's own
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					service := omicstest.New(func(o *omicstest.Options) {
						o.JobDuration = omicstest.FixedDuration(3 * time.Hour)
						if most == 0 {
							o.MaxActiveJobs = 5
						}
					})
					mem := new(memoryJournal)
					crashed(t, service, mem, old, time.Minute)
					require.Equal(t, 5, service.ActiveJobs())
					ended := make(chan struct{})
					peak := 0
					go func() {
						for {
							select {
							case <-ended:
								return
							case <-time.After(time.Second):
								peak = max(peak, service.ActiveJobs())
							}
						}
					}()
					for i, err := range drive(t, newTestClient(t, service, journaled(mem), withJobSize(10), atMost(most))) {
						require.NoError(t, err, "source %d", i)
					}
					close(ended)
					synctest.Wait()
					require.Equal(t, 5, peak)
					requireOnceEach(t, service, sources)
				})
			})
		}
	}
}

// Requests of which nobody knows what came of them hold slots too, and are looked for before the input comes to them.
func TestDoubtsOfTheJournalAreSettledFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
		mem := new(memoryJournal)
		sources := testSources(20)
		service.Inject(omicstest.OpStart, omicstest.DropAfter().WithDelay(10*time.Second))
		crashed(t, service, mem, sources[10:], 5*time.Second)
		time.Sleep(time.Minute)
		c := newTestClient(t, service, journaled(mem), withJobSize(10), atMost(1))
		began := time.Now()
		for res, err := range streamChecked(t.Context(), t, c, testTarget, withoutErrors(sources)) {
			require.NoError(t, err)
			require.NoError(t, res.Err)
		}
		require.Less(t, time.Since(began), 2*time.Hour+15*time.Minute)
		requireOnceEach(t, service, sources)
	})
}

// However many batches are in doubt, new ones are sent at once where there is room for them.
func TestDoubtsOfTheJournalDoNotHoldBackOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lost := true
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(time.Hour)
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.DropAfter().WithDelay(10 * time.Second), lost && r.Op == omicstest.OpStart
			}
		})
		mem := new(memoryJournal)
		sources := testSources(80)
		crashed(t, service, mem, sources[20:], 5*time.Second)
		lost = false
		require.GreaterOrEqual(t, len(service.Jobs(testTarget.SequenceStoreID)), 5)
		began := time.Now()
		c := newTestClient(t, service, journaled(mem), withJobSize(10), withEvents(func(e Event) {
			if e.Kind == EventJobStarted && e.Submitted == 10 {
				require.Less(t, time.Since(began), time.Minute)
			}
		}))
		for res, err := range streamChecked(t.Context(), t, c, testTarget, withoutErrors(sources)) {
			require.NoError(t, err)
			require.NoError(t, res.Err)
		}
		requireOnceEach(t, service, sources)
	})
}

// What the journal knows of a source is its result, even if the import does not come to it.
func TestImportTellsWhatTheJournalKnows(t *testing.T) {
	t.Parallel()
	sources := testSources(100)
	imported, running, doubtful, fresh := sources[:30], sources[30:40], sources[40:50], sources[50:]
	why := errors.New("end of shift")
	for name, tc := range map[string]struct {
		sheet   []Source
		after   time.Duration
		known   bool // what is under way has a result of its own
		invalid bool
	}{
		"cut off before it begins":     {slices.Concat(fresh, sources[:50]), 0, false, false},
		"cut off in the middle":        {slices.Concat(fresh, sources[:50]), time.Minute, true, false},
		"with a source that is no one": {append(slices.Concat(fresh, sources[:50]), Source{}), time.Hour, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				service := omicstest.New(func(o *omicstest.Options) {
					o.MaxActiveJobs = 3
					o.JobDuration = func(omicstest.Job) time.Duration {
						if n++; n <= 3 {
							return time.Minute
						}
						return 5 * time.Hour
					}
				})
				mem := new(memoryJournal)
				_, err := newTestClient(t, service, journaled(mem), withJobSize(10)).Import(t.Context(), testTarget, imported)
				require.NoError(t, err)
				crashed(t, service, mem, running, time.Minute)
				service.Inject(omicstest.OpStart, omicstest.DropAfter().WithDelay(10*time.Second))
				crashed(t, service, mem, doubtful, 5*time.Second)

				ctx, cancel := context.WithTimeoutCause(t.Context(), tc.after, why)
				defer cancel()
				report, err := newTestClient(t, service, journaled(mem), withJobSize(10)).Import(ctx, testTarget, tc.sheet)
				require.Error(t, err)
				for _, res := range report.Results {
					switch source := res.Source.Source1; {
					case slices.ContainsFunc(imported, func(s Source) bool { return s.Source1 == source }):
						if tc.after == 0 {
							continue // the journal was not read
						}
						require.NoError(t, res.Err)
						require.True(t, res.AlreadyImported)
						require.NotEmpty(t, res.ReadSetID)
					case slices.ContainsFunc(running, func(s Source) bool { return s.Source1 == source }) && tc.known:
						require.ErrorContains(t, res.Err, "still running")
						require.NotEmpty(t, res.JobID)
					case slices.ContainsFunc(doubtful, func(s Source) bool { return s.Source1 == source }) && tc.known && tc.invalid:
						require.ErrorIs(t, res.Err, ErrUnresolved)
					case source == "":
						require.ErrorIs(t, res.Err, ErrValidation)
					default:
						require.Error(t, res.Err)
					}
				}
			})
		})
	}
}

// A second import of the client takes over what an earlier process left of its sources, while the first one runs.
func TestImportsShareWhatTheJournalKnows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(3 * time.Hour) })
		mem := new(memoryJournal)
		sources := testSources(60)
		crashed(t, service, mem, sources[:30], time.Minute)
		c := newTestClient(t, service, journaled(mem), withJobSize(10), atMost(3))
		first := make(chan error)
		go func() {
			_, err := c.Import(t.Context(), testTarget, sources[30:])
			first <- err
		}()
		time.Sleep(30 * time.Minute)
		require.Equal(t, 3, service.ActiveJobs())
		report, err := c.Import(t.Context(), testTarget, sources[:30])
		require.NoError(t, err)
		require.Len(t, report.Jobs, 3, "they are this import's from now on")
		require.NoError(t, <-first)
		requireOnceEach(t, service, sources)
		require.Zero(t, c.slots.InUse())
		require.Empty(t, c.watchers)
	})
}

// What an import leaves behind holds its slots as long as the client has another import.
func TestJobsLeftBehindHoldTheirSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
		mem := new(memoryJournal)
		sources := testSources(60)
		c := newTestClient(t, service, journaled(mem), withJobSize(10), atMost(3))
		ctx, cancel := context.WithCancel(t.Context())
		go func() { _, _ = c.Import(ctx, testTarget, sources[:30]) }()
		time.Sleep(time.Minute)
		second := make(chan error)
		go func() {
			_, err := c.Import(t.Context(), testTarget, sources[30:])
			second <- err
		}()
		time.Sleep(time.Minute)
		cancel()
		time.Sleep(30 * time.Minute)
		require.Equal(t, 3, service.ActiveJobs())
		require.NoError(t, <-second)
		report, err := c.Import(t.Context(), testTarget, sources)
		require.NoError(t, err)
		requireOnceEach(t, service, sources)
		for _, res := range report.Results {
			require.True(t, res.AlreadyImported, "the ends of the jobs that were left behind are in the journal")
		}
	})
}

// Two imports at once with the same source: one has it, the other says so.
func TestImportsOfTheSameSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
		mem := new(memoryJournal)
		sources := testSources(30)
		crashed(t, service, mem, sources[:20], time.Minute)
		c := newTestClient(t, service, journaled(mem), withJobSize(10))
		go func() { _, _ = c.Import(t.Context(), testTarget, sources) }()
		time.Sleep(time.Minute)
		report, err := c.Import(t.Context(), testTarget, sources)
		require.ErrorIs(t, err, ErrIncomplete)
		for _, res := range report.Results {
			require.ErrorIs(t, res.Err, ledger.ErrHeld)
		}
		time.Sleep(2 * time.Hour)
		requireOnceEach(t, service, sources)
	})
}

// slowJournal is slow to read.
type slowJournal struct{ journal.Journal }

func (j slowJournal) Replay(ctx context.Context) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		time.Sleep(time.Hour)
		j.Journal.Replay(ctx)(yield)
	}
}

// An import that waits for another to read the journal heeds its own context.
func TestImportWaitsForTheJournal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, omicstest.New(), journaled(slowJournal{new(memoryJournal)}))
		go func() { _, _ = c.Import(t.Context(), testTarget, testSources(1)) }()
		time.Sleep(time.Minute)
		why := errors.New("end of shift")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, why)
		defer cancel()
		began := time.Now()
		_, err := c.Import(ctx, testTarget, testSources(2)[1:])
		require.ErrorIs(t, err, why)
		require.Equal(t, time.Minute, time.Since(began))
		time.Sleep(2 * time.Hour)
	})
}

// A journal is of the Region, the endpoint and the account of its stores, and is not believed elsewhere.
func TestJournalOfAnotherPlace(t *testing.T) {
	t.Parallel()
	sources := testSources(3)
	place := func(region, endpoint string) func(*Options) {
		return func(o *Options) {
			o.ClientOptions = append(o.ClientOptions, func(o *omics.Options) {
				o.Region = region
				if endpoint != "" {
					o.BaseEndpoint = aws.String(endpoint)
				}
			})
		}
	}
	other := Target{SequenceStoreID: testTarget.SequenceStoreID, RoleARN: "arn:aws:iam::999999999999:role/import"}
	for name, tc := range map[string]struct {
		target  Target
		option  func(*Options)
		refused bool
	}{
		"the same":                {testTarget, place("us-east-1", ""), false},
		"an endpoint of AWS":      {testTarget, place("us-east-1", "https://vpce-1-2.omics.us-east-1.vpce.amazonaws.com"), false},
		"another Region":          {testTarget, place("eu-west-1", ""), true},
		"another endpoint":        {testTarget, place("us-east-1", "http://127.0.0.1:8080"), true},
		"another account":         {other, place("us-east-1", ""), true},
		"another role of it":      {Target{testTarget.SequenceStoreID, "arn:aws:iam::123456789012:role/else"}, place("us-east-1", ""), false},
		"another store elsewhere": {Target{"9999999999", testTarget.RoleARN}, place("eu-west-1", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) { o.Stores = []string{testTarget.SequenceStoreID, "9999999999"} })
				mem := new(memoryJournal)
				_, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
				require.NoError(t, err)
				require.Equal(t, journal.Placed, mem.records[0].Kind)
				require.Equal(t, &journal.Place{Region: "us-east-1", Account: "123456789012"}, mem.records[0].Place)
				requests, records := len(service.Requests("")), len(mem.records)

				var events []Event
				report, err := newTestClient(t, service, journaled(mem), tc.option, withEvents(func(e Event) { events = append(events, e) })).Import(t.Context(), tc.target, sources)
				if !tc.refused {
					require.NoError(t, err)
					require.Equal(t, tc.target.SequenceStoreID == testTarget.SequenceStoreID, report.Results[0].AlreadyImported)
					return
				}
				require.ErrorContains(t, err, "the journal is of store 1234567890 in Region us-east-1, account 123456789012")
				require.Len(t, report.Failed(), 3)
				require.Len(t, service.Requests(""), requests)
				require.Len(t, mem.records, records)
				require.Len(t, events, 1)
				require.Equal(t, EventImportEnded, events[0].Kind)
				require.ErrorIs(t, err, events[0].Err)
			})
		})
	}
}

// What a journal knows of a store in another place, or in one that it does not know, is not asked for here.
func TestJournalOfTwoPlaces(t *testing.T) {
	t.Parallel()
	for name, unmarked := range map[string]bool{"another Region": false, "no place": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) {
					o.Stores = []string{testTarget.SequenceStoreID, "9999999999"}
					o.JobDuration = omicstest.FixedDuration(3 * time.Hour)
				})
				mem := new(memoryJournal)
				crashed(t, service, mem, testSources(10), time.Minute)
				if unmarked {
					mem.records = mem.records[1:]
				}
				before := len(service.Requests(""))
				c := newTestClient(t, service, journaled(mem), func(o *Options) {
					o.ClientOptions = append(o.ClientOptions, func(o *omics.Options) { o.Region = "eu-west-1" })
				})
				_, err := c.Import(t.Context(), Target{"9999999999", testTarget.RoleARN}, testSources(20)[10:])
				require.NoError(t, err)
				for _, r := range service.Requests("")[before:] {
					require.Equal(t, "9999999999", r.StoreID)
				}
				require.Zero(t, c.slots.InUse())
			})
		})
	}
}

// A journal of a version that did not know of places is marked at its first use.
func TestJournalWithoutAPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		mem := new(memoryJournal)
		_, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, testSources(3))
		require.NoError(t, err)
		mem.records = mem.records[1:]
		report, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, testSources(3))
		require.NoError(t, err)
		require.True(t, report.Results[0].AlreadyImported)
		require.Equal(t, journal.Placed, mem.records[len(mem.records)-1].Kind)
		_, err = newTestClient(t, service, journaled(mem), func(o *Options) {
			o.ClientOptions = append(o.ClientOptions, func(o *omics.Options) { o.Region = "eu-west-1" })
		}).Import(t.Context(), testTarget, testSources(3))
		require.ErrorContains(t, err, "Region us-east-1")
	})
}

// unreadable is a journal that cannot be read.
type unreadable struct{ *memoryJournal }

func (unreadable) Replay(context.Context) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) { yield(journal.Record{}, errDiskFull) }
}

// An import whose journal cannot be read sends nothing, and has an event of its end as any other.
func TestImportWithAJournalThatCannotBeRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		w := &watched{t: t}
		c := newTestClient(t, service, journaled(unreadable{new(memoryJournal)}), withEvents(w.see))
		report, err := c.Import(t.Context(), testTarget, testSources(2))
		require.ErrorIs(t, err, errDiskFull)
		require.Len(t, report.Failed(), 2)
		require.Len(t, w.events, 1)
		require.Equal(t, EventImportEnded, w.events[0].Kind)
		require.ErrorIs(t, w.events[0].Err, errDiskFull)

		c = newTestClient(t, service, journaled(unreadable{new(memoryJournal)}))
		results, err := collect(t, streamChecked(t.Context(), t, c, testTarget, withoutErrors(testSources(2))))
		require.ErrorIs(t, err, errDiskFull)
		require.Empty(t, results)
		require.Empty(t, service.Requests(""))
	})
}

// Whoever may not look at the jobs that the journal knows starts no more beside them.
func TestJobsOfTheJournalThatMayNotBeLookedAt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		denied := false
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(10 * time.Hour)
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.AccessDenied(), denied && r.Op == omicstest.OpGet
			}
		})
		mem := new(memoryJournal)
		sources := testSources(30)
		crashed(t, service, mem, sources[:10], time.Minute)
		denied = true
		c := newTestClient(t, service, journaled(mem), withJobSize(10), atMost(1))
		began := time.Now()
		results, err := collect(t, streamChecked(t.Context(), t, c, testTarget, withoutErrors(sources[10:])))
		require.ErrorIs(t, err, ErrAccessDenied)
		require.Less(t, time.Since(began), 15*time.Minute)
		for _, res := range results {
			require.ErrorIs(t, res.Err, ErrAccessDenied)
			require.Empty(t, res.JobID)
		}
		require.Len(t, service.Jobs(testTarget.SequenceStoreID), 1)
	})
}
