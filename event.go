package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/ledger"
	"github.com/readsetimport/readsetimport/internal/logtext"
	"github.com/readsetimport/readsetimport/internal/wire"
)

// EventKind says what an [Event] is about. Switch on it in OnEvent, and ignore kinds that you do not know.
type EventKind string

// The kinds of events.
const (
	EventJobStarted  EventKind = "job started"        // Job has the id
	EventJobStatus   EventKind = "job status changed" // Job has the new status
	EventSourceEnded EventKind = "source ended"       // Result has its outcome
	EventThrottled   EventKind = "throttled"          // the service answered 429: Err, and in Wait the time until the next try
	EventSlotWait    EventKind = "waiting for a slot" // the service answered 402, as many jobs run as may: Err
	EventStartFailed EventKind = "start failed"       // a request to start a job failed: Err, and Wait, 0 if there is no next try
	EventPollFailed  EventKind = "poll failed"        // a request for the status of jobs failed: Err, and Wait
	EventAdopted     EventKind = "job adopted"        // of Adopt: Job was read; Counts are the sources that were found, the deleted ones as failed
	EventImportEnded EventKind = "import ended"       // the last event; Err is why the import could not go on, or nil
)

// Event is something that happened in an import, for logs, metrics and progress. Only events of kind [EventSourceEnded] hold
// ids of a sample and a subject, in Result; Err can quote messages of the service.
type Event struct {
	Kind   EventKind
	RunID  string // the import's, as in its Report
	Time   time.Time
	Job    Job           // the job it is about, without sources; zero if it is about none
	Result *Result       // for EventSourceEnded, and nil for other kinds
	Err    error         // what failed; nil if nothing did
	Wait   time.Duration // how long until the next try, or 0
	Counts               // after the event
}

// Counts are an import's sources so far, for a progress display. What was read and is in none of them waits.
type Counts struct {
	Submitted int // in jobs that were started
	Running   int // in jobs that run
	Imported  int // in the store
	Failed    int // with any other outcome
}

// LogEvents returns an OnEvent function that logs each event to log: failed sources and failed requests as warnings,
// imported sources at debug level, and everything else at info level.
//
// It logs ids of imports, stores, jobs, read sets and requests, counts, statuses, codes and this package's own texts, and
// nothing else: no ids of samples or subjects, no names, no files, and no messages of the service, which can hold all of
// these. Of an error that it does not know, it logs the type. For more, write an OnEvent function.
func LogEvents(log *slog.Logger) func(Event) {
	return func(e Event) {
		level := slog.LevelInfo
		attrs := make([]slog.Attr, 0, 12)
		add := func(key, value string) {
			if value != "" {
				attrs = append(attrs, slog.String(key, value))
			}
		}
		add("run", e.RunID)
		add("store", logtext.ID(e.Job.SequenceStoreID))
		add("job", logtext.ID(e.Job.ID))
		add("status", logtext.OneOf(e.Job.Status, wire.JobStatuses))
		err := e.Err
		if e.Result != nil {
			level = slog.LevelDebug
			attrs = append(attrs, slog.Int("index", e.Result.Index))
			add("readSet", logtext.ID(e.Result.ReadSetID))
			add("sourceStatus", logtext.OneOf(e.Result.Status, e.Result.Status.Values()))
			if e.Result.Err != nil {
				err = e.Result.Err
			}
		}
		if err != nil {
			level = slog.LevelWarn
			add("error", logText(err))
		}
		if e.Wait > 0 {
			attrs = append(attrs, slog.Duration("wait", e.Wait))
		}
		attrs = append(attrs, slog.Int("submitted", e.Submitted), slog.Int("running", e.Running),
			slog.Int("imported", e.Imported), slog.Int("failed", e.Failed))
		log.LogAttrs(context.Background(), level, string(e.Kind), attrs...)
	}
}

// ownErrors are errors with texts that quote neither the service nor the caller.
var ownErrors = []error{
	ErrValidation, ErrQuotaExceeded, ErrAccessDenied, ErrNotFound, ErrRequestTimeout, ErrThrottled, ErrInternal, ErrCredentials,
	ErrJobFailed, ErrJobCancelled, ErrPartialFailure, ErrIncomplete, ErrUnresolved,
	wire.ErrNotCredible, wire.ErrNoList, errOtherSources, wire.ErrNoAnswer, wire.ErrRedirected, wire.ErrBodyTooLarge, errGivenUp,
	errNotSent, errInvalidInput, ledger.ErrHeld, errBrokenOff, errUsed,
	context.Canceled, context.DeadlineExceeded, os.ErrDeadlineExceeded, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
}

// logText returns what may be logged of an error: see [logtext.Of].
func logText(err error) string {
	return logtext.Of(err, ownErrors, func(err error) (string, bool) {
		switch e := err.(type) { //nolint:errorlint // one node of the tree
		case *Error:
			return e.logText(), true
		case *sourceError:
			return fmt.Sprintf("source not imported (job %s)", logtext.ID(e.failure.Job.ID)), true
		case *JobError:
			return e.summary(logtext.ID(e.Job.ID)), true
		case *DoubtError:
			return logtext.Doubt(logText(errors.Join(e.Unwrap()...)), e.ReadSetIDs), true
		case *ValidationError:
			return listFaults(e.Fields, (*FieldError).logText), true
		case *FieldError:
			return listFaults([]*FieldError{e}, (*FieldError).logText), true
		}
		return "", false
	})
}

