package manifest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

type sources = []readsetimport.Source

func options(opt func(*manifest.Options)) []func(*manifest.Options) {
	if opt == nil {
		return nil
	}
	return []func(*manifest.Options){opt}
}

func TestTables(t *testing.T) {
	full := readsetimport.BAM(bucket+"HG00100.bam", reference).WithSubject("subj").WithSample("samp").WithName("n").
		WithDescription("d, with a comma").WithGeneratedFrom("g").WithTag("a", "1 2").WithTag("b", "3")
	rnaseq := sources{pair("GM12878_REP1", "SRX1_T1_1.fastq.gz", "SRX1_T1_2.fastq.gz"), single("K562", "SRX2_T1_1.fastq.gz")}
	const rnaseqText = "sample,fastq_1,fastq_2,strandedness\n" +
		"GM12878_REP1,s3://reads/SRX1_T1_1.fastq.gz,s3://reads/SRX1_T1_2.fastq.gz,reverse\n" +
		"K562,s3://reads/SRX2_T1_1.fastq.gz,,auto\n"
	const generatorHeader = "name,referenceArn,sampleId,subjectId,sourceFileType,description,generatedFrom,source1,source2,tags\n"
	const generatorRow = "n," + reference + `,samp,subj,BAM,"d, with a comma",g,s3://reads/HG00100.bam,,`
	ubam := func(file string) readsetimport.Source {
		return readsetimport.UBAM(bucket + file).WithSample("s").WithSubject("p")
	}

	for name, test := range map[string]struct {
		in   string
		opt  func(*manifest.Options)
		want sources
	}{
		"generator, tags as JSON":             {in: generatorHeader + generatorRow + `"{""a"": ""1 2"", ""b"": ""3""}"`, want: sources{full}},
		"generator, tags as a Python literal": {in: generatorHeader + generatorRow + `"{'a':'1 2', 'b':""3"",}"`, want: sources{full}},
		"generator, tags with escapes":        {in: generatorHeader + generatorRow + `"{'\x61':'1\u00202', 'b':'\u0033'}"`, want: sources{full}},
		"generator, tabs, unquoted JSON": {
			in:   strings.ReplaceAll(generatorHeader, ",", "\t") + "n\t" + reference + "\tsamp\tsubj\tBAM\td, with a comma\tg\ts3://reads/HG00100.bam\t\t{\"a\":\"1 2\",\"b\":\"3\"}\n",
			want: sources{full},
		},
		"generator, no tags, types in any case": {
			in:   "source1,sourceFileType,sampleId,subjectId,tags\ns3://reads/a.bam,uBAM,s,p,{}\ns3://reads/b.bam,ubam,s,p,\n",
			want: sources{ubam("a.bam"), ubam("b.bam")},
		},
		"generator for the console has no references": {
			in:   "name,sampleId,subjectId,sourceFileType,source1,source2\nn,s,p,CRAM,s3://reads/a.cram,\n",
			opt:  func(o *manifest.Options) { o.ReferenceARN = reference },
			want: sources{readsetimport.CRAM(bucket+"a.cram", reference).WithSample("s").WithSubject("p").WithName("n")},
		},
		"generator, a row's own reference goes before the option": {
			in:   generatorHeader + generatorRow + `"{'a':'1 2','b':'3'}"`,
			opt:  func(o *manifest.Options) { o.ReferenceARN = strings.Replace(reference, "us-east-1", "eu-west-1", 1) },
			want: sources{full},
		},
		"rnaseq":                     {in: rnaseqText, want: rnaseq},
		"rnaseq, byte order mark":    {in: "\ufeff" + rnaseqText, want: rnaseq},
		"rnaseq, CRLF":               {in: strings.ReplaceAll(rnaseqText, "\n", "\r\n"), want: rnaseq},
		"rnaseq, no last line end":   {in: strings.TrimSuffix(rnaseqText, "\n"), want: rnaseq},
		"rnaseq, semicolons":         {in: strings.ReplaceAll(rnaseqText, ",", ";"), want: rnaseq},
		"rnaseq, tabs":               {in: strings.ReplaceAll(rnaseqText, ",", "\t"), want: rnaseq},
		"rnaseq, blanks, comments":   {in: "# made by hand\n\n" + strings.ReplaceAll(rnaseqText, "\n", "\n\n# next\n \t\n,,,\n"), want: rnaseq},
		"rnaseq, quoted":             {in: `"` + strings.NewReplacer(",", `","`, "\n", "\"\n\"").Replace(strings.TrimSuffix(rnaseqText, "\n")) + `"`, want: rnaseq},
		"rnaseq, header in capitals": {in: strings.Replace(rnaseqText, "sample,fastq_1", "Sample, FASTQ_1 ", 1), want: rnaseq},
		"rnaseq, more separators":    {in: strings.ReplaceAll(rnaseqText, "e\n", "e,,\n"), want: rnaseq},
		"rnaseq, header only":        {in: "sample,fastq_1,fastq_2,strandedness\n"},
		"rnaseq, line end in a field that does not matter": {
			in:   strings.Replace(rnaseqText, "reverse", "\"re\nver\"\"se\"", 1),
			want: rnaseq,
		},
		"rnaseq, quotes in fields without quotes": {
			in:   strings.Replace(strings.Replace(rnaseqText, "reverse", "5\" tube, \"\"", 1), ", ", ";", 1),
			want: rnaseq,
		},
		"rnaseq, subject by option": {
			in: rnaseqText,
			opt: func(o *manifest.Options) {
				o.Subject = func(sample string) string {
					subject, _, _ := strings.Cut(sample, "_")
					return subject
				}
			},
			want: sources{rnaseq[0].WithSubject("GM12878"), rnaseq[1]},
		},
		"rnaseq, subject by column": {
			in:   "sample,fastq_1,donor\ns,s3://reads/a.fastq.gz,d\n",
			opt:  func(o *manifest.Options) { o.Columns.Subject = "Donor" },
			want: sources{single("s", "a.fastq.gz").WithSubject("d")},
		},
		"rnaseq, without pairs": {in: "sample,fastq_1\ns,s3://reads/a.FQ.GZ\n", want: sources{single("s", "a.FQ.GZ")}},
		"sarek, unaligned by option": {
			in:   "patient,sample,lane,bam\np,s,1,s3://reads/a.bam\n",
			opt:  func(o *manifest.Options) { o.FileType = types.FileTypeUbam },
			want: sources{ubam("a.bam")},
		},
		"sarek, mixed, unaligned by option": {
			in:   "patient,sample,bam,cram,fastq_1\np,s,s3://reads/a.bam,,\np,s,,s3://reads/a.cram,\np,s,,,s3://reads/a.fq.gz\n",
			opt:  func(o *manifest.Options) { o.FileType, o.ReferenceARN = types.FileTypeUbam, reference },
			want: sources{ubam("a.bam"), readsetimport.CRAM(bucket+"a.cram", reference).WithSample("s").WithSubject("p"), single("s", "a.fq.gz").WithSubject("p")},
		},
		"sarek, results left out": {
			in:   "patient,sample,vcf,cram\np,s,s3://reads/a.vcf.gz,\np,s,,s3://reads/a.cram\n",
			opt:  func(o *manifest.Options) { o.SkipUnsupported, o.ReferenceARN = true, reference },
			want: sources{readsetimport.CRAM(bucket+"a.cram", reference).WithSample("s").WithSubject("p")},
		},
		"Terra, participant_id and another entity": {
			in:   "entity:run_id\tparticipant_id\tubam\nr1\tp\ts3://reads/a.bam\n",
			want: sources{readsetimport.UBAM(bucket + "a.bam").WithSample("r1").WithSubject("p")},
		},
		"columns, type by option": {
			in: "id,file\ns,s3://reads/a.unmapped\n",
			opt: func(o *manifest.Options) {
				o.Columns, o.FileType = manifest.Columns{Source1: "file", Sample: "id"}, types.FileTypeUbam
			},
			want: sources{readsetimport.UBAM(bucket + "a.unmapped").WithSample("s").WithSubject("s")},
		},
		"columns, types by name, the others left out": {
			in: "id,file\ns,s3://reads/a.vcf.gz\ns,s3://reads/b.fq.gz\ns,s3://reads/b.fq.gz.md5\n",
			opt: func(o *manifest.Options) {
				o.Columns, o.SkipUnsupported = manifest.Columns{Source1: "file", Sample: "id"}, true
			},
			want: sources{single("s", "b.fq.gz")},
		},
		"columns, type by column": {
			in: "id,file,kind,from,ref\ns,s3://reads/a,cram,here," + reference + "\n",
			opt: func(o *manifest.Options) {
				o.Columns = manifest.Columns{Source1: "file", Sample: "id", FileType: "kind", GeneratedFrom: "from", Reference: "ref"}
			},
			want: sources{readsetimport.CRAM(bucket+"a", reference).WithSample("s").WithSubject("s").WithGeneratedFrom("here")},
		},
		"columns in place of a known format's": {
			in:   "sample,fastq_1,fastq_2,mirror\ns,https://x/a_1.fq.gz,https://x/a_2.fq.gz,s3://reads/a.fq.gz\n",
			opt:  func(o *manifest.Options) { o.Columns.Source1 = "mirror" },
			want: sources{single("s", "a.fq.gz")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, test.in, options(test.opt)...)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

// TestRowFaults puts bad rows between good ones, in the header of nf-core/rnaseq unless the test has its own.
func TestRowFaults(t *testing.T) {
	const header = "sample,fastq_1,fastq_2\n"
	const good = "ok,s3://reads/ok_1.fastq.gz,s3://reads/ok_2.fastq.gz\n"
	for name, test := range map[string]struct {
		in     string
		opt    func(*manifest.Options)
		faults []fault
	}{
		"upper-case bucket": {
			in:     header + "s1,s3://Reads/a_1.fastq.gz,s3://reads/a_2.fastq.gz\n" + good,
			faults: []fault{{2, 4, "fastq_1", readsetimport.RulePattern, "lower-case"}},
		},
		"missing sample": {
			in:     header + good + ",s3://reads/a_1.fastq.gz,s3://reads/a_2.fastq.gz\n",
			faults: []fault{{3, 1, "sample", readsetimport.RuleRequired, "1 to 127"}},
		},
		"tab in a field": {
			in:     header + "s\t1,s3://reads/a_1.fastq.gz,\n" + good,
			faults: []fault{{2, 1, "sample", readsetimport.RulePattern, "tab"}},
		},
		"tab in a URI": {
			in:     header + good + "s1,s3://reads/a_1.fastq.gz,\"s3://reads/a\t_2.fastq.gz\"\n",
			faults: []fault{{3, 28, "fastq_2", readsetimport.RulePattern, "tab"}},
		},
		"tab at the end":   {in: header + "s1\t,s3://reads/a_1.fastq.gz,\n" + good, faults: []fault{{2, 1, "sample", readsetimport.RulePattern, "tab"}}},
		"white space":      {in: header + "s1 ,s3://reads/a_1.fastq.gz,\n" + good, faults: []fault{{2, 1, "sample", readsetimport.RulePattern, "white space"}}},
		"two first mates":  {in: header + "s1,s3://reads/a_R1.fastq.gz,s3://reads/b_R1.fastq.gz\n" + good, faults: []fault{{2, 29, "fastq_2", readsetimport.RuleCombination, "first mates"}}},
		"mates turned":     {in: header + "s1,s3://reads/a_R2.fastq.gz,s3://reads/a_R1.fastq.gz\n" + good, faults: []fault{{2, 4, "fastq_1", readsetimport.RuleCombination, "wrong order"}}},
		"an index read":    {in: header + "s1,s3://reads/a_R1.fastq.gz,s3://reads/a_I1.fastq.gz\n" + good, faults: []fault{{2, 29, "fastq_2", readsetimport.RuleCombination, "index"}}},
		"the same mate":    {in: header + "s1,s3://reads/a.fastq.gz,s3://reads/a.fastq.gz\n" + good, faults: []fault{{2, 26, "fastq_2", readsetimport.RuleCombination, "differ"}}},
		"second mate only": {in: header + "s1,,s3://reads/a_R2.fastq.gz\n" + good, faults: []fault{{2, 4, "fastq_1", readsetimport.RuleRequired, ""}}},
		"the same file in two rows": {
			in:     header + good + "s2,s3://reads/b.fastq.gz,s3://reads/ok_1.fastq.gz\n",
			faults: []fault{{3, 26, "fastq_2", readsetimport.RuleDuplicate, "line 2"}},
		},
		"no file":            {in: header + "s1,,\n" + good, faults: []fault{{2, 4, "fastq_1", readsetimport.RuleRequired, ""}}},
		"not compressed":     {in: header + "s1,s3://reads/a.fastq,\n" + good, faults: []fault{{2, 4, "fastq_1", readsetimport.RulePattern, "gzip"}}},
		"BAM for FASTQ":      {in: header + "s1,s3://reads/a.bam,\n" + good, faults: []fault{{2, 4, "fastq_1", readsetimport.RulePattern, ".fastq.gz"}}},
		"https":              {in: header + "s1,https://example.com/a.fastq.gz,\n" + good, faults: []fault{{2, 4, "fastq_1", readsetimport.RulePattern, "Options.RewriteURI"}}},
		"too few fields":     {in: header + "s1,s3://reads/a.fastq.gz\n" + good, faults: []fault{{2, 1, "", readsetimport.RuleLength, "3 fields, as the header has, not 2"}}},
		"too many fields":    {in: header + "s1,s3://reads/a.fastq.gz,,x\n" + good, faults: []fault{{2, 1, "", readsetimport.RuleLength, "not 4"}}},
		"text after a quote": {in: header + good + "\"s1\"x,s3://reads/a.fastq.gz,\n", faults: []fault{{3, 5, "", readsetimport.RulePattern, "separator"}}},
		"text after a quote, in a column without meaning": {
			in:     header[:len(header)-1] + ",note\ns1,s3://reads/a.fastq.gz,,\"x\"y\n" + good[:len(good)-1] + ",\"z\"\n",
			faults: []fault{{2, 30, "", readsetimport.RulePattern, "separator"}},
		},
		"text after a quote, in a field of two lines": {
			in:     header[:len(header)-1] + ",note\ns1,s3://reads/a.fastq.gz,,\"x\ny\"z\n" + good[:len(good)-1] + ",\n",
			faults: []fault{{3, 3, "", readsetimport.RulePattern, "separator"}},
		},
		"a quote that is open": {in: header + good + "s1,s3://reads/a.fastq.gz,\"x\ny,z\n", faults: []fault{{3, 26, "", readsetimport.RulePattern, "end with a quote"}}},
		"invalid UTF-8":        {in: header + "s\xff,s3://reads/a.fastq.gz,\n" + good, faults: []fault{{2, 1, "sample", readsetimport.RulePattern, "UTF-8"}}},
		"long sample":          {in: header + strings.Repeat("s", 128) + ",s3://reads/a.fastq.gz,\n" + good, faults: []fault{{2, 1, "sample", readsetimport.RuleLength, "127"}}},
		"several in a row, and lines counted on": {
			in: "\n# c\n" + header + "\n,s3://Reads/a.fastq.gz,\n" + good + "\"s\n1\",s3://reads/a.fastq.gz,\n,x,\n",
			faults: []fault{
				{5, 2, "fastq_1", readsetimport.RulePattern, ""},
				{5, 1, "sample", readsetimport.RuleRequired, ""},
				{7, 1, "sample", readsetimport.RulePattern, "newline"},
				{9, 2, "fastq_1", readsetimport.RulePattern, ""},
				{9, 1, "sample", readsetimport.RuleRequired, ""},
			},
		},
		"files of two types": {
			in:     "patient,sample,fastq_1,fastq_2,bam\np,s,s3://reads/a.fq.gz,,s3://reads/a.bam\nok,ok,s3://reads/ok_1.fastq.gz,s3://reads/ok_2.fastq.gz,\n",
			faults: []fault{{2, 25, "bam", readsetimport.RulePattern, "of one type"}},
		},
		"a file and a result": {
			in:     "patient,sample,fastq_1,fastq_2,vcf\np,s,s3://reads/a.fq.gz,,s3://reads/a.vcf\nok,ok,s3://reads/ok_1.fastq.gz,s3://reads/ok_2.fastq.gz,\n",
			faults: []fault{{2, 25, "vcf", readsetimport.RulePattern, "no file type"}},
		},
		"BAM without a reference": {
			in:     "patient,sample,fastq_1,fastq_2,bam\np,s,,,s3://reads/a.bam\nok,ok,s3://reads/ok_1.fastq.gz,s3://reads/ok_2.fastq.gz,\n",
			faults: []fault{{2, 1, "referenceArn", readsetimport.RuleRequired, "Options.ReferenceARN"}},
		},
		"generator: bad type, tags, subject": {
			in: "source1,source2,sourceFileType,sampleId,subjectId,tags\n" +
				"s3://reads/a.vcf,,VCF,s,p,\n" +
				"s3://reads/b.fq.gz,,FASTQ,s,p,a=b\n" +
				"s3://reads/c.fq.gz,,FASTQ,s,p,\"{'a': 1}\"\n" +
				"s3://reads/d.fq.gz,,FASTQ,s,p,\"{'a':'1','a':'2'}\"\n" +
				"s3://reads/e.fq.gz,,FASTQ,s,p,{'aws:x':'1'}\n" +
				"s3://reads/f.fq.gz,,FASTQ,s,,\n" +
				"s3://reads/ok_1.fastq.gz,s3://reads/ok_2.fastq.gz,FASTQ,ok,ok,\n",
			faults: []fault{
				{2, 19, "sourceFileType", readsetimport.RuleEnum, ""},
				{3, 31, "tags", readsetimport.RulePattern, "Python"},
				{4, 31, "tags", readsetimport.RulePattern, "Python"},
				{5, 31, "tags", readsetimport.RulePattern, "twice"},
				{6, 31, `tags["aws:x"]`, readsetimport.RuleReserved, ""},
				{7, 29, "subjectId", readsetimport.RuleRequired, ""},
			},
		},
		"generator: tags that are more or less than a dict": {
			in: "source1,source2,sourceFileType,sampleId,subjectId,tags\n" +
				"s3://reads/a.fq.gz,,FASTQ,s,p,}\n" +
				"s3://reads/b.fq.gz,,FASTQ,s,p,{'a':'1'}}\n" +
				"s3://reads/c.fq.gz,,FASTQ,s,p,{'a' '1'}\n" +
				"s3://reads/d.fq.gz,,FASTQ,s,p,{'a':'1\n" +
				"s3://reads/e.fq.gz,,FASTQ,s,p,['a':'1'}\n" +
				"s3://reads/ok_1.fastq.gz,s3://reads/ok_2.fastq.gz,FASTQ,ok,ok,\n",
			faults: []fault{
				{2, 31, "tags", readsetimport.RulePattern, "Python"},
				{3, 31, "tags", readsetimport.RulePattern, "Python"},
				{4, 31, "tags", readsetimport.RulePattern, "Python"},
				{5, 31, "tags", readsetimport.RulePattern, "Python"},
				{6, 31, "tags", readsetimport.RulePattern, "Python"},
			},
		},
		"tags of columns": {
			in:  header[:len(header)-1] + ",x,y\ns1,s3://reads/a.fastq.gz,,1,2\ns2,s3://reads/b.fastq.gz,,1,?\nok,s3://reads/ok_1.fastq.gz,s3://reads/ok_2.fastq.gz,,\n",
			opt: func(o *manifest.Options) { o.Columns.Tags = map[string]string{"x": "k", "y": "k"} },
			faults: []fault{
				{2, 29, "y", readsetimport.RulePattern, "once"},
				{3, 29, "y", readsetimport.RulePattern, "once"},
				{3, 1, `tags["k"]`, readsetimport.RulePattern, ""},
			},
		},
		"type by name": {
			in: "id,file,mate\ns,s3://reads/a.sam,\nok,s3://reads/ok_1.fastq.gz,s3://reads/ok_2.fastq.gz\n",
			opt: func(o *manifest.Options) {
				o.Columns = manifest.Columns{Sample: "id", Source1: "file", Source2: "mate"}
			},
			faults: []fault{{2, 3, "file", readsetimport.RulePattern, "Options.FileType"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, test.in, options(test.opt)...)
			requireFaults(t, err, test.faults...)
			require.Equal(t, sources{pair("ok", "ok_1.fastq.gz", "ok_2.fastq.gz")}, got)
		})
	}
}

// TestHeaderFaults are headers with which nothing is read.
func TestHeaderFaults(t *testing.T) {
	columns := func(c manifest.Columns) func(*manifest.Options) {
		return func(o *manifest.Options) { o.Columns = c }
	}
	for name, test := range map[string]struct {
		header  string
		opt     func(*manifest.Options)
		unknown bool
		fault   fault
	}{
		"unknown":                    {"a,b,c", nil, true, fault{2, 1, "", readsetimport.RulePattern, "Options.Columns"}},
		"no header":                  {"s1,s3://reads/a_1.fastq.gz,s3://reads/a_2.fastq.gz", nil, true, fault{2, 1, "", readsetimport.RulePattern, "Options.Columns"}},
		"a URI and more":             {"s3://reads/a_1.fastq.gz,a", nil, true, fault{2, 1, "", readsetimport.RulePattern, "Options.Columns"}},
		"misspelt second mate":       {"sample,fastq_1,fastq2,strandedness", nil, false, fault{2, 16, "fastq2", readsetimport.RulePattern, "fastq_2"}},
		"misspelt in two places":     {"RGSM,Read1File,Reads2Files", nil, false, fault{2, 16, "Reads2Files", readsetimport.RulePattern, "Read2File"}},
		"misspelt sampleId":          {"source1,sourceFileType,sampelId,subjectId", nil, false, fault{2, 24, "sampelId", readsetimport.RulePattern, "sampleId"}},
		"misspelt description":       {"source1,sourceFileType,sampleId,subjectId,descripton", nil, false, fault{2, 43, "descripton", readsetimport.RulePattern, "description"}},
		"no sample":                  {"source1,sourceFileType,subjectId", nil, false, fault{2, 1, "", readsetimport.RuleRequired, "sampleId"}},
		"no subject":                 {"source1,sourceFileType,sampleId", nil, false, fault{2, 1, "", readsetimport.RuleRequired, "subjectId"}},
		"no files":                   {"entity:sample_id\tage", nil, false, fault{2, 1, "", readsetimport.RuleRequired, "files"}},
		"a column twice":             {"sample,fastq_1,Sample ", nil, false, fault{2, 16, "Sample", readsetimport.RuleDuplicate, ""}},
		"a mapped column is missing": {"id,file", columns(manifest.Columns{Source1: "file", Sample: "id", Name: "nom"}), false, fault{2, 1, "", readsetimport.RuleRequired, `"nom"`}},
		"no column for samples":      {"id,file", columns(manifest.Columns{Source1: "file"}), false, fault{2, 1, "", readsetimport.RuleRequired, "Options.Columns.Sample"}},
		"second mate without first":  {"sample,fastq_1,mate", columns(manifest.Columns{Source2: "mate"}), false, fault{2, 1, "", readsetimport.RuleCombination, "Source1"}},
		"a mapped tag is missing":    {"sample,fastq_1", columns(manifest.Columns{Tags: map[string]string{"x": "y"}}), false, fault{2, 1, "", readsetimport.RuleRequired, `"x"`}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, "# comment\n"+test.header+"\n1,2,3,4\n", options(test.opt)...)
			requireFaults(t, err, test.fault)
			require.Equal(t, test.unknown, errors.Is(err, manifest.ErrUnknownFormat))
			require.Empty(t, got)
		})
	}
}

func TestRewriteURIFails(t *testing.T) {
	errNoBucket := errors.New("no bucket holds it")
	got, err := readString(t, "sample,fastq_1\ns,https://x/a.fastq.gz\nok,s3://reads/b.fastq.gz\n", func(o *manifest.Options) {
		o.RewriteURI = func(uri string) (string, error) {
			if strings.HasPrefix(uri, "https:") {
				return "", errNoBucket
			}
			return uri, nil
		}
	})
	requireFaults(t, err, fault{2, 3, "fastq_1", readsetimport.RulePattern, "no bucket holds it"})
	require.ErrorIs(t, err, errNoBucket)
	require.Equal(t, sources{single("ok", "b.fastq.gz")}, got)
}

// TestMaxErrors shows that reading stops when there are faults enough, and says so.
func TestMaxErrors(t *testing.T) {
	text := "sample,fastq_1\n" + strings.Repeat(",s3://reads/a.fastq.gz\n", 150) + "ok,s3://reads/b.fastq.gz\n"
	for want, opt := range map[int]func(*manifest.Options){100: nil, 7: func(o *manifest.Options) { o.MaxErrors = 7 }} {
		got, err := readString(t, text, options(opt)...)
		require.Empty(t, got)
		var e *manifest.Error
		require.ErrorAs(t, err, &e)
		require.Len(t, e.Faults, want)
		require.True(t, e.More)
		require.True(t, strings.HasPrefix(e.Error(), fmt.Sprintf("%d or more faults: line 2:1: sample: is required", want)), e.Error())
		require.NotContains(t, e.Error(), "\n")
	}
}

// TestBreakOff shows that nothing is yielded after the caller has broken off.
func TestBreakOff(t *testing.T) {
	for _, text := range []string{
		"sample,fastq_1\ns,s3://reads/a.fastq.gz\ns,s3://reads/b.fastq.gz\n,\n",
		`[{"sourceFiles":{"source1":"s3://reads/a.bam"},"sourceFileType":"UBAM","sampleId":"s","subjectId":"s"}, {}, x`,
		`{"sourceFiles":{"source1":"s3://reads/a.bam"},"sourceFileType":"UBAM","sampleId":"s","subjectId":"s"} x`,
		"- {sourceFiles: {source1: s3://reads/a.bam}, sourceFileType: UBAM, sampleId: s, subjectId: s}\n- x\n",
	} {
		n := 0
		for _, err := range manifest.Read(strings.NewReader(text)) {
			require.NoError(t, err)
			n++
			break
		}
		require.Equal(t, 1, n)
	}
}
