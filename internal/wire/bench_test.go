package wire

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

func benchSource() Source {
	return Source{
		SourceFiles:    SourceFiles{"s3://bucket/run/0000001_R1.fastq.gz", "s3://bucket/run/0000001_R2.fastq.gz"},
		SourceFileType: types.FileTypeFastq, SubjectID: "subject", SampleID: "sample", Tags: map[string]string{"project": "p"},
	}
}

func BenchmarkItem(b *testing.B) {
	s := benchSource()
	b.ReportAllocs()
	for b.Loop() {
		s.Item()
	}
}

// BenchmarkSourceFromAnswer has the tags that the service adds to each source.
func BenchmarkSourceFromAnswer(b *testing.B) {
	item := benchSource().Item()
	answer := types.ImportReadSetSourceItem{
		SourceFiles: item.SourceFiles, SourceFileType: item.SourceFileType, SubjectId: item.SubjectId, SampleId: item.SampleId,
		Tags:   map[string]string{"project": "p", "aws:omics:sampleId": "sample", "aws:omics:subjectId": "subject"},
		Status: types.ReadSetImportJobItemStatusFinished, ReadSetId: aws.String("1234567890"),
	}
	b.ReportAllocs()
	for b.Loop() {
		SourceFromAnswer(answer)
	}
}
