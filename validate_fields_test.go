package readsetimport_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
)

func TestS3URI(t *testing.T) {
	const (
		ok      = readsetimport.Rule("")
		length  = readsetimport.RuleLength
		pattern = readsetimport.RulePattern
	)
	for name, tc := range map[string]struct {
		uri  string
		want readsetimport.Rule
	}{
		"empty":                      {"", readsetimport.RuleRequired},
		"plain":                      {"s3://reads/1.fastq.gz", ok},
		"folders":                    {"s3://reads/a/b/c", ok},
		"an empty folder":            {"s3://reads//a", ok},
		"a folder":                   {"s3://reads/a/", ok},
		"a slash":                    {"s3://reads//", ok},
		"blanks and signs":           {"s3://reads/run 7/a+b (1)?#%20.fastq.gz", ok},
		"a tab in the key":           {"s3://reads/a\tb", ok}, // the model's pattern takes it, and S3 can hold it
		"another scheme":             {"https://reads/1", pattern},
		"upper-case scheme":          {"S3://reads/1", pattern},
		"no scheme":                  {"reads/1", pattern},
		"a blank before":             {" s3://reads/1", pattern},
		"only the scheme":            {"s3://", pattern},
		"no bucket":                  {"s3:///1", pattern},
		"bucket of 2":                {"s3://ab/1", pattern},
		"bucket of 3":                {"s3://abc/1", ok},
		"bucket of 63":               {"s3://" + strings.Repeat("b", 63) + "/1", ok},
		"bucket of 64":               {"s3://" + strings.Repeat("b", 64) + "/1", pattern},
		"bucket of digits":           {"s3://123/1", ok},
		"bucket with dot and hyphen": {"s3://a.b-c..d/1", ok},
		"bucket in upper case":       {"s3://Reads/1", pattern},
		"bucket with a low line":     {"s3://my_reads/1", pattern},
		"bucket beginning in hyphen": {"s3://-reads/1", pattern},
		"bucket ending in hyphen":    {"s3://reads-/1", pattern},
		"bucket beginning in dot":    {"s3://.reads/1", pattern},
		"bucket ending in dot":       {"s3://reads./1", pattern},
		"bucket of letters like é":   {"s3://réads/1", pattern},
		"bucket of other digits":     {"s3://reads٣/1", pattern},
		"no key":                     {"s3://reads/", pattern},
		"no slash":                   {"s3://reads", pattern},
		"key of 1":                   {"s3://reads/1", ok},
		"key of 1024":                {"s3://reads/" + strings.Repeat("k", 1024), ok},
		"key of 1025":                {"s3://reads/" + strings.Repeat("k", 1025), length},
		"key of 1024 of four bytes":  {"s3://reads/" + strings.Repeat("🧬", 1024), ok},
		"key of 1025 of four bytes":  {"s3://reads/" + strings.Repeat("🧬", 1025), length},
		"key with a newline":         {"s3://reads/a\nb", pattern},
		"key with a newline last":    {"s3://reads/a\n", pattern},
		"key with a return":          {"s3://reads/a\rb", pattern},
		"key with a line separator":  {"s3://reads/a\u2028b", pattern},
		"with a paragraph separator": {"s3://reads/a\u2029b", pattern},
		"key with other controls":    {"s3://reads/a\u0085\x00b", ok},
		"key of invalid UTF-8":       {"s3://reads/" + noUTF8, pattern},
		"bucket of invalid UTF-8":    {"s3://re\xffads/1", pattern},
	} {
		t.Run(name, func(t *testing.T) {
			for path, source := range map[string]readsetimport.Source{
				"sourceFiles.source1": with(validFASTQ(), func(s *readsetimport.Source) { s.Source1 = tc.uri }),
				"sourceFiles.source2": with(validFASTQ(), func(s *readsetimport.Source) { s.Source2 = tc.uri }),
			} {
				var want []fault
				if tc.want != ok && !(tc.uri == "" && path == "sourceFiles.source2") {
					want = one(path, tc.want)
				}
				require.Equal(t, want, faults(t, source.Validate()), path)
			}
		})
	}
}

