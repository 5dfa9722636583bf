package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/cells"
	"github.com/readsetimport/readsetimport/examples/internal/recall"
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

// checkResult is what a check came to.
type checkResult struct {
	checked  int                    // read sets
	wrong    int                    // of these, those with an error
	good     []readsetimport.Source // all that have no error
	problems []s3files.Problem      // errors first
	errors   int
	unknown  int // files that could not be looked at, which is an error, too
}

// check looks at the files of the sources, and prints what it finds, even if it has to stop. problems are known already.
func check(ctx context.Context, f flags, b bucket, sources []readsetimport.Source, problems []s3files.Problem, stdout, stderr io.Writer) (checkResult, error) {
	var findings *output
	if f.findings != "" {
		var err error
		if findings, err = create(f.findings, stderr); err != nil {
			return checkResult{}, err
		}
	}
	wanted, err := notInStore(ctx, f, sources)
	if err != nil {
		return checkResult{}, err
	}
	r := checkResult{problems: problems}
	err = r.look(ctx, b, sources, wanted)
	printProblems(stdout, r.problems)
	number := strconv.Itoa(r.checked)
	if r.checked != len(sources) {
		number += " of " + strconv.Itoa(len(sources))
	}
	fmt.Fprintf(stdout, "checked: read sets %s, without an error %d; errors %d, warnings %d\n", number, r.checked-r.wrong, r.errors, len(r.problems)-r.errors)
	if findings != nil {
		err = errors.Join(err, writeFindings(findings, r.problems))
	}
	if err != nil {
		return checkResult{}, &failedError{err}
	}
	return r, nil
}

// notInStore returns the indexes of the sources that the journal, if there is one, does not know to be in the store. The others
// are not looked at: their files have served, and may be archived or deleted since.
func notInStore(ctx context.Context, f flags, sources []readsetimport.Source) ([]int, error) {
	var known recall.Memory
	if f.journal != "" {
		var err error
		if known, err = recall.ReadFile(ctx, f.journal); err != nil {
			return nil, err
		}
	}
	var indexes []int
	for i, s := range sources {
		if known[f.target.Fingerprint(s)].State != recall.InStore {
			indexes = append(indexes, i)
		}
	}
	return indexes, nil
}

// look looks at the files of the sources with these indexes. The others are good.
func (r *checkResult) look(ctx context.Context, b bucket, sources []readsetimport.Source, wanted []int) error {
	input := func(yield func(readsetimport.Source, error) bool) {
		for _, i := range wanted {
			if !yield(sources[i], nil) {
				return
			}
		}
	}
	wrong := make(map[int]bool)
	var stopped error
	for checked, err := range s3files.Check(ctx, b.api, input, func(o *s3files.CheckOptions) { o.Region = b.region }) {
		if err != nil {
			stopped = fmt.Errorf("check: %w", err)
			break
		}
		r.checked++
		r.problems = append(r.problems, checked.Problems...)
		if slices.ContainsFunc(checked.Problems, isError) {
			wrong[wanted[checked.Index]] = true
		}
	}
	r.wrong = len(wrong)
	for i, s := range sources {
		if !wrong[i] {
			r.good = append(r.good, s)
		}
	}
	for _, p := range r.problems {
		if isError(p) {
			r.errors++
			if p.Code == s3files.CodeUnchecked {
				r.unknown++
			}
		}
	}
	slices.SortStableFunc(r.problems, func(a, b s3files.Problem) int { return cmp.Compare(a.Severity, b.Severity) })
	return stopped
}

func writeFindings(out *output, problems []s3files.Problem) error {
	out.write(cells.Row("severity", "code", "file", "detail"))
	for _, p := range problems {
		out.write(cells.Row(string(p.Severity), string(p.Code), p.File, p.Detail))
	}
	return out.close()
}

// goesOn reports whether there is something to import, and says what is not imported because of the check.
func (r checkResult) goesOn(f flags, stderr io.Writer) bool {
	if r.unknown > 0 {
		fmt.Fprintf(stderr, "import: files that could not be looked at: %d; the same command again looks at them anew\n", r.unknown)
	}
	switch {
	case r.errors == 0:
		return true
	case f.check == checkStrict:
		fmt.Fprintln(stderr, "import: nothing was sent, since the check found errors; -check=warn leaves out what has one")
		return false
	case len(r.good) == 0:
		fmt.Fprintln(stderr, "import: nothing was sent, since the check found an error in everything")
		return false
	}
	fmt.Fprintln(stderr, "import: what has an error is left out")
	return true
}

func isError(p s3files.Problem) bool { return p.Severity == s3files.SeverityError }

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
