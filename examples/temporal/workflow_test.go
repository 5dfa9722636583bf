package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/steps"
)

const (
	store = "1234567890"
	role  = "arn:aws:iam::123456789012:role/omics-import"
)

var target = readsetimport.Target{SequenceStoreID: store, RoleARN: role}

// world is an import in the SDK's test environment, whose clock skips, with activities that play both the worker and HealthOmics.
type world struct {
	*testsuite.TestWorkflowEnvironment
	now     time.Time // of the beginning
	in      importInput
	sources int
	lasts   time.Duration // each job
	poll    time.Duration // the time between two looks
	lost    map[int]bool  // batches of which it is not known whether they were started, until they are looked for

	mu      sync.Mutex
	slots   int
	ends    map[int]time.Time // of the jobs that run
	started map[int]int       // how often a batch's job was
	most    int               // jobs at once
	fulls   int
	stops   int // steps that may start no job
	left    map[int]string
	trouble func(number int) string
	during  func() // in a step
}

func newWorld(t *testing.T, sources, maxJobs int) *world {
	w := &world{
		now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		in: importInput{
			Target: target, MaxJobs: maxJobs,
			Settings: settings{StepTimeout: time.Minute, RaiseEvery: 5 * time.Minute, MaxEvents: 10_000},
		},
		sources: sources, lasts: time.Hour, poll: 2 * time.Minute, slots: 1000,
		lost: make(map[int]bool), ends: make(map[int]time.Time), started: make(map[int]int), left: make(map[int]string),
		trouble: func(int) string { return "" },
	}
	w.renew(t)
	return w
}

// renew makes a new environment, for the next run of a workflow.
func (w *world) renew(t *testing.T) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	if w.TestWorkflowEnvironment != nil {
		w.now = w.Now()
	}
	w.TestWorkflowEnvironment = suite.NewTestWorkflowEnvironment()
	w.SetStartTime(w.now)
	w.SetTestTimeout(time.Minute)
	w.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: "monday"})
	register(w, &activities{})
	w.during = nil
	w.OnActivity(does.Cut, mock.Anything, mock.Anything).Return(func(_ context.Context, in cutInput) (sheet, error) {
		require.Equal(t, cutInput{Name: "monday", Target: target}, in)
		return sheet{Digest: "d", Sources: w.sources, Batches: (w.sources + 99) / 100}, nil
	}).Maybe()
	w.OnActivity(does.Step, mock.Anything, mock.Anything).Return(w.step).Maybe()
	w.OnActivity(does.Leave, mock.Anything, mock.Anything).Return(w.leave).Maybe()
}

// after returns the state of a batch after a step.
func (w *world) after(in stepInput, phase readsetimport.Phase, wait time.Duration) stepOutput {
	s := readsetimport.Submission{
		Batch: readsetimport.Batch{Target: target, ClientToken: fmt.Sprint(in.Number)}, Phase: phase, NextAt: w.Now().Add(wait),
	}
	if _, ok := w.ends[in.Number]; ok {
		s.Job.JobRef = w.job(in.Number)
	}
	if phase == readsetimport.PhasePlanned {
		s.FullSince = w.Now()
	}
	state := steps.Of(s)
	return stepOutput{State: &state}
}

func (w *world) job(number int) readsetimport.JobRef {
	return readsetimport.JobRef{SequenceStoreID: store, ID: fmt.Sprint(9000000000 + number)}
}

