package readsetimport_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"

	"github.com/readsetimport/readsetimport"
)

// FASTQ is for reads without mates.
func ExampleFASTQ() {
	s := readsetimport.FASTQ("s3://bucket/SRR062641.filt.fastq.gz").WithSubject("HG00096").WithSample("HG00096")
	fmt.Println(s.Type, s.Source1, s.Validate())
	// Output: FASTQ s3://bucket/SRR062641.filt.fastq.gz <nil>
}

// The JSON of a source is the service's own.
func ExamplePairedFASTQ() {
	s := readsetimport.PairedFASTQ("s3://bucket/SRR233106_1.fastq.gz", "s3://bucket/SRR233106_2.fastq.gz").
		WithSubject("NA12878").
		WithSample("SRR233106").
		WithName("NA12878 run 106").
		WithDescription("Filtered reads").
		WithGeneratedFrom("1000 Genomes").
		WithTag("project", "1000 Genomes")
	text, err := json.MarshalIndent(s, "", "  ")
	fmt.Println(string(text), err)
	// Output:
	// {
	//   "sourceFiles": {
	//     "source1": "s3://bucket/SRR233106_1.fastq.gz",
	//     "source2": "s3://bucket/SRR233106_2.fastq.gz"
	//   },
	//   "sourceFileType": "FASTQ",
	//   "subjectId": "NA12878",
	//   "sampleId": "SRR233106",
	//   "generatedFrom": "1000 Genomes",
	//   "name": "NA12878 run 106",
	//   "description": "Filtered reads",
	//   "tags": {
	//     "project": "1000 Genomes"
	//   }
	// } <nil>
}

// An aligned file needs the reference that it is aligned to.
func ExampleBAM() {
	s := readsetimport.BAM("s3://bucket/HG00096.bam", reference).WithSubject("HG00096").WithSample("HG00096")
	fmt.Println(s.Type, s.Validate())
	fmt.Println(s.WithReference("").Validate())
	// Output:
	// BAM <nil>
	// invalid field: referenceArn: is required for BAM: arn:PARTITION:omics:REGION:ACCOUNT:referenceStore/ID/reference/ID
}

func ExampleCRAM() {
	s := readsetimport.CRAM("s3://bucket/HG00096.cram", reference).WithSubject("HG00096").WithSample("HG00096")
	fmt.Println(s.Type, s.Validate())
	// Output: CRAM <nil>
}

// An unaligned BAM file needs no reference.
func ExampleUBAM() {
	s := readsetimport.UBAM("s3://bucket/NA12878.bam").WithSubject("NA12878").WithSample("NA12878")
	fmt.Println(s.Type, s.Validate())
	// Output: UBAM <nil>
}

// The With methods return a copy with tags of its own, so one source can be the base of many.
func ExampleSource_WithTag() {
	base := readsetimport.Source{}.WithSubject("NA12878").WithTag("project", "GIAB")
	lane1 := base.WithTag("lane", "1")
	lane2 := base.WithTag("lane", "2")
	fmt.Println(base.Tags, lane1.Tags, lane2.Tags)
	// Output: map[project:GIAB] map[lane:1 project:GIAB] map[lane:2 project:GIAB]
}

// Item and SourceFromItem are for code that uses the SDK's own types.
func ExampleSource_Item() {
	item := readsetimport.UBAM("s3://bucket/NA12878.bam").WithSubject("NA12878").WithSample("NA12878").Item()
	fmt.Println(item.SourceFileType, *item.SourceFiles.Source1, *item.SubjectId)
	fmt.Println(readsetimport.SourceFromItem(item).Source1)
	// Output:
	// UBAM s3://bucket/NA12878.bam NA12878
	// s3://bucket/NA12878.bam
}

func ExampleSource_Validate() {
	err := readsetimport.FASTQ("https://bucket.s3.amazonaws.com/a.fastq.gz").WithSubject("A").WithSample("A").Validate()
	var fault *readsetimport.FieldError
	if errors.As(err, &fault) {
		fmt.Println(fault.Path, fault.Rule, fault.Value)
		fmt.Println(fault)
	}
	// Output:
	// sourceFiles.source1 pattern https://bucket.s3.amazonaws.com/a.fastq.gz
	// sourceFiles.source1: must be s3://bucket/key
}

// ValidateSources checks a whole import: every source, and that no file is in it twice.
func ExampleValidateSources() {
	s := readsetimport.UBAM("s3://bucket/NA12878.bam").WithSubject("NA12878").WithSample("NA12878")
	err := readsetimport.ValidateSources([]readsetimport.Source{s, s.WithSample("again")})
	fmt.Println(errors.Is(err, readsetimport.ErrValidation), err)
	// Output: true invalid field: sources[1].sourceFiles.source1: must not be in the import twice: sources[0] has the same file
}

func ExampleTarget_Validate() {
	fmt.Println(target.Validate())
	fmt.Println(readsetimport.Target{SequenceStoreID: "my-store", RoleARN: target.RoleARN}.Validate())
	// Output:
	// <nil>
	// invalid field: sequenceStoreId: must be 10 to 36 decimal digits
}

// Two sources are the same read set when they have the same files, subject and sample, whatever else is said of them.
func ExampleTarget_Fingerprint() {
	s := readsetimport.UBAM("s3://bucket/NA12878.bam").WithSubject("NA12878").WithSample("NA12878")
	fmt.Println(target.Fingerprint(s) == target.Fingerprint(s.WithName("renamed").WithTag("lane", "1")))
	fmt.Println(target.Fingerprint(s) == target.Fingerprint(s.WithSample("another")))
	// Output:
	// true
	// false
}

// Split makes batches for Start and Advance. The same run id, target and sources give the same client tokens.
func ExampleSplit() {
	batches, err := readsetimport.Split(target, "thursday", files(250))
	if err != nil {
		log.Fatal(err)
	}
	for _, b := range batches {
		fmt.Println(len(b.Sources), b.Sources[0].Source1)
	}
	again, _ := readsetimport.Split(target, "thursday", files(250))
	other, _ := readsetimport.Split(target, "friday", files(250))
	fmt.Println(batches[0].ClientToken == again[0].ClientToken, batches[0].ClientToken == other[0].ClientToken)
	// Output:
	// 100 s3://bucket/run/000.fastq.gz
	// 100 s3://bucket/run/100.fastq.gz
	// 50 s3://bucket/run/200.fastq.gz
	// true false
}
