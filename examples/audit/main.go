// Command audit answers what an operator of AWS HealthOmics sequence stores asks, and sends nothing that changes a store.
//
//	go -C examples run ./audit -store ID -sheet FILE [flags]
//	go -C examples run ./audit -store ID[,ID...] [flags]
//	go -C examples run ./audit -store ID -sheet FILE -journal FILE -doubts [-csv FILE]
//	go -C examples run ./audit -store ID -journal FILE -settle FILE
//
// With -sheet: which rows of this sheet are in the store, which are not, which are there twice? It reads the store's import
// jobs, whoever started them, and holds what they say against the read sets that are there. A sheet is anything that package
// manifest reads. A row is named by its line and its file, never by its sample. The service lists jobs for a time only: a row
// whose job it no longer lists, and one that was uploaded, is said to be unclear if there are read sets that may be it. With
// -journal, what an import has remembered counts as well.
//
// Without: which read sets of these stores have the same content? That is told by their ETags, which the service computes.
//
// With -doubts: of which sources does the journal not know what became of them? Of each, it tells the read sets that an import
// has found it may be. In the CSV file, a person writes into the column decision of every row the id of a read set, or the words
// "not imported". -settle writes the decisions into the journal, so that the next import goes on: those of each doubt that is
// decided whole, and that nothing in the store contradicts. The page docs/doubts.md says how to decide.
//
// The answer is a table, and with -csv a file as well. It uses the credentials and the Region of the AWS environment, and needs
// the permissions that docs/permissions.md has for an auditor.
//
// It ends with 0 if every row is in the store once, no content is there twice, or nothing is in doubt (any more); with 1 if that
// is not so; and with 2 if the arguments or the sheet are not valid, the service cannot be asked, a file cannot be written, or a
// decision is refused.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/omics"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/sheet"
	"github.com/readsetimport/readsetimport/journal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, connect, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// connect returns the client of HealthOmics.
func connect(ctx context.Context) (readsetimport.API, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	return omics.NewFromConfig(cfg), err
}

// How the program ends.
const (
	exitGood   = 0
	exitFound  = 1 // something is missing, double or in doubt
	exitFailed = 2
)

func run(ctx context.Context, connect func(context.Context) (readsetimport.API, error), args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	f, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitGood
	}
	if err != nil {
		return exitFailed
	}
	answer, err := audit(ctx, connect, f, stdin, stderr)
	if err == nil {
		answer.print(stdout)
		err = answer.writeCSV(f.csv)
	}
	switch {
	case err != nil:
		sheet.PrintFaults(stderr, "audit", err)
		return exitFailed
	case answer.failed:
		return exitFailed
	case answer.good:
		return exitGood
	}
	return exitFound
}

func audit(ctx context.Context, connect func(context.Context) (readsetimport.API, error), f flags, stdin io.Reader, stderr io.Writer) (answer table, err error) {
	var asked sheet.Sheet
	if f.sheet != "" {
		if asked, err = readSheet(f, stdin); err != nil {
			return table{}, err
		}
	}
	var decided map[rowKey]decision
	if f.settle != "" {
		if decided, err = readDecisions(f.settle); err != nil {
			return table{}, err
		}
	}
	if err := f.checkDoubts(); err != nil {
		return table{}, err
	}
	if err := checkCSV(f.csv); err != nil {
		return table{}, err
	}
	var log journal.Journal = new(memory)
	if f.journal != "" {
		file, err := journal.Open(f.journal)
		if err != nil {
			return table{}, err
		}
		defer file.Close()
		log = file
	}
	api, err := connect(ctx)
	if err != nil {
		return table{}, err
	}
	p := newProgress(stderr)
	defer p.close()
	client, err := readsetimport.New(api, func(o *readsetimport.Options) {
		o.Journal = log
		o.OnEvent = func(e readsetimport.Event) {
			switch {
			case e.Kind == readsetimport.EventAdopted:
				p.add()
			case e.Err != nil && e.Wait > 0:
				fmt.Fprintf(p, "%v; next try in %s\n", e.Err, e.Wait.Round(time.Millisecond))
			}
		}
	})
	if err != nil {
		return table{}, err
	}
	switch {
	case f.settle != "":
		return settleDoubts(ctx, client, log, f.stores[0], decided, p)
	case f.doubts:
		return listDoubts(ctx, client, log, f.stores[0], asked, p)
	case f.sheet == "":
		return findDoubles(ctx, client, f.stores, p)
	}
	return auditSheet(ctx, client, log, f.stores[0], asked, p)
}

// checkDoubts refuses a journal that is not there, which has no doubts, and a file that may have a person's decisions.
func (f flags) checkDoubts() error {
	if !f.doubts && f.settle == "" {
		return nil
	}
	if _, err := os.Stat(f.journal); err != nil {
		return err
	}
	if info, err := os.Stat(f.csv); f.csv != "" && err == nil && info.Size() > 0 {
		return fmt.Errorf("%s is there already, and may have decisions: give another file to -csv", f.csv)
	}
	return nil
}

// readSheet reads the sheet, which must have a row and be for the store.
func readSheet(f flags, stdin io.Reader) (sheet.Sheet, error) {
	read, err := sheet.Open(f.sheet, stdin, sheet.Options{Reference: f.reference, Subject: f.subject, Sample: f.sample})
	switch named := read.Target.SequenceStoreID; {
	case err != nil:
		return read, err
	case len(read.Sources) == 0:
		return read, errors.New("the sheet has no rows")
	case named != "" && named != f.stores[0]:
		return read, fmt.Errorf("the sheet is for store %s, and -store is %s", named, f.stores[0])
	}
	return read, nil
}
