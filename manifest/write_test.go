package manifest_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

var allFormats = []manifest.Format{
	manifest.CSV, manifest.TSV, manifest.JSON, manifest.JSONLines, manifest.YAML, manifest.NFCoreRNASeq, manifest.NFCoreSarek,
}

// anySources are such as the formats for everything hold.
func anySources() sources {
	return sources{
		pair("0012", "a_R1.fastq.gz", "a_R2.fastq.gz").WithSubject("no"),
		single("S, \"quoted\"", "b,c.fastq.gz").WithName("#1; 2").WithDescription("'x': {y} [z] & <é> 🧬 - ~").WithTag("k", "").WithTag("é/2", "1:2"),
		readsetimport.BAM(bucket+"d e.bam", reference).WithSubject("- p").WithSample("null").WithGeneratedFrom("0x1F"),
		readsetimport.CRAM(bucket+"#f.cram", reference).WithSubject("2026-01-02").WithSample("*s &s !s |"),
		readsetimport.UBAM(bucket + "g%20.bam").WithSubject("true").WithSample("1e3"),
		readsetimport.FASTQ(bucket + "h").WithSubject("p").WithSample("s").WithReference(reference),
	}
}

func TestWriteRoundTrip(t *testing.T) {
	fastq := sources{
		pair("S1", "a_R1.fastq.gz", "a_R2.fastq.gz"),
		single("# S2", "b,\"c\".fq.gz"),
	}
	for _, format := range allFormats {
		want := anySources()
		switch format {
		case manifest.NFCoreRNASeq:
			want = fastq
		case manifest.NFCoreSarek:
			want = sources{fastq[0].WithSubject("P1"), fastq[1]}
		}
		t.Run(string(format), func(t *testing.T) {
			var b bytes.Buffer
			require.NoError(t, manifest.Write(&b, format, slices.Values(want)))
			got, err := collect(t, manifest.Read(&b))
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

func TestWriteNothing(t *testing.T) {
	for _, format := range allFormats {
		var b bytes.Buffer
		require.NoError(t, manifest.Write(&b, format, slices.Values(sources(nil))))
		got, err := collect(t, manifest.Read(&b))
		require.Empty(t, got)
		if format == manifest.JSONLines {
			require.ErrorIs(t, err, manifest.ErrUnknownFormat)
		} else {
			require.NoError(t, err, format)
		}
	}
}

// TestWriteLoss shows that a source that a format cannot hold is not written, and that the ones before it are.
func TestWriteLoss(t *testing.T) {
	good := pair("S1", "a_R1.fastq.gz", "a_R2.fastq.gz")
	for name, test := range map[string]struct {
		format manifest.Format
		source readsetimport.Source
		paths  []string
	}{
		"rnaseq: subject":           {manifest.NFCoreRNASeq, good.WithSubject("P"), []string{"subjectId"}},
		"rnaseq: type":              {manifest.NFCoreRNASeq, readsetimport.UBAM(bucket + "a.bam").WithSample("s").WithSubject("s"), []string{"sourceFileType"}},
		"rnaseq: names of files":    {manifest.NFCoreRNASeq, single("s", "a"), []string{"sourceFiles.source1"}},
		"sarek: texts":              {manifest.NFCoreSarek, good.WithName("n").WithDescription("d").WithGeneratedFrom("g").WithReference(reference), []string{"generatedFrom", "referenceArn", "name", "description"}},
		"sarek: tags":               {manifest.NFCoreSarek, good.WithTag("k", "v"), []string{"tags"}},
		"CSV: white space":          {manifest.CSV, good.WithName(" n"), []string{"name"}},
		"TSV: tab":                  {manifest.TSV, single("s", "a\tb.fastq.gz"), []string{"sourceFiles.source1"}},
		"JSON: invalid":             {manifest.JSON, good.WithSample(""), []string{"sampleId"}},
		"YAML: two first mates":     {manifest.YAML, pair("s", "a_R1.fastq.gz", "b_R1.fastq.gz"), []string{"sourceFiles.source2"}},
		"JSON Lines: invalid UTF-8": {manifest.JSONLines, good.WithSample("\xff"), []string{"sampleId"}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			err := manifest.Write(&b, test.format, slices.Values(sources{good, test.source, good}))
			var invalid *readsetimport.ValidationError
			require.ErrorAs(t, err, &invalid)
			var paths []string
			for _, f := range invalid.Fields {
				path, ok := strings.CutPrefix(f.Path, "sources[1].")
				require.True(t, ok, f.Path)
				paths = append(paths, path)
			}
			require.Equal(t, test.paths, paths)
			require.Equal(t, 1, strings.Count(b.String(), "a_R1.fastq.gz"), "the sources before it are written, and no more")
		})
	}
}

func TestWriteUnknownFormat(t *testing.T) {
	var b bytes.Buffer
	require.ErrorIs(t, manifest.Write(&b, "xlsx", slices.Values(sources{})), manifest.ErrUnknownFormat)
	require.Empty(t, b.String())
}

var errDisk = errors.New("disk full")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errDisk }

// TestWriteFails shows that the sources are not read on when they can be written no more.
func TestWriteFails(t *testing.T) {
	for _, format := range allFormats {
		taken := 0
		err := manifest.Write(fullDisk{}, format, func(yield func(readsetimport.Source) bool) {
			for yield(single("s", "a.fastq.gz")) {
				if taken++; taken > 10_000 {
					t.Fatal("writing goes on")
				}
			}
		})
		require.ErrorIs(t, err, errDisk, format)
	}
}

// FuzzRoundTrip shows that what Write writes is what Read reads, in each format, or that Write says that it cannot.
func FuzzRoundTrip(f *testing.F) {
	for i, s := range anySources() {
		key, value := "", ""
		for key, value = range s.Tags {
			break
		}
		f.Add(uint8(i), uint8(i), strings.TrimPrefix(s.Source1, bucket), "x_R2", s.SubjectID, s.SampleID, s.Name, s.Description, key, value)
	}
	f.Add(uint8(4), uint8(0), "\u0085x\u00a0", "\x01\\\"'\t", "\u2028", " ", "a\u3000", "\u2029b", "\u2028", " ")
	types := types.FileType("").Values()
	f.Fuzz(func(t *testing.T, format, kind uint8, key1, key2, subject, sample, name, description, key, value string) {
		s := readsetimport.Source{
			Type: types[int(kind)%len(types)], Source1: bucket + key1, SubjectID: subject, SampleID: sample,
			Name: name, Description: description,
		}
		if key != "" {
			s.Tags = map[string]string{key: value}
		}
		switch s.Type {
		case "FASTQ":
			if key2 != "" {
				s.Source2 = bucket + key2 + ".fastq.gz"
				s.Source1 += ".fastq.gz"
			}
		case "BAM", "CRAM":
			s.ReferenceARN = reference
		}
		to := allFormats[int(format)%len(allFormats)]
		want := sources{s, s.WithSample("second"), s.WithSubject("second").WithSample("second")}
		var b bytes.Buffer
		if err := manifest.Write(&b, to, slices.Values(want)); err != nil {
			require.ErrorIs(t, err, readsetimport.ErrValidation)
			return
		}
		text := b.String()
		got, err := collect(t, manifest.Read(&b, func(o *manifest.Options) { o.KnownFiles = -1 }))
		require.NoError(t, err, text)
		require.Len(t, got, len(want))
		for i := range want {
			require.True(t, maps.Equal(want[i].Tags, got[i].Tags))
			want[i].Tags, got[i].Tags = nil, nil
		}
		require.Equal(t, want, got)
	})
}
