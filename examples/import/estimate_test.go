package main

import (
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

func repeat(d time.Duration, n int) []time.Duration { return slices.Repeat([]time.Duration{d}, n) }

func TestLeft(t *testing.T) {
	const minute = time.Minute
	for name, test := range map[string]struct {
		course    course
		low, high time.Duration // bounds of the range; 0: nothing is said
	}{
		"nothing has ended":      {course: course{ages: repeat(minute, 5), waiting: 10, slots: 5}},
		"hardly anything has":    {course: course{took: repeat(10*minute, 2), ages: repeat(minute, 5), waiting: 10, slots: 5}},
		"slots are not known":    {course: course{took: repeat(10*minute, 10), ages: repeat(minute, 5), waiting: 10}},
		"everything has ended":   {course: course{took: repeat(10*minute, 10), slots: 5}},
		"jobs that differ much":  {course: course{took: []time.Duration{minute, 20 * minute, 400 * minute}, ages: repeat(minute, 5), slots: 5}},
		"the last wave runs":     {course: course{took: repeat(20*minute, 20), ages: repeat(5*minute, 5)}, low: 14 * minute, high: 20 * minute},
		"four waves are to come": {course: course{took: repeat(20*minute, 20), ages: repeat(10*minute, 5), waiting: 20, slots: 5}, low: 85 * minute, high: 100 * minute},
		"a slot is free":         {course: course{took: repeat(20*minute, 20), ages: repeat(15*minute, 4), waiting: 1, slots: 5}, low: 17 * minute, high: 24 * minute},
		"many jobs":              {course: course{took: repeat(20*minute, 500), ages: repeat(10*minute, 20), waiting: 10_000, slots: 20}, low: 9900 * minute, high: 10_100 * minute},
	} {
		t.Run(name, func(t *testing.T) {
			low, high, ok := test.course.left()
			require.Equal(t, test.high > 0, ok, "%s to %s", low, high)
			if ok {
				require.True(t, test.low <= low && low < high && high <= test.high, "%s to %s", low, high)
			}
			again, _, _ := test.course.left()
			require.Equal(t, low, again)
		})
	}
}

// Jobs that run and are older than any that has ended say that the others will take longer, too.
func TestLeftHeedsRunningJobs(t *testing.T) {
	c := course{took: repeat(20*time.Minute, 10), ages: repeat(10*time.Minute, 10), waiting: 100, slots: 10}
	_, high, ok := c.left()
	require.True(t, ok)
	c.ages = repeat(60*time.Minute, 10)
	low, _, _ := c.left()
	require.Greater(t, low, high)
}

// Of 200 simulated imports, at least 8 of 10 say at half-way when they will end, and are right. The range is narrower than
// the time that is left.
func TestLeftAtHalfWay(t *testing.T) {
	const imports = 200
	var said, right, narrow atomic.Int32
	t.Run("imports", func(t *testing.T) {
		for worker := range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for seed := worker; seed < imports; seed += runtime.GOMAXPROCS(0) {
					half, left := simulateToHalfWay(t, uint64(seed))
					low, high, ok := half.course.left()
					if !ok {
						continue
					}
					said.Add(1)
					if low <= left && left <= high {
						right.Add(1)
					}
					if high-low < left {
						narrow.Add(1)
					}
				}
			})
		}
	})
	t.Logf("of %d imports, %d said something; %d of these were right, and %d narrower than the time left",
		imports, said.Load(), right.Load(), narrow.Load())
	require.GreaterOrEqual(t, said.Load(), int32(imports*8/10))
	require.GreaterOrEqual(t, right.Load(), int32(imports*8/10)) // of all of them: to say nothing is not to be right
	require.GreaterOrEqual(t, narrow.Load(), said.Load()*98/100)
}

// simulateToHalfWay imports with some dozen jobs, in four to ten waves, and returns how it stood at half-way, and
// how much longer it took.
func simulateToHalfWay(t *testing.T, seed uint64) (half standing, left time.Duration) {
	random := rand.New(rand.NewPCG(seed, 0))
	const perJob = 3 // what a job has in it makes no difference, but to the time that this test takes
	slots := 2 + random.IntN(9)
	jobs := 4*slots + random.IntN(6*slots)
	typical := 300 * math.Pow(12, random.Float64()) // seconds: 5 minutes to an hour
	spread := 0.05 + 0.3*random.Float64()
	draw := []func(random *rand.Rand) float64{
		func(random *rand.Rand) float64 { return math.Exp(spread * random.NormFloat64()) },
		func(random *rand.Rand) float64 { return 1 + spread*(2*random.Float64()-1) },
		func(random *rand.Rand) float64 { // most jobs have panels, some have genomes
			if random.Float64() < 0.3 {
				return 2 + spread*random.Float64()
			}
			return 1 + spread*random.Float64()
		},
	}[random.IntN(3)]
	of := func(s omicstest.Source) *rand.Rand { // the same in every run, whichever request comes first
		hash := fnv.New64a()
		_, _ = io.WriteString(hash, s.Source1)
		return rand.New(rand.NewPCG(seed, hash.Sum64()))
	}
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.MaxActiveJobs = slots
			o.MaxRequests = -1
			o.JobDuration = func(j omicstest.Job) time.Duration {
				return time.Duration(draw(of(j.Sources[0].Source)) * typical * float64(time.Second))
			}
			o.Outcome = func(s omicstest.Source) omicstest.Outcome {
				if of(s).IntN(20) == 0 {
					return omicstest.Failed("File validation failed")
				}
				return omicstest.Outcome{}
			}
			o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
				faults := []omicstest.Fault{omicstest.DropAfter(), omicstest.HTML(502), omicstest.Status(429, "ThrottlingException", "")}
				return faults[random.IntN(len(faults))], random.IntN(20) == 0
			}
		})
		sources := make([]readsetimport.Source, jobs*perJob)
		for i := range sources {
			sources[i] = readsetimport.FASTQ(fmt.Sprintf("s3://bucket/%d.fastq.gz", i)).WithSample("a").WithSubject("a")
		}
		tally := newTally(len(sources))
		client, err := readsetimport.New(service.Client(), func(o *readsetimport.Options) {
			o.SourcesPerJob = perJob
			o.MinPollDelay, o.MaxPollDelay = time.Minute, 2*time.Minute // fewer looks take less of this test's own time
			o.OnEvent = tally.event
		})
		require.NoError(t, err)

		ended := make(chan struct{})
		var seen []standing
		go func() {
			for {
				select {
				case <-ended:
					return
				case <-time.After(time.Minute):
					seen = append(seen, tally.now())
				}
			}
		}()
		report, err := client.Import(t.Context(), simulatedTarget, sources)
		require.Equal(t, len(report.Failed()) == 0, err == nil)
		took := tally.now().elapsed
		close(ended)
		synctest.Wait()
		for _, s := range seen {
			if s.elapsed <= took/2 {
				half, left = s, took-s.elapsed
			}
		}
	})
	return half, left
}
