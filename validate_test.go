package readsetimport_test

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
)

// fault is what tests compare of a FieldError: where and which rule, never the text.
type fault struct {
	Path string
	Rule readsetimport.Rule
}

// faults are the faults of a validation error, or nil of nil. It fails if err is anything else.
func faults(t testing.TB, err error) []fault {
	t.Helper()
	if err == nil {
		return nil
	}
	require.ErrorIs(t, err, readsetimport.ErrValidation)
	var invalid *readsetimport.ValidationError
	require.ErrorAs(t, err, &invalid)
	found := make([]fault, 0, len(invalid.Fields))
	for _, f := range invalid.Fields {
		require.NotEmpty(t, f.Detail, f.Path)
		found = append(found, fault{f.Path, f.Rule})
	}
	require.NotEmpty(t, found)
	return found
}

func one(path string, rule readsetimport.Rule) []fault { return []fault{{path, rule}} }

var validTarget = readsetimport.Target{
	SequenceStoreID: "1234567890",
	RoleARN:         "arn:aws:iam::123456789012:role/OmicsImport",
}

func validFASTQ() readsetimport.Source {
	return readsetimport.PairedFASTQ("s3://reads/1_R1.fastq.gz", "s3://reads/1_R2.fastq.gz").WithSubject("subject-1").WithSample("sample-1")
}

func validBAM() readsetimport.Source {
	return readsetimport.BAM("s3://reads/1.bam", referenceARN).WithSubject("subject-1").WithSample("sample-1")
}

// validSources are n sources of which each has files of its own, and some share a sample.
func validSources(n int) []readsetimport.Source {
	sources := make([]readsetimport.Source, n)
	for i := range sources {
		id := strconv.Itoa(i)
		sources[i] = readsetimport.PairedFASTQ("s3://reads/"+id+"_R1.fastq.gz", "s3://reads/"+id+"_R2.fastq.gz").
			WithSubject("subject-" + strconv.Itoa(i/4)).WithSample("sample-" + strconv.Itoa(i/2))
	}
	return sources
}

