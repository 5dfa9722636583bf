package readsetimport_test

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"

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

func with(s readsetimport.Source, change func(*readsetimport.Source)) readsetimport.Source {
	s.Tags = maps.Clone(s.Tags)
	change(&s)
	return s
}
