// Package journaltest checks implementations of [journal.Journal], such as one that keeps its records in a database. Call its
// functions in the tests of each: a journal that loses, repeats or reorders records can have a source imported twice.
package journaltest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/readsetimport/readsetimport/journal"
)

// TestJournal checks a journal, which must be empty; the test leaves test records in it. Call it in a test of every
// Journal that you write. It checks that every field of a record comes back, times to the nanosecond and in whatever
// zone; that records come back in the order in which they were appended, each of them once, as often as they are asked
// for; that a replay can be broken off; that appends and replays at the same time do not disturb each other; and what
// an ended context does.
//
// It returns all that it finds wrong, or nil. Typical usage inside a test is:
//
//	if err := journaltest.TestJournal(myJournal); err != nil {
//		t.Fatal(err)
//	}
//
// What it cannot check is the most important property: that a record whose Append has returned survives a crash of the
// process and of the machine. Nor does it see whether two processes can use the journal at once. [TestReopen] checks
// that records are there again when the journal is opened again.
func TestJournal(j journal.Journal) error {
	s := &suite{journal: j, patience: 30 * time.Second}
	s.testJournal()
	return s.err()
}

func (s *suite) testJournal() {
	s.run(
		check{"an empty journal", s.empty},
		check{"appending", s.appends},
		check{"records of the caller's", s.copies},
		check{"breaking off a replay", s.breakOff},
		check{"appending at the same time", s.concurrent},
		check{"an ended context", s.endedContext},
	)
}

// TestReopen checks that a journal has its records, and takes more of them, when it is opened again. Every call of open
// must open the same journal, which is empty at first. A journal that is an [io.Closer] is closed before the next call.
func TestReopen(open func() (journal.Journal, error)) error {
	s := &suite{patience: 30 * time.Second}
	reopen := func(ctx context.Context) {
		j, err := open()
		if err != nil {
			s.fatal("cannot be opened: %w", err)
			return
		}
		s.journal = j
		s.replay(ctx)
	}
	appendAndClose := func(ctx context.Context) {
		for _, r := range batch(len(s.want)) {
			s.append(ctx, r)
		}
		if c, ok := s.journal.(io.Closer); ok {
			if err := c.Close(); err != nil {
				s.fault("cannot be closed: %w", err)
			}
		}
	}
	s.run(
		check{"opening", reopen},
		check{"appending", appendAndClose},
		check{"opening again", reopen},
		check{"appending more", appendAndClose},
		check{"opening a third time", reopen},
		check{"closing", appendAndClose},
	)
	return s.err()
}

// suite is what is known of a journal while it is checked.
type suite struct {
	journal  journal.Journal
	patience time.Duration // with one check
	want     []journal.Record

	mu     sync.Mutex
	doing  string
	faults []error
	over   bool // further checks would tell nothing new
}

type check struct {
	name string
	do   func(context.Context)
}

func (s *suite) run(checks ...check) {
	for _, c := range checks {
		s.mu.Lock()
		s.doing = c.name
		over := s.over
		s.mu.Unlock()
		if over {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), s.patience)
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer s.recovered()
			c.do(ctx)
		}()
		select {
		case <-done:
		case <-time.After(s.patience + s.patience/10):
			s.fatal("it hangs")
		}
		cancel()
	}
}

// recovered is deferred by every goroutine that calls the journal.
func (s *suite) recovered() {
	if r := recover(); r != nil {
		s.fatal("panic: %v", r)
	}
}

// fault notes that something is wrong. After a dozen, more of the same would help nobody.
func (s *suite) fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.faults = append(s.faults, fmt.Errorf("journaltest: "+s.doing+": "+format, args...))
	s.over = len(s.faults) >= 12
}

// fatal is a fault after which nothing else can be checked.
func (s *suite) fatal(format string, args ...any) {
	s.fault(format, args...)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

func (s *suite) err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.faults...)
}

// append appends a record, which is wanted in every replay from now on.
func (s *suite) append(ctx context.Context, r journal.Record) {
	if err := s.journal.Append(ctx, clone(r)); err != nil {
		s.fatal("Append: %w", err)
		return
	}
	s.want = append(s.want, r)
}

// read is a whole replay.
func (s *suite) read(ctx context.Context) ([]journal.Record, error) {
	var records []journal.Record
	var failed error
	for r, err := range s.journal.Replay(ctx) {
		if failed != nil {
			s.fault("Replay goes on after its error")
			break
		}
		if err != nil {
			failed = err
			continue
		}
		records = append(records, r)
	}
	return records, failed
}

// replay holds what the journal has against what it was given.
func (s *suite) replay(ctx context.Context) {
	got, err := s.read(ctx)
	if err != nil {
		s.fatal("Replay: %w", err)
		return
	}
	for _, fault := range compare(got, s.want) {
		s.fault("after %d records: %w", len(s.want), fault)
	}
}

func (s *suite) empty(ctx context.Context) {
	got, err := s.read(ctx)
	if err != nil {
		s.fatal("Replay: %w", err)
	}
	if len(got) > 0 {
		s.fatal("Replay yields %d records", len(got))
	}
}