// Bits of text at which constraints end.
const (
	tab        = "a\tb"
	newline    = "a\n"
	noUTF8     = "a\xffb"
	halfRune   = "a\xe2\x82"
	surrogate  = "\xed\xa0\x80" // U+D800 written as if it were a character
	unassigned = "a\u0378"
	privateUse = "a\ue000"
	softHyphen = "a\u00adb" // format, as are the next two
	zeroWidth  = "a\u200bb"
	byteOrder  = "\ufeffa"
	nonASCII   = "ä–β 試料　e\u0301 №①🧬"
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
			"one character":                  {"a", ok},
			"a blank":                        {" ", ok},
			"the most characters":            {strings.Repeat("a", field.most), ok},
			"one too many":                   {strings.Repeat("a", field.most+1), length},
			"the most of two bytes":          {strings.Repeat("é", field.most), ok},
			"one too many of two bytes":      {strings.Repeat("é", field.most+1), length},
			"the most of four bytes":         {strings.Repeat("🧬", field.most), ok},
			"one too many of four bytes":     {strings.Repeat("🧬", field.most+1), length},
			"letters, marks, signs, numbers": {nonASCII, ok},
			"every printable ASCII":          {" !\"#$%&'()*+,-./0:;<=>?@A[\\]^_`a{|}~", ok},
			"line separator":                 {"a\u2028b", ok}, // of category Z, unlike the newline
			"replacement character":          {"a\ufffd", ok},  // a sign like others, if it is really there
			"tab":                            {tab, pattern},
			"newline":                        {newline, pattern},
			"carriage return":                {"a\r", pattern},
			"NUL":                            {"a\x00", pattern},
			"delete":                         {"a\x7f", pattern},
			"next line":                      {"a\u0085", pattern},
			"unassigned":                     {unassigned, pattern},
			"private use":                    {privateUse, pattern},
			"soft hyphen":                    {softHyphen, pattern},
			"zero-width space":               {zeroWidth, pattern},
			"byte order mark":                {byteOrder, pattern},
			"invalid UTF-8":                  {noUTF8, pattern},
			"UTF-8 cut off":                  {halfRune, pattern},
			"surrogate":                      {surrogate, pattern},
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

func TestSourceValidate(t *testing.T) {
	const (
		required    = readsetimport.RuleRequired
		length      = readsetimport.RuleLength
		pattern     = readsetimport.RulePattern
		enum        = readsetimport.RuleEnum
		combination = readsetimport.RuleCombination
	)
	fastq, bam := validFASTQ(), validBAM()
	for name, tc := range map[string]struct {
		source readsetimport.Source
		want   []fault
	}{
		"a pair":            {fastq, nil},
		"an unpaired FASTQ": {with(fastq, func(s *readsetimport.Source) { s.Source2 = "" }), nil},
		"a BAM":             {bam, nil},
		"a CRAM":            {with(bam, func(s *readsetimport.Source) { s.Type = "CRAM" }), nil},
		"a UBAM":            {with(bam, func(s *readsetimport.Source) { s.Type, s.ReferenceARN = "UBAM", "" }), nil},
		"nothing": {readsetimport.Source{}, []fault{
			{"sourceFiles.source1", required},
			{"sourceFileType", required},
			{"subjectId", required},
			{"sampleId", required},
		}},
		"everything": {
			readsetimport.Source{
				Type: "VCF", Source1: "s3://B/1", Source2: "https://reads/1", SubjectID: tab, SampleID: newline,
				Name: softHyphen, Description: strings.Repeat("d", 256), GeneratedFrom: noUTF8, ReferenceARN: "arn",
				Tags: map[string]string{"aws:x": "a", "?": "b", "ok": "!"},
			},
			[]fault{
				{"sourceFiles.source1", pattern},
				{"sourceFiles.source2", pattern},
				{"sourceFiles.source2", combination},
				{"sourceFileType", enum},
				{"subjectId", pattern},
				{"sampleId", pattern},
				{"generatedFrom", pattern},
				{"referenceArn", pattern},
				{"name", pattern},
				{"description", length},
				{`tags["?"]`, pattern},
				{`tags["aws:x"]`, readsetimport.RuleReserved},
				{`tags["ok"]`, pattern},
			},
		},

		"no type":              {with(fastq, func(s *readsetimport.Source) { s.Type = "" }), []fault{{"sourceFiles.source2", combination}, {"sourceFileType", required}}},
		"a type in lower case": {with(bam, func(s *readsetimport.Source) { s.Type = "bam" }), one("sourceFileType", enum)},
		"another type":         {with(bam, func(s *readsetimport.Source) { s.Type = "VCF" }), one("sourceFileType", enum)},

		"BAM without a reference":  {with(bam, func(s *readsetimport.Source) { s.ReferenceARN = "" }), one("referenceArn", required)},
		"CRAM without a reference": {with(bam, func(s *readsetimport.Source) { s.Type, s.ReferenceARN = "CRAM", "" }), one("referenceArn", required)},
		"BAM with two files":       {with(bam, func(s *readsetimport.Source) { s.Source2 = "s3://reads/2.bam" }), one("sourceFiles.source2", combination)},
		"CRAM with two files":      {with(bam, func(s *readsetimport.Source) { s.Type, s.Source2 = "CRAM", "s3://reads/2.bam" }), one("sourceFiles.source2", combination)},
		"UBAM with two files":      {with(bam, func(s *readsetimport.Source) { s.Type, s.Source2 = "UBAM", "s3://reads/2.bam" }), one("sourceFiles.source2", combination)},
		"a pair of one file":       {with(fastq, func(s *readsetimport.Source) { s.Source2 = s.Source1 }), one("sourceFiles.source2", combination)},
		"a second mate only":       {with(fastq, func(s *readsetimport.Source) { s.Source1 = "" }), one("sourceFiles.source1", required)},
		"a malformed second mate":  {with(fastq, func(s *readsetimport.Source) { s.Source2 = "2.fastq.gz" }), one("sourceFiles.source2", pattern)},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, faults(t, tc.source.Validate()))
		})
	}
}

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

