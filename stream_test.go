package readsetimport

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// tap counts the sources that are pulled from an input.
func tap(pulled *atomic.Int64, sources []Source, between func(i int)) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		for i, s := range sources {
			if between != nil {
				between(i)
			}
			pulled.Add(1)
			if !yield(s, nil) {
				return
			}
		}
	}
}

// collect is all that an iterator yields.
func collect(t *testing.T, results iter.Seq2[Result, error]) (out []Result, fatal error) {
	t.Helper()
	for res, err := range results {
		require.NoError(t, fatal, "the error comes last, and once")
		if err != nil {
			require.Zero(t, res)
			fatal = err
			continue
		}
		out = append(out, res)
	}
	return out, fatal
}

// requireEach checks that there is one result for each of the first n sources.
func requireEach(t *testing.T, n int, results []Result) {
	t.Helper()
	require.Len(t, results, n)
	seen := make([]bool, n)
	for _, res := range results {
		require.False(t, seen[res.Index])
		seen[res.Index] = true
	}
}

// smallBatches is a client that takes 10 sources a job, and a service whose jobs take an hour.
func smallBatches(t *testing.T, optFns ...func(*Options)) (*Client, *omicstest.Service) {
	service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.Lasting(time.Hour) })
	c := newTestClient(t, service, optFns...)
	c.batchSize = 10
	return c, service
}

func atMost(jobs int) func(*Options) { return func(o *Options) { o.MaxActiveJobs = jobs } }

func TestStreamYieldsOutcomesAsJobsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = func(omicstest.Job) time.Duration { n++; return time.Duration(10-n) * time.Hour }
		})
		c := newTestClient(t, service)
		c.batchSize = 10
		got := make(map[string]int)
		order := []string{}
		for res, err := range c.Stream(t.Context(), testTarget, withoutErrors(testSources(75))) {
			require.NoError(t, err)
			require.NoError(t, res.Err)
			got[res.JobID]++
			if got[res.JobID] > 1 {
				continue
			}
			order = append(order, res.JobID)
			for _, job := range service.Jobs(testTarget.SequenceStoreID) {
				if job.ID == res.JobID {
					require.LessOrEqual(t, time.Since(job.CompletionTime), 70*time.Second)
				}
			}
		}
		slices.Reverse(order)
		for i, job := range service.Jobs(testTarget.SequenceStoreID) {
			require.Equal(t, job.ID, order[i], "the last job to start was the shortest")
		}
		require.Len(t, got, 8)
	})
}

func TestStreamReadsNoFurtherThanItCanSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := smallBatches(t, atMost(2))
		var pulled atomic.Int64
		go func() {
			for hour := range 5 {
				time.Sleep(30 * time.Minute)
				require.Equal(t, int64(30+20*hour), pulled.Load(), "what runs, and a batch ahead")
				time.Sleep(30 * time.Minute)
			}
		}()
		results, err := collect(t, c.Stream(t.Context(), testTarget, tap(&pulled, testSources(200), nil)))
		require.NoError(t, err)
		requireEach(t, 200, results)
	})
}

// A consumer that takes its time holds up the input too, so that results do not pile up.
func TestStreamWaitsForItsConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := smallBatches(t, atMost(3))
		var pulled atomic.Int64
		yielded := 0
		for _, err := range c.Stream(t.Context(), testTarget, tap(&pulled, testSources(400), nil)) {
			require.NoError(t, err)
			time.Sleep(20 * time.Hour)
			yielded++
			require.LessOrEqual(t, int(pulled.Load())-yielded, 10*(outboxMax+1+3+1+1))
		}
		require.Equal(t, 400, yielded)
	})
}

