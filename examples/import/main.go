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
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/omics"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
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

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	f, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitImported
	}
	if err != nil {
		return exitInvalid
	}
	sources, named, err := readSheet(f, stdin)
	if err == nil {
		err = checkTarget(f, named)
	}
	if err != nil {
		printFaults(stderr, err)
		return exitInvalid
	}
	if f.simulated && named != (readsetimport.Target{}) {
		fmt.Fprintf(stderr, "the sheet is for store %s with role %s: give -store and -role to import into it\n", named.SequenceStoreID, named.RoleARN)
	}
	if f.dryRun {
		return plan(ctx, f, sources, stdout, stderr)
	}

	var log journal.Journal
	if f.journal != "" {
		file, err := journal.Open(f.journal)
		if err != nil {
			fmt.Fprintln(stderr, "import:", err)
			return exitInvalid
		}
		defer file.Close()
		log = file
	}
	client, err := newClient(ctx, f, log, stderr)
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
	if log != nil {
		// A journal that can no longer be read has nothing to correct.
		if known, err := recall(context.WithoutCancel(ctx), log); err == nil {
			known.correct(f.target, report.Results)
		}
	}
	printReport(stdout, report)
	if len(report.Failed()) == 0 {
		return exitImported
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("cut off: %w", context.Cause(ctx))
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

// newClient is a client of HealthOmics, or of a simulation.
func newClient(ctx context.Context, f flags, log journal.Journal, stderr io.Writer) (*readsetimport.Client, error) {
	options := func(o *readsetimport.Options) {
		o.RunID = f.runID
		o.Journal = log
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
