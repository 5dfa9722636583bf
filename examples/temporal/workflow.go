package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/readsetimport/readsetimport"
)

const progressQuery = "progress"

// importInput is the input of the workflow of an import, whose id is the import's name, and what it hands to its next run.
type importInput struct {
	Target       readsetimport.Target `json:"target"`
	ReferenceARN string               `json:"referenceArn,omitempty"` // of BAM and CRAM sources that have none
	MaxJobs      int                  `json:"maxJobs"`
	Settings     settings             `json:"settings"`

	// What is known after the first run.
	Sheet  sheet   `json:"sheet,omitzero"`
	Next   int     `json:"next,omitempty"`  // the first batch that was not begun
	Again  []batch `json:"again,omitempty"` // those that found no job slot
	Limit  int     `json:"limit,omitempty"` // how many batches may be under way
	Ended  int     `json:"ended,omitempty"` // how many batches have
	Counts counts  `json:"counts,omitzero"`
}

// progress is what the query answers, and the result.
type progress struct {
	Sources  int            `json:"sources"`
	Batches  int            `json:"batches"`
	Ended    int            `json:"ended"`    // how many batches have
	UnderWay int            `json:"underWay"` // how many batches are
	Limit    int            `json:"limit"`    // how many may be, as far as is known of the account's job slots
	Jobs     map[int]string `json:"jobs"`     // that run, by batch
	Trouble  map[int]string `json:"trouble"`  // that a person has to fix, by batch; then they go on by themselves
	Stopped  bool           `json:"stopped"`  // it was cancelled, and starts no more jobs
	Counts   counts         `json:"counts"`   // of sources
}

// parent is an import in one run of its workflow.
type parent struct {
	importInput
	name     string
	children map[int]workflow.ChildWorkflowFuture // the batches under way
	jobs     map[int]string
	trouble  map[int]string
	changed  time.Time // when the limit was, or when it was found to be right
	stopped  bool
}

// Import imports a sheet: it cuts it into batches, and has as many of them under way as the account has job slots. It begins a
// new history when none of them is under way, since a batch reports to the run that began it.
func Import(ctx workflow.Context, in importInput) (progress, error) {
	p := &parent{
		importInput: in,
		name:        workflow.GetInfo(ctx).WorkflowExecution.ID,
		children:    make(map[int]workflow.ChildWorkflowFuture),
		jobs:        make(map[int]string),
		trouble:     make(map[int]string),
	}
	always, _ := workflow.NewDisconnectedContext(ctx)
	if err := workflow.SetQueryHandler(ctx, progressQuery, func() (progress, error) { return p.progress(), nil }); err != nil {
		return progress{}, err
	}
	if p.Sheet.Digest == "" {
		p.Limit = p.MaxJobs
		err := workflow.ExecuteActivity(longActivity(ctx), does.Cut, cutInput{p.name, p.Target, p.ReferenceARN}).Get(ctx, &p.Sheet)
		if err != nil {
			return p.progress(), err
		}
	}
	workflow.Go(always, p.hearNews)
	workflow.Go(always, p.hearEvents)
	workflow.Go(always, p.raiseLimit)
	for {
		for p.mayBegin(ctx) {
			p.begin(ctx, p.next())
		}
		p.stopped = ctx.Err() != nil
		switch idle := len(p.children) == 0; {
		case p.stopped && idle:
			return progress{}, p.leave(always)
		case idle && p.all():
			return p.progress(), nil
		case idle && long(ctx, p.Settings):
			return progress{}, workflow.NewContinueAsNewError(ctx, Import, p.importInput)
		}
		under := len(p.children)
		if err := workflow.Await(always, func() bool {
			return p.mayBegin(ctx) || len(p.children) != under || !p.stopped && ctx.Err() != nil || under == 0 && long(ctx, p.Settings)
		}); err != nil {
			return p.progress(), err
		}
	}
}

// all reports whether every batch has been begun, and none is to be begun again.
func (p *parent) all() bool { return p.Next == p.Sheet.Batches && len(p.Again) == 0 }

func (p *parent) mayBegin(ctx workflow.Context) bool {
	return len(p.children) < p.Limit && !p.all() && ctx.Err() == nil && !long(ctx, p.Settings)
}

// next returns the batch to begin next.
func (p *parent) next() batch {
	if len(p.Again) > 0 {
		b := p.Again[0]
		p.Again = p.Again[1:]
		return b
	}
	b := batch{batchRef: batchRef{p.name, p.Sheet.Digest, p.Next}, Settings: p.Settings}
	p.Next++
	return b
}

