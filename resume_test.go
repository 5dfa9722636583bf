package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
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

// memoryJournal is a journal that survives as long as its value does.
type memoryJournal struct {
	mu      sync.Mutex
	records []journal.Record
	failAt  int // the number of the Append that fails, from 1
}

func (j *memoryJournal) Replay(context.Context) iter.Seq2[journal.Record, error] {
	j.mu.Lock()
	defer j.mu.Unlock()
	records := slices.Clone(j.records)
	return func(yield func(journal.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

var errDiskFull = errors.New("disk full")

func (j *memoryJournal) Append(_ context.Context, r journal.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failAt > 0 && len(j.records)+1 >= j.failAt {
		return errDiskFull
	}
	j.records = append(j.records, r)
	return nil
}

// journaled is the option that gives a client a journal.
func journaled(j journal.Journal) func(*Options) { return func(o *Options) { o.Journal = j } }

// An import that was cut off goes on where it was, whenever that happened, and a sheet that has grown is the same case.
func TestResume(t *testing.T) {
	cuts := []time.Duration{
		0, time.Millisecond, time.Second, 3 * time.Second, time.Minute, 10 * time.Minute, 25 * time.Minute, time.Hour, 10 * time.Hour,
	}
	pauses := []time.Duration{time.Second, 50 * time.Minute, 3 * time.Hour}
	if underRace {
		cuts, pauses = cuts[3:4], pauses[1:]
	}
	for _, cut := range cuts {
		for _, pause := range pauses {
			t.Run(cut.String()+" then "+pause.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					service := omicstest.New(func(o *omicstest.Options) {
						o.JobDuration = omicstest.FixedDuration(20 * time.Minute)
						o.MaxActiveJobs = 5
						o.RequestRate = 5
					})
					path := filepath.Join(t.TempDir(), "journal")
					sources := testSources(1050)
					first, err := journal.Open(path)
					require.NoError(t, err)
					ctx, cancel := context.WithTimeout(t.Context(), cut)
					report, _ := newTestClient(t, service, journaled(first)).Import(ctx, testTarget, sources[:950])
					cancel()
					imported := len(report.Imported())
					require.NoError(t, first.Close())

					time.Sleep(pause)
					again, err := journal.Open(path)
					require.NoError(t, err)
					defer again.Close()
					report, err = newTestClient(t, service, journaled(again)).Import(t.Context(), testTarget, sources)
					require.NoError(t, err)
					requireOnceEach(t, service, sources)
					skipped := 0
					for _, res := range report.Results {
						require.NotEmpty(t, res.ReadSetID)
						if res.AlreadyImported {
							skipped++
						}
					}
					require.Equal(t, imported, skipped)
				})
			})
		}
	}
}

// What failed is tried again under another token, and what is in is not.
func TestResumeTriesAgainWhatFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fixed := false
		service := omicstest.New(func(o *omicstest.Options) {
			o.Outcome = func(s omicstest.Source) omicstest.Outcome {
				if s.Source1 == "s3://bucket/run/0000003.bam" && !fixed {
					return omicstest.Failed("missing")
				}
				return omicstest.Outcome{}
			}
		})
		mem := new(memoryJournal)
		sources := testSources(5)
		report, err := newTestClient(t, service, journaled(mem), func(o *Options) { o.RunID = "fixed" }).Import(t.Context(), testTarget, sources)
		require.ErrorIs(t, err, ErrIncomplete)
		require.Len(t, report.Failed(), 1)
		require.ErrorIs(t, report.Failed()[0].Err, ErrPartialFailure)
		fixed = true
		for range 2 {
			report, err := newTestClient(t, service, journaled(mem), func(o *Options) { o.RunID = "fixed" }).Import(t.Context(), testTarget, testSources(5))
			require.NoError(t, err)
			require.Len(t, report.Imported(), 5)
		}
		requireOnceEach(t, service, testSources(5))
		require.Len(t, service.Jobs(testTarget.SequenceStoreID), 2)
	})
}

