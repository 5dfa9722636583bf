package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/readsetimport/readsetimport/internal/quota"
	"github.com/readsetimport/readsetimport/internal/search"
)

// Phase is how far a batch has got. To give it up, stop in PhasePlanned; [Submission.Ended] says when nothing is left.
type Phase string

// The phases of a batch, in their order.
const (
	PhasePlanned    Phase = "planned"    // nothing has been started, and no request is under way; the empty Phase means the same
	PhaseSending    Phase = "sending"    // a request has been sent or is about to be, and its outcome is not known
	PhaseRunning    Phase = "running"    // the job has started
	PhaseDone       Phase = "done"       // the job has ended; Job has the outcome of every source
	PhaseUnresolved Phase = "unresolved" // it is unknown whether a job was started, or what became of it
)

// Submission is the state of one batch on its way to being a job that has ended. It is plain JSON, for callers that keep
// it themselves: start with Submission{Batch: b} and hand it to [Client.Advance] until it has ended.
type Submission struct {
	Batch   Batch     `json:"batch"`
	Phase   Phase     `json:"phase"`
	Attempt int       `json:"attempt,omitempty"` // counts the client tokens used, from 1
	SentAt  time.Time `json:"sentAt,omitzero"`   // earliest time a request with this attempt's token may have been sent
	NextAt  time.Time `json:"nextAt,omitzero"`   // when to call Advance again
	Job     Job       `json:"job,omitzero"`      // as last seen, once it runs

	// MayHaveStarted is true if a request of this attempt had no clear answer, so that it may have started a job.
	MayHaveStarted bool `json:"mayHaveStarted,omitempty"`
	// FullSince is since when the service refuses to start the job because too many jobs run (402); zero if its last
	// answer was another, throttling not counted. MaxActiveJobs and QuotaTimeout do not bind Advance: a caller that wants
	// to stop waiting for a slot stops in PhasePlanned, where nothing has been started.
	FullSince time.Time `json:"fullSince,omitzero"`

	Failures    int       `json:"failures,omitempty"`   // requests in a row that failed and are made again
	LastError   string    `json:"lastError,omitempty"`  // the last failure, in one line
	StartError  string    `json:"startError,omitempty"` // the last failure of a request to start the job, in one line
	DeniedSince time.Time `json:"deniedSince,omitzero"` // since when all requests are refused for want of permission or credentials
	Doubts      int       `json:"doubts,omitempty"`     // answers in a row that contradict themselves or have an unknown status
	Unsent      int       `json:"unsent,omitempty"`     // attempts in a row of which no request is known to have been made
	// FailedAttempts is how many attempts in a row started no job. Those that waited for a slot or were throttled do not count.
	FailedAttempts int    `json:"failedAttempts,omitempty"`
	Search         Search `json:"search,omitzero"` // the search for a job that a lost answer may have started

	// untried is true from planned to sending, and after a search that found nothing, until a request comes back without a clear
	// refusal. It does not survive JSON, since whoever reads the state back cannot know whether a request left in between.
	untried bool

	// carried is all that the job is started with, of an import's batch: Batch may have only a part of it, or nothing.
	carried []Fingerprint
	checked bool // an import has made the batch of sources that it has checked
}

// Ended reports whether the submission is done or unresolved, so that [Client.Advance] has nothing left to do.
func (s Submission) Ended() bool { return s.Phase == PhaseDone || s.Phase == PhaseUnresolved }

// Results returns what became of the batch's sources, in the batch's order, once the submission has ended. Before that it
// returns nil.
func (s Submission) Results() []Result {
	index := make([]int, len(s.Batch.Sources))
	for i := range index {
		index[i] = i
	}
	switch s.Phase {
	case PhaseDone:
		return results(s.Batch.Target, s.Batch.Sources, index, s.Job)
	case PhaseUnresolved:
		out := make([]Result, len(index))
		for i, source := range s.Batch.Sources {
			out[i] = Result{Index: i, Source: source, JobID: s.Job.ID, Err: s.Err()}
		}
		return out
	}
	return nil
}

// Err returns nil if the submission has not ended, or has imported every source. Otherwise it returns [ErrUnresolved] if
// it is unknown of any source whether it was imported, a [*JobError] if the job or a source failed, or both.
func (s Submission) Err() error {
	switch s.Phase {
	case PhaseDone:
		if slices.ContainsFunc(s.Results(), func(r Result) bool { return errors.Is(r.Err, ErrUnresolved) }) {
			return fmt.Errorf("%w: %w", ErrUnresolved, &JobError{Job: s.Job})
		}
		return s.Job.Err()
	case PhaseUnresolved:
		return s.doubt(errors.New(s.LastError))
	}
	return nil
}

