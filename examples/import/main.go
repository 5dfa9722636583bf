// Command import imports the read sets of a sample sheet into an AWS HealthOmics sequence store.
//
//	go -C examples run ./import [flags]
//
// Without -store and -role it imports into a simulated store, in its own process: nothing leaves it. With them, it
// imports into that store, with the credentials and the Region of the AWS environment.
//
// A sheet is anything that package manifest reads, or a list of FASTQ files in S3, one URI a line. By default it is
// samples.csv: ten public read sets, of the 1000 Genomes Project and Genome in a Bottle for the most part, one of which is
// not there.
//
// With -journal, an import that was cut off, or a sheet that has grown, is imported by the same command again, each read
// set once.
//
// It prints a line for each read set, and ends with 0 if all were imported, with 1 if any was not, and with 2 if the
// arguments or the sheet are not valid, in which case nothing is sent.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/omics"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/manifest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // so that a second signal ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// How the program ends.
const (
	exitImported = 0
	exitFailed   = 1 // something was not imported
	exitInvalid  = 2 // and nothing was sent
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

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	f, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitImported
	}
	if err != nil {
		return exitInvalid
	}
	sources, err := readSheet(f, stdin)
	if err != nil {
		printFaults(stderr, err)
		return exitInvalid
	}
	if f.dryRun {
		return plan(f, sources, stdout, stderr)
	}

	var memory journal.Journal
	if f.journal != "" {
		file, err := journal.Open(f.journal)
		if err != nil {
			fmt.Fprintln(stderr, "import:", err)
			return exitInvalid
		}
		defer file.Close()
		memory = file
	}
	client, err := newClient(ctx, f, memory, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "import:", err)
		return exitFailed
	}
	report, err := client.Import(ctx, f.target, sources)
	var invalid *readsetimport.ValidationError
	if errors.As(err, &invalid) && !errors.Is(err, readsetimport.ErrIncomplete) {
		printFaults(stderr, err)
		return exitInvalid
	}
	printReport(stdout, report)
	if err == nil {
		return exitImported
	}
	fmt.Fprintln(stderr, "import:", err)
	switch {
	case f.journal != "":
		fmt.Fprintln(stderr, "import: the same command again imports what is not in the store")
	case ctx.Err() != nil && !f.simulated:
		fmt.Fprintf(stderr, "import: jobs that were started go on; the same sheet with -run-id %s finds them again, if it is soon\n", report.RunID)
	}
	return exitFailed
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

// newClient is a client of HealthOmics, or of a simulation.
func newClient(ctx context.Context, f flags, journal journal.Journal, stderr io.Writer) (*readsetimport.Client, error) {
	options := func(o *readsetimport.Options) {
		o.RunID = f.runID
		o.Journal = journal
		o.OnEvent = printJobs(stderr)
		if f.verbose {
			o.OnEvent = readsetimport.LogEvents(slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug})))
		}
	}
	if f.simulated {
		fmt.Fprintln(stderr, "no -store and -role: importing into a simulated store, in this process")
		return readsetimport.New(newSimulation(), options, simulatedPace)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	return readsetimport.New(omics.NewFromConfig(cfg), options)
}

// plan prints the jobs that an import would start.
func plan(f flags, sources []readsetimport.Source, stdout, stderr io.Writer) int {
	batches, err := readsetimport.Split(f.target, f.runID, sources)
	if err != nil {
		printFaults(stderr, err)
		return exitInvalid
	}
	for i, b := range batches {
		fmt.Fprintf(stdout, "job %d: read sets %d, client token %s\n", i+1, len(b.Sources), b.ClientToken)
	}
	fmt.Fprintf(stdout, "dry run: nothing was sent; store %s, jobs %d, read sets %d\n", f.target.SequenceStoreID, len(batches), len(sources))
	fmt.Fprintf(stdout, "with -run-id %s, an import has these tokens\n", f.runID)
	return exitImported
}

// printJobs prints jobs as they start and end, and what stands in their way.
func printJobs(w io.Writer) func(readsetimport.Event) {
	return func(e readsetimport.Event) {
		switch e.Kind {
		case readsetimport.EventJobStarted, readsetimport.EventJobStatus:
			fmt.Fprintf(w, "job %s %s\n", e.Job.ID, e.Job.Status)
		case readsetimport.EventSlotWait:
			fmt.Fprintln(w, "as many jobs run as the account may have; waiting")
		case readsetimport.EventThrottled, readsetimport.EventStartFailed, readsetimport.EventPollFailed:
			if e.Wait > 0 {
				fmt.Fprintf(w, "%v; next try in %s\n", e.Err, e.Wait.Round(time.Millisecond))
			}
		}
	}
}

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
