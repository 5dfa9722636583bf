package sim

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/readsetimport/readsetimport"
)

// plan is the world that a seed makes: the sheets, the service, the client and what goes wrong. Faults are not in it:
// each is decided when its request comes, by the seed and the request, so that taking one away leaves the others.
type plan struct {
	sheets     [][]readsetimport.Source // one for each run of the program; the last run completes
	runs       []runPlan
	client     clientPlan
	service    servicePlan
	faults     map[string]float64 // chance of a fault, by phase
	diskFaults map[string]float64 // chance that a write or a sync of the journal fails, by phase
	drivers    driversPlan
}

type clientPlan struct {
	fixedRunID       bool
	tokenWindow      time.Duration
	batchSize        int
	requestRate      float64
	maxActive        int
	minPoll, maxPoll time.Duration
}

type servicePlan struct {
	tokenWindow, listLag, retention, skew, late, longest time.Duration
	quotaFirst, keepOrder                                bool
	maxActive, pageSize, foreign                         int
	requestRate                                          float64
	failing, failingOnce, badJobs                        float64
	odd                                                  float64 // portion of the sources that are described oddly
	liar                                                 liar
}

// runPlan is one run of the program: how it ends, and how long it is until the next.
type runPlan struct {
	crash crashPoint    // where it crashes
	oneIn uint64        // at how many of the chances there are
	after time.Duration // if above 0, it is interrupted then; with no crash point it is killed
	power bool          // the crash takes the machine down, and what was not synced may be lost
	pause time.Duration

	patience    time.Duration // for a slot
	interruptAt int           // the event at which it is interrupted, from 1; 0: none
	input       inputPlan     // of its streams
	outages     []outage
	slow        bool // its OnEvent is
	unreadable  bool // its journal is
}

