package manifest_test

import (
	"errors"
	"iter"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

const (
	reference = "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1234567890"
	bucket    = "s3://reads/"
)

// collect reads a manifest to its end. An error must come last.
func collect(t testing.TB, seq iter.Seq2[readsetimport.Source, error]) (sources []readsetimport.Source, err error) {
	t.Helper()
	for s, e := range seq {
		require.NoError(t, err, "the error must be the last thing that an iterator yields")
		if err = e; err == nil {
			require.NoError(t, s.Validate(), "what is yielded must be valid")
			sources = append(sources, s)
		}
	}
	return sources, err
}

func readString(t testing.TB, text string, optFns ...func(*manifest.Options)) ([]readsetimport.Source, error) {
	t.Helper()
	return collect(t, manifest.Read(strings.NewReader(text), optFns...))
}

// fault is what a test expects of one: where, by which rule, and, for what no rule tells, a part of the detail.
type fault struct {
	line, column int
	field        string
	rule         readsetimport.Rule
	detail       string
}

// requireFaults checks that the error has these faults and nothing else.
func requireFaults(t testing.TB, err error, want ...fault) {
	t.Helper()
	var e *manifest.Error
	require.ErrorAs(t, err, &e)
	require.NoError(t, e.Err)
	var got []fault
	for i, f := range e.Faults {
		g := fault{f.Line, f.Column, f.Field, f.Rule, ""}
		if i < len(want) && strings.Contains(f.Detail, want[i].detail) {
			g.detail = want[i].detail
		} else {
			g.detail = f.Detail
		}
		got = append(got, g)
		require.ErrorIs(t, f, readsetimport.ErrValidation)
		require.False(t, f.Value != "" && len(f.Value) > 6 && !strings.Contains(f.Field, f.Value) && strings.Contains(f.Error(), f.Value),
			"Error must not quote the value: %s", f.Error())
	}
	require.Equal(t, want, got)
	require.ErrorIs(t, err, readsetimport.ErrValidation)
}

func pair(sample, file1, file2 string) readsetimport.Source {
	return readsetimport.PairedFASTQ(bucket+file1, bucket+file2).WithSample(sample).WithSubject(sample)
}

func single(sample, file string) readsetimport.Source {
	return readsetimport.FASTQ(bucket + file).WithSample(sample).WithSubject(sample)
}

func TestIteratorIsForOneUse(t *testing.T) {
	seq := manifest.Read(strings.NewReader("sample,fastq_1\ns,s3://reads/a.fastq.gz\n"))
	sources, err := collect(t, seq)
	require.NoError(t, err)
	require.Len(t, sources, 1)
	_, err = collect(t, seq)
	require.Error(t, err)
	require.False(t, errors.Is(err, readsetimport.ErrValidation))
}

// The line of a source is where it begins in the manifest, whatever was left out or skipped before it.
func TestLine(t *testing.T) {
	const source = `"sourceFileType": "UBAM", "subjectId": "s", "sampleId": "s"}`
	for name, test := range map[string]struct {
		text string
		want []int
	}{
		"table":      {"# run 7\nsample,fastq_1\n\ns,s3://reads/a.fastq.gz\r\ns,s3://reads/b.fq\ns,s3://reads/c.fastq.gz\n", []int{4, 6}},
		"list":       {"s3://reads/a_R1.fastq.gz\ns3://reads/x.bai\ns3://reads/b.fastq.gz\ns3://reads/a_R2.fastq.gz\n", []int{1, 3}},
		"JSON":       {"{\"sources\": [\n{\"sourceFiles\": {\"source1\": \"s3://reads/a.bam\"},\n" + source + ",\n\n{\"sourceFiles\": {\"source1\": \"s3://reads/b.bam\"}, " + source + "]}", []int{2, 5}},
		"JSON Lines": {"{\"sourceFiles\": {\"source1\": \"s3://reads/a.bam\"}, " + source + "\n{\"sourceFiles\": {\"source1\": \"s3://reads/b.bam\"}, " + source + "\n", []int{1, 2}},
		"YAML":       {"sources:\n- sampleId: s\n  subjectId: s\n  sourceFileType: UBAM\n  sourceFiles:\n    source1: s3://reads/a.bam\n- {sampleId: s, subjectId: s, sourceFileType: UBAM, sourceFiles: {source1: s3://reads/b.bam}}\n", []int{2, 7}},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []int
			line := 0
			for _, err := range manifest.Read(strings.NewReader(test.text), func(o *manifest.Options) { o.Line = &line }) {
				if err == nil {
					lines = append(lines, line)
				}
			}
			require.Equal(t, test.want, lines)
		})
	}
}