func (w *world) step(_ context.Context, in stepInput) (stepOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if in.Stop {
		w.stops++
	}
	if w.during != nil {
		w.during()
	}
	end, ran := w.ends[in.Number]
	switch phase := phaseOf(in.State); {
	case w.trouble(in.Number) != "":
		return stepOutput{State: in.State, Trouble: w.trouble(in.Number)}, nil
	case phase == readsetimport.PhasePlanned:
		return w.after(in, readsetimport.PhaseSending, 0), nil
	case phase == readsetimport.PhaseSending && in.Stop:
		delete(w.lost, in.Number)
		return w.after(in, readsetimport.PhasePlanned, 0), nil
	case phase == readsetimport.PhaseSending && w.lost[in.Number]:
		return w.after(in, readsetimport.PhaseSending, time.Minute), nil
	case phase == readsetimport.PhaseSending && len(w.ends) >= w.slots:
		w.fulls++
		return w.after(in, readsetimport.PhasePlanned, time.Minute), nil
	case phase == readsetimport.PhaseSending:
		w.ends[in.Number] = w.Now().Add(w.lasts)
		w.started[in.Number]++
		w.most = max(w.most, len(w.ends))
		return w.after(in, readsetimport.PhaseRunning, w.poll), nil
	case ran && w.Now().Before(end):
		return w.after(in, readsetimport.PhaseRunning, w.poll), nil
	}
	out := w.after(in, readsetimport.PhaseDone, 0)
	delete(w.ends, in.Number)
	out.Over, out.Counts.Imported = true, min(100, w.sources-100*in.Number)
	return out, nil
}

func phaseOf(s *steps.State) readsetimport.Phase { return (&batch{State: s}).phase() }

func (w *world) leave(_ context.Context, in leaveInput) (n counts, _ error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for number := in.Number; number < in.Before; number++ {
		w.left[number] = in.Job
		if size := min(100, w.sources-100*number); in.Job == "" {
			n.NotSent += size
		} else {
			n.Running += size
		}
	}
	return n, nil
}

// run runs the import, or one run of it.
func (w *world) run(t *testing.T) (progress, error) {
	w.ExecuteWorkflow(Import, w.in)
	require.True(t, w.IsWorkflowCompleted())
	if err := w.GetWorkflowError(); err != nil {
		return progress{}, err
	}
	var p progress
	require.NoError(t, w.GetWorkflowResult(&p))
	return p, nil
}

// ask asks for the progress.
func (w *world) ask(t *testing.T) (p progress) {
	answer, err := w.QueryWorkflow(progressQuery)
	require.NoError(t, err)
	require.NoError(t, answer.Get(&p))
	return p
}

func (w *world) requireOnce(t *testing.T, batches int) {
	require.Len(t, w.started, batches)
	for number, n := range w.started {
		require.Equal(t, 1, n, "batch %d", number)
	}
}

// silent is a log that nobody reads.
type silent struct{}

func (silent) Debug(string, ...any) {}
func (silent) Info(string, ...any)  {}
func (silent) Warn(string, ...any)  {}
func (silent) Error(string, ...any) {}

// At most so many jobs run at once, and every source is counted.
func TestWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 950, 3)
	w.RegisterDelayedCallback(func() {
		p := w.ask(t)
		require.Equal(t, 950, p.Sources)
		require.Equal(t, 10, p.Batches)
		require.Equal(t, 3, p.UnderWay)
		require.Equal(t, map[int]string{0: "9000000000", 1: "9000000001", 2: "9000000002"}, p.Jobs)
	}, time.Minute)
	began := w.Now()
	p, err := w.run(t)
	require.NoError(t, err)
	require.Equal(t, counts{Imported: 950}, p.Counts)
	require.True(t, p.complete())
	require.Equal(t, 10, p.Ended)
	require.Empty(t, p.Jobs)
	require.Equal(t, 3, w.most)
	w.requireOnce(t, 10)
	require.InDelta(t, 4*time.Hour, w.Now().Sub(began), float64(20*time.Minute)) // four rounds
}

