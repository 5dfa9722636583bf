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

// Bits of text that no field takes, and one that every field of text takes.
const (
	tab        = "a\tb"
	newline    = "a\n"
	noUTF8     = "a\xffb"
	softHyphen = "a\u00adb" // a format character
	nonASCII   = "ä–β 試料　e\u0301 №①🧬"
)

func TestSourceValidate(t *testing.T) {
	const (
		required    = readsetimport.RuleRequired
		length      = readsetimport.RuleLength
		pattern     = readsetimport.RulePattern
		enum        = readsetimport.RuleEnum
		combination = readsetimport.RuleCombination
	)
	fastq, bam := validFASTQ(), validBAM()
	longKey := "s3://reads/" + strings.Repeat("k", 1025)
	const bucketARN = "arn:aws:s3:::references"
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
		"a long second mate":       {with(fastq, func(s *readsetimport.Source) { s.Source2 = longKey }), one("sourceFiles.source2", length)},
		"a long key":               {with(bam, func(s *readsetimport.Source) { s.Source1 = longKey }), one("sourceFiles.source1", length)},

		"BAM and a bucket's ARN":   {with(bam, func(s *readsetimport.Source) { s.ReferenceARN = bucketARN }), one("referenceArn", pattern)},
		"CRAM and a bucket's ARN":  {with(bam, func(s *readsetimport.Source) { s.Type, s.ReferenceARN = "CRAM", bucketARN }), one("referenceArn", pattern)},
		"UBAM and a bucket's ARN":  {with(bam, func(s *readsetimport.Source) { s.Type, s.ReferenceARN = "UBAM", bucketARN }), nil},
		"FASTQ and a bucket's ARN": {with(fastq, func(s *readsetimport.Source) { s.ReferenceARN = bucketARN }), nil},
		"FASTQ and no ARN":         {with(fastq, func(s *readsetimport.Source) { s.ReferenceARN = "GRCh38" }), one("referenceArn", pattern)},
		"UBAM and a long ARN":      {with(bam, func(s *readsetimport.Source) { s.Type, s.ReferenceARN = "UBAM", "arn:"+strings.Repeat("é", 124) }), one("referenceArn", length)},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, faults(t, tc.source.Validate()))
		})
	}
}

func TestTargetValidate(t *testing.T) {
	require.NoError(t, validTarget.Validate())
	for name, tc := range map[string]struct {
		target readsetimport.Target
		want   []fault
	}{
		"nothing":        {readsetimport.Target{}, []fault{{"sequenceStoreId", readsetimport.RuleRequired}, {"roleArn", readsetimport.RuleRequired}}},
		"a short id":     {readsetimport.Target{SequenceStoreID: "123456789", RoleARN: validTarget.RoleARN}, one("sequenceStoreId", readsetimport.RuleLength)},
		"a way up":       {readsetimport.Target{SequenceStoreID: "../../../..", RoleARN: validTarget.RoleARN}, one("sequenceStoreId", readsetimport.RulePattern)},
		"a role's name":  {readsetimport.Target{SequenceStoreID: "1234567890", RoleARN: "OmicsImport"}, one("roleArn", readsetimport.RulePattern)},
		"a short ARN":    {readsetimport.Target{SequenceStoreID: "1234567890", RoleARN: "arn:"}, one("roleArn", readsetimport.RuleLength)},
		"store and role": {readsetimport.Target{SequenceStoreID: "x", RoleARN: "y"}, []fault{{"sequenceStoreId", readsetimport.RulePattern}, {"roleArn", readsetimport.RulePattern}}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, tc.want, faults(t, tc.target.Validate()))
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
