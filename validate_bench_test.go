package readsetimport_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
)

// Checking a valid source must cost nothing to speak of: readers of long sheets do it for every row.
func TestValidateAllocatesNothing(t *testing.T) {
	for name, source := range validBenchmarkSources() {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, source.Validate())
			require.Zero(t, testing.AllocsPerRun(100, func() { _ = source.Validate() }))
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	for name, source := range validBenchmarkSources() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := source.Validate(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkValidateInvalid finds two faults.
func BenchmarkValidateInvalid(b *testing.B) {
	source := validFASTQ()
	source.Source1, source.SampleID = "s3://Reads/1.fastq.gz", "sample\t"
	b.ReportAllocs()
	for b.Loop() {
		if err := source.Validate(); err == nil {
			b.Fatal("valid")
		}
	}
}

func BenchmarkValidateSources(b *testing.B) {
	sources := validSources(100_000)
	b.ReportAllocs()
	for b.Loop() {
		if err := readsetimport.ValidateSources(sources); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(sources)*b.N)/b.Elapsed().Seconds(), "sources/s")
}

func validBenchmarkSources() map[string]readsetimport.Source {
	return map[string]readsetimport.Source{
		"FASTQ": validFASTQ(),
		"CRAM, every field": readsetimport.CRAM("s3://reads/project/run/sample-1.cram", referenceARN).WithSubject("subject-1").WithSample("sample-1").
			WithName("sample-1").WithDescription("a description of some words").WithGeneratedFrom("run 7").
			WithTag("project", "p1").WithTag("batch", "2024-01").WithTag("lane", "L001"),
		"not ASCII": validFASTQ().WithName(nonASCII).WithTag("Projekt ä", "試料"),
	}
}
