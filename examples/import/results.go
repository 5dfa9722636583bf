package main

import (
	"strconv"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/cells"
)

// results is a CSV file with a row for each source, written as the results come.
type results struct {
	out     *output
	written []bool // by index
}

func newResults(out *output, sources int) (*results, error) {
	r := &results{out: out, written: make([]bool, sources)}
	out.write(cells.Row("index", "source1", "source2", "status", "read_set_id", "job_id", "reason"))
	return r, out.err
}

// add writes the row of a source, unless it is there.
func (r *results) add(res readsetimport.Result) {
	if r.written[res.Index] {
		return
	}
	r.written[res.Index] = true
	e := endingOf(res)
	r.out.write(cells.Row(strconv.Itoa(res.Index), res.Source.Source1, res.Source.Source2, string(e.status), res.ReadSetID, res.JobID, e.reason))
}
