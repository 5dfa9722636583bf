package wire

import (
	"encoding/json"
	"reflect"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"
)

// requireSameJSON fails unless the sources are written as encoding/json writes them.
func requireSameJSON(t *testing.T, sources ...Source) {
	want, err := json.Marshal(append([]Source{}, sources...))
	require.NoError(t, err)
	var got []byte
	for part := range SourcesJSON(len(sources), func(i int) Source { return sources[i] }) {
		got = append(got, part...)
	}
	require.Equal(t, string(want), string(got))
}

func TestSourcesJSON(t *testing.T) {
	t.Parallel()
	full := Source{
		SourceFiles: SourceFiles{"s3://reads/<1>", "s3://reads/2&\u2028"}, SourceFileType: types.FileTypeFastq, SubjectID: "ü", SampleID: "a\xff",
		GeneratedFrom: "g", ReferenceARN: "arn:r", Name: "n", Description: `a "d"`,
		Tags: map[string]string{"b": "", "a": "1", "<": "&", "ä": "\\"},
	}
	for i := range reflect.TypeFor[Source]().NumField() {
		require.False(t, reflect.ValueOf(full).Field(i).IsZero(), "a source with every field")
	}
	many := Source{Tags: map[string]string{}}
	requireSameJSON(t, many)
	for i := range 50 {
		many.Tags[strconv.Itoa(i)] = "v"
	}
	requireSameJSON(t)
	requireSameJSON(t, Source{})
	requireSameJSON(t, full, Source{}, benchSource(), many)
}

func FuzzSourcesJSON(f *testing.F) {
	f.Add("s3://b/1", "s3://b/2", "FASTQ", "u", "a", "g", "arn:r", "n", "d", "k1", "v1", "k2", "v2")
	f.Add("<&>\u2028\"\\\t", "", "\xff", "", "ä", "", "", "\U0001f9ec", "", "b", "", "a", "\x7f")
	f.Fuzz(func(t *testing.T, source1, source2, fileType, subject, sample, from, reference, name, description, key1, value1, key2, value2 string) {
		requireSameJSON(t, Source{
			SourceFiles: SourceFiles{source1, source2}, SourceFileType: types.FileType(fileType), SubjectID: subject, SampleID: sample,
			GeneratedFrom: from, ReferenceARN: reference, Name: name, Description: description,
			Tags: map[string]string{key1: value1, key2: value2},
		})
	})
}

func BenchmarkSourcesJSON(b *testing.B) {
	s := benchSource()
	b.ReportAllocs()
	for b.Loop() {
		for range SourcesJSON(100, func(int) Source { return s }) {
		}
	}
}
