package main

import (
	"context"
	"fmt"
	"io"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/recall"
)

// plan prints the jobs that an import would start, and sends nothing. A journal stays as it is.
func plan(ctx context.Context, f flags, sources []readsetimport.Source, stdout io.Writer) error {
	if f.journal != "" {
		return planRest(ctx, f, sources, stdout)
	}
	batches, err := readsetimport.Split(f.target, f.runID, sources)
	if err != nil {
		return err
	}
	for i, b := range batches {
		fmt.Fprintf(stdout, "job %d: read sets %d, client token %s\n", i+1, len(b.Sources), b.ClientToken)
	}
	fmt.Fprintf(stdout, "dry run: nothing was sent; store %s, jobs %d, read sets %d\n", f.target.SequenceStoreID, len(batches), len(sources))
	fmt.Fprintf(stdout, "with -run-id %s, an import has these tokens\n", f.runID)
	return nil
}

// planRest is plan for what a journal leaves to be sent. What failed before goes out under tokens that only the import
// knows.
func planRest(ctx context.Context, f flags, sources []readsetimport.Source, stdout io.Writer) error {
	known, err := recall.ReadFile(ctx, f.journal)
	if err != nil {
		return err
	}
	var imported, underWay, rest int
	for _, s := range sources {
		switch known[f.target.Fingerprint(s)].State {
		case recall.InStore:
			imported++
		case recall.UnderWay:
			underWay++
		default:
			rest++
		}
	}
	jobs := 0
	for left := rest; left > 0; left -= readsetimport.MaxSourcesPerJob {
		jobs++
		fmt.Fprintf(stdout, "job %d: read sets %d\n", jobs, min(left, readsetimport.MaxSourcesPerJob))
	}
	fmt.Fprintf(stdout, "dry run: nothing was sent; store %s, jobs %d, read sets %d\n", f.target.SequenceStoreID, jobs, rest)
	fmt.Fprintf(stdout, "the sheet has %d read sets: %d are in the store, %d are on their way, %d are to be sent\n",
		len(sources), imported, underWay, rest)
	return nil
}
