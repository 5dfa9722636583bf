package main

import (
	"errors"

	"github.com/readsetimport/readsetimport"
)

// The outcomes of a source.
const (
	imported   = "imported"
	failed     = "failed"
	refused    = "refused"    // the service takes no job with this source's batch
	unresolved = "unresolved" // it is unknown whether it was imported
	notSent    = "not sent"   // the import was cancelled before
	running    = "running"    // the import was cancelled, and the job goes on
)

// row is what became of one source, in a file of results.
type row struct {
	Source        readsetimport.Source `json:"source"`
	Outcome       string               `json:"outcome"`
	JobID         string               `json:"jobId,omitempty"`
	ReadSetID     string               `json:"readSetId,omitempty"`
	StatusMessage string               `json:"statusMessage,omitempty"`
	Error         string               `json:"error,omitempty"`
}

// rowsOf returns the rows of a submission that has ended.
func rowsOf(results []readsetimport.Result) []row {
	out := make([]row, len(results))
	for i, r := range results {
		out[i] = row{Source: r.Source, Outcome: imported, JobID: r.JobID, ReadSetID: r.ReadSetID, StatusMessage: r.StatusMessage}
		switch {
		case r.Err == nil:
			continue
		case errors.Is(r.Err, readsetimport.ErrUnresolved):
			out[i].Outcome = unresolved
		default:
			out[i].Outcome = failed
		}
		out[i].Error = r.Err.Error()
	}
	return out
}

// unsentRows returns the rows of a batch that all have the same outcome.
func unsentRows(b readsetimport.Batch, outcome, why string) []row {
	out := make([]row, len(b.Sources))
	for i, source := range b.Sources {
		out[i] = row{Source: source, Outcome: outcome, Error: why}
	}
	return out
}

// report writes the rows of a batch where they belong, and returns their numbers. Writing them again changes nothing.
func (a *activities) report(ref batchRef, rows []row) (counts, error) {
	if err := writeJSON(a.folder.resultsFile(ref.Name, ref.Number), rows); err != nil {
		return counts{}, retried(typeFiles)
	}
	return numbersOf(rows), nil
}

// reportFirst does the same unless there are results of the batch: those of an earlier attempt, which could tell what this one cannot.
func (a *activities) reportFirst(ref batchRef, rows []row) (counts, error) {
	file := a.folder.resultsFile(ref.Name, ref.Number)
	if err := writeFirst(file, rows); err != nil {
		return counts{}, retried(typeFiles)
	}
	rows, err := readJSON[[]row](file)
	if err != nil {
		return counts{}, retried(typeFiles)
	}
	return numbersOf(rows), nil
}

func numbersOf(rows []row) (n counts) {
	for _, r := range rows {
		switch r.Outcome {
		case imported:
			n.Imported++
		case failed:
			n.Failed++
		case refused:
			n.Refused++
		case unresolved:
			n.Unresolved++
		case notSent:
			n.NotSent++
		case running:
			n.Running++
		}
	}
	return n
}

// counts are numbers of sources, by what became of them.
type counts struct {
	Imported   int `json:"imported"`
	Failed     int `json:"failed"`
	Refused    int `json:"refused"`
	Unresolved int `json:"unresolved"`
	NotSent    int `json:"notSent"`
	Running    int `json:"running"`
}

func (c counts) plus(d counts) counts {
	return counts{
		c.Imported + d.Imported, c.Failed + d.Failed, c.Refused + d.Refused,
		c.Unresolved + d.Unresolved, c.NotSent + d.NotSent, c.Running + d.Running,
	}
}
