package wire

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"
)

// What the service adds to a source must not make it another source.
func TestSourceFromAnswer(t *testing.T) {
	sent := Source{
		SourceFiles: SourceFiles{"s3://reads/1", "s3://reads/2"}, SourceFileType: types.FileTypeFastq, SubjectID: "u", SampleID: "a",
		GeneratedFrom: "g", ReferenceARN: "arn:r", Name: "n", Description: "d",
	}
	tagged := sent
	tagged.Tags = map[string]string{"project": "p1"}
	for name, source := range map[string]Source{
		"a pair with everything": tagged,
		"without tags":           sent,
		"without a mate":         {SourceFiles: SourceFiles{Source1: "s3://reads/1"}, SourceFileType: types.FileTypeUbam, SubjectID: "u", SampleID: "a"},
	} {
		t.Run(name, func(t *testing.T) {
			request := source.Item()
			answer := types.ImportReadSetSourceItem{
				SourceFiles:    request.SourceFiles,
				SourceFileType: request.SourceFileType,
				SubjectId:      request.SubjectId,
				SampleId:       request.SampleId,
				Name:           request.Name,
				Description:    request.Description,
				GeneratedFrom:  request.GeneratedFrom,
				ReferenceArn:   request.ReferenceArn,
				Tags:           map[string]string{"aws:omics:subjectId": "u", "aws:omics:sampleId": "a", "AWS:other": "x"},
				Status:         types.ReadSetImportJobItemStatusFinished,
				ReadSetId:      aws.String("1234567890"),
			}
			for key, value := range request.Tags {
				answer.Tags[key] = value
			}
			if answer.SourceFiles.Source2 == nil {
				answer.SourceFiles.Source2 = aws.String("")
			}
			require.Equal(t, source, SourceFromAnswer(answer))
			require.Contains(t, answer.Tags, "AWS:other", "the answer itself is left alone")
		})
	}
	require.Equal(t, Source{}, SourceFromAnswer(types.ImportReadSetSourceItem{}), "an empty answer")
}

// A request item and its source share nothing, and are the same.
func TestSourceFromItem(t *testing.T) {
	for _, s := range []Source{
		{},
		{SourceFiles: SourceFiles{"1", "2"}, SourceFileType: "FASTQ", SubjectID: "u", SampleID: "a", GeneratedFrom: "g", ReferenceARN: "r", Name: "n", Description: "d", Tags: map[string]string{"k": "v"}},
	} {
		item := s.Item()
		require.Equal(t, s, SourceFromItem(item))
		require.Equal(t, s.Name == "", item.Name == nil, "an empty optional field is left out")
		require.NotNil(t, item.SampleId)
		if item.Tags != nil {
			item.Tags["k"] = "changed"
			require.Equal(t, "v", s.Tags["k"])
		}
	}
	require.Equal(t, Source{}, SourceFromItem(types.StartReadSetImportJobSourceItem{}))
}
