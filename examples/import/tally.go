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
	running   map[string]time.Time // jobs that run, and since when
	took      []time.Duration      // by jobs that ended
	perJob    int                  // sources of the largest job so far
	slots     int                  // jobs that could run when one more was refused; 0 if none was
	noSlot    bool                 // a job was refused, and none was started since
	pause     string               // what it waits for until pauseEnds
	pauseEnds time.Time
}

func newTally(total int) *tally {
	return &tally{total: total, began: time.Now(), running: make(map[string]time.Time)}
}

// standing is how an import stands at a moment.
type standing struct {
	total, imported, already, failed, running, waiting int // sources; those that were there already are among the imported
	jobs, slots                                        int
	waitsFor                                           string
	elapsed                                            time.Duration
	course                                             course
	low, high                                          time.Duration // bounds of the time left; zero if it cannot be told
}

func (t *tally) event(e readsetimport.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := t.counts
	t.counts = e.Counts
	switch e.Kind {
	case readsetimport.EventJobStarted:
		t.perJob = max(t.perJob, e.Submitted-before.Submitted)
		t.running[e.Job.ID] = e.Time
		if t.slots > 0 && len(t.running) > t.slots+t.slots/4+1 {
			t.slots = len(t.running) // more than are explained by jobs that have ended and were not looked at since
		}
		t.noSlot = false
	case readsetimport.EventJobStatus:
		if e.Job.Done() {
			t.ended(e.Job.ID, e.Time)
		} else if _, known := t.running[e.Job.ID]; !known { // an earlier run started it
			t.running[e.Job.ID] = e.Time
			if !e.Job.CreationTime.IsZero() {
				t.running[e.Job.ID] = e.Job.CreationTime
			}
		}
	case readsetimport.EventSourceEnded:
		if e.Result.AlreadyImported {
			t.already++
		}
		if e.Result.Status != "" {
			t.ended(e.Result.JobID, e.Time)
		}
	case readsetimport.EventSlotWait:
		t.slots = len(t.running)
		t.noSlot = true
	case readsetimport.EventThrottled:
		t.pauseFor("the pace, lowered after too many requests", e)
	case readsetimport.EventStartFailed:
		t.pauseFor("the next try to start a job", e)
	case readsetimport.EventLookFailed:
		t.pauseFor("the next try to look at jobs", e)
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
		total: t.total, imported: t.counts.Imported, already: t.already, failed: t.counts.Failed, running: t.counts.Running,
		jobs: len(t.running), slots: t.slots, elapsed: now.Sub(t.began),
	}
	s.waiting = max(0, s.total-s.imported-s.failed-s.running)
	switch {
	case t.pauseEnds.After(now):
		s.waitsFor = fmt.Sprintf("%s, in %s", t.pause, short(t.pauseEnds.Sub(now)+time.Second-1))
	case s.waiting > 0 && t.noSlot:
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
	if t.slots > 0 {
		s.jobs = min(s.jobs, t.slots)
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
	return fmt.Sprintf("failed %d, running %d, waiting %d", s.failed, s.running, s.waiting)
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
