// Command journalsql imports a few files into a simulated sequence store and remembers them in an SQL database, so that
// the second run finds them imported:
//
//	go run ./journalsql -db journal.db
//	go run ./journalsql -db journal.db
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"io"
	"os"

	_ "modernc.org/sqlite" // or any other database

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/journalsql/sqljournal"
	"github.com/readsetimport/readsetimport/omicstest"
)

func main() {
	path := flag.String("db", "journal.db", "the SQLite `file` with the journal")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, path string) error {
	db, err := sql.Open("sqlite", sqljournal.SQLite(path))
	if err != nil {
		return err
	}
	defer db.Close()
	journal, err := sqljournal.Open(ctx, db, "run-2030-01")
	if err != nil {
		return err
	}

	service := omicstest.New() // stands for HealthOmics
	client, err := readsetimport.New(service.Client(), func(o *readsetimport.Options) {
		o.Journal = journal
	})
	if err != nil {
		return err
	}
	target := readsetimport.Target{SequenceStoreID: "1234567890", RoleARN: "arn:aws:iam::123456789012:role/import"}
	report, err := client.Import(ctx, target, []readsetimport.Source{
		readsetimport.UBAM("s3://reads/NA12878.bam").WithSubject("NA12878").WithSample("NA12878"),
		readsetimport.UBAM("s3://reads/NA12891.bam").WithSubject("NA12891").WithSample("NA12891"),
	})
	if err != nil {
		return err
	}
	for _, r := range report.Results {
		fmt.Fprintln(out, r.Source.Source1, "is read set", r.ReadSetID)
	}
	fmt.Fprintln(out, len(report.Jobs), "jobs in this run")
	return nil
}
