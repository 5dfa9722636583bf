package manifest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
)

const (
	yamlA = "- sourceFiles:\n    source1: s3://reads/a.fastq.gz\n  sourceFileType: FASTQ\n  subjectId: a\n  sampleId: a\n"
	yamlB = "- {sourceFiles: {source1: s3://reads/b.fastq.gz}, sourceFileType: FASTQ, subjectId: b, sampleId: b}\n"
)

func TestYAML(t *testing.T) {
	indented := "  " + strings.ReplaceAll(strings.TrimSpace(yamlA), "\n", "\n  ") + "\n"
	for name, test := range map[string]struct {
		in   string
		want sources
	}{
		"list":                   {yamlA + yamlB, sources{sourceA, sourceB}},
		"list, CRLF":             {strings.ReplaceAll(yamlA+yamlB, "\n", "\r\n"), sources{sourceA, sourceB}},
		"list, indented":         {"# c\n" + indented + "  " + yamlB, sources{sourceA, sourceB}},
		"list in a document":     {"%YAML 1.2\n--- # sources\n\n" + yamlA + "# c\n" + yamlB + "...\n", sources{sourceA, sourceB}},
		"lists in two documents": {yamlA + "---\n" + yamlB, sources{sourceA, sourceB}},
		"empty list":             {"---\n[]\n", nil},
		"manifest":               {"roleArn: arn:aws:iam::123456789012:role/r\nsources:\n" + yamlA + yamlB, sources{sourceA, sourceB}},
		"manifest, indented":     {"sources:\n" + indented + "sequenceStoreId: '1234567890'\n", sources{sourceA}},
		"manifest after a list":  {yamlA + "---\nsources:\n" + yamlB, sources{sourceA, sourceB}},
		"manifest, sources first, with a comment": {"sources: # all\n\n" + yamlA + "# c\n" + yamlB + "roleArn: arn:aws:iam::123456789012:role/r\n", sources{sourceA, sourceB}},
		"manifest, sources in brackets":           {"sources: [" + yamlB[2:] + "]\n", sources{sourceB}},
		"manifest, no sources in the list":        {"roleArn: arn:aws:iam::123456789012:role/r\nsources:\n", nil},
		"two manifests":                           {"sources:\n" + yamlA + "---\nsources:\n" + yamlB, sources{sourceA, sourceB}},
		"a single source":                         {strings.ReplaceAll(yamlA[2:], "\n  ", "\n"), sources{sourceA}},
		"a list in a list item":                   {"-\n  sourceFiles:\n    source1: s3://reads/a.fastq.gz\n  sourceFileType: FASTQ\n  subjectId: a\n  sampleId: a\n", sources{sourceA}},
		"null and empty":                          {strings.TrimSuffix(yamlA, "\n") + "\n  name:\n  description: ''\n  tags:\n", sources{sourceA}},
		"values as written":                       {strings.Replace(yamlA, "sampleId: a", "sampleId: 0012\n  name: 1e3\n  description: 2026-01-02", 1), sources{sourceA.WithSample("0012").WithName("1e3").WithDescription("2026-01-02")}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, test.in)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func TestYAMLFaults(t *testing.T) {
	with := func(fields string) string { return "# c\n" + yamlA + "  " + fields + "\n" + yamlB }
	pattern := readsetimport.RulePattern
	for name, test := range map[string]struct {
		in     string
		want   sources
		faults []fault
	}{
		"misspelt field": {
			strings.Replace(yamlA, "sampleId", "sampelId", 1) + yamlB,
			sources{sourceB},
			[]fault{{5, 3, "sampelId", pattern, "sampleId"}, {1, 3, "sampleId", readsetimport.RuleRequired, ""}},
		},
		"a field twice":          {with("sampleId: x"), sources{sourceB}, []fault{{7, 3, "sampleId", readsetimport.RuleDuplicate, ""}}},
		"a tag twice":            {with("tags: {a: b, a: c}"), sources{sourceB}, []fault{{7, 16, "a", readsetimport.RuleDuplicate, ""}}},
		"a list for a name":      {with("name: [x]"), sources{sourceB}, []fault{{7, 9, "name", pattern, "string"}}},
		"a tag of YAML":          {with("name: !!binary eA=="), sources{sourceB}, []fault{{7, 9, "name", pattern, "without a tag"}}},
		"files as text":          {strings.Replace(yamlA, "\n    source1:", "", 1) + yamlB, sources{sourceB}, []fault{{1, 16, "sourceFiles", pattern, "keys"}, {1, 3, "sourceFiles.source1", readsetimport.RuleRequired, ""}}},
		"an unknown file":        {strings.Replace(yamlA, "source1", "source3", 1) + yamlB, sources{sourceB}, []fault{{2, 5, "source3", pattern, "source1"}, {1, 3, "sourceFiles.source1", readsetimport.RuleRequired, ""}}},
		"upper-case bucket":      {strings.Replace(yamlA, "reads", "Reads", 1) + yamlB, sources{sourceB}, []fault{{2, 14, "sourceFiles.source1", pattern, "lower-case"}}},
		"an alias":               {with("name: &n x\n  description: *n"), sources{sourceB}, []fault{{8, 16, "description", pattern, "aliases"}}},
		"an alias of another":    {with("name: &n x") + "- *n\n", sources{sourceA.WithName("x"), sourceB}, []fault{{9, 1, "", pattern, "aliases"}}},
		"a merge":                {with("tags: &t {a: b}\n  <<: *t"), sources{sourceB}, []fault{{8, 3, "", pattern, "aliases"}}},
		"a key that is a list":   {with("[a]: b"), sources{sourceB}, []fault{{7, 3, "", pattern, "key"}}},
		"no mapping":             {"- x\n" + yamlA, sources{sourceA}, []fault{{1, 3, "", pattern, "keys and values"}}},
		"bad YAML in one source": {yamlA + "- {a: b\n" + yamlB, sources{sourceA, sourceB}, []fault{{6, 1, "", pattern, "YAML"}}},
		"bad indentation":        {with(" name: x"), sources{sourceB}, []fault{{7, 1, "", pattern, "YAML"}}},
		"text after ---":         {"--- [x]\n", nil, []fault{{1, 1, "", pattern, "---"}}},
		"sources as one":         {"sources: x\nclientToken: x\n", nil, []fault{{1, 10, "sources", pattern, "list"}}},
		"no sources":             {"sequenceStoreId: 12\n", nil, []fault{{1, 1, "sources", readsetimport.RuleRequired, ""}, {1, 18, "sequenceStoreId", readsetimport.RuleLength, ""}}},
		"sources without a list": {"sources:\n  sourceFiles:\n    source1: s3://reads/a.fastq.gz\n", nil, []fault{{2, 3, "", pattern, "list"}}},
		"a manifest's keys twice": {
			"roleArn: arn:aws:iam::123456789012:role/r\nsources:\n" + yamlA + "roleArn: arn:aws:iam::123456789012:role/r\nsources: []\n",
			sources{sourceA},
			[]fault{{8, 10, "roleArn", readsetimport.RuleDuplicate, ""}, {9, 1, "sources", readsetimport.RuleDuplicate, ""}},
		},
		"an unknown key": {"sources: []\nstoreId: 1\n", nil, []fault{{2, 1, "storeId", pattern, "no field of a manifest"}}},
		"an answer":      {"sources: []\nstatus: COMPLETED\n", nil, []fault{{2, 1, "status", pattern, "answer"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, test.in)
			requireFaults(t, err, test.faults...)
			require.Equal(t, test.want, got)
		})
	}
}
