package readsetimport

import (
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
	service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
	c := newTestClient(t, service, optFns...)
	c.opts.SourcesPerJob = 10
	return c, service
}

func atMost(jobs int) func(*Options) { return func(o *Options) { o.MaxActiveJobs = jobs } }

func TestStreamYieldsOutcomesAsJobsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = func(omicstest.Job) time.Duration { n++; return time.Duration(10-n) * time.Hour }
		})
		c := newTestClient(t, service, func(o *Options) { o.MaxPollDelay = time.Minute })
		c.opts.SourcesPerJob = 10
		got := make(map[string]int)
		order := []string{}
		for res, err := range streamChecked(t.Context(), t, c, testTarget, withoutErrors(testSources(75))) {
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
	t.Parallel()
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
		results, err := collect(t, streamChecked(t.Context(), t, c, testTarget, tap(&pulled, testSources(120), nil)))
		require.NoError(t, err)
		requireEach(t, 120, results)
	})
}

// A consumer that takes its time holds up the input too, so that results do not pile up.
func TestStreamWaitsForItsConsumer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := smallBatches(t, atMost(3))
		var pulled atomic.Int64
		yielded := 0
		for _, err := range streamChecked(t.Context(), t, c, testTarget, tap(&pulled, testSources(200), nil)) {
			require.NoError(t, err)
			time.Sleep(20 * time.Hour)
			yielded++
			require.LessOrEqual(t, int(pulled.Load())-yielded, 10*(outboxMax+1+3+1+1))
		}
		require.Equal(t, 200, yielded)
	})
}

func TestStreamReportsInvalidSourcesInTheirPlace(t *testing.T) {
	t.Parallel()
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
		results, err := collect(t, streamChecked(t.Context(), t, c, testTarget, withoutErrors(sources)))
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
		results, err := collect(t, streamChecked(t.Context(), t, c, testTarget, withoutErrors(make([]Source, 1234))))
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
		results, err := collect(t, streamChecked(t.Context(), t, c, testTarget, withoutErrors(nil)))
		require.Nil(t, err) //nolint:testifylint // untyped nil, not only no error
		require.Empty(t, results)

		var pulled atomic.Int64
		results, err = collect(t, streamChecked(t.Context(), t, c, Target{"1", "2"}, tap(&pulled, testSources(3), nil)))
		require.ErrorIs(t, err, ErrValidation)
		require.Empty(t, results)
		require.Zero(t, pulled.Load())
		require.Empty(t, service.Requests(""))
	})
}

func TestStreamWhoseInputFails(t *testing.T) {
	t.Parallel()
	torn := errors.New("line 36: torn")
	synctest.Test(t, func(t *testing.T) {
		c, service := smallBatches(t)
		results, err := collect(t, streamChecked(t.Context(), t, c, testTarget, func(yield func(Source, error) bool) {
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
			require.NoError(t, res.Err, "what was read is imported")
		}
		require.Equal(t, 35, service.CountReadSets(testTarget.SequenceStoreID))
	})
}

func TestStreamCanBeUsedOnce(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, service := smallBatches(t)
		tags := map[string]string{"n": "0"}
		results, err := collect(t, streamChecked(t.Context(), t, c, testTarget, func(yield func(Source, error) bool) {
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

// An input may be an iterator of results of another import, and the like: it runs in one goroutine, one call at a time.
func TestStreamOfAStream(t *testing.T) {
	t.Parallel()
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
