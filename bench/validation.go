package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/readsetimport/readsetimport"
)

// benchValidation compares this library with the constraints written as regular expressions, and with the SDK's generated
// validator, which looks only for what is missing.
func benchValidation(ctx context.Context) ([]table, error) {
	t := table{
		Title: "Validation of a source",
		Notes: []string{
			"CPU time and allocations for each of 100 sources: pairs of FASTQ files, and CRAM files with every field and three tags.",
			"The regular expressions are compiled once, and check what this library checks. The SDK's validator looks only for",
			"what is missing, so that it finds nothing in the invalid sources.",
		},
		Columns: []column{
			{"sources", ""},
			{"this library, ns", "%.0f"},
			{"allocations", "%.1f"},
			{"regular expressions, ns", "%.0f"},
			{"allocations", "%.1f"},
			{"SDK, ns", "%.0f"},
			{"allocations", "%.1f"},
			{"regular expressions / this library", "%.1f"},
		},
	}
	for _, set := range validationSets() {
		r, err := validationRow(ctx, set)
		if err != nil {
			return nil, err
		}
		t.Rows = append(t.Rows, r)
	}
	return []table{t}, nil
}

func validationRow(ctx context.Context, set validationSet) (row, error) {
	for _, s := range set.sources {
		if (s.Validate() == nil) != set.valid || (validateByRegexp(&s) == nil) != set.valid {
			return row{}, fmt.Errorf("%s: a source is taken for what it is not: %w", set.name, errors.Join(s.Validate(), validateByRegexp(&s)))
		}
	}
	n := len(set.sources)
	until, through := sdkValidator(set.sources)
	costs, err := alternate(ctx, 7, []side{
		{"this library", repeat(n, func() {
			for i := range set.sources {
				_ = set.sources[i].Validate()
			}
		})},
		{"regular expressions", repeat(n, func() {
			for i := range set.sources {
				_ = validateByRegexp(&set.sources[i])
			}
		})},
		{"SDK until its validator", repeat(n, until)},
		{"SDK through its validator", repeat(n, through)},
	})
	if err != nil {
		return row{}, err
	}
	library, regexps := costs[0], costs[1]
	sdk := make([]cost, len(library))
	for i := range sdk {
		sdk[i] = cost{cpu: max(0, costs[3][i].cpu-costs[2][i].cpu), allocs: max(0, costs[3][i].allocs-costs[2][i].allocs)}
	}
	r := row{Name: set.name}
	for _, side := range [][]cost{library, regexps, sdk} {
		r.Figures = append(r.Figures, overRounds(side, cpu, 1), overRounds(side, allocs, 1))
	}
	r.Figures = append(r.Figures, ratio(regexps, library, cpu))
	return r, nil
}

type validationSet struct {
	name    string
	valid   bool
	sources []readsetimport.Source
}

// validationSets returns sources as sample sheets have them. Of the invalid ones each has two faults.
func validationSets() []validationSet {
	const reference = "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/2345678901"
	make100 := func(subject, name, text, tag string, change func(*readsetimport.Source)) []readsetimport.Source {
		var out []readsetimport.Source
		for i := range 50 {
			pair := readsetimport.PairedFASTQ(
				fmt.Sprintf("s3://sequencing-reads/runs/240115_A00123_0456_BHJ7V2DSX5/%s%d_S%d_L001_R1_001.fastq.gz", name, i, i),
				fmt.Sprintf("s3://sequencing-reads/runs/240115_A00123_0456_BHJ7V2DSX5/%s%d_S%d_L001_R2_001.fastq.gz", name, i, i)).
				WithSubject(fmt.Sprintf("%s%d", subject, i)).WithSample(fmt.Sprintf("%s%d", name, i))
			cram := readsetimport.CRAM(fmt.Sprintf("s3://sequencing-reads/aligned/%s%d.final.cram", name, i), reference).
				WithSubject(fmt.Sprintf("%s%d", subject, i)).WithSample(fmt.Sprintf("%s%d", name, i)).WithName(fmt.Sprintf("%s%d", name, i)).
				WithDescription(text).WithGeneratedFrom("run 240115").
				WithTag("project", tag).WithTag("batch", "2024-01").WithTag("lane", "L001")
			change(&pair)
			change(&cram)
			out = append(out, pair, cram)
		}
		return out
	}
	keep := func(*readsetimport.Source) {}
	spoil := func(s *readsetimport.Source) {
		s.Source1 = strings.Replace(s.Source1, "s3://sequencing-reads/", "s3://Sequencing_Reads/", 1)
		s.SampleID += "\t"
	}
	return []validationSet{
		{"valid, ASCII", true, make100("NA", "NA12", "whole genome, 30x, PCR-free library", "rare-diseases", keep)},
		{"valid, not ASCII", true, make100("Mädchen-", "Gewebe-ä", "Längsschnitt – zweite Probe, 試料", "Müllers Gruppe", keep)},
		{"invalid, ASCII", false, make100("NA", "NA12", "whole genome, 30x, PCR-free library", "rare-diseases", spoil)},
		{"invalid, not ASCII", false, make100("Mädchen-", "Gewebe-ä", "Längsschnitt – zweite Probe, 試料", "Müllers Gruppe", spoil)},
	}
}

