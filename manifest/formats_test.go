package manifest_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

var apiTarget = readsetimport.Target{SequenceStoreID: "1234567890", RoleARN: "arn:aws:iam::123456789012:role/OmicsImport"}

// TestFormats reads a file of each format.
func TestFormats(t *testing.T) {
	withReference := func(o *manifest.Options) { o.ReferenceARN = reference }
	for file, test := range map[string]struct {
		opt     func(*manifest.Options)
		want    sources
		target  readsetimport.Target
		skipped []string
	}{
		"aws-api.json": {want: sources{
			pair("SRR233106", "SRR233106_1.filt.fastq.gz", "SRR233106_2.filt.fastq.gz").WithSubject("NA12878").
				WithName("NA12878 é 🧬").WithTag("cohort", "20K").WithTag("run", ""),
			readsetimport.CRAM(bucket+"HG00096.cram", reference).WithSubject("HG00096").WithSample("HG00096").WithGeneratedFrom("1000 Genomes"),
		}, target: apiTarget},
		"aws-console.json": {opt: withReference, want: sources{
			readsetimport.BAM(bucket+"HG00100.bam", reference).WithSubject("HG00100").WithSample("HG00100").WithName("HG00100").WithDescription("low coverage"),
			readsetimport.UBAM(bucket + "NA12878_A.bam").WithSubject("NA12878").WithSample("NA12878"),
		}},
		"aws-console.yaml": {want: sources{
			pair("0012", "ERR194147_1.fastq.gz", "ERR194147_2.fastq.gz").WithSubject("NA12878").WithName("no").
				WithDescription("deep: 50x").WithTag("cohort", "platinum").WithTag("depth", "50"),
			single("NA12891", "a.fastq.gz"),
		}},
		"aws-api.yaml": {want: sources{single("NA12891", "a.fastq.gz")}, target: apiTarget},
		"sources.jsonl": {want: sources{
			single("NA12891", "a.fastq.gz"),
			readsetimport.UBAM(bucket + "b.bam").WithSubject("NA12892").WithSample("NA12892"),
		}},
		"aws-generator.csv": {want: sources{
			readsetimport.BAM(bucket+"HG00100.bam", reference).WithSubject("HG00100").WithSample("HG00100").WithName("HG00100").
				WithDescription("low coverage").WithGeneratedFrom("1000 Genomes").WithTag("cohort", "phase 3"),
			pair("Normal", "SRR233106_1.filt.fastq.gz", "SRR233106_2.filt.fastq.gz").WithSubject("NA12878").WithName("SRR233106").WithDescription("exome, 20K"),
			readsetimport.UBAM(bucket+"NA12878_A.bam").WithSubject("NA12878").WithSample("NA12878").WithName("NA12878").WithTag("a", "1").WithTag("b", "2"),
		}},
		"nf-core-rnaseq.csv": {want: sources{
			pair("GM12878_REP1", "SRX1603629_T1_1.fastq.gz", "SRX1603629_T1_2.fastq.gz"),
			pair("GM12878_REP1", "SRX1603630_T1_1.fastq.gz", "SRX1603630_T1_2.fastq.gz"),
			single("K562_REP1", "SRX1603392_T1_1.fastq.gz"),
		}},
		"nf-core-sarek.csv": {opt: withReference, want: sources{
			pair("NA12878_N", "N_L001_R1_001.fastq.gz", "N_L001_R2_001.fastq.gz").WithSubject("NA12878"),
			pair("NA12878_N", "N_L002_R1_001.fastq.gz", "N_L002_R2_001.fastq.gz").WithSubject("NA12878"),
			readsetimport.BAM(bucket+"T.bam", reference).WithSubject("NA12878").WithSample("NA12878_T"),
			readsetimport.CRAM(bucket+"HG002.cram", reference).WithSubject("HG002").WithSample("HG002"),
		}},
		"nf-core-oncoanalyser.csv": {opt: withReference, want: sources{
			readsetimport.BAM(bucket+"P1.normal.bam", reference).WithSubject("P1").WithSample("P1.normal"),
			readsetimport.CRAM(bucket+"P1.tumor.cram", reference).WithSubject("P1").WithSample("P1.tumor"),
			pair("P1.tumor_rna", "P1.001.R1.fastq.gz", "P1.001.R2.fastq.gz").WithSubject("P1"),
			pair("P1.tumor_rna", "P1.002.R1.fastq.gz", "P1.002.R2.fastq.gz").WithSubject("P1"),
		}, skipped: []string{"index s3://reads/P1.normal.bam.bai"}},
		"list.txt": {opt: withReference, want: sources{
			readsetimport.CRAM(bucket+"run2/HG00096.cram", reference).WithSubject("HG00096").WithSample("HG00096"),
			pair("NA12878", "run1/NA12878_S1_L001_R1_001.fastq.gz", "run1/NA12878_S1_L001_R2_001.fastq.gz"),
			pair("NA12878", "run1/NA12878_S1_L002_R1_001.fastq.gz", "run1/NA12878_S1_L002_R2_001.fastq.gz"),
			single("SRR062634", "run2/SRR062634.filt.fastq.gz"),
		}, skipped: []string{"index s3://reads/run2/HG00096.cram.crai"}},
		"s3-ls.txt": {opt: func(o *manifest.Options) { o.ReferenceARN, o.Bucket = reference, "reads" }, want: sources{
			readsetimport.BAM(bucket+"run2/MCF7.bam", reference).WithSubject("MCF7").WithSample("MCF7"),
			pair("K562 rep 1", "run1/K562 rep 1_R1.fastq.gz", "run1/K562 rep 1_R2.fastq.gz"),
		}, skipped: []string{"folder s3://reads/run1/", "report s3://reads/run1/multiqc_report.html", "index s3://reads/run2/MCF7.bam.bai"}},
		"inventory.csv": {opt: func(o *manifest.Options) {
			o.ReferenceARN, o.Inventory = reference, "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size"
		}, want: sources{
			readsetimport.CRAM(bucket+"run2/MCF7.cram", reference).WithSubject("MCF7").WithSample("MCF7"),
			pair("K562 rep+1", "run1/K562 rep+1_R1.fastq.gz", "run1/K562 rep+1_R2.fastq.gz"),
		}, skipped: []string{
			"undetermined s3://reads/run1/Undetermined_S0_L001_R1_001.fastq.gz", "old version s3://reads/run2/MCF7.cram",
			"checksum s3://reads/run2/MCF7.cram.md5", "old version s3://reads/run2/OLD.cram",
		}},
		"fastq_list.csv": {opt: func(o *manifest.Options) {
			o.Columns = manifest.Columns{Name: "RGID", Tags: map[string]string{"Lane": "lane"}}
		}, want: sources{
			pair("HG001", "HG001_S1_L001_R1_001.fastq.gz", "HG001_S1_L001_R2_001.fastq.gz").WithName("CACACTGA.1").WithTag("lane", "1"),
			pair("HG001", "HG001_S1_L002_R1_001.fastq.gz", "HG001_S1_L002_R2_001.fastq.gz").WithName("CACACTGA.2").WithTag("lane", "2"),
		}},
		"terra.tsv": {opt: func(o *manifest.Options) {
			o.ReferenceARN = reference
			o.RewriteURI = func(uri string) (string, error) { return strings.Replace(uri, "gs://terra/", bucket, 1), nil }
		}, want: sources{
			pair("SRR062634", "SRR062634_1.fastq.gz", "SRR062634_2.fastq.gz").WithSubject("HG00096"),
			readsetimport.CRAM(bucket+"HG00097.cram", reference).WithSubject("HG00097").WithSample("HG00097_1"),
		}},
		"lims.csv": {opt: func(o *manifest.Options) {
			o.ReferenceARN = reference
			o.Columns = manifest.Columns{
				Source1: "reads 1", Source2: "Reads 2", Sample: "Barcode", Subject: "Donor", Description: "Comment",
				Tags: map[string]string{"Site": "site"},
			}
		}, want: sources{
			pair("B001", "B001_R1.fastq.gz", "B001_R2.fastq.gz").WithSubject("NA12878").WithDescription("first run").WithTag("site", "Leeds"),
			readsetimport.CRAM(bucket+"B002.cram", reference).WithSubject("NA12891").WithSample("B002"),
		}},
	} {
		t.Run(file, func(t *testing.T) {
			var target readsetimport.Target
			var skipped []string
			opts := append(options(test.opt), func(o *manifest.Options) { o.Target = &target }, recordSkips(&skipped))
			got, err := collect(t, manifest.Open("testdata/"+file, opts...))
			require.NoError(t, err)
			require.Equal(t, test.want, got)
			require.Equal(t, test.target, target)
			require.Equal(t, test.skipped, skipped)
		})
	}
	files, err := os.ReadDir("testdata")
	require.NoError(t, err)
	formats := 0
	for _, f := range files {
		if !f.IsDir() {
			formats++
		}
	}
	require.Equal(t, 15, formats, "each file of testdata is a format with a test")
}

