package readsetimport_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
)

const referenceARN = "arn:aws:omics:us-west-2:123456789012:referenceStore/1234567890/reference/0987654321"

// fullSource has every field, which no valid source has: it is BAM with a second file.
var fullSource = readsetimport.Source{
	Type:          types.FileTypeBam,
	Source1:       "s3://reads-bucket/run 7/a&b<é>.bam",
	Source2:       "s3://reads-bucket/2",
	SubjectID:     "subject-1",
	SampleID:      "sample-1",
	Name:          "name",
	Description:   "a \"quoted\" description",
	GeneratedFrom: "run 7",
	ReferenceARN:  referenceARN,
	Tags:          map[string]string{"project": "p1", "batch": "", "a": "é"},
}

func TestBuilders(t *testing.T) {
	for name, tc := range map[string]struct{ got, want readsetimport.Source }{
		"FASTQ": {
			readsetimport.FASTQ("s3://reads/1.fastq.gz"),
			readsetimport.Source{Type: "FASTQ", Source1: "s3://reads/1.fastq.gz"},
		},
		"PairedFASTQ": {
			readsetimport.PairedFASTQ("s3://reads/1.fastq.gz", "s3://reads/2.fastq.gz"),
			readsetimport.Source{Type: "FASTQ", Source1: "s3://reads/1.fastq.gz", Source2: "s3://reads/2.fastq.gz"},
		},
		"BAM": {
			readsetimport.BAM("s3://reads/1.bam", referenceARN),
			readsetimport.Source{Type: "BAM", Source1: "s3://reads/1.bam", ReferenceARN: referenceARN},
		},
		"CRAM": {
			readsetimport.CRAM("s3://reads/1.cram", referenceARN),
			readsetimport.Source{Type: "CRAM", Source1: "s3://reads/1.cram", ReferenceARN: referenceARN},
		},
		"UBAM": {
			readsetimport.UBAM("s3://reads/1.bam"),
			readsetimport.Source{Type: "UBAM", Source1: "s3://reads/1.bam"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, tc.got)
			require.NoError(t, tc.got.WithSubject("subject").WithSample("sample").Validate(), "with a subject and a sample it is complete")
		})
	}
}

// withers are the With methods, each with the change that it must make and no other.
var withers = map[string]struct {
	with func(readsetimport.Source) readsetimport.Source
	want func(*readsetimport.Source)
}{
	"WithSubject": {
		func(s readsetimport.Source) readsetimport.Source { return s.WithSubject("new") },
		func(s *readsetimport.Source) { s.SubjectID = "new" },
	},
	"WithSample": {
		func(s readsetimport.Source) readsetimport.Source { return s.WithSample("new") },
		func(s *readsetimport.Source) { s.SampleID = "new" },
	},
	"WithName": {
		func(s readsetimport.Source) readsetimport.Source { return s.WithName("new") },
		func(s *readsetimport.Source) { s.Name = "new" },
	},
	"WithDescription": {
		func(s readsetimport.Source) readsetimport.Source { return s.WithDescription("new") },
		func(s *readsetimport.Source) { s.Description = "new" },
	},
	"WithGeneratedFrom": {
		func(s readsetimport.Source) readsetimport.Source { return s.WithGeneratedFrom("new") },
		func(s *readsetimport.Source) { s.GeneratedFrom = "new" },
	},
	"WithReference": {
		func(s readsetimport.Source) readsetimport.Source { return s.WithReference("new") },
		func(s *readsetimport.Source) { s.ReferenceARN = "new" },
	},
	"WithTag, a new key": {
		func(s readsetimport.Source) readsetimport.Source { return s.WithTag("new", "value") },
		func(s *readsetimport.Source) { s.Tags["new"] = "value" },
	},
	"WithTag, a key that is there": {
		func(s readsetimport.Source) readsetimport.Source { return s.WithTag("project", "p2") },
		func(s *readsetimport.Source) { s.Tags["project"] = "p2" },
	},
}

func TestWithChangesOneFieldOfACopy(t *testing.T) {
	for name, tc := range withers {
		t.Run(name, func(t *testing.T) {
			base, want := deepCopy(fullSource), deepCopy(fullSource)
			tc.want(&want)
			require.Equal(t, want, tc.with(base))
			require.Equal(t, fullSource, base, "the original is as it was")
		})
	}
}

func TestWithSharesNoTags(t *testing.T) {
	for name, tc := range withers {
		t.Run(name, func(t *testing.T) {
			base := deepCopy(fullSource)
			one, other := tc.with(base), tc.with(base)
			before := deepCopy(other)
			one.Tags["late"] = "change"
			require.Equal(t, before, other, "of two sources built from one base")
			require.Equal(t, fullSource, base)
		})
	}
}

