package readsetimport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
)

// textFields are the fields of free text, with their most characters.
var textFields = []struct {
	path     string
	most     int
	required bool
	set      func(s *readsetimport.Source, value string)
}{
	{"subjectId", 127, true, func(s *readsetimport.Source, v string) { s.SubjectID = v }},
	{"sampleId", 127, true, func(s *readsetimport.Source, v string) { s.SampleID = v }},
	{"generatedFrom", 127, false, func(s *readsetimport.Source, v string) { s.GeneratedFrom = v }},
	{"name", 127, false, func(s *readsetimport.Source, v string) { s.Name = v }},
	{"description", 255, false, func(s *readsetimport.Source, v string) { s.Description = v }},
}

// Which values are valid is a matter of package rules. Here it counts which field has which rule.
func TestText(t *testing.T) {
	const (
		ok      = readsetimport.Rule("")
		length  = readsetimport.RuleLength
		pattern = readsetimport.RulePattern
	)
	for _, field := range textFields {
		empty := ok
		if field.required {
			empty = readsetimport.RuleRequired
		}
		for name, tc := range map[string]struct {
			value string
			want  readsetimport.Rule
		}{
			"empty":                          {"", empty},
			"the most characters":            {strings.Repeat("🧬", field.most), ok},
			"one too many":                   {strings.Repeat("🧬", field.most+1), length},
			"letters, marks, signs, numbers": {nonASCII, ok},
			"tab":                            {tab, pattern},
			"invalid UTF-8":                  {noUTF8, pattern},
		} {
			t.Run(field.path+"/"+name, func(t *testing.T) {
				source := validBAM()
				field.set(&source, tc.value)
				var want []fault
				if tc.want != ok {
					want = one(field.path, tc.want)
				}
				require.Equal(t, want, faults(t, source.Validate()))
			})
		}
	}
}

func TestTags(t *testing.T) {
	const (
		length   = readsetimport.RuleLength
		pattern  = readsetimport.RulePattern
		reserved = readsetimport.RuleReserved
	)
	manyTags := func(n int) map[string]string {
		tags := make(map[string]string, n)
		for i := range n {
			tags[fmt.Sprintf("key-%03d", i)] = "v"
		}
		return tags
	}
	tagsWith := func(tags map[string]string, key string) map[string]string {
		tags[key] = "v"
		return tags
	}
	tag := func(key, value string) map[string]string { return map[string]string{key: value} }
	for name, tc := range map[string]struct {
		tags map[string]string
		want []fault
	}{
		"none":                        {map[string]string{}, nil},
		"every sign":                  {tag("Projekt ä 試料-_.:/=+@7", "Wert é　-_.:/=+@7"), nil},
		"an empty value":              {tag("key", ""), nil},
		"an empty key":                {tag("", "value"), one(`tags[""]`, length)},
		"50":                          {manyTags(50), nil},
		"51":                          {manyTags(51), one("tags", length)},
		"51, one of them bad":         {tagsWith(manyTags(50), "?"), []fault{{"tags", length}, {`tags["?"]`, pattern}}},
		"a key of 129":                {tag(strings.Repeat("k", 129), ""), one(`tags["`+strings.Repeat("k", 100)+`…"]`, length)},
		"a key of 129 of three bytes": {tag(strings.Repeat("試", 129), ""), one(`tags["`+strings.Repeat("試", 33)+`…"]`, length)},
		"a value of 257":              {tag("key", strings.Repeat("v", 257)), one(`tags["key"]`, length)},
		"reserved":                    {tag("aws:omics:sampleId", "x"), one(`tags["aws:omics:sampleId"]`, reserved)},
		"a tab in a key":              {tag("a\tb", "x"), one(`tags["a\tb"]`, pattern)},
		"invalid UTF-8 in a key":      {tag(noUTF8, "x"), one(`tags["a\xffb"]`, pattern)},
		"key and value":               {tag("?", "!"), []fault{{`tags["?"]`, pattern}, {`tags["?"]`, pattern}}},
		"in the order of keys": {map[string]string{"d?": "", "a?": "", "c": "!", "b": "ok", "aws:": ""}, []fault{
			{`tags["a?"]`, pattern}, {`tags["aws:"]`, reserved}, {`tags["c"]`, pattern}, {`tags["d?"]`, pattern},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			source := validBAM()
			source.Tags = tc.tags
			require.Equal(t, tc.want, faults(t, source.Validate()))
		})
	}
}