// A 402 makes it fewer jobs, and later it tries more again, one at a time.
func TestFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 4000, 8)
	w.slots = 2
	check := func(after time.Duration, slots int, check func(p progress)) {
		w.RegisterDelayedCallback(func() {
			w.mu.Lock()
			w.slots = slots
			w.mu.Unlock()
			check(w.ask(t))
		}, after)
	}
	check(time.Minute, 2, func(p progress) {
		require.Equal(t, 2, p.UnderWay)
		require.Equal(t, 2, p.Limit)
		require.Len(t, p.Jobs, 2)
		require.Equal(t, 6, w.fulls) // each has tried once
	})
	check(59*time.Minute, 5, func(p progress) {
		require.LessOrEqual(t, w.fulls, 6+12) // one in 5 minutes
		require.GreaterOrEqual(t, w.fulls, 6+9)
		require.Len(t, p.Jobs, 2)
	})
	check(150*time.Minute, 5, func(p progress) { require.Len(t, p.Jobs, 5) })
	check(151*time.Minute, 0, func(progress) {}) // others have all of them
	check(400*time.Minute, 8, func(p progress) {
		require.Empty(t, p.Jobs)
		require.Zero(t, p.Limit)
		require.Less(t, p.Ended, 20)
	})
	check(500*time.Minute, 8, func(p progress) { require.Len(t, p.Jobs, 8) })
	p, err := w.run(t)
	require.NoError(t, err)
	require.Equal(t, counts{Imported: 4000}, p.Counts)
	require.Equal(t, 8, w.most)
	w.requireOnce(t, 40)
}

// An event of EventBridge ends the wait for the next look.
func TestEvent(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]struct {
		job  readsetimport.JobRef
		took time.Duration
	}{
		"of the job":       {readsetimport.JobRef{SequenceStoreID: store, ID: "9000000000"}, 20 * time.Minute},
		"of another job":   {readsetimport.JobRef{SequenceStoreID: store, ID: "9000000001"}, time.Hour},
		"of another store": {readsetimport.JobRef{SequenceStoreID: "2345678901", ID: "9000000000"}, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 100, 1)
			w.lasts, w.poll = 20*time.Minute, time.Hour
			w.RegisterDelayedCallback(func() {
				for range 2 { // it may come twice
					w.SignalWorkflow(eventSignal, event.job)
				}
			}, w.lasts)
			began := w.Now()
			p, err := w.run(t)
			require.NoError(t, err)
			require.True(t, p.complete())
			require.InDelta(t, event.took, w.Now().Sub(began), float64(time.Minute))
		})
	}
}

// An import that is cancelled starts no job any more, finds out about the one in doubt, and says what runs.
func TestCancel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 950, 3)
	w.lost[1] = true
	w.RegisterDelayedCallback(w.CancelWorkflow, 30*time.Minute)
	_, err := w.run(t)
	var canceled *temporal.CanceledError
	require.True(t, errors.As(err, &canceled), "%v", err)
	var p progress
	require.NoError(t, canceled.Details(&p))
	require.True(t, p.Stopped)
	require.Equal(t, counts{NotSent: 750, Running: 200}, p.Counts)
	require.Equal(t, map[int]string{0: "9000000000", 2: "9000000002"}, p.Jobs)
	require.Equal(t, 10, p.Ended)
	require.Equal(t, 1, w.stops)
	require.Len(t, w.left, 10)
	for number, job := range w.left {
		require.Equal(t, p.Jobs[number], job)
	}
	w.requireOnce(t, 2)
}

// A batch that has found no slot is reported too when the import is cancelled.
func TestCancelFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 500, 3)
	w.slots = 1
	w.RegisterDelayedCallback(w.CancelWorkflow, 2*time.Minute)
	_, err := w.run(t)
	var canceled *temporal.CanceledError
	require.True(t, errors.As(err, &canceled), "%v", err)
	var p progress
	require.NoError(t, canceled.Details(&p))
	require.Equal(t, counts{NotSent: 400, Running: 100}, p.Counts)
	require.Len(t, w.left, 5)
	require.Equal(t, 5, p.Ended)
}

