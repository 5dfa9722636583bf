package manifest_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

func ExampleOpen() {
	for source, err := range manifest.Open("testdata/nf-core-rnaseq.csv") {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(source.SampleID, source.Type, source.Source1, source.Source2)
	}
	// Output:
	// GM12878_REP1 FASTQ s3://reads/SRX1603629_T1_1.fastq.gz s3://reads/SRX1603629_T1_2.fastq.gz
	// GM12878_REP1 FASTQ s3://reads/SRX1603630_T1_1.fastq.gz s3://reads/SRX1603630_T1_2.fastq.gz
	// K562_REP1 FASTQ s3://reads/SRX1603392_T1_1.fastq.gz
}

// All or nothing: the sources are imported only if the whole sheet is good.
func ExampleCollect() {
	for _, sheet := range []string{
		"sample,fastq_1\nK562,s3://reads/K562.fastq.gz\nH1,s3://reads/H1.fastq.gz\n",
		"sample,fastq_1\nK562,s3://reads/K562.fastq.gz\n,s3://reads/H1.fastq.gz\n",
	} {
		sources, err := manifest.Collect(manifest.Read(strings.NewReader(sheet)))
		fmt.Println(len(sources), "sources, error:", err)
	}
	// Output:
	// 2 sources, error: <nil>
	// 0 sources, error: line 3:1: sample: is required: 1 to 127 characters
}

// An API manifest names its store and role.
func ExampleOpen_target() {
	var target readsetimport.Target
	for source, err := range manifest.Open("testdata/aws-api.json", func(o *manifest.Options) { o.Target = &target }) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(source.Type, source.SampleID)
	}
	fmt.Println(target.SequenceStoreID, target.RoleARN)
	// Output:
	// FASTQ SRR233106
	// CRAM HG00096
	// 1234567890 arn:aws:iam::123456789012:role/OmicsImport
}

// A sheet of nf-core/sarek with https URLs, aligned files, and files that HealthOmics has no type for.
func ExampleRead() {
	sheet := strings.NewReader(`patient,sample,lane,fastq_1,fastq_2,spring_1,cram
NA12878,NA12878_N,1,https://example.com/N_1.fastq.gz,https://example.com/N_2.fastq.gz,,
NA12878,NA12878_N,2,,,https://example.com/N.spring,
NA12878,NA12878_T,1,,,,https://example.com/T.cram
`)
	for source, err := range manifest.Read(sheet, func(o *manifest.Options) {
		o.Name = "samples.csv"
		o.ReferenceARN = "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1234567890"
		o.SkipUnsupported = true
		o.RewriteURI = func(uri string) (string, error) {
			if path, ok := strings.CutPrefix(uri, "https://example.com/"); ok {
				return "s3://amzn-s3-demo-bucket/" + path, nil
			}
			return "", errors.New("no bucket mirrors this host")
		}
	}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(source.SubjectID, source.SampleID, source.Type, source.Source1, source.Source2)
	}
	// Output:
	// NA12878 NA12878_N FASTQ s3://amzn-s3-demo-bucket/N_1.fastq.gz s3://amzn-s3-demo-bucket/N_2.fastq.gz
	// NA12878 NA12878_T CRAM s3://amzn-s3-demo-bucket/T.cram
}

// Every fault of a sheet, where it is and what was expected.
func ExampleError() {
	sheet := `sample,fastq_1,fastq_2,strandedness
K562,s3://Reads/K562_1.fastq.gz,s3://reads/K562_2.fastq.gz,auto
,s3://reads/H1_1.fastq.gz,s3://reads/H1_2.fastq.gz,auto
MCF7,s3://reads/MCF7_R1.fastq.gz,s3://reads/MCF8_R1.fastq.gz,auto
`
	for _, err := range manifest.Read(strings.NewReader(sheet), func(o *manifest.Options) { o.Name = "samples.csv" }) {
		var faults *manifest.Error
		if errors.As(err, &faults) {
			for _, f := range faults.Faults {
				fmt.Println(f)
			}
		}
	}
	// Output:
	// samples.csv:2:6: fastq_1: must name a bucket of 3 to 63 lower-case letters, digits, hyphens and dots, a letter or digit first and last
	// samples.csv:3:1: sample: is required: 1 to 127 characters
	// samples.csv:4:34: fastq_2: must be a second mate: by their names both files are first mates
}

// Any table can be read when its columns are named.
func ExampleColumns() {
	sheet := strings.NewReader(`Barcode;Donor;Reads;Reads (mate);Site
B001;NA12878;s3://reads/B001_R1.fastq.gz;s3://reads/B001_R2.fastq.gz;Leeds
`)
	for source, err := range manifest.Read(sheet, func(o *manifest.Options) {
		o.Columns = manifest.Columns{
			Source1: "Reads", Source2: "Reads (mate)", Sample: "Barcode", Subject: "Donor",
			Tags: map[string]string{"Site": "site"},
		}
	}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(source.SubjectID, source.SampleID, source.Source1, source.Tags)
	}
	// Output:
	// NA12878 B001 s3://reads/B001_R1.fastq.gz map[site:Leeds]
}

