package manifest

import (
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

	// RewriteURI is called with each file, before it is checked, and returns its S3 URI: for manifests that name files
	// by https URLs or local paths. Its error is a fault of the field. By default, URIs stay as they are.
	RewriteURI func(uri string) (string, error)

	// SkipUnsupported leaves out rows of a table for which HealthOmics has no file type, such as spring and vcf. By
	// default they are faults.
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
