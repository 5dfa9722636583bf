package s3files_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/s3files"
)

// exampleClient stands for s3.NewFromConfig(cfg). Its bucket is in memory.
func exampleClient() *s3.Client {
	first, second := reads(3, 1), reads(3, 2)
	cram, _ := os.ReadFile("testdata/v3.0.cram")
	return inBucket(objects{
		"run7/NA12878_S1_L001_R1_001.fastq.gz": {data: gzipped(first)},
		"run7/NA12878_S1_L001_R2_001.fastq.gz": {data: gzipped(second)},
		"run7/NA12891_S2_L001_R1_001.fastq.gz": {data: gzipped(first)},
		"run7/NA12891_S2_L001_R2_001.fastq.gz": {data: gzipped(first)},
		"run7/NA12892_S3_L001_R2_001.fastq.gz": {data: gzipped(second)},
		"run7/SampleSheet.csv":                 {data: []byte("[Header]")},
		"run7/Undetermined_S0_R1_001.fastq.gz": {data: gzipped(first)},
		"cohort/P1/NA12878.cram":               {data: cram},
		"cohort/P1/NA12878.cram.crai":          {data: cram[:9]},
		"cohort/P2/NA12891.cram":               {data: cram[:len(cram)-100]},
		"cohort/P3/NA12892.cram":               {data: cram, header: map[string]string{"X-Amz-Storage-Class": "DEEP_ARCHIVE"}},
		"cohort/report.docx":                   {data: cram[:9]},
	}).client()
}

const exampleReference = "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1234567890"

// What lies under a prefix.
func ExampleList() {
	client := exampleClient() // s3.NewFromConfig(cfg)
	for file, err := range s3files.List(context.Background(), client, "s3://bucket/cohort/", func(o *s3files.Options) {
		o.Suffixes = []string{".cram"}
		o.ModifiedSince = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(file.URI(), file.Size, file.StorageClass)
	}
	// Output:
	// s3://bucket/cohort/P1/NA12878.cram 951 STANDARD
	// s3://bucket/cohort/P2/NA12891.cram 851 STANDARD
	// s3://bucket/cohort/P3/NA12892.cram 951 DEEP_ARCHIVE
}

// The read sets of a run, paired, and what became of the other objects.
func ExampleSources() {
	client := exampleClient() // s3.NewFromConfig(cfg)
	skipped := make(map[s3files.SkipReason]int)
	for source, err := range s3files.Sources(context.Background(), client, "s3://bucket/run7/", func(o *s3files.Options) {
		o.OnSkip = func(s s3files.Skipped) { skipped[s.Reason]++ }
	}) {
		if err != nil {
			fmt.Println(err)
			break
		}
		fmt.Println(source.SampleID, source.Source1, source.Source2)
	}
	fmt.Println(skipped)
	// Output:
	// NA12878 s3://bucket/run7/NA12878_S1_L001_R1_001.fastq.gz s3://bucket/run7/NA12878_S1_L001_R2_001.fastq.gz
	// NA12891 s3://bucket/run7/NA12891_S2_L001_R1_001.fastq.gz s3://bucket/run7/NA12891_S2_L001_R2_001.fastq.gz
	// s3files: 1 file cannot be imported: s3://bucket/run7/NA12892_S3_L001_R2_001.fastq.gz: "NA12892_S3_L001_R2_001.fastq.gz" is a second mate without its first, "NA12892_S3_L001_R1_001.fastq.gz"
	// map[invalid:1 report:1 undetermined:1]
}

// Subjects and samples from folders and names.
func ExampleSources_pattern() {
	client := exampleClient() // s3.NewFromConfig(cfg)
	for source, err := range s3files.Sources(context.Background(), client, "s3://bucket/cohort/", func(o *s3files.Options) {
		o.Pattern = regexp.MustCompile(`^cohort/(?P<subject>[^/]+)/(?P<sample>[^/.]+)`)
		o.ReferenceARN = exampleReference
	}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(source.SubjectID, source.SampleID, source.Type, source.Source1)
	}
	// Output:
	// P1 NA12878 CRAM s3://bucket/cohort/P1/NA12878.cram
	// P2 NA12891 CRAM s3://bucket/cohort/P2/NA12891.cram
	// P3 NA12892 CRAM s3://bucket/cohort/P3/NA12892.cram
}

// Subjects and samples from a table of one's own.
func ExampleSources_ids() {
	client := exampleClient() // s3.NewFromConfig(cfg)
	patients := map[string]string{"NA12878": "P1", "NA12891": "P2"}
	for source, err := range s3files.Sources(context.Background(), client, "s3://bucket/cohort/", func(o *s3files.Options) {
		o.ReferenceARN = exampleReference
		o.IDs = func(f s3files.File) (subjectID, sampleID string, err error) {
			sampleID, _, _ = strings.Cut(f.Key[strings.LastIndex(f.Key, "/")+1:], ".")
			if patients[sampleID] == "" {
				return "", "", errors.New("no patient in the table has this sample")
			}
			return patients[sampleID], sampleID, nil
		}
	}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(source.SubjectID, source.SampleID)
	}
	// Output:
	// P1 NA12878
	// P2 NA12891
	// s3files: 1 file cannot be imported: s3://bucket/cohort/P3/NA12892.cram: no patient in the table has this sample
}

// A prefix is checked while it is listed. What is without errors can be imported.
func ExampleCheck() {
	client := exampleClient() // s3.NewFromConfig(cfg)
	ctx := context.Background()
	sources := s3files.Sources(ctx, client, "s3://bucket/", func(o *s3files.Options) {
		o.ReferenceARN = exampleReference
		o.Suffixes = []string{".cram", "_001.fastq.gz"}
		o.Pattern = regexp.MustCompile(`/(?P<sample>NA[0-9]+)`)
	})
	var good []readsetimport.Source
	for checked, err := range s3files.Check(ctx, client, sources, func(o *s3files.CheckOptions) { o.Region = "us-east-1" }) {
		if err != nil {
			fmt.Println(err)
			break
		}
		for _, p := range checked.Problems {
			fmt.Println(p)
		}
		if !slices.ContainsFunc(checked.Problems, func(p s3files.Problem) bool { return p.Severity == s3files.SeverityError }) {
			good = append(good, checked.Source)
		}
	}
	fmt.Println(len(good), "sources without errors")
	// Output:
	// error truncated s3://bucket/cohort/P2/NA12891.cram: it ends before its end marker, so it is cut off: upload it again
	// warning sample-differs s3://bucket/cohort/P2/NA12891.cram: the sample (SM) of its read groups is not the sample id of the source: make sure whose it is
	// error archived s3://bucket/cohort/P3/NA12892.cram: it is archived in DEEP_ARCHIVE: restore it, and wait until it is restored
	// error same-mates s3://bucket/run7/NA12891_S2_L001_R2_001.fastq.gz: both mates have the same content: give the other mate's file
	// s3files: 1 file cannot be imported: s3://bucket/run7/NA12892_S3_L001_R2_001.fastq.gz: "NA12892_S3_L001_R2_001.fastq.gz" is a second mate without its first, "NA12892_S3_L001_R1_001.fastq.gz"
	// 2 sources without errors
}