func TestWithTagOnNone(t *testing.T) {
	base := readsetimport.UBAM("s3://reads/1.bam")
	require.Equal(t, map[string]string{"k": "v"}, base.WithTag("k", "v").Tags)
	require.Equal(t, map[string]string{"k": "w"}, base.WithTag("k", "v").WithTag("k", "w").Tags)
	require.Nil(t, base.Tags)
	require.Nil(t, base.WithName("n").Tags)
}

func TestItem(t *testing.T) {
	for name, tc := range map[string]struct {
		source readsetimport.Source
		want   types.StartReadSetImportJobSourceItem
	}{
		"every field": {fullSource, types.StartReadSetImportJobSourceItem{
			SourceFiles:    &types.SourceFiles{Source1: aws.String("s3://reads-bucket/run 7/a&b<é>.bam"), Source2: aws.String("s3://reads-bucket/2")},
			SourceFileType: types.FileTypeBam,
			SubjectId:      aws.String("subject-1"),
			SampleId:       aws.String("sample-1"),
			Name:           aws.String("name"),
			Description:    aws.String(`a "quoted" description`),
			GeneratedFrom:  aws.String("run 7"),
			ReferenceArn:   aws.String(referenceARN),
			Tags:           map[string]string{"project": "p1", "batch": "", "a": "é"},
		}},
		"empty optional fields are left out": {
			readsetimport.UBAM("s3://reads/1.bam").WithSubject("u").WithSample("a"),
			types.StartReadSetImportJobSourceItem{
				SourceFiles:    &types.SourceFiles{Source1: aws.String("s3://reads/1.bam")},
				SourceFileType: types.FileTypeUbam,
				SubjectId:      aws.String("u"),
				SampleId:       aws.String("a"),
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			item := tc.source.Item()
			require.Equal(t, tc.want, item)
			require.Equal(t, tc.source, readsetimport.SourceFromItem(item))
		})
	}
	require.Equal(t, readsetimport.Source{}, readsetimport.SourceFromItem(types.StartReadSetImportJobSourceItem{}), "an empty item")
}

func TestItemSharesNothing(t *testing.T) {
	source := deepCopy(fullSource)
	item := source.Item()
	item.Tags["late"] = "change"
	*item.SourceFiles.Source2, *item.SampleId, *item.Name = "other", "other", "other"
	require.Equal(t, fullSource, source)

	item = fullSource.Item()
	source = readsetimport.SourceFromItem(item)
	item.Tags["late"] = "change"
	*item.SourceFiles.Source2, *item.SampleId, *item.Name = "other", "other", "other"
	require.Equal(t, fullSource, source)
}

