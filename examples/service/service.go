package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/journalsql/sqljournal"
	"github.com/readsetimport/readsetimport/journal"
)

// service imports what is posted: one import at a time for each store, and all of them through one client, which shares
// out the request rate and the job slots of the account.
type service struct {
	settings
	db      database
	client  *readsetimport.Client
	log     *slog.Logger
	meters  *meters
	traces  *traces
	uploads chan struct{}            // holds a place for each sheet that is being read
	posted  map[string]chan struct{} // by store: there may be more to do
	fail    context.CancelCauseFunc  // ends the service
	ending  <-chan struct{}          // closed when it ends

	mu      sync.Mutex
	live    map[string]*live // by id
	changed chan struct{}    // closed when progress is made, and replaced
}

// live is an import that runs in this process.
type live struct {
	stop     context.CancelCauseFunc
	counts   readsetimport.Counts
	failures []failure
}

var errStopped = errors.New("the import was stopped")

func newService(ctx context.Context, set settings, db database, api readsetimport.API, log *slog.Logger, m *meters, t *traces) (*service, error) {
	s := &service{
		settings: set, db: db, log: log, meters: m, traces: t,
		uploads: make(chan struct{}, 4),
		posted:  make(map[string]chan struct{}),
		live:    make(map[string]*live),
		changed: make(chan struct{}),
	}
	for _, store := range set.stores {
		s.posted[store] = make(chan struct{}, 1)
	}
	all, err := db.newest(ctx, 0)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		if p.Ended == "" && s.posted[p.Store] == nil {
			return nil, fmt.Errorf("import %s has not ended: give its store, %s, with -stores", p.ID, p.Store)
		}
	}
	memory, err := sqljournal.Open(ctx, db.DB, "stores")
	if err != nil {
		return nil, err
	}
	s.client, err = readsetimport.New(api, func(o *readsetimport.Options) {
		o.Journal = vital{memory, s}
		o.RequestRate = set.rate
		o.MinPollDelay = set.minPoll
		o.QuotaTimeout = quotaTimeout
	})
	m.watch(db.open)
	return s, err
}

// vital is a journal without which the service ends. What is not done goes on when it can be read and written again.
type vital struct {
	journal.Journal
	of *service
}

func (v vital) Replay(ctx context.Context) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for r, err := range v.Journal.Replay(ctx) {
			if err != nil {
				v.of.fail(err)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

func (v vital) Append(ctx context.Context, r journal.Record) error {
	err := v.Journal.Append(ctx, r)
	if err != nil {
		v.of.fail(err)
	}
	return err
}

// work imports what is there and what comes, until the context ends.
func (s *service) work(ctx context.Context) {
	// The client reads its journal even for an import of nothing, which is refused. Then one that is stopped before it begins
	// is told what the store has of it, too.
	_, _ = s.client.Import(ctx, s.target(s.stores[0]), nil)
	var workers sync.WaitGroup
	for _, store := range s.stores {
		workers.Go(func() {
			if err := s.workFor(ctx, store); err != nil {
				s.fail(err)
			}
		})
	}
	workers.Wait()
}

// workFor imports into one store. The error is that of the database.
func (s *service) workFor(ctx context.Context, store string) error {
	for ctx.Err() == nil {
		importing, cancel := context.WithCancelCause(ctx)
		l := &live{stop: cancel}
		p, err := s.take(ctx, store, l)
		if err == nil {
			err = s.runImport(importing, p, l)
			s.leave(p.id)
		}
		cancel(nil)
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errNoImport):
			select {
			case <-ctx.Done():
			case <-s.posted[store]:
			}
		case err != nil:
			return err
		}
	}
	return nil
}

// take returns the store's next import, which is live from then on.
func (s *service) take(ctx context.Context, store string, l *live) (posted, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.db.next(ctx, store)
	if err == nil {
		s.live[p.id] = l
		s.notify()
	}
	return p, err
}

func (s *service) leave(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.live, id)
	s.notify()
}

