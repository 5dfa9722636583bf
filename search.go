package readsetimport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/logtext"
	"github.com/readsetimport/readsetimport/internal/quota"
	"github.com/readsetimport/readsetimport/internal/wire"
)

// Search is the state of the search for a job that a lost answer may have started: the store's jobs since the first
// request are listed, read and compared. It is plain JSON; save it with its [Submission], and do not change it.
type Search struct {
	Since      time.Time `json:"since,omitzero"`       // when the first request left at the earliest; zero: no search is on
	After      time.Time `json:"after,omitzero"`       // the list is of jobs created after this, by the service's clock
	Page       string    `json:"page,omitempty"`       // the list's next page
	Pages      int       `json:"pages,omitempty"`      // pages read
	Listed     bool      `json:"listed,omitempty"`     // the whole list was read
	Candidates []string  `json:"candidates,omitempty"` // ids of jobs that are still to be read
	Found      []Job     `json:"found,omitempty"`      // jobs with these sources
	Gone       int       `json:"gone,omitempty"`       // answers in a row that there is no such store
	ClearAt    time.Time `json:"clearAt,omitzero"`     // when a whole search found nothing for the first time
}

func (s Search) on() bool { return !s.Since.IsZero() }

// newSearch is a search for a job that a request since then may have started. The zero time is any time.
func newSearch(since time.Time) Search {
	if since.IsZero() {
		since = time.Unix(0, 0).UTC()
	}
	return Search{Since: since}
}

const (
	clockMargin   = 15 * time.Minute   // how far our clock and the service's may be apart, beyond what its answers tell
	recordsKept   = 7 * 24 * time.Hour // how long the service is trusted to keep a job on its list; it publishes no time
	attemptMax    = 5                  // client tokens, each tried for TokenWindow, after which a batch is not worth more
	searchPageMax = 1000               // pages of a list: 100,000 jobs
	foundMax      = 10                 // jobs with these sources that are reported
)

// errGivenUp is for a batch that the service does not take, and does not refuse either.
var errGivenUp = errors.New("given up")

// search takes one step: a page of the list, or a look at one of the jobs on it.
func (c *Client) search(ctx context.Context, s Submission, other func(JobRef) bool) (Submission, *Error, error) {
	if err := s.Batch.Target.Validate(); err != nil {
		return s, nil, err
	}
	if !s.Search.on() {
		s.Search = newSearch(s.SentAt)
	}
	if other == nil {
		other = func(JobRef) bool { return false }
	}
	s.Search.Candidates = slices.DeleteFunc(slices.Clone(s.Search.Candidates), func(id string) bool { return other(s.jobRef(id)) })
	if !s.Search.ClearAt.IsZero() {
		ago := quota.Elapsed(s.Search.ClearAt)
		if ago < 0 { // the clock was set back
			s.Search.ClearAt, ago = time.Now(), 0
		}
		if ago < settling {
			s.NextAt = time.Now().Add(settling - ago)
			return s, nil, nil
		}
	}
	var err error
	if !s.Search.Listed {
		s, err = c.searchList(ctx, s, other)
	} else if len(s.Search.Candidates) > 0 {
		s, err = c.searchJob(ctx, s)
	}
	var e *Error
	errors.As(err, &e)
	gone := e != nil && e.Code == wire.CodeNotFound && !s.Search.Listed && !s.MayHaveStarted
	if !gone {
		s.Search.Gone = 0
	}
	switch {
	case err == nil:
	case e == nil:
		return s, nil, err
	case ctx.Err() != nil:
		return s, e, e
	case gone:
		return c.storeGone(s, e)
	case errors.Is(e, wire.ErrNotCredible), e.kind() == ErrNotFound && s.Search.Listed:
		if s.Doubts++; s.Doubts < doubtPatience && s.Search.Pages < searchPageMax {
			return c.failed(s, e), e, nil
		}
		if errors.Is(e, wire.ErrNoList) {
			s.Search.Page, s.Search.Listed = "", true // it is how this service says that there are none
			break
		}
		next, err := unresolved(s, e)
		return next, e, err
	case e.passing() && !c.unreached(s, e) && !s.denied(e, deniedPatience), c.forgives(e, s.Failures):
		return c.failed(s, e), e, nil
	default:
		// Once the cause is fixed, a search from the beginning can tell.
		s.Search = newSearch(s.Search.Since)
		return c.failed(s, e), e, fmt.Errorf("%w: %w", ErrUnresolved, e)
	}
	s.Failures, s.Doubts, s.DeniedSince = 0, 0, time.Time{}
	if !s.Search.Listed || len(s.Search.Candidates) > 0 && len(s.Search.Found) < foundMax {
		s.NextAt = time.Now()
		return s, nil, nil
	}
	next, err := c.conclude(s)
	return next, nil, err
}

// storeGone notes that the service knows no such store. A store that is not there has no jobs, so that after so many
// answers in a row the batch is planned again. It keeps its token: should the store be there all the same, the service
// recognises the request.
func (c *Client) storeGone(s Submission, e *Error) (Submission, *Error, error) {
	if s.Search.Gone++; s.Search.Gone < doubtPatience {
		return c.failed(s, e), e, nil
	}
	s.Phase = PhasePlanned
	s.Failures, s.LastError = 0, e.Error()
	s.Search = Search{}
	s.NextAt = time.Now()
	return s, e, e
}

