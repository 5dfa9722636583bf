package main

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

//go:embed samples.csv
var samples string

// readInput returns the sources of the sheet, which are valid, for the target that the flags name.
func readInput(f flags, stdin io.Reader, stderr io.Writer) ([]readsetimport.Source, error) {
	sources, named, err := readSheet(f, stdin)
	if err == nil {
		err = checkTarget(f, named)
	}
	if err == nil {
		_, err = readsetimport.Split(f.target, f.runID, sources)
	}
	if err != nil {
		return nil, err
	}
	if f.simulated && named != (readsetimport.Target{}) {
		fmt.Fprintf(stderr, "the sheet is for store %s with role %s: give -store and -role to import into it\n", named.SequenceStoreID, named.RoleARN)
	}
	return sources, nil
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
	if isList(start) {
		sources, err = readList(f, start)
		return sources, named, err
	}
	if f.sample != "" || f.subject != "" {
		return nil, named, fmt.Errorf("-sample and -subject are for a list of files: %s says itself whose each file is", name)
	}
	for s, err := range manifest.Read(start, func(o *manifest.Options) {
		o.Name = name
		o.ReferenceARN = f.reference
		o.Target = &named
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

// isList tells a list of files from the formats of package manifest: its first line is an S3 URI and nothing else.
func isList(in *bufio.Reader) bool {
	start, _ := in.Peek(2048)
	line, _, _ := strings.Cut(string(start), "\n")
	return strings.HasPrefix(line, "s3://") && !strings.ContainsAny(line, ",;\t")
}

// readList makes sources of a list of FASTQ files, and finds the mates among them by their names.
func readList(f flags, in io.Reader) ([]readsetimport.Source, error) {
	if f.reference != "" {
		return nil, errors.New("-reference is for BAM and CRAM files, and a list has FASTQ files")
	}
	var uris []string
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		if uri := strings.TrimSpace(lines.Text()); uri != "" {
			uris = append(uris, uri)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("list: %w", err)
	}
	pairs, err := manifest.PairFASTQ(uris)
	if err != nil {
		return nil, err
	}
	var sources []readsetimport.Source
	for _, pair := range pairs {
		sample := f.sample
		if sample == "" {
			sample = sampleOf(pair.Source1)
		}
		subject := f.subject
		if subject == "" {
			subject = sample
		}
		sources = append(sources, readsetimport.PairedFASTQ(pair.Source1, pair.Source2).WithSample(sample).WithSubject(subject))
	}
	return sources, nil
}

// sampleOf is the file's name up to the first _ or dot: NA12878 of s3://bucket/run/NA12878_S1_L001_R1_001.fastq.gz.
func sampleOf(uri string) string {
	name := path.Base(uri)
	if end := strings.IndexAny(name, "_."); end > 0 {
		return name[:end]
	}
	return name
}
