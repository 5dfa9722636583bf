package main

import (
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/paths"
)

// flags of the program.
type flags struct {
	target          readsetimport.Target
	simulated       bool // the target is
	sheet, prefix   string
	pattern         *regexp.Regexp
	check           string // checkStrict, checkWarn or empty
	reference       string
	subject, sample string
	runID, journal  string
	adopt           bool
	dryRun, verbose bool
	progress        string

	write, findings           string // files to write before the import
	results, events, timeline string // and those of the import
}

func parse(args []string, stderr io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("import", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&f.target.SequenceStoreID, "store", "", "`id` of the sequence store; without it, the store is simulated")
	set.StringVar(&f.target.RoleARN, "role", "", "`ARN` of the role with which HealthOmics reads the files")
	set.StringVar(&f.sheet, "sheet", "", "`file` with the sample sheet, manifest or list, or - for standard input (default samples.csv)")
	set.StringVar(&f.prefix, "prefix", "", "`s3://bucket/folder/` under which all read sets are found, in place of a sheet")
	set.Func("pattern", "regular `expression` with the groups sample and, if it differs, subject, for the keys under -prefix (default their names)", func(text string) (err error) {
		f.pattern, err = regexp.Compile(text)
		return err
	})
	set.StringVar(&f.write, "write", "", "sheet `file` to write with what was found under -prefix: .csv, .tsv, .json, .jsonl or .yaml")
	set.Var(checkFlag{&f.check}, "check", "look at the files first, and import nothing if one has an error or cannot be looked at; -check=warn leaves those out")
	set.StringVar(&f.findings, "findings", "", "CSV `file` to write with what -check finds")
	set.StringVar(&f.reference, "reference", "", "`ARN` of the reference of BAM and CRAM files for which the sheet has none")
	set.StringVar(&f.subject, "subject", "", "subject `id` of the files of a list, or of a sheet without subjects (default the sample id)")
	set.StringVar(&f.sample, "sample", "", "sample `id` of the files of a list (default what is in each file's name)")
	set.StringVar(&f.runID, "run-id", "", "`name` of this import: under the same name, the same sheet is the same import (default random)")
	set.StringVar(&f.journal, "journal", "", "`file` that remembers the import, so that the same command again goes on where this one ended")
	set.BoolVar(&f.adopt, "adopt", false, "first read the store's import jobs into the journal, whoever started them")
	set.BoolVar(&f.dryRun, "dry-run", false, "check everything, print the jobs that would be started, and send nothing")
	set.BoolVar(&f.verbose, "v", false, "log what happens, in place of the progress unless -progress is given")
	set.StringVar(&f.progress, "progress", progressAuto, "how to show the progress: bar, plain, json or none; `auto` is bar on a terminal and else plain")
	set.StringVar(&f.results, "results", "", "CSV `file` to write, with a row for each source")
	set.StringVar(&f.events, "events", "", "JSON Lines `file` to write, with what happens")
	set.StringVar(&f.timeline, "timeline", "", "SVG `file` to draw, with the jobs and the sources over time")
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
	case f.adopt && f.journal == "":
		return fail("-adopt needs -journal, into which it reads the store's jobs")
	case f.adopt && f.dryRun:
		return fail("-adopt writes into the journal, and a dry run leaves it as it is")
	case f.prefix != "" && f.sheet != "":
		return fail("-prefix and -sheet are two ways to name the files: give one of them")
	case f.prefix != "" && f.sample+f.subject != "":
		return fail("-sample and -subject are for a list: with -prefix, -pattern finds them in the keys")
	case f.prefix != "" && !isPrefix(f.prefix):
		return fail("-prefix must be s3://bucket/folder/, not " + strconv.Quote(f.prefix))
	case f.prefix == "" && f.pattern != nil:
		return fail("-pattern is for the keys under -prefix")
	case f.pattern != nil && f.pattern.SubexpIndex("sample") < 0:
		return fail("-pattern must have a group named sample: (?P<sample>[^/_]+)")
	case f.prefix == "" && f.write != "":
		return fail("-write is for what is found under -prefix")
	case f.write != "" && !slices.Contains([]string{"csv", "tsv", "json", "jsonl", "yaml"}, extension(f.write)):
		return fail("-write must end in .csv, .tsv, .json, .jsonl or .yaml")
	case f.findings != "" && f.check == "":
		return fail("-findings is for what -check finds")
	case f.dryRun && f.results+f.events+f.timeline != "":
		return fail("-results, -events and -timeline are files of an import, and a dry run is none")
	case !slices.Contains([]string{progressAuto, progressBar, progressPlain, progressJSON, progressNone}, f.progress):
		return fail("-progress must be auto, bar, plain, json or none, not " + strconv.Quote(f.progress))
	case f.progress == progressBar && !isTerminal(stderr):
		return fail("-progress=bar needs a terminal")
	}
	if err := checkFiles(f); err != nil {
		return fail(err.Error())
	}
	if f.progress == progressAuto {
		switch {
		case f.verbose:
			f.progress = progressNone
		case isTerminal(stderr):
			f.progress = progressBar
		default:
			f.progress = progressPlain
		}
	}
	if f.target == (readsetimport.Target{}) {
		f.simulated, f.target = true, simulatedTarget
	}
	if f.runID == "" {
		f.runID = rand.Text()
	}
	return f, nil
}

// isPrefix reports whether text names a bucket of S3, and what its keys begin with.
func isPrefix(text string) bool {
	rest, isS3 := strings.CutPrefix(text, "s3://")
	return isS3 && rest != "" && rest[0] != '/'
}

// checkFiles refuses a file that would be written over another.
func checkFiles(f flags) error {
	return paths.Distinct(
		paths.Named{Flag: "-sheet", Path: f.sheet}, paths.Named{Flag: "-write", Path: f.write}, paths.Named{Flag: "-findings", Path: f.findings},
		paths.Named{Flag: "-journal", Path: f.journal}, paths.Named{Flag: "-results", Path: f.results}, paths.Named{Flag: "-events", Path: f.events},
		paths.Named{Flag: "-timeline", Path: f.timeline},
	)
}
