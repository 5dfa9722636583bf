package manifest

import (
	"regexp"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
)

// Options say what a format leaves open. The zero value of each is its documented default.
type Options struct {
	// Name of the input in faults. [Open] sets it to the path unless it is set.
	Name string

	// Columns say which columns of a table mean what, for tables of no known format, or in place of what a known format
	// says.
	Columns Columns

	// FileType of the sources of a table that does not say it. By default the columns say it (fastq_1, bam, cram), or
	// the name of the file does: .fastq.gz and .fq.gz are FASTQ, .bam is BAM, .cram is CRAM. With UBAM, .bam files are
	// unaligned.
	FileType types.FileType

	// ReferenceARN of the BAM and CRAM sources that have none.
	ReferenceARN string

	// Subject makes a subject id of a sample id, in tables that have no column of subjects. By default the subject is
	// called as the sample is.
	Subject func(sampleID string) string

	// Pattern finds the sample and the subject of a file of a listing in its URI (of a pair, in that of the first mate), in
	// groups named sample and subject: (?P<subject>[^/]+)/(?P<sample>[^/_]+)_. A URI that it does not match is a fault, and
	// so is an empty group. Without a group subject, Subject makes the subject of the sample.
	//
	// By default, the sample is what the file's name begins with: for runs of the Sequence Read Archive, SRR062634 of
	// SRR062634_1.filt.fastq.gz; for other FASTQ files what stands before the mate, the lane and the sample's number or
	// barcode, NA12878 of NA12878_S1_L001_R1_001.fastq.gz; for BAM and CRAM the name without its ending.
	Pattern *regexp.Regexp

	// IDs returns the subject and the sample of a file of a listing by its URI, in place of Pattern. If it returns no
	// subject, Subject makes one of the sample. Its error is a fault.
	IDs func(uri string) (subjectID, sampleID string, err error)

	// OnSkip is called with each file of a listing that is in no source and no fault, and the reason. Calls are sequential.
	OnSkip func(uri string, reason SkipReason)

	// Bucket is that of the keys in the output of aws s3 ls --recursive, and in an inventory without the column Bucket.
	Bucket string

	// Inventory names the columns of an S3 Inventory in CSV, which has no header, as the fileSchema in the inventory's
	// manifest.json does: Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size. Keys are taken to be URL-encoded, as S3
	// writes them. Versions other than the latest, and delete markers, are skipped.
	Inventory string

	// RewriteURI is called with each file, before it is checked, and returns its S3 URI: for manifests that name files
	// by https URLs or local paths. Its error is a fault of the field. By default, URIs stay as they are.
	RewriteURI func(uri string) (string, error)

	// SkipUnsupported leaves out rows of a table, and files of a listing, for which HealthOmics has no file type, such as
	// spring and vcf. By default they are faults.
	SkipUnsupported bool

	// Target is set to the sequence store and the role that an API manifest names, by the time the iteration ends. It
	// stays as it is for formats that name none.
	Target *readsetimport.Target

	// MaxErrors is how many faults are looked for before reading stops. The default is 100.
	MaxErrors int

	// MaxBytes is how many bytes are read, after decompression, before reading ends with an error. The default is 16 GiB.
	MaxBytes int64

	// KnownFiles is how many files are remembered to find the same file in two rows: when there are more, the older half
	// is forgotten. The default is 1,048,576, which takes up to 40 MiB; with a negative number the same file is not
	// looked for. An import looks for it, too.
	KnownFiles int
}

// Columns say which columns of a table mean what: each field holds the name of a column as the header has it, in any
// case. Empty fields are what the format makes of them; a table of no known format needs Source1 and Sample.
type Columns struct {
	Source1, Source2                 string // files; Source2 is the second mate
	FileType                         string // FASTQ, BAM, CRAM or UBAM, in any case
	Subject, Sample                  string
	Name, Description, GeneratedFrom string
	Reference                        string            // the reference's ARN
	Tags                             map[string]string // column to tag key; an empty field gives no tag
}

func newOptions(optFns []func(*Options)) Options {
	var o Options
	for _, fn := range optFns {
		fn(&o)
	}
	if o.MaxErrors <= 0 {
		o.MaxErrors = 100
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 16 << 30
	}
	if o.KnownFiles == 0 {
		o.KnownFiles = 1 << 20
	}
	return o
}

// Limits that no sheet comes near and that bound what is held in memory.
const (
	maxRow     = 1 << 20
	maxField   = 128 << 10
	maxColumns = 1000
)
