package readsetimport

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// A stream whose input trickles in tells of a fatal refusal with the next source, not with the next full batch.
func TestStreamRefusedForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, service := smallBatches(t)
		service.Inject(omicstest.OpStart, omicstest.Status(403, "AccessDeniedException", "no"))
		var pulled atomic.Int64
		began := time.Now()
		results, err := collect(t, streamChecked(t.Context(), t, c, testTarget,
			tap(&pulled, testSources(500), func(int) { time.Sleep(time.Minute) })))
		require.ErrorIs(t, err, ErrAccessDenied)
		// The refusal and the wish for another source come at the same moment.
		require.Contains(t, []int64{10, 11}, pulled.Load())
		require.Equal(t, time.Duration(pulled.Load())*time.Minute, time.Since(began))
		requireEach(t, int(pulled.Load()), results)
		for _, res := range results {
			require.ErrorIs(t, res.Err, ErrAccessDenied)
		}
	})
}

func TestStreamWhoseContextEnds(t *testing.T) {
	t.Parallel()
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
				for res, err := range streamChecked(ctx, t, c, testTarget, tap(&pulled, tc.sources, between)) {
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
	t.Parallel()
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
					o.JobDuration = omicstest.FixedDuration(time.Hour)
					o.Fault = func(omicstest.Request) (omicstest.Fault, bool) { return omicstest.Delay(tc.delay), true }
				})
				c := newTestClient(t, service, atMost(3))
				c.opts.SourcesPerJob = 10
				got := 0
				var pulled atomic.Int64
				var brokenAt time.Time
				loop := func() {
					for _, err := range streamChecked(t.Context(), t, c, testTarget, tap(&pulled, testSources(1000), nil)) {
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
				require.Zero(t, c.slots.InUse())
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
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := smallBatches(t, atMost(2))
		closed := false
		for range streamChecked(t.Context(), t, c, testTarget, func(yield func(Source, error) bool) {
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
	t.Parallel()
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
		for _, err := range streamChecked(ctx, t, c, testTarget, input) {
			require.NoError(t, err)
			got++
			cancel()
			break
		}
		require.Equal(t, 1, got)
	})
}

// Whatever record cannot be written, every source has one result, and the next import brings what is missing.
func TestStreamWhoseJournalFails(t *testing.T) {
	t.Parallel()
	sources := testSources(60)
	for failAt := 1; failAt <= 18; failAt++ {
		synctest.Test(t, func(t *testing.T) {
			service := omicstest.New(func(o *omicstest.Options) {
				o.JobDuration = omicstest.FixedDuration(time.Hour)
				o.MaxActiveJobs = 3
			})
			service.Inject(omicstest.OpStart, omicstest.Fault{}, omicstest.DropBefore())
			mem := &memoryJournal{failAt: failAt}
			c := newTestClient(t, service, journaled(mem), withJobSize(10))
			results, err := collect(t, streamChecked(t.Context(), t, c, testTarget, withoutErrors(sources)))
			require.ErrorIs(t, err, errDiskFull)
			for _, res := range results {
				if res.Err != nil && !errors.Is(res.Err, ErrUnresolved) && res.JobID == "" {
					require.ErrorIs(t, res.Err, errDiskFull)
				}
			}
			mem.failAt = 0
			_, err = newTestClient(t, service, journaled(mem), withJobSize(10)).Import(t.Context(), testTarget, sources)
			require.NoError(t, err)
			requireOnceEach(t, service, sources)
		})
	}
}

// An input that watches the context ends with it. Whichever of the two the import sees first, the stream says that the
// input was cut short.
func TestStreamWhoseInputEndsWithItsContext(t *testing.T) {
	t.Parallel()
	trial := func(t *testing.T, c *Client, of func(context.Context) context.Context) {
		own, cancel := context.WithCancel(t.Context())
		defer cancel()
		ctx := of(own)
		input := func(yield func(Source, error) bool) {
			if yield(testSources(1)[0], nil) {
				<-ctx.Done() // there is more to come, and it is given up
			}
		}
		for range streamChecked(ctx, t, c, testTarget, input) { // which checks the error
			cancel()
		}
	}
	same := func(ctx context.Context) context.Context { return ctx }
	late := func(ctx context.Context) context.Context { return lateContext{ctx} }
	for _, of := range []func(context.Context) context.Context{same, late} {
		for range 100 {
			synctest.Test(t, func(t *testing.T) {
				trial(t, newTestClient(t, omicstest.New(), withJobSize(1), withEvents(func(Event) { time.Sleep(time.Second) })), of)
			})
		}
	}
	for range 2000 { // goroutines on several threads
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(0) })
		trial(t, newTestClient(t, service, withJobSize(1), func(o *Options) {
			o.RequestRate, o.MinPollDelay, o.MaxPollDelay = rateMax, 1, 1
		}), same)
	}
}

// lateContext is a context whose children end a second after it.
type lateContext struct{ context.Context }

// Value hides that package context could end the children itself.
func (lateContext) Value(any) any { return nil }

func (c lateContext) AfterFunc(end func()) (stop func() bool) {
	return context.AfterFunc(c.Context, func() {
		time.Sleep(time.Second)
		end()
	})
}
