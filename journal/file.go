package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"github.com/readsetimport/readsetimport/internal/disk"
)

// File is a [Journal] in a file: JSON Lines that jq reads, one record a line, each with a sequence number and a
// checksum.
type File struct {
	mu     sync.Mutex
	file   disk.File
	size   int64  // of the valid part
	next   uint64 // sequence number
	broken error  // the first error of a write, which is final
}

var errClosed = errors.New("readsetimport: the journal is closed")

// Open opens the journal at path, or creates it: a regular file of mode 0600 that no other process can open until Close.
// Open does not follow symbolic links.
//
// Open drops a last line that a crash cut short, since no request was sent before the line was whole. It returns an error
// that names the line if the file is damaged anywhere else, since such a journal cannot be trusted, and an error for a
// file that is not a journal, which it leaves as it is.
func Open(path string) (*File, error) {
	file, size, err := disk.Open(path)
	if err != nil {
		return nil, fmt.Errorf("readsetimport: open journal: %w", err)
	}
	j, err := recoverFile(file, size)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("readsetimport: open journal %s: %w", path, err)
	}
	return j, nil
}

// recoverFile checks the whole file, and drops what a crash left behind it.
func recoverFile(file disk.File, size int64) (*File, error) {
	j := &File{file: file}
	for line, err := range readLines(file, size) {
		if err != nil {
			return nil, explainForeign(file, err)
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

// explainForeign says of an error that the file does not begin as a journal does, if that is so. One wrong byte is damage.
func explainForeign(file io.ReaderAt, err error) error {
	start := make([]byte, len(lineHead)) // zeros where the file is shorter
	if _, readErr := file.ReadAt(start, 0); readErr != nil && readErr != io.EOF {
		return err
	}
	wrong := 0
	for i := range lineHead {
		if start[i] != lineHead[i] {
			wrong++
		}
	}
	if wrong < 2 {
		return err
	}
	return fmt.Errorf("not a journal, or one whose beginning is damaged: %w", err)
}

// Replay yields every record, in the order in which they were appended.
func (j *File) Replay(ctx context.Context) iter.Seq2[Record, error] {
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
				err = context.Cause(ctx)
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

// Append writes a record and syncs the file. An error is final: every later Append returns it, since it is unknown what of
// the file is on the disk.
func (j *File) Append(ctx context.Context, r Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := context.Cause(ctx); err != nil {
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

// Close closes the file, so that another process can open it. Do not call Close during an import.
func (j *File) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if errors.Is(j.broken, errClosed) {
		return nil
	}
	j.broken = errClosed
	return j.file.Close()
}
