package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/readsetimport/readsetimport/examples/internal/paths"
)

// flags of the program.
type flags struct {
	stores          storeList
	sheet           string
	reference       string
	subject, sample string
	journal, csv    string
	doubts          bool
	settle          string
}

// storeList is a flag that can be repeated, with the ids of several stores separated by commas.
type storeList []string

var storeID = regexp.MustCompile(`^[0-9]{10,36}$`)

func (l *storeList) String() string { return strings.Join(*l, ",") }

func (l *storeList) Set(text string) error {
	for id := range strings.SplitSeq(text, ",") {
		switch {
		case !storeID.MatchString(id):
			return errors.New("the id of a sequence store has 10 to 36 digits")
		case slices.Contains(*l, id):
			return errors.New("it names a store twice")
		}
		*l = append(*l, id)
	}
	return nil
}

func parse(args []string, stderr io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("audit", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.Var(&f.stores, "store", "`id` of the sequence store; without -sheet, ids of several, separated by commas")
	set.StringVar(&f.sheet, "sheet", "", "`file` with the sample sheet, manifest or list whose rows are looked for, or - for standard input; without it, double content is")
	set.StringVar(&f.reference, "reference", "", "`ARN` of the reference of BAM and CRAM files for which the sheet has none")
	set.StringVar(&f.subject, "subject", "", "subject `id` of the files of a list, as they were imported (default the sample id)")
	set.StringVar(&f.sample, "sample", "", "sample `id` of the files of a list, as they were imported (default what is in each file's name)")
	set.StringVar(&f.journal, "journal", "", "`file` of a journal to read the store's jobs into; jobs that it knows cost no request (default one in memory)")
	set.StringVar(&f.csv, "csv", "", "CSV `file` to write the table to")
	set.BoolVar(&f.doubts, "doubts", false, "list the sources of which the -journal does not know what became of them; a -csv file has a column for your decisions")
	set.StringVar(&f.settle, "settle", "", "`file` that -doubts -csv has written, with your decisions: writes them into the -journal")
	if err := set.Parse(args); err != nil {
		return f, err
	}
	fail := func(text string) (flags, error) {
		fmt.Fprintln(stderr, "audit:", text)
		return f, errors.New(text)
	}
	switch {
	case set.NArg() > 0:
		return fail("unexpected argument " + strconv.Quote(set.Arg(0)) + ": the sheet is named with -sheet, and stores with -store")
	case len(f.stores) == 0:
		return fail("-store is missing: the id of the sequence store")
	case f.sheet != "" && len(f.stores) > 1:
		return fail("-sheet is for one store: give one -store")
	case f.doubts && f.settle != "":
		return fail("-doubts and -settle are two steps: list the doubts first, then settle them")
	case f.settle != "" && f.sheet+f.csv+f.reference+f.subject+f.sample != "":
		return fail("-settle is for one -store and one -journal, and takes no sheet: its file has the rows")
	case f.settle != "" && (f.journal == "" || len(f.stores) > 1):
		return fail("-settle needs one -store and the -journal that is in doubt")
	case f.doubts && (f.journal == "" || f.sheet == ""):
		return fail("-doubts needs the -journal that is in doubt, and the -sheet with the names of its files")
	case f.settle == "" && f.sheet == "" && f.journal+f.reference+f.subject+f.sample != "":
		return fail("-journal, -reference, -subject and -sample are for the rows of a -sheet")
	}
	if err := paths.Distinct(paths.Named{Flag: "-sheet", Path: f.sheet}, paths.Named{Flag: "-journal", Path: f.journal},
		paths.Named{Flag: "-csv", Path: f.csv}, paths.Named{Flag: "-settle", Path: f.settle}); err != nil {
		return fail(err.Error())
	}
	return f, nil
}
