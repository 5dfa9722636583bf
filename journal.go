package readsetimport

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
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
	file   *os.File
	size   int64  // of the valid part
	next   uint64 // sequence number
	broken error  // the first error of a write, which is final
}

var (
	errJournalLocked = errors.New("another process has it open")
	errJournalClosed = errors.New("readsetimport: the journal is closed")
)

// OpenJournal opens the journal at path, and makes it if there is none: a regular file of mode 0600 that no other
// process can open until Close. A link is not followed.
//
// A last line that a crash cut short is dropped, since nothing was done on the strength of it. Damage anywhere else
// makes OpenJournal refuse the file and name the line: what such a journal says cannot be trusted.
func OpenJournal(path string) (*FileJournal, error) {
	file, err := openExclusive(path)
	if err != nil {
		return nil, fmt.Errorf("readsetimport: open journal: %w", err)
	}
	j := &FileJournal{file: file}
	if err := j.recover(path); err != nil {
		file.Close()
		return nil, fmt.Errorf("readsetimport: open journal %s: %w", path, err)
	}
	return j, nil
}

// recover checks the whole file, and drops what a crash left behind it.
func (j *FileJournal) recover(path string) error {
	info, err := j.file.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	for line, err := range j.lines(info.Size()) {
		if err != nil {
			return err
		}
		if _, err := line.record(); err != nil {
			return err
		}
		j.next++
		j.size = line.end
	}
	if j.size < info.Size() {
		if err := j.file.Truncate(j.size); err != nil {
			return err
		}
	}
	if j.size == 0 {
		// A file whose name a crash can undo is no journal.
		if err := syncDir(filepath.Dir(path)); err != nil {
			return err
		}
	}
	return j.file.Sync()
}

// Each line is {"seq":N,"record":{…},"crc32c":"xxxxxxxx"} and a newline. The checksum is over the bytes before it.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	lineHead   = `{"seq":`
	lineRecord = `,"record":`
	lineSum    = `,"crc32c":"`
	lineTail   = `"}`
	lineMax    = 1 << 20
)

func encodeLine(seq uint64, r Record) ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	line := make([]byte, 0, len(body)+64)
	line = append(line, lineHead...)
	line = strconv.AppendUint(line, seq, 10)
	line = append(line, lineRecord...)
	line = append(line, body...)
	sum := crc32.Checksum(line, castagnoli)
	line = append(line, lineSum...)
	line = fmt.Appendf(line, "%08x", sum)
	line = append(line, lineTail...)
	if len(line) >= lineMax {
		return nil, fmt.Errorf("readsetimport: a journal record of %d bytes is too large", len(line))
	}
	return append(line, '\n'), nil
}

// journalLine is a checked line.
type journalLine struct {
	number int
	body   []byte // of the record
	end    int64  // offset behind the newline
}

// record decodes the line strictly: what this version does not know it cannot trust.
func (l journalLine) record() (Record, error) {
	var r Record
	d := json.NewDecoder(bytes.NewReader(l.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, fmt.Errorf("line %d: %w", l.number, err)
	}
	switch r.Kind {
	case RecordSending, RecordReleased, RecordStarted, RecordEnded:
		return r, nil
	}
	return r, fmt.Errorf("line %d: unknown kind of record %q", l.number, shorten(string(r.Kind)))
}

// checkLine is the body of the record in a line without its newline.
func checkLine(line []byte, seq uint64) ([]byte, bool) {
	const sumLen = len(lineSum) + 8 + len(lineTail)
	if len(line) < sumLen {
		return nil, false
	}
	summed, sum := line[:len(line)-sumLen], line[len(line)-sumLen:]
	want := fmt.Sprintf("%s%08x%s", lineSum, crc32.Checksum(summed, castagnoli), lineTail)
	head := lineHead + strconv.FormatUint(seq, 10) + lineRecord
	if string(sum) != want || !bytes.HasPrefix(summed, []byte(head)) {
		return nil, false
	}
	return summed[len(head):], true
}

// lines yields the checked lines of the file's first size bytes. It stops before a last line that was cut short; any
// other damage is an error.
func (j *FileJournal) lines(size int64) iter.Seq2[journalLine, error] {
	return func(yield func(journalLine, error) bool) {
		in := bufio.NewReaderSize(io.NewSectionReader(j.file, 0, size), lineMax)
		var end int64
		for number := 1; ; number++ {
			line, err := in.ReadSlice('\n')
			if err == io.EOF {
				if !cutShort(line, uint64(number-1)) {
					yield(journalLine{}, fmt.Errorf("line %d is damaged", number))
				}
				return
			}
			if errors.Is(err, bufio.ErrBufferFull) {
				yield(journalLine{}, fmt.Errorf("line %d is damaged: it has no end", number))
				return
			}
			if err != nil {
				yield(journalLine{}, err)
				return
			}
			end += int64(len(line))
			body, ok := checkLine(line[:len(line)-1], uint64(number-1))
			if !ok {
				yield(journalLine{}, fmt.Errorf("line %d is damaged", number))
				return
			}
			if !yield(journalLine{number, body, end}, nil) {
				return
			}
		}
	}
}

// cutShort reports whether what follows the last newline is what a crash leaves of a write: the beginning of a line,
// perhaps with zeros where the file grew before its data came. A whole line whose newline has become something else is
// damage, since it was durable once; and something else altogether is not a journal.
func cutShort(tail []byte, seq uint64) bool {
	if len(tail) == 0 {
		return true
	}
	if _, whole := checkLine(tail[:len(tail)-1], seq); whole {
		return false
	}
	tail = bytes.TrimRight(tail, "\x00")
	head := lineHead + strconv.FormatUint(seq, 10) + lineRecord
	n := min(len(tail), len(head))
	return string(tail[:n]) == head[:n]
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
		for line, err := range j.lines(size) {
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
