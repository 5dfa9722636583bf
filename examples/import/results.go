package main

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"strconv"

	"github.com/readsetimport/readsetimport"
)

// results is a CSV file with a row for each source, written as the results come.
type results struct {
	out     *output
	written []bool // by index
}

func newResults(out *output, sources int) (*results, error) {
	r := &results{out: out, written: make([]bool, sources)}
	row(out, "index", "source1", "source2", "status", "read_set_id", "job_id", "reason")
	return r, out.err
}

// add writes the row of a source, unless it is there.
func (r *results) add(res readsetimport.Result) {
	if r.written[res.Index] {
		return
	}
	r.written[res.Index] = true
	e := endingOf(res)
	row(r.out, strconv.Itoa(res.Index), res.Source.Source1, res.Source.Source2, string(e.status), res.ReadSetID, res.JobID, e.reason)
}

// row writes a row of a CSV file, of which no cell is a formula.
func row(out *output, fields ...string) {
	for i, f := range fields {
		fields[i] = cell(f)
	}
	var line bytes.Buffer
	w := csv.NewWriter(&line)
	_ = w.Write(fields) // a buffer takes everything
	w.Flush()
	out.write(line.Bytes())
}

// formula matches what a spreadsheet takes for the beginning of a formula, at the beginning of a cell or, where the
// semicolon separates cells, behind one.
var formula = regexp.MustCompile(`(^|;)([\s"']*[=+\-@＝＋－＠])`)

// cell returns text that no spreadsheet takes for a formula, in one line.
func cell(text string) string { return formula.ReplaceAllString(printable(text), "$1'$2") }
