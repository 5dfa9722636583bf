package omicstest_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

func send(t *testing.T, service *omicstest.Service, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	service.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w
}

func message(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var body struct{ Message string }
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &body))
	return body.Message
}

type fields = map[string]any

func TestValidationOfStart(t *testing.T) {
	const reference = "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1234567890"
	long := func(n int) string { return strings.Repeat("ü", n) }
	set := func(name string, v any) func(body, source fields) { return func(_, s fields) { s[name] = v } }
	top := func(name string, v any) func(body, source fields) { return func(b, _ fields) { b[name] = v } }
	uri := func(v any) func(body, source fields) { return set("sourceFiles", fields{"source1": v}) }
	aligned := func(fileType string, ref any) func(body, source fields) {
		return func(_, s fields) {
			s["sourceFileType"], s["sourceFiles"], s["referenceArn"] = fileType, fields{"source1": "s3://lab/a"}, ref
		}
	}
	tags := func(n int) fields {
		m := fields{}
		for i := range n {
			m[strings.Repeat("k", i+1)] = ""
		}
		return m
	}
	sources := func(n int) []any {
		list := make([]any, n)
		for i := range list {
			list[i] = source()
		}
		return list
	}
	tests := map[string]struct {
		change func(body, source fields)
		path   string // of the one fault; empty: the request is valid
	}{
		"valid":                        {func(_, _ fields) {}, ""},
		"unknown fields are ignored":   {top("future", fields{"x": 1}), ""},
		"null is missing":              {set("name", nil), ""},
		"field names have a case":      {func(b, _ fields) { b["RoleArn"] = b["roleArn"]; delete(b, "roleArn") }, "roleArn"},
		"role missing":                 {top("roleArn", nil), "roleArn"},
		"role short":                   {top("roleArn", "arn:"+strings.Repeat("x", 15)), "roleArn"},
		"role of 20":                   {top("roleArn", "arn:"+strings.Repeat("x", 16)), ""},
		"role of 2048":                 {top("roleArn", "arn:"+strings.Repeat("x", 2044)), ""},
		"role long":                    {top("roleArn", "arn:"+strings.Repeat("x", 2045)), "roleArn"},
		"role no ARN":                  {top("roleArn", strings.Repeat("x", 30)), "roleArn"},
		"token empty":                  {top("clientToken", ""), "clientToken"},
		"token of 127":                 {top("clientToken", long(127)), ""},
		"token long":                   {top("clientToken", long(128)), "clientToken"},
		"token with a control":         {top("clientToken", "a\u0000"), "clientToken"},
		"no sources":                   {top("sources", []any{}), "sources"},
		"sources missing":              {top("sources", nil), "sources"},
		"100 sources":                  {top("sources", sources(100)), ""},
		"101 sources":                  {top("sources", sources(101)), "sources"},
		"files missing":                {set("sourceFiles", nil), "sources.1.member.sourceFiles"},
		"source1 missing":              {uri(nil), "sources.1.member.sourceFiles.source1"},
		"source1 alone":                {uri("s3://lab/a"), ""},
		"bucket of 3":                  {uri("s3://abc/a"), ""},
		"bucket of 2":                  {uri("s3://ab/a"), "sources.1.member.sourceFiles.source1"},
		"bucket of 63":                 {uri("s3://" + strings.Repeat("a", 63) + "/a"), ""},
		"bucket of 64":                 {uri("s3://" + strings.Repeat("a", 64) + "/a"), "sources.1.member.sourceFiles.source1"},
		"bucket upper case":            {uri("s3://Lab/a"), "sources.1.member.sourceFiles.source1"},
		"bucket with a dot and a dash": {uri("s3://a.b-c/a"), ""},
		"bucket ends in a dash":        {uri("s3://abc-/a"), "sources.1.member.sourceFiles.source1"},
		"bucket begins with a dot":     {uri("s3://.abc/a"), "sources.1.member.sourceFiles.source1"},
		"no key":                       {uri("s3://lab/"), "sources.1.member.sourceFiles.source1"},
		"no bucket":                    {uri("s3:///a"), "sources.1.member.sourceFiles.source1"},
		"another scheme":               {uri("https://lab/a"), "sources.1.member.sourceFiles.source1"},
		"key of 1024":                  {uri("s3://lab/" + long(1024)), ""},
		"key of 1025":                  {uri("s3://lab/" + long(1025)), "sources.1.member.sourceFiles.source1"},
		"key with a line end":          {uri("s3://lab/a\nb"), "sources.1.member.sourceFiles.source1"},
		"key with spaces":              {uri("s3://lab/a b/c\td"), ""},
		"source2 ill-formed":           {set("sourceFiles", fields{"source1": "s3://lab/a", "source2": ""}), "sources.1.member.sourceFiles.source2"},
		"type missing":                 {set("sourceFileType", nil), "sources.1.member.sourceFileType"},
		"type unknown":                 {func(_, s fields) { s["sourceFileType"] = "VCF"; s["sourceFiles"] = fields{"source1": "s3://lab/a"} }, "sources.1.member.sourceFileType"},
		"type lower case":              {func(_, s fields) { s["sourceFileType"] = "bam"; s["sourceFiles"] = fields{"source1": "s3://lab/a"} }, "sources.1.member.sourceFileType"},
		"mate of a UBAM":               {set("sourceFileType", "UBAM"), "sources.1.member.sourceFiles.source2"},
		"UBAM":                         {aligned("UBAM", nil), ""},
		"BAM":                          {aligned("BAM", reference), ""},
		"CRAM":                         {aligned("CRAM", reference), ""},
		"BAM without reference":        {aligned("BAM", nil), "sources.1.member.referenceArn"},
		"CRAM without reference":       {aligned("CRAM", nil), "sources.1.member.referenceArn"},
		"reference of another service": {aligned("CRAM", strings.Replace(reference, "omics", "s3", 1)), "sources.1.member.referenceArn"},
		"reference store only":         {aligned("BAM", reference[:strings.Index(reference, "/reference/")]), "sources.1.member.referenceArn"},
		"reference of a FASTQ":         {set("referenceArn", "arn:x"), ""},
		"reference no ARN":             {set("referenceArn", "arn:"), "sources.1.member.referenceArn"},
		"reference long":               {set("referenceArn", "arn:"+long(124)), "sources.1.member.referenceArn"},
		"subject missing":              {set("subjectId", nil), "sources.1.member.subjectId"},
		"subject empty":                {set("subjectId", ""), "sources.1.member.subjectId"},
		"sample missing":               {set("sampleId", nil), "sources.1.member.sampleId"},
		"sample with a tab":            {set("sampleId", "a\tb"), "sources.1.member.sampleId"},
		"sample of 127":                {set("sampleId", long(127)), ""},
		"sample of 128":                {set("sampleId", long(128)), "sources.1.member.sampleId"},
		"name empty":                   {set("name", ""), "sources.1.member.name"},
		"name private use":             {set("name", "\ue000"), "sources.1.member.name"},
		"name with symbols":            {set("name", "日本 µ→∑ 😀 a\u0301"), ""},
		"description of 255":           {set("description", long(255)), ""},
		"description of 256":           {set("description", long(256)), "sources.1.member.description"},
		"origin long":                  {set("generatedFrom", long(128)), "sources.1.member.generatedFrom"},
		"50 tags":                      {set("tags", tags(50)), ""},
		"51 tags":                      {set("tags", tags(51)), "sources.1.member.tags"},
		"tag key empty":                {set("tags", fields{"": "x"}), "sources.1.member.tags"},
		"tag key of 128":               {set("tags", fields{long(128): ""}), ""},
		"tag key of 129":               {set("tags", fields{long(129): ""}), "sources.1.member.tags"},
		"tag value of 256":             {set("tags", fields{"k": long(256)}), ""},
		"tag value of 257":             {set("tags", fields{"k": long(257)}), "sources.1.member.tags"},
		"tag reserved":                 {set("tags", fields{"AWS:x": ""}), "sources.1.member.tags"},
		"tag key with a symbol":        {set("tags", fields{"a*b": ""}), "sources.1.member.tags"},
		"tag value with a symbol":      {set("tags", fields{"ab": "a*b"}), "sources.1.member.tags"},
		"tag with all that is allowed": {set("tags", fields{"ab_.:/=+-@ 1": "ab_.:/=+-@ 1"}), ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			service := omicstest.New()
			s := source()
			body := fields{"roleArn": role, "sources": []any{s}}
			test.change(body, s)
			b, err := json.Marshal(body)
			require.NoError(t, err)
			w := send(t, service, "POST", "/sequencestore/1234567890/importjob", string(b))
			if test.path == "" {
				require.Equal(t, http.StatusOK, w.Code, w.Body)
				require.Len(t, service.Jobs(store), 1)
				return
			}
			require.Equal(t, http.StatusBadRequest, w.Code)
			require.Equal(t, "ValidationException", w.Header().Get("X-Amzn-Errortype"))
			require.True(t, strings.HasPrefix(message(t, w), "1 validation error detected: Value at '"+test.path+"' "), w.Body)
			require.Empty(t, service.Jobs(store))
		})
	}
}