// What cannot be written down is not sent.
func TestJournalThatFails(t *testing.T) {
	t.Parallel()
	for failAt := range 9 {
		synctest.Test(t, func(t *testing.T) {
			service := omicstest.New()
			mem := &memoryJournal{failAt: failAt + 1}
			sources := testSources(250)
			report, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
			if len(report.Failed()) > 0 {
				require.ErrorIs(t, err, errDiskFull)
			}
			if failAt == 0 {
				require.Empty(t, service.Requests(""))
			}
			for _, res := range report.Results {
				if res.Err != nil && !errors.Is(res.Err, errDiskFull) {
					require.NoError(t, res.Err)
				}
			}
			mem.failAt = 0
			_, err = newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
			require.NoError(t, err)
			requireOnceEach(t, service, sources)
		})
	}
}

// Refusals for want of a slot cost requests and no records: a batch is written down once, and given up once.
func TestJournalIsShort(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(20 * time.Minute)
			o.MaxActiveJobs = 1
		})
		mem := new(memoryJournal)
		_, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, testSources(250))
		require.NoError(t, err)
		require.Greater(t, len(service.Requests(opStart.String())), 10)
		require.ElementsMatch(t, []journal.Kind{
			journal.Placed,
			journal.Sending, journal.Started, journal.Ended, journal.Sending, journal.Started, journal.Ended, journal.Sending, journal.Started, journal.Ended,
		}, mem.kinds())

		_, err = newTestClient(t, service).Start(t.Context(), Batch{Target: testTarget, Sources: []Source{UBAM("s3://bucket/other").WithSubject("u").WithSample("a")}})
		require.NoError(t, err)
		mem.records = nil
		hasty := newTestClient(t, service, journaled(mem), func(o *Options) { o.QuotaTimeout = time.Minute })
		_, err = hasty.Import(t.Context(), testTarget, testSources(10))
		require.ErrorIs(t, err, ErrQuotaExceeded)
		require.Equal(t, []journal.Kind{journal.Placed, journal.Sending, journal.Released}, mem.kinds())
	})
}

func (j *memoryJournal) kinds() []journal.Kind {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []journal.Kind
	for _, r := range j.records {
		out = append(out, r.Kind)
	}
	return out
}

// The context ends while the input gives back half of a batch that an earlier import began.
func TestResumeThatIsCutOffInTheInput(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(20 * time.Minute) })
		mem := new(memoryJournal)
		sources := testSources(100)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err := newTestClient(t, service, journaled(mem)).Import(ctx, testTarget, sources)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		cancel()

		ctx, cancel = context.WithCancel(t.Context())
		defer cancel()
		n := 0
		for res, err := range newTestClient(t, service, journaled(mem)).Stream(ctx, testTarget, func(yield func(Source, error) bool) {
			for i, s := range sources {
				if i == 50 {
					cancel()
					time.Sleep(time.Second)
				}
				if !yield(s, nil) {
					return
				}
			}
		}) {
			if err != nil {
				require.ErrorIs(t, err, context.Canceled)
				break
			}
			require.ErrorIs(t, res.Err, context.Canceled)
			require.NotEmpty(t, res.JobID)
			n++
		}
		require.GreaterOrEqual(t, n, 50)
	})
}