// runImport imports a sheet, or goes on with it: the journal knows how far it is.
func (s *service) runImport(ctx context.Context, p posted, l *live) error {
	if p.state == stopping {
		l.stop(errStopped)
	}
	sources, err := s.readSheet(p)
	if err != nil {
		return fmt.Errorf("the sheet of import %s can no longer be read: %w", p.id, err)
	}
	ctx, endSpan := s.traces.start(ctx, p, len(sources))
	defer endSpan()
	hide := newHider(sources)
	tell := readsetimport.LogEvents(s.log)
	report, err := s.client.Import(ctx, s.target(p.store), sources, func(o *readsetimport.ImportOptions) {
		o.RunID = p.id
		o.OnEvent = func(e readsetimport.Event) {
			tell(e)
			s.meters.event(e)
			s.event(l, e, hide)
		}
	})
	end := incomplete
	switch {
	case err == nil:
		end = imported
	case errors.Is(context.Cause(ctx), errStopped):
		end = stopped
	case ctx.Err() != nil:
		return nil // it goes on at the next start
	}
	failures := []failure{}
	for _, r := range report.Failed() {
		failures = append(failures, hide.failure(r))
	}
	return s.db.end(context.WithoutCancel(ctx), p.id, end, len(report.Imported()), failures)
}

func (s *service) target(store string) readsetimport.Target {
	return readsetimport.Target{SequenceStoreID: store, RoleARN: s.role}
}

// event notes the progress of an import.
func (s *service) event(l *live, e readsetimport.Event, hide hider) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.counts = e.Counts
	if e.Result != nil && e.Result.Err != nil {
		l.failures = append(l.failures, hide.failure(*e.Result))
	}
	s.notify()
}

// notify wakes everybody who waits for progress. The caller has the lock.
func (s *service) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// news returns a channel that is closed when there is progress.
func (s *service) news() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// add takes an import in: it is in the database then.
func (s *service) add(ctx context.Context, p posted) (added bool, err error) {
	if added, err = s.db.add(ctx, p); err != nil {
		return added, err
	}
	select {
	case s.posted[p.store] <- struct{}{}:
	default: // its worker knows already
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notify()
	return added, nil
}

// stop stops an import: no more jobs are started, and those that run go on in HealthOmics, which cannot cancel them. One whose
// turn it is may have begun, if not in this process: its worker ends it, and the journal says what the store has of it.
func (s *service) stop(ctx context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	p, err := s.db.get(ctx, id)
	if err != nil || p.Ended != "" {
		return err
	}
	first, err := s.db.next(ctx, p.Store)
	if errors.Is(err, errNoImport) {
		return nil // it has ended since
	}
	if err != nil {
		return err
	}
	if first.id != id {
		return s.db.end(ctx, id, stopped, 0, []failure{})
	}
	err = s.db.stopping(ctx, id)
	if l := s.live[id]; err == nil && l != nil {
		l.stop(errStopped)
	}
	return err
}

// get returns the progress of an import.
func (s *service) get(ctx context.Context, id string) (progress, error) {
	running := s.running()
	p, err := s.db.get(ctx, id)
	p.update(running)
	return p, err
}

// list returns the progress of the newest imports, and of all that have not ended.
func (s *service) list(ctx context.Context) ([]progress, error) {
	running := s.running()
	all, err := s.db.newest(ctx, 100)
	for i := range all {
		all[i].update(running)
	}
	return all, err
}

// running returns the counts of the imports that run in this process. It is asked before the table is: an import that is not here
// any more has its end there.
func (s *service) running() map[string]readsetimport.Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := make(map[string]readsetimport.Counts, len(s.live))
	for id, l := range s.live {
		counts[id] = l.counts
	}
	return counts
}

// update adds what is known of an import that runs.
func (p *progress) update(live map[string]readsetimport.Counts) {
	counts, ok := live[p.ID]
	if !ok || p.Ended != "" {
		return
	}
	p.Running, p.Imported, p.Failed = counts.Running, counts.Imported, counts.Failed
	if p.State == queued {
		p.State = running
	}
}

// failures returns the sources of an import that were not imported, so far.
func (s *service) failures(ctx context.Context, id string) ([]failure, error) {
	s.mu.Lock()
	if l := s.live[id]; l != nil {
		defer s.mu.Unlock()
		return append([]failure{}, l.failures...), nil
	}
	s.mu.Unlock()
	return s.db.failures(ctx, id)
}
