package manifest

import (
	"bufio"
	"bytes"
	"io"
	"strings"
)

// rowReader splits a table into rows. It reads what encoding/csv does, and differs from it where sheets do: a quote in
// the middle of an unquoted field is a quote, as in the JSON that Terra's tables hold. It bounds the memory for a row,
// and goes on after a bad one.
type rowReader struct {
	in    *bufio.Reader
	comma byte

	line   int      // of the last line read
	first  int      // line on which the row began
	fields []string // of the row, valid until the next one
	at     []spot   // where the fields begin
	long   []byte   // of a line that is longer than the buffer
	value  []byte   // of the fields of a row with quotes, one after the other
	ends   []int    // of those fields
}

// spot is a line and a column, both from 1, the column in bytes.
type spot struct{ line, column int }

// rowFault is a row that cannot be split into fields. The rows after it can be read.
type rowFault struct {
	at     spot
	detail string
}

func (e *rowFault) Error() string { return e.detail }

// next reads a row, which is not blank and no comment. Its fields and spots are valid until the next call; the strings
// stay. The error is io.EOF, a *rowFault, or the input's.
func (t *rowReader) next() error {
	for {
		line, err := t.readLine()
		if err != nil {
			return err
		}
		t.first = t.line
		if len(line) == 0 || line[0] == '#' || len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		t.fields, t.at = t.fields[:0], t.at[:0]
		if bytes.IndexByte(line, '"') < 0 {
			err = t.plain(string(line))
		} else {
			err = t.quoted(line)
		}
		if err != nil || !t.empty() {
			return err
		}
	}
}

// empty reports whether the row has separators only, as spreadsheets leave them at the end.
func (t *rowReader) empty() bool {
	for _, f := range t.fields {
		if f != "" {
			return false
		}
	}
	return true
}

// readLine reads a line without its end. The bytes are valid until the next call.
func (t *rowReader) readLine() ([]byte, error) {
	line, err := t.in.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		line, err = t.readLong(line)
	}
	if err == io.EOF && len(line) > 0 {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	t.line++
	line = bytes.TrimSuffix(line, []byte("\n"))
	return bytes.TrimSuffix(line, []byte("\r")), nil
}

// readLong reads the rest of a line that is longer than the buffer, and drops what is longer than a row may be.
func (t *rowReader) readLong(line []byte) ([]byte, error) {
	t.long = append(t.long[:0], line...)
	for {
		line, err := t.in.ReadSlice('\n')
		if len(t.long) <= maxRow {
			t.long = append(t.long, line...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if len(t.long) > maxRow && (err == nil || err == io.EOF) {
			t.line++
			return nil, &rowFault{spot{t.line, 1}, "must be a line of at most 1 MiB"}
		}
		return t.long, err
	}
}

// plain splits a line that has no quotes. The fields share the line's memory.
func (t *rowReader) plain(line string) error {
	for start := 0; ; {
		n := strings.IndexByte(line[start:], t.comma)
		end := start + n
		if n < 0 {
			end = len(line)
		}
		at := spot{t.line, start + 1}
		if err := t.check(len(t.fields), end-start, at); err != nil {
			return err
		}
		t.fields = append(t.fields, line[start:end])
		t.at = append(t.at, at)
		if n < 0 {
			return nil
		}
		start = end + 1
	}
}

// quoted splits a line that has quotes, and reads on while one is open. The fields share one string, too.
func (t *rowReader) quoted(line []byte) error {
	t.value, t.ends = t.value[:0], t.ends[:0]
	for pos, size := 0, len(line); ; {
		at := spot{t.line, pos + 1}
		from := len(t.value)
		if pos < len(line) && line[pos] == '"' {
			pos++
			for {
				n := bytes.IndexByte(line[pos:], '"')
				if n >= 0 {
					t.value = append(t.value, line[pos:pos+n]...)
					pos += n + 1
					if pos < len(line) && line[pos] == '"' {
						t.value = append(t.value, '"')
						pos++
						continue
					}
					break
				}
				t.value = append(append(t.value, line[pos:]...), '\n')
				var err error
				switch line, err = t.readLine(); {
				case err == io.EOF:
					return &rowFault{at, "must end with a quote, as it begins with one"}
				case err != nil:
					return err
				}
				pos = 0
				if size += len(line) + 1; size > maxRow {
					return &rowFault{spot{t.first, 1}, "must be a row of at most 1 MiB"}
				}
			}
			if pos < len(line) && line[pos] != t.comma {
				return &rowFault{spot{t.line, pos + 1}, "must be a separator or the end of the line, after the closing quote; a quote inside of a quoted field is written twice"}
			}
		} else {
			n := bytes.IndexByte(line[pos:], t.comma)
			if n < 0 {
				n = len(line) - pos
			}
			t.value = append(t.value, line[pos:pos+n]...)
			pos += n
		}
		if err := t.check(len(t.ends), len(t.value)-from, at); err != nil {
			return err
		}
		t.ends = append(t.ends, len(t.value))
		t.at = append(t.at, at)
		if pos == len(line) {
			break
		}
		pos++
	}
	all, from := string(t.value), 0
	for _, end := range t.ends {
		t.fields = append(t.fields, all[from:end])
		from = end
	}
	return nil
}

// check bounds the columns of a row, and the length of a field.
func (t *rowReader) check(column, size int, at spot) error {
	switch {
	case column == maxColumns:
		return &rowFault{at, "must be a row of at most 1000 columns"}
	case size > maxField:
		return &rowFault{at, "must be a field of at most 128 KiB"}
	}
	return nil
}