// hashOf is a number that depends on its parts and nothing else.
func hashOf(seed uint64, parts ...any) uint64 {
	h := fnv.New64a()
	fmt.Fprintln(h, seed)
	fmt.Fprintln(h, parts...)
	x := h.Sum64() // whose low bits are not mixed well
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

// portionOf is hashOf as a number in [0, 1).
func portionOf(seed uint64, parts ...any) float64 {
	return float64(hashOf(seed, parts...)>>11) / (1 << 53)
}

func pick[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

// between is a duration, each order of magnitude as likely as the others.
func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return time.Duration(float64(least) * math.Exp(random.Float64()*math.Log(float64(most)/float64(least))))
}

const (
	day    = 24 * time.Hour
	listed = 7 * day // how old a request may be for the list of jobs to be trusted
)

func newPlan(seed uint64) plan {
	random := rand.New(rand.NewPCG(seed, 0))
	var p plan
	s := &p.service
	s.tokenWindow = pick(random, -1, -1, 10*time.Minute, time.Hour, 8*time.Hour, day, 2*day, 10_000*day)
	s.listLag = pick(random, 0, 0, time.Second, time.Minute, 3*time.Minute)
	// What a broken connection leaves on its way, and the list's lag, are together below what a search waits.
	s.late = pick(random, time.Second, 20*time.Second, 100*time.Second)
	s.retention = pick(random, 0, listed, 30*day)
	s.skew = pick(random, 0, 0, time.Second, -time.Second, 10*time.Minute, -10*time.Minute, 3*time.Hour, -3*time.Hour)
	s.quotaFirst, s.keepOrder = random.IntN(2) == 0, random.IntN(3) == 0
	s.maxActive = pick(random, 0, 0, 1, 2, 5)
	s.pageSize = pick(random, 1, 2, 5, 100)
	s.foreign = pick(random, 0, 0, 1, 3)
	s.requestRate = pick(random, 0.0, 5, 1)
	s.failing = pick(random, 0, 0, 0.1, 0.5)
	s.failingOnce = pick(random, 0, 0, 0.1, 0.5)
	s.badJobs = pick(random, 0, 0, 0.1, 0.4)
	if random.IntN(6) == 0 {
		s.odd = 0.2
	}
	if s.skew.Abs() <= 10*time.Minute {
		s.liar = newLiar(random)
	}

	c := &p.client
	c.fixedRunID = random.IntN(2) == 0
	c.tokenWindow = -1
	if trusted := s.tokenWindow - s.late - time.Minute; trusted > 0 {
		c.tokenWindow = pick(random, -1, min(trusted, time.Minute), min(trusted, time.Hour), min(trusted, 12*time.Hour))
	}
	c.batchSize = 1 + random.IntN(8)
	c.requestRate = pick(random, 4.5, 4.5, 20)
	c.maxActive = pick(random, 0, 0, 1, 4)
	c.maxPoll = pick(random, 10*time.Second, time.Minute, 10*time.Minute)
	c.minPoll = c.maxPoll / 5
	s.longest = c.maxPoll * pick[time.Duration](random, 1, 2, 10)

	base := pick(random, 0, 0.02, 0.1, 0.25, 0.5)
	p.faults = map[string]float64{}
	for _, phase := range requestPhases {
		p.faults[phase] = base * pick(random, 0, 1, 1, 1.5)
	}
	p.diskFaults = map[string]float64{}
	if random.IntN(4) == 0 {
		for _, phase := range appendPhases {
			p.diskFaults[phase] = pick(random, 0, 0.02, 0.1, 0.5)
		}
	}

	n := pick(random, 1, 2, 2, 3, 3, 4, 5, 6)
	least := 1
	var favoured []crashPoint
	switch seed % 5 {
	case 1: // several jobs at once, of which one list tells
		least = 8
		c.batchSize, c.maxActive, s.maxActive, s.requestRate, s.longest = 1, 0, 0, 0, 20*c.maxPoll
		p.faults[phaseSweeping] = 0.4
		favoured = pointsIn(phaseSweeping)
	case 2: // much that has to be looked for
		n = max(n, 3)
		c.tokenWindow = -1
		s.foreign = pick(random, 0, 0, 3)
		p.faults[phaseSending] = pick(random, 0.1, 0.5, 0.9)
		p.faults[phaseListing], p.faults[phaseInspecting] = pick(random, 0, 0.3), pick(random, 0, 0.3)
		p.diskFaults[phaseListing], p.diskFaults[phaseInspecting] = pick(random, 0, 0.3), pick(random, 0, 0.3)
		favoured = slices.Concat(pointsIn(phaseListing), pointsIn(phaseInspecting), appendPointsIn(phaseListing))
	}
	if seed%5 == 4 { // much that is adopted
		p.faults[phaseAdopting] = pick(random, 0.05, 0.2, 0.5)
		p.diskFaults[phaseAdopting] = pick(random, 0, 0, 0.3)
		favoured = slices.Concat(pointsIn(phaseAdopting), appendPointsIn(phaseAdopting), appendPointsIn(phaseAdopting))
	}
	if seed%5 == 3 { // few slots, which jobs of earlier runs have
		least = 3
		c.batchSize, c.maxActive, s.maxActive, s.longest = 1+random.IntN(3), 0, 1+random.IntN(2), pick[time.Duration](random, 20, 100)*c.maxPoll
		s.foreign = 0
		favoured = slices.Concat(pointsIn(phaseLooking), pointsIn(phaseSweeping))
	}
	for i := range n {
		run := newRunPlan(random)
		if seed%5 == 3 {
			run.patience = pick(random, c.maxPoll, 2*c.maxPoll, time.Hour)
			run.pause = between(random, time.Second, s.longest)
		}
		if len(favoured) > 0 && random.IntN(2) == 0 {
			run.crash, run.after = pick(random, favoured...), 0
		}
		if i > 0 && random.IntN(4) == 0 && p.runs[i-1].crash.point == "append torn" {
			run.crash, run.oneIn = crashPoint{"open truncated", phaseOpening}, 1
		}
		p.runs = append(p.runs, run)
	}
	p.sheets = newSheets(random, n+1, least)
	if sharesStates(seed) {
		p.share(rand.New(rand.NewPCG(seed, 1))) // the others are as without it
	}
	return p
}

func appendPointsIn(phase string) []crashPoint {
	return slices.DeleteFunc(pointsIn(phase), func(p crashPoint) bool { return !strings.HasPrefix(p.point, "append") })
}

// pointsIn are the crash points in a phase.
func pointsIn(phase string) []crashPoint {
	return slices.DeleteFunc(slices.Clone(crashPoints), func(p crashPoint) bool { return p.phase != phase })
}

func newRunPlan(random *rand.Rand) runPlan {
	run := runPlan{
		oneIn: pick[uint64](random, 1, 1, 2, 3, 5, 8),
		power: random.IntN(2) == 0,
		pause: between(random, time.Second, 6*time.Hour),

		patience:   pick(random, time.Minute, time.Hour, 20*time.Hour, 2*day),
		input:      newInputPlan(random),
		outages:    newOutages(random),
		slow:       random.IntN(4) == 0,
		unreadable: random.IntN(40) == 0,
	}
	if random.IntN(8) == 0 { // while its OnEvent runs, and its input waits
		run.interruptAt, run.input.pauses = 1+random.IntN(20), pick(random, 0.3, 1)
	}
	switch random.IntN(12) {
	case 0, 1:
		run.pause = between(random, 6*time.Hour, 6*day)
	case 2:
		if random.IntN(4) == 0 {
			run.pause = between(random, 6*day, 20*day)
		}
	}
	switch random.IntN(10) {
	case 0:
		run.after = between(random, time.Second, 3*time.Hour) // and then it is interrupted or killed
		run.crash = pick(random, crashPoint{}, interrupt)
		if random.IntN(2) == 0 { // while its input waits, and perhaps its OnEvent
			run.crash, run.input.pauses, run.slow = interrupt, pick(random, 0.3, 1), random.IntN(2) == 0
		}
	case 1: // ends by itself
	case 2, 3, 4: // where a batch hangs in the balance
		run.crash = pick(random, crashPoint{"append after", phasePlanned}, crashPoint{"request on its way", phaseSending},
			crashPoint{"request carried out", phaseSending}, crashPoint{"append torn", phaseSending}, crashPoint{"append unsynced", phaseSending})
	default:
		run.crash = crashPoints[random.IntN(len(crashPoints))]
	}
	return run
}
