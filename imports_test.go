package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/ledger"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

// requireNothingHeld checks that nothing is left of the imports of a client, all of which have ended.
func requireNothingHeld(t *testing.T, c *Client, sources []Source) {
	t.Helper()
	require.Zero(t, c.slots.InUse(), "slots")
	require.Empty(t, c.runs)
	require.Empty(t, c.watchers)
	if c.ledger == nil || !c.ledger.Opened() {
		return
	}
	for i, s := range sources {
		if c.ledger.Source(testTarget.Fingerprint(s)).ReadSetID != "" {
			continue
		}
		_, err := c.ledger.Hold(testTarget.Fingerprint(s), t)
		require.NoError(t, err, "source %d is in the hands of an import that has ended", i)
		c.ledger.LetGo([]Fingerprint{testTarget.Fingerprint(s)}, t)
	}
}

// A batch whose job ends between the two looks that the input takes at the journal: its sources have a result all the same.
func TestSourceWhoseBatchEndsAsItIsSorted(t *testing.T) {
	sources := testSources(1)
	f := testTarget.Fingerprint(sources[0])
	for i := range 20_000 {
		l := ledger.New(new(memoryJournal))
		require.NoError(t, l.Open(t.Context()))
		c := newTestClient(t, omicstest.New())
		c.ledger = l
		r := c.newRun(testTarget, ImportOptions{SourcesPerJob: 10})
		rec := journal.Record{Kind: journal.Sending, Time: time.Now(), SequenceStoreID: testTarget.SequenceStoreID, ClientToken: "token", Attempt: 1, Sources: []journal.Source{{Fingerprint: f}}}
		require.NoError(t, l.Append(t.Context(), rec, nil))
		rec.Kind, rec.JobID = journal.Started, "1234567890"
		require.NoError(t, l.Append(t.Context(), rec, nil))
		rec.Kind = journal.Ended
		rec.Sources = []journal.Source{{Fingerprint: f, Status: types.ReadSetImportJobItemStatusFinished, ReadSetID: "1234567890"}}
		var group sync.WaitGroup
		begin := make(chan struct{})
		group.Go(func() {
			<-begin
			for range i % 40 {
				runtime.Gosched()
			}
			_ = l.Append(context.Background(), rec, nil)
		})
		in := &intake{r: r, begun: make(map[string]*resumption)}
		close(begin)
		for range i % 37 {
			runtime.Gosched()
		}
		in.sort(t.Context(), sources[0], 0)
		group.Wait()
		in.resumeAll(t.Context())
		got := len(in.chunk.results) + len(in.chunk.sources)
		for _, f := range in.chunk.resumed {
			got += len(f.index)
		}
		require.Equal(t, 1, got, "round %d: the source is lost", i)
	}
}

// What the journal is asked of a source whose job ends at that moment is true before or after.
func TestKnownWhileTheJobEnds(t *testing.T) {
	s := testSources(1)[0]
	f := testTarget.Fingerprint(s)
	for i := range 20_000 {
		c := newTestClient(t, omicstest.New(), journaled(new(memoryJournal)))
		require.NoError(t, c.ledger.Open(t.Context()))
		r := c.newRun(testTarget, ImportOptions{SourcesPerJob: 10})
		r.informed = true
		rec := journal.Record{Kind: journal.Sending, Time: time.Now(), SequenceStoreID: testTarget.SequenceStoreID, ClientToken: "token", Attempt: 1, Sources: []journal.Source{{Fingerprint: f}}}
		require.NoError(t, c.ledger.Append(t.Context(), rec, nil))
		rec.Kind, rec.JobID = journal.Started, "1234567890"
		require.NoError(t, c.ledger.Append(t.Context(), rec, nil))
		rec.Kind = journal.Ended
		rec.Sources = []journal.Source{{Fingerprint: f, Status: types.ReadSetImportJobItemStatusFinished, ReadSetID: "1234567890"}}
		var group sync.WaitGroup
		begin := make(chan struct{})
		group.Go(func() {
			<-begin
			for range i % 40 {
				runtime.Gosched()
			}
			_ = c.ledger.Append(context.Background(), rec, nil)
		})
		close(begin)
		for range i % 37 {
			runtime.Gosched()
		}
		res, ok := r.known(s, 0, errWhy)
		group.Wait()
		require.True(t, ok)
		require.NotErrorIs(t, res.Err, ErrUnresolved, "round %d", i)
	}
}

