package readsetimport

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/internal/search"
	"github.com/readsetimport/readsetimport/internal/wire"
)

// JobRef names an import job: save it to look at the job later. Job ids are unique within a sequence store.
type JobRef struct {
	SequenceStoreID string `json:"sequenceStoreId"`
	ID              string `json:"id"`
}

func (r JobRef) validate() error {
	var c checker
	c.Check(rules.Field("sequenceStoreId"), r.SequenceStoreID, rules.ID(r.SequenceStoreID))
	c.Check(rules.Field("id"), r.ID, rules.ID(r.ID))
	return c.err()
}

// Job is an import job as the service last described it. It is plain JSON.
type Job struct {
	JobRef
	RoleARN        string                       `json:"roleArn"`
	Status         types.ReadSetImportJobStatus `json:"status"`
	StatusMessage  string                       `json:"statusMessage,omitempty"` // the service's message, verbatim
	CreationTime   time.Time                    `json:"creationTime,omitzero"`   // by the service's clock
	CompletionTime time.Time                    `json:"completionTime,omitzero"` // zero until the job has ended
	Sources        []JobSource                  `json:"sources,omitempty"`       // in no particular order; none in the answer to a start
}

// JobSource is one source of a job, as Get and Wait return it, and what became of it. The source is as it was sent: without
// the tags that the service adds of its own.
type JobSource struct {
	Source        Source                           `json:"source"`
	ReadSetID     string                           `json:"readSetId,omitempty"` // 10 to 36 digits, or empty
	Status        types.ReadSetImportJobItemStatus `json:"status"`
	StatusMessage string                           `json:"statusMessage,omitempty"` // the service's message, verbatim
	CandidateIDs  []string                         `json:"candidateIds,omitempty"`  // of a source in doubt: read sets that it may be
}

// Done reports whether the job's status says that it has ended, well or badly. A status that this package does not know
// is not an end.
func (j Job) Done() bool { return wire.Ended(j.Status) }

func (j Job) completed() bool { return wire.Completed(j.Status) }

// Err returns nil if the job has not ended, or has completed and imported all of its sources, and otherwise a
// [*JobError]. If it is unknown whether one of its sources was imported, the error is [ErrUnresolved] too.
func (j Job) Err() error {
	if !j.Done() && !j.allEnded() {
		return nil
	}
	worst := wire.Imported
	for _, s := range j.Sources {
		worst = max(worst, j.outcome(s))
	}
	switch {
	case worst == wire.Unclear:
		return fmt.Errorf("%w: %w", ErrUnresolved, &JobError{Job: j})
	case worst == wire.Imported && (j.Status == types.ReadSetImportJobStatusCompleted || !j.Done()):
		return nil
	}
	return &JobError{Job: j}
}

// outcome returns what became of one of the job's sources, once the job has ended: see the table of [wire.OutcomeOf]. A
// source that the job's answer does not name is JobSource{}.
func (j Job) outcome(s JobSource) wire.Outcome {
	return wire.OutcomeOf(j.Status, s.Status, s.ReadSetID != "")
}

// allEnded reports whether each source that the job names has an outcome, and the job a time of completion, so that it
// has ended whatever its status says.
func (j Job) allEnded() bool {
	return len(j.Sources) > 0 && !j.CompletionTime.IsZero() &&
		!slices.ContainsFunc(j.Sources, func(s JobSource) bool { return j.outcome(s) == wire.Unclear })
}

// answers returns what the job says of each source that it names. Sources are found by what they are, never by their
// place. One that is named twice, and not to the same effect, has a status that means nothing.
func (j Job) answers(t Target) search.Answers[JobSource] {
	out := make(search.Answers[JobSource], len(j.Sources))
	for i := range j.Sources {
		s := &j.Sources[i]
		f := t.Fingerprint(s.Source)
		if first := out[f]; first != nil && (first.Status != s.Status || first.ReadSetID != s.ReadSetID) {
			s = &JobSource{Source: s.Source, Status: "CONTRADICTORY"}
		}
		out[f] = s
	}
	return out
}

// results returns what became of these sources of a job that has ended.
func results(t Target, sources []Source, index []int, job Job) []Result {
	answers := job.answers(t)
	failure := &JobError{Job: job}
	out := make([]Result, len(sources))
	for i, s := range sources {
		out[i] = failure.result(answers.Of(t.Fingerprint(s)))
		out[i].Index, out[i].Source = index[i], s
	}
	return out
}

// result returns what became of one source, without its index.
func (e *JobError) result(s JobSource) Result {
	res := Result{JobID: e.Job.ID, Status: s.Status, StatusMessage: s.StatusMessage}
	o := e.Job.outcome(s)
	if o != wire.Imported && res.StatusMessage == "" {
		res.StatusMessage = e.Job.StatusMessage
	}
	switch o {
	case wire.Imported:
		res.ReadSetID = s.ReadSetID
	case wire.NotImported:
		res.Err = &sourceError{failure: e, status: s.Status, message: res.StatusMessage}
	case wire.Unclear:
		why := fmt.Errorf("job %s ended, and %s", e.Job.ID, wire.Contradiction(s.Status, s.ReadSetID))
		res.Err = &DoubtError{JobIDs: []string{e.Job.ID}, ReadSetIDs: s.CandidateIDs, cause: why}
	}
	return res
}

// sourceError is a source that a job did not import. It says once what its [*JobError], which it wraps, says of all
// sources.
type sourceError struct {
	failure *JobError
	status  types.ReadSetImportJobItemStatus
	message string // the source's, or the job's where the source has none
}

// Error returns one line with the service's message and the job's id.
func (e *sourceError) Error() string {
	text := "source failed"
	if e.status != types.ReadSetImportJobItemStatusFailed {
		text = e.failure.kind().Error()
	}
	if message := wire.OneLine(e.message); message != "" {
		text += ": " + message
	}
	return fmt.Sprintf("%s (job %s)", text, e.failure.Job.ID)
}

// Unwrap returns the [*JobError], so that errors.As reaches it.
func (e *sourceError) Unwrap() error { return e.failure }
