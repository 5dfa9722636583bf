package journaltest

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/journal"
)

// memory is a journal that is right, but for what its hooks do to it.
type memory struct {
	mu      sync.Mutex
	records []journal.Record

	appended   func(m *memory, r *journal.Record) // before the record is added; without a kind, it is not
	replayed   func(records []journal.Record) []journal.Record
	shares     bool // records with the caller
	deaf       bool // to contexts
	onBreak    func(m *memory)
	goesOn     bool // after an error
	stubborn   bool // goes on when a replay is broken off
	unordered  bool // appends at the same time are put in order of their goroutine, last first
	halfOnDone bool // an ended context leaves half a record
}

func (m *memory) Append(ctx context.Context, r journal.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil && !m.deaf {
		if m.halfOnDone {
			r.Sources = nil
			m.records = append(m.records, r)
		}
		return err
	}
	if !m.shares {
		r = clone(r)
	}
	if m.appended != nil {
		m.appended(m, &r)
	}
	if r.Kind == "" {
		return nil
	}
	if n := len(m.records); m.unordered && r.Attempt == 3 && m.records[n-1].Attempt == 2 && m.records[n-1].JobID == r.JobID {
		m.records = slices.Insert(m.records, n-1, r)
		return nil
	}
	m.records = append(m.records, r)
	return nil
}

func (m *memory) Replay(ctx context.Context) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		m.mu.Lock()
		records := slices.Clone(m.records)
		m.mu.Unlock()
		if m.replayed != nil {
			records = m.replayed(records)
		}
		for _, r := range records {
			if !m.shares {
				r = clone(r)
			}
			err := ctx.Err()
			if m.deaf {
				err = nil
			}
			if err != nil {
				r = journal.Record{}
			}
			if !yield(r, err) && !m.stubborn {
				if m.onBreak != nil {
					m.onBreak(m)
				}
				return
			}
			if err != nil && !m.goesOn {
				return
			}
		}
	}
}

