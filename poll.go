package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/readsetimport/readsetimport/internal/quota"
)

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