// The same, step by step.
func TestSourceOfABatchThatIsGone(t *testing.T) {
	mem := new(memoryJournal)
	c := newTestClient(t, omicstest.New(), journaled(mem))
	require.NoError(t, c.ledger.Open(t.Context()))
	in := &intake{r: c.newRun(testTarget, ImportOptions{SourcesPerJob: 10}), begun: make(map[string]*resumption)}
	s := testSources(1)[0]
	_, underWay := in.gather("gone", testTarget.Fingerprint(s), s, 0)
	require.False(t, underWay)
	in.resumeAll(t.Context())
	require.Empty(t, in.begun)
}

// An import whose context has ended takes nothing away from the watcher, which goes on to hold the slots of the jobs.
func TestEndedImportLeavesTheWatcherItsJobs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(10 * time.Hour) })
		mem := new(memoryJournal)
		sources := testSources(90)
		crashed(t, service, mem, sources[:30], time.Minute)
		c := newTestClient(t, service, journaled(mem), withJobSize(10), atMost(4))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		first := make(chan error, 1)
		go func() {
			_, err := c.Import(ctx, testTarget, sources[30:])
			first <- err
		}()
		time.Sleep(time.Minute)
		require.Equal(t, 4, service.ActiveJobs())
		for range 30 {
			ended, end := context.WithCancel(t.Context())
			end()
			_, err := c.Import(ended, testTarget, sources[:30])
			require.ErrorIs(t, err, context.Canceled)
		}
		time.Sleep(time.Hour)
		require.Equal(t, 4, service.ActiveJobs(), "jobs at once")
		cancel()
		require.Error(t, <-first)
		requireNothingHeld(t, c, sources)
	})
}

// An import that leaves at the moment in which another enters: its jobs hold their slots.
func TestImportLeavesAsAnotherEnters(t *testing.T) {
	t.Parallel()
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(10 * time.Hour) })
			mem := new(memoryJournal)
			sources := testSources(400)
			crashed(t, service, mem, sources[:200], time.Minute, withJobSize(1))
			c := newTestClient(t, service, journaled(mem), withJobSize(10), atMost(25))
			ctx, cancel := context.WithCancel(t.Context())
			left := make(chan struct{})
			go func() {
				_, _ = c.Import(ctx, testTarget, sources[200:250])
				close(left)
			}()
			time.Sleep(time.Minute)
			require.Equal(t, 25, service.ActiveJobs())
			second, end := context.WithCancel(t.Context())
			done := make(chan struct{})
			go cancel()
			go func() {
				_, _ = c.Import(second, testTarget, sources[250:])
				close(done)
			}()
			<-left
			time.Sleep(time.Hour)
			active := service.ActiveJobs()
			end()
			<-done
			require.Equal(t, 25, active, "jobs at once")
			requireNothingHeld(t, c, sources)
		})
	}
}

// An input that ends its goroutine (a test that fails in it) ends the import.
func TestInputThatEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newTestClient(t, omicstest.New(), withJobSize(10))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Hour)
		defer cancel()
		ended := make(chan struct{})
		var results []Result
		var fatal error
		go func() {
			defer close(ended)
			for res, err := range c.Stream(ctx, testTarget, func(yield func(Source, error) bool) {
				for i, s := range testSources(20) {
					if i == 15 {
						runtime.Goexit()
					}
					if !yield(s, nil) {
						return
					}
				}
			}) {
				if fatal = err; err == nil {
					results = append(results, res)
				}
			}
		}()
		select {
		case <-ended:
		case <-time.After(20 * time.Hour):
			t.Fatal("the stream does not end")
		}
		require.Error(t, fatal)
		require.Len(t, results, 15)
	})
}

// A consumer that is away, or a slow OnEvent, does not keep the slots of jobs that have ended.
func TestConsumerThatIsAwayKeepsNoSlots(t *testing.T) {
	t.Parallel()
	for name, slowEvents := range map[string]bool{"the consumer": false, "OnEvent": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = func(job omicstest.Job) time.Duration { return time.Duration(len(job.Sources)) * time.Hour }
				})
				mem := new(memoryJournal)
				sources := testSources(90)
				crashed(t, service, mem, sources[70:], time.Minute) // jobs of ten hours
				c := newTestClient(t, service, journaled(mem), withJobSize(1))
				away := make(chan struct{})
				first := make(chan struct{})
				input := func(yield func(Source, error) bool) {
					for i, s := range sources {
						if i == 70 {
							time.Sleep(2 * time.Hour)
						}
						if !yield(s, nil) {
							return
						}
					}
				}
				go func() {
					defer close(first)
					opts := func(o *ImportOptions) {
						if slowEvents {
							o.OnEvent = func(e Event) {
								if e.Kind == EventSourceEnded {
									<-away
								}
							}
						}
					}
					for range c.Stream(t.Context(), testTarget, input, opts) {
						if !slowEvents {
							<-away
						}
					}
				}()
				time.Sleep(40 * time.Hour)
				require.Zero(t, service.ActiveJobs())
				inUse := c.slots.InUse()
				close(away)
				<-first
				require.Zero(t, inUse, "slots of jobs that ended a day ago")
				requireNothingHeld(t, c, sources)
			})
		})
	}
}

