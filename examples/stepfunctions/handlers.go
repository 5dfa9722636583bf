package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
	"github.com/readsetimport/readsetimport/steps"
)

// Names of the errors of the handlers, by which the definition retries and catches.
const (
	interrupted = "ReadSetImport.Interrupted" // the function's time was up, or a bucket did not answer: take the step again
	refused     = "ReadSetImport.Refused"     // the service does not allow it: once the cause is fixed, take the step again
	invalid     = "ReadSetImport.Invalid"     // the sheet or a batch is not what it should be
	unresolved  = "ReadSetImport.Unresolved"  // it is unknown what became of a batch: a person has to look
)

// named is an error that Step Functions knows by its name. Its text gets into the history of the execution, so it quotes
// neither the service nor the sheet.
func named(name, format string, args ...any) error {
	return messages.InvokeResponse_Error{Type: name, Message: fmt.Sprintf(format, args...)}
}

// handlers are the functions of the state machine.
type handlers struct {
	client *readsetimport.Client
	bucket bucket
	tasks  tasks
}

// planRequest is the input of an execution, with its name.
type planRequest struct {
	Run    string               `json:"run"`
	Sheet  string               `json:"sheet"` // the key of a sample sheet in the bucket
	Target readsetimport.Target `json:"target"`
}

// item is what passes between the states of one batch.
type item struct {
	Run    string       `json:"run"`
	Number int          `json:"number"` // of the batch in the run
	Plan   string       `json:"plan"`   // the digest of the run's sheet and target
	State  *steps.State `json:"state,omitempty"`

	// What the definition decides by.
	Ended   bool   `json:"ended"`
	Running bool   `json:"running"`           // so that events of the job are worth waiting for
	NextAt  string `json:"nextAt,omitempty"`  // of a Wait state, which takes whole seconds
	Seconds int    `json:"seconds,omitempty"` // the same, as a timeout
}

func (i item) key(kind string) string {
	return fmt.Sprintf("runs/%s/%s/%06d.json", i.Run, kind, i.Number)
}

// batchKey is named by the digest too, so that batches of a sheet that was changed are never mixed with those before.
func (i item) batchKey() string { return i.key("batches/" + i.Plan) }

// indexKey is where the items of a run are, for the Map state.
func indexKey(run string) string { return fmt.Sprintf("runs/%s/index.json", run) }

// planned is the output of plan.
type planned struct {
	Run     string `json:"run"`
	Index   string `json:"index"`
	Batches int    `json:"batches"`
}

// plan cuts a sheet into batches and writes them to the bucket, once for a run: a repeated call changes nothing, and one with
// another sheet or target is refused.
func (h handlers) plan(ctx context.Context, r planRequest) (planned, error) {
	out := planned{Run: r.Run, Index: indexKey(r.Run)}
	sheet, err := h.bucket.get(ctx, r.Sheet)
	switch {
	case errors.Is(err, errNoObject):
		return out, named(invalid, "there is no such sheet")
	case err != nil:
		return out, named(interrupted, "the sheet cannot be read")
	}
	plan := digest(r.Target, sheet)
	var items []item
	err = h.bucket.read(ctx, out.Index, &items)
	if errors.Is(err, errNoObject) {
		if err := h.cut(ctx, r, plan, sheet); err != nil {
			return out, err
		}
		err = h.bucket.read(ctx, out.Index, &items) // which another call may have written first
	}
	switch {
	case err != nil:
		return out, named(interrupted, "the index cannot be read")
	case len(items) == 0 || items[0].Plan != plan:
		return out, named(invalid, "a run of that name has another sheet or target")
	}
	out.Batches = len(items)
	return out, nil
}

// digest identifies what a run imports, and where to.
func digest(target readsetimport.Target, sheet []byte) string {
	h := sha256.New()
	_ = json.NewEncoder(h).Encode(target) // nothing in it can fail to be written, and a hash takes everything
	h.Write(sheet)
	return hex.EncodeToString(h.Sum(nil))
}