func TestStreamReportsInvalidSourcesInTheirPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, service := smallBatches(t)
		sources := testSources(100)
		sources[3].SampleID = ""
		sources[40].Source1 = "s3://Bucket/x"
		sources[70].Source1 = sources[69].Source1
		sources[90] = PairedFASTQ("s3://bucket/other.fastq.gz", sources[1].Source1).WithSubject("a").WithSample("b")
		sources[95].Source1 = "s3://bucket/mate.fastq.gz"
		sources[94] = PairedFASTQ("s3://bucket/first.fastq.gz", sources[95].Source1).WithSubject("a").WithSample("b")
		want := map[int]struct {
			path string
			rule Rule
		}{
			3:  {"sources[3].sampleId", RuleRequired},
			40: {"sources[40].sourceFiles.source1", RulePattern},
			70: {"sources[70].sourceFiles.source1", RuleDuplicate},
			90: {"sources[90].sourceFiles.source2", RuleDuplicate},
			95: {"sources[95].sourceFiles.source1", RuleDuplicate},
		}
		results, err := collect(t, c.Stream(t.Context(), testTarget, withoutErrors(sources)))
		require.NoError(t, err)
		requireEach(t, 100, results)
		for _, res := range results {
			require.Equal(t, sources[res.Index], res.Source)
			bad, ok := want[res.Index]
			if !ok {
				require.NoError(t, res.Err)
				continue
			}
			var e *ValidationError
			require.ErrorAs(t, res.Err, &e)
			require.Len(t, e.Fields, 1)
			require.Equal(t, bad.path, e.Fields[0].Path)
			require.Equal(t, bad.rule, e.Fields[0].Rule)
			require.Empty(t, res.JobID)
		}
		require.Equal(t, 95, service.CountReadSets(testTarget.SequenceStoreID))
		require.Len(t, service.Jobs(testTarget.SequenceStoreID), 10, "batches are full although some of the input is not valid")
	})
}

func TestStreamOfNothingValid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, service := smallBatches(t)
		results, err := collect(t, c.Stream(t.Context(), testTarget, withoutErrors(make([]Source, 1234))))
		require.NoError(t, err)
		requireEach(t, 1234, results)
		for _, res := range results {
			require.ErrorIs(t, res.Err, ErrValidation)
		}
		require.Empty(t, service.Requests(""))
	})
}

func TestStreamOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, service := smallBatches(t)
		results, err := collect(t, c.Stream(t.Context(), testTarget, withoutErrors(nil)))
		require.Nil(t, err) //nolint:testifylint // untyped nil, not only no error
		require.Empty(t, results)

		var pulled atomic.Int64
		results, err = collect(t, c.Stream(t.Context(), Target{"1", "2"}, tap(&pulled, testSources(3), nil)))
		require.ErrorIs(t, err, ErrValidation)
		require.Empty(t, results)
		require.Zero(t, pulled.Load())
		require.Empty(t, service.Requests(""))
	})
}

func TestStreamWhoseInputFails(t *testing.T) {
	torn := errors.New("line 36: torn")
	synctest.Test(t, func(t *testing.T) {
		c, service := smallBatches(t)
		results, err := collect(t, c.Stream(t.Context(), testTarget, func(yield func(Source, error) bool) {
			for i, s := range testSources(35) {
				if i%10 == 0 {
					time.Sleep(10 * time.Second) // so that what was read before is sent
				}
				require.True(t, yield(s, nil))
			}
			require.False(t, yield(Source{}, torn), "read after the error")
		}))
		require.Equal(t, torn, err)
		requireEach(t, 35, results)
		for _, res := range results {
			if res.Index < 30 {
				require.NoError(t, res.Err, "what ran was waited for")
			} else {
				require.ErrorIs(t, res.Err, torn)
				require.Empty(t, res.JobID)
			}
		}
		require.Equal(t, 30, service.CountReadSets(testTarget.SequenceStoreID))
	})
}

func TestStreamCanBeUsedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, service := smallBatches(t)
		stream := c.Stream(t.Context(), testTarget, withoutErrors(testSources(25)))
		results, err := collect(t, stream)
		require.NoError(t, err)
		requireEach(t, 25, results)
		results, err = collect(t, stream)
		require.Equal(t, errUsed, err)
		require.Empty(t, results)
		require.Equal(t, 25, service.CountReadSets(testTarget.SequenceStoreID))
	})
}

func TestStreamWhoseSourcesChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, service := smallBatches(t)
		tags := map[string]string{"n": "0"}
		results, err := collect(t, c.Stream(t.Context(), testTarget, func(yield func(Source, error) bool) {
			for _, s := range testSources(25) {
				s.Tags = tags
				if !yield(s, nil) {
					return
				}
				tags["n"] += "x" // it is the caller's again
			}
		}))
		require.NoError(t, err)
		sent := make(map[string]map[string]string)
		for _, r := range service.ReadSets(testTarget.SequenceStoreID) {
			sent[r.Source1] = r.Tags
		}
		for _, res := range results {
			require.Len(t, res.Source.Tags["n"], 1+res.Index)
			require.Equal(t, res.Source.Tags, sent[res.Source.Source1])
		}
	})
}

// A stream whose input trickles in tells of a fatal refusal with the next source, not with the next full batch.
func TestStreamRefusedForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, service := smallBatches(t)
		service.Inject(omicstest.OpStart, omicstest.Status(403, "AccessDeniedException", "no"))
		var pulled atomic.Int64
		began := time.Now()
		results, err := collect(t, c.Stream(t.Context(), testTarget,
			tap(&pulled, testSources(500), func(int) { time.Sleep(time.Minute) })))
		require.ErrorIs(t, err, ErrAccessDenied)
		require.EqualValues(t, 11, pulled.Load())
		require.Equal(t, 11*time.Minute, time.Since(began))
		requireEach(t, int(pulled.Load()), results)
		for _, res := range results {
			require.ErrorIs(t, res.Err, ErrAccessDenied)
		}
	})
}

func TestStreamWhoseContextEnds(t *testing.T) {
	why := errors.New("end of shift")
	hurt := func(sources []Source, every int) []Source {
		for i := range sources {
			if i%every != 0 {
				sources[i].SampleID = ""
			}
		}
		return sources
	}
	for name, tc := range map[string]struct {
		sources []Source
		wait    time.Duration // the consumer's, after the first result
		input   func(ctx context.Context, i int)
	}{
		"while jobs run":               {testSources(1000), 0, nil},
		"while the input blocks":       {testSources(1000), 0, func(ctx context.Context, i int) { blockAt(ctx, i, 57) }},
		"while the consumer is away":   {testSources(1000), 5 * time.Hour, nil},
		"with much invalid input":      {hurt(testSources(1000), 40), 5 * time.Hour, nil},
		"with hardly any valid input":  {hurt(testSources(1000), 333), 5 * time.Hour, nil},
		"while invalid input blocks":   {hurt(testSources(1000), 40), 0, func(ctx context.Context, i int) { blockAt(ctx, i, 257) }},
		"before the first of anything": {testSources(1000), 0, func(ctx context.Context, _ int) { <-ctx.Done() }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, service := smallBatches(t, atMost(2))
				began := time.Now()
				ctx, cancel := context.WithTimeoutCause(t.Context(), 150*time.Minute, why)
				defer cancel()
				var pulled atomic.Int64
				var between func(int)
				if tc.input != nil {
					between = func(i int) { tc.input(ctx, i) }
				}
				var results []Result
				var fatal error
				for res, err := range c.Stream(ctx, testTarget, tap(&pulled, tc.sources, between)) {
					require.NoError(t, fatal)
					if fatal = err; err == nil {
						results = append(results, res)
					}
					if len(results) == 1 {
						time.Sleep(tc.wait)
					}
				}
				require.Equal(t, why, fatal)
				require.LessOrEqual(t, time.Since(began), max(150*time.Minute, tc.wait+62*time.Minute))
				requireEach(t, int(pulled.Load()), results)
				imported := 0
				for _, res := range results {
					switch {
					case res.Err == nil:
						imported++
					case res.Source.SampleID == "":
						require.ErrorIs(t, res.Err, ErrValidation)
					default:
						require.ErrorIs(t, res.Err, why)
					}
				}
				require.LessOrEqual(t, imported, service.CountReadSets(testTarget.SequenceStoreID))
			})
		})
	}
}

