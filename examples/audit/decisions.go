package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/readsetimport/readsetimport/journal"
)

// notImported is what a person writes of a source that is not in the store. Otherwise it is the id of a read set.
const notImported = "not imported"

var readSetID = regexp.MustCompile(`^[0-9]{10,36}$`)

// decision is a row of a file with doubts, after a person has been at it.
type decision struct {
	line  int    // of the file
	doubt string // its number in the list that the file was written with
	text  string // empty: nothing was decided
}

// rowKey is what a row is known by: the batch and the source, as the journal names them.
type rowKey struct {
	batch  string
	source journal.Fingerprint
}

// readDecisions reads a file that -doubts has written, and a person has changed. One fault in it is an error.
func readDecisions(path string) (map[rowKey]decision, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	in.Comma, in.FieldsPerRecord = separator(text), -1
	fault := func(err error) error { return fmt.Errorf("%s: %w", path, err) }
	header, err := in.Read()
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fault(err)
	}
	column := make(map[string]int)
	for _, name := range []string{columnDoubt, columnDecision, columnBatch, columnSource} {
		if column[name] = slices.Index(header, name); column[name] < 0 {
			return nil, fault(fmt.Errorf("it has no column %q: give a file that -doubts -csv has written", name))
		}
	}
	out := make(map[rowKey]decision)
	var faults []error
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return out, errors.Join(faults...)
		}
		if err != nil {
			return nil, fault(err)
		}
		line, _ := in.FieldPos(0)
		cell := func(name string) string {
			if column[name] >= len(record) {
				return ""
			}
			return strings.TrimSpace(record[column[name]])
		}
		d := decision{line: line, doubt: cell(columnDoubt), text: cell(columnDecision)}
		key := rowKey{batch: cell(columnBatch)}
		err = key.source.UnmarshalText([]byte(cell(columnSource)))
		switch first, twice := out[key]; {
		case strings.Join(record, "") == "":
			continue
		case err != nil || key.batch == "":
			err = fmt.Errorf("the columns %q and %q must stay as they were written", columnBatch, columnSource)
		case twice:
			err = fmt.Errorf("it is of the same source as line %d", first.line)
		case strings.EqualFold(d.text, notImported):
			d.text = notImported
		case d.text != "" && !readSetID.MatchString(d.text):
			err = fmt.Errorf("%.40q is no decision: write the id of a read set (10 to 36 digits), or %s", d.text, notImported)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s:%d: %w", path, line, err))
		}
		out[key] = d
	}
}

// separator returns what separates the cells of the file: spreadsheets save with a semicolon or a tab in many countries.
func separator(text []byte) rune {
	header, _, _ := bytes.Cut(text, []byte("\n"))
	for _, s := range ";\t" {
		if bytes.ContainsRune(header, s) {
			return s
		}
	}
	return ','
}