func TestReferenceARN(t *testing.T) {
	const (
		ok      = readsetimport.Rule("")
		length  = readsetimport.RuleLength
		pattern = readsetimport.RulePattern
	)
	form := func(store, reference string) string {
		return "arn:aws:omics:us-west-2:123456789012:referenceStore/" + store + "/reference/" + reference
	}
	digits := func(n int) string { return strings.Repeat("7", n) }
	for name, tc := range map[string]struct {
		arn                string
		aligned, unaligned readsetimport.Rule // of BAM and CRAM, and of FASTQ and UBAM
	}{
		"empty":                       {"", readsetimport.RuleRequired, ok},
		"a reference":                 {referenceARN, ok, ok},
		"other partitions":            {"arn:aws-us-gov:omics:us-gov-west-1:123456789012:referenceStore/1234567890/reference/1234567890", ok, ok},
		"ids of 9 digits":             {form(digits(9), digits(9)), pattern, ok},
		"a store id of 9 digits":      {form(digits(9), digits(10)), pattern, ok},
		"a reference id of 9 digits":  {form(digits(10), digits(9)), pattern, ok},
		"a store id of 36 digits":     {form(digits(36), digits(10)), ok, ok},
		"a store id of 37 digits":     {form(digits(37), digits(10)), pattern, ok},
		"a reference id of 36 digits": {form(digits(10), digits(36)), ok, ok},
		"a reference id of 37 digits": {form(digits(10), digits(37)), pattern, ok},
		"127 characters":              {form(digits(127-len(form("", ""))-36), digits(36)), ok, ok},
		"128 characters":              {form(digits(128-len(form("", ""))-36), digits(36)), length, length},
		"128 bytes, 127 characters":   {"arn:" + strings.Repeat("a", 122) + "é", pattern, ok},
		"127 of four bytes":           {"arn:" + strings.Repeat("🧬", 123), pattern, ok},
		"128 of four bytes":           {"arn:" + strings.Repeat("🧬", 124), length, length},
		"letters in the store id":     {form("12345678ab", digits(10)), pattern, ok},
		"a reference store":           {"arn:aws:omics:us-west-2:123456789012:referenceStore/1234567890", pattern, ok},
		"a sequence store":            {"arn:aws:omics:us-west-2:123456789012:sequenceStore/1234567890/readSet/1234567890", pattern, ok},
		"more after it":               {referenceARN + "/x", pattern, ok},
		"another part after it":       {referenceARN + ":x", pattern, ok},
		"a slash after it":            {referenceARN + "/", pattern, ok},
		"no partition":                {"arn::omics:us-west-2:123456789012:referenceStore/1234567890/reference/1234567890", pattern, ok},
		"no region":                   {"arn:aws:omics::123456789012:referenceStore/1234567890/reference/1234567890", pattern, ok},
		"another service":             {"arn:aws:s3:us-west-2:123456789012:referenceStore/1234567890/reference/1234567890", pattern, ok},
		"no account":                  {"arn:aws:omics:us-west-2::referenceStore/1234567890/reference/1234567890", pattern, ok},
		"an account of 11 digits":     {"arn:aws:omics:us-west-2:12345678901:referenceStore/1234567890/reference/1234567890", pattern, ok},
		"an account of 13 digits":     {"arn:aws:omics:us-west-2:1234567890123:referenceStore/1234567890/reference/1234567890", pattern, ok},
		"an account of letters":       {"arn:aws:omics:us-west-2:12345678901x:referenceStore/1234567890/reference/1234567890", pattern, ok},
		"a tab in it":                 {"arn:aws:omics:us-west-\t2:123456789012:referenceStore/1234567890/reference/1234567890", pattern, ok},
		"a bucket":                    {"arn:aws:s3:::references", pattern, ok},
		"a URI":                       {"s3://references/GRCh38.fa", pattern, pattern},
		"no ARN":                      {"GRCh38", pattern, pattern},
		"upper case":                  {strings.ToUpper(referenceARN), pattern, pattern},
		"only the beginning":          {"arn:", pattern, pattern},
		"a blank before":              {" " + referenceARN, pattern, pattern},
		"a newline":                   {referenceARN + "\n", pattern, pattern},
		"a newline at once":           {"arn:\n", pattern, pattern},
		"a line separator":            {"arn:aws:omics:us\u2028west-2:123456789012:referenceStore/1234567890/reference/1234567890", pattern, pattern},
		"invalid UTF-8":               {"arn:" + noUTF8, pattern, pattern},
	} {
		t.Run(name, func(t *testing.T) {
			for fileType, rule := range map[types.FileType]readsetimport.Rule{
				types.FileTypeBam: tc.aligned, types.FileTypeCram: tc.aligned,
				types.FileTypeFastq: tc.unaligned, types.FileTypeUbam: tc.unaligned,
			} {
				source := with(validBAM(), func(s *readsetimport.Source) { s.Type, s.ReferenceARN = fileType, tc.arn })
				var want []fault
				if rule != ok {
					want = one("referenceArn", rule)
				}
				require.Equal(t, want, faults(t, source.Validate()), fileType)
			}
		})
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
		"none":                         {map[string]string{}, nil},
		"every sign":                   {tag("Projekt ä 試料-_.:/=+@7", "Wert é　-_.:/=+@7"), nil},
		"an empty value":               {tag("key", ""), nil},
		"an empty key":                 {tag("", "value"), one(`tags[""]`, length)},
		"50":                           {manyTags(50), nil},
		"51":                           {manyTags(51), one("tags", length)},
		"51, one of them bad":          {tagsWith(manyTags(50), "?"), []fault{{"tags", length}, {`tags["?"]`, pattern}}},
		"a key of 128":                 {tag(strings.Repeat("k", 128), ""), nil},
		"a key of 128 of three bytes":  {tag(strings.Repeat("試", 128), ""), nil},
		"a key of 129":                 {tag(strings.Repeat("k", 129), ""), one(`tags["`+strings.Repeat("k", 100)+`…"]`, length)},
		"a key of 129 of three bytes":  {tag(strings.Repeat("試", 129), ""), one(`tags["`+strings.Repeat("試", 33)+`…"]`, length)},
		"a value of 256":               {tag("key", strings.Repeat("v", 256)), nil},
		"a value of 256 of two bytes":  {tag("key", strings.Repeat("é", 256)), nil},
		"a value of 257":               {tag("key", strings.Repeat("v", 257)), one(`tags["key"]`, length)},
		"a value of 257 of two bytes":  {tag("key", strings.Repeat("é", 257)), one(`tags["key"]`, length)},
		"reserved":                     {tag("aws:omics:sampleId", "x"), one(`tags["aws:omics:sampleId"]`, reserved)},
		"reserved, only the beginning": {tag("aws:", "x"), one(`tags["aws:"]`, reserved)},
		"reserved, in upper case":      {tag("AWS:x", "x"), one(`tags["AWS:x"]`, reserved)},
		"reserved, in mixed case":      {tag("aWs:x", "x"), one(`tags["aWs:x"]`, reserved)},
		"nearly reserved":              {map[string]string{"aws": "x", "awsx:": "x", "my-aws:x": "x", " aws:": "x"}, nil},
		"reserved as a value":          {tag("key", "aws:x"), nil},
		"a comma in a key":             {tag("a,b", "x"), one(`tags["a,b"]`, pattern)},
		"a comma in a value":           {tag("key", "a,b"), one(`tags["key"]`, pattern)},
		"a tab in a key":               {tag("a\tb", "x"), one(`tags["a\tb"]`, pattern)},
		"a newline in a value":         {tag("key", "a\nb"), one(`tags["key"]`, pattern)},
		"a mark in a value":            {tag("key", "e\u0301"), one(`tags["key"]`, pattern)},
		"an emoji in a value":          {tag("key", "🧬"), one(`tags["key"]`, pattern)},
		"invalid UTF-8 in a key":       {tag(noUTF8, "x"), one(`tags["a\xffb"]`, pattern)},
		"invalid UTF-8 in a value":     {tag("key", noUTF8), one(`tags["key"]`, pattern)},
		"key and value":                {tag("?", "!"), []fault{{`tags["?"]`, pattern}, {`tags["?"]`, pattern}}},
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