func (s *suite) appends(ctx context.Context) {
	for _, r := range samples() {
		s.append(ctx, r)
		before := s.found()
		s.replay(ctx)
		s.replay(ctx)
		if s.found() > before {
			break
		}
	}
}

func (s *suite) found() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.faults)
}

// copies checks that the journal keeps no memory that is the caller's.
func (s *suite) copies(ctx context.Context) {
	r := batch(len(s.want))[0]
	given := clone(r)
	if err := s.journal.Append(ctx, given); err != nil {
		s.fatal("Append: %w", err)
		return
	}
	given.Sources[0].ReadSetID = "changed after Append"
	s.want = append(s.want, r)
	before := s.found()
	s.replay(ctx)
	if s.found() > before {
		return // what follows would repeat it
	}
	got, _ := s.read(ctx)
	for _, r := range got {
		for i := range r.Sources {
			r.Sources[i].ReadSetID = "changed after Replay"
		}
	}
	s.replay(ctx)
}

// breakOff breaks off replays at every record, and looks for what they have left behind.
func (s *suite) breakOff(ctx context.Context) {
	const times = 64
	before := runtime.NumGoroutine()
	for i := range times {
		n := 0
		for _, err := range s.journal.Replay(ctx) {
			if err != nil {
				s.fatal("Replay: %w", err)
				return
			}
			if n++; n > i%len(s.want) {
				break
			}
		}
	}
	s.append(ctx, batch(len(s.want))[0])
	s.replay(ctx)
	for begin := time.Now(); runtime.NumGoroutine() >= before+times/2; time.Sleep(time.Millisecond) {
		if time.Since(begin) > min(2*time.Second, s.patience/2) {
			s.fault("%d goroutines are left of %d replays", runtime.NumGoroutine()-before, times)
			return
		}
	}
}

// concurrent appends from several goroutines while others replay.
func (s *suite) concurrent(ctx context.Context) {
	const writers, each = 8, 8
	added := make(map[string]journal.Record)
	var appending, replaying sync.WaitGroup
	for w := range writers {
		var own []journal.Record
		for i := range each {
			r := batch(len(s.want) + w*each + i)[0]
			r.JobID, r.Attempt = fmt.Sprint(w), i+1
			own = append(own, r)
			added[r.ClientToken] = r
		}
		appending.Go(func() {
			defer s.recovered()
			for _, r := range own {
				if err := s.journal.Append(ctx, clone(r)); err != nil {
					s.fatal("Append: %w", err)
					return
				}
			}
		})
	}
	stop := make(chan struct{})
	for range 2 {
		replaying.Go(func() {
			defer s.recovered()
			for again := true; again; {
				select {
				case <-stop:
					again = false
				default:
				}
				s.interleaved(ctx, added)
			}
		})
	}
	appending.Wait()
	close(stop)
	replaying.Wait()

	got := s.interleaved(ctx, added)
	if n := len(got) - len(s.want); n < len(added) {
		s.fatal("Replay yields %d of the %d records", max(n, 0), len(added))
		return
	}
	s.want = got
}

// interleaved replays, and checks that it is what there was and behind it some of what is added, each goroutine's from
// its first on.
func (s *suite) interleaved(ctx context.Context, added map[string]journal.Record) []journal.Record {
	got, err := s.read(ctx)
	if err != nil {
		s.fatal("Replay: %w", err)
		return nil
	}
	old := min(len(s.want), len(got))
	if faults := compare(got[:old], s.want); len(faults) > 0 {
		s.fatal("what was there before has changed: %w", faults[0])
		return got
	}
	attempts := make(map[string]int)
	for i, r := range got[old:] {
		want, ok := added[r.ClientToken]
		if !ok {
			s.fatal("record %d is none that was appended", old+i)
			return got
		}
		if diff := difference(r, want); diff != nil {
			s.fatal("record %d: %w", old+i, diff)
			return got
		}
		if attempts[r.JobID]++; r.Attempt != attempts[r.JobID] {
			s.fatal("record %d is number %d of its goroutine, and number %d in Replay", old+i, r.Attempt, attempts[r.JobID])
			return got
		}
	}
	return got
}

func (s *suite) endedContext(ctx context.Context) {
	cause := errors.New("journaltest: the context has ended")
	ended, end := context.WithCancelCause(ctx)
	end(cause)
	says := func(err error) bool { return errors.Is(err, context.Canceled) || errors.Is(err, cause) }
	if _, err := s.read(ended); err == nil {
		s.fault("Replay yields no error")
	} else if !says(err) {
		s.fault("Replay yields neither the context's error nor its cause, but: %w", err)
	}
	r := batch(len(s.want))[0]
	if err := s.journal.Append(ended, clone(r)); err == nil {
		s.fault("Append returns no error")
	} else if !says(err) {
		s.fault("Append returns neither the context's error nor its cause, but: %w", err)
	}
	got, err := s.read(ctx)
	if err != nil {
		s.fatal("Replay of what was there before: %w", err)
		return
	}
	if len(got) > len(s.want) {
		s.want = append(s.want, r) // it is there, which is as good as not being there, if it is whole
	}
	for _, fault := range compare(got, s.want) {
		s.fault("after Append: %w", fault)
	}
}