func TestTargetValidate(t *testing.T) {
	const (
		ok       = readsetimport.Rule("")
		required = readsetimport.RuleRequired
		length   = readsetimport.RuleLength
		pattern  = readsetimport.RulePattern
	)
	role := func(n int, fill string) string { return "arn:" + strings.Repeat(fill, n-4) }
	require.NoError(t, validTarget.Validate())
	require.Equal(t, []fault{{"sequenceStoreId", required}, {"roleArn", required}}, faults(t, readsetimport.Target{}.Validate()))
	for name, tc := range map[string]struct {
		store string
		want  readsetimport.Rule
	}{
		"empty":            {"", required},
		"9 digits":         {strings.Repeat("1", 9), length},
		"10 digits":        {strings.Repeat("1", 10), ok},
		"36 digits":        {strings.Repeat("1", 36), ok},
		"37 digits":        {strings.Repeat("1", 37), length},
		"letters":          {"12345abcde", pattern},
		"other digits":     {strings.Repeat("٣", 10), pattern},
		"a way up":         {"../../../..", pattern},
		"a slash":          {"12345/67890", pattern},
		"a newline":        {"1234567890\n", pattern},
		"a blank":          {" 1234567890", pattern},
		"invalid UTF-8":    {"1234567890\xff", pattern},
		"an ARN":           {"arn:aws:omics:us-west-2:123456789012:sequenceStore/1234567890", pattern},
		"a sign":           {"-1234567890", pattern},
		"bytes around '0'": {"123456789/", pattern},
		"bytes around '9'": {"123456789:", pattern},
	} {
		t.Run("sequenceStoreId/"+name, func(t *testing.T) {
			target := validTarget
			target.SequenceStoreID = tc.store
			var want []fault
			if tc.want != ok {
				want = one("sequenceStoreId", tc.want)
			}
			require.Equal(t, want, faults(t, target.Validate()))
		})
	}
	for name, tc := range map[string]struct {
		role string
		want readsetimport.Rule
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
		"a blank before":             {" " + validTarget.RoleARN, pattern},
		"upper case":                 {strings.ToUpper(validTarget.RoleARN), pattern},
		"a newline":                  {validTarget.RoleARN + "\n", pattern},
		"invalid UTF-8":              {validTarget.RoleARN + "\xff", pattern},
		"the beginning of it":        {"arn:", length},
		"long, and no ARN":           {strings.Repeat("r", 2049), pattern},
		"an ARN with another before": {"xarn:aws:iam::123456789012:role/r", pattern},
	} {
		t.Run("roleArn/"+name, func(t *testing.T) {
			target := validTarget
			target.RoleARN = tc.role
			var want []fault
			if tc.want != ok {
				want = one("roleArn", tc.want)
			}
			require.Equal(t, want, faults(t, target.Validate()))
		})
	}
}

