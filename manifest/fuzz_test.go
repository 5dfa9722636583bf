package manifest_test

import (
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/manifest"
)

// fuzzRead shows that no input breaks a reader: what it yields is valid, it ends, its faults are in order and have a
// place, and errors are one line. They are the same if the input comes a byte at a time.
func fuzzRead(f *testing.F, begin string, seeds ...string) {
	for _, s := range seeds {
		f.Add(strings.TrimPrefix(s, begin))
	}
	f.Fuzz(func(t *testing.T, text string) {
		options := func(o *manifest.Options) {
			o.MaxBytes = 64 << 20
			o.ReferenceARN = reference
			o.Bucket, o.Inventory = "reads", inventoryColumns
		}
		got, err := collect(t, manifest.Read(strings.NewReader(begin+text), options))
		slowly, slowErr := collect(t, manifest.Read(iotest.OneByteReader(strings.NewReader(begin+text)), options))
		require.Equal(t, got, slowly)
		require.Equal(t, err, slowErr)
		if err == nil {
			return
		}
		require.NotContains(t, err.Error(), "\n")
		var e *manifest.Error
		require.ErrorAs(t, err, &e)
		require.LessOrEqual(t, len(e.Faults), 100)
		lines := strings.Count(begin+text, "\n") + 1
		for _, fault := range e.Faults {
			require.Positive(t, fault.Line)
			require.Positive(t, fault.Column)
			require.NotEmpty(t, fault.Detail)
			require.NotEmpty(t, fault.Rule)
			if !strings.HasPrefix(begin+text, "\x1f\x8b") {
				require.LessOrEqual(t, fault.Line, lines)
			}
		}
	})
}

func testdata(f *testing.F, names ...string) (texts []string) {
	for _, name := range names {
		text, err := os.ReadFile("testdata/" + name)
		require.NoError(f, err)
		texts = append(texts, string(text))
	}
	return texts
}

// FuzzRead begins with the recognition of formats.
func FuzzRead(f *testing.F) {
	seeds := testdata(f, "aws-api.json", "aws-api.yaml", "aws-generator.csv", "terra.tsv", "sources.jsonl", "lims.csv")
	fuzzRead(f, "", append(seeds, string(gzipped(f, seeds[0])), "\xff\xfe", "PK\x03\x04", "# c\n", "\ufeff{", "/* */[]")...)
}

func FuzzReadTable(f *testing.F) {
	fuzzRead(f, "", testdata(f, "aws-generator.csv", "nf-core-rnaseq.csv", "nf-core-sarek.csv", "fastq_list.csv", "terra.tsv", "nf-core-oncoanalyser.csv")...)
}

// FuzzReadTags is about the tags in a field, and the quotes around it.
func FuzzReadTags(f *testing.F) {
	const begin = "source1,sourceFileType,sampleId,subjectId,tags\ns3://reads/a.bam,UBAM,s,p,"
	fuzzRead(f, begin, `{'a':'b'}`, `"{""a"": ""b"", 'c': '\x41\u00e9\U0001F9EC'}"`, `{}`, `"{'a':'b',}"`)
}

func FuzzReadList(f *testing.F) {
	fuzzRead(f, "", append(testdata(f, "list.txt", "s3-ls.txt"), "reads,a%20_R1.fastq.gz,true,false\nreads,a.bai,,true\n")...)
}

func FuzzReadJSON(f *testing.F) {
	fuzzRead(f, "[", testdata(f, "aws-console.json")...)
}

func FuzzReadJSONLines(f *testing.F) {
	fuzzRead(f, "{", append(testdata(f, "aws-api.json", "sources.jsonl"), jsonA+jsonB, jsonA+"\n{\"a\"\n"+jsonB)...)
}

func FuzzReadYAML(f *testing.F) {
	fuzzRead(f, "", append(testdata(f, "aws-api.yaml", "aws-console.yaml"), yamlA+yamlB, "sources:\n"+yamlA, "- &a x\n- *a\n", "- <<: {a: b}\n")...)
}

// FuzzReadColumns is about headers and a mapping.
func FuzzReadColumns(f *testing.F) {
	f.Add("id,file,mate\ns,s3://reads/a.fq.gz,\n", "id", "file", "mate", "x")
	f.Add("entity:x_id\tr1\tr2\n", "", "r1", "r2", "entity:x_id")
	f.Fuzz(func(t *testing.T, text, sample, source1, source2, tag string) {
		_, _ = collect(t, manifest.Read(strings.NewReader(text), func(o *manifest.Options) {
			o.Columns = manifest.Columns{Sample: sample, Source1: source1, Source2: source2, Tags: map[string]string{tag: "t"}}
			o.SkipUnsupported = true
		}))
	})
}