// What is sent again of an earlier import's batch is sent in jobs of this import's size.
func TestReplannedBatchHasTheSizeOfThisImport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
		mem := new(memoryJournal)
		sources := testSources(20)
		service.Inject(omicstest.OpStart, omicstest.DropBefore().WithDelay(10*time.Second))
		c := newTestClient(t, service, journaled(mem), withJobSize(20))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := c.Import(ctx, testTarget, sources)
		require.Error(t, err)
		time.Sleep(time.Hour)
		_, err = newTestClient(t, service, journaled(mem), withJobSize(5)).Import(t.Context(), testTarget, sources[1:])
		require.NoError(t, err)
		for _, job := range service.Jobs(testTarget.SequenceStoreID) {
			require.LessOrEqual(t, len(job.Sources), 5)
		}
	})
}

// OnEvent may use the client.
func TestOnEventUsesTheClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
		mem := new(memoryJournal)
		sources := testSources(100)
		crashed(t, service, mem, sources[:30], time.Minute)
		c := newTestClient(t, service, journaled(mem), withJobSize(10), atMost(3))
		n := 30
		onEvent := func(e Event) {
			c.Notify(e.Job.JobRef)
			if e.Kind == EventSourceEnded && n > 0 {
				n--
				switch n % 3 {
				case 0:
					_, err := c.Import(t.Context(), testTarget, sources[60:70], func(o *ImportOptions) { o.OnEvent = func(e Event) { c.Notify(e.Job.JobRef) } })
					require.NoError(t, err)
				case 1:
					for range c.Stream(t.Context(), testTarget, withoutErrors(sources[70:])) {
						break
					}
				case 2:
					_, _ = c.Import(t.Context(), testTarget, sources[:30])
				}
			}
		}
		report, err := c.Import(t.Context(), testTarget, sources[:60], func(o *ImportOptions) { o.OnEvent = onEvent })
		require.NoError(t, err)
		require.Len(t, report.Imported(), 60)
		requireNothingHeld(t, c, sources)
	})
}

// The OnEvent goroutine ends: the import goes on.
func TestOnEventEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	for at := range 20 {
		synctest.Test(t, func(t *testing.T) {
			service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
			c := newTestClient(t, service, journaled(new(memoryJournal)), withJobSize(2))
			n := 0
			report, err := c.Import(t.Context(), testTarget, testSources(6), func(o *ImportOptions) {
				o.OnEvent = func(Event) {
					if n++; n > at {
						runtime.Goexit()
					}
				}
			})
			require.NoError(t, err)
			require.Len(t, report.Imported(), 6)
			requireNothingHeld(t, c, testSources(6))
		})
	}
}

// Two imports with parts of the same batches.
func TestImportsOfPartsOfABatch(t *testing.T) {
	t.Parallel()
	for _, apart := range []time.Duration{0, time.Millisecond, time.Second, 2 * time.Minute, time.Hour} {
		for _, doubtful := range []bool{false, true} {
			t.Run(fmt.Sprint(apart, doubtful), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(3 * time.Hour) })
					mem := new(memoryJournal)
					sources := testSources(100)
					cut := time.Minute
					if doubtful {
						for range 3 {
							service.Inject(omicstest.OpStart, omicstest.DropBefore().WithDelay(10*time.Second))
						}
						cut = 5 * time.Second
					}
					ctx, cancel := context.WithTimeout(t.Context(), cut)
					_, err := newTestClient(t, service, journaled(mem)).Import(ctx, testTarget, sources)
					cancel()
					require.Error(t, err)
					c := newTestClient(t, service, journaled(mem), withJobSize(10))
					first := make(chan *Report, 1)
					go func() {
						report, _ := c.Import(t.Context(), testTarget, sources[:50])
						first <- report
					}()
					time.Sleep(apart)
					second, _ := c.Import(t.Context(), testTarget, sources[50:])
					one := <-first
					for _, report := range []*Report{one, second} {
						for _, res := range report.Failed() {
							require.ErrorIs(t, res.Err, ledger.ErrHeld)
						}
					}
					require.NotEmpty(t, append(one.Imported(), second.Imported()...))
					requireNothingHeld(t, c, sources)
					_, err = c.Import(t.Context(), testTarget, sources)
					require.NoError(t, err)
					requireOnceEach(t, service, sources)
				})
			})
		}
	}
}