func TestValidateSources(t *testing.T) {
	duplicate := readsetimport.RuleDuplicate
	pair := func(source1, source2 string) readsetimport.Source {
		return readsetimport.PairedFASTQ("s3://reads/"+source1, "s3://reads/"+source2).WithSubject("u").WithSample("a")
	}
	single := func(source1 string) readsetimport.Source {
		return readsetimport.FASTQ("s3://reads/" + source1).WithSubject("u").WithSample("a")
	}
	for name, tc := range map[string]struct {
		sources []readsetimport.Source
		want    []fault
	}{
		"none":                      {nil, one("sources", readsetimport.RuleRequired)},
		"none, not nil":             {[]readsetimport.Source{}, one("sources", readsetimport.RuleRequired)},
		"one":                       {[]readsetimport.Source{single("1")}, nil},
		"more than a job takes":     {validSources(101), nil},
		"a shared sample":           {[]readsetimport.Source{single("1"), single("2"), pair("3", "4")}, nil},
		"a file twice":              {[]readsetimport.Source{single("1"), single("2"), single("1")}, one("sources[2].sourceFiles.source1", duplicate)},
		"a file three times":        {[]readsetimport.Source{single("1"), single("1"), single("1")}, []fault{{"sources[1].sourceFiles.source1", duplicate}, {"sources[2].sourceFiles.source1", duplicate}}},
		"a second mate twice":       {[]readsetimport.Source{pair("1", "2"), pair("3", "2")}, one("sources[1].sourceFiles.source2", duplicate)},
		"a first mate as second":    {[]readsetimport.Source{pair("1", "2"), pair("3", "1")}, one("sources[1].sourceFiles.source2", duplicate)},
		"a second mate as first":    {[]readsetimport.Source{pair("1", "2"), pair("2", "3")}, one("sources[1].sourceFiles.source1", duplicate)},
		"mates the other way round": {[]readsetimport.Source{pair("1", "2"), pair("2", "1")}, []fault{{"sources[1].sourceFiles.source1", duplicate}, {"sources[1].sourceFiles.source2", duplicate}}},
		"a mate as another type":    {[]readsetimport.Source{pair("1", "2"), readsetimport.UBAM("s3://reads/2").WithSubject("v").WithSample("b")}, one("sources[1].sourceFiles.source1", duplicate)},
		"another case is another":   {[]readsetimport.Source{single("a"), single("A"), single("a/"), single("/a")}, nil},
		"another bucket":            {[]readsetimport.Source{single("1"), readsetimport.FASTQ("s3://other/1").WithSubject("u").WithSample("a")}, nil},
		// The pair of one file is a fault of its own, not one between sources.
		"a pair of one file":          {[]readsetimport.Source{pair("1", "1")}, one("sources[0].sourceFiles.source2", readsetimport.RuleCombination)},
		"no files are not duplicates": {[]readsetimport.Source{{Type: "UBAM", SubjectID: "u", SampleID: "a"}, {Type: "UBAM", SubjectID: "u", SampleID: "a"}}, []fault{{"sources[0].sourceFiles.source1", readsetimport.RuleRequired}, {"sources[1].sourceFiles.source1", readsetimport.RuleRequired}}},
		"every fault of every source": {
			[]readsetimport.Source{
				{Type: "VCF", Source1: "1.vcf", SubjectID: tab, SampleID: ""},
				single("1"),
				{Type: "BAM", Source1: "s3://reads/1", Source2: "s3://reads/2", SubjectID: "u", SampleID: noUTF8, Tags: map[string]string{"aws:x": "\n"}},
				single("2").WithName(newline),
			},
			[]fault{
				{"sources[0].sourceFiles.source1", readsetimport.RulePattern},
				{"sources[0].sourceFileType", readsetimport.RuleEnum},
				{"sources[0].subjectId", readsetimport.RulePattern},
				{"sources[0].sampleId", readsetimport.RuleRequired},
				{"sources[2].sourceFiles.source2", readsetimport.RuleCombination},
				{"sources[2].sampleId", readsetimport.RulePattern},
				{"sources[2].referenceArn", readsetimport.RuleRequired},
				{`sources[2].tags["aws:x"]`, readsetimport.RuleReserved},
				{`sources[2].tags["aws:x"]`, readsetimport.RulePattern},
				{"sources[2].sourceFiles.source1", duplicate},
				{"sources[3].name", readsetimport.RulePattern},
				{"sources[3].sourceFiles.source1", duplicate},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, faults(t, readsetimport.ValidateSources(tc.sources)))
		})
	}
}

func TestValidateSourcesOneBadAmong250(t *testing.T) {
	sources := validSources(250)
	require.NoError(t, readsetimport.ValidateSources(sources))
	sources[137].SampleID, sources[137].Source2 = "", "s3://Reads/137_R2.fastq.gz"
	require.Equal(t, []fault{
		{"sources[137].sourceFiles.source2", readsetimport.RulePattern},
		{"sources[137].sampleId", readsetimport.RuleRequired},
	}, faults(t, readsetimport.ValidateSources(sources)))
}

