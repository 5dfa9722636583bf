// Command import imports the read sets of a sample sheet into an AWS HealthOmics sequence store.
//
//	go -C examples run ./import [flags]
//
// Without -store and -role it imports into a simulated store, in its own process: nothing leaves it. With them, it
// imports into that store, with the credentials and the Region of the AWS environment.
//
// A sheet is anything that package manifest reads, lists of files in S3 among them. By default it is samples.csv: ten
// public read sets, of the 1000 Genomes Project and Genome in a Bottle for the most part, one of which is not there.
//
// With -prefix, it finds the files in S3 instead, and with -check it looks at them before anything is sent: it says which are
// missing, cut off, archived or not what they are said to be. For both it needs s3:ListBucket and s3:GetObject.
//
// With -journal, an import that was cut off, or a sheet that has grown, is imported by the same command again, each read
// set once. With -adopt as well, what others have imported counts as imported: it reads the store's jobs into the journal first.
//
// While it runs it shows how far it is: with a bar on a terminal, and with lines elsewhere (see -progress). Interrupted
// once, it starts no more jobs, says what became of everything and ends; interrupted twice, it ends at once. At the end
// it prints a line for each read set, and how many came to what end. It leaves files behind if it is asked to: -results
// with a row for each source, -events with what happened, and -timeline with a picture of it.
//
// It ends with 0 if all read sets were imported, with 1 if any was not, if S3 could not be read, if the check found an error or
// if a file could not be written, and with 2 if the arguments, the sheet or the files under the prefix are not valid, or the
// journal or a file to write cannot be opened, in which case nothing is sent. A dry run ends as the import would, as far as
// that can be known.
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
	"sync"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/omics"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/recall"
	"github.com/readsetimport/readsetimport/examples/internal/sheet"
	"github.com/readsetimport/readsetimport/journal"
)

