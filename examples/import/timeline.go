package main

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"gonum.org/v1/plot/plotter"

	"github.com/readsetimport/readsetimport"
)

// timeline gathers what an import's picture shows. Times are seconds since it began.
type timeline struct {
	began     time.Time
	total     int
	jobs      []job
	byID      map[string]int // index in jobs
	waits     []wait         // for a slot
	throttled []float64
	imported  plotter.XYs
	end       float64
}

type job struct {
	slot       int
	start, end float64
	status     types.ReadSetImportJobStatus // empty while it runs
}

type wait struct{ start, end float64 } // end is 0 while it lasts

func newTimeline(total int) *timeline {
	return &timeline{began: time.Now(), total: total, byID: make(map[string]int), imported: plotter.XYs{{}}}
}

func (t *timeline) event(e readsetimport.Event) {
	now := e.Time.Sub(t.began).Seconds()
	t.end = now
	switch e.Kind {
	case readsetimport.EventJobStarted, readsetimport.EventJobStatus:
		at, known := t.byID[e.Job.ID]
		if !known { // one that an earlier import started begins where it is seen first
			at = len(t.jobs)
			t.byID[e.Job.ID] = at
			t.jobs = append(t.jobs, job{slot: t.freeSlot(), start: now})
		}
		if e.Kind == readsetimport.EventJobStarted {
			t.endWait(now)
		}
		if e.Job.Done() {
			t.jobs[at].end, t.jobs[at].status = now, e.Job.Status
		}
	case readsetimport.EventSlotWait:
		if n := len(t.waits); n == 0 || t.waits[n-1].end > 0 {
			t.waits = append(t.waits, wait{start: now})
		}
	case readsetimport.EventThrottled:
		t.throttled = append(t.throttled, now)
	case readsetimport.EventSourceEnded:
		last := &t.imported[len(t.imported)-1]
		switch {
		case last.Y == float64(e.Imported):
		case now-last.X < 0.01: // the results of a job come at once
			last.Y = float64(e.Imported)
		default:
			t.imported = append(t.imported, plotter.XY{X: now, Y: float64(e.Imported)})
		}
	case readsetimport.EventImportEnded:
		t.endWait(now)
	}
}

func (t *timeline) endWait(now float64) {
	if n := len(t.waits); n > 0 && t.waits[n-1].end == 0 {
		t.waits[n-1].end = now
	}
}

// freeSlot returns the lowest slot that no job has.
func (t *timeline) freeSlot() int {
	taken := make(map[int]bool)
	for _, j := range t.jobs {
		if j.status == "" {
			taken[j.slot] = true
		}
	}
	slot := 0
	for taken[slot] {
		slot++
	}
	return slot
}