// cut writes the batches of a sheet, and then the index, since it says that all batches are there. The first index stays.
func (h handlers) cut(ctx context.Context, r planRequest, plan string, sheet []byte) error {
	sources, err := manifest.Collect(manifest.Read(bytes.NewReader(sheet), func(o *manifest.Options) { o.Name = r.Sheet }))
	if err != nil {
		return h.explain(ctx, r.Run, "sheet", err)
	}
	batches, err := readsetimport.Split(r.Target, r.Run, sources)
	if err != nil {
		return h.explain(ctx, r.Run, "sheet", err)
	}
	var items []item
	for i, b := range batches {
		items = append(items, item{Run: r.Run, Number: i, Plan: plan})
		if err := h.bucket.write(ctx, items[i].batchKey(), b); err != nil {
			return named(interrupted, "a batch cannot be written")
		}
	}
	if err := h.bucket.writeFirst(ctx, indexKey(r.Run), items); err != nil {
		return named(interrupted, "the index cannot be written")
	}
	return nil
}

// explain writes an error where the batches are, as it may quote ids of persons.
func (h handlers) explain(ctx context.Context, run, what string, why error) error {
	key := fmt.Sprintf("runs/%s/errors/%s.json", run, what)
	if err := h.bucket.write(ctx, key, why.Error()); err != nil {
		return named(interrupted, "an error cannot be written")
	}
	return named(invalid, "see %s", key)
}

// step takes one step with a batch.
func (h handlers) step(ctx context.Context, in item) (item, error) {
	var b readsetimport.Batch
	if err := h.bucket.read(ctx, in.batchKey(), &b); err != nil {
		return in, named(interrupted, "the batch cannot be read")
	}
	state := steps.Of(readsetimport.Submission{Batch: b})
	if in.State != nil {
		state = *in.State
	}
	submission, err := state.With(b)
	if err != nil {
		return in, named(invalid, "batch %d: %v", in.Number, err)
	}
	searched := submission.Search.On()
	submission, failure := h.client.Advance(ctx, submission)
	for failure == nil && searches(submission) && hasTime(ctx) {
		searched = true
		submission, failure = h.client.Advance(ctx, submission)
	}
	if submission.Ended() {
		// Before the state is returned. The last step can be taken again, and gives the same, except that a search which is refused
		// cannot tell what another invocation knows.
		write := h.bucket.write
		if submission.Phase == readsetimport.PhaseUnresolved {
			write = h.bucket.writeFirst
		}
		if err := write(ctx, in.key("results"), rows(submission.Results())); err != nil {
			return in, named(interrupted, "the results cannot be written")
		}
	}
	over := searched && !submission.Search.On() && submission.Phase != readsetimport.PhaseRunning && !submission.Ended()
	if failure != nil && !over {
		return in, h.failed(ctx, in, submission, failure)
	}
	// A search that is over has told that nothing was started. That is kept, even if there were so many that Advance gives up: the
	// state of before would be given up each time, also when the service is well again.
	return next(in, steps.Of(submission)), nil
}

// searches reports whether the next step is one of a search, and due. These send nothing and can be hundreds, so that several
// are taken at once: an execution has at most 25,000 events.
func searches(s readsetimport.Submission) bool {
	return !s.Ended() && s.Search.On() && !time.Now().Before(s.NextAt)
}

// hasTime reports whether there is time for another request before the function's time is up.
func hasTime(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) > 40*time.Second
}

// failed returns the error of a step by the name that says what to do about it. Its state is that of the step before: since this
// one may have been taken, that is as a process that was killed leaves it, and as good to go on with.
func (h handlers) failed(ctx context.Context, in item, s readsetimport.Submission, failure error) error {
	var e *readsetimport.Error
	var wrong *readsetimport.ValidationError
	switch {
	case steps.Retry(ctx, failure):
		return named(interrupted, "the function's time was up")
	case s.Ended():
		return named(unresolved, "batch %d: see %s", in.Number, in.key("results"))
	case errors.As(failure, &wrong):
		return h.explain(ctx, in.Run, fmt.Sprintf("%06d", in.Number), failure)
	case errors.As(failure, &e):
		return named(refused, "batch %d: %s: %s (status %d, request id %s)", in.Number, e.Op, e.Code, e.StatusCode, e.RequestID)
	}
	return named(invalid, "batch %d", in.Number)
}

