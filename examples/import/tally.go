package main

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/readsetimport/readsetimport"
)

// tally is how an import stands, from its events.
type tally struct {
	mu        sync.Mutex
	total     int // sources
	began     time.Time
	counts    readsetimport.Counts
	already   int                  // sources that were in the store before
	unknown   int                  // sources that may be in the store
	over      bool                 // the import has ended
	running   map[string]time.Time // jobs that run, and since when
	took      []time.Duration      // by jobs that ended
	perJob    int                  // sources of the largest job so far
	slots     int                  // jobs that ran, as far as was seen, when one more was refused; 0 if none was
	more      time.Time            // since when more than that run
	noSlot    bool                 // a job was refused, and none was started since
	pause     string               // what it waits for until pauseEnds
	pauseEnds time.Time
}

func newTally(total int) *tally {
	return &tally{total: total, began: time.Now(), running: make(map[string]time.Time)}
}

// standing is how an import stands at a moment.
type standing struct {
	// Sources. Those that were in the store already are among the imported.
	total, imported, already, failed, unknown, running, waiting int

	jobs, slots int
	waitsFor    string
	elapsed     time.Duration
	course      course
	low, high   time.Duration // bounds of the time left; zero if it cannot be told
}

func (t *tally) event(e readsetimport.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.Kind == readsetimport.EventAdopted {
		return // what it counts are not the sources of the import
	}
	before := t.counts
	t.counts = e.Counts
	switch e.Kind {
	case readsetimport.EventJobStarted:
		// There may be jobs of an earlier run among those that came since the last event.
		t.perJob = max(t.perJob, min(e.Submitted-before.Submitted, readsetimport.MaxSourcesPerJob))
		t.running[e.Job.ID] = e.Time
		t.noSlot = false
	case readsetimport.EventJobStatus:
		if e.Job.Done() {
			t.ended(e.Job.ID, e.Time)
		} else if _, known := t.running[e.Job.ID]; !known { // an earlier run started it
			t.running[e.Job.ID] = e.Time
			if created := e.Job.CreationTime; !created.IsZero() && created.Before(e.Time) {
				t.running[e.Job.ID] = created
			}
		}
	case readsetimport.EventSourceEnded:
		switch endingOf(*e.Result).status {
		case inAlready:
			t.already++
		case notKnown:
			t.unknown++
		}
		if e.Result.Status != "" {
			t.ended(e.Result.JobID, e.Time)
		}
	case readsetimport.EventSlotWait:
		t.slots, t.noSlot = len(t.running), true
	case readsetimport.EventThrottled:
		t.pauseFor("the pace, lowered after too many requests", e)
	case readsetimport.EventStartFailed:
		t.pauseFor("the next try to start a job", e)
	case readsetimport.EventPollFailed:
		t.pauseFor("the next try to look at jobs", e)
	case readsetimport.EventImportEnded:
		t.over = true
	}
	t.learnSlots(e.Time)
}

// learnSlots raises the number of slots where more jobs run than it says, and not only because one of them has ended and was
// not looked at since.
func (t *tally) learnSlots(now time.Time) {
	switch {
	case t.slots == 0 || len(t.running) <= t.slots:
		t.more = time.Time{}
	case t.more.IsZero():
		t.more = now
	default:
		look := 2 * time.Second
		if n := len(t.took); n > 0 {
			look = min(max(look, t.took[n-1]/8), time.Minute)
		}
		if now.Sub(t.more) > look {
			t.slots, t.more = len(t.running), time.Time{}
		}
	}
}

func (t *tally) ended(jobID string, at time.Time) {
	if since, known := t.running[jobID]; known {
		delete(t.running, jobID)
		t.took = append(t.took, max(0, at.Sub(since)))
	}
}

func (t *tally) pauseFor(what string, e readsetimport.Event) {
	if e.Wait > 0 {
		t.pause, t.pauseEnds = what, e.Time.Add(e.Wait)
	}
}

// now returns how the import stands.
func (t *tally) now() standing {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	s := standing{
		total: t.total, imported: t.counts.Imported, already: t.already,
		failed: t.counts.Failed - t.unknown, unknown: t.unknown, running: t.counts.Running,
		jobs: len(t.running), slots: t.slots, elapsed: now.Sub(t.began),
	}
	s.waiting = max(0, s.total-s.imported-s.failed-s.unknown-s.running)
	if t.slots > 0 {
		s.jobs = min(s.jobs, t.slots)
	}
	if t.over {
		return s
	}
	switch {
	case t.pauseEnds.After(now):
		s.waitsFor = fmt.Sprintf("%s, in %s", t.pause, short(t.pauseEnds.Sub(now)+time.Second-1))
	case s.waiting > 0 && (t.noSlot || s.slots > 0 && s.jobs == s.slots):
		s.waitsFor = "a job slot"
	case s.waiting > 0:
		s.waitsFor = "the pace of requests"
	case s.running > 0:
		s.waitsFor = "the next look at the jobs"
	}
	s.course = course{took: slices.Clone(t.took), slots: t.slots}
	if t.perJob > 0 {
		s.course.waiting = (s.waiting + t.perJob - 1) / t.perJob
	}
	for _, since := range t.running {
		s.course.ages = append(s.course.ages, now.Sub(since))
	}
	slices.Sort(s.course.ages) // so that the same course looks the same
	return s
}

// The parts of a summary, and the rows of a bar.

func (s standing) progress() string {
	text := fmt.Sprintf("imported %d of %d", s.imported, s.total)
	if s.already > 0 {
		text += fmt.Sprintf(" (%d before)", s.already)
	}
	return text
}

func (s standing) others() string {
	text := fmt.Sprintf("failed %d, running %d, waiting %d", s.failed, s.running, s.waiting)
	if s.unknown > 0 {
		text += fmt.Sprintf(", not known %d", s.unknown)
	}
	return text
}

func (s standing) atWork() string {
	text := fmt.Sprintf("jobs %d", s.jobs)
	if s.slots > 0 {
		text += fmt.Sprintf(" of %d slots", s.slots)
	}
	if s.waitsFor != "" {
		text += ", waiting for " + s.waitsFor
	}
	return text
}

func (s standing) timeLeft() string {
	if s.high == 0 {
		return ""
	}
	return between(s.low, s.high) + " left"
}
