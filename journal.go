package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// Journal is what an import remembers across crashes: which sources were sent under which client token, and what became
// of them. A client with a journal (see [Options]) skips the sources that are in the store, picks up those that are on
// their way, and imports the rest. [OpenJournal] keeps one in a file; package journaltest checks one of your own.
//
// A journal belongs to one client at a time. Its methods are safe for concurrent use.
type Journal interface {
	// Replay yields every record, in the order in which they were appended. An error comes once, and last.
	Replay(ctx context.Context) iter.Seq2[Record, error]
	// Append adds a record. It must be durable before Append returns nil: a request is sent on the strength of it. After
	// an error it is open whether the record is there, and the import appends no more.
	Append(ctx context.Context, r Record) error
}

// RecordKind says what a [Record] records.
type RecordKind string

// The kinds of records, in the order in which a batch has them.
const (
	RecordSending  RecordKind = "sending"  // the sources are about to be sent as one batch, in this order, under this token
	RecordReleased RecordKind = "released" // nothing was started under this token, and nothing will be without another "sending"
	RecordStarted  RecordKind = "started"  // the job JobID was started
	RecordEnded    RecordKind = "ended"    // the job has ended, with these outcomes
)

func (k RecordKind) known() bool {
	switch k {
	case RecordSending, RecordReleased, RecordStarted, RecordEnded:
		return true
	}
	return false
}

// Record is one entry of a [Journal]. It is plain JSON, and holds no names and no ids of samples or subjects: sources
// are known by their fingerprints.
type Record struct {
	Kind            RecordKind     `json:"kind"`
	Time            time.Time      `json:"time"`
	SequenceStoreID string         `json:"sequenceStoreId"`
	ClientToken     string         `json:"clientToken"`       // of the batch's first attempt
	Attempt         int            `json:"attempt,omitempty"` // of a sending: counts the tokens used, from 1
	Body            string         `json:"body,omitempty"`    // of a sending: a digest of the exact request
	JobID           string         `json:"jobId,omitempty"`   // of a started and an ended
	Sources         []RecordSource `json:"sources,omitempty"` // of a sending and an ended
}

// RecordSource is a source in a [Record].
type RecordSource struct {
	Fingerprint Fingerprint                      `json:"fingerprint"`
	Status      types.ReadSetImportJobItemStatus `json:"status,omitempty"`    // of an ended
	ReadSetID   string                           `json:"readSetId,omitempty"` // of an ended, if the source is in the store
}

// FileJournal is a [Journal] in a file: JSON Lines that jq reads, one record a line, each with a sequence number and a
// checksum.
type FileJournal struct {
	mu     sync.Mutex
	file   journalFile
	size   int64  // of the valid part
	next   uint64 // sequence number
	broken error  // the first error of a write, which is final
}

// journalFile is what a journal needs of its file.
type journalFile interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

var (
	errJournalLocked = errors.New("another process has it open")
	errJournalClosed = errors.New("readsetimport: the journal is closed")
)

// OpenJournal opens the journal at path, and makes it if there is none: a regular file of mode 0600 that no other
// process can open until Close. A link is not followed.
//
// A last line that a crash cut short is dropped, since nothing was done on the strength of it. Damage anywhere else
// makes OpenJournal refuse the file and name the line: what such a journal says cannot be trusted. A file that is no
// journal is refused too, and left as it is.
func OpenJournal(path string) (*FileJournal, error) {
	file, err := openExclusive(path)
	if err != nil {
		return nil, fmt.Errorf("readsetimport: open journal: %w", err)
	}
	j, err := openFile(path, file)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("readsetimport: open journal %s: %w", path, err)
	}
	return j, nil
}

func openFile(path string, file *os.File) (*FileJournal, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	j, err := recoverJournal(file, info.Size())
	if err == nil && j.size == 0 {
		// A file whose name a crash can undo is no journal.
		err = syncDir(filepath.Dir(path))
	}
	return j, err
}

// recoverJournal checks the whole file, and drops what a crash left behind it.
func recoverJournal(file journalFile, size int64) (*FileJournal, error) {
	j := &FileJournal{file: file}
	for line, err := range readLines(file, size) {
		if err != nil {
			return nil, err
		}
		if _, err := line.record(); err != nil {
			return nil, err
		}
		j.next++
		j.size = line.end
	}
	if j.size < size {
		if err := file.Truncate(j.size); err != nil {
			return nil, err
		}
	}
	return j, file.Sync()
}

// Replay yields every record, in the order in which they were appended.
func (j *FileJournal) Replay(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		j.mu.Lock()
		size, err := j.size, j.broken
		j.mu.Unlock()
		if err != nil {
			yield(Record{}, err)
			return
		}
		var end int64
		for line, err := range readLines(j.file, size) {
			var r Record
			if err == nil {
				r, err = line.record()
			}
			if err == nil {
				err = contextEnded(ctx)
			}
			if err != nil {
				yield(Record{}, fmt.Errorf("readsetimport: journal: %w", err))
				return
			}
			if !yield(r, nil) {
				return
			}
			end = line.end
		}
		if end < size {
			yield(Record{}, errors.New("readsetimport: journal: somebody else has cut the file short"))
		}
	}
}

// Append writes a record and syncs the file. An error is final: every later Append returns it, since nobody can tell
// what of the file is on the disk.
func (j *FileJournal) Append(ctx context.Context, r Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := contextEnded(ctx); err != nil {
		return err
	}
	if j.broken != nil {
		return j.broken
	}
	line, err := encodeLine(j.next, r)
	if err != nil {
		return err
	}
	_, err = j.file.WriteAt(line, j.size)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.broken = fmt.Errorf("readsetimport: journal: %w", err)
		// What a failed sync left in the system's cache must not look durable to whoever opens the file next.
		_ = j.file.Truncate(j.size)
		return j.broken
	}
	j.size += int64(len(line))
	j.next++
	return nil
}

// Close closes the file and lets others open it. It is not for while an import uses it.
func (j *FileJournal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if errors.Is(j.broken, errJournalClosed) {
		return nil
	}
	j.broken = errJournalClosed
	return j.file.Close()
}
