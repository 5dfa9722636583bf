package main

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// course is how an import's jobs go: what the time left can be told from.
type course struct {
	took    []time.Duration // by jobs that ended
	ages    []time.Duration // of jobs that run
	waiting int             // jobs that are not started yet
	slots   int             // jobs that can run at once; 0 if nobody knows
}

const (
	enoughJobs = 3 // that have ended, before anything is said

	// Of the possible ends, those before and after the range. The times of the model have a long tail, and so it is by the
	// short side that imports miss the range more often: they end a little sooner.
	tooSoon, tooLate = 0.02, 0.08
)

// left returns a range in which the import probably ends, from now on. It returns false where there is too little to go
// by: hardly a job has ended, it is not known how many can run at once, or the range is wider than the time to its beginning.
//
// It plays the rest of the import through many times. The logarithms of the jobs' times are taken as normally
// distributed, with a mean and a deviation that are themselves drawn, each time, from what the jobs so far allow: few
// jobs, and they differ much. A job that runs counts with its age, as one that takes longer than that: those that end
// first are the short ones, and to go by them alone would be too hopeful.
func (c course) left() (low, high time.Duration, ok bool) {
	if len(c.took) < enoughJobs || len(c.ages)+c.waiting == 0 || c.waiting > 0 && c.slots == 0 {
		return 0, 0, false
	}
	random := rand.New(rand.NewPCG(1, 2)) // the same course has the same end
	const games, gamesMin, draws, burnIn = 400, 60, 200_000, 20
	ends := make([]float64, min(games, max(gamesMin, draws/(len(c.ages)+c.waiting))))
	m := newModel(c, random)
	for range burnIn {
		m.draw()
	}
	for i := range ends {
		m.draw()
		ends[i] = c.play(m)
	}
	slices.Sort(ends)
	at := func(share float64) time.Duration {
		return time.Duration(ends[int(math.Round(share*float64(len(ends)-1)))] * float64(time.Second))
	}
	low, high = at(tooSoon), at(1-tooLate)
	return low, high, high-low < low
}

// play returns when the last job ends, in seconds, if the model is right.
func (c course) play(m *model) float64 {
	free := make(times, 0, max(c.slots, len(c.ages))) // when each slot is free
	for i, age := range c.ages {
		free = append(free, math.Exp(m.running[i])-age.Seconds())
	}
	for len(free) < c.slots {
		free = append(free, 0)
	}
	heap.Init(&free)
	for range c.waiting {
		free[0] += math.Exp(m.job())
		heap.Fix(&free, 0)
	}
	return slices.Max(free)
}

// model is how long jobs take: the logarithm of seconds has a normal distribution.
type model struct {
	mean, deviation float64
	ended           []float64
	ages            []float64
	running         []float64 // what those that run will have taken
	random          *rand.Rand
}

func newModel(c course, random *rand.Rand) *model {
	logs := func(times []time.Duration) []float64 {
		out := make([]float64, len(times))
		for i, t := range times {
			out[i] = math.Log(max(t.Seconds(), 0.001))
		}
		return out
	}
	m := &model{ended: logs(c.took), ages: logs(c.ages), random: random}
	m.running = slices.Clone(m.ages)
	m.refit()
	return m
}

// draw draws what the running jobs will have taken, and then a mean and a deviation that fit all jobs (Gibbs sampling).
func (m *model) draw() {
	for i, age := range m.ages {
		// A normal variable above the age. Where the age is far out, it ends soon.
		z := (age - m.mean) / m.deviation
		from := distuv.UnitNormal.CDF(z)
		if from > 1-1e-9 {
			m.running[i] = age + m.deviation*m.random.ExpFloat64()/z
			continue
		}
		m.running[i] = m.mean + m.deviation*distuv.UnitNormal.Quantile(from+(1-from)*m.random.Float64())
	}
	m.refit()
}

func (m *model) refit() {
	// Before anything is known, jobs differ by a factor of 1.35 or so. That counts as one job.
	const prior = 0.3 * 0.3
	n, sum := 0.0, 0.0
	for _, logs := range [][]float64{m.ended, m.running} {
		for _, x := range logs {
			n, sum = n+1, sum+x
		}
	}
	squares := prior
	for _, logs := range [][]float64{m.ended, m.running} {
		for _, x := range logs {
			squares += (x - sum/n) * (x - sum/n)
		}
	}
	chi := 2 * m.gamma(n/2)
	m.deviation = math.Sqrt(squares / chi)
	m.mean = sum/n + m.deviation/math.Sqrt(n)*m.random.NormFloat64()
}

func (m *model) job() float64 { return m.mean + m.deviation*m.random.NormFloat64() }

// gamma draws from the gamma distribution of that shape.
func (m *model) gamma(shape float64) float64 {
	return distuv.Gamma{Alpha: shape, Beta: 1, Src: m.random}.Rand()
}

// times is a heap of the times at which slots are free.
type times []float64

func (t times) Len() int           { return len(t) }
func (t times) Less(i, j int) bool { return t[i] < t[j] }
func (t times) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *times) Push(x any)        { *t = append(*t, x.(float64)) }
func (t *times) Pop() any          { panic("slots do not go away") }