func (s Submission) jobRef(id string) JobRef {
	return JobRef{SequenceStoreID: s.Batch.Target.SequenceStoreID, ID: id}
}

// searchList reads one page of the jobs that were created since the first request. All pages are of the same list.
func (c *Client) searchList(ctx context.Context, s Submission, other func(JobRef) bool) (Submission, error) {
	if s.Search.Page == "" {
		s.Search.After = c.searchAfter(s.Search.Since)
	}
	jobs, next, err := c.listPage(ctx, s.Batch.Target.SequenceStoreID, s.Search.After, s.Search.Page)
	if err != nil {
		return s, err
	}
	s.Search.Pages++
	if s.Search.Pages >= searchPageMax && next != "" {
		return s, &Error{Op: opList.String(), StatusCode: http.StatusOK, Err: fmt.Errorf("%w: it has no end", wire.ErrNotCredible)}
	}
	if s.Search.Page == "" && s.Search.After.Sub(c.searchAfter(s.Search.Since)) > clockMargin/2 && s.Search.Pages < searchPageMax {
		return s, nil // the answer tells that the service's clock is behind: the list must begin earlier
	}
	for _, job := range jobs {
		if !other(job.JobRef) {
			s.Search.Candidates = append(s.Search.Candidates, job.ID)
		}
	}
	s.Search.Page, s.Search.Listed = next, next == ""
	if s.Search.Listed {
		slices.Sort(s.Search.Candidates)
		s.Search.Candidates = slices.Compact(s.Search.Candidates)
	}
	return s, nil
}

// searchAfter is when the first request left at the earliest, by the service's clock.
func (c *Client) searchAfter(since time.Time) time.Time {
	ago := quota.Elapsed(since)
	if ago < -clockMargin {
		ago = recordsKept // the clock was set back
	}
	ahead := min(time.Duration(c.guard.Skew.Load()), 0)
	// One after the other, since their sum can be more than a Duration holds.
	after := time.Now().Add(ahead).Add(-ago).Add(-clockMargin)
	if first := time.Unix(0, 0); after.Before(first) {
		return first
	}
	return after
}

// searchJob reads the next candidate and compares its sources with the batch's.
func (c *Client) searchJob(ctx context.Context, s Submission) (Submission, error) {
	job, err := c.get(ctx, s.jobRef(s.Search.Candidates[0]))
	if err != nil {
		return s, err
	}
	if len(job.Sources) == 0 && job.Status != types.ReadSetImportJobStatusFailed {
		return s, &Error{Op: opGet.String(), StatusCode: http.StatusOK, Err: fmt.Errorf("%w: a job without sources", wire.ErrNotCredible)}
	}
	s.Search.Candidates = s.Search.Candidates[1:]
	if s.shares(job) {
		s.Search.Found = append(slices.Clone(s.Search.Found), job)
	}
	return s, nil
}

// conclude decides what a whole search means.
func (c *Client) conclude(s Submission) (Submission, error) {
	found := s.Search.Found
	switch {
	case len(found) == 1 && s.carries(found[0]):
		return c.running(s, found[0]), nil
	case len(found) > 0:
		ids := make([]string, len(found))
		for i, job := range found {
			ids[i] = job.ID
		}
		return unresolved(s, logtext.Harmless("jobs "+strings.Join(ids, ", ")+" have some or all of these sources"))
	case quota.Elapsed(s.Search.Since) > recordsKept:
		return unresolved(s, logtext.Harmless(fmt.Sprintf("no such job is listed, but the request is older than %d days", recordsKept/(24*time.Hour))))
	case s.Unsent >= unsentPatience:
		return unresolved(s, logtext.Harmless("its state comes back too late to be sent while its client token is trusted"))
	case s.Search.ClearAt.IsZero():
		// A job that was started a moment ago may not be listed yet: look again.
		s.Search = newSearch(s.Search.Since)
		s.Search.ClearAt = time.Now()
		s.NextAt = s.Search.ClearAt.Add(settling)
		return s, nil
	}
	s.Phase = PhasePlanned
	s.Attempt++
	s.Search, s.MayHaveStarted = Search{}, false
	s.NextAt = time.Now()
	if s.FailedAttempts++; s.FailedAttempts >= attemptMax {
		s.FailedAttempts = 0 // who goes on has as many again
		why := cmp.Or(s.StartError, "no request is known to have been made")
		return s, &Error{Op: opStart.String(), Err: fmt.Errorf("%w after %d attempts, none of which started a job; the last: %s", errGivenUp, attemptMax, why)}
	}
	return s, nil
}

func unresolved(s Submission, why error) (Submission, error) {
	s.Phase = PhaseUnresolved
	s.NextAt = time.Time{}
	s.LastError = wire.OneLine(why.Error())
	return s, fmt.Errorf("%w: %w", ErrUnresolved, why)
}

// shares reports whether the job has any of the sources.
func (s Submission) shares(job Job) bool {
	counts := s.sources()
	return slices.ContainsFunc(job.Sources, func(js JobSource) bool { return counts[s.Batch.Target.Fingerprint(js.Source)] > 0 })
}

// carries reports whether the job has these sources and no others, in whatever order.
func (s Submission) carries(job Job) bool {
	counts := s.sources()
	for _, js := range job.Sources {
		counts[s.Batch.Target.Fingerprint(js.Source)]--
	}
	for _, n := range counts {
		if n != 0 {
			return false
		}
	}
	return true
}