// Nothing that a log may hold shows a value: sample and subject ids can identify a person.
func TestFaultsDoNotTellValues(t *testing.T) {
	const secret = "HG00096-Doe-1970"
	source := readsetimport.Source{
		Type: types.FileType(secret), Source1: secret, Source2: secret + "\n", SubjectID: secret + "\t", SampleID: secret + "\xff",
		Name: secret + strings.Repeat("n", 200), Description: secret + "\x00", GeneratedFrom: secret + softHyphen, ReferenceARN: secret,
		Tags: map[string]string{"key": secret + "!"},
	}
	twice := []readsetimport.Source{source, source}
	for i := range twice {
		twice[i].Source1 = "s3://reads/" + secret
	}
	for name, err := range map[string]error{
		"source":  source.Validate(),
		"sources": readsetimport.ValidateSources(twice),
		"target":  readsetimport.Target{SequenceStoreID: secret, RoleARN: secret}.Validate(),
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, err)
			texts := []string{err.Error(), fmt.Sprintf("%v", err), fmt.Sprintf("%+v", err), fmt.Sprintf("%s", err), fmt.Sprintf("%q", err)}
			var invalid *readsetimport.ValidationError
			require.ErrorAs(t, err, &invalid)
			for _, f := range invalid.Fields {
				texts = append(texts, f.Error(), fmt.Sprintf("%+v", f))
				require.Contains(t, f.Value, secret, "%s: the program that asks is told", f.Path)
			}
			for _, text := range texts {
				require.NotContains(t, text, secret)
				require.NotContains(t, text, "\n")
			}
		})
	}
}

func TestFieldErrorValueIsCut(t *testing.T) {
	for name, tc := range map[string]struct{ value, want string }{
		"short":                    {"a\tb", "a\tb"},
		"100 bytes":                {strings.Repeat("a", 99) + "\t", strings.Repeat("a", 99) + "\t"},
		"101 bytes":                {strings.Repeat("a", 100) + "\t", strings.Repeat("a", 100) + "…"},
		"not in a character":       {strings.Repeat("a", 99) + "é\t", strings.Repeat("a", 99) + "…"},
		"not in a character of 4":  {strings.Repeat("a", 97) + "🧬\t", strings.Repeat("a", 97) + "…"},
		"after a character of two": {strings.Repeat("a", 98) + "é\t", strings.Repeat("a", 98) + "é…"},
		"a megabyte":               {strings.Repeat("é", 1<<19), strings.Repeat("é", 50) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			err := validBAM().WithSample(tc.value).Validate()
			var field *readsetimport.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, "sampleId", field.Path)
			require.Equal(t, tc.want, field.Value)
		})
	}
}

func TestValidationErrorReachesEveryFault(t *testing.T) {
	err := fmt.Errorf("wrapped: %w", readsetimport.Source{}.Validate())
	require.ErrorIs(t, err, readsetimport.ErrValidation)
	require.NotErrorIs(t, err, readsetimport.ErrThrottled)
	var invalid *readsetimport.ValidationError
	require.ErrorAs(t, err, &invalid)
	require.Len(t, invalid.Fields, 4)
	require.Len(t, invalid.Unwrap(), 4)
	for _, f := range invalid.Fields {
		require.ErrorIs(t, f, readsetimport.ErrValidation)
		require.ErrorIs(t, err, error(f))
	}
	for n, fields := range map[int][]*readsetimport.FieldError{1: invalid.Fields[:1], 4: invalid.Fields} {
		text := (&readsetimport.ValidationError{Fields: fields}).Error()
		require.Contains(t, text, fields[0].Path)
		require.Equal(t, n > 1, strings.HasPrefix(text, strconv.Itoa(n)), "one line says how many there are: %s", text)
		require.NotContains(t, text, "\n")
	}
}

// The facts' own patterns, as Go writes them. The dot is ECMA 262's: all but the four line terminators. A repetition of
// more than 1000 has to be written in two parts.
const (
	textPattern = `^[\p{L}||\p{M}||\p{Z}||\p{S}||\p{N}||\p{P}]+$`
	dot         = `[^\n\r\x{2028}\x{2029}]`
)