// The constraints of the API reference and the user guide, as Go writes them. Lengths are checked apart: in a regular
// expression they cost ten times as much.
var (
	textRegexp      = regexp.MustCompile(`^[\pL\pM\pZ\pS\pN\pP]+$`)
	s3Regexp        = regexp.MustCompile(`^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/[^\n\r\x{2028}\x{2029}]+$`)
	arnRegexp       = regexp.MustCompile(`^arn:[^\n\r\x{2028}\x{2029}]+$`)
	referenceRegexp = regexp.MustCompile(`^arn:[^:]+:omics:[^:]+:[0-9]{12}:referenceStore/[0-9]{10,36}/reference/[0-9]{10,36}$`)
	tagRegexp       = regexp.MustCompile(`^[\pL\pZ\pN_.:/=+\-@]*$`)
)

// validateByRegexp checks a source as a careful engineer writes it who has the API reference at hand.
func validateByRegexp(s *readsetimport.Source) error {
	var faults []error
	add := func(field, what string) { faults = append(faults, fmt.Errorf("%s: %s", field, what)) }
	text := func(field, value string, least, most int) {
		switch n := utf8.RuneCountInString(value); {
		case value == "" && least == 0:
		case n < least || n > most:
			add(field, fmt.Sprintf("must have %d to %d characters", least, most))
		case !utf8.ValidString(value) || !textRegexp.MatchString(value):
			add(field, "must have no control characters")
		}
	}
	file := func(field, uri string) {
		if !utf8.ValidString(uri) || !s3Regexp.MatchString(uri) {
			add(field, "must be s3://bucket/key")
		} else if _, key, _ := strings.Cut(uri[len("s3://"):], "/"); utf8.RuneCountInString(key) > 1024 {
			add(field, "must have a key of at most 1024 characters")
		}
	}
	file("sourceFiles.source1", s.Source1)
	if s.Source2 != "" {
		file("sourceFiles.source2", s.Source2)
		if s.Type != types.FileTypeFastq || s.Source1 == s.Source2 {
			add("sourceFiles.source2", "must be the second mate of a pair of FASTQ files")
		}
	}
	switch s.Type {
	case types.FileTypeFastq, types.FileTypeUbam:
		if s.ReferenceARN != "" && (utf8.RuneCountInString(s.ReferenceARN) > 127 || !utf8.ValidString(s.ReferenceARN) || !arnRegexp.MatchString(s.ReferenceARN)) {
			add("referenceArn", "must be an ARN")
		}
	case types.FileTypeBam, types.FileTypeCram:
		if utf8.RuneCountInString(s.ReferenceARN) > 127 || !utf8.ValidString(s.ReferenceARN) || !referenceRegexp.MatchString(s.ReferenceARN) {
			add("referenceArn", "must be the ARN of a reference")
		}
	default:
		add("sourceFileType", "must be FASTQ, BAM, CRAM or UBAM")
	}
	text("subjectId", s.SubjectID, 1, 127)
	text("sampleId", s.SampleID, 1, 127)
	text("generatedFrom", s.GeneratedFrom, 0, 127)
	text("name", s.Name, 0, 127)
	text("description", s.Description, 0, 255)
	if len(s.Tags) > 50 {
		add("tags", "must be at most 50")
	}
	for key, value := range s.Tags {
		if n := utf8.RuneCountInString(key); n < 1 || n > 128 || !utf8.ValidString(key) || !tagRegexp.MatchString(key) || len(key) >= 4 && strings.EqualFold(key[:4], "aws:") {
			add("tags", "must have a key of 1 to 128 letters and digits")
		}
		if utf8.RuneCountInString(value) > 256 || !utf8.ValidString(value) || !tagRegexp.MatchString(value) {
			add("tags", "must have a value of at most 256 letters and digits")
		}
	}
	return errors.Join(faults...)
}

// sdkValidator returns what the SDK does with a request before its validator, and what it does up to the end of it: the
// validator itself cannot be called.
func sdkValidator(sources []readsetimport.Source) (until, through func()) {
	in := &omics.StartReadSetImportJobInput{
		SequenceStoreId: aws.String(target.SequenceStoreID), RoleArn: aws.String(target.RoleARN), ClientToken: aws.String("token"),
	}
	for _, s := range sources {
		in.Sources = append(in.Sources, s.Item())
	}
	stopped := errors.New("no further")
	stop := middleware.InitializeMiddlewareFunc("stop", func(context.Context, middleware.InitializeInput, middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		return middleware.InitializeOutput{}, middleware.Metadata{}, stopped
	})
	stopping := func(where middleware.RelativePosition) func() {
		client := omics.New(omics.Options{Region: "us-east-1"}, func(o *omics.Options) {
			o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
				return stack.Initialize.Insert(stop, "OperationInputValidation", where)
			})
		})
		return func() {
			if _, err := client.StartReadSetImportJob(context.Background(), in); !errors.Is(err, stopped) {
				panic(err)
			}
		}
	}
	return stopping(middleware.Before), stopping(middleware.After)
}