// What a person has to fix is shown, keeps the batch where it is, and goes by.
func TestTrouble(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100, 1)
	fixed := w.Now().Add(3 * time.Hour)
	w.trouble = func(int) string {
		if w.Now().Before(fixed) {
			return "AccessDenied"
		}
		return ""
	}
	w.RegisterDelayedCallback(func() { require.Equal(t, map[int]string{0: "AccessDenied"}, w.ask(t).Trouble) }, time.Hour)
	w.RegisterDelayedCallback(func() { require.Empty(t, w.ask(t).Trouble) }, 3*time.Hour+10*time.Minute)
	p, err := w.run(t)
	require.NoError(t, err)
	require.True(t, p.complete(), "%+v", p)
}

// What a person has to fix is shown of a batch that has waited for a slot, too.
func TestTroubleAfterFull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100, 1)
	w.slots = 0
	begins, fixed := w.Now().Add(10*time.Minute), w.Now().Add(2*time.Hour)
	w.trouble = func(int) string {
		if w.Now().Before(begins) || w.Now().After(fixed) {
			return ""
		}
		w.slots = 1
		return "NoCredentials"
	}
	w.RegisterDelayedCallback(func() { require.Equal(t, map[int]string{0: "NoCredentials"}, w.ask(t).Trouble) }, time.Hour)
	p, err := w.run(t)
	require.NoError(t, err)
	require.True(t, p.complete())
}

// An import of any size begins a new history now and then, when no batch is under way, and loses nothing by it.
func TestImportContinues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 950, 3)
	w.slots = 2
	w.RegisterDelayedCallback(func() { w.SetCurrentHistoryLength(w.in.Settings.MaxEvents) }, 90*time.Minute)
	_, err := w.run(t)
	w.in = continued[importInput](t, err, Import)
	require.Equal(t, 4, w.in.Ended)
	require.Equal(t, 4, w.in.Next-len(w.in.Again))
	require.NotEmpty(t, w.in.Again) // which found no slot
	require.Equal(t, counts{Imported: 400}, w.in.Counts)
	require.Equal(t, "d", w.in.Sheet.Digest)
	require.Equal(t, 3, w.in.Limit) // which is what would have been tried next
	require.Empty(t, w.ends)
	w.renew(t)
	p, err := w.run(t)
	require.NoError(t, err)
	require.Equal(t, counts{Imported: 950}, p.Counts)
	require.Equal(t, 10, p.Ended)
	w.requireOnce(t, 10)
}

// continued returns the input of the next run.
func continued[In any](t *testing.T, err error, of any) (in In) {
	var next *workflow.ContinueAsNewError
	require.True(t, errors.As(err, &next), "%v", err)
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	return in
}

// A batch whose job runs for weeks does so too, and is still cancelled when it was cancelled before.
func TestBatchContinues(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 100, 1)
	w.lost[0] = true
	b := batch{batchRef: batchRef{"monday", "d", 0}, Settings: w.in.Settings}
	w.SetCurrentHistoryLength(b.Settings.MaxEvents)
	w.ExecuteWorkflow(Batch, b)
	b = continued[batch](t, w.GetWorkflowError(), Batch)
	require.Equal(t, readsetimport.PhaseSending, b.phase())
	require.True(t, b.First)

	w.renew(t)
	w.RegisterDelayedCallback(w.CancelWorkflow, 10*time.Minute)
	w.ExecuteWorkflow(Batch, b)
	require.NoError(t, w.GetWorkflowError())
	var out batchOutput
	require.NoError(t, w.GetWorkflowResult(&out))
	require.Equal(t, counts{NotSent: 100}, out.Counts)

	w.renew(t)
	w.lost[0] = true
	b.First = false
	w.SetCurrentHistoryLength(b.Settings.MaxEvents)
	w.during = w.CancelWorkflow
	w.ExecuteWorkflow(Batch, b)
	b = continued[batch](t, w.GetWorkflowError(), Batch)
	require.True(t, b.Stop)

	w.renew(t)
	w.ExecuteWorkflow(Batch, b)
	require.NoError(t, w.GetWorkflowError())
	require.Empty(t, w.started)
	require.Equal(t, 2, w.stops)
}
