package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
)

// memory is what a journal says of the sources that are in the store or on their way to it.
type memory map[readsetimport.Fingerprint]remembered

// remembered is what a journal says of one source. Without a readSetID, it is on its way.
type remembered struct {
	jobID     string // empty if it is not known whether a job was started
	readSetID string
}

// recall reads a journal from its beginning.
func recall(ctx context.Context, log journal.Journal) (memory, error) {
	known := make(memory)
	batches := make(map[string][]journal.Source) // under way, by client token
	for record, err := range log.Replay(ctx) {
		if err != nil {
			return nil, err
		}
		token := record.ClientToken
		switch record.Kind {
		case journal.Sending:
			batches[token] = record.Sources
			for _, s := range record.Sources {
				known[s.Fingerprint] = remembered{}
			}
		case journal.Started:
			for _, s := range batches[token] {
				known[s.Fingerprint] = remembered{jobID: record.JobID}
			}
		case journal.Released: // nothing was started
			for _, s := range batches[token] {
				delete(known, s.Fingerprint)
			}
			delete(batches, token)
		case journal.Ended: // a source that the record does not have stays on its way
			for _, s := range record.Sources {
				if s.ReadSetID != "" {
					known[s.Fingerprint] = remembered{record.JobID, s.ReadSetID}
				} else {
					delete(known, s.Fingerprint) // it failed
				}
			}
			delete(batches, token)
		case journal.Adopted: // a source without a status is known otherwise
			for _, s := range record.Sources {
				switch {
				case s.ReadSetID != "":
					known[s.Fingerprint] = remembered{record.JobID, s.ReadSetID}
				case s.Status == types.ReadSetImportJobItemStatusInProgress:
					known[s.Fingerprint] = remembered{jobID: record.JobID}
				}
			}
		case journal.Gone:
			for _, s := range record.Sources {
				delete(known, s.Fingerprint)
			}
		}
	}
	return known, nil
}

// correct puts right what the results say of sources that the import did not come to before it was cut off.
func (m memory) correct(t readsetimport.Target, results []readsetimport.Result) {
	for i := range results {
		r := &results[i]
		known, ok := m[t.Fingerprint(r.Source)]
		switch {
		case r.Err == nil || !ok:
		case known.readSetID != "":
			r.JobID, r.ReadSetID, r.AlreadyImported, r.Err = known.jobID, known.readSetID, true, nil
		case r.JobID == "" && !errors.Is(r.Err, readsetimport.ErrUnresolved):
			r.JobID, r.Err = known.jobID, fmt.Errorf("%w: an earlier run sent it", readsetimport.ErrUnresolved)
		}
	}
}

// recallFile is recall of the journal in a file, which stays as it is. journal.Open makes the file if there is none, drops
// what a crash left at its end and keeps other processes out, so it is given a copy.
func recallFile(ctx context.Context, path string) (memory, error) {
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
	return recall(ctx, log)
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
