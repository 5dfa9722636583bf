package omicstest_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

func TestValidationOfReadSetRequests(t *testing.T) {
	const at = "/sequencestore/1234567890"
	long := func(n int) string { return strings.Repeat("ü", n) }
	filter := func(field, value string) string { return `{"filter":{"` + field + `":"` + value + `"}}` }
	tests := map[string]struct {
		method, path, body string
		fault              string // the path of the invalid field, or a code; empty: the request is valid
	}{
		"no body":                   {"POST", at + "/readsets", "", ""},
		"empty":                     {"POST", at + "/readsets", "{}", ""},
		"null":                      {"POST", at + "/readsets", `{"filter":null}`, ""},
		"unknown fields":            {"POST", at + "/readsets", `{"x":1,"filter":{"y":2}}`, ""},
		"maxResults 0":              {"POST", at + "/readsets?maxResults=0", "", "maxResults"},
		"maxResults 1":              {"POST", at + "/readsets?maxResults=1", "", ""},
		"maxResults 100":            {"POST", at + "/readsets?maxResults=100", "", ""},
		"maxResults 101":            {"POST", at + "/readsets?maxResults=101", "", "maxResults"},
		"maxResults x":              {"POST", at + "/readsets?maxResults=x", "", "maxResults"},
		"nextToken empty":           {"POST", at + "/readsets?nextToken=", "", "nextToken"},
		"nextToken long":            {"POST", at + "/readsets?nextToken=" + strings.Repeat("x", 6145), "", "nextToken"},
		"nextToken bytes":           {"POST", at + "/readsets?nextToken=%ff", "", "nextToken"},
		"nextToken control":         {"POST", at + "/readsets?nextToken=" + url.QueryEscape("a\tb"), "", "nextToken"},
		"store":                     {"POST", "/sequencestore/x/readsets", "", "sequenceStoreId"},
		"name of 127":               {"POST", at + "/readsets", filter("name", long(127)), ""},
		"name of 128":               {"POST", at + "/readsets", filter("name", long(128)), "filter.name"},
		"name empty":                {"POST", at + "/readsets", filter("name", ""), "filter.name"},
		"name control":              {"POST", at + "/readsets", filter("name", `a\tb`), "filter.name"},
		"sample empty":              {"POST", at + "/readsets", filter("sampleId", ""), "filter.sampleId"},
		"sample of 128":             {"POST", at + "/readsets", filter("sampleId", long(128)), "filter.sampleId"},
		"subject empty":             {"POST", at + "/readsets", filter("subjectId", ""), "filter.subjectId"},
		"subject of 127":            {"POST", at + "/readsets", filter("subjectId", long(127)), ""},
		"origin of 128":             {"POST", at + "/readsets", filter("generatedFrom", long(128)), "filter.generatedFrom"},
		"status":                    {"POST", at + "/readsets", filter("status", "ARCHIVED"), ""},
		"status unknown":            {"POST", at + "/readsets", filter("status", "COMPLETED"), "filter.status"},
		"status lower case":         {"POST", at + "/readsets", filter("status", "active"), "filter.status"},
		"status empty":              {"POST", at + "/readsets", filter("status", ""), "filter.status"},
		"creation type":             {"POST", at + "/readsets", filter("creationType", "UPLOAD"), ""},
		"creation type unknown":     {"POST", at + "/readsets", filter("creationType", "COPY"), "filter.creationType"},
		"reference":                 {"POST", at + "/readsets", filter("referenceArn", "arn:x"), ""},
		"reference empty":           {"POST", at + "/readsets", filter("referenceArn", ""), ""},
		"reference no ARN":          {"POST", at + "/readsets", filter("referenceArn", "x"), "filter.referenceArn"},
		"reference long":            {"POST", at + "/readsets", filter("referenceArn", "arn:"+long(124)), "filter.referenceArn"},
		"time":                      {"POST", at + "/readsets", filter("createdAfter", "2026-01-02T03:04:05.678Z"), ""},
		"time no time":              {"POST", at + "/readsets", filter("createdAfter", "yesterday"), "SerializationException"},
		"time number":               {"POST", at + "/readsets", `{"filter":{"createdBefore":1}}`, "SerializationException"},
		"name number":               {"POST", at + "/readsets", `{"filter":{"name":1}}`, "SerializationException"},
		"filter list":               {"POST", at + "/readsets", `{"filter":[]}`, "SerializationException"},
		"no JSON":                   {"POST", at + "/readsets", `x`, "SerializationException"},
		"not UTF-8":                 {"POST", at + "/readsets", "\xff", "SerializationException"},
		"other method":              {"GET", at + "/readsets", "", "UnknownOperationException"},
		"metadata":                  {"GET", at + "/readset/1234567890/metadata", "", "ResourceNotFoundException"},
		"metadata, id":              {"GET", at + "/readset/x/metadata", "", "id"},
		"metadata, id escaped":      {"GET", at + "/readset/12345%2f7890/metadata", "", "id"},
		"metadata, store":           {"GET", "/sequencestore/x/readset/1234567890/metadata", "", "sequenceStoreId"},
		"metadata, no store":        {"GET", "/sequencestore/5555555555/readset/1234567890/metadata", "", "ResourceNotFoundException"},
		"metadata, method":          {"POST", at + "/readset/1234567890/metadata", "", "UnknownOperationException"},
		"the read set itself":       {"GET", at + "/readset/1234567890", "", "UnknownOperationException"},
		"a store":                   {"GET", at, "", ""},
		"a store, id":               {"GET", "/sequencestore/x", "", "id"},
		"a store that is not there": {"GET", "/sequencestore/5555555555", "", "ResourceNotFoundException"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := send(t, omicstest.New(), test.method, test.path, test.body)
			switch {
			case test.fault == "":
				require.Equal(t, 200, w.Code, w.Body)
			case strings.HasSuffix(test.fault, "Exception"):
				require.Equal(t, test.fault, w.Header().Get("X-Amzn-Errortype"))
				require.NotEmpty(t, message(t, w))
			default:
				require.Equal(t, 400, w.Code)
				require.Equal(t, "ValidationException", w.Header().Get("X-Amzn-Errortype"))
				require.True(t, strings.HasPrefix(message(t, w), "1 validation error detected: Value at '"+test.fault+"' "), w.Body)
			}
		})
	}
}
