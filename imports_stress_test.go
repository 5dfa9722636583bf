package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
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

// slowMemory is a journal whose writes take their time.
type slowMemory struct {
	*memoryJournal
	delay func() time.Duration
}

func (j slowMemory) Append(ctx context.Context, r journal.Record) error {
	time.Sleep(j.delay())
	return j.memoryJournal.Append(ctx, r)
}

// Many imports of one client at once, with parts of each other's batches, that are cut off, broken off, slow, and meet
// trouble: each source that was read has one result and one event, nothing is held in the end, the journal contradicts
// nothing, and each source is in the store once.
func TestManyImportsOfOneClient(t *testing.T) {
	t.Parallel()
	seeds, first := 60, 0
	if n, err := strconv.Atoi(os.Getenv("IMPORTS_SEEDS")); err == nil {
		seeds = n
	}
	if n, err := strconv.Atoi(os.Getenv("IMPORTS_FIRST")); err == nil {
		first = n
	}
	if underRace {
		seeds = min(seeds, 15)
	}
	for seed := first; seed < first+seeds; seed++ {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { manyImports(t, uint64(seed)) }) })
	}
}

func manyImports(t *testing.T, seed uint64) {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 9))
	draw := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return random.IntN(n)
	}
	trouble := []int{0, 0, 30, 8}[draw(4)] // of so many requests one meets a fault; 0: none
	failures := draw(2) == 0
	stuck := failures && draw(2) == 0
	most := []int{0, 1, 3, 6}[draw(4)]
	limit := []int{0, 4}[draw(2)]
	rate := rateMax
	if draw(2) == 0 {
		rate = 4.5
	}
	slow := draw(3) == 0
	other := Target{"9999999999", testTarget.RoleARN}
	calm := false
	isStuck := make(map[string]bool)
	service := omicstest.New(func(o *omicstest.Options) {
		o.Stores = []string{testTarget.SequenceStoreID, other.SequenceStoreID}
		o.JobDuration = func(omicstest.Job) time.Duration { return time.Duration(1+draw(200)) * time.Minute }
		o.MaxActiveJobs = limit
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			switch {
			case calm || !failures:
			case draw(5) == 0:
				return omicstest.Failed("no")
			case stuck && draw(15) == 0:
				isStuck[s.Source1] = true
				return omicstest.Outcome{Status: types.ReadSetImportJobItemStatusInProgress}
			}
			return omicstest.Outcome{}
		}
		o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
			if calm || trouble == 0 || draw(trouble) != 0 {
				if !calm && draw(4) == 0 {
					return omicstest.Delay(time.Duration(draw(20)) * time.Second), true
				}
				return omicstest.Fault{}, false
			}
			faults := []omicstest.Fault{
				omicstest.DropBefore(), omicstest.DropAfter(), omicstest.Internal(), omicstest.Throttled(), omicstest.Reset(),
				omicstest.DropAfter().WithDelay(10 * time.Second), omicstest.HTML(502), omicstest.Internal().AfterExecution(),
			}
			return faults[draw(len(faults))], true
		}
	})
	sources := testSources(80)
	mem := &memoryJournal{}
	var j journal.Journal = mem
	if slow {
		j = slowMemory{mem, func() time.Duration { return time.Duration(draw(3000)) * time.Millisecond }}
	}
	peak := 0
	for range 2 { // processes
		c := newTestClient(t, service, journaled(j), withJobSize(10), atMost(most), func(o *Options) {
			o.RequestRate = rate
			if draw(3) == 0 {
				o.RunID = "fixed"
			}
		})
		if draw(4) == 0 {
			mem.failAt = len(mem.records) + 1 + draw(40)
		}
		stop := make(chan struct{})
		var group sync.WaitGroup
		group.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(10 * time.Second):
					peak = max(peak, service.ActiveJobs())
				}
			}
		})
		var imports sync.WaitGroup
		for i := range 2 + draw(5) {
			from := draw(len(sources))
			part := sources[from : from+draw(len(sources)-from+1)]
			target := testTarget
			if draw(6) == 0 {
				target = other
			}
			size := []int{1, 3, 10, 20}[draw(4)]
			after := time.Duration(draw(240)) * time.Minute
			if draw(3) == 0 {
				after = time.Duration(draw(90)) * time.Second
			}
			lasts := time.Duration(draw(20)) * time.Hour
			switch draw(4) {
			case 0:
				lasts = time.Duration(draw(60)) * time.Second
			case 1:
				lasts = 0
			}
			kind, breakAt, eventsEnd, pause := draw(3), draw(40), draw(60), time.Duration(0)
			if draw(4) == 0 {
				pause = time.Duration(draw(30)) * time.Minute
			}
			if draw(2) == 0 {
				eventsEnd = 1 << 30
			}
			imports.Go(func() {
				time.Sleep(after)
				ctx, cancel := context.WithTimeoutCause(t.Context(), lasts, errWhy)
				defer cancel()
				told, events, goexit := make(map[int]Result), 0, false
				var last Event
				opts := func(o *ImportOptions) {
					o.SourcesPerJob = size
					o.OnEvent = func(e Event) {
						if e.RunID == "" || last.Kind == EventImportEnded {
							t.Errorf("event after the last: %v", e.Kind)
						}
						last = e
						if e.Running < 0 || e.Submitted < e.Running {
							t.Errorf("counts: %+v", e.Counts)
						}
						if e.Kind == EventSourceEnded {
							if _, twice := told[e.Result.Index]; twice {
								t.Errorf("import %d: two events of source %d", i, e.Result.Index)
							}
							told[e.Result.Index] = *e.Result
						}
						if events++; events > eventsEnd {
							goexit = true
							runtime.Goexit()
						}
						if pause > 0 && events%10 == 0 {
							time.Sleep(pause)
						}
					}
				}
				judge := func(res Result) {
					if res.Err == nil && res.ReadSetID == "" {
						t.Errorf("no read set id")
					}
					if res.Err == nil {
						found := false
						for _, r := range service.ReadSets(target.SequenceStoreID) {
							found = found || r.Source.Source1 == res.Source.Source1 && r.ID == res.ReadSetID
						}
						if !found {
							t.Errorf("import %d: source %d is not in the store as %s", i, res.Index, res.ReadSetID)
						}
					}
				}
				if kind == 0 {
					report, err := c.Import(ctx, target, part, opts)
					for _, res := range report.Results {
						judge(res)
						if res.Err != nil && err == nil {
							t.Errorf("no error")
						}
						if res.Err != nil && errors.Is(res.Err, errNotSent) {
							t.Errorf("import %d: source %d has no result: %v; %v", i, res.Index, res.Err, err)
						}
						if seen, ok := told[res.Index]; ok && fmt.Sprint(seen) != fmt.Sprint(res) {
							t.Errorf("told %v, and not %v", seen, res)
						}
					}
					if !goexit && last.Kind != EventImportEnded {
						t.Errorf("last event %v", last.Kind)
					}
					return
				}
				read := 0
				input := func(yield func(Source, error) bool) {
					for _, s := range part {
						if pause > 0 && read%10 == 9 {
							time.Sleep(pause)
						}
						read++
						if !yield(s, nil) {
							return
						}
					}
				}
				got := make(map[int]bool)
				var fatal error
				broken := false
				for res, err := range c.Stream(ctx, target, input, opts) {
					if fatal != nil {
						t.Errorf("something after the error")
					}
					if fatal = err; err != nil {
						continue
					}
					judge(res)
					if got[res.Index] {
						t.Errorf("two results")
					}
					got[res.Index] = true
					if kind == 2 && len(got) > breakAt {
						broken = true
						break
					}
					if pause > 0 && len(got)%20 == 0 {
						time.Sleep(pause)
					}
				}
				if !broken && len(got) != read {
					t.Errorf("import %d: %d results of %d sources; %v", i, len(got), read, fatal)
				}
				if !broken && read < len(part) && fatal == nil {
					t.Errorf("no error, and %d of %d", read, len(part))
				}
				if !goexit && len(told) != read {
					t.Errorf("import %d: %d events of %d sources", i, len(told), read)
				}
				if !goexit && (last.Kind != EventImportEnded || last.Running != 0) {
					t.Errorf("the last event: %v %+v", last.Kind, last.Counts)
				}
			})
		}
		imports.Wait()
		close(stop)
		group.Wait()
		requireNothingHeld(t, c, sources)
		if err := c.ledger.Broken(); mem.failAt == 0 {
			require.NoError(t, err)
		} else if err != nil {
			require.ErrorIs(t, err, errDiskFull)
		}
		mem.failAt = 0
		again := ledger.New(mem)
		require.NoError(t, again.Open(t.Context()))
		time.Sleep(time.Duration(draw(100)) * time.Minute)
	}
	if trouble == 0 && most > 0 && !stuck {
		require.LessOrEqual(t, peak, most, "jobs at once")
	}
	calm = true
	c := newTestClient(t, service, journaled(mem), withJobSize(10), atMost(most))
	for range 2 {
		report, err := c.Import(t.Context(), testTarget, sources)
		again := false
		for _, res := range report.Results {
			switch {
			case isStuck[res.Source.Source1]:
			case res.Err != nil && errors.Is(res.Err, ErrJobFailed), res.Err != nil && errors.Is(res.Err, ErrPartialFailure):
				again = true
			default:
				require.NoError(t, res.Err)
			}
		}
		if err == nil || !again {
			break
		}
	}
	count := make(map[string]int)
	for _, r := range service.ReadSets(testTarget.SequenceStoreID) {
		count[r.Source.Source1]++
	}
	for _, s := range sources {
		if isStuck[s.Source1] {
			require.LessOrEqual(t, count[s.Source1], 1)
		} else {
			require.Equal(t, 1, count[s.Source1], s.Source1)
		}
	}
	requireNothingHeld(t, c, nil)
}