var errWhy = errors.New("end of shift")

// A job that ended without an outcome for a part of its sources: the rest stays with the batch, and whoever has it in hand
// as an import comes for it, the results are true, and what failed is sent once more.
func TestBatchThatEndedInPart(t *testing.T) {
	t.Parallel()
	for _, apart := range []time.Duration{0, 30 * time.Second, 61 * time.Second, 10 * time.Minute, 2 * time.Hour} {
		t.Run(fmt.Sprint(apart), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				calm := false
				sources := testSources(30)
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = omicstest.FixedDuration(time.Hour)
					o.Outcome = func(s omicstest.Source) omicstest.Outcome {
						switch {
						case calm:
						case s.Source1 == sources[0].Source1, s.Source1 == sources[1].Source1:
							return omicstest.Outcome{Status: types.ReadSetImportJobItemStatusInProgress}
						case s.Source1 == sources[2].Source1, s.Source1 == sources[3].Source1:
							return omicstest.Failed("no")
						}
						return omicstest.Outcome{}
					}
				})
				mem := new(memoryJournal)
				crashed(t, service, mem, sources[:10], time.Minute)
				time.Sleep(2 * time.Hour)
				calm = true
				c := newJobsClient(t, service, journaled(mem), withJobSize(10))
				first := make(chan error, 1)
				go func() {
					_, err := c.Import(t.Context(), testTarget, sources[10:])
					first <- err
				}()
				time.Sleep(apart)
				for range 2 {
					report, _ := c.Import(t.Context(), testTarget, sources[:10])
					for i, res := range report.Results {
						switch {
						case i < 2:
							require.ErrorIs(t, res.Err, ErrUnresolved)
							require.NotEmpty(t, res.JobID)
						case i < 4 && res.Err != nil:
							require.ErrorIs(t, res.Err, ErrPartialFailure)
						default:
							require.NoError(t, res.Err)
						}
					}
				}
				require.NoError(t, <-first)
				report, err := c.Import(t.Context(), testTarget, sources)
				require.ErrorIs(t, err, ErrUnresolved)
				require.Len(t, report.Failed(), 2)
				requireOnceEach(t, service, sources[2:])
				requireNothingHeld(t, c, sources)
				require.NoError(t, ledger.New(mem).Open(t.Context()))
			})
		})
	}
}

// Batches in doubt that a watcher has do not keep the wait for a slot from having an end.
func TestQuotaTimeoutWithDoubtsOfTheJournal(t *testing.T) {
	t.Parallel()
	for _, batches := range []int{1, 5, 8} {
		for _, known := range []bool{false, true} { // the sheet has them
			t.Run(fmt.Sprint(batches, known), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					service := omicstest.New(func(o *omicstest.Options) {
						o.MaxActiveJobs, o.QuotaFirst = 1, true
						o.JobDuration = omicstest.FixedDuration(100 * time.Hour) // somebody else's
					})
					mem := new(memoryJournal)
					sources := testSources(100)
					for i := range batches {
						service.Inject(omicstest.OpStart, omicstest.DropBefore().WithDelay(10*time.Second))
						crashed(t, service, mem, sources[10*i:10*i+10], 5*time.Second)
						time.Sleep(time.Minute)
					}
					_, err := service.StartJob(testTarget.SequenceStoreID, testTarget.RoleARN, omicstest.Source{
						Source1: "s3://other/1.bam", Type: types.FileTypeUbam, SubjectID: "u", SampleID: "s",
					})
					require.NoError(t, err)
					c := newTestClient(t, service, journaled(mem), withJobSize(10))
					sheet := sources[80:]
					if known {
						sheet = sources
					}
					began := time.Now()
					ctx, cancel := context.WithTimeout(t.Context(), 30*time.Hour)
					defer cancel()
					report, err := c.Import(ctx, testTarget, sheet)
					require.ErrorIs(t, err, ErrQuotaExceeded)
					require.Len(t, report.Failed(), len(sheet))
					for _, res := range report.Failed() {
						require.ErrorIs(t, res.Err, ErrQuotaExceeded)
					}
					require.Less(t, time.Since(began), 3*time.Hour)
					require.NoError(t, ctx.Err())
					requireNothingHeld(t, c, sources)
				})
			})
		}
	}
}