var (
	textRegexp      = regexp.MustCompile(textPattern)
	s3Regexp        = regexp.MustCompile(`^s3://([a-z0-9][a-z0-9-.]{1,61}[a-z0-9])/(` + dot + `{1,1000}` + dot + `{0,24})$`)
	arnRegexp       = regexp.MustCompile(`^arn:` + dot + `+$`)
	referenceRegexp = regexp.MustCompile(`^arn:[^:]+:omics:[^:]+:[0-9]{12}:referenceStore/[0-9]{10,36}/reference/[0-9]{10,36}$`)
	storeRegexp     = regexp.MustCompile(`^[0-9]+$`)
	roleRegexp      = regexp.MustCompile(`^arn:` + dot + `*$`)
	tagRegexp       = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	reservedRegexp  = regexp.MustCompile(`^[aA][wW][sS]:`)
)

// matches reports whether the service takes s: valid UTF-8 of so many code points and of the pattern.
func matches(pattern *regexp.Regexp, s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && least <= n && n <= most && pattern.MatchString(s)
}

func TestTextOfEveryCharacter(t *testing.T) {
	source := validBAM()
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) || r > 0x1ffff && r%97 != 0 { // few and long ranges beyond the first two planes
			continue
		}
		source.Name = string(r)
		if want := textRegexp.MatchString(source.Name); want != (source.Validate() == nil) {
			t.Fatalf("%U: want valid %v", r, want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"", "a", " ", nonASCII, tab, newline, noUTF8, halfRune, surrogate, unassigned, privateUse, softHyphen, byteOrder,
		strings.Repeat("é", 127), strings.Repeat("é", 128), strings.Repeat("🧬", 255), strings.Repeat("🧬", 256), "a\u2028b", "|",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, field := range textFields {
			source := validBAM()
			field.set(&source, s)
			want := matches(textRegexp, s, 1, field.most) || s == "" && !field.required
			requireAccepted(t, want, source.Validate(), field.path)
		}
	})
}

func FuzzS3URI(f *testing.F) {
	for _, s := range []string{
		"s3://reads/1", "s3://a.b-c/1/2", "s3://ab/1", "s3://Reads/1", "s3://reads/", "s3://reads", "s3://-ab/1", "s3://reads/a\nb",
		"s3://reads/a\u2028", "s3://reads/\x85", "s3://reads/" + strings.Repeat("é", 1024), "s3://reads/" + strings.Repeat("é", 1025),
		"s3://" + strings.Repeat("b", 63) + "/1", "s3://" + strings.Repeat("b", 64) + "/1", "https://reads/1", noUTF8,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		want := utf8.ValidString(s) && s3Regexp.MatchString(s)
		source := validFASTQ()
		source.Source1 = s
		requireAccepted(t, want && s != source.Source2, source.Validate(), "sourceFiles.source1", "sourceFiles.source2")
		source = validFASTQ()
		source.Source2 = s
		requireAccepted(t, (want || s == "") && s != source.Source1, source.Validate(), "sourceFiles.source2")
	})
}

func FuzzReferenceARN(f *testing.F) {
	for _, s := range []string{
		"", referenceARN, referenceARN + "/", referenceARN + "\n", "arn:", "arn:a", "arn:\u2028", "arn:aws:s3:::bucket", noUTF8, " " + referenceARN,
		"arn:::::", "arn:a:omics:b:123456789012:referenceStore/1234567890/reference/1234567890", "arn:" + strings.Repeat("é", 124),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		arn := matches(arnRegexp, s, 1, 127)
		for fileType, want := range map[types.FileType]bool{
			types.FileTypeUbam: arn || s == "",
			types.FileTypeBam:  arn && matches(textRegexp, s, 1, 127) && referenceRegexp.MatchString(s),
		} {
			source := validBAM()
			source.Type, source.ReferenceARN = fileType, s
			requireAccepted(t, want, source.Validate(), "referenceArn")
		}
	})
}