func main() {
	interrupted, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancelCause(context.Background())
	context.AfterFunc(interrupted, func() {
		stop() // from now on, a signal ends the program at once
		cancel(context.Cause(interrupted))
	})
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// How the program ends.
const (
	exitImported = 0
	exitFailed   = 1 // something was not imported, or a file not written
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
	if f.progress == progressJSON {
		stderr = &notes{w: stderr}
	}
	b, err := openBucket(ctx, f)
	if err != nil {
		fmt.Fprintln(stderr, "import:", err)
		return exitFailed
	}
	sources, problems, err := readInput(ctx, f, b, stdin, stderr)
	code := exitImported
	if err == nil && f.check != "" {
		var checked checkResult
		if checked, err = check(ctx, f, b, sources, problems, stdout, stderr); err == nil && !checked.goesOn(f, stderr) {
			return exitFailed
		}
		if sources = checked.good; checked.errors > 0 {
			code = exitFailed
		}
	}
	if err == nil && f.dryRun {
		err = plan(ctx, f, sources, stdout)
	}
	if err != nil {
		sheet.PrintFaults(stderr, "import", err)
		return exitCode(err)
	}
	if f.dryRun {
		return code
	}
	return max(code, importSources(ctx, f, sources, stdout, stderr))
}

// failedError is an error that the arguments and the sheet are not to blame for.
type failedError struct{ error }

func (e *failedError) Unwrap() error { return e.error }

// exitCode returns how the program ends with an error before anything is sent.
func exitCode(err error) int {
	var failed *failedError
	if errors.As(err, &failed) {
		return exitFailed
	}
	return exitInvalid
}

func importSources(ctx context.Context, f flags, sources []readsetimport.Source, stdout, stderr io.Writer) int {
	fail := func(code int, err error) int {
		fmt.Fprintln(stderr, "import:", err)
		return code
	}
	var log journal.Journal
	if f.journal != "" {
		file, err := journal.Open(f.journal)
		if err != nil {
			return fail(exitInvalid, err)
		}
		defer file.Close()
		log = file
	}
	api, pace, err := connect(ctx, f, stderr)
	if err != nil {
		return fail(exitFailed, err)
	}
	files, err := openFiles(f, len(sources), stderr)
	if err != nil {
		return fail(exitInvalid, err)
	}
	tally := newTally(len(sources))
	display := newDisplay(f, stderr, tally)
	defer display.close()
	client, err := readsetimport.New(api, pace, func(o *readsetimport.Options) {
		o.RunID = f.runID
		o.Journal = log
		o.OnEvent = func(e readsetimport.Event) {
			tally.event(e)
			files.event(e)
			display.event(e)
		}
		if f.verbose {
			o.OnEvent = both(o.OnEvent, readsetimport.LogEvents(slog.New(slog.NewTextHandler(display, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		}
	})
	if err != nil {
		return fail(exitFailed, err)
	}

	cutOff := sync.OnceFunc(func() { fmt.Fprintln(display, cutOffNote(ctx, f, tally.now())) })
	stop := context.AfterFunc(ctx, cutOff)
	if f.adopt {
		if err := adopt(ctx, client, f.target, display); err != nil {
			stop()
			display.close()
			return fail(exitFailed, errors.Join(err, files.close(new(readsetimport.Report))))
		}
	}
	report, importErr := client.Import(ctx, f.target, sources)
	if !stop() {
		cutOff() // or wait until it has said so
	}
	display.close()
	if log != nil && importErr != nil {
		// A journal that can no longer be read has nothing to correct.
		if known, err := recall.Read(context.WithoutCancel(ctx), log); err == nil {
			correct(known, f.target, report.Results)
		}
	}
	return finish(ctx, f, files, report, importErr, stdout, stderr)
}

func both(first, second func(readsetimport.Event)) func(readsetimport.Event) {
	return func(e readsetimport.Event) {
		first(e)
		second(e)
	}
}

// finish says what became of the import and how it can go on, and completes the files.
func finish(ctx context.Context, f flags, files *files, report *readsetimport.Report, err error, stdout, stderr io.Writer) int {
	printReport(stdout, report)
	code := exitImported
	if err := files.close(report); err != nil {
		fmt.Fprintln(stderr, "import:", err)
		code = exitFailed
	}
	if len(report.Failed()) == 0 {
		return code
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("cut off: %w", context.Cause(ctx))
	}
	fmt.Fprintln(stderr, "import:", err)
	switch {
	case f.journal != "":
		fmt.Fprintln(stderr, "import: the same command again imports what is not in the store")
		if ctx.Err() == nil && errors.Is(err, readsetimport.ErrUnresolved) {
			fmt.Fprintln(stderr, "import: what stays in doubt is for a person to decide: audit -doubts lists it, and docs/doubts.md says how")
		}
	case ctx.Err() != nil && !f.simulated:
		fmt.Fprintf(stderr, "import: the same sheet with -run-id %s finds the jobs that were started again, if it is soon\n", report.RunID)
	}
	return exitFailed
}

// connect returns the client of HealthOmics, or of a simulation, and the options that go with it.
func connect(ctx context.Context, f flags, stderr io.Writer) (readsetimport.API, func(*readsetimport.Options), error) {
	if f.simulated {
		fmt.Fprintln(stderr, "no -store and -role: importing into a simulated store, in this process")
		return newSimulation(), simulatedPace, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, nil, err
	}
	// Said once and before anything begins, not of each source in the end.
	if cfg.Region == "" {
		return nil, nil, errors.New("nothing was sent, since there is no Region: set AWS_REGION to the one that the store is in")
	}
	if _, err := cfg.Credentials.Retrieve(ctx); err != nil && ctx.Err() == nil { // what is cut off says so itself
		return nil, nil, fmt.Errorf("nothing was sent, since there are no credentials: set AWS_PROFILE, or what else the AWS SDK reads: %w", err)
	}
	return omics.NewFromConfig(cfg), func(*readsetimport.Options) {}, nil
}

// cutOffNote says what the end of the context stops, and what goes on.
func cutOffNote(ctx context.Context, f flags, s standing) string {
	note := fmt.Sprintf("%v: no more jobs are started", context.Cause(ctx))
	switch {
	case s.jobs > 0 && f.simulated:
		note += fmt.Sprintf("; the %d that run end with the simulated store", s.jobs)
	case s.jobs > 0:
		note += fmt.Sprintf("; the %d that run go on in HealthOmics, which cannot cancel them", s.jobs)
	}
	return note
}
