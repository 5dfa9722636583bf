package journal

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/quote"
)

// Each line of a journal is {"seq":N,"record":{…},"crc32c":"xxxxxxxx"} and a newline. The checksum is over the bytes
// before it.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const (
	lineHead   = `{"seq":`
	lineRecord = `,"record":`
	lineSum    = `,"crc32c":"`
	lineTail   = "\"}\n"
	lineMax    = 1 << 20 // bytes, with the newline
	sumLen     = len(lineSum) + 8 + len(lineTail)

	// What stands before the parts of a record's sources, which end the record.
	sourcesHead = `,"sources":[`
	sourceHead  = `{"fingerprint":"`
	statusHead  = `,"status":`
	readSetHead = `,"readSetId":`
)

func lineStart(seq uint64) []byte {
	return append(strconv.AppendUint([]byte(lineHead), seq, 10), lineRecord...)
}

func encodeLine(seq uint64, r Record) ([]byte, error) {
	if !r.Kind.known() {
		return nil, fmt.Errorf("readsetimport: unknown kind of journal record %.40q", r.Kind)
	}
	r.Time = r.Time.UTC()
	sources := r.Sources
	r.Sources = nil // they are written by hand, in a fraction of the time
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("readsetimport: journal record: %w", err)
	}
	line := appendSources(append(lineStart(seq), body...), sources)
	sum := crc32.Checksum(line, castagnoli)
	line = fmt.Appendf(line, "%s%08x%s", lineSum, sum, lineTail)
	if len(line) > lineMax {
		return nil, fmt.Errorf("readsetimport: a journal record of %d bytes is too large", len(line))
	}
	return line, nil
}

// appendSources adds the sources to the record without any that the line ends with, as encoding/json would write them: they
// are the last of its fields.
func appendSources(line []byte, sources []Source) []byte {
	if len(sources) == 0 {
		return line
	}
	const usual = 100 // bytes of a source
	line = slices.Grow(line, usual*(len(sources)+1))
	line = append(line[:len(line)-len("}")], sourcesHead...)
	for i, s := range sources {
		if i > 0 {
			line = append(line, ',')
		}
		line = append(hex.AppendEncode(append(line, sourceHead...), s.Fingerprint[:]), '"')
		if s.Status != "" {
			line = quote.Append(append(line, statusHead...), string(s.Status))
		}
		if s.ReadSetID != "" {
			line = quote.Append(append(line, readSetHead...), s.ReadSetID)
		}
		line = append(line, '}')
	}
	return append(line, "]}"...)
}

// fileLine is a checked line.
type fileLine struct {
	number int
	body   []byte // of the record; valid until the next line is read
	end    int64  // offset behind the newline
}

// readLines yields the checked lines of the file's first size bytes. It stops before a last line that a crash cut
// short; any other damage is an error.
func readLines(file io.ReaderAt, size int64) iter.Seq2[fileLine, error] {
	return func(yield func(fileLine, error) bool) {
		in := bufio.NewReaderSize(io.NewSectionReader(file, 0, size), int(min(lineMax, size+1)))
		var offset int64
		for number := 1; ; number++ {
			line, err := in.ReadSlice('\n')
			if errors.Is(err, bufio.ErrBufferFull) {
				yield(fileLine{}, fmt.Errorf("line %d is damaged: it has no end", number))
				return
			}
			if err != nil && err != io.EOF {
				yield(fileLine{}, err)
				return
			}
			if len(line) == 0 {
				return
			}
			seq, end := uint64(number-1), offset+int64(len(line))
			body, ok := checkLine(line, seq)
			if !ok {
				if err == nil && end < size || !torn(line, offset, seq) {
					yield(fileLine{}, fmt.Errorf("line %d is damaged", number))
				}
				return
			}
			if !yield(fileLine{number, body, end}, nil) {
				return
			}
			offset = end
		}
	}
}

// checkLine is the body of the record in a line.
func checkLine(line []byte, seq uint64) ([]byte, bool) {
	if len(line) < sumLen {
		return nil, false
	}
	summed, sum := line[:len(line)-sumLen], line[len(line)-sumLen:]
	var want [sumLen]byte
	if string(sum) != string(fmt.Appendf(want[:0], "%s%08x%s", lineSum, crc32.Checksum(summed, castagnoli), lineTail)) {
		return nil, false
	}
	return bytes.CutPrefix(summed, lineStart(seq))
}