// logText is what Error says, without the service's message.
func (e *Error) logText() string {
	own := Error{StatusCode: e.StatusCode, local: e.local, credentials: e.credentials, MayHaveStarted: e.MayHaveStarted}
	if slices.Contains(operationNames, e.Op) {
		own.Op = e.Op
	}
	if wire.IsKnownCode(e.Code) {
		own.Code = e.Code
	}
	own.RequestID = logtext.RequestID(e.RequestID)
	if errors.Is(e.Err, wire.ErrNoAnswer) {
		own.Err = wire.ErrNoAnswer // which its kind depends on
	} else if text := logText(e.Err); text != "" {
		own.Err = logtext.Harmless(text)
	}
	return own.Error()
}

// logText says which field is invalid, and by which rule.
func (e *FieldError) logText() string {
	rule := Rule("invalid")
	if slices.Contains(allRules, e.Rule) {
		rule = e.Rule
	}
	return fmt.Sprintf("%s (%s)", logtext.Path(e.Path), rule)
}

// Notify makes the imports of this client that wait for the job look at it now. Call it with the events that
// [ParseEvent] reads. It never blocks, and does nothing for a job that no import waits for. Repeated calls cost no more
// than one request in each MinPollDelay: the answer to that request counts, not the event.
func (c *Client) Notify(ref JobRef) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for r := range c.runs {
		if r.target.SequenceStoreID == ref.SequenceStoreID {
			r.note(ref.ID)
		}
	}
	if w := c.watchers[ref.SequenceStoreID]; w != nil {
		w.note(ref.ID)
	}
}

// ParseEvent reads the EventBridge event "Read Set Import Job Status Change" of HealthOmics, and returns which job it is
// about and its status. EventBridge may lose, repeat and reorder events, so an event is only a reason to look at the job,
// with [Client.Notify]. The error names what is missing or wrong.
func ParseEvent(data []byte) (JobRef, types.ReadSetImportJobStatus, error) {
	store, id, status, err := wire.ParseEvent(data)
	if err != nil {
		return JobRef{}, "", fmt.Errorf("readsetimport: %w", err)
	}
	ref := JobRef{SequenceStoreID: store, ID: id}
	if err := ref.validate(); err != nil {
		return JobRef{}, "", fmt.Errorf("readsetimport: event detail: %w", err)
	}
	return ref, status, nil
}

// notice is what OnEvent is to be told: an event, or the results of sources, each of which makes one.
type notice struct {
	event   Event
	results []Result
}

// emit has OnEvent called with an event.
func (r *run) emit(e Event) {
	if r.opts.OnEvent == nil {
		return
	}
	r.untold = append(r.untold, notice{event: r.stamp(e)})
}

// pollFailed is the event of a request for the status of jobs that failed.
func pollFailed(err *Error, wait time.Duration) Event {
	if err.kind() == ErrThrottled {
		return Event{Kind: EventThrottled, Err: err, Wait: wait}
	}
	return Event{Kind: EventPollFailed, Err: err, Wait: wait}
}

func (r *run) stamp(e Event) Event {
	e.RunID, e.Time, e.Counts = r.opts.RunID, time.Now(), r.counts
	e.Job.Sources = nil
	return e
}

// deliver hands over results, each source's once, and has OnEvent told of them.
func (r *run) deliver(out []Result) {
	if len(out) == 0 {
		return
	}
	if r.opts.OnEvent != nil {
		r.untold = append(r.untold, notice{event: r.stamp(Event{Kind: EventSourceEnded}), results: out})
	}
	for _, res := range out {
		r.counts.add(res)
	}
	r.outbox = append(r.outbox, out)
}

func (c *Counts) add(res Result) {
	if res.Err == nil {
		c.Imported++
	} else {
		c.Failed++
	}
}

// tell calls OnEvent, one event after the other, as they are handed over.
func (r *run) tell(done chan<- struct{}, notices <-chan notice, onEvent func(Event)) {
	defer close(done) // even if OnEvent ends the goroutine
	for n := range notices {
		if n.results == nil {
			onEvent(n.event)
		}
		counts := n.event.Counts
		for _, res := range n.results {
			e := n.event
			counts.add(res)
			e.Counts, e.Result, e.Err = counts, &res, res.Err
			if res.JobID != "" {
				e.Job.JobRef = JobRef{r.target.SequenceStoreID, res.JobID}
			}
			onEvent(e)
		}
	}
}

// tellRest waits until OnEvent has been called with every event.
func (r *run) tellRest(done <-chan struct{}) {
	if done == nil {
		return
	}
	for _, n := range r.untold {
		select {
		case r.notices <- n:
		case <-done:
			return
		}
	}
	close(r.notices)
	<-done
}

// ended tells OnEvent of the end of an import that could not begin.
func (r *run) ended(why error) {
	if r.opts.OnEvent != nil {
		r.opts.OnEvent(r.stamp(Event{Kind: EventImportEnded, Err: why}))
	}
}
