package manifest

import (
	"cmp"
	"math"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
)

// Options say what a format leaves open. The zero value of each option is its documented default.
type Options struct {
	// Name is the name of the input in faults. Default: the path in [Open], none otherwise.
	Name string

	// Columns name the columns of a table, if the table has no known format or the format's own columns are not wanted.
	Columns Columns

	// FileType is the type of the sources of a table that does not say it. Default: the type that the column is for
	// (fastq_1, bam, cram), or that the file's name ends in: .fastq.gz and .fq.gz for FASTQ, .bam, .cram. With UBAM, all
	// .bam files are unaligned, in tables and in lists.
	FileType types.FileType

	// ReferenceARN is the reference of the BAM and CRAM sources that have none. Default: such sources are faults.
	ReferenceARN string

	// Subject returns the subject id for a sample id, if the format has no subjects. Default: the sample id.
	Subject func(sampleID string) string

	// Pattern finds the subject and the sample id in the URI of a file of a list (of a pair, in that of the first mate), in
	// groups named subject and sample: (?P<subject>[^/]+)/(?P<sample>[^/_]+)_. Without a group subject, Subject returns the
	// subject. A URI that Pattern does not match, or matches with an empty group, is a fault.
	//
	// Default: the sample id is the begin of the file's name. That is the accession of a run in the Sequence Read Archive
	// (SRR062634 of SRR062634_1.filt.fastq.gz); of other FASTQ files what precedes the mate, the lane, and Illumina's sample
	// number or barcode (NA12878 of NA12878_S1_L001_R1_001.fastq.gz); and of BAM and CRAM files the name without its ending.
	Pattern *regexp.Regexp

	// IDs returns the subject and the sample id of a file of a list by its URI, instead of Pattern. If the subject id is
	// empty, Subject returns it. An error of IDs is a fault. Default: Pattern finds the ids.
	IDs func(uri string) (subjectID, sampleID string, err error)

	// OnSkip is called with each file that is skipped, and the reason. Calls are sequential. Default: none.
	OnSkip func(uri string, reason SkipReason)

	// Bucket is the bucket of the keys in the output of aws s3 ls --recursive, and in an S3 Inventory that has no column
	// Bucket. Default: the input cannot be read.
	Bucket string

	// Inventory is the fileSchema of an S3 Inventory, as its manifest.json has it: the names of the columns, since the CSV
	// has no header. An example is Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size. Keys are URL-decoded. Versions
	// that are not the latest, and delete markers, are skipped. Default: an inventory is an unknown format.
	Inventory string

	// RewriteURI returns the S3 URI of a file that the manifest names otherwise, by an https URL or a local path. It is
	// called with each file of a source before the source is checked. An error of RewriteURI is a fault of the field.
	// Default: URIs are used as they are.
	RewriteURI func(uri string) (string, error)

	// SkipUnsupported skips rows of a table and files of a list for which HealthOmics has no file type, such as spring and
	// vcf. Default: they are faults.
	SkipUnsupported bool

	// Target is set to the sequence store and the role that an API manifest names, when the iteration ends. It is not
	// changed if the format names none.
	Target *readsetimport.Target

	// Line is set to the line of each source before the source is yielded: where its row, its object or its first file begins,
	// from 1; in [Files], to the number of its first file in the listing.
	Line *int

	// MaxErrors is the number of faults after which reading stops. Default: 100.
	MaxErrors int

	// MaxBytes is the number of bytes, after decompression, after which reading ends with an error. Default: 16 GiB.
	MaxBytes int64

	// KnownFiles is how many files are remembered to find files that are in the input twice. If there are more, the older
	// half is forgotten. Default: 1,048,576, which takes up to 40 MiB. A negative number turns this check off; the import
	// makes one of its own.
	KnownFiles int
}

// Columns name the columns of a table: each field is the name of a column as the table's header has it, in any case. An
// empty field leaves the column that the format has for it. A table of no known format needs Source1 and Sample.
type Columns struct {
	Source1, Source2                 string // files; Source2 is the second mate
	FileType                         string // FASTQ, BAM, CRAM or UBAM, in any case
	Subject, Sample                  string
	Name, Description, GeneratedFrom string
	Reference                        string            // the ARN of the reference
	Tags                             map[string]string // tag keys by columns; an empty field of a row gives no tag
}

func newOptions(optFns []func(*Options)) Options {
	var o Options
	for _, fn := range optFns {
		fn(&o)
	}
	o.MaxErrors = cmp.Or(max(o.MaxErrors, 0), 100)
	o.MaxBytes = min(cmp.Or(max(o.MaxBytes, 0), 16<<30), math.MaxInt64-1)
	o.KnownFiles = cmp.Or(o.KnownFiles, 1<<20)
	return o
}

// Limits of a row, which bound what is held in memory. No sheet comes near them.
const (
	maxRow     = 1 << 20
	maxField   = 128 << 10
	maxColumns = 1000
)
