package readsetimport

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/internal/wire"
)

// Source is one read set to import: its files, what they are, and whose they are. The zero value is not valid; build
// one with [FASTQ], [PairedFASTQ], [BAM], [CRAM] or [UBAM], or fill the fields. A Source is a value: the With methods
// return a changed copy, with tags of its own, and leave the original alone.
//
// Its JSON is the shape that HealthOmics uses in requests and manifests: sourceFiles.source1, sourceFileType, subjectId
// and so on.
type Source struct {
	// Type says what the files are. FASTQ files must be compressed with gzip.
	Type types.FileType

	// Source1 is the S3 URI of the file, s3://bucket/key. The bucket must be in the store's Region, and the file is at
	// most 976 GB. Source2 is the second mate of a FASTQ pair, and empty for everything else.
	Source1, Source2 string

	// SubjectID and SampleID identify the subject and the sample: 1 to 127 characters each. Sources may share them.
	SubjectID, SampleID string

	// Name and GeneratedFrom have up to 127 characters, Description up to 255. All three may be empty.
	Name, Description, GeneratedFrom string

	// ReferenceARN is the reference genome that BAM and CRAM files are aligned to:
	// arn:PARTITION:omics:REGION:ACCOUNT:referenceStore/ID/reference/ID. FASTQ and UBAM do without.
	ReferenceARN string

	// Tags of the read set, up to 50. Keys have 1 to 128 characters and do not begin with aws:, values up to 256.
	Tags map[string]string
}

// FASTQ returns a source with one unpaired FASTQ file. It still needs a subject and a sample.
func FASTQ(source1 string) Source {
	return Source{Type: types.FileTypeFastq, Source1: source1}
}

// PairedFASTQ returns a source with a pair of FASTQ files, first and second mates. It still needs a subject and a sample.
func PairedFASTQ(source1, source2 string) Source {
	return Source{Type: types.FileTypeFastq, Source1: source1, Source2: source2}
}

// BAM returns a source with an aligned BAM file and the ARN of its reference. It still needs a subject and a sample.
func BAM(source1, referenceARN string) Source {
	return Source{Type: types.FileTypeBam, Source1: source1, ReferenceARN: referenceARN}
}

// CRAM returns a source with a CRAM file and the ARN of its reference. It still needs a subject and a sample.
func CRAM(source1, referenceARN string) Source {
	return Source{Type: types.FileTypeCram, Source1: source1, ReferenceARN: referenceARN}
}

// UBAM returns a source with an unaligned BAM file. It still needs a subject and a sample.
func UBAM(source1 string) Source {
	return Source{Type: types.FileTypeUbam, Source1: source1}
}

// WithSubject returns a copy with the subject id, of 1 to 127 characters. Every source needs one, and may share it.
func (s Source) WithSubject(id string) Source {
	s = s.clone()
	s.SubjectID = id
	return s
}

// WithSample returns a copy with the sample id, of 1 to 127 characters. Every source needs one, and may share it.
func (s Source) WithSample(id string) Source {
	s = s.clone()
	s.SampleID = id
	return s
}

// WithName returns a copy with the read set's name, of up to 127 characters. A [ReadSetFilter] finds read sets by it.
func (s Source) WithName(name string) Source {
	s = s.clone()
	s.Name = name
	return s
}

// WithDescription returns a copy with the read set's description: up to 255 characters, for people who look at the store.
func (s Source) WithDescription(text string) Source {
	s = s.clone()
	s.Description = text
	return s
}

// WithGeneratedFrom returns a copy that says where the read set originated, in up to 127 characters, such as a flow cell.
func (s Source) WithGeneratedFrom(origin string) Source {
	s = s.clone()
	s.GeneratedFrom = origin
	return s
}

// WithReference returns a copy with the ARN of the reference genome, which BAM and CRAM files need and others do without.
func (s Source) WithReference(arn string) Source {
	s = s.clone()
	s.ReferenceARN = arn
	return s
}

// WithTag returns a copy with one tag more, or with a tag of that key changed. The original's tags are not touched.
func (s Source) WithTag(key, value string) Source {
	s = s.clone()
	if s.Tags == nil {
		s.Tags = make(map[string]string, 1)
	}
	s.Tags[key] = value
	return s
}

// clone is the source with tags of its own.
func (s Source) clone() Source {
	s.Tags = maps.Clone(s.Tags)
	return s
}

func clones(sources []Source) []Source {
	out := slices.Clone(sources)
	for i := range out {
		out[i].Tags = maps.Clone(out[i].Tags)
	}
	return out
}

// Item returns the source as the SDK's request type, without empty optional fields. They share no memory.
func (s Source) Item() types.StartReadSetImportJobSourceItem { return s.shape().Item() }

// SourceFromItem returns the source of an SDK request item, for code that has those. It copies, and does not validate.
func SourceFromItem(item types.StartReadSetImportJobSourceItem) Source {
	return sourceFromShape(wire.SourceFromItem(item))
}

// shape returns the source in the service's own shape, with the same map of tags.
func (s Source) shape() wire.Source { return wire.ShapeOf(rules.Source(s)) }

func sourceFromShape(w wire.Source) Source { return Source(w.Flat()) }

// MarshalJSON writes the source in the service's own shape, as manifests and requests of other tools have it.
func (s Source) MarshalJSON() ([]byte, error) { return json.Marshal(s.shape()) }

// UnmarshalJSON reads a source in the service's own shape. Fields that a source does not have are ignored, so that an
// answer of the service can be read too.
func (s *Source) UnmarshalJSON(data []byte) error {
	var w wire.Source
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	*s = sourceFromShape(w)
	return nil
}
