// Package adopt reads the import jobs of a sequence store into a journal, whoever started them.
package adopt

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"golang.org/x/sync/errgroup"

	"github.com/readsetimport/readsetimport/internal/ledger"
	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/readset"
)

// Job is a job of the store. S is what the caller has of each of its sources.
type Job[S any] struct {
	ID      string
	Status  types.ReadSetImportJobStatus
	Created time.Time
	Sources []Source[S] // none where it is from a list
}

// Source is a source of a job.
type Source[S any] struct {
	Fingerprint journal.Fingerprint
	Status      types.ReadSetImportJobItemStatus
	ReadSetID   string // empty or valid
	Is          S
}

// Store is how a store is asked. It repeats requests that fail as long as that is worth while.
type Store[S any] struct {
	ID       string
	All      bool // the lists have all that the service knows, and not only what was created since a time
	Jobs     iter.Seq2[Job[S], error]
	Job      func(ctx context.Context, id string) (job Job[S], known bool, err error)
	ReadSets func(context.Context) iter.Seq2[readset.ReadSet, error]
	ReadSet  func(ctx context.Context, id string) (set readset.ReadSet, jobID string, err error) // the zero ReadSet: there is none of that id
	Named    func(s S, readSetID string) S                                                       // the source, as the one that this read set was made of
	Told     func(Found[S], Job[S])                                                              // called after each job that was read
}

// Found is what was found, and not known before. It has the fields of the root package's Adoption, which it can be converted to.
type Found[S any] struct {
	Jobs, Known, Unread             int // jobs on the list, those of them that the journal knew, and those that told nothing
	Imported, Running, Failed, Gone int // sources
	Doubles                         [][]S
}

// atOnce is how many requests are under way at once at most. Their pace is the caller's.
const atOnce = 32

// run is one adoption.
type run[S any] struct {
	store  Store[S]
	ledger *ledger.Ledger
	found  Found[S]
	double map[journal.Fingerprint]int // where among the doubles a source is
	listed map[string]bool             // by read set id: whether it is in the store

	mu    sync.Mutex
	seen  map[journal.Fingerprint]struct{} // sources of jobs that were read
	again map[journal.Fingerprint]S        // those of them that came up before, or that the journal knows
}

