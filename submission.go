package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/readsetimport/readsetimport/internal/quota"
)

// Phase is where a batch stands.
type Phase string

// The phases of a batch, in their order.
const (
	PhasePlanned    Phase = "planned"    // no request that could start a job is under way; the empty Phase is this one
	PhaseSending    Phase = "sending"    // a request has been sent or is about to be, and its outcome is not known
	PhaseRunning    Phase = "running"    // the job has started
	PhaseDone       Phase = "done"       // the job has ended; Job has the outcome of every source
	PhaseUnresolved Phase = "unresolved" // it cannot be told whether a job was started, or what became of it
)

// Submission is the state of one batch on its way to being an ended job. It is plain JSON, for whoever keeps it: start
// with Submission{Batch: b} and hand it to [Client.Advance] until it has ended.
type Submission struct {
	Batch   Batch     `json:"batch"`
	Phase   Phase     `json:"phase"`
	Attempt int       `json:"attempt,omitempty"` // counts the client tokens used, from 1
	SentAt  time.Time `json:"sentAt,omitzero"`   // no request under this attempt's token left before
	NextAt  time.Time `json:"nextAt,omitzero"`   // when to call Advance again
	Job     Job       `json:"job,omitzero"`      // as last seen, once it runs

	Failures  int    `json:"failures,omitempty"`  // requests in a row that failed in passing
	LastError string `json:"lastError,omitempty"` // what the last of them came to, in one line
	Doubts    int    `json:"doubts,omitempty"`    // answers in a row that make no sense, like an unknown status
	Unsent    int    `json:"unsent,omitempty"`    // attempts in a row of which no request is known to have been made
	Lost      int    `json:"lost,omitempty"`      // attempts in a row that came to nothing, and not for want of a job slot
	Search    Search `json:"search,omitzero"`     // the search for a job that a lost answer may have started

	// untried is true from planned to sending until a request comes back without a clear refusal. It does not survive
	// JSON, since whoever reads the state back cannot know whether a request left in between.
	untried bool

	// carried is all that the batch carries, where Batch has only a part of its sources, or none.
	carried []Fingerprint
}

// Ended reports whether the submission is done or unresolved, so that [Client.Advance] has nothing left to do.
func (s Submission) Ended() bool { return s.Phase == PhaseDone || s.Phase == PhaseUnresolved }

// unsent reports whether it is certain that no request for the batch has left.
func (s Submission) unsent() bool {
	return s.Phase == PhasePlanned || s.Phase == "" || s.Phase == PhaseSending && s.untried
}

const (
	settling        = 5 * time.Minute // how long the service may take to show a job that it has started
	unknownPatience = 1000            // looks in a row at a status that this package does not know
	doubtPatience   = 10              // answers in a row that are not credible
	unsentPatience  = 5               // attempts in a row that are read back too late to be sent
	lookPatience    = 10              // refused looks in a row at a job, some five minutes, by a client whose looks never succeeded
)

// Advance takes one step with a batch: it makes at most one request, and returns the state to save and to hand to it
// again at NextAt. Calling it earlier costs a request and nothing else; an ended submission comes back as it is.
//
// The step from planned to sending makes no request, so that the state that says "this token may have been used" is
// saved before the first request leaves. The state that comes back replaces the old one, whether or not there is an
// error. Trouble that passes (throttling, full quotas, lost answers, failing looks) is not an error: it is in Failures
// and LastError, and NextAt says when to try again.
//
// The error is one of these, and the submission can be handed to Advance again once the cause is mended:
//   - a [*ValidationError] for a batch that was not sent because it is invalid;
//   - an [*Error] for a request that was refused for good (400, 403, 404). If the phase is planned, nothing was started.
//     If it is sending, an earlier request may have started the job, which Advance then looks for before it sends
//     anything. If it is running, no look of this client at any job has succeeded yet, and this one failed time and
//     again;
//   - the cause of the context's end;
//   - [ErrUnresolved]. The phase is unresolved, which is the end; or sending, if the search for the job was refused, and
//     then the error is an [*Error] too.
//
// A job that ended badly is no error here: see [Job.Err].
func (c *Client) Advance(ctx context.Context, s Submission) (Submission, error) {
	next, _, err := c.advance(ctx, s, nil)
	return next, err
}