// begin begins a batch, and notes its end when it has come.
func (p *parent) begin(ctx workflow.Context, b batch) {
	ctx = workflow.WithChildOptions(ctx, workflow.ChildWorkflowOptions{
		WorkflowID:          fmt.Sprintf("%s/%06d", p.name, b.Number),
		ParentClosePolicy:   enumspb.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WaitForCancellation: true,
	})
	child := workflow.ExecuteChildWorkflow(ctx, Batch, b)
	p.children[b.Number] = child
	workflow.Go(ctx, func(ctx workflow.Context) {
		var out batchOutput
		err := child.Get(ctx, &out)
		delete(p.children, b.Number)
		delete(p.jobs, b.Number)
		delete(p.trouble, b.Number)
		switch {
		case temporal.IsCanceledError(err): // before it began
			p.Again = append(p.Again, b)
		case err != nil: // somebody has terminated it: what became of it is not known, and a job may run
			p.Ended++
			p.Counts.Unresolved += p.sources(b.Number)
			p.trouble[b.Number] = "Terminated"
		case out.Full != nil:
			p.Again = append(p.Again, *out.Full)
			p.Limit = min(p.Limit, len(p.children))
			p.changed = workflow.Now(ctx)
		default:
			p.Ended++
			p.Counts = p.Counts.plus(out.Counts)
			if out.Counts.Running > 0 {
				p.jobs[b.Number] = out.Job
			}
		}
	})
}

// sources returns how many sources a batch has.
func (p *parent) sources(number int) int {
	return min(readsetimport.MaxSourcesPerJob, p.Sheet.Sources-number*readsetimport.MaxSourcesPerJob)
}

// raiseLimit allows one more batch whenever there was no 402 for some time. Since each is an attempt to start a job, an account that
// has no more slots answers with the next 402.
func (p *parent) raiseLimit(ctx workflow.Context) {
	for {
		err := workflow.Await(ctx, func() bool { return p.Limit < p.MaxJobs && p.Limit == len(p.children) })
		if wait := p.changed.Add(p.Settings.RaiseEvery).Sub(workflow.Now(ctx)); err == nil && wait > 0 {
			err = workflow.Sleep(ctx, wait)
		} else if err == nil {
			p.Limit++
			p.changed = workflow.Now(ctx)
		}
		if err != nil {
			return
		}
	}
}

func (p *parent) hearNews(ctx workflow.Context) {
	for {
		var n news
		workflow.GetSignalChannel(ctx, newsSignal).Receive(ctx, &n)
		if p.children[n.Number] == nil {
			continue // it has ended
		}
		set(p.jobs, n.Number, n.Job)
		set(p.trouble, n.Number, n.Trouble)
	}
}

func set(m map[int]string, number int, value string) {
	if m[number] = value; value == "" {
		delete(m, number)
	}
}

// hearEvents hands an event to the batch that has the job. One that none has is of another import, or early, or late: the batch looks
// at its job all the same, at its own time.
func (p *parent) hearEvents(ctx workflow.Context) {
	for {
		var job readsetimport.JobRef
		workflow.GetSignalChannel(ctx, eventSignal).Receive(ctx, &job)
		if job.SequenceStoreID != p.Target.SequenceStoreID {
			continue
		}
		for _, number := range slices.Sorted(maps.Keys(p.jobs)) {
			if child := p.children[number]; child != nil && p.jobs[number] == job.ID {
				child.SignalChildWorkflow(ctx, eventSignal, job)
			}
		}
	}
}

// leave writes the results of the batches that were not begun.
func (p *parent) leave(ctx workflow.Context) error {
	var left []leaveInput
	for _, b := range p.Again {
		left = append(left, leaveInput{batchRef: b.batchRef, Before: b.Number + 1})
	}
	left = append(left, leaveInput{batchRef: batchRef{p.name, p.Sheet.Digest, p.Next}, Before: p.Sheet.Batches})
	for _, in := range left {
		var n counts
		if err := workflow.ExecuteActivity(longActivity(ctx), does.Leave, in).Get(ctx, &n); err != nil {
			return err
		}
		p.Ended += in.Before - in.Number
		p.Counts = p.Counts.plus(n)
	}
	return temporal.NewCanceledError(p.progress())
}

func (p *parent) progress() progress {
	return progress{
		Sources: p.Sheet.Sources, Batches: p.Sheet.Batches, Ended: p.Ended, UnderWay: len(p.children), Limit: p.Limit,
		Jobs: p.jobs, Trouble: p.trouble, Stopped: p.stopped, Counts: p.Counts,
	}
}

// complete reports whether every source was imported.
func (p progress) complete() bool { return p.Sources > 0 && p.Counts.Imported == p.Sources }
