// Package search finds out what became of a batch when its answer was lost: by the store's jobs, and where those cannot tell,
// by its read sets. It takes one request at a time, and its state stays small, so that it can be kept between two of them.
package search

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/readset"
)

// State is how far a search has got. It is plain JSON.
type State struct {
	Since      time.Time `json:"since,omitzero"`       // when the first request left at the earliest; zero: no search is on
	After      time.Time `json:"after,omitzero"`       // the lists are of what was created after this, by the service's clock
	Page       string    `json:"page,omitempty"`       // the next page of the list of jobs
	Pages      int       `json:"pages,omitempty"`      // pages read
	Listed     bool      `json:"listed,omitempty"`     // the whole list was read
	Candidates []string  `json:"candidates,omitempty"` // ids of jobs of the last page that are still to be read
	Found      []string  `json:"found,omitempty"`      // ids of jobs with some or all of these sources
	Carries    string    `json:"carries,omitempty"`    // the first of them that has these sources and no others
	Lost       int       `json:"lost,omitempty"`       // jobs on the list that could not be read any more
	Gone       int       `json:"gone,omitempty"`       // answers in a row that there is no such store
	ClearAt    time.Time `json:"clearAt,omitzero"`     // when a whole search found nothing for the first time, or when the job had ended
	Sets       *Sets     `json:"sets,omitempty"`       // the search among the read sets, once it has begun
}

// New is a search for what a request since then may have started. The zero time is any time.
func New(since time.Time) State {
	if since.IsZero() {
		since = time.Unix(0, 0).UTC()
	}
	return State{Since: since}
}

// On reports whether there is a search.
func (s State) On() bool { return !s.Since.IsZero() }

// Bounds of a search.
const (
	PageMax  = 1000 // pages of the list of jobs: 100,000 jobs
	foundMax = 10   // jobs with these sources, or that cannot be read, after which the others do not matter
	setMax   = 100  // read sets of a kind, and jobs, that are noted in the search among the read sets
)

// Match is how a job compares with the batch.
type Match struct {
	Shares  bool // it has some of the sources
	Carries bool // it has these sources and no others
}

// Compare compares the sources of a job, by their fingerprints, with those of a batch, counted.
func Compare(batch map[journal.Fingerprint]int, n int, of func(int) journal.Fingerprint) Match {
	var m Match
	left := maps.Clone(batch)
	for i := range n {
		f := of(i)
		m.Shares = m.Shares || batch[f] > 0
		left[f]--
	}
	m.Carries = true
	for _, n := range left {
		m.Carries = m.Carries && n == 0
	}
	return m
}

// Answers are what a job says of its sources.
type Answers[S any] map[journal.Fingerprint]*S

// Of returns what the job says of a source, or the zero value if it does not name it.
func (a Answers[S]) Of(f journal.Fingerprint) (said S) {
	if s := a[f]; s != nil {
		said = *s
	}
	return said
}

// Counts returns how often each source is there.
func Counts(sources []journal.Fingerprint) map[journal.Fingerprint]int {
	counts := make(map[journal.Fingerprint]int, len(sources))
	for _, f := range sources {
		counts[f]++
	}
	return counts
}

// Once returns the sources of a job with each one once, where another program has sent it twice: with the best of its outcomes.
// carried are those of the request, or nil for a batch of our own: those have none twice.
func Once[S any](sources []S, carried []journal.Fingerprint, is func(S) (journal.Fingerprint, wire.Outcome)) []S {
	counts := Counts(carried)
	if len(counts) == len(carried) {
		return sources
	}
	at := make(map[journal.Fingerprint]int)
	var out []S
	for _, s := range sources {
		f, outcome := is(s)
		if i, twice := at[f]; !twice || counts[f] < 2 {
			at[f] = len(out)
			out = append(out, s)
		} else if _, before := is(out[i]); outcome < before {
			out[i] = s
		}
	}
	return out
}

// Store is how the store is asked, by one request each.
type Store interface {
	Jobs(ctx context.Context, after time.Time, page string) (ids []string, next string, err error)
	Job(ctx context.Context, id string) (Match, error)
	ReadSets(ctx context.Context, p Person, after time.Time, page string) ([]readset.ReadSet, string, error)
	ReadSet(ctx context.Context, id string) (set readset.ReadSet, creatingJob string, err error)
	After(since time.Time) time.Time // when that was at the earliest, by the service's clock
	Other(jobID string) bool         // the job is known to be another batch's
}

// ErrEndless is the failure of a list that has no end.
var ErrEndless = fmt.Errorf("%w: it has no end", wire.ErrNotCredible)

// OfJobs takes one step through the store's jobs: a page of the list, or a look at one of the jobs on it.
func (s State) OfJobs(ctx context.Context, store Store) (State, error) {
	s.Candidates = slices.DeleteFunc(slices.Clone(s.Candidates), store.Other)
	switch {
	case len(s.Candidates) > 0:
		return s.job(ctx, store)
	case !s.Listed:
		return s.list(ctx, store)
	}
	return s, nil
}

// Over reports whether nothing is left to be asked about the jobs.
func (s State) Over() bool {
	return s.Listed && len(s.Candidates) == 0 || len(s.Found) >= foundMax || s.Lost >= foundMax
}

// list reads one page of the jobs that were created since the first request. All pages are of the same list.
func (s State) list(ctx context.Context, store Store) (State, error) {
	if s.Page == "" {
		s.After = store.After(s.Since)
	}
	ids, next, err := store.Jobs(ctx, s.After, s.Page)
	if err != nil {
		return s, err
	}
	s.Pages++
	if s.Pages >= PageMax && next != "" {
		return s, ErrEndless
	}
	if s.Page == "" && s.beginsLate(store) && s.Pages < PageMax {
		return s, nil
	}
	for _, id := range ids {
		if !store.Other(id) && !slices.Contains(s.Found, id) && !slices.Contains(s.Candidates, id) {
			s.Candidates = append(s.Candidates, id)
		}
	}
	slices.Sort(s.Candidates)
	s.Page, s.Listed = next, next == ""
	return s, nil
}

// beginsLate reports whether an answer tells that the service's clock is behind, so that the list must begin earlier.
func (s State) beginsLate(store Store) bool {
	const skew = 15 * time.Minute / 2
	return s.After.Sub(store.After(s.Since)) > skew
}

// job reads the next candidate and compares it with the batch.
func (s State) job(ctx context.Context, store Store) (State, error) {
	id := s.Candidates[0]
	match, err := store.Job(ctx, id)
	if err != nil {
		return s, err
	}
	s.Candidates = s.Candidates[1:]
	return s.noted(id, match), nil
}

func (s State) noted(id string, match Match) State {
	if match.Shares && !slices.Contains(s.Found, id) {
		s.Found = append(slices.Clone(s.Found), id)
	}
	if match.Carries && s.Carries == "" {
		s.Carries = id
	}
	return s
}

// Forget takes it that what was asked for last is not there, and reports false if that was a list.
func (s State) Forget() (State, bool) {
	switch {
	case s.Sets != nil:
		sets := *s.Sets
		s.Sets = &sets
		return s, sets.forget()
	case len(s.Candidates) > 0:
		s.Candidates, s.Lost = s.Candidates[1:], s.Lost+1
		return s, true
	}
	return s, false
}
