package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
)

// The tally of an import that goes on where another was cut off, has its limit of jobs raised, and is cut off itself.
func TestTally(t *testing.T) {
	tally := newTally(2000)
	now := time.Now()
	counts := readsetimport.Counts{}
	handle := func(e readsetimport.Event) {
		e.Time, e.Counts = now, counts
		tally.event(e)
	}
	job := func(kind readsetimport.EventKind, n int, status types.ReadSetImportJobStatus) {
		handle(readsetimport.Event{Kind: kind, Job: readsetimport.Job{
			JobRef: readsetimport.JobRef{ID: fmt.Sprint(n)}, Status: status, CreationTime: now.Add(-time.Hour),
		}})
	}
	start := func(n int) {
		counts.Submitted, counts.Running = counts.Submitted+100, counts.Running+100
		job(readsetimport.EventJobStarted, n, types.ReadSetImportJobStatusSubmitted)
	}

	// One job of an earlier run, which has begun an hour ago, and what that run had brought into the store.
	counts = readsetimport.Counts{Submitted: 100, Running: 100, Imported: 200}
	for range 200 {
		handle(readsetimport.Event{Kind: readsetimport.EventSourceEnded, Result: &readsetimport.Result{AlreadyImported: true, Status: "FINISHED"}})
	}
	job(readsetimport.EventJobStatus, 1, types.ReadSetImportJobStatusInProgress)
	s := tally.now()
	require.Equal(t, "imported 200 of 2000 (200 before)", s.progress())
	require.Equal(t, "failed 0, running 100, waiting 1700", s.others())
	require.Equal(t, "jobs 1, waiting for the pace of requests", s.atWork())
	require.InDelta(t, time.Hour, s.course.ages[0], float64(time.Minute))

	// Two more jobs of it are taken up, of which there is no event yet.
	counts.Submitted, counts.Running = counts.Submitted+200, counts.Running+200
	for n := range 4 {
		start(2 + n)
	}
	handle(readsetimport.Event{Kind: readsetimport.EventSlotWait})
	require.Equal(t, "jobs 5 of 5 slots, waiting for a job slot", tally.now().atWork())
	require.Equal(t, 11, tally.now().course.waiting)

	// Another is started, since one has ended: it is seen a moment later.
	now = now.Add(time.Second)
	start(6)
	require.Equal(t, "jobs 5 of 5 slots, waiting for a job slot", tally.now().atWork())
	now = now.Add(time.Second)
	job(readsetimport.EventJobStatus, 6, types.ReadSetImportJobStatusInProgress)
	require.Equal(t, "jobs 5 of 5 slots, waiting for a job slot", tally.now().atWork())
	counts.Running, counts.Imported = counts.Running-100, counts.Imported+100
	job(readsetimport.EventJobStatus, 2, types.ReadSetImportJobStatusCompleted)
	// And one more, since the limit was raised: none that could have ended is seen to.
	start(7)
	now = now.Add(time.Hour)
	job(readsetimport.EventJobStatus, 7, types.ReadSetImportJobStatusInProgress)
	require.Equal(t, "jobs 6 of 6 slots, waiting for a job slot", tally.now().atWork())

	now = time.Now()
	handle(readsetimport.Event{Kind: readsetimport.EventThrottled, Wait: time.Minute})
	require.Equal(t, "jobs 6 of 6 slots, waiting for the pace, lowered after too many requests, in 1m", tally.now().atWork())

	// Cut off.
	for i := range 700 {
		counts.Failed++
		res := readsetimport.Result{JobID: "7", Err: errors.New("job 7 was still running: interrupted")}
		if i >= 600 {
			res = readsetimport.Result{Err: errors.New("not sent: interrupted")}
		}
		handle(readsetimport.Event{Kind: readsetimport.EventSourceEnded, Result: &res})
	}
	counts.Running = 0
	handle(readsetimport.Event{Kind: readsetimport.EventImportEnded})
	s = tally.now()
	require.Equal(t, "failed 100, running 0, waiting 1000, not known 600", s.others())
	require.Equal(t, "jobs 6 of 6 slots", s.atWork())
	require.Empty(t, s.timeLeft())
}
