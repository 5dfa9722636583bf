package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"

	"github.com/readsetimport/readsetimport"
)

// flags of the program.
type flags struct {
	target          readsetimport.Target
	simulated       bool // the target is
	sheet           string
	reference       string
	subject, sample string
	runID, journal  string
	dryRun, verbose bool
}

func parse(args []string, stderr io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("import", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&f.target.SequenceStoreID, "store", "", "`id` of the sequence store; without it, the store is simulated")
	set.StringVar(&f.target.RoleARN, "role", "", "`ARN` of the role with which HealthOmics reads the files")
	set.StringVar(&f.sheet, "sheet", "", "`file` with the sample sheet, manifest or list, or - for standard input (default samples.csv)")
	set.StringVar(&f.reference, "reference", "", "`ARN` of the reference of BAM and CRAM files for which the sheet has none")
	set.StringVar(&f.subject, "subject", "", "subject `id` of the files of a list (default the sample id)")
	set.StringVar(&f.sample, "sample", "", "sample `id` of the files of a list (default each file's name up to the first _ or .)")
	set.StringVar(&f.runID, "run-id", "", "`name` of this import: under the same name, the same sheet is the same import (default random)")
	set.StringVar(&f.journal, "journal", "", "`file` that remembers the import, so that the same command again goes on where this one ended")
	set.BoolVar(&f.dryRun, "dry-run", false, "check everything, print the jobs that would be started, and send nothing")
	set.BoolVar(&f.verbose, "v", false, "log what happens")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	fail := func(text string) (flags, error) {
		fmt.Fprintln(stderr, "import:", text)
		return f, errors.New(text)
	}
	switch {
	case set.NArg() > 0:
		return fail("unexpected argument " + strconv.Quote(set.Arg(0)) + ": the sheet is named with -sheet")
	case (f.target.SequenceStoreID == "") != (f.target.RoleARN == ""):
		return fail("-store and -role go together")
	case f.journal != "" && f.target.SequenceStoreID == "":
		return fail("-journal needs -store and -role: a simulated store is gone when the program ends")
	}
	if f.target == (readsetimport.Target{}) {
		f.simulated, f.target = true, simulatedTarget
	}
	if f.runID == "" {
		f.runID = rand.Text()
	}
	return f, nil
}
