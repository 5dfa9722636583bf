package manifest

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
)

// lineReader reads lines, and bounds the memory for one.
type lineReader struct {
	in   *bufio.Reader
	line int    // of the last line read, from 1
	long []byte // that line
}

// spot is a line and a column, both from 1, the column in bytes.
type spot struct{ line, column int }

// rowFault is a line or a row that cannot be read. Those after it can.
type rowFault struct {
	at     spot
	detail string
}

func (e *rowFault) Error() string { return e.detail }

// readLine reads a line with its end, which the last line may lack. The bytes are valid until the next call. A line that
// is longer than a row may be is a *rowFault; one that the input's error cuts off is dropped.
func (t *lineReader) readLine() ([]byte, error) {
	t.long = t.long[:0]
	for {
		part, err := t.in.ReadSlice('\n')
		if len(t.long) <= maxRow {
			t.long = append(t.long, part...)
		}
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err != nil && (err != io.EOF || len(t.long) == 0):
			return nil, err
		}
		t.line++
		if len(t.long) > maxRow {
			return nil, &rowFault{spot{t.line, 1}, "must be a line of at most 1 MiB"}
		}
		return t.long, nil
	}
}

// readText reads a line without its end.
func (t *lineReader) readText() ([]byte, error) {
	line, err := t.readLine()
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), err
}

// rowReader splits a table into rows, which encoding/csv does. It is also the reader that encoding/csv reads from, a line
// at a time, so that it knows where a row ends, bounds the memory for it, and can go on after a bad one.
//
// Quotes are lazy: a quote within an unquoted field is a quote, as in the JSON that Terra's tables hold. But a quoted field
// must end at its closing quote. encoding/csv would take all rows up to the next quote into a field that goes on.
type rowReader struct {
	lineReader
	comma byte

	first  int      // line on which the row began
	fields []string // of the row, valid until the next one

	csv    *csv.Reader
	row    []byte // the row's lines
	rest   []byte // what of them encoding/csv has not read
	quotes int    // in the row
}

// next reads a row, which is not blank and no comment. Its fields are valid until the next call; the strings stay. The error is io.EOF, a *rowFault, or the input's.
func (t *rowReader) next() error {
	if t.csv == nil {
		t.csv = csv.NewReader(t)
		t.csv.Comma, t.csv.LazyQuotes, t.csv.FieldsPerRecord, t.csv.ReuseRecord = rune(t.comma), true, -1, true
	}
	for {
		line, err := t.readLine()
		if err != nil {
			return err
		}
		if line[0] == '#' || len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		t.first, t.row, t.quotes = t.line, t.row[:0], 0
		if err = t.feed(line); err == nil {
			t.fields, err = t.csv.Read()
		}
		if err == nil || err == errNotOpen {
			err = t.check()
		}
		// A row of separators only is blank, too, as spreadsheets leave them at the end.
		if err != nil || slices.ContainsFunc(t.fields, func(f string) bool { return f != "" }) {
			return err
		}
	}
}

// feed adds a line to the row.
func (t *rowReader) feed(line []byte) error {
	const maxSeparators = 100 * maxColumns // bounds what encoding/csv holds for a line
	t.row = append(t.row, line...)
	t.rest = t.row[len(t.row)-len(line):]
	t.quotes += bytes.Count(line, []byte{'"'})
	switch {
	case len(t.row) > maxRow:
		return &rowFault{spot{t.first, 1}, "must be a row of at most 1 MiB"}
	case bytes.Count(line, []byte{t.comma}) > maxSeparators:
		return &rowFault{spot{t.line, 1}, "must be a row of at most 1000 columns"}
	}
	return nil
}

// errNotOpen keeps encoding/csv from reading the next row into a field whose closing quote was there.
var errNotOpen = errors.New("no quote is open")

// Read is for encoding/csv. It reads the rest of a line, and another line of the input only while a quote is open.
func (t *rowReader) Read(p []byte) (int, error) {
	if len(t.rest) == 0 {
		if t.row[len(t.row)-1] != '\n' {
			return 0, io.EOF
		}
		if t.quotes%2 == 0 {
			return 0, errNotOpen
		}
		line, err := t.readLine()
		if err == nil {
			err = t.feed(line)
		}
		if err != nil {
			return 0, err
		}
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// at returns where a field of the row begins.
func (t *rowReader) at(field int) spot {
	first, _ := t.csv.FieldPos(0)
	line, column := t.csv.FieldPos(field)
	return spot{t.first + line - first, column}
}

// check checks the number of the row's fields, their length and their quotes.
func (t *rowReader) check() error {
	long := slices.IndexFunc(t.fields, func(f string) bool { return len(f) > maxField })
	switch {
	case len(t.fields) > maxColumns:
		return &rowFault{t.at(maxColumns), "must be a row of at most 1000 columns"}
	case long >= 0:
		return &rowFault{t.at(long), "must be a field of at most 128 KiB"}
	case t.quotes > 0:
		return t.checkQuotes()
	}
	return nil
}

// checkQuotes finds a quoted field that is not written as its value must be.
func (t *rowReader) checkQuotes() error {
	row, from := bytes.ReplaceAll(t.row, []byte("\r\n"), []byte("\n")), 0
	for i, f := range t.fields {
		if from < len(row) && row[from] == '"' {
			f = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
			n := 0
			for n < len(f) && from+n < len(row) && f[n] == row[from+n] {
				n++
			}
			before := row[:from+n]
			switch {
			case n == len(f):
			case len(before) == len(row):
				return &rowFault{t.at(i), "must end with a quote, as it begins with one"}
			default:
				return &rowFault{
					spot{t.first + bytes.Count(before, []byte("\n")), len(before) - bytes.LastIndexByte(before, '\n')},
					"must be a separator or the end of the line, after the closing quote; a quote inside of a quoted field is written twice",
				}
			}
		}
		from += len(f) + 1
	}
	return nil
}