func TestTestJournal(t *testing.T) {
	leak := make(chan struct{})
	defer close(leak)
	for name, tc := range map[string]struct {
		journal *memory
		want    string // one of the faults; none, if empty
	}{
		"right":     {&memory{}, ""},
		"not empty": {&memory{records: batch(7)}, "an empty journal: Replay yields 4 records"},
		"the first record is missing": {
			&memory{replayed: func(r []journal.Record) []journal.Record { return r[min(1, len(r)):] }}, "record 0 is missing",
		},
		"the last record is missing": {
			&memory{replayed: func(r []journal.Record) []journal.Record { return r[:max(0, len(r)-1)] }}, "after 1 records: record 0 is missing",
		},
		"what is replayed is gone": {
			(&memory{onBreak: func(m *memory) { m.records = m.records[1:] }}), "breaking off a replay: after 24 records: record 0 is missing",
		},
		"a record comes twice": {
			&memory{replayed: func(r []journal.Record) []journal.Record {
				return append(r[:len(r):len(r)], r[:len(r)/5]...)
			}},
			"record 0 comes 2 times",
		},
		"a record of somebody else": {
			&memory{replayed: func(r []journal.Record) []journal.Record {
				return append(r, batch(1000)[:min(len(r)/10, 1)]...)
			}},
			"1 records too many",
		},
		"places are lost": {
			&memory{replayed: func(r []journal.Record) []journal.Record {
				for i := range r {
					r[i].Place = nil
				}
				return r
			}},
			"Place is",
		},
		"the newest first": {
			&memory{replayed: func(r []journal.Record) []journal.Record { slices.Reverse(r); return r }}, "another order",
		},
		"in order of token": {
			&memory{replayed: func(r []journal.Record) []journal.Record {
				slices.SortStableFunc(r, func(a, b journal.Record) int { return strings.Compare(a.ClientToken, b.ClientToken) })
				return r
			}}, "another order",
		},
		"no body":         {forgets(func(r *journal.Record) { r.Body = "" }), `Body is "", not "00000000000000000000000000000000"`},
		"no attempt":      {forgets(func(r *journal.Record) { r.Attempt = min(r.Attempt, 1) }), `Attempt is "1", not "2"`},
		"no job":          {forgets(func(r *journal.Record) { r.JobID = "" }), `JobID is "", not "0000000000"`},
		"no store":        {forgets(func(r *journal.Record) { r.SequenceStoreID = "" }), `SequenceStoreID is ""`},
		"no token":        {forgets(func(r *journal.Record) { r.ClientToken = "" }), `ClientToken is ""`},
		"a short token":   {forgets(func(r *journal.Record) { r.ClientToken = r.ClientToken[:min(500, len(r.ClientToken))] }), "ClientToken is"},
		"spaces trimmed":  {forgets(func(r *journal.Record) { r.ClientToken = strings.TrimSpace(r.ClientToken) }), "is missing"},
		"no sources":      {forgets(func(r *journal.Record) { r.Sources = nil }), `len(Sources) is "0", not "3"`},
		"few sources":     {forgets(func(r *journal.Record) { r.Sources = r.Sources[:min(64, len(r.Sources))] }), `len(Sources) is "64", not "100"`},
		"no read sets":    {forgetsOfSources(func(s *journal.Source) { s.ReadSetID = "" }), "Sources[0] is"},
		"no status":       {forgetsOfSources(func(s *journal.Source) { s.Status = "" }), "Sources[0] is"},
		"half a hash":     {forgetsOfSources(func(s *journal.Source) { clear(s.Fingerprint[8:]) }), "Sources[0] is"},
		"microseconds":    {forgets(func(r *journal.Record) { r.Time = r.Time.Truncate(time.Microsecond) }), `Time is "2030-01-02T03:04:05.678901Z", not "2030-01-02T03:04:05.678901234Z"`},
		"no zone":         {forgets(func(r *journal.Record) { r.Time = wallClock(r.Time) }), "+05:30"},
		"shared memory":   {&memory{shares: true}, `records of the caller's: after 23 records: record 22: Sources[0] is`},
		"forgets quietly": {&memory{appended: func(m *memory, r *journal.Record) { keep(r, len(m.records) < 30) }}, "appending at the same time: Replay yields 6 of the 64 records"},
		"a goroutine's records in another order": {
			&memory{unordered: true}, "is number 3 of its goroutine, and number 2 in Replay",
		},
		"a goroutine is left": {
			&memory{onBreak: func(*memory) { go func() { <-leak }() }}, "goroutines are left of 64 replays",
		},
		"a lock is left":         {&memory{onBreak: func(m *memory) { m.mu.Lock() }}, "breaking off a replay: it hangs"},
		"it does not break off":  {&memory{stubborn: true}, "breaking off a replay: panic: "},
		"it ignores its context": {&memory{deaf: true}, "an ended context: Replay yields no error\njournaltest: an ended context: Append returns no error"},
		"it goes on":             {&memory{goesOn: true}, "an ended context: Replay goes on after its error"},
		"half a record":          {&memory{halfOnDone: true}, `an ended context: after Append: record 88: len(Sources) is "0", not "3"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := &suite{journal: tc.journal, patience: 30 * time.Second}
			if tc.journal.onBreak != nil {
				s.patience = time.Second // what it waits for never comes
			}
			s.testJournal()
			err := s.err()
			if tc.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tc.want)
			require.LessOrEqual(t, strings.Count(err.Error(), "\n"), 12)
		})
	}
}

func TestTestJournalErrors(t *testing.T) {
	cause := errors.New("no such table")
	require.ErrorIs(t, TestJournal(failing{replay: cause}), cause)
	require.ErrorIs(t, TestJournal(failing{append: cause}), cause)
}

func TestFileJournal(t *testing.T) {
	dir := t.TempDir()
	j, err := journal.Open(filepath.Join(dir, "a.jsonl"))
	require.NoError(t, err)
	defer j.Close()
	require.NoError(t, TestJournal(j))
	require.NoError(t, TestReopen(func() (journal.Journal, error) {
		return journal.Open(filepath.Join(dir, "b.jsonl"))
	}))
}

func TestTestReopen(t *testing.T) {
	var kept memory
	open := func() (journal.Journal, error) { return &kept, nil }
	require.NoError(t, TestReopen(open))

	require.ErrorContains(t, TestReopen(func() (journal.Journal, error) { return &memory{}, nil }),
		"opening again: after 4 records: record 0 is missing")

	kept = memory{}
	require.ErrorContains(t, TestReopen(func() (journal.Journal, error) {
		return &memory{appended: func(_ *memory, r *journal.Record) {
			kept.records = slices.Insert(kept.records, 0, *r) // the numbers begin anew
		}, replayed: func([]journal.Record) []journal.Record { return kept.records }}, nil
	}), "another order")

	cause := errors.New("no such table")
	require.ErrorIs(t, TestReopen(func() (journal.Journal, error) { return nil, cause }), cause)
	kept = memory{}
	require.ErrorIs(t, TestReopen(func() (journal.Journal, error) { return closing{&kept, cause}, nil }), cause)
}

type closing struct {
	*memory
	err error
}

func (c closing) Close() error { return c.err }

type failing struct{ append, replay error }

func (f failing) Append(context.Context, journal.Record) error { return f.append }

func (f failing) Replay(context.Context) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		if f.replay != nil {
			yield(journal.Record{}, f.replay)
		}
	}
}

func forgets(change func(*journal.Record)) *memory {
	return &memory{appended: func(_ *memory, r *journal.Record) { change(r) }}
}

func forgetsOfSources(change func(*journal.Source)) *memory {
	return forgets(func(r *journal.Record) {
		for i := range r.Sources {
			change(&r.Sources[i])
		}
	})
}

func keep(r *journal.Record, yes bool) {
	if !yes {
		r.Kind = ""
	}
}

// wallClock is what a database makes of a time whose zone it throws away.
func wallClock(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}