// A job that has ended and does not say at once what became of every source is looked at again, whatever it said before.
func TestResumeOfAJobThatTellsInParts(t *testing.T) {
	t.Parallel()
	const (
		finished = types.ReadSetImportJobItemStatusFinished
		failed   = types.ReadSetImportJobItemStatusFailed
		progress = types.ReadSetImportJobItemStatusInProgress
	)
	sources := testSources(2)
	id := func(n int) string { return fmt.Sprintf("%010d", n) }
	for name, tc := range map[string]struct {
		first, then []JobSource
		unresolved  bool // for good
	}{
		"an outcome that comes late": {
			[]JobSource{{Status: finished, ReadSetID: id(1)}, {Status: progress}}, []JobSource{{Status: finished, ReadSetID: id(1)}, {Status: finished, ReadSetID: id(2)}}, false,
		},
		"an outcome that never comes": {
			[]JobSource{{Status: finished, ReadSetID: id(1)}}, []JobSource{{Status: finished, ReadSetID: id(1)}}, true,
		},
		"an id that comes late, and a failure": {
			[]JobSource{{Status: failed}, {Status: finished}}, []JobSource{{Status: failed}, {Status: finished, ReadSetID: id(2)}}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				answer, job := tc.first, ""
				service := omicstest.New(func(o *omicstest.Options) {
					o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
						if job == "" {
							job = r.JobID
						}
						if r.Op != omicstest.OpGet || r.JobID != job {
							return omicstest.Fault{}, false
						}
						told := Job{JobRef: JobRef{r.StoreID, r.JobID}, Status: types.ReadSetImportJobStatusCompletedWithFailures, CompletionTime: time.Now()}
						for i, s := range answer {
							s.Source = sources[i]
							told.Sources = append(told.Sources, s)
						}
						return jsonBody(200, getAnswer(t, told)), true
					}
				})
				mem := new(memoryJournal)
				report, err := newJobsClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
				require.ErrorIs(t, err, ErrIncomplete)
				require.ErrorIs(t, report.Results[1].Err, ErrUnresolved)
				answer = tc.then
				for again := range 3 {
					report, err = newJobsClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
					require.NoError(t, report.Results[0].Err)
					if tc.unresolved {
						require.ErrorIs(t, report.Results[1].Err, ErrUnresolved)
						continue
					}
					require.NoError(t, err)
					require.Equal(t, id(2), report.Results[1].ReadSetID)
					require.Equal(t, again > 0, report.Results[1].AlreadyImported)
				}
			})
		})
	}
}

// A batch that ends lets other imports of the client have its own sources, and not those that another batch carries by
// now.
func TestResumeLetsGoOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sources := testSources(2)
		job := ""
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(10 * time.Hour)
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				if job == "" {
					job = r.JobID
				}
				told := Job{
					JobRef: JobRef{r.StoreID, r.JobID}, Status: types.ReadSetImportJobStatusCompletedWithFailures, CompletionTime: time.Now(),
					Sources: []JobSource{
						{Source: sources[0], Status: types.ReadSetImportJobItemStatusInProgress},
						{Source: sources[1], Status: types.ReadSetImportJobItemStatusFailed},
					},
				}
				return jsonBody(200, getAnswer(t, told)), r.Op == omicstest.OpGet && r.JobID == job
			}
		})
		mem := new(memoryJournal)
		_, err := newJobsClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
		require.ErrorIs(t, err, ErrIncomplete)

		c := newJobsClient(t, service, journaled(mem))
		var group sync.WaitGroup
		group.Go(func() {
			report, err := c.Import(t.Context(), testTarget, sources)
			require.ErrorIs(t, err, ErrIncomplete)
			require.ErrorIs(t, report.Results[0].Err, ErrUnresolved)
			require.NoError(t, report.Results[1].Err)
		})
		for range 4 {
			time.Sleep(2 * time.Hour)
			report, _ := c.Import(t.Context(), testTarget, sources[1:])
			require.ErrorIs(t, report.Results[0].Err, ledger.ErrHeld)
		}
		group.Wait()
		report, err := newJobsClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources[1:])
		require.NoError(t, err)
		require.True(t, report.Results[0].AlreadyImported)
	})
}

// A journal that was written before records said where they belong is read, and what it knows is not sent again.
func TestResumeWithAJournalOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("journal/testdata/unmarked.jsonl")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "journal")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		memory, err := journal.Open(path)
		require.NoError(t, err)
		defer memory.Close()
		report, err := newTestClient(t, service, journaled(memory), withJobSize(3)).Import(t.Context(), testTarget, testSources(6))
		require.ErrorIs(t, err, ErrUnresolved)
		for i, res := range report.Results {
			require.Equal(t, i != 1, res.AlreadyImported)
			if i == 1 { // it failed, and was sent again in a job that this service does not know
				require.ErrorIs(t, res.Err, ErrUnresolved)
				require.Equal(t, "3111111019", res.JobID)
			}
		}
		require.Empty(t, service.Requests(omicstest.OpStart))
	})
}