// source returns a valid source as JSON.
func source() fields {
	return maps.Clone(fields{
		"sourceFiles":    fields{"source1": "s3://lab/a_R1.fastq.gz", "source2": "s3://lab/a_R2.fastq.gz"},
		"sourceFileType": "FASTQ", "subjectId": "subject", "sampleId": "sample",
	})
}

func TestEveryFaultIsReported(t *testing.T) {
	bad := source()
	bad["sampleId"], bad["name"] = nil, "\t"
	b, err := json.Marshal(fields{"sources": []any{source(), bad}})
	require.NoError(t, err)
	w := send(t, omicstest.New(), "POST", "/sequencestore/x/importjob", string(b))
	require.Equal(t, http.StatusBadRequest, w.Code)
	got := message(t, w)
	require.True(t, strings.HasPrefix(got, "4 validation errors detected: "), got)
	for _, path := range []string{"sequenceStoreId", "roleArn", "sources.2.member.sampleId", "sources.2.member.name"} {
		require.Contains(t, got, "Value at '"+path+"'")
	}
}

func TestOtherRequests(t *testing.T) {
	const storePath = "/sequencestore/1234567890"
	tests := map[string]struct {
		method, path, body string
		status             int
		code               string
	}{
		"root":              {"GET", "/", "", 404, "UnknownOperationException"},
		"other operation":   {"DELETE", storePath, "", 404, "UnknownOperationException"},
		"no operation":      {"GET", "/sequencestore", "", 404, "UnknownOperationException"},
		"method":            {"DELETE", storePath + "/importjob/1234567890", "", 404, "UnknownOperationException"},
		"deeper":            {"GET", storePath + "/importjob/1234567890/x", "", 404, "UnknownOperationException"},
		"no job":            {"GET", storePath + "/importjob/1234567890", "", 404, "ResourceNotFoundException"},
		"job no id":         {"GET", storePath + "/importjob/x", "", 400, "ValidationException"},
		"dots":              {"GET", storePath + "/importjob/..", "", 400, "ValidationException"},
		"store escaped":     {"GET", "/sequencestore/12345%2f7890/importjob/1234567890", "", 400, "ValidationException"},
		"store short":       {"POST", "/sequencestore/123456789/importjobs", "", 400, "ValidationException"},
		"store long":        {"POST", "/sequencestore/" + strings.Repeat("1", 37) + "/importjobs", "", 400, "ValidationException"},
		"store unknown":     {"POST", "/sequencestore/" + strings.Repeat("1", 36) + "/importjobs", "", 404, "ResourceNotFoundException"},
		"list, no body":     {"POST", storePath + "/importjobs", "", 200, ""},
		"list, empty":       {"POST", storePath + "/importjobs", "{}", 200, ""},
		"list, null":        {"POST", storePath + "/importjobs", `{"filter":null}`, 200, ""},
		"maxResults 0":      {"POST", storePath + "/importjobs?maxResults=0", "", 400, "ValidationException"},
		"maxResults 1":      {"POST", storePath + "/importjobs?maxResults=1", "", 200, ""},
		"maxResults 100":    {"POST", storePath + "/importjobs?maxResults=100", "", 200, ""},
		"maxResults 101":    {"POST", storePath + "/importjobs?maxResults=101", "", 400, "ValidationException"},
		"maxResults x":      {"POST", storePath + "/importjobs?maxResults=x", "", 400, "ValidationException"},
		"nextToken empty":   {"POST", storePath + "/importjobs?nextToken=", "", 400, "ValidationException"},
		"nextToken long":    {"POST", storePath + "/importjobs?nextToken=" + strings.Repeat("x", 6145), "", 400, "ValidationException"},
		"nextToken bytes":   {"POST", storePath + "/importjobs?nextToken=%ff", "", 400, "ValidationException"},
		"filter status":     {"POST", storePath + "/importjobs", `{"filter":{"status":"CREATED"}}`, 400, "ValidationException"},
		"filter time":       {"POST", storePath + "/importjobs", `{"filter":{"createdAfter":"now"}}`, 400, "SerializationException"},
		"filter number":     {"POST", storePath + "/importjobs", `{"filter":{"createdAfter":1}}`, 400, "SerializationException"},
		"filter list":       {"POST", storePath + "/importjobs", `{"filter":[]}`, 400, "SerializationException"},
		"start, no body":    {"POST", storePath + "/importjob", "", 400, "ValidationException"},
		"start, no JSON":    {"POST", storePath + "/importjob", "{", 400, "SerializationException"},
		"start, list":       {"POST", storePath + "/importjob", "[]", 400, "SerializationException"},
		"start, number":     {"POST", storePath + "/importjob", `{"roleArn":1}`, 400, "SerializationException"},
		"start, sources":    {"POST", storePath + "/importjob", `{"sources":{}}`, 400, "SerializationException"},
		"start, source":     {"POST", storePath + "/importjob", `{"sources":[1]}`, 400, "SerializationException"},
		"start, files":      {"POST", storePath + "/importjob", `{"sources":[{"sourceFiles":""}]}`, 400, "SerializationException"},
		"start, tag":        {"POST", storePath + "/importjob", `{"sources":[{"tags":{"a":1}}]}`, 400, "SerializationException"},
		"start, null tag":   {"POST", storePath + "/importjob", `{"sources":[{"tags":{"a":null}}]}`, 400, "SerializationException"},
		"start, not UTF-8":  {"POST", storePath + "/importjob", "{\"roleArn\":\"\xff\"}", 400, "SerializationException"},
		"start, huge":       {"POST", storePath + "/importjob", `{"x":"` + strings.Repeat("x", 11<<20) + `"}`, 400, "SerializationException"},
		"list, not UTF-8":   {"POST", storePath + "/importjobs", "\xff", 400, "SerializationException"},
		"list, no JSON":     {"POST", storePath + "/importjobs", "x", 400, "SerializationException"},
		"start, other case": {"POST", "/SequenceStore/1234567890/importjob", "", 404, "UnknownOperationException"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := send(t, omicstest.New(), test.method, test.path, test.body)
			require.Equal(t, test.status, w.Code, w.Body)
			require.Equal(t, test.code, w.Header().Get("X-Amzn-Errortype"))
			if test.status != 200 {
				require.NotEmpty(t, message(t, w))
			} else {
				require.JSONEq(t, `{"importJobs":[]}`, w.Body.String())
			}
		})
	}
}
