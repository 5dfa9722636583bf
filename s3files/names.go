package s3files

import (
	"errors"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/beside"
	"github.com/readsetimport/readsetimport/manifest"
)

// kind is what a file is by its name: reads of a type, or why it is skipped.
type kind struct {
	fileType types.FileType
	stem     string // of FASTQ, in whatever form: the name without its suffix
	skip     SkipReason
	detail   string
}

var (
	fastqSuffixes = []string{".fastq.gz", ".fq.gz"}
	ubamSuffixes  = []string{".ubam", ".unmapped.bam", ".unaligned.bam"}
	bamSuffixes   = []string{".bam"}
	cramSuffixes  = []string{".cram"}
)

// skippedSuffixes are those of files that are no reads, and of reads in a form that HealthOmics does not import. The
// first that a name has decides.
var skippedSuffixes = []struct {
	suffixes []string
	kind
}{
	{beside.Index, kind{skip: SkipIndex}},
	{beside.Checksum, kind{skip: SkipChecksum}},
	{beside.Report, kind{skip: SkipReport}},
	{[]string{".ora", ".spring"}, kind{skip: SkipInvalid, detail: adviceGzip}},
	{[]string{".sam", ".sam.gz"}, kind{skip: SkipInvalid, detail: "HealthOmics does not import SAM text: convert it to BAM or CRAM"}},
	{
		[]string{".sra", ".fast5", ".pod5", ".bcl"},
		kind{skip: SkipInvalid, detail: "HealthOmics does not import this format: convert it to FASTQ, BAM or CRAM"},
	},
}

// otherFASTQ are the suffixes of FASTQ in a form that HealthOmics does not import.
var otherFASTQ = []string{
	".fastq", ".fq", ".fastq.bz2", ".fq.bz2", ".fastq.xz", ".fq.xz", ".fastq.zst", ".fq.zst", ".fastq.zip", ".fq.zip", ".fastq.ora", ".fq.ora",
	".fastq.bgz", ".fq.bgz",
}

const adviceGzip = "HealthOmics imports FASTQ that is compressed with gzip (.fastq.gz, .fq.gz): compress it so"

var undetermined = regexp.MustCompile(`^(?i)undetermined(?:[_.]|$)`)

// kindOf returns what a file of that name is. Every .bam file is unaligned if ubam is true.
func kindOf(name string, ubam bool) kind {
	var k kind
	stem, isFASTQ := cutSuffix(name, fastqSuffixes)
	switch {
	case name == "":
		return kind{skip: SkipFolder}
	case isFASTQ:
		k = kind{fileType: types.FileTypeFastq, stem: stem}
	case hasSuffix(name, otherFASTQ):
		stem, _ = cutSuffix(name, otherFASTQ)
		k = kind{fileType: types.FileTypeFastq, stem: stem, skip: SkipInvalid, detail: adviceGzip}
	case hasSuffix(name, ubamSuffixes), ubam && hasSuffix(name, bamSuffixes):
		k.fileType = types.FileTypeUbam
	case hasSuffix(name, bamSuffixes):
		k.fileType = types.FileTypeBam
	case hasSuffix(name, cramSuffixes):
		k.fileType = types.FileTypeCram
	default:
		for _, s := range skippedSuffixes {
			if hasSuffix(name, s.suffixes) {
				return s.kind
			}
		}
		return kind{skip: SkipUnknown, detail: "its suffix is neither that of reads nor of anything that goes with them: nothing is done with it"}
	}
	if undetermined.MatchString(name) {
		return kind{skip: SkipUndetermined}
	}
	return k
}

var (
	errNoSample  = errors.New("its name has no sample before its suffix: give Options.Pattern or Options.IDs")
	errNoMatch   = errors.New("Options.Pattern does not match its key, or has an empty sample there")
	errNoSubject = errors.New("Options.Pattern has an empty subject in its key")
)

// ids returns the subject and the sample of a read set by its first file.
func (o *Options) ids(f File) (subjectID, sampleID string, err error) {
	switch {
	case o.IDs != nil:
		return o.IDs(f)
	case o.Pattern == nil:
		if sampleID = manifest.SampleID(f.name()); sampleID == "" {
			return "", "", errNoSample
		}
		return sampleID, sampleID, nil
	}
	groups := o.Pattern.FindStringSubmatch(f.Key)
	if groups == nil || groups[o.Pattern.SubexpIndex("sample")] == "" {
		return "", "", errNoMatch
	}
	sampleID = groups[o.Pattern.SubexpIndex("sample")]
	subject := o.Pattern.SubexpIndex("subject")
	switch {
	case subject < 0:
		return sampleID, sampleID, nil
	case groups[subject] == "":
		return "", "", errNoSubject
	}
	return groups[subject], sampleID, nil
}