// advance is Advance, and tells what the request came to where that is no reason to stop. Jobs for which other is true
// are known to belong to another batch.
func (c *Client) advance(ctx context.Context, s Submission, other func(JobRef) bool) (Submission, *Error, error) {
	if err := contextEnded(ctx); err != nil {
		return s, nil, err
	}
	switch s.Phase {
	case PhasePlanned, "":
		next, err := c.plan(s)
		return next, nil, err
	case PhaseSending:
		if c.mustSearch(s) {
			return c.search(ctx, s, other)
		}
		return c.send(ctx, s, other)
	case PhaseRunning:
		if err := s.Job.validate(); err != nil {
			return s, nil, err
		}
		return c.look(ctx, s)
	case PhaseDone, PhaseUnresolved:
		return s, nil, nil
	}
	return s, nil, fmt.Errorf("readsetimport: submission has the unknown phase %q", s.Phase)
}

// elapsed is the time since t, by the clock on the wall or by the machine's running time, whichever is more: a laptop
// that slept has lost the second, and a clock that was set back the first.
func elapsed(t time.Time) time.Duration {
	return max(time.Since(t), time.Since(t.Round(0)))
}

// mustSearch reports whether a batch that is being sent must not be sent again under the same token, since that may be
// forgotten. A time of sending that is still to come is of a clock that was set back, and tells nothing.
func (c *Client) mustSearch(s Submission) bool {
	if s.Search.on() || s.untried {
		return s.Search.on()
	}
	ago := elapsed(s.SentAt)
	return ago >= c.opts.TokenWindow || ago < -clockMargin
}

func (c *Client) plan(s Submission) (Submission, error) {
	if err := s.Batch.validate(); err != nil {
		return s, err
	}
	if s.Batch.ClientToken == "" {
		s.Batch.ClientToken = firstToken(c.opts.RunID, s.Batch)
	}
	s.Phase = PhaseSending
	s.Attempt = max(1, s.Attempt)
	s.SentAt = time.Now()
	s.NextAt = s.SentAt
	s.Unsent++
	s.untried = true
	return s, nil
}

// send makes the request that starts the job, or repeats it.
func (c *Client) send(ctx context.Context, s Submission, other func(JobRef) bool) (Submission, *Error, error) {
	if err := s.Batch.validate(); err != nil {
		return s, nil, err
	}
	if s.Batch.ClientToken == "" {
		return s, nil, errors.New("readsetimport: submission is being sent and has no client token")
	}
	job, err := c.start(ctx, s.Batch, s.Attempt, func() bool { return c.mustSearch(s) })
	if errors.Is(err, errTooLate) {
		return c.search(ctx, s, other)
	}
	var e *Error
	if err != nil && !errors.As(err, &e) {
		return s, nil, err // the context ended before anything was sent
	}
	s.Unsent = 0
	if err == nil {
		return c.running(s, job), nil, nil
	}
	if kind := e.kind(); kind == ErrQuotaExceeded || kind == ErrThrottled {
		s.Lost = 0 // waiting for room has no end
	}
	if s.untried && !e.MayHaveStarted {
		s.Phase = PhasePlanned // nothing has been started under this token
	}
	s.untried = false
	switch {
	case ctx.Err() != nil:
		return s, e, e
	case e.passing() && !c.unreached(s, e), c.forgives(e, s.Failures):
		return c.failed(s, e), e, nil
	case s.Phase == PhasePlanned:
		return s, e, e
	}
	s = c.failed(s, e)
	if !e.local {
		// An earlier request may have started the job, and repeating it is refused: only the service's jobs can tell.
		s.Search = Search{Since: s.SentAt}
	}
	return s, e, e
}

// forgives reports whether a failure that does not pass by itself is worth another try, since requests of this client
// have succeeded before: credentials that are being renewed, for the most part.
func (c *Client) forgives(e *Error, failures int) bool {
	const most = 8
	return e.renewable() && c.succeeded.Load() && failures < most
}

// unreached reports whether the service has never answered this client, time and again, and nothing of the batch has
// left: a wrong endpoint, Region or proxy, which waiting does not mend.
func (c *Client) unreached(s Submission, e *Error) bool {
	const most = 10 // some five minutes
	return e.StatusCode == 0 && s.Phase == PhasePlanned && s.Failures >= most && !c.answered.Load()
}

// failed notes a failure that passes, and when to try again.
func (c *Client) failed(s Submission, e *Error) Submission {
	s.Failures++
	s.LastError = e.Error()
	s.NextAt = time.Now().Add(max(c.backoff(s.Failures), min(e.RetryAfter, quota.MaxPause)))
	return s
}