// blockAt blocks before the n-th source until the context ends.
func blockAt(ctx context.Context, i, n int) {
	if i == n {
		<-ctx.Done()
	}
}

// Whatever way the loop over the results ends, nothing goes on: the bubble ends with all of its goroutines.
func TestStreamBrokenOff(t *testing.T) {
	errPanic := errors.New("the consumer's own")
	for name, tc := range map[string]struct {
		at    int // results
		panic bool
		delay time.Duration // of all answers
	}{
		"in the first result":                 {at: 1},
		"in the middle of a job's":            {at: 25},
		"between jobs":                        {at: 30},
		"with slow answers":                   {at: 11, delay: 20 * time.Second},
		"by a panic":                          {at: 1, panic: true},
		"by a panic in the middle of a job's": {at: 45, panic: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = omicstest.Lasting(time.Hour)
					o.Fault = func(omicstest.Request) (omicstest.Fault, bool) { return omicstest.Delay(tc.delay), true }
				})
				c := newTestClient(t, service, atMost(3))
				c.batchSize = 10
				got := 0
				var pulled atomic.Int64
				var brokenAt time.Time
				loop := func() {
					for _, err := range c.Stream(t.Context(), testTarget, tap(&pulled, testSources(1000), nil)) {
						require.NoError(t, err)
						if got++; got == tc.at {
							brokenAt = time.Now()
							if tc.panic {
								panic(errPanic)
							}
							break
						}
					}
				}
				if tc.panic {
					require.PanicsWithError(t, errPanic.Error(), loop)
				} else {
					loop()
				}
				require.Equal(t, tc.at, got)
				require.Equal(t, brokenAt, time.Now(), "it returns at once")
				require.Empty(t, c.runs)
				require.Zero(t, c.slots.taken)
				require.Zero(t, c.slots.open)
				requests, was := len(service.Requests("")), pulled.Load()
				time.Sleep(time.Hour)
				require.Len(t, service.Requests(""), requests)
				require.Equal(t, was, pulled.Load())
			})
		})
	}
}

// The input of a stream that is broken off is told to stop as an iterator is: its yield returns false.
func TestStreamBrokenOffEndsItsInput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := smallBatches(t, atMost(2))
		closed := false
		for range c.Stream(t.Context(), testTarget, func(yield func(Source, error) bool) {
			defer func() { closed = true }()
			for _, s := range testSources(1000) {
				if !yield(s, nil) {
					return
				}
			}
		}) {
			break
		}
		require.True(t, closed)
	})
}

// An input that comes from a channel is waited for, and ends by its own context.
func TestStreamBrokenOffWhileItsInputBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := smallBatches(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		feed := make(chan Source)
		go func() {
			for _, s := range testSources(17) {
				feed <- s
			}
		}()
		input := func(yield func(Source, error) bool) {
			for {
				select {
				case s := <-feed:
					if !yield(s, nil) {
						return
					}
				case <-ctx.Done():
					return
				}
			}
		}
		got := 0
		for _, err := range c.Stream(ctx, testTarget, input) {
			require.NoError(t, err)
			got++
			cancel()
			break
		}
		require.Equal(t, 1, got)
	})
}

// An input may be an iterator of results of another import, and the like: it runs in one goroutine, one call at a time.
func TestStreamOfAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, service := smallBatches(t)
		first := c.Stream(t.Context(), testTarget, withoutErrors(testSources(50)))
		results, err := collect(t, c.Stream(t.Context(), testTarget, func(yield func(Source, error) bool) {
			for res, err := range first {
				s := res.Source
				s.Source1 += ".again"
				if !yield(s, err) {
					return
				}
			}
		}))
		require.NoError(t, err)
		requireEach(t, 50, results)
		require.Equal(t, 100, service.CountReadSets(testTarget.SequenceStoreID))
	})
}
