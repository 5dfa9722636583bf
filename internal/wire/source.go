package wire

import (
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/rules"
)

// Source is a source in the service's own shape. Its JSON, with the order of the fields, is part of every client token.
type Source struct {
	SourceFiles    SourceFiles       `json:"sourceFiles"`
	SourceFileType types.FileType    `json:"sourceFileType"`
	SubjectID      string            `json:"subjectId"`
	SampleID       string            `json:"sampleId"`
	GeneratedFrom  string            `json:"generatedFrom,omitempty"`
	ReferenceARN   string            `json:"referenceArn,omitempty"`
	Name           string            `json:"name,omitempty"`
	Description    string            `json:"description,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
}

// SourceFiles are the files of a Source.
type SourceFiles struct {
	Source1 string `json:"source1"`
	Source2 string `json:"source2,omitempty"`
}

// Item returns the source as the SDK's request type, sharing nothing with it: the pointers are to fields of this copy. Empty
// optional fields are left out.
func (s Source) Item() types.StartReadSetImportJobSourceItem {
	return types.StartReadSetImportJobSourceItem{
		SourceFiles:    &types.SourceFiles{Source1: &s.SourceFiles.Source1, Source2: optional(&s.SourceFiles.Source2)},
		SourceFileType: s.SourceFileType,
		SubjectId:      &s.SubjectID,
		SampleId:       &s.SampleID,
		GeneratedFrom:  optional(&s.GeneratedFrom),
		ReferenceArn:   optional(&s.ReferenceARN),
		Name:           optional(&s.Name),
		Description:    optional(&s.Description),
		Tags:           maps.Clone(s.Tags),
	}
}

func optional(s *string) *string {
	if *s == "" {
		return nil
	}
	return s
}

// SourceFromItem returns the source of an SDK request item, sharing nothing with it.
func SourceFromItem(item types.StartReadSetImportJobSourceItem) Source {
	s := Source{
		SourceFileType: item.SourceFileType,
		SubjectID:      aws.ToString(item.SubjectId),
		SampleID:       aws.ToString(item.SampleId),
		GeneratedFrom:  aws.ToString(item.GeneratedFrom),
		ReferenceARN:   aws.ToString(item.ReferenceArn),
		Name:           aws.ToString(item.Name),
		Description:    aws.ToString(item.Description),
		Tags:           maps.Clone(item.Tags),
	}
	if item.SourceFiles != nil {
		s.SourceFiles = SourceFiles{aws.ToString(item.SourceFiles.Source1), aws.ToString(item.SourceFiles.Source2)}
	}
	return s
}

// SourceFromAnswer returns the source in a job's answer, without what the service adds to it: tags of its own (aws:…)
// and an empty source2 where there is no mate.
func SourceFromAnswer(item types.ImportReadSetSourceItem) Source {
	s := SourceFromItem(types.StartReadSetImportJobSourceItem{
		SourceFiles:    item.SourceFiles,
		SourceFileType: item.SourceFileType,
		SubjectId:      item.SubjectId,
		SampleId:       item.SampleId,
		GeneratedFrom:  item.GeneratedFrom,
		ReferenceArn:   item.ReferenceArn,
		Name:           item.Name,
		Description:    item.Description,
	})
	for key, value := range item.Tags {
		if rules.IsReservedTagKey(key) {
			continue
		}
		if s.Tags == nil {
			s.Tags = make(map[string]string)
		}
		s.Tags[key] = value
	}
	return s
}

// ShapeOf returns a source in the service's own shape, with the same map of tags.
func ShapeOf(s rules.Source) Source {
	return Source{
		SourceFiles:    SourceFiles{Source1: s.Source1, Source2: s.Source2},
		SourceFileType: s.Type,
		SubjectID:      s.SubjectID,
		SampleID:       s.SampleID,
		GeneratedFrom:  s.GeneratedFrom,
		ReferenceARN:   s.ReferenceARN,
		Name:           s.Name,
		Description:    s.Description,
		Tags:           s.Tags,
	}
}

// Flat is the inverse of ShapeOf.
func (s Source) Flat() rules.Source {
	return rules.Source{
		Type:          s.SourceFileType,
		Source1:       s.SourceFiles.Source1,
		Source2:       s.SourceFiles.Source2,
		SubjectID:     s.SubjectID,
		SampleID:      s.SampleID,
		Name:          s.Name,
		Description:   s.Description,
		GeneratedFrom: s.GeneratedFrom,
		ReferenceARN:  s.ReferenceARN,
		Tags:          s.Tags,
	}
}
