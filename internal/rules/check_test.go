package rules

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"
)

func TestChecker(t *testing.T) {
	t.Parallel()
	const reference = "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1234567890"
	valid := Source{Type: types.FileTypeFastq, Source1: "s3://bucket/1.fq.gz", Source2: "s3://bucket/2.fq.gz", SubjectID: "subject", SampleID: "sample"}
	tags := func(n int) map[string]string {
		m := make(map[string]string)
		for i := range n {
			m[strings.Repeat("k", i+1)] = "v"
		}
		return m
	}
	for name, tc := range map[string]struct {
		change func(*Source)
		want   []string // path and rule
	}{
		"valid":                   {func(*Source) {}, nil},
		"BAM with its reference":  {func(s *Source) { s.Type, s.Source2, s.ReferenceARN = types.FileTypeBam, "", reference }, nil},
		"no file":                 {func(s *Source) { s.Source1 = "" }, []string{"sources[7].sourceFiles.source1 required"}},
		"no URI":                  {func(s *Source) { s.Source2 = "x" }, []string{"sources[7].sourceFiles.source2 pattern"}},
		"mate of a BAM":           {func(s *Source) { s.Type, s.ReferenceARN = types.FileTypeBam, reference }, []string{"sources[7].sourceFiles.source2 combination"}},
		"one file twice":          {func(s *Source) { s.Source2 = s.Source1 }, []string{"sources[7].sourceFiles.source2 combination"}},
		"no type":                 {func(s *Source) { s.Type = "" }, []string{"sources[7].sourceFiles.source2 combination", "sources[7].sourceFileType required"}},
		"another type":            {func(s *Source) { s.Type, s.Source2 = "VCF", "" }, []string{"sources[7].sourceFileType enum"}},
		"no subject, no sample":   {func(s *Source) { s.SubjectID, s.SampleID = "", "" }, []string{"sources[7].subjectId required", "sources[7].sampleId required"}},
		"CRAM without reference":  {func(s *Source) { s.Type, s.Source2 = types.FileTypeCram, "" }, []string{"sources[7].referenceArn required"}},
		"reference that is none":  {func(s *Source) { s.ReferenceARN = "x" }, []string{"sources[7].referenceArn pattern"}},
		"texts that are too long": {func(s *Source) { s.Name, s.Description = strings.Repeat("x", 128), strings.Repeat("x", 256) }, []string{"sources[7].name length", "sources[7].description length"}},
		"control characters":      {func(s *Source) { s.GeneratedFrom = "a\tb" }, []string{"sources[7].generatedFrom pattern"}},
		"too many tags":           {func(s *Source) { s.Tags = tags(51) }, []string{"sources[7].tags length"}},
		"tags, in their order":    {func(s *Source) { s.Tags = map[string]string{"b": strings.Repeat("x", 257), "aws:a": "x"} }, []string{`sources[7].tags["aws:a"] reserved`, `sources[7].tags["b"] length`}},
	} {
		s := valid
		tc.change(&s)
		var c Checker
		c.Source(7, &s)
		var got []string
		for _, f := range c.Findings {
			got = append(got, f.Path+" "+f.Rule)
			require.NotEmpty(t, f.Detail)
			require.LessOrEqual(t, len(f.Value), 104)
		}
		require.Equal(t, tc.want, got, name)
	}
}

func TestUnseen(t *testing.T) {
	t.Parallel()
	var c Checker
	seen := make(map[string]int)
	c.unseen(Place{0, "sourceFiles.source1"}, "s3://bucket/a", seen)
	c.unseen(Place{0, "sourceFiles.source2"}, "", seen)
	c.unseen(Place{0, "sourceFiles.source2"}, "s3://bucket/a", seen) // which Source finds
	require.Empty(t, c.Findings)
	c.unseen(Place{3, "sourceFiles.source2"}, "s3://bucket/a", seen)
	require.Equal(t, []Finding{{"sources[3].sourceFiles.source2", Duplicate, "s3://bucket/a", "must not be in the import twice: sources[0] has the same file"}}, c.Findings)
	c.Check(Field("roleArn"), "x", nil)
	require.Len(t, c.Findings, 1)
	require.Equal(t, "roleArn", Field("roleArn").String())
}
