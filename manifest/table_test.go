package manifest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

type sources = []readsetimport.Source

func TestTables(t *testing.T) {
	full := readsetimport.BAM(bucket+"HG00100.bam", reference).WithSubject("subj").WithSample("samp").WithName("n").
		WithDescription("d, with a comma").WithGeneratedFrom("g").WithTag("a", "1 2").WithTag("b", "3")
	rnaseq := sources{pair("GM12878_REP1", "SRX1_T1_1.fastq.gz", "SRX1_T1_2.fastq.gz"), single("K562", "SRX2_T1_1.fastq.gz")}
	const rnaseqText = "sample,fastq_1,fastq_2,strandedness\n" +
		"GM12878_REP1,s3://reads/SRX1_T1_1.fastq.gz,s3://reads/SRX1_T1_2.fastq.gz,reverse\n" +
		"K562,s3://reads/SRX2_T1_1.fastq.gz,,auto\n"
	const generatorHeader = "name,referenceArn,sampleId,subjectId,sourceFileType,description,generatedFrom,source1,source2,tags\n"

	for name, test := range map[string]struct {
		in   string
		opt  func(*manifest.Options)
		want sources
	}{
		"generator, tags as JSON": {
			in:   generatorHeader + `n,` + reference + `,samp,subj,BAM,"d, with a comma",g,s3://reads/HG00100.bam,,"{""a"": ""1 2"", ""b"": ""3""}"`,
			want: sources{full},
		},
		"generator, tags as a Python literal": {
			in:   generatorHeader + `n,` + reference + `,samp,subj,BAM,"d, with a comma",g,s3://reads/HG00100.bam,,"{'a':'1 2','b':'3'}"`,
			want: sources{full},
		},
		"generator, tabs, unquoted JSON": {
			in:   strings.ReplaceAll(generatorHeader, ",", "\t") + "n\t" + reference + "\tsamp\tsubj\tBAM\td, with a comma\tg\ts3://reads/HG00100.bam\t\t{\"a\":\"1 2\",\"b\":\"3\"}\n",
			want: sources{full},
		},
		"generator, no tags": {
			in:   "source1,sourceFileType,sampleId,subjectId,tags\ns3://reads/a.bam,uBAM,s,p,{}\ns3://reads/b.bam,ubam,s,p,\n",
			want: sources{readsetimport.UBAM(bucket + "a.bam").WithSample("s").WithSubject("p"), readsetimport.UBAM(bucket + "b.bam").WithSample("s").WithSubject("p")},
		},
		"generator for the console has no references": {
			in:   "name,sampleId,subjectId,sourceFileType,source1,source2\nn,s,p,CRAM,s3://reads/a.cram,\n",
			opt:  func(o *manifest.Options) { o.ReferenceARN = reference },
			want: sources{readsetimport.CRAM(bucket+"a.cram", reference).WithSample("s").WithSubject("p").WithName("n")},
		},
		"rnaseq":                      {in: rnaseqText, want: rnaseq},
		"rnaseq, byte order mark":     {in: "\ufeff" + rnaseqText, want: rnaseq},
		"rnaseq, CRLF":                {in: strings.ReplaceAll(rnaseqText, "\n", "\r\n"), want: rnaseq},
		"rnaseq, no last line end":    {in: strings.TrimSuffix(rnaseqText, "\n"), want: rnaseq},
		"rnaseq, semicolons":          {in: strings.ReplaceAll(rnaseqText, ",", ";"), want: rnaseq},
		"rnaseq, tabs":                {in: strings.ReplaceAll(rnaseqText, ",", "\t"), want: rnaseq},
		"rnaseq, blanks, comments":    {in: "# made by hand\n\n" + strings.ReplaceAll(rnaseqText, "\n", "\n\n# next\n \t\n,,,\n"), want: rnaseq},
		"rnaseq, quoted":              {in: `"` + strings.NewReplacer(",", `","`, "\n", "\"\n\"").Replace(strings.TrimSuffix(rnaseqText, "\n")) + `"`, want: rnaseq},
		"rnaseq, header in capitals":  {in: strings.Replace(rnaseqText, "sample,fastq_1", "Sample, FASTQ_1 ", 1), want: rnaseq},
		"rnaseq, trailing separators": {in: strings.ReplaceAll(rnaseqText, "e\n", "e,,\n"), want: rnaseq},
		"rnaseq, header only":         {in: "sample,fastq_1,fastq_2,strandedness\n"},
		"rnaseq, subject by option": {
			in: rnaseqText,
			opt: func(o *manifest.Options) {
				o.Subject = func(sample string) string { s, _, _ := strings.Cut(sample, "_"); return s }
			},
			want: sources{rnaseq[0].WithSubject("GM12878"), rnaseq[1]},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, test.in, options(test.opt)...)
			require.NoError(t, err)
			require.Equal(t, test.want, got)
		})
	}
}

func options(opt func(*manifest.Options)) []func(*manifest.Options) {
	if opt == nil {
		return nil
	}
	return []func(*manifest.Options){opt}
}

func TestTableFaults(t *testing.T) {
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
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, test.in, options(test.opt)...)
			requireFaults(t, err, test.faults...)
			require.Equal(t, sources{pair("ok", "ok_1.fastq.gz", "ok_2.fastq.gz")}, got)
		})
	}
}
