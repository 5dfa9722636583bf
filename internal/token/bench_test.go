package token

import (
	"fmt"
	"testing"
)

// benchSource has the shape of a source's JSON.
type benchSource struct {
	SourceFiles    struct{ Source1, Source2 string }
	SourceFileType string
	SubjectID      string
	SampleID       string
	Tags           map[string]string
}

func benchBody() []benchSource {
	body := make([]benchSource, 100)
	for i := range body {
		s := &body[i]
		s.SourceFiles.Source1 = fmt.Sprintf("s3://bucket/run/%07d_R1.fastq.gz", i)
		s.SourceFiles.Source2 = fmt.Sprintf("s3://bucket/run/%07d_R2.fastq.gz", i)
		s.SourceFileType, s.SubjectID, s.SampleID, s.Tags = "FASTQ", "subject", "sample", map[string]string{"project": "p"}
	}
	return body
}

func BenchmarkFirst100(b *testing.B) {
	body := benchBody()
	b.ReportAllocs()
	for b.Loop() {
		First("run-1", "1234567890", "arn:aws:iam::123456789012:role/import", body)
	}
}

func BenchmarkFingerprint(b *testing.B) {
	s := &benchBody()[0]
	b.ReportAllocs()
	for b.Loop() {
		Fingerprint("1234567890", s.SourceFileType, s.SourceFiles.Source1, s.SourceFiles.Source2, s.SubjectID, s.SampleID)
	}
}

func BenchmarkFile(b *testing.B) {
	uri := benchBody()[0].SourceFiles.Source1
	b.ReportAllocs()
	for b.Loop() {
		File(uri)
	}
}