// running is the submission with a job that has started.
func (c *Client) running(s Submission, job Job) Submission {
	s.Phase = PhaseRunning
	s.Job = job
	s.untried = false
	s.Failures, s.LastError, s.Doubts, s.Unsent, s.Lost, s.Search = 0, "", 0, 0, 0, Search{}
	s.NextAt = time.Now().Add(c.lookDelay(age(s), 0))
	return s
}

// look asks for the job once.
func (c *Client) look(ctx context.Context, s Submission) (Submission, *Error, error) {
	job, err := c.get(ctx, s.Job.JobRef)
	var e *Error
	switch {
	case err == nil:
	case !errors.As(err, &e):
		return s, nil, err
	case ctx.Err() != nil:
		return s, e, e
	case errors.Is(e, errNotCredible), e.Code != "" && e.kind() == ErrNotFound && elapsed(s.SentAt) > settling:
		return c.doubt(s, Job{}, e)
	case e.renewable() && !c.looked.Load() && s.Failures >= lookPatience:
		return c.failed(s, e), e, e
	default:
		return c.failed(s, e), e, nil
	}
	if why := implausible(s.Batch, job); why != nil {
		return c.doubt(s, job, &Error{Op: opGet.String(), StatusCode: http.StatusOK, Err: why})
	}
	s.Job = job
	s.Failures, s.LastError, s.Doubts = 0, "", 0
	if job.Done() || allEnded(job) {
		return done(s), nil, nil
	}
	s.NextAt = time.Now().Add(c.lookDelay(age(s), 0))
	return s, nil, nil
}

func done(s Submission) Submission {
	s.Phase = PhaseDone
	s.NextAt = time.Time{}
	return s
}

// age is how long the job has been under way, by our clock or the service's, whichever is more.
func age(s Submission) time.Duration {
	if s.Job.CreationTime.IsZero() {
		return elapsed(s.SentAt)
	}
	return max(elapsed(s.SentAt), elapsed(s.Job.CreationTime))
}

// doubt notes an answer that makes no sense, and after so many in a row takes what can be taken from it.
func (c *Client) doubt(s Submission, job Job, e *Error) (Submission, *Error, error) {
	patience := doubtPatience
	if job.Status != "" && !known(job.Status) {
		patience = unknownPatience
		s.Job = job
	}
	s.Doubts++
	s = c.failed(s, e)
	switch {
	case s.Doubts < patience:
		return s, e, nil
	case job.Done() && len(job.Sources) <= len(s.Batch.Sources):
		s.Job = job
		return done(s), e, nil
	}
	if job.Done() {
		s.Job = job
	}
	s.Phase = PhaseUnresolved
	s.NextAt = time.Time{}
	return s, e, fmt.Errorf("%w: job %s: %w", ErrUnresolved, s.Job.ID, e)
}

// startTries is how often Start and Get make their request before they give up on trouble that passes.
const startTries = 5

// Start starts the import job of a batch and returns it as the service answered: with an id and a status, and without
// the sources. An empty client token is filled in.
//
// Lost answers and throttling are repeated up to 5 times, with the same token, within about half a minute. The error is
// a [*ValidationError], and nothing was sent; the cause of the context's end; or an [*Error]. If its MayHaveStarted is
// true, call Start again with the same batch, within the time that the service remembers a token (see
// [Options].TokenWindow). A full quota is not waited for: that is [ErrQuotaExceeded].
func (c *Client) Start(ctx context.Context, b Batch) (Job, error) {
	s := Submission{Batch: b}
	var last *Error
	var doubt bool // an earlier request may have started the job
	for {
		if doubt && c.mustSearch(s) {
			return Job{}, last
		}
		next, trouble, err := c.advance(ctx, s, nil)
		if trouble != nil {
			doubt = doubt || trouble.MayHaveStarted
			trouble.MayHaveStarted = doubt
			last = trouble
		}
		switch {
		case err != nil:
			return Job{}, err
		case next.Phase == PhaseRunning:
			return next.Job, nil
		case trouble != nil && (next.Failures == startTries || trouble.kind() == ErrQuotaExceeded):
			return Job{}, trouble
		}
		s = next
		if err := sleep(ctx, time.Until(s.NextAt)); err != nil {
			return Job{}, stopped(err, last)
		}
	}
}

// stopped is the end of the context while Start waited, with the last try before.
func stopped(why error, last *Error) error {
	e := &Error{Op: opStart.String(), Err: why}
	if last != nil {
		try := *last
		e.MayHaveStarted, try.MayHaveStarted = try.MayHaveStarted, false
		e.Err = fmt.Errorf("%w; the last try: %w", why, &try)
	}
	return e
}