// Run writes what the store's jobs have brought into it, or are about to, into the ledger. Jobs are written in the order of
// their creation, so that of a source in two read sets the first is kept, and those that have not ended come last, so that
// nothing waits for what is in the store. What it has found is true even if there is an error.
func Run[S any](ctx context.Context, l *ledger.Ledger, store Store[S]) (Found[S], error) {
	r := &run[S]{store: store, ledger: l, double: make(map[journal.Fingerprint]int), seen: make(map[journal.Fingerprint]struct{}), again: make(map[journal.Fingerprint]S)}
	unknown, err := r.list()
	if err != nil {
		return r.found, err
	}
	var kept []journal.Source
	if store.All {
		kept = l.ReadSets(store.ID)
	}
	if len(unknown)+len(kept) == 0 {
		return r.found, nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answers := make([]chan *Job[S], len(unknown))
	for i := range answers {
		answers[i] = make(chan *Job[S], 1)
	}
	var looks errgroup.Group
	looks.Go(func() error { // beside the list of read sets, which has a pace of its own
		var group errgroup.Group
		group.SetLimit(atOnce)
		for i, id := range unknown {
			group.Go(func() error {
				job, err := r.look(ctx, id)
				if err != nil {
					cancel(err)
				}
				answers[i] <- job
				return err
			})
		}
		return group.Wait()
	})
	if err = r.write(ctx, kept, answers); err != nil && ctx.Err() != nil {
		err = context.Cause(ctx) // what ended it, and not what failed since it had ended
	}
	cancel(err)
	if failed := looks.Wait(); err == nil {
		err = failed
	}
	return r.found, err
}

// list returns the ids of the jobs that the journal does not know, in the order in which they are to be written.
func (r *run[S]) list() ([]string, error) {
	var jobs []Job[S]
	listed := make(map[string]bool)
	for job, err := range r.store.Jobs {
		if err != nil {
			return nil, err
		}
		if listed[job.ID] {
			continue // the list has changed between two pages
		}
		listed[job.ID] = true
		r.found.Jobs++
		if r.ledger.KnowsJob(r.store.ID, job.ID) {
			r.found.Known++
			continue
		}
		jobs = append(jobs, job)
	}
	running := func(j Job[S]) int {
		if wire.Ended(j.Status) {
			return 0
		}
		return 1
	}
	slices.SortFunc(jobs, func(a, b Job[S]) int {
		return cmp.Or(cmp.Compare(running(a), running(b)), a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	ids := make([]string, len(jobs))
	for i, job := range jobs {
		ids[i] = job.ID
	}
	return ids, nil
}

// look reads a job. It returns nil if the service does not know it any more. What the caller has of a source is kept only of
// those that may be in the store twice: there may be millions.
func (r *run[S]) look(ctx context.Context, id string) (*Job[S], error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	job, known, err := r.store.Job(ctx, id)
	if err != nil || !known {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range job.Sources {
		s := &job.Sources[i]
		if _, before := r.seen[s.Fingerprint]; before || r.ledger.Source(s.Fingerprint) != (ledger.Standing{}) {
			r.again[s.Fingerprint] = s.Is
		}
		r.seen[s.Fingerprint] = struct{}{}
		var none S
		s.Is = none
	}
	return &job, nil
}

// write writes down what is gone, and then one job after the other as their answers come.
func (r *run[S]) write(ctx context.Context, kept []journal.Source, answers []chan *Job[S]) error {
	r.listed = make(map[string]bool)
	for set, err := range r.store.ReadSets(ctx) {
		if err != nil {
			return err
		}
		r.listed[set.ID] = set.Present()
	}
	gone, err := r.gone(ctx, kept)
	if err == nil {
		err = r.drop(ctx, gone)
	}
	if err != nil {
		return err
	}
	for i := range answers {
		var job *Job[S]
		select {
		case job = <-answers[i]:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		answers[i] = nil
		if job == nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			r.found.Unread++
			continue
		}
		if err := r.adopt(ctx, *job); err != nil {
			return err
		}
		r.store.Told(r.found, *job)
	}
	return nil
}

// drop writes down that read sets are not in the store any more. Those of a job are adopted first, so that their sources are
// sent under tokens which no job had.
func (r *run[S]) drop(ctx context.Context, gone []journal.Source) error {
	const most = 100 // in one record
	for chunk := range slices.Chunk(gone, most) {
		n, err := r.ledger.Gone(ctx, journal.Record{Kind: journal.Gone, Time: time.Now(), SequenceStoreID: r.store.ID, Sources: chunk})
		if err != nil {
			return err
		}
		r.found.Gone += n
	}
	return nil
}

// gone returns those of the sources whose read sets are not in the store. One that is not on the list, which may lag, is asked
// for by its id.
func (r *run[S]) gone(ctx context.Context, sources []journal.Source) ([]journal.Source, error) {
	var group errgroup.Group
	group.SetLimit(atOnce)
	missing := make([]bool, len(sources))
	for i, s := range sources {
		present, listed := r.listed[s.ReadSetID]
		switch missing[i] = !present; {
		case s.ReadSetID == "":
			missing[i] = false
		case !listed:
			group.Go(func() error {
				set, _, err := r.store.ReadSet(ctx, s.ReadSetID)
				missing[i] = set.ID == "" || !set.Present()
				return err
			})
		}
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var out []journal.Source
	for i, s := range sources {
		if missing[i] {
			out = append(out, s)
		}
	}
	return out, nil
}

// adopt writes down one job.
func (r *run[S]) adopt(ctx context.Context, job Job[S]) error {
	if len(job.Sources) == 0 && !wire.Failed(job.Status) {
		r.found.Unread++ // it must have had some, and may name them another time
		return nil
	}
	created := job.Created
	if created.IsZero() {
		created = time.Now()
	}
	rec := journal.Record{
		Kind: journal.Adopted, Time: created, SequenceStoreID: r.store.ID, JobID: job.ID,
		ClientToken: "adopted " + r.store.ID + " " + job.ID, Sources: make([]journal.Source, len(job.Sources)),
	}
	for i, s := range job.Sources {
		rec.Sources[i] = s.standing(job.Status)
	}
	gone, err := r.gone(ctx, rec.Sources)
	if err != nil {
		return err
	}
	written, _, err := r.ledger.Adopt(ctx, rec)
	if err != nil {
		return err
	}
	var deleted []journal.Source
	for i, s := range written.Sources {
		found := rec.Sources[i]
		isGone := slices.Contains(gone, found)
		if isGone && s.ReadSetID != "" {
			deleted = append(deleted, s)
		}
		switch now := r.ledger.Source(s.Fingerprint); {
		case isGone:
		case s.Status == types.ReadSetImportJobItemStatusFailed:
			r.found.Failed++
		case s.Status == types.ReadSetImportJobItemStatusFinished:
			r.found.Imported++
		case s.Status != "", r.ledger.InDoubt(s.Fingerprint), found.Status == types.ReadSetImportJobItemStatusInProgress && now.ReadSetID == "" && now.Batch == "":
			r.found.Running++
		case found.ReadSetID != "":
			r.twice(found)
		}
	}
	return r.drop(ctx, deleted)
}

// standing returns the source as it is written down: in the store, tried in vain, or on its way. On its way is also what the
// service describes oddly, so that the next import looks again.
func (s Source[S]) standing(job types.ReadSetImportJobStatus) journal.Source {
	out := journal.Source{Fingerprint: s.Fingerprint, Status: types.ReadSetImportJobItemStatusInProgress}
	if !wire.Ended(job) {
		return out
	}
	switch wire.OutcomeOf(job, s.Status, s.ReadSetID != "") {
	case wire.Imported:
		out.Status, out.ReadSetID = types.ReadSetImportJobItemStatusFinished, s.ReadSetID
	case wire.NotImported:
		out.Status = types.ReadSetImportJobItemStatusFailed
	}
	return out
}

// twice notes a source that is in the store, if the journal knows it as another read set.
func (r *run[S]) twice(s journal.Source) {
	first := r.ledger.Source(s.Fingerprint).ReadSetID
	if first == "" || first == s.ReadSetID {
		return
	}
	r.mu.Lock()
	is := r.again[s.Fingerprint]
	r.mu.Unlock()
	at, before := r.double[s.Fingerprint]
	if !before {
		at = len(r.found.Doubles)
		r.double[s.Fingerprint] = at
		r.found.Doubles = append(r.found.Doubles, []S{r.store.Named(is, first)})
	}
	r.found.Doubles[at] = append(r.found.Doubles[at], r.store.Named(is, s.ReadSetID))
}