func FuzzTarget(f *testing.F) {
	f.Add(validTarget.SequenceStoreID, validTarget.RoleARN)
	f.Add("", "")
	f.Add("123456789", "arn:aws:iam::1:role")
	f.Add("../../../..", "arn:"+strings.Repeat("é", 2044))
	f.Add("1234567890\n", "arn:"+strings.Repeat("é", 2045))
	f.Add("١٢٣٤٥٦٧٨٩٠", validTarget.RoleARN+"\xff")
	f.Fuzz(func(t *testing.T, store, role string) {
		target := readsetimport.Target{SequenceStoreID: store, RoleARN: validTarget.RoleARN}
		requireAccepted(t, matches(storeRegexp, store, 10, 36), target.Validate(), "sequenceStoreId")
		target = readsetimport.Target{SequenceStoreID: validTarget.SequenceStoreID, RoleARN: role}
		requireAccepted(t, matches(roleRegexp, role, 20, 2048), target.Validate(), "roleArn")
	})
}

func FuzzTag(f *testing.F) {
	for key, value := range map[string]string{
		"key": "value", "": "", "aws:x": "", "AwS:": "x", " _.:/=+-@": "é", "a,b": "c", "a\tb": noUTF8, "\u2028": "e\u0301",
		strings.Repeat("試", 128): strings.Repeat("試", 256), strings.Repeat("試", 129): strings.Repeat("試", 257),
	} {
		f.Add(key, value)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		source := validBAM()
		source.Tags = map[string]string{key: "value"}
		if matches(tagRegexp, key, 1, 128) && !reservedRegexp.MatchString(key) {
			require.NoError(t, source.Validate())
		} else {
			found := faults(t, source.Validate())
			require.Len(t, found, 1)
			require.Regexp(t, `^tags\[".*"\]$`, found[0].Path)
		}
		source.Tags = map[string]string{"key": value}
		requireAccepted(t, matches(tagRegexp, value, 0, 256), source.Validate(), `tags["key"]`)
	})
}

// requireAccepted fails unless err is nil exactly if want, and else has a fault at each path and at no other.
func requireAccepted(t *testing.T, want bool, err error, paths ...string) {
	t.Helper()
	if want {
		require.NoError(t, err)
		return
	}
	found := faults(t, err)
	require.NotEmpty(t, found)
	for _, f := range found {
		require.Contains(t, paths, f.Path)
	}
}

// Checking a valid source must cost nothing to speak of: readers of long sheets do it for every row.
func TestValidateAllocatesNothing(t *testing.T) {
	for name, source := range validBenchmarkSources() {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, source.Validate())
			require.Zero(t, testing.AllocsPerRun(100, func() { _ = source.Validate() }))
		})
	}
}

func BenchmarkValidate(b *testing.B) {
	for name, source := range validBenchmarkSources() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := source.Validate(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkValidateSources(b *testing.B) {
	sources := validSources(100_000)
	b.ReportAllocs()
	for b.Loop() {
		if err := readsetimport.ValidateSources(sources); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(sources)*b.N)/b.Elapsed().Seconds(), "sources/s")
}

func validBenchmarkSources() map[string]readsetimport.Source {
	return map[string]readsetimport.Source{
		"FASTQ": validFASTQ(),
		"CRAM, every field": readsetimport.CRAM("s3://reads/project/run/sample-1.cram", referenceARN).WithSubject("subject-1").WithSample("sample-1").
			WithName("sample-1").WithDescription("a description of some words").WithGeneratedFrom("run 7").
			WithTag("project", "p1").WithTag("batch", "2024-01").WithTag("lane", "L001"),
		"not ASCII": validFASTQ().WithName(nonASCII).WithTag("Projekt ä", "試料"),
	}
}

func with(s readsetimport.Source, change func(*readsetimport.Source)) readsetimport.Source {
	s.Tags = maps.Clone(s.Tags)
	change(&s)
	return s
}
