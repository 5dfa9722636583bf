// Package recall reads what a journal says of the sources of a sheet.
package recall

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/journal"
)

// Memory is what a journal says of each source that it knows.
type Memory map[journal.Fingerprint]Source

// State says where a source is, as far as the journal knows.
type State int

// The states of a source.
const (
	NotSent  State = iota // also what was about to be sent, and was not
	UnderWay              // a job imports it, or may do so
	InStore
	Failed
	Gone // it was in the store, and its read set is no longer there
)

// Source is what a journal says of one source.
type Source struct {
	State     State
	JobID     string   // of the job that it is known by; empty if it is not known whether one was started
	ReadSetID string   // of what is in the store, or was
	Spares    []string // the source's other read sets in the store
}

// Read reads a journal from its beginning.
func Read(ctx context.Context, log journal.Journal) (Memory, error) {
	known := make(Memory)
	batches := make(map[string][]journal.Source) // under way, by client token
	for record, err := range log.Replay(ctx) {
		if err != nil {
			return nil, err
		}
		token := record.ClientToken
		switch record.Kind {
		case journal.Sending:
			batches[token] = record.Sources
			known.set(record.Sources, Source{State: UnderWay})
		case journal.Started:
			known.set(batches[token], Source{State: UnderWay, JobID: record.JobID})
		case journal.Released:
			known.set(batches[token], Source{})
			delete(batches, token)
		case journal.Ended, journal.Settled:
			known.ended(record)
			delete(batches, token)
		case journal.Adopted:
			known.adopted(record)
		case journal.Gone:
			known.gone(record.Sources)
		}
	}
	for f, s := range known { // a spare counts where there is no other
		if s.State != InStore && s.State != UnderWay && len(s.Spares) > 0 {
			s.State, s.ReadSetID, s.Spares = InStore, s.Spares[0], s.Spares[1:]
			known[f] = s
		}
	}
	return known, nil
}

func (m Memory) set(sources []journal.Source, s Source) {
	for _, source := range sources {
		s.Spares = m[source.Fingerprint].Spares
		m[source.Fingerprint] = s
	}
}

// ended takes the end of a job. A source that the record does not have stays on its way, and of one without a status another
// batch tells.
func (m Memory) ended(r journal.Record) {
	for i, s := range r.Sources {
		state := Failed
		switch {
		case s.Status == "":
			m.spare(s)
			continue
		case s.ReadSetID != "":
			state = InStore
		}
		m.set(r.Sources[i:i+1], Source{State: state, JobID: r.JobID, ReadSetID: s.ReadSetID})
	}
}

func (m Memory) spare(s journal.Source) {
	source := m[s.Fingerprint]
	if s.ReadSetID != "" && s.ReadSetID != source.ReadSetID && !slices.Contains(source.Spares, s.ReadSetID) {
		source.Spares = append(source.Spares, s.ReadSetID)
		m[s.Fingerprint] = source
	}
}

// adopted takes a job that was found in the store. A source without a status is known otherwise.
func (m Memory) adopted(r journal.Record) {
	for i, s := range r.Sources {
		state := UnderWay
		switch now := m[s.Fingerprint].State; {
		case s.Status == "":
			m.spare(s)
			continue
		case s.ReadSetID != "":
			state = InStore
		case s.Status == types.ReadSetImportJobItemStatusFailed:
			state = Failed
		case now == InStore || now == UnderWay:
			continue // it is on its way once more
		}
		m.set(r.Sources[i:i+1], Source{State: state, JobID: r.JobID, ReadSetID: s.ReadSetID})
	}
}

func (m Memory) gone(sources []journal.Source) {
	for _, s := range sources {
		source := m[s.Fingerprint]
		source.Spares = slices.DeleteFunc(source.Spares, func(id string) bool { return id == s.ReadSetID })
		if source.State != InStore && source.State != UnderWay || source.ReadSetID == s.ReadSetID {
			source.State, source.ReadSetID = Gone, s.ReadSetID
		}
		m[s.Fingerprint] = source
	}
}

// ReadFile is [Read] of the journal in a file, which stays as it is. journal.Open makes the file if there is none, drops what a
// crash left at its end and keeps other processes out, so it is given a copy.
func ReadFile(ctx context.Context, path string) (Memory, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		_, err := os.Stat(filepath.Dir(path)) // an import will make the file there
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("journal %s is not a regular file", path)
	}
	dir, err := os.MkdirTemp("", "journal")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	copied := filepath.Join(dir, filepath.Base(path))
	if err := copyFile(copied, path); err != nil {
		return nil, err
	}
	log, err := journal.Open(copied)
	if err != nil {
		return nil, fmt.Errorf("journal %s: %w", path, errors.Unwrap(err)) // without the name of the copy
	}
	defer log.Close()
	return Read(ctx, log)
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
