package main

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/readsetimport/readsetimport/journal"
)

// memory is a journal for the time of one audit, which has nothing to remember: it imports nothing.
type memory struct {
	mu      sync.Mutex
	records []journal.Record
}

// Replay yields the records that there are when it begins.
func (m *memory) Replay(context.Context) iter.Seq2[journal.Record, error] {
	m.mu.Lock()
	records := slices.Clone(m.records)
	m.mu.Unlock()
	return func(yield func(journal.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Append adds a record.
func (m *memory) Append(_ context.Context, r journal.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records = append(m.records, r)
	return nil
}
