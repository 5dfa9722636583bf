package readsetimport

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// EventKind says what an [Event] is about.
type EventKind string

// The kinds of events.
const (
	EventJobStarted  EventKind = "job started"        // Job has the id
	EventJobStatus   EventKind = "job status changed" // Job has the new status
	EventSourceEnded EventKind = "source ended"       // Result has its outcome
	EventThrottled   EventKind = "throttled"          // the service answered 429: Err, and the next try in Wait
	EventSlotWait    EventKind = "waiting for a slot" // the service answered 402: as many jobs run as may
	EventStartFailed EventKind = "start failed"       // a request to start a job failed: Err, and the next try in Wait, 0 if there is none
	EventLookFailed  EventKind = "look failed"        // a look at jobs failed in passing: Err, and the next try in Wait
	EventImportEnded EventKind = "import ended"       // the last one; Err is why the import could not go on, or nil
)

// Event is something that happened in an import. An event of kind [EventSourceEnded] has a result with the ids of a
// sample and a subject; the others have none.
type Event struct {
	RunID  string // of the import
	Kind   EventKind
	Time   time.Time
	Job    Job           // the job it is about, without sources; zero where it is about none
	Result *Result       // for EventSourceEnded
	Err    error         // what failed
	Wait   time.Duration // how long until the next try
	Counts               // after the event
}

// Counts are an import's sources so far.
type Counts struct {
	Submitted int // in jobs that were started
	Running   int // in jobs that run
	Imported  int // in the store
	Failed    int // with any other outcome
}

// LogEvents is an OnEvent that writes events to a log: failed sources and failed requests as warnings, imported sources
// at debug level, the rest at info level. It writes no ids of samples or subjects, no names and no files.
func LogEvents(log *slog.Logger) func(Event) {
	return func(e Event) {
		level := slog.LevelInfo
		attrs := make([]slog.Attr, 0, 10)
		add := func(key, value string) {
			if value != "" {
				attrs = append(attrs, slog.String(key, value))
			}
		}
		add("store", e.Job.SequenceStoreID)
		add("job", e.Job.ID)
		add("status", string(e.Job.Status))
		if e.Result != nil {
			level = slog.LevelDebug
			attrs = append(attrs, slog.Int("index", e.Result.Index))
			add("readSet", e.Result.ReadSetID)
			add("sourceStatus", string(e.Result.Status))
			if e.Result.Err != nil {
				level = slog.LevelWarn
				add("error", e.Result.Err.Error())
			}
		}
		if e.Err != nil {
			level = slog.LevelWarn
			add("error", e.Err.Error())
		}
		if e.Wait > 0 {
			attrs = append(attrs, slog.Duration("wait", e.Wait))
		}
		attrs = append(attrs, slog.Int("submitted", e.Submitted), slog.Int("running", e.Running),
			slog.Int("imported", e.Imported), slog.Int("failed", e.Failed))
		log.LogAttrs(context.Background(), level, string(e.Kind), attrs...)
	}
}

// Notify makes the imports of this client that wait for a job look at it now. It is for events of the service, as
// [ParseEvent] reads them, and never blocks. A job that no import waits for is ignored, and repeated calls cost no more
// than one look in each MinPollDelay, since what the look answers is what counts, not the event.
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

// ParseEvent reads the EventBridge event "Read Set Import Job Status Change" of HealthOmics: which job, and its status.
// EventBridge delivers at best effort and in any order, so an event is a reason to look at the job, with
// [Client.Notify], and no more. The error names what is missing or wrong.
func ParseEvent(data []byte) (JobRef, types.ReadSetImportJobStatus, error) {
	const (
		source     = "aws.omics"
		detailType = "Read Set Import Job Status Change"
	)
	var event struct {
		Source     string `json:"source"`
		DetailType string `json:"detail-type"`
		Detail     struct {
			JobRef
			Status types.ReadSetImportJobStatus `json:"status"`
		} `json:"detail"`
	}
	if err := json.Unmarshal(data, &event); err != nil {
		return JobRef{}, "", fmt.Errorf("readsetimport: event is not JSON of the expected form: %w", err)
	}
	if event.Source != source || event.DetailType != detailType {
		return JobRef{}, "", fmt.Errorf("readsetimport: event is %q from %q, not %q from %q",
			shorten(event.DetailType), shorten(event.Source), detailType, source)
	}
	if err := event.Detail.validate(); err != nil {
		return JobRef{}, "", fmt.Errorf("readsetimport: event detail: %w", err)
	}
	return event.Detail.JobRef, event.Detail.Status, nil
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