// unsent reports whether it is certain that no request for the batch has left.
func (s Submission) unsent() bool {
	return s.Phase == PhasePlanned || s.Phase == "" || s.Phase == PhaseSending && s.untried
}

const (
	settling        = 5 * time.Minute  // how long the service may take to show a job that it has started
	unknownPatience = 1000             // looks in a row at a status that this package does not know
	doubtPatience   = 10               // answers in a row that are not credible
	unsentPatience  = 5                // attempts in a row that are read back too late to be sent
	grantPatience   = 5 * time.Minute  // without permission or credentials, for a client that never had them
	deniedPatience  = 30 * time.Minute // the same, for one that had them before
	unreachedMost   = 10               // failures in a row, some five minutes, by a client that was never answered
)

// Advance takes one step with a batch: it makes at most one request, and returns the state to save and to hand to it
// again at NextAt. Calling it earlier costs a request and does no harm. An ended submission is returned unchanged.
//
// The step from planned to sending makes no request, so that the state that says "this token may have been used" is
// saved before the first request leaves. Replace the old state by the returned one, whether or not there is an error.
// Failures that pass by themselves (throttling, full quotas, lost answers, looks that fail) are not returned as errors:
// they are in Failures and LastError, and NextAt says when to try again. Package steps keeps the state small for engines that
// bound it, and says what else the owner of a state must know.
//
// The error is one of these. Except after the last, the submission can be handed to Advance again once the cause is
// fixed:
//   - a [*ValidationError] for a batch that was not sent because it is invalid;
//   - an [*Error] for a request that was refused (400, 403, 404) or could not be made ([ErrCredentials]). In phase planned,
//     nothing was started. In phase sending, an earlier request may have started the job; Advance looks for it before it
//     sends anything. In phase running, the job cannot be looked at: for some five minutes if no look of this client at
//     any job has succeeded, and otherwise for half an hour in which every look was refused;
//   - the cause of the context's end;
//   - [ErrUnresolved] in phase sending, with an [*Error], if the search for the job was refused;
//   - [ErrUnresolved] in phase unresolved, which is the end.
//
// A job that ended badly is not an error here: see [Job.Err].
func (c *Client) Advance(ctx context.Context, s Submission) (Submission, error) {
	next, _, err := c.advance(ctx, s, nil)
	return next, err
}

// advance is Advance, and tells what the request came to where that is no reason to stop. Jobs for which other is true
// are known to belong to another batch.
func (c *Client) advance(ctx context.Context, s Submission, other func(JobRef) bool) (Submission, *Error, error) {
	if err := quota.Ended(ctx); err != nil {
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
		if s.Search.On() {
			return c.search(ctx, s, nil)
		}
		return c.look(ctx, s)
	case PhaseDone, PhaseUnresolved:
		return s, nil, nil
	}
	return s, nil, fmt.Errorf("readsetimport: submission has the unknown phase %q", s.Phase)
}

// mustSearch reports whether a batch that is being sent must not be sent again under the same token, since that may be
// forgotten. A time of sending that is still to come is of a clock that was set back, and tells nothing.
func (c *Client) mustSearch(s Submission) bool {
	if s.Search.On() || s.untried {
		return s.Search.On()
	}
	ago := quota.Elapsed(s.SentAt)
	return c.opts.TokenWindow < 0 || ago >= c.opts.TokenWindow || ago < -clockMargin
}

func (c *Client) plan(s Submission) (Submission, error) {
	if err := s.validate(); err != nil {
		return s, err
	}
	if s.Batch.ClientToken == "" {
		s.Batch.ClientToken = firstToken(c.opts.RunID, s.Batch)
	}
	s.Phase = PhaseSending
	s.Attempt = max(1, s.Attempt)
	s.SentAt = time.Now()
	s.NextAt = s.SentAt
	s.MayHaveStarted = false
	s.Unsent++
	s.untried = true
	return s, nil
}

