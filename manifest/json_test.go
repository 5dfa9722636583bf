package manifest_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

// jsonA and jsonB are two sources in JSON, on one line each.
const (
	jsonA = `{"sourceFiles":{"source1":"s3://reads/a.fastq.gz"},"sourceFileType":"FASTQ","subjectId":"a","sampleId":"a"}`
	jsonB = `{"sampleId":"b","subjectId":"b","sourceFileType":"FASTQ","sourceFiles":{"source1":"s3://reads/b.fastq.gz"}}`
)

var (
	sourceA = single("a", "a.fastq.gz")
	sourceB = single("b", "b.fastq.gz")
)

func TestJSON(t *testing.T) {
	for name, test := range map[string]struct {
		in   string
		want sources
	}{
		"empty list":               {"[]", nil},
		"empty list of a manifest": {`{"sources": []}`, nil},
		"list":                     {"[" + jsonA + "," + jsonB + "]", sources{sourceA, sourceB}},
		"list, with commas too many and comments": {
			"// one\n[ # two\n" + jsonA + "/* three\n * / */,//\n" + strings.Replace(jsonB, "}}", ",},/**/}", 1) + ",]//", sources{sourceA, sourceB},
		},
		"manifest, sources first": {`{"sources":[` + jsonA + `],"clientToken":"","roleArn":null}`, sources{sourceA}},
		"lines":                   {jsonA + "\n" + jsonB + "\n", sources{sourceA, sourceB}},
		"lines, with CRLF, blank lines and a byte order mark": {"\ufeff" + jsonA + "\r\n\r\n# c\r\n" + jsonB, sources{sourceA, sourceB}},
		"objects over lines":     {strings.ReplaceAll(jsonA+jsonB, ",", ",\n\t"), sources{sourceA, sourceB}},
		"a single source":        {jsonB, sources{sourceB}},
		"escapes":                {strings.Replace(jsonA, `"a"`, `"\u0061"`, 2), sources{sourceA}},
		"all escapes of a name":  {strings.Replace(jsonA, `{`, `{"name":"\"\\\/\u00e9\uD83E\uddec",`, 1), sources{sourceA.WithName(`"\/é🧬`)}},
		"the type in lower case": {strings.Replace(jsonA, "FASTQ", "fastq", 1), sources{sourceA}},
		"null and empty are as if not there": {
			strings.Replace(jsonA, `{`, `{"name":null,"description":"","tags":null,`, 1), sources{sourceA},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, test.in)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func TestJSONFaults(t *testing.T) {
	with := func(fields string) string { return "[\n{" + fields + "," + jsonA[1:] + ",\n" + jsonB + "\n]" }
	pattern := readsetimport.RulePattern
	for name, test := range map[string]struct {
		in     string
		want   sources
		faults []fault
	}{
		"misspelt field": {
			"[\n" + strings.Replace(jsonA, "sampleId", "sampelId", 1) + ",\n" + jsonB + "]",
			sources{sourceB},
			[]fault{{2, 93, "sampelId", pattern, "sampleId"}, {2, 1, "sampleId", readsetimport.RuleRequired, ""}},
		},
		"misspelt file": {
			"[\n" + strings.Replace(jsonA, "source1", "sourceOne", 1) + ",\n" + jsonB + "]",
			sources{sourceB},
			[]fault{{2, 17, "sourceOne", pattern, "no field of sourceFiles"}, {2, 1, "sourceFiles.source1", readsetimport.RuleRequired, ""}},
		},
		"fields of an answer":    {with(`"status":"FINISHED"`), sources{sourceB}, []fault{{2, 2, "status", pattern, "sent to HealthOmics before"}}},
		"path as a key":          {with(`"sourceFiles.source1":"s3://reads/c"`), sources{sourceB}, []fault{{2, 2, "sourceFiles.source1", pattern, "no field"}}},
		"a field twice":          {with(`"sampleId":"x"`), sources{sourceB}, []fault{{2, 119, "sampleId", readsetimport.RuleDuplicate, ""}}},
		"files twice":            {with(`"sourceFiles":{"source1":"x"}`), sources{sourceB}, []fault{{2, 57, "sourceFiles.source1", readsetimport.RuleDuplicate, ""}, {2, 27, "sourceFiles.source1", pattern, "s3://"}}},
		"tags twice":             {with(`"tags":{"a":"b"},"tags":{"c":"d"}`), sources{sourceB}, []fault{{2, 19, "tags", readsetimport.RuleDuplicate, ""}}},
		"a tag twice":            {with(`"tags":{"a":"b","a":"c"}`), sources{sourceB}, []fault{{2, 18, "tags", readsetimport.RuleDuplicate, ""}}},
		"a tag that is a number": {with(`"tags":{"a":1}`), sources{sourceB}, []fault{{2, 14, "tags", pattern, "string"}}},
		"a reserved tag":         {with(`"tags":{"aws:a":"1"}`), sources{sourceB}, []fault{{2, 2, `tags["aws:a"]`, readsetimport.RuleReserved, ""}}},
		"a number":               {with(`"name":12`), sources{sourceB}, []fault{{2, 9, "name", pattern, "string"}}},
		"an object":              {with(`"name":{"a":[{}, "b"]}`), sources{sourceB}, []fault{{2, 9, "name", pattern, "string"}}},
		"files as a list":        {with(`"sourceFiles":["a"]`), sources{sourceB}, []fault{{2, 16, "sourceFiles", pattern, "braces"}}},
		"tags as text":           {with(`"tags":"a"`), sources{sourceB}, []fault{{2, 9, "tags", pattern, "braces"}}},
		"upper-case bucket":      {"[" + strings.Replace(jsonA, "reads", "Reads", 1) + "]", nil, []fault{{1, 28, "sourceFiles.source1", pattern, "lower-case"}}},
		"the same file":          {"[" + jsonA + ",\n" + strings.Replace(jsonB, "b.fastq", "a.fastq", 1) + "]", sources{sourceA}, []fault{{2, 83, "sourceFiles.source1", readsetimport.RuleDuplicate, "line 1"}}},
		"no source":              {"[1," + jsonA + ",[],null]", sources{sourceA}, []fault{{1, 2, "", pattern, "object"}, {1, 112, "", pattern, "object"}, {1, 115, "", pattern, "object"}}},
		"a list that is open":    {"[" + jsonA, sources{sourceA}, []fault{{1, 109, "", pattern, "bracket"}}},
		"a source that is open":  {"[" + jsonA + ",{", sources{sourceA}, []fault{{1, 111, "", pattern, "key"}}},
		"text after a list":      {"[" + jsonA + "]\n[]", sources{sourceA}, []fault{{2, 1, "", pattern, "end"}}},
		"a bad source in a list": {"[" + jsonA + `,{"sampelId":"x","name" "y"},` + jsonB + "]", sources{sourceA, sourceB}, []fault{{1, 111, "sampelId", pattern, "sampleId"}, {1, 133, "", pattern, "colon"}}},
		"a bad source in a manifest": {
			"{\"sources\":[" + jsonA + ",\n[{}],\n{]" + ",\n" + jsonB + `],"roleArn":1}`,
			sources{sourceA, sourceB},
			[]fault{{2, 1, "", pattern, "object"}, {3, 2, "", pattern, "key in double quotes"}, {4, 120, "roleArn", pattern, "string"}},
		},
		"a fault before a list":            {`{,"sources":[` + jsonA + `,` + jsonB + `]}`, nil, []fault{{1, 2, "", pattern, "key in double quotes"}}},
		"no comma":                         {"[" + jsonA + "\n" + jsonB + "]", sources{sourceA}, []fault{{2, 1, "", pattern, "comma"}}},
		"no comma, and more":               {"[" + jsonA + "\n" + jsonA + ",\n" + jsonB + "]", sources{sourceA, sourceB}, []fault{{2, 1, "", pattern, "comma"}}},
		"no colon":                         {`[{"sampleId" "x"}]`, nil, []fault{{1, 14, "", pattern, "colon"}}},
		"a key without quotes":             {`[{sampleId: "x"}]`, nil, []fault{{1, 3, "", pattern, "double quotes"}}},
		"single quotes":                    {`[{'sampleId': "x"}]`, nil, []fault{{1, 3, "", pattern, "JSON"}}},
		"an open string":                   {"[{\"sampleId\": \"x\n\"}]", nil, []fault{{1, 15, "", pattern, "end with a quote"}}},
		"a tab in a string":                {"[{\"sampleId\": \"x\ty\"}]", nil, []fault{{1, 17, "", pattern, "escapes"}}},
		"a bad escape":                     {`[{"sampleId": "\x41"}]`, nil, []fault{{1, 16, "", pattern, "escape"}}},
		"half a surrogate":                 {`[{"sampleId": "a\ud83e"}]`, nil, []fault{{1, 17, "", pattern, "escape"}}},
		"an open comment":                  {"[/* ", nil, []fault{{1, 2, "", pattern, "*/"}}},
		"invalid UTF-8":                    {"[" + strings.Replace(jsonA, `"a"`, "\"a\xff\"", 1) + "]", nil, []fault{{1, 90, "subjectId", pattern, "UTF-8"}}},
		"an answer":                        {`{"id":"1","sources":[` + jsonA + `]}`, nil, []fault{{1, 2, "id", pattern, "answer"}}},
		"an answer, with other keys of it": {"{\"status\":\"FAILED\",\n\"creationTime\":1,\"id\" x", nil, []fault{{1, 2, "status", pattern, "answer"}}},
		"an unknown key": {
			`{"sources":[` + jsonA + `],"roleARN":"x","sequenceStoreId":"12"}`,
			sources{sourceA},
			[]fault{{1, 122, "roleARN", pattern, "roleArn"}, {1, 154, "sequenceStoreId", readsetimport.RuleLength, ""}},
		},
		"a manifest's keys twice": {
			`{"roleArn":"arn:aws:iam::123456789012:role/r","roleArn":"arn:aws:iam::123456789012:role/r","sources":[],"sources":[` + jsonA + `]}`,
			sources{sourceA},
			[]fault{{1, 57, "roleArn", readsetimport.RuleDuplicate, ""}, {1, 105, "sources", readsetimport.RuleDuplicate, ""}},
		},
		"no sources":           {`{"roleArn":"arn:aws:iam::123456789012:role/r"}`, nil, []fault{{1, 1, "sources", readsetimport.RuleRequired, ""}}},
		"sources as one":       {`{"sources":` + jsonA + `}`, nil, []fault{{1, 12, "sources", pattern, "list"}}},
		"two manifests":        {`{"sources":[]}{"sources":[]}`, nil, []fault{{1, 15, "", pattern, "end"}}},
		"lines: a bad line":    {jsonA + "\n{\"sampleId\": nope]\n" + jsonB, sources{sourceA, sourceB}, []fault{{2, 14, "sampleId", pattern, "string"}, {2, 18, "", pattern, "brace"}}},
		"lines: a torn string": {"{\"sampleId\": \"x\n" + jsonB, sources{sourceB}, []fault{{1, 14, "", pattern, "end with a quote"}}},
		"lines: a torn object": {"{\"sampleId\": \"x\"\n" + jsonB, sources{sourceB}, []fault{{2, 1, "", pattern, "brace"}}},
		"lines: no object":     {jsonA + "\n12\n" + jsonB, sources{sourceA, sourceB}, []fault{{2, 1, "", pattern, "object"}}},
		"lines: a torn last":   {jsonA + "\n{\"sampleId\":", sources{sourceA}, []fault{{2, 13, "", pattern, "value"}}},
		"no value":             {`[{"sampleId":}]`, nil, []fault{{1, 14, "", pattern, "value"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, test.in)
			requireFaults(t, err, test.faults...)
			require.Equal(t, test.want, got)
		})
	}
}

// FuzzJSONAgrees holds the reading of JSON against encoding/json: of a list of sources that encoding/json reads without
// unknown fields, the same sources come.
func FuzzJSONAgrees(f *testing.F) {
	f.Add(jsonA)
	f.Add(strings.Replace(jsonB, `{`, `{"name":"\"\\\/\u00e9\uD83E\uddec","tags":{"a":"b"},"description":null,`, 1))
	f.Fuzz(func(t *testing.T, text string) {
		var want readsetimport.Source
		if json.Unmarshal([]byte(text), &want) != nil || want.Validate() != nil || !strings.Contains(text, "{") {
			return
		}
		got, err := collect(t, manifest.Read(strings.NewReader("["+text+"]")))
		if err != nil {
			return // it is stricter, in keys and in the text of strings
		}
		require.Len(t, got, 1)
		if len(want.Tags) == 0 {
			want.Tags = nil
		}
		want.Type = got[0].Type
		require.Equal(t, want, got[0])
	})
}
