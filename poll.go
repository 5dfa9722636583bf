package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/quota"
)

// JobRef names an import job. Job ids are unique within a sequence store.
type JobRef struct {
	SequenceStoreID string `json:"sequenceStoreId"`
	ID              string `json:"id"`
}

func (r JobRef) validate() error {
	var c checker
	const form = "10 to 36 decimal digits"
	if !validID(r.SequenceStoreID) {
		c.need(field("sequenceStoreId"), r.SequenceStoreID, RulePattern, form)
	}
	if !validID(r.ID) {
		c.need(field("id"), r.ID, RulePattern, form)
	}
	return c.err()
}

// Job is an import job as the service last described it. It is plain JSON.
type Job struct {
	JobRef
	RoleARN        string                       `json:"roleArn"`
	Status         types.ReadSetImportJobStatus `json:"status"`
	StatusMessage  string                       `json:"statusMessage,omitempty"` // the service's words, as they came
	CreationTime   time.Time                    `json:"creationTime,omitzero"`   // by the service's clock
	CompletionTime time.Time                    `json:"completionTime,omitzero"` // zero until the job has ended
	Sources        []JobSource                  `json:"sources,omitempty"`       // in no particular order; none in the answer to a start
}

// JobSource is one source of a job and what became of it. The source is as it was sent: without the tags that the
// service adds of its own.
type JobSource struct {
	Source        Source                           `json:"source"`
	ReadSetID     string                           `json:"readSetId,omitempty"` // empty until the source is imported
	Status        types.ReadSetImportJobItemStatus `json:"status"`
	StatusMessage string                           `json:"statusMessage,omitempty"` // the service's words, as they came
}

// Done reports whether the job has ended, well or badly. A status that this package does not know is not an end.
func (j Job) Done() bool {
	switch j.Status {
	case types.ReadSetImportJobStatusCompleted, types.ReadSetImportJobStatusCompletedWithFailures,
		types.ReadSetImportJobStatusFailed, types.ReadSetImportJobStatusCancelled:
		return true
	}
	return false
}

// Err is nil for a job that runs or has imported all of its sources, and a [*JobError] for one that ended otherwise.
func (j Job) Err() error {
	failed := slices.ContainsFunc(j.Sources, func(s JobSource) bool { return s.Status == types.ReadSetImportJobItemStatusFailed })
	switch {
	case !j.Done() && !allEnded(j):
		return nil
	case !failed && (j.Status == types.ReadSetImportJobStatusCompleted || !j.Done()):
		return nil
	}
	return &JobError{Job: j}
}

// Get looks at a job once. Trouble that passes is tried again up to 5 times, within about half a minute. The error is a
// [*ValidationError] for ids that are none, an [*Error], or the cause of the context's end; how the job stands is not an
// error here.
func (c *Client) Get(ctx context.Context, ref JobRef) (Job, error) {
	if err := ref.validate(); err != nil {
		return Job{}, err
	}
	for try := 1; ; try++ {
		job, err := c.get(ctx, ref)
		var e *Error
		if err == nil || !errors.As(err, &e) {
			return job, err
		}
		if try == startTries || ctx.Err() != nil || !e.passing() {
			return Job{}, e
		}
		if err := sleep(ctx, max(c.backoff(try), min(e.RetryAfter, quota.MaxPause))); err != nil {
			return Job{}, fmt.Errorf("%w; the last look: %w", err, e)
		}
	}
}

// Wait returns when the job has ended, and looks first at once, then ever less often as the job gets older, between
// MinPollDelay and MaxPollDelay. Looks that fail in passing do not end it, however long that lasts.
//
// The error is nil if every source was imported, and a [*JobError] if not; the job is returned either way. It is an
// [*Error] if there is no such job or no permission to look at it, [ErrUnresolved] if the service's answers make no
// sense, and the cause of the context's end; then the job is as it was last seen.
func (c *Client) Wait(ctx context.Context, ref JobRef) (Job, error) {
	if err := ref.validate(); err != nil {
		return Job{}, err
	}
	s := Submission{Phase: PhaseRunning, Job: Job{JobRef: ref}, SentAt: time.Now()}
	for {
		next, trouble, err := c.advance(ctx, s, nil)
		switch {
		case err != nil:
			return next.Job, err
		case trouble != nil && next.Job.Status == "" && !trouble.passing() && !errors.Is(trouble, errNotCredible):
			return next.Job, trouble
		case next.Phase == PhaseDone:
			return next.Job, next.Job.Err()
		}
		s = next
		if err := sleep(ctx, time.Until(s.NextAt)); err != nil {
			if trouble != nil {
				err = fmt.Errorf("%w; the last look: %w", err, trouble)
			}
			return s.Job, err
		}
	}
}

// lookDelay is how long to wait before the next look at a job of that age. A look costs a request, and an ended job
// that is not looked at costs the time of its slot: so it is a tenth of the age, or, once it is known how long such jobs
// take, a twentieth of that.
func (c *Client) lookDelay(age, typical time.Duration) time.Duration {
	d := age / 10
	if typical > 0 {
		d = typical / 20
	}
	return min(max(c.jittered(d), c.opts.MinPollDelay), c.opts.MaxPollDelay)
}