// torn reports whether a last line that fails its check is what a crash leaves of a write: its beginning, or holes
// where the file grew before its data came. A whole line whose newline has become something else is damage, since it
// was durable once; and what never looked like a line is somebody's file.
func torn(line []byte, offset int64, seq uint64) bool {
	line, ended := bytes.CutSuffix(line, []byte("\n"))
	head := lineStart(seq)
	for i, c := range line {
		if c != 0 && (c < ' ' || i < len(head) && c != head[i]) {
			return false
		}
	}
	if hasHole(line, offset) {
		return true
	}
	line = bytes.TrimRight(line, "\x00")
	sum := bytes.Index(line, []byte(lineSum)) // in a record's strings, the quotation marks are escaped
	return !ended && (sum < 0 || len(line) < sum+sumLen)
}

// hasHole reports whether what the line has of some sector is all zeros.
func hasHole(line []byte, offset int64) bool {
	const sector = 512
	for len(line) > 0 {
		part := line[:min(int64(len(line)), sector-offset%sector)]
		if len(bytes.TrimRight(part, "\x00")) == 0 {
			return true
		}
		line, offset = line[len(part):], offset+int64(len(part))
	}
	return false
}

// record decodes the line strictly: what this version does not know it cannot trust.
func (l fileLine) record() (Record, error) {
	r, err := decodeRecord(l.body)
	if err == nil && !r.Kind.known() {
		err = fmt.Errorf("unknown kind of record %.40q", r.Kind)
	}
	if err != nil {
		return Record{}, fmt.Errorf("line %d: %w", l.number, err)
	}
	return r, nil
}

// decodeRecord is decodeAny, and many times as fast where the sources are written as encodeLine writes them.
func decodeRecord(body []byte) (Record, error) {
	if at := bytes.Index(body, []byte(sourcesHead)); at >= 0 {
		if sources, ok := scanSources(body[at+len(sourcesHead):]); ok {
			r, err := decodeAny(append(bytes.Clone(body[:at]), '}'))
			if err == nil && r.Kind != "" && r.Sources == nil {
				r.Sources = sources
				return r, nil
			}
		}
	}
	return decodeAny(body)
}

func decodeAny(body []byte) (Record, error) {
	var r Record
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return Record{}, err
	}
	if _, err := d.Token(); err != io.EOF {
		return Record{}, errors.New("there is something behind the record")
	}
	return r, nil
}

// scanSources reads the elements of a list of sources that ends the record.
func scanSources(list []byte) ([]Source, bool) {
	sources := make([]Source, 0, bytes.Count(list, []byte("{")))
	for {
		var s Source
		const digits = 2 * len(s.Fingerprint)
		rest, ok := bytes.CutPrefix(list, []byte(sourceHead))
		if !ok || len(rest) <= digits || rest[digits] != '"' {
			return nil, false
		}
		if _, err := hex.Decode(s.Fingerprint[:], rest[:digits]); err != nil {
			return nil, false
		}
		rest = rest[digits+1:]
		if text, after, ok := scanString(rest, statusHead+`"`); ok {
			s.Status, rest = itemStatus(text), after
		}
		if text, after, ok := scanString(rest, readSetHead+`"`); ok {
			s.ReadSetID, rest = string(text), after
		}
		sources = append(sources, s)
		if string(rest) == "}]}" {
			return sources, true
		}
		if list, ok = bytes.CutPrefix(rest, []byte("},")); !ok {
			return nil, false
		}
	}
}

// scanString takes a string without escapes off the input, behind what comes before it.
func scanString(in []byte, before string) (text, rest []byte, ok bool) {
	in, ok = bytes.CutPrefix(in, []byte(before))
	if !ok {
		return nil, nil, false
	}
	for i, c := range in {
		if c == '"' {
			return in[:i], in[i+1:], true
		}
		if c < ' ' || c > '~' || c == '\\' {
			break
		}
	}
	return nil, nil, false
}

// itemStatus makes no new string of the usual ones.
func itemStatus(text []byte) types.ReadSetImportJobItemStatus {
	switch string(text) {
	case string(types.ReadSetImportJobItemStatusFinished):
		return types.ReadSetImportJobItemStatusFinished
	case string(types.ReadSetImportJobItemStatusFailed):
		return types.ReadSetImportJobItemStatusFailed
	}
	return types.ReadSetImportJobItemStatus(text)
}
