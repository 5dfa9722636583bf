package readsetimport

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBatchValidate(t *testing.T) {
	valid := Target{SequenceStoreID: "1234567890", RoleARN: "arn:aws:iam::123456789012:role/r"}
	source := func(key string) Source { return UBAM("s3://reads/" + key).WithSubject("u").WithSample("a") }
	sources := func(n int) []Source {
		list := make([]Source, n)
		for i := range list {
			list[i] = source(strings.Repeat("k", i+1))
		}
		return list
	}
	type fault struct {
		path string
		rule Rule
	}
	for name, tc := range map[string]struct {
		batch Batch
		want  []fault
	}{
		"one source, no token":     {Batch{valid, "", sources(1)}, nil},
		"100 sources":              {Batch{valid, "token", sources(100)}, nil},
		"101 sources":              {Batch{valid, "token", sources(101)}, []fault{{"sources", RuleLength}}},
		"no sources":               {Batch{valid, "token", nil}, []fault{{"sources", RuleRequired}}},
		"no target":                {Batch{Target{}, "token", sources(1)}, []fault{{"sequenceStoreId", RuleRequired}, {"roleArn", RuleRequired}}},
		"a token of 127":           {Batch{valid, strings.Repeat("é", 127), sources(1)}, nil},
		"a token of 128":           {Batch{valid, strings.Repeat("t", 128), sources(1)}, []fault{{"clientToken", RuleLength}}},
		"a token with a line":      {Batch{valid, "a\nb", sources(1)}, []fault{{"clientToken", RulePattern}}},
		"a file twice":             {Batch{valid, "token", []Source{source("1"), source("1")}}, []fault{{"sources[1].sourceFiles.source1", RuleDuplicate}}},
		"a bad source":             {Batch{valid, "token", []Source{source("1"), source("2").WithSample("")}}, []fault{{"sources[1].sampleId", RuleRequired}}},
		"a bad one of too many":    {Batch{valid, "", append(sources(100), source("2").WithSample(""))}, []fault{{"sources", RuleLength}, {"sources[100].sampleId", RuleRequired}}},
		"the token and the target": {Batch{Target{SequenceStoreID: "1234567890", RoleARN: "r"}, "\t", sources(1)}, []fault{{"roleArn", RulePattern}, {"clientToken", RulePattern}}},
	} {
		t.Run(name, func(t *testing.T) {
			err := Submission{Batch: tc.batch}.validate()
			if tc.want == nil {
				require.NoError(t, err)
				return
			}
			var invalid *ValidationError
			require.ErrorAs(t, err, &invalid)
			var got []fault
			for _, f := range invalid.Fields {
				got = append(got, fault{f.Path, f.Rule})
			}
			require.Equal(t, tc.want, got)
		})
	}
}

// notTooLate is for a start that is sent whenever its turn comes.
func notTooLate() bool { return false }