// next is what the next state gets.
func next(in item, s steps.State) item {
	at := max(time.Until(s.NextAt()), 0) + time.Second - time.Nanosecond
	out := item{Run: in.Run, Number: in.Number, Plan: in.Plan, State: &s, Ended: s.Ended(), Running: s.Phase() == readsetimport.PhaseRunning}
	if !out.Ended {
		out.Seconds = max(1, int(at/time.Second))
		out.NextAt = time.Now().Add(at).UTC().Truncate(time.Second).Format(time.RFC3339)
	}
	return out
}

// row is what became of one source, in a file of results.
type row struct {
	Source        readsetimport.Source `json:"source"`
	JobID         string               `json:"jobId,omitempty"`
	ReadSetID     string               `json:"readSetId,omitempty"`
	StatusMessage string               `json:"statusMessage,omitempty"`
	Unresolved    bool                 `json:"unresolved,omitempty"`
	Error         string               `json:"error,omitempty"`
}

func rows(results []readsetimport.Result) []row {
	out := make([]row, len(results))
	for i, r := range results {
		out[i] = row{Source: r.Source, JobID: r.JobID, ReadSetID: r.ReadSetID, StatusMessage: r.StatusMessage}
		if r.Err != nil {
			out[i].Error, out[i].Unresolved = r.Err.Error(), errors.Is(r.Err, readsetimport.ErrUnresolved)
		}
	}
	return out
}

// sum is what became of a run.
type sum struct {
	Run        string `json:"run"`
	Imported   int    `json:"imported"`
	Failed     int    `json:"failed"`
	Unresolved int    `json:"unresolved"`
	Complete   bool   `json:"complete"`
}

// count adds up the results of a run.
func (h handlers) count(ctx context.Context, p planned) (sum, error) {
	out := sum{Run: p.Run}
	for i := range p.Batches {
		var rows []row
		if err := h.bucket.read(ctx, item{Run: p.Run, Number: i}.key("results"), &rows); err != nil {
			return out, named(interrupted, "the results of batch %d cannot be read", i)
		}
		for _, r := range rows {
			switch {
			case r.Unresolved:
				out.Unresolved++
			case r.Error != "":
				out.Failed++
			default:
				out.Imported++
			}
		}
	}
	out.Complete = out.Failed+out.Unresolved == 0
	return out, nil
}

// parked is a batch that waits for its job, with the token by which Step Functions knows the wait.
type parked struct {
	Token string `json:"token"`
	Item  item   `json:"item"`
}

func jobKey(job readsetimport.JobRef) string {
	return fmt.Sprintf("waits/%s/%s.json", job.SequenceStoreID, job.ID)
}

// park notes who waits for a job. It returns at once; the wait ends with an event or with its timeout.
func (h handlers) park(ctx context.Context, p parked) error {
	if p.Item.State == nil {
		return named(invalid, "batch %d has no state", p.Item.Number)
	}
	if err := h.bucket.write(ctx, jobKey(p.Item.State.Job()), p); err != nil {
		return named(interrupted, "the wait cannot be written")
	}
	return nil
}

// wake ends the wait for a job of which an event tells. Events are lost, repeated and late, so one that nobody waits for is
// no error: the next step looks at the job.
func (h handlers) wake(ctx context.Context, event json.RawMessage) error {
	job, _, err := readsetimport.ParseEvent(event)
	if err != nil {
		return named(invalid, "not an event of an import job")
	}
	var p parked
	switch err := h.bucket.read(ctx, jobKey(job), &p); {
	case errors.Is(err, errNoObject):
		return nil
	case err != nil:
		return named(interrupted, "the wait cannot be read")
	}
	return h.tasks.succeed(ctx, p.Token)
}
