package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"strings"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/sheet"
	"github.com/readsetimport/readsetimport/s3files"
)

//go:embed samples.csv
var samples string

// readInput returns the sources that the flags name, which are valid, and with a check the problems of files that are no
// sources.
func readInput(ctx context.Context, f flags, b bucket, stdin io.Reader, stderr io.Writer) (sources []readsetimport.Source, problems []s3files.Problem, err error) {
	var named readsetimport.Target
	if f.prefix != "" {
		sources, problems, err = findSources(ctx, f, b, stderr)
	} else {
		var read sheet.Sheet
		read, err = readSheet(f, stdin)
		sources, named = read.Sources, read.Target
	}
	if err == nil {
		err = checkTarget(f, named)
	}
	if err == nil && len(problems) == 0 {
		_, err = readsetimport.Split(f.target, f.runID, sources)
	}
	if err != nil {
		return nil, nil, err
	}
	if f.simulated && named != (readsetimport.Target{}) {
		fmt.Fprintf(stderr, "the sheet is for store %s with role %s: give -store and -role to import into it\n", named.SequenceStoreID, named.RoleARN)
	}
	return sources, problems, nil
}

// readSheet reads the whole sheet before anything is sent: one fault in it, and nothing is.
func readSheet(f flags, stdin io.Reader) (sheet.Sheet, error) {
	o := sheet.Options{Reference: f.reference, Subject: f.subject, Sample: f.sample}
	if f.sheet == "" {
		return sheet.Read("samples.csv", strings.NewReader(samples), o)
	}
	return sheet.Open(f.sheet, stdin, o)
}

// checkTarget refuses a manifest that names another store or role than the flags do.
func checkTarget(f flags, named readsetimport.Target) error {
	switch {
	case f.simulated:
	case named.SequenceStoreID != "" && named.SequenceStoreID != f.target.SequenceStoreID:
		return fmt.Errorf("the sheet is for store %s, and -store is %s", named.SequenceStoreID, f.target.SequenceStoreID)
	case named.RoleARN != "" && named.RoleARN != f.target.RoleARN:
		return fmt.Errorf("the sheet is for role %s, and -role is %s", named.RoleARN, f.target.RoleARN)
	}
	return nil
}