// Unaligned BAM files, and subjects that are a part of the sample ids.
func ExampleOptions() {
	sheet := strings.NewReader("entity:sample_id\tbam\nNA12878_T1\ts3://reads/NA12878_T1.bam\n")
	for source, err := range manifest.Read(sheet, func(o *manifest.Options) {
		o.FileType = types.FileTypeUbam
		o.Subject = func(sampleID string) string {
			subject, _, _ := strings.Cut(sampleID, "_")
			return subject
		}
	}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(source.Type, source.SubjectID, source.SampleID)
	}
	// Output:
	// UBAM NA12878 NA12878_T1
}

// The output of aws s3 ls --recursive: FASTQ files are paired by name, and files that accompany reads are left out.
func ExampleRead_list() {
	list := strings.NewReader(`2026-03-01 09:15:03 1181116006 run1/NA12878_S1_L001_R1_001.fastq.gz
2026-03-01 09:17:44 1191116006 run1/NA12878_S1_L001_R2_001.fastq.gz
2026-03-01 09:18:01       5242 run1/multiqc_report.html
`)
	for source, err := range manifest.Read(list, func(o *manifest.Options) {
		o.Bucket = "amzn-s3-demo-bucket"
		o.OnSkip = func(uri string, reason manifest.SkipReason) { fmt.Println("skipped:", uri, reason) }
	}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(source.SampleID, source.Type, source.Source1, source.Source2)
	}
	// Output:
	// skipped: s3://amzn-s3-demo-bucket/run1/multiqc_report.html report
	// NA12878 FASTQ s3://amzn-s3-demo-bucket/run1/NA12878_S1_L001_R1_001.fastq.gz s3://amzn-s3-demo-bucket/run1/NA12878_S1_L001_R2_001.fastq.gz
}

// An S3 Inventory has no header: the fileSchema of its manifest.json names its columns.
func ExampleRead_inventory() {
	inventory := strings.NewReader(`"amzn-s3-demo-bucket","HG00096/HG00096.cram","1181116006"
"amzn-s3-demo-bucket","HG00096/HG00096.cram.crai","5242"
`)
	for source, err := range manifest.Read(inventory, func(o *manifest.Options) {
		o.Inventory = "Bucket, Key, Size"
		o.ReferenceARN = "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1234567890"
	}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(source.SampleID, source.Type, source.Source1)
	}
	// Output:
	// HG00096 CRAM s3://amzn-s3-demo-bucket/HG00096/HG00096.cram
}

// A listing as a program has it, with the subject and the sample in each file's folder and name.
func ExampleFiles() {
	uris := func(yield func(string, error) bool) {
		for _, key := range []string{"NA12878/T1_run7_R1.fastq.gz", "NA12878/T1_run7_R2.fastq.gz", "NA12891/N1_run7.fastq.gz"} {
			if !yield("s3://amzn-s3-demo-bucket/"+key, nil) {
				return
			}
		}
	}
	for source, err := range manifest.Files(uris, func(o *manifest.Options) {
		o.Pattern = regexp.MustCompile(`(?P<subject>[^/]+)/(?P<sample>[^/_]+)_`)
	}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(source.SubjectID, source.SampleID, source.Source1, source.Source2)
	}
	// Output:
	// NA12878 T1 s3://amzn-s3-demo-bucket/NA12878/T1_run7_R1.fastq.gz s3://amzn-s3-demo-bucket/NA12878/T1_run7_R2.fastq.gz
	// NA12891 N1 s3://amzn-s3-demo-bucket/NA12891/N1_run7.fastq.gz
}

func ExampleWrite() {
	sources := []readsetimport.Source{
		readsetimport.PairedFASTQ("s3://reads/K562_1.fastq.gz", "s3://reads/K562_2.fastq.gz").WithSubject("K562").WithSample("K562"),
		readsetimport.UBAM("s3://reads/NA12878.bam").WithSubject("NA12878").WithSample("NA12878").WithTag("site", "Leeds"),
	}
	if err := manifest.Write(os.Stdout, manifest.JSONLines, slices.Values(sources)); err != nil {
		fmt.Println(err)
	}
	if err := manifest.Write(os.Stdout, manifest.NFCoreRNASeq, slices.Values(sources)); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"sourceFiles":{"source1":"s3://reads/K562_1.fastq.gz","source2":"s3://reads/K562_2.fastq.gz"},"sourceFileType":"FASTQ","subjectId":"K562","sampleId":"K562"}
	// {"sourceFiles":{"source1":"s3://reads/NA12878.bam"},"sourceFileType":"UBAM","subjectId":"NA12878","sampleId":"NA12878","tags":{"site":"Leeds"}}
	// sample,fastq_1,fastq_2,strandedness
	// K562,s3://reads/K562_1.fastq.gz,s3://reads/K562_2.fastq.gz,auto
	// 2 invalid fields: sources[1].sourceFileType: would be lost: nf-core/rnaseq is for FASTQ; sources[1].tags: would be lost: nf-core/rnaseq has no column for it
}

func ExampleSampleID() {
	fmt.Println(manifest.SampleID("s3://amzn-s3-demo-bucket/NA12878_S1_L001_R1_001.fastq.gz"))
	// Output:
	// NA12878
}

func ExampleMateKey() {
	first := manifest.MateKey("s3://amzn-s3-demo-bucket/NA12878_R1.fastq.gz")
	fmt.Println(first == manifest.MateKey("s3://amzn-s3-demo-bucket/NA12878_R2.fastq.gz"))
	fmt.Println(first == manifest.MateKey("s3://amzn-s3-demo-bucket/NA12891_R2.fastq.gz"))
	// Output:
	// true
	// false
}
