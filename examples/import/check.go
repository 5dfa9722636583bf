package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"text/tabwriter"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/cells"
	"github.com/readsetimport/readsetimport/s3files"
)

// How to check.
const (
	checkStrict = "true" // nothing is imported if there is an error
	checkWarn   = "warn" // what has an error is left out
)

// checkFlag makes -check the same as -check=true.
type checkFlag struct{ value *string }

func (c checkFlag) IsBoolFlag() bool { return true }

func (c checkFlag) String() string {
	if c.value == nil {
		return ""
	}
	return *c.value
}

func (c checkFlag) Set(text string) error {
	switch text {
	case checkStrict, checkWarn:
		*c.value = text
	case "false":
		*c.value = ""
	default:
		return fmt.Errorf("it is -check or -check=warn")
	}
	return nil
}

// check looks at the files of the sources, prints what it finds, and returns the sources without an error. problems are known
// already.
func check(ctx context.Context, f flags, b bucket, sources []readsetimport.Source, problems []s3files.Problem, stdout, stderr io.Writer) ([]readsetimport.Source, int, error) {
	var findings *output
	if f.findings != "" {
		var err error
		if findings, err = create(f.findings, stderr); err != nil {
			return nil, 0, err
		}
	}
	var good []readsetimport.Source
	wrong := count(problems)
	for checked, err := range s3files.Check(ctx, b.api, each(sources), func(o *s3files.CheckOptions) { o.Region = b.region }) {
		if err != nil {
			return nil, 0, fmt.Errorf("check: %w", err)
		}
		problems = append(problems, checked.Problems...)
		if n := count(checked.Problems); n > 0 {
			wrong += n
		} else {
			good = append(good, checked.Source)
		}
	}
	slices.SortStableFunc(problems, func(a, b s3files.Problem) int { return cmp.Compare(a.Severity, b.Severity) }) // errors first
	printProblems(stdout, problems)
	fmt.Fprintf(stdout, "checked: read sets %d, without an error %d; errors %d, warnings %d\n", len(sources), len(good), wrong, len(problems)-wrong)
	if findings == nil {
		return good, wrong, nil
	}
	findings.write(cells.Row("severity", "code", "file", "detail"))
	for _, p := range problems {
		findings.write(cells.Row(string(p.Severity), string(p.Code), p.File, p.Detail))
	}
	return good, wrong, findings.close()
}

// count returns how many of the problems are errors.
func count(problems []s3files.Problem) (errors int) {
	for _, p := range problems {
		if p.Severity == s3files.SeverityError {
			errors++
		}
	}
	return errors
}

func each(sources []readsetimport.Source) iter.Seq2[readsetimport.Source, error] {
	return func(yield func(readsetimport.Source, error) bool) {
		for _, s := range sources {
			if !yield(s, nil) {
				return
			}
		}
	}
}

func printProblems(stdout io.Writer, problems []s3files.Problem) {
	if len(problems) == 0 {
		return
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SEVERITY\tCODE\tFILE\tWHAT TO DO")
	for _, p := range problems {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", p.Severity, p.Code, cells.Printable(p.File), cells.Printable(p.Detail))
	}
	_ = table.Flush()
}
