package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

func printReport(w io.Writer, report *readsetimport.Report) {
	for _, r := range report.Results {
		var failed *readsetimport.JobError
		switch {
		case r.AlreadyImported:
			fmt.Fprintf(w, "in already    %s  %s\n", r.ReadSetID, r.Source.Source1)
		case r.Err == nil:
			fmt.Fprintf(w, "imported      %s  %s\n", r.ReadSetID, r.Source.Source1)
		case errors.As(r.Err, &failed) && r.StatusMessage != "":
			fmt.Fprintf(w, "not imported  %s: %q\n", r.Source.Source1, r.StatusMessage) // the service's words
		case r.JobID != "" && failed == nil || errors.Is(r.Err, readsetimport.ErrUnresolved):
			fmt.Fprintf(w, "not known     %s: %v\n", r.Source.Source1, r.Err)
		default:
			fmt.Fprintf(w, "not imported  %s: %v\n", r.Source.Source1, r.Err)
		}
	}
	fmt.Fprintf(w, "%d of %d read sets are in the store\n", len(report.Imported()), len(report.Results))
}

// printFaults prints everything that is wrong with the input, a line each.
func printFaults(w io.Writer, err error) {
	var sheet *manifest.Error
	var input *readsetimport.ValidationError
	switch {
	case errors.As(err, &sheet):
		for _, f := range sheet.Faults {
			fmt.Fprintln(w, f)
		}
		if sheet.More {
			fmt.Fprintln(w, "and more")
		}
		if sheet.Err != nil {
			fmt.Fprintln(w, "import:", sheet.Err)
		}
	case errors.As(err, &input):
		for _, f := range input.Fields {
			fmt.Fprintln(w, f)
		}
	default:
		fmt.Fprintln(w, "import:", err)
	}
}
