package manifest

import (
	"errors"
	"path"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/beside"
)

// SkipReason says why a file of a listing is in no source, for [Options].OnSkip: to log, or to count how many of each.
type SkipReason string

// Reasons why a file is skipped.
const (
	SkipFolder       SkipReason = "folder"       // a key that ends with a slash: S3's console makes such objects
	SkipIndex        SkipReason = "index"        // the index of another file: .bai, .crai, .csi and so on
	SkipChecksum     SkipReason = "checksum"     // the checksum of another file: .md5, .sha256 and so on
	SkipReport       SkipReason = "report"       // a report, a table or a log: .html, .json, .txt, .csv, _fastqc.zip and so on
	SkipUndetermined SkipReason = "undetermined" // reads of no sample: Illumina's Undetermined_S0_…
	SkipIndexReads   SkipReason = "index reads"  // I1 and I2 of reads that are in a source
	SkipOldVersion   SkipReason = "old version"  // in an inventory: a version that is not the latest, or a delete marker
	SkipUnsupported  SkipReason = "unsupported"  // anything else, if Options.SkipUnsupported is set
)

// skippedEndings are the endings of files that accompany reads.
var skippedEndings = map[SkipReason][]string{
	SkipIndex:    beside.Index,
	SkipChecksum: beside.Checksum,
	SkipReport:   beside.Report,
}

// unalignedEndings are the endings of files with unaligned reads, whatever Options.FileType is.
var unalignedEndings = []string{".ubam", ".unmapped.bam", ".unaligned.bam"}

var undetermined = regexp.MustCompile(`(?i)^undetermined(?:[_.]|$)`)

// nameOf returns a file's name without its folder.
func nameOf(uri string) string { return uri[strings.LastIndexByte(uri, '/')+1:] }

// kindOf returns the type of a file of a listing by its name, or why it is skipped.
func kindOf(uri string) (types.FileType, SkipReason) {
	name := nameOf(uri)
	if name == "" {
		return "", SkipFolder
	}
	t := typeByName(name)
	if hasSuffixFold(name, unalignedEndings...) {
		t = types.FileTypeUbam
	}
	switch {
	case t != "" && undetermined.MatchString(name):
		return "", SkipUndetermined
	case t != "":
		return t, ""
	}
	for reason, endings := range skippedEndings {
		if hasSuffixFold(name, endings...) {
			return "", reason
		}
	}
	return "", SkipUnsupported
}

// endingOf returns what the name of a file of an unsupported kind ends in, in lower case: .sra, .vcf.gz. It is empty for
// names without a dot.
func endingOf(name string) string {
	name = strings.ToLower(name)
	ending := path.Ext(name)
	switch ending {
	case ".gz", ".bz2", ".xz", ".zst", ".zip":
		return path.Ext(strings.TrimSuffix(name, ending)) + ending
	}
	return ending
}

var (
	// accession is a run of the Sequence Read Archive.
	accession = regexp.MustCompile(`^[SED]RR[0-9]{6,}`)
	// laneOf is what Illumina's software writes between the sample and the mate: the sample's number or its barcode, and
	// the lane.
	laneOf = regexp.MustCompile(`(?:(?:_S[0-9]+|_[ACGTN]{6,}(?:[-+][ACGTN]{6,})?)?_L[0-9]{3}|_S[0-9]+)$`)
	// bamEnding is that of the names of BAM and CRAM files, unaligned ones included.
	bamEnding = regexp.MustCompile(`(?i)\.(?:(?:unmapped\.|unaligned\.|u)?bam|cram)$`)
)

// SampleID returns the sample id that the name of a file begins with, by the conventions of Options.Pattern. It is empty if there
// is none.
func SampleID(uri string) string {
	name := nameOf(uri)
	if run := accession.FindString(name); run != "" && (len(run) == len(name) || isNameSeparator(name[len(run)])) {
		return run
	}
	_, end := stemOf(name)
	if end < 0 {
		return bamEnding.ReplaceAllString(name, "")
	}
	m := mateOf(name)
	switch name = name[:end]; {
	case m.also > 0:
		name = name[:max(0, strings.LastIndexAny(name[:m.also], "_.-"))]
	case m.number > 0:
		name = name[:max(0, m.from-1)]
	}
	return laneOf.ReplaceAllString(name, "")
}

var (
	errNoSample = errors.New("must have a name that begins with a sample, or Options.Pattern or Options.IDs must find one")
	errNoMatch  = errors.New("must be matched by Options.Pattern, and no group of it be empty")
	errPattern  = errors.New("Options.Pattern must have a group named sample, such as (?P<sample>[^/_]+)")
)

// ids returns the subject, which can be empty, and the sample of a file in a listing.
func (o *Options) ids(uri string) (subjectID, sampleID string, err error) {
	switch {
	case o.IDs != nil:
		return o.IDs(uri)
	case o.Pattern == nil:
		if sampleID = SampleID(uri); sampleID == "" {
			err = errNoSample
		}
		return "", sampleID, err
	}
	groups := o.Pattern.FindStringSubmatch(uri)
	if groups == nil {
		return "", "", errNoMatch
	}
	sampleID = groups[o.Pattern.SubexpIndex("sample")]
	subject := o.Pattern.SubexpIndex("subject")
	if subject >= 0 {
		subjectID = groups[subject]
	}
	if sampleID == "" || subject >= 0 && subjectID == "" {
		err = errNoMatch
	}
	return subjectID, sampleID, err
}