// recordSkips appends the files that are skipped, with the reason before each.
func recordSkips(skipped *[]string) func(*manifest.Options) {
	return func(o *manifest.Options) {
		o.OnSkip = func(uri string, reason manifest.SkipReason) { *skipped = append(*skipped, string(reason)+" "+uri) }
	}
}

// TestPublicSheets reads the sheets as their authors published them.
func TestPublicSheets(t *testing.T) {
	const testDatasets = "https://raw.githubusercontent.com/nf-core/test-datasets/"
	rewrite := func(o *manifest.Options) {
		o.RewriteURI = func(uri string) (string, error) { return strings.Replace(uri, testDatasets, bucket, 1), nil }
	}
	const sarekFASTQ = "modules/data/genomics/homo_sapiens/illumina/fastq/"
	const sarekBAM = "modules/data/genomics/homo_sapiens/illumina/bam/test.paired_end.sorted.bam"
	rnaseq := func(sample, run string) readsetimport.Source {
		const folder = "s3://ngi-igenomes/test-data/rnaseq/"
		return readsetimport.PairedFASTQ(folder+run+"_T1_1.fastq.gz", folder+run+"_T1_2.fastq.gz").WithSample(sample).WithSubject(sample)
	}
	const generatorReference = "arn:aws:omics:us-east-1:111111111111:referenceStore/1111111111/reference/1111111111"
	const generatorFolder = "s3://s3bucket/codeTest/"
	const guideReference = "arn:aws:omics:us-west-2:555555555555:referenceStore/0123456789/reference/0000000001"
	const guideFolder = "s3://amzn-s3-demo-bucket/"
	guide := func(s readsetimport.Source, name, kind, from string) readsetimport.Source {
		return s.WithSubject("mySubject").WithSample("mySample").WithName(name).WithDescription(kind + " for " + name).WithGeneratedFrom(from)
	}
	const low, cram = "HG00100.chrom20.ILLUMINA.bwa.GBR.low_coverage.20101123.bam", "HG00096.alt_bwamem_GRCh38DH.20150718.GBR.low_coverage.cram"

	for name, test := range map[string]struct {
		file   string
		opt    func(*manifest.Options)
		want   sources
		target readsetimport.Target
		faults []fault
	}{
		"nf-core/rnaseq": {file: "nfcore-rnaseq-samplesheet_full.csv", want: sources{
			rnaseq("GM12878_REP1", "SRX1603629"), rnaseq("GM12878_REP2", "SRX1603630"),
			rnaseq("K562_REP1", "SRX1603392"), rnaseq("K562_REP2", "SRX1603393"),
			rnaseq("MCF7_REP1", "SRX2370490"), rnaseq("MCF7_REP2", "SRX2370491"),
			rnaseq("H1_REP1", "SRX2370468"), rnaseq("H1_REP2", "SRX2370469"),
		}},
		"nf-core/sarek": {file: "nfcore-sarek-test_full_data.csv", want: sources{
			readsetimport.PairedFASTQ("s3://nf-core-awsmegatests/sarek/input/NA12878_1.merged.fastq.gz", "s3://nf-core-awsmegatests/sarek/input/NA12878_2.merged.fastq.gz").
				WithSubject("NA12878").WithSample("NA12878"),
		}},
		"nf-core/sarek with https": {file: "nfcore-sarek-fastq_multi_lane.csv", faults: []fault{
			{2, 24, "fastq_1", readsetimport.RulePattern, "RewriteURI"},
			{2, 146, "fastq_2", readsetimport.RulePattern, "RewriteURI"},
			{3, 24, "fastq_1", readsetimport.RulePattern, "RewriteURI"},
			{3, 146, "fastq_2", readsetimport.RulePattern, "RewriteURI"},
			{4, 25, "fastq_1", readsetimport.RulePattern, "RewriteURI"},
			{4, 148, "fastq_2", readsetimport.RulePattern, "RewriteURI"},
		}},
		"nf-core/sarek, rewritten: two lanes have the same files": {
			file: "nfcore-sarek-fastq_multi_lane.csv", opt: rewrite,
			want: sources{
				pair("test", sarekFASTQ+"test_1.fastq.gz", sarekFASTQ+"test_2.fastq.gz"),
				pair("test2", sarekFASTQ+"test2_1.fastq.gz", sarekFASTQ+"test2_2.fastq.gz").WithSubject("test"),
			},
			faults: []fault{
				{3, 24, "fastq_1", readsetimport.RuleDuplicate, "line 2"}, {3, 146, "fastq_2", readsetimport.RuleDuplicate, "line 2"},
			},
		},
		"nf-core/sarek, with spring": {
			file: "nfcore-sarek-bam_and_fastq_and_spring.csv", opt: rewrite,
			want: sources{pair("test", sarekFASTQ+"test_1.fastq.gz", sarekFASTQ+"test_2.fastq.gz")},
			faults: []fault{
				{3, 29, "spring_1", readsetimport.RulePattern, "no file type"},
				{4, 29, "spring_1", readsetimport.RulePattern, "no file type"},
				{5, 1, "referenceArn", readsetimport.RuleRequired, "Options.ReferenceARN"},
			},
		},
		"nf-core/sarek, without spring": {
			file: "nfcore-sarek-bam_and_fastq_and_spring.csv",
			opt: func(o *manifest.Options) {
				rewrite(o)
				o.SkipUnsupported = true
				o.ReferenceARN = reference
			},
			want: sources{
				pair("test", sarekFASTQ+"test_1.fastq.gz", sarekFASTQ+"test_2.fastq.gz"),
				readsetimport.BAM(bucket+sarekBAM, reference).WithSubject("test_bam").WithSample("test_bam"),
			},
		},
		"AWS manifest generator": {file: "aws-generator-api.csv", want: sources{
			readsetimport.BAM(generatorFolder+low, generatorReference).WithSubject("HG00100").WithSample("HG00100").WithName("HG00100").
				WithDescription("description1").WithGeneratedFrom("1000Genomes").WithTag("taga", "tagaValue 1"),
			readsetimport.PairedFASTQ(generatorFolder+"SRR233106_1.filt.fastq.gz", generatorFolder+"SRR233106_2.filt.fastq.gz").
				WithSubject("SRR233106").WithSample("Normal").WithName("SRR233106").WithDescription("description2").WithGeneratedFrom("NA12878_20K"),
			readsetimport.CRAM(generatorFolder+cram, generatorReference).WithSubject("HG00096").WithSample("HG00096").WithName("HG00096").
				WithDescription("description3").WithGeneratedFrom("1000Genomes"),
			readsetimport.UBAM(generatorFolder+"NA12878_A.bam").WithSubject("NA12878").WithSample("NA12878").WithName("NA12878").
				WithDescription("description4").WithGeneratedFrom("1000Genomes").WithTag("taga", "tagaValue 2").WithTag("tagb", "tagbValue").
				WithTag("tagc", "tagcvalue").WithTag("tagd", "tagdvalue").WithTag("tage", "tagevalue"),
		}},
		"AWS user guide": {file: "aws-guide-import.json", want: sources{
			guide(readsetimport.BAM(guideFolder+low, guideReference), "HG00100", "BAM", "1000 Genomes"),
			guide(readsetimport.PairedFASTQ(guideFolder+"SRR233106_1.filt.fastq.gz", guideFolder+"SRR233106_2.filt.fastq.gz"), "HG00146", "FASTQ", "1000 Genomes"),
			guide(readsetimport.CRAM(guideFolder+cram, guideReference), "HG00096", "CRAM", "1000 Genomes"),
			guide(readsetimport.UBAM(guideFolder+"NA12878_A.bam"), "NA12878_A", "uBAM", "GATK Test Data").WithDescription("uBAM for NA12878"),
		}, target: readsetimport.Target{SequenceStoreID: "3936421177", RoleARN: "arn:aws:iam::555555555555:role/OmicsImport"}},
		"AWS CLI answer": {file: "aws-cli-get-job.json", faults: []fault{
			{2, 5, "creationTime", readsetimport.RulePattern, "answer about an import job"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var target readsetimport.Target
			opts := append(options(test.opt), func(o *manifest.Options) { o.Target = &target })
			got, err := collect(t, manifest.Open(publicData(t, test.file), opts...))
			require.Equal(t, test.want, got)
			require.Equal(t, test.target, target)
			if test.faults == nil {
				require.NoError(t, err)
			} else {
				requireFaults(t, err, test.faults...)
			}
		})
	}
}

// publicData is a file of the public sheets, which are not part of this project.
func publicData(t *testing.T, name string) string {
	folder := os.Getenv("READSETIMPORT_TESTDATA")
	if folder == "" {
		t.Skip("READSETIMPORT_TESTDATA is not set")
	}
	return folder + "/" + name
}

func TestOpenFails(t *testing.T) {
	got, err := collect(t, manifest.Open("testdata/none.csv"))
	require.Empty(t, got)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.False(t, errors.Is(err, readsetimport.ErrValidation))
}
