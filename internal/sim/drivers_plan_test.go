package sim

import (
	"math/rand/v2"
	"slices"
	"time"
)

// driversPlan is how several drivers share the states of the batches.
type driversPlan struct {
	number  int             // of drivers
	compact bool            // a state is kept as a steps.State, and not as a Submission
	unnamed bool            // the batches have no client token of their own, and get it in their first step
	clocks  []time.Duration // how far each driver's clock is ahead
	lease   time.Duration   // for which a driver has a batch, unless somebody does not care
	hold    time.Duration   // the longest time from reading a state to its request
	save    time.Duration   // the longest time from the answer to saving the state

	stalls, twice, late, cut float64 // chances, for each step
}

// sharesStates reports whether a seed's world is one with several drivers.
func sharesStates(seed uint64) bool { return *flagDrivers || seed%20 == 19 }

// searchPause is the least time between two searches that find nothing, before anything is sent under another token.
const searchPause = 5 * time.Minute

// share makes the plan one of a world with several drivers. What is on its way, what is not listed yet and what the clocks differ by
// is together less than searchPause: a search can see no further. A new token comes only that long after the old one was trusted
// last, and a driver may hold back a state for as long as it likes.
func (p *plan) share(random *rand.Rand) {
	s, c, d := &p.service, &p.client, &p.drivers
	d.number = pick(random, 2, 2, 3)
	d.compact, d.unnamed = random.IntN(2) == 0, c.fixedRunID && random.IntN(3) == 0
	s.listLag = pick(random, 0, time.Second, time.Minute)
	room := searchPause - s.listLag - s.late - 20*time.Second
	apart := time.Duration(pick(random, 0, 0.1, 0.5) * random.Float64() * float64(room))
	for range d.number {
		ahead := time.Duration(random.Float64()*float64(apart)) - apart/2
		// The times in requests are whole milliseconds, and a page token is of a list from one time on.
		d.clocks = append(d.clocks, ahead.Round(time.Millisecond))
	}
	d.hold = pick(random, time.Minute, day)
	d.lease = pick(random, time.Second, 10*time.Second, time.Minute, 10*time.Minute)
	d.save = pick(random, time.Second, time.Minute, 3*time.Hour)
	d.stalls, d.twice, d.late, d.cut = pick(random, 0, 0.1, 0.3), pick(random, 0, 0.1, 0.5), pick(random, 0, 0.1, 0.3), pick(random, 0, 0.1)

	s.tokenWindow = pick(random, 10*time.Minute, time.Hour, 8*time.Hour, day, 2*day, 10_000*day)
	trusted := s.tokenWindow - s.late - time.Minute - apart
	c.tokenWindow = pick(random, min(trusted, 5*time.Minute), min(trusted, time.Hour), min(trusted, 12*time.Hour))
	if random.IntN(2) == 0 {
		p.faults[phaseSending] = pick(random, 0.1, 0.3, 0.6)
	}
	c.batchSize = max(c.batchSize, len(p.sheets[len(p.sheets)-1])/10) // many drivers with many batches take long
	for i, run := range p.runs {
		p.runs[i] = runPlan{pause: run.pause} // each driver has its own troubles
	}
}

// driverPoints are the points at which a driver can crash.
var driverPoints = slices.DeleteFunc(slices.Clone(crashPoints), func(p crashPoint) bool {
	return p.point == "append torn" || p.point == "append unsynced" || slices.Contains([]string{phaseOpening, phaseSweeping, phaseAdopting}, p.phase)
})

// newLife is what befalls one process of a driver.
func (w *world) newLife(number int) runPlan {
	random := rand.New(rand.NewPCG(w.seed, uint64(number)))
	life := newRunPlan(random)
	life.slow, life.unreadable, life.interruptAt = false, false, 0
	if life.after == 0 && random.IntN(4) > 0 {
		life.crash = pick(random, driverPoints...)
	}
	life.pause = between(random, time.Second, time.Hour)
	return life
}