// The JSON is compared byte by byte: client tokens are made of it.
func TestSourceJSON(t *testing.T) {
	for name, tc := range map[string]struct {
		source readsetimport.Source
		want   string
	}{
		"every field": {
			fullSource,
			`{"sourceFiles":{"source1":"s3://reads-bucket/run 7/a\u0026b\u003cé\u003e.bam","source2":"s3://reads-bucket/2"},` +
				`"sourceFileType":"BAM","subjectId":"subject-1","sampleId":"sample-1","generatedFrom":"run 7",` +
				`"referenceArn":"` + referenceARN + `","name":"name","description":"a \"quoted\" description",` +
				`"tags":{"a":"é","batch":"","project":"p1"}}`,
		},
		"required fields only": {
			readsetimport.FASTQ("s3://reads/1.fastq.gz").WithSubject("u").WithSample("a"),
			`{"sourceFiles":{"source1":"s3://reads/1.fastq.gz"},"sourceFileType":"FASTQ","subjectId":"u","sampleId":"a"}`,
		},
		"nothing": {
			readsetimport.Source{},
			`{"sourceFiles":{"source1":""},"sourceFileType":"","subjectId":"","sampleId":""}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(tc.source)
			require.NoError(t, err)
			require.Equal(t, tc.want, string(got))

			back := fullSource // must be overwritten, not added to
			require.NoError(t, json.Unmarshal(got, &back))
			require.Equal(t, tc.source, back)
		})
	}
}

// The service's answers have fields that a source has not, and write a missing mate as an empty string.
func TestSourceFromAnswerJSON(t *testing.T) {
	var got readsetimport.Source
	require.NoError(t, json.Unmarshal([]byte(`{
		"sourceFiles": {"source1": "s3://reads/HG00146.bam", "source2": ""},
		"sourceFileType": "UBAM",
		"status": "FINISHED",
		"statusMessage": "done",
		"subjectId": "mySubject",
		"sampleId": "mySample",
		"generatedFrom": "1000 Genomes",
		"name": "HG00146",
		"description": "uBAM for HG00146",
		"readSetId": "1234567890"
	}`), &got))
	require.Equal(t, readsetimport.Source{
		Type:          types.FileTypeUbam,
		Source1:       "s3://reads/HG00146.bam",
		SubjectID:     "mySubject",
		SampleID:      "mySample",
		Name:          "HG00146",
		Description:   "uBAM for HG00146",
		GeneratedFrom: "1000 Genomes",
	}, got)
	require.NoError(t, got.Validate())
}

func TestSourceJSONMalformed(t *testing.T) {
	for name, text := range map[string]string{
		"a list":              `[]`,
		"files as a string":   `{"sourceFiles":"s3://reads/1.bam"}`,
		"a number as a name":  `{"name":7}`,
		"tags as a list":      `{"tags":["a"]}`,
		"a number as a tag":   `{"tags":{"a":1}}`,
		"cut off in the tags": `{"tags":{"a":"1"`,
	} {
		t.Run(name, func(t *testing.T) {
			source := deepCopy(fullSource)
			require.Error(t, json.Unmarshal([]byte(text), &source))
			require.Equal(t, fullSource, source, "untouched by what could not be read")
		})
	}
}

// The example of the AWS HealthOmics user guide, if it is there. It has comments, so it is not quite JSON.
func TestSourceJSONOfTheUserGuide(t *testing.T) {
	text := testdata(t, "aws-guide-import.json")
	var manifest struct {
		readsetimport.Target
		Sources []readsetimport.Source `json:"sources"`
	}
	require.NoError(t, json.Unmarshal(regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAll(text, nil), &manifest))

	require.Equal(t, readsetimport.Target{SequenceStoreID: "3936421177", RoleARN: "arn:aws:iam::555555555555:role/OmicsImport"}, manifest.Target)
	require.NoError(t, manifest.Target.Validate())
	require.NoError(t, readsetimport.ValidateSources(manifest.Sources))
	const reference = "arn:aws:omics:us-west-2:555555555555:referenceStore/0123456789/reference/0000000001"
	mine := func(s readsetimport.Source) readsetimport.Source {
		return s.WithSubject("mySubject").WithSample("mySample").WithGeneratedFrom("1000 Genomes")
	}
	const bucket = "s3://amzn-s3-demo-bucket/"
	require.Equal(t, []readsetimport.Source{
		mine(readsetimport.BAM(bucket+"HG00100.chrom20.ILLUMINA.bwa.GBR.low_coverage.20101123.bam", reference)).
			WithName("HG00100").WithDescription("BAM for HG00100"),
		mine(readsetimport.PairedFASTQ(bucket+"SRR233106_1.filt.fastq.gz", bucket+"SRR233106_2.filt.fastq.gz")).
			WithName("HG00146").WithDescription("FASTQ for HG00146"),
		mine(readsetimport.CRAM(bucket+"HG00096.alt_bwamem_GRCh38DH.20150718.GBR.low_coverage.cram", reference)).
			WithName("HG00096").WithDescription("CRAM for HG00096"),
		mine(readsetimport.UBAM(bucket + "NA12878_A.bam")).
			WithName("NA12878_A").WithDescription("uBAM for NA12878").WithGeneratedFrom("GATK Test Data"),
	}, manifest.Sources)
}

func FuzzSourceJSON(f *testing.F) {
	f.Add("FASTQ", "s3://reads/1", "s3://reads/2", "subject", "sample", "é & <>", "\u2028", `"\`)
	f.Add("", "", "", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, fileType, source1, source2, subject, sample, text, key, value string) {
		want := readsetimport.Source{
			Type: types.FileType(fileType), Source1: source1, Source2: source2, SubjectID: subject, SampleID: sample,
			Name: text, Description: text, GeneratedFrom: text, ReferenceARN: text, Tags: map[string]string{key: value},
		}
		first, err := json.Marshal(want)
		require.NoError(t, err)
		var got readsetimport.Source
		require.NoError(t, json.Unmarshal(first, &got))
		for _, s := range []string{fileType, source1, source2, subject, sample, text, key, value} {
			if !utf8.ValidString(s) {
				return // JSON cannot hold it; Validate refuses it
			}
		}
		require.Equal(t, want, got)
		second, err := json.Marshal(got)
		require.NoError(t, err)
		require.True(t, bytes.Equal(first, second), "the same source is the same text")
	})
}

// deepCopy is the source with tags of its own.
func deepCopy(s readsetimport.Source) readsetimport.Source {
	tags := make(map[string]string, len(s.Tags))
	for key, value := range s.Tags {
		tags[key] = value
	}
	s.Tags = tags
	return s
}

// testdata is a published file that this repository does not hold. The test skips where the folder is not there.
func testdata(t *testing.T, name string) []byte {
	t.Helper()
	folder := os.Getenv("READSETIMPORT_TESTDATA")
	if folder == "" {
		t.Skip("READSETIMPORT_TESTDATA is not set")
	}
	text, err := os.ReadFile(filepath.Join(folder, name))
	require.NoError(t, err)
	return text
}
