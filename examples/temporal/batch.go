package main

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/steps"
)

const (
	newsSignal   = "news"      // from a batch to its import
	eventSignal  = "job-event" // the service says that a job has changed: to an import, and from there to its batch
	troublePause = 5 * time.Minute
)

// batchRef says which batch it is.
type batchRef struct {
	Name   string `json:"name"`   // of the import
	Digest string `json:"digest"` // of its sheet
	Number int    `json:"number"`
}

// batch is the input of the workflow of a batch, and what it hands to its next run.
type batch struct {
	batchRef
	Settings settings     `json:"settings"`
	State    *steps.State `json:"state,omitempty"`
	First    bool         `json:"first,omitempty"` // see stepInput
	Stop     bool         `json:"stop,omitempty"`  // it was cancelled, in an earlier run
	Told     news         `json:"told,omitzero"`   // what the import knows of it
}

// settings are how an import is done.
type settings struct {
	StepTimeout time.Duration `json:"stepTimeout"` // after which another worker takes a step
	RaiseEvery  time.Duration `json:"raiseEvery"`  // after this time without a 402, one more job
	MaxEvents   int           `json:"maxEvents"`   // after which a workflow begins a new history
}

// news is what a batch tells its import.
type news struct {
	Number  int    `json:"number"`
	Job     string `json:"job,omitempty"`
	Trouble string `json:"trouble,omitempty"`
}

// batchOutput is the result of the workflow of a batch.
type batchOutput struct {
	Counts counts `json:"counts"`
	Job    string `json:"job,omitempty"`
	// Full is the batch as it is to be begun again later: the account has no free job slot, and nothing was started.
	Full *batch `json:"full,omitempty"`
}

// Batch takes the steps of one batch until it has ended. If it is cancelled, it sends nothing more: it ends when it is known
// whether a job runs, and says so.
func Batch(ctx workflow.Context, b batch) (batchOutput, error) {
	always, _ := workflow.NewDisconnectedContext(ctx) // a step that was begun is brought to its end
	events := workflow.GetSignalChannel(ctx, eventSignal)
	b.Told.Number = b.Number
	for {
		if b.Stop = b.Stop || ctx.Err() != nil; b.Stop && b.mayLeave() {
			return b.leave(always)
		}
		was := b.phase()
		out, err := b.step(always)
		if err != nil {
			return batchOutput{}, err
		}
		if out.State != nil {
			b.State = out.State
		}
		b.First = was != readsetimport.PhaseSending && b.phase() == readsetimport.PhaseSending
		b.tell(always, news{b.Number, b.job(), out.Trouble})
		switch {
		case out.Over:
			return batchOutput{Counts: out.Counts, Job: b.job()}, nil
		case b.full() && out.Trouble == "" && !b.Stop && ctx.Err() == nil:
			return batchOutput{Full: &b}, nil
		case long(ctx, b.Settings):
			b.Stop = b.Stop || ctx.Err() != nil // the next run is not cancelled
			return batchOutput{}, workflow.NewContinueAsNewError(ctx, Batch, b)
		}
		b.wait(ctx, events, out.Trouble != "")
	}
}

func (b *batch) phase() readsetimport.Phase {
	if b.State == nil || b.State.Phase() == "" {
		return readsetimport.PhasePlanned
	}
	return b.State.Phase()
}

func (b *batch) job() string {
	if b.State == nil {
		return ""
	}
	return b.State.Job().ID
}

// full reports whether the batch waits for a job slot of the account, and nothing was started.
func (b *batch) full() bool {
	return b.State != nil && b.phase() == readsetimport.PhasePlanned && !b.State.FullSince().IsZero()
}

// mayLeave reports whether it is known that a job runs, or that none was started.
func (b *batch) mayLeave() bool { return b.phase() != readsetimport.PhaseSending || b.First }

// leave ends the batch as it is.
func (b *batch) leave(ctx workflow.Context) (batchOutput, error) {
	out := batchOutput{Job: b.job()}
	err := workflow.ExecuteActivity(longActivity(ctx), does.Leave, leaveInput{b.batchRef, b.Number + 1, b.job()}).Get(ctx, &out.Counts)
	return out, err
}

// step takes a step. What a person has to fix is no error of the workflow: the state is kept, and the step is taken again later.
func (b *batch) step(ctx workflow.Context) (out stepOutput, err error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: b.Settings.StepTimeout,
		RetryPolicy:         &temporal.RetryPolicy{MaximumInterval: 10 * time.Second},
	})
	err = workflow.ExecuteActivity(ctx, does.Step, stepInput{b.batchRef, b.State, b.First, b.Stop}).Get(ctx, &out)
	if why := (*temporal.ApplicationError)(nil); errors.As(err, &why) {
		return stepOutput{Trouble: why.Type()}, nil
	}
	return out, err
}

// tell tells the import what it does not know yet.
func (b *batch) tell(ctx workflow.Context, n news) {
	if n == b.Told {
		return
	}
	b.Told = n
	if parent := workflow.GetInfo(ctx).ParentWorkflowExecution; parent != nil {
		workflow.SignalExternalWorkflow(ctx, parent.ID, "", newsSignal, n) // it is for display: nothing depends on it
	}
}

// wait returns when the next step is due, when an event says that the job has changed, or when the batch is cancelled.
func (b *batch) wait(ctx workflow.Context, events workflow.ReceiveChannel, trouble bool) {
	var pause time.Duration
	if b.State != nil {
		pause = b.State.NextAt().Sub(workflow.Now(ctx))
	}
	if trouble {
		pause = max(pause, troublePause)
	}
	if pause <= 0 {
		return
	}
	if b.Stop { // it knows
		ctx, _ = workflow.NewDisconnectedContext(ctx)
	}
	timer, stop := workflow.WithCancel(ctx)
	defer stop()
	workflow.NewSelector(ctx).
		AddFuture(workflow.NewTimer(timer, pause), func(workflow.Future) {}).
		AddReceive(events, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) }).
		Select(ctx)
}

// longActivity returns the options of activities that take a minute or more for large sheets, and tell that they are alive.
func longActivity(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: time.Hour,
		HeartbeatTimeout:    30 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{MaximumInterval: time.Minute},
	})
}

// long reports whether a workflow is to begin a new history: well before the server's limits, which are 51,200 events and 50 MB.
func long(ctx workflow.Context, s settings) bool {
	const bytes = 4 << 20
	info := workflow.GetInfo(ctx)
	return info.GetCurrentHistoryLength() >= s.MaxEvents || info.GetCurrentHistorySize() >= bytes
}
