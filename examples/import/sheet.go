package main

import (
	"bufio"
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
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
		sources, named, err = readSheet(f, stdin)
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

// readSheet reads the whole sheet before anything is sent: one fault in it, and nothing is. A manifest may name the target
// that it is for; it is empty otherwise.
func readSheet(f flags, stdin io.Reader) (sources []readsetimport.Source, named readsetimport.Target, err error) {
	var in io.Reader
	name := f.sheet
	switch f.sheet {
	case "":
		name, in = "samples.csv", strings.NewReader(samples)
	case "-":
		name, in = "standard input", stdin
	default:
		file, err := os.Open(f.sheet)
		if err != nil {
			return nil, named, err
		}
		defer file.Close()
		in = file
	}
	start := bufio.NewReader(in)
	if (f.sample != "" || f.subject != "") && !isList(start) {
		return nil, named, fmt.Errorf("-sample and -subject are for a list of files: %s says itself whose each file is", name)
	}
	for s, err := range manifest.Read(start, func(o *manifest.Options) {
		o.Name = name
		o.ReferenceARN = f.reference
		o.Target = &named
		if f.sample != "" {
			o.IDs = func(string) (subject, sample string, err error) { return f.subject, f.sample, nil }
		}
		if f.subject != "" {
			o.Subject = func(string) string { return f.subject }
		}
	}) {
		if err != nil {
			return nil, named, err
		}
		sources = append(sources, s)
	}
	return sources, named, nil
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

// isList tells a list of files from the other formats: its first line is an S3 URI and nothing else.
func isList(in *bufio.Reader) bool {
	start, _ := in.Peek(2048)
	line, _, _ := strings.Cut(string(start), "\n")
	return strings.HasPrefix(line, "s3://") && !strings.ContainsAny(line, ",;\t")
}
