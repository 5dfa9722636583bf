package readsetimport

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/readsetimport/readsetimport/internal/wire"
)

type sweepAnswer struct {
	flights  []*flight
	seen     map[string]Job
	complete bool // every page was read
	err      error
}

const (
	sweepMin   = 3                // jobs that run, from which on one list is asked for instead of each of them
	sweepTries = 3                // sweeps that fail in a row, before looks at single jobs are tried
	sweepRest  = 10 * time.Minute // without sweeps, after one that failed for good or cost more than it saved
)

// sweep asks for the list of the jobs created since the oldest of these, instead of each job.
func (r *run) sweep(ctx context.Context, running []*flight) {
	r.sweeping = true
	var since time.Time
	ids := make(map[string]bool, len(running))
	for _, f := range running {
		f.busy = true
		ids[f.sub.Job.ID] = true
		created := f.sub.Job.CreationTime
		if created.IsZero() {
			created = f.sub.SentAt.Add(time.Duration(r.c.guard.Skew.Load()) - clockMargin)
		}
		if since.IsZero() || created.Before(since) {
			since = created
		}
	}
	r.group.Go(func() {
		// A sweep must not cost more than the looks that it replaces.
		seen, complete, err := r.c.listed(ctx, r.target.SequenceStoreID, since.Add(-time.Second), ids, len(running))
		r.sweeps <- sweepAnswer{running, seen, complete, err}
	})
}

// swept is given the list. Jobs that have ended are looked at now, and those that are not on it when they are due.
func (r *run) swept(ctx context.Context, s sweepAnswer) {
	r.sweeping = false
	now := time.Now()
	var e *Error
	if failed := errors.As(s.err, &e); failed {
		r.sweepFailures++
	} else {
		r.sweepFailures = 0
	}
	wait := r.c.delays.Backoff(r.sweepFailures)
	if e != nil && (!e.passing() || errors.Is(e, wire.ErrNotCredible) || r.sweepFailures >= sweepTries) || s.err == nil && !s.complete {
		r.sweepAfter = now.Add(sweepRest) // looks at single jobs may be answered, or cost less
	}
	resting := now.Before(r.sweepAfter)
	if e != nil && ctx.Err() == nil {
		if resting {
			wait = 0
		}
		r.emit(pollFailed(e, wait))
	}
	if s.err == nil && s.complete {
		defer r.c.slots.Seen()
	}
	for _, f := range s.flights {
		if !slices.Contains(r.flights, f) {
			continue // it was handed over
		}
		f.busy, f.lookAt = false, now
		job, listed := s.seen[f.sub.Job.ID]
		switch {
		case ctx.Err() != nil:
			r.leave(ctx, f)
			continue
		case listed:
			before := f.sub.Job
			f.sub.Job.Status = job.Status
			if job.Done() {
				f.sub.Job.Sources = nil // what was known of them is of before
			}
			r.track(f, before)
			if job.Done() {
				r.freeSlot(f)
			}
			if job.Done() || !wire.KnownStatus(job.Status) {
				f.alone, f.sub.NextAt = true, now
				break
			}
			f.sub.NextAt = now.Add(r.nextLook(f))
		case s.err != nil && resting:
			// At its own time, and by itself, since there are no sweeps now.
		case s.err != nil:
			f.sub.NextAt = now.Add(wait)
		default:
			f.alone = true // at its own time
		}
		r.hurry(f)
	}
}

// listed is what a list of the jobs created since a time says of some of them, by id. It stops when it has them all, or
// after so many pages, and then it is not complete.
func (c *Client) listed(ctx context.Context, storeID string, since time.Time, ids map[string]bool, pages int) (map[string]Job, bool, error) {
	seen := make(map[string]Job, len(ids))
	for job, err := range wire.Pages(func(token string) ([]Job, string, error) {
		if pages--; pages < 0 {
			return nil, "", errEnoughPages
		}
		return c.listPage(ctx, storeID, since, token)
	}, opList.wrong) {
		switch {
		case errors.Is(err, errEnoughPages):
			return seen, false, nil
		case err != nil:
			return seen, false, err
		case ids[job.ID]:
			seen[job.ID] = job
		}
		if len(seen) == len(ids) {
			break
		}
	}
	return seen, true, nil
}

var errEnoughPages = errors.New("enough pages")
