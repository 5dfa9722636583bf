package main

import (
	"bytes"
	"context"
	"errors"
	"os"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
	"github.com/readsetimport/readsetimport/steps"
)

// Types of the errors of the activities. The history has them, and no text of what went wrong: that can quote the service, the
// sheet and the names of files.
const (
	typeInterrupted = "Interrupted" // the worker or the time of the activity ended: it is taken again
	typeFiles       = "Files"       // a file cannot be read or written: the same
	typeInvalid     = "Invalid"     // the sheet or a batch is not what it should be
)

func retried(name string) error { return temporal.NewApplicationError("it is taken again", name) }

func invalid(where string) error {
	return temporal.NewNonRetryableApplicationError(where, typeInvalid, nil)
}

// activities are what the workflows cannot do themselves: they read and write files, and make requests.
type activities struct {
	folder folder
	client *readsetimport.Client
	// finder never sends what may have been sent before, but looks for its job. It is for imports that are cancelled.
	finder *readsetimport.Client
}

// does names the activities in the workflows, which call none of its methods.
var does *activities

// cutInput is the input of Cut.
type cutInput struct {
	Name         string               `json:"name"`
	Target       readsetimport.Target `json:"target"`
	ReferenceARN string               `json:"referenceArn,omitempty"`
}

// sheet is what the history has of a sheet.
type sheet struct {
	Digest  string `json:"digest"` // SHA-256
	Sources int    `json:"sources"`
	Batches int    `json:"batches"`
}

// Cut cuts the sheet of an import into batches, and writes a file for each, so that a step reads no more than its own. Cutting a
// sheet again writes the same files.
func (a *activities) Cut(ctx context.Context, in cutInput) (sheet, error) {
	data, err := os.ReadFile(a.folder.sheetFile(in.Name))
	if err != nil {
		return sheet{}, retried(typeFiles)
	}
	var sources []readsetimport.Source
	for source, err := range manifest.Read(bytes.NewReader(data), func(o *manifest.Options) { o.ReferenceARN = in.ReferenceARN }) {
		if err != nil {
			return sheet{}, a.explain(in.Name, err)
		}
		sources = append(sources, source)
		if len(sources)%10_000 == 0 {
			activity.RecordHeartbeat(ctx)
		}
	}
	batches, err := readsetimport.Split(in.Target, in.Name, sources)
	if err != nil {
		return sheet{}, a.explain(in.Name, err)
	}
	out := sheet{Digest: digestOf(data), Sources: len(sources), Batches: len(batches)}
	for i, b := range batches {
		activity.RecordHeartbeat(ctx)
		if ctx.Err() != nil {
			return sheet{}, retried(typeInterrupted)
		}
		if err := writeJSON(a.folder.batchFile(in.Name, out.Digest, i), b); err != nil {
			return sheet{}, retried(typeFiles)
		}
	}
	return out, nil
}

// explain writes what is wrong with a sheet beside it, since that can quote ids of persons.
func (a *activities) explain(name string, why error) error {
	if err := write(a.folder.faultsFile(name), []byte(why.Error()+"\n")); err != nil {
		return retried(typeFiles)
	}
	return invalid("see faults.txt in the folder of the import")
}

// stepInput is the input of Step.
type stepInput struct {
	batchRef
	State *steps.State `json:"state,omitempty"` // before the first step, there is none
	First bool         `json:"first,omitempty"` // no request has been made from the state, which says sending
	Stop  bool         `json:"stop,omitempty"`  // start no job
}

// stepOutput is what came of a step.
type stepOutput struct {
	State   *steps.State `json:"state"`
	Over    bool         `json:"over,omitempty"`    // the results are written
	Counts  counts       `json:"counts,omitzero"`   // of them
	Trouble string       `json:"trouble,omitempty"` // what a person has to fix
}

// Step takes one step with a batch: it makes one request at most. It writes the results before it returns a state that has ended.
func (a *activities) Step(ctx context.Context, in stepInput) (stepOutput, error) {
	b, err := a.folder.readBatch(in.Name, in.Digest, in.Number)
	if err != nil {
		return stepOutput{}, retried(typeFiles)
	}
	state := steps.Of(readsetimport.Submission{Batch: b})
	if in.State != nil {
		state = *in.State
	}
	submission, err := state.With(b)
	if err != nil {
		return stepOutput{}, invalid("the batch was changed, or has ended")
	}
	client := a.client
	if in.Stop {
		client = a.finder
	}
	submission, failure := client.Advance(ctx, submission)
	if steps.Retry(ctx, failure) {
		return stepOutput{}, retried(typeInterrupted)
	}
	if in.First && activity.GetInfo(ctx).Attempt == 1 {
		submission = takenBack(submission)
	}
	next := steps.Of(submission)
	out := stepOutput{State: &next}
	switch {
	case submission.Phase == readsetimport.PhaseUnresolved:
		out.Over = true
		out.Counts, err = a.reportFirst(in.batchRef, rowsOf(submission.Results()))
	case submission.Ended():
		out.Over = true
		out.Counts, err = a.report(in.batchRef, rowsOf(submission.Results()))
	case failure != nil && submission.Phase == readsetimport.PhasePlanned && errors.Is(failure, readsetimport.ErrValidation):
		out.Over = true
		out.Counts, err = a.report(in.batchRef, unsentRows(b, refused, failure.Error()))
	case failure != nil:
		out.Trouble = troubleOf(failure)
	}
	return out, err
}

// takenBack returns a submission whose only request under its token was clearly refused to phase planned, where it can be given
// up: nothing has been started. Only the engine knows that it was the only one. Temporal gives an attempt of an activity to one
// worker, and takes the answer of no other one; so if the first attempt returns, no other request has left.
func takenBack(s readsetimport.Submission) readsetimport.Submission {
	if s.Phase == readsetimport.PhaseSending && !s.MayHaveStarted {
		s.Phase, s.Search = readsetimport.PhasePlanned, readsetimport.Search{}
	}
	return s
}

// troubleOf returns the name of what a person has to fix.
func troubleOf(err error) string {
	for _, known := range []struct {
		is   error
		name string
	}{
		{readsetimport.ErrCredentials, "NoCredentials"},
		{readsetimport.ErrAccessDenied, "AccessDenied"},
		{readsetimport.ErrNotFound, "NotFound"},
		{readsetimport.ErrValidation, "Refused"},
	} {
		if errors.Is(err, known.is) {
			return known.name
		}
	}
	return "NoAnswer"
}

// leaveInput is the input of Leave: batches of an import, from one to before another.
type leaveInput struct {
	batchRef
	Before int    `json:"before"`
	Job    string `json:"job,omitempty"` // of the batch, if it runs
}

// Leave writes the results of batches that are left as they are since the import is cancelled.
func (a *activities) Leave(ctx context.Context, in leaveInput) (counts, error) {
	var total counts
	for ref := in.batchRef; ref.Number < in.Before; ref.Number++ {
		activity.RecordHeartbeat(ctx)
		if ctx.Err() != nil {
			return total, retried(typeInterrupted)
		}
		b, err := a.folder.readBatch(ref.Name, ref.Digest, ref.Number)
		if err != nil {
			return total, retried(typeFiles)
		}
		rows := unsentRows(b, notSent, "the import was cancelled")
		if in.Job != "" {
			rows = unsentRows(b, running, "the import was cancelled, and the job goes on")
			for i := range rows {
				rows[i].JobID = in.Job
			}
		}
		n, err := a.report(ref, rows)
		if err != nil {
			return total, err
		}
		total = total.plus(n)
	}
	return total, nil
}
