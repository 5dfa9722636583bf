package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/cells"
)

// status says what became of a source.
type status string

const (
	imported    status = "imported"
	inAlready   status = "in already" // the journal knew that it is in the store
	notImported status = "not imported"
	notKnown    status = "not known" // it may be in the store, or still come into it
)

// ending is what became of a source and, unless it is in the store, why.
type ending struct {
	status status
	reason string
	quoted bool // the reason is in the service's words
}

func endingOf(r readsetimport.Result) ending {
	var failed *readsetimport.JobError
	switch {
	case r.AlreadyImported:
		return ending{status: inAlready}
	case r.Err == nil:
		return ending{status: imported}
	case errors.As(r.Err, &failed) && r.StatusMessage != "":
		return ending{notImported, cells.Printable(hideIDs(r.StatusMessage, r.Source, failed.Job)), true}
	case r.JobID != "" && failed == nil || errors.Is(r.Err, readsetimport.ErrUnresolved):
		return ending{status: notKnown, reason: cells.Printable(r.Err.Error())}
	}
	return ending{status: notImported, reason: cells.Printable(r.Err.Error())}
}

// why is the reason as it is shown, behind a colon.
func (e ending) why() string {
	switch {
	case e.quoted:
		return ": " + strconv.Quote(e.reason)
	case e.reason != "":
		return ": " + e.reason
	}
	return ""
}

// printReport prints a line for each source, how many came to what end, and how many are in the store.
func printReport(w io.Writer, report *readsetimport.Report) {
	endings := make(map[ending]int)
	for _, r := range report.Results {
		e := endingOf(r)
		if r.Err == nil {
			fmt.Fprintf(w, "%-12s  %s  %s\n", e.status, r.ReadSetID, cells.Printable(r.Source.Source1))
		} else {
			fmt.Fprintf(w, "%-12s  %s%s\n", e.status, cells.Printable(r.Source.Source1), e.why())
		}
		e.reason = alike(e.reason)
		endings[e]++
	}
	fmt.Fprintln(w)
	order := slices.SortedFunc(maps.Keys(endings), func(a, b ending) int {
		return cmp.Or(cmp.Compare(rank(a.status), rank(b.status)), endings[b]-endings[a], cmp.Compare(a.reason, b.reason))
	})
	const most = 20
	for i, e := range order {
		if i == most {
			fmt.Fprintf(w, "%8s %d reasons more\n", "and", len(order)-most)
			break
		}
		fmt.Fprintf(w, "%8d %s%s\n", endings[e], e.status, e.why())
	}
	fmt.Fprintf(w, "%d of %d read sets are in the store\n", len(report.Imported()), len(report.Results))
}

func rank(s status) int { return slices.Index([]status{imported, inAlready, notImported, notKnown}, s) }

// one matches what tells a source or a job from others.
var one = regexp.MustCompile(`s3://[^\s"']+|\b[0-9]{10,36}\b`)

// alike returns a reason without what tells one source or job from others, so that the same reasons count as one.
func alike(reason string) string { return one.ReplaceAllString(reason, "…") }
