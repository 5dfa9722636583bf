package rules

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const referenceARN = "arn:aws:omics:us-west-2:123456789012:referenceStore/1234567890/reference/1234567890"

func TestS3URI(t *testing.T) {
	const ok, length, pattern = "", Length, Pattern
	for name, tc := range map[string]struct {
		uri  string
		want string
	}{
		"empty":                      {"", Required},
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
		require.Equal(t, tc.want, rule(S3URI(tc.uri)), name)
	}
}

func TestReferenceARN(t *testing.T) {
	const ok, length, pattern = "", Length, Pattern
	form := func(store, reference string) string {
		return "arn:aws:omics:us-west-2:123456789012:referenceStore/" + store + "/reference/" + reference
	}
	digits := func(n int) string { return strings.Repeat("7", n) }
	for name, tc := range map[string]struct {
		arn                string
		aligned, unaligned string // of BAM and CRAM, and of FASTQ and UBAM
	}{
		"empty":                       {"", Required, Required},
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
		require.Equal(t, tc.aligned, rule(ReferenceARN(tc.arn, true)), name)
		require.Equal(t, tc.unaligned, rule(ReferenceARN(tc.arn, false)), name)
	}
}

func TestRoleARN(t *testing.T) {
	const (
		ok, required, length, pattern = "", Required, Length, Pattern
		valid                         = "arn:aws:iam::123456789012:role/OmicsImport"
	)
	role := func(n int, fill string) string { return "arn:" + strings.Repeat(fill, n-4) }
	for name, tc := range map[string]struct {
		role string
		want string
	}{
		"empty":                      {"", required},
		"19 characters":              {role(19, "r"), length},
		"20 characters":              {role(20, "r"), ok},
		"2048 characters":            {role(2048, "r"), ok},
		"2049 characters":            {role(2049, "r"), length},
		"20 of two bytes":            {role(20, "é"), ok},
		"19 of two bytes":            {role(19, "é"), length},
		"2048 of four bytes":         {role(2048, "🧬"), ok},
		"2049 of four bytes":         {role(2049, "🧬"), length},
		"a name":                     {"OmicsImportServiceRole", pattern},
		"a blank before":             {" " + valid, pattern},
		"upper case":                 {strings.ToUpper(valid), pattern},
		"a newline":                  {valid + "\n", pattern},
		"invalid UTF-8":              {valid + "\xff", pattern},
		"the beginning of it":        {"arn:", length},
		"long, and no ARN":           {strings.Repeat("r", 2049), pattern},
		"an ARN with another before": {"xarn:aws:iam::123456789012:role/r", pattern},
	} {
		require.Equal(t, tc.want, rule(RoleARN(tc.role)), name)
	}
}