// send makes the request that starts the job, or repeats it.
func (c *Client) send(ctx context.Context, s Submission, other func(JobRef) bool) (Submission, *Error, error) {
	if err := s.validate(); err != nil {
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
	s = s.startFailed(e)
	switch {
	case ctx.Err() != nil:
		return s, e, e
	case e.passing() && !c.unreached(s, e) && !s.denied(e, deniedPatience), c.forgives(e, s.Failures):
		return c.failed(s, e), e, nil
	case s.Phase == PhasePlanned:
		return s, e, e
	}
	s = c.failed(s, e)
	if !e.local {
		// An earlier request may have started the job, and repeating it is refused: only the service's jobs can tell.
		s.Search = search.New(s.SentAt)
	}
	return s, e, e
}

// startFailed notes what a failed request to start the job says.
func (s Submission) startFailed(e *Error) Submission {
	s.StartError = e.Error()
	s.MayHaveStarted = s.MayHaveStarted || e.MayHaveStarted
	switch kind := e.kind(); {
	case kind == ErrQuotaExceeded:
		s.FailedAttempts = 0 // waiting for room has no end
		if s.FullSince.IsZero() {
			s.FullSince = time.Now()
		}
	case kind == ErrThrottled:
		s.FailedAttempts = 0 // and says nothing of slots
	case e.StatusCode != 0 || e.MayHaveStarted:
		s.FullSince = time.Time{}
	}
	if s.untried && !e.MayHaveStarted {
		s.Phase = PhasePlanned // nothing has been started under this token
	}
	s.untried = false
	return s
}

// forgives reports whether a failure that does not pass by itself is worth another try, since requests of this client
// have succeeded before: credentials that are being renewed, for the most part.
func (c *Client) forgives(e *Error, failures int) bool {
	const most = 8
	return e.renewable() && c.succeeded.Load() && failures < most
}

// unreached reports whether the service has never answered this client, time and again, and nothing of the batch has
// left: a wrong endpoint, Region or proxy, or a place that gives no credentials. Waiting does not fix those.
func (c *Client) unreached(s Submission, e *Error) bool {
	switch {
	case e.StatusCode != 0 || c.answered.Load():
		return false
	case e.local:
		return s.denied(e, grantPatience)
	}
	return s.Phase == PhasePlanned && s.Failures >= unreachedMost
}

// denied reports whether there has been no permission, or no credentials, for so long.
func (s Submission) denied(e *Error, patience time.Duration) bool {
	return e.renewable() && !s.DeniedSince.IsZero() && quota.Elapsed(s.DeniedSince) >= patience
}

// failed notes a failure that passes, and when to try again.
func (c *Client) failed(s Submission, e *Error) Submission {
	s.Failures++
	s.LastError = e.Error()
	s.NextAt = time.Now().Add(max(c.delays.Backoff(s.Failures), min(e.RetryAfter, quota.MaxPause)))
	switch {
	case !e.renewable():
		s.DeniedSince = time.Time{}
	case s.DeniedSince.IsZero():
		s.DeniedSince = time.Now()
	}
	return s
}

// running is the submission with a job that has started.
func (c *Client) running(s Submission, job Job) Submission {
	s.Phase = PhaseRunning
	s.Job = job
	s.untried, s.MayHaveStarted = false, false
	s.Failures, s.LastError, s.StartError, s.Doubts, s.Unsent, s.FailedAttempts = 0, "", "", 0, 0, 0
	s.DeniedSince, s.FullSince, s.Search = time.Time{}, time.Time{}, Search{}
	s.NextAt = time.Now().Add(c.delays.Look(age(s)))
	return s
}

// startTries is how often Start and Get make their request before they give up on trouble that passes.
const startTries = 5

// Start starts the import job of a batch and returns it as the service answered: with an id and a status, and without
// the sources. An empty client token is filled in: it is made from the client's RunID (see [Options]), the target and the
// sources, so that the same client starts the same batch once. MaxActiveJobs and QuotaTimeout do not apply.
//
// After lost answers and throttling, Start makes the request again, with the same token: up to 5 times in all, with pauses
// of some ten seconds together, or what Retry-After asks for. The error is a [*ValidationError], and nothing was sent; the
// cause of the context's end; or an [*Error]. If its MayHaveStarted is true, one of the requests may have started the job,
// whatever the last of them came to: call Start again with the same batch, within the time that the service remembers a
// token (see [Options].TokenWindow). Start does not wait for a full quota: it returns [ErrQuotaExceeded].
func (c *Client) Start(ctx context.Context, b Batch) (Job, error) {
	s := Submission{Batch: b}
	var last *Error // the last request that failed
	for {
		if s.MayHaveStarted && c.mustSearch(s) {
			return Job{}, last
		}
		next, trouble, err := c.advance(ctx, s, nil)
		if trouble != nil {
			trouble.MayHaveStarted = next.MayHaveStarted
			last = trouble
		}
		switch {
		case err != nil && trouble == nil && last != nil:
			return Job{}, stopped(err, last) // the context ended while the request waited for its turn
		case err != nil:
			return Job{}, err
		case next.Phase == PhaseRunning:
			return next.Job, nil
		case trouble != nil && (next.Failures == startTries || trouble.kind() == ErrQuotaExceeded):
			return Job{}, trouble
		}
		s = next
		if err := quota.Sleep(ctx, time.Until(s.NextAt)); err != nil {
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
