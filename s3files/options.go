package s3files

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"time"
)

// Options of [List] and [Sources]: which files are wanted, and where the ids of subjects and samples come from. The zero value
// of each is its documented default.
type Options struct {
	// Suffixes of the keys that are wanted, in any case: .cram. By default, all are.
	Suffixes []string

	// Glob is a pattern of [path.Match] for the files that are wanted. A pattern without a slash is for the file's name, one
	// with a slash for the whole key. By default, all are.
	Glob string

	// ModifiedSince and ModifiedBefore bound the time of the last change of the files that are wanted: at ModifiedSince or
	// later, and before ModifiedBefore. The zero time is no bound.
	ModifiedSince, ModifiedBefore time.Time

	// Filter reports whether a file is wanted. It is called with the files that pass the other filters.
	Filter func(File) bool

	// IDs returns the subject and the sample of a read set by its file, or the first mate of a pair. An error keeps the
	// read set from becoming a source. By default Pattern finds them. Only Sources uses it and what follows.
	IDs func(File) (subjectID, sampleID string, err error)

	// Pattern finds the sample and the subject in the key, in groups named sample and subject:
	// (?P<subject>[^/]+)/(?P<sample>[^/_]+)_. Without a group subject, the subject id is the
	// sample id. A key that it does not match becomes no source.
	//
	// By default, both are what [manifest.SampleID] finds in the file's name: NA12878 of NA12878_S1_L001_R1_001.fastq.gz
	// (Illumina) and of NA12878_L002_R1.fq.gz, SRR062634 of SRR062634_1.filt.fastq.gz (SRA), and the name without its ending of
	// BAM and CRAM files.
	Pattern *regexp.Regexp

	// ReferenceARN is the reference of BAM and CRAM files, which need one.
	ReferenceARN string

	// UBAM is true where .bam files are unaligned. Files with the suffixes .ubam, .unmapped.bam and .unaligned.bam always
	// are.
	UBAM bool

	// OnSkip is called with every object that passes the filters and is not in a source, one call at a time, and before
	// the iteration ends. By default, only those that are [SkipInvalid] are reported, in the [*Error] at the end.
	OnSkip func(Skipped)
}

// newOptions returns the options, and an error for those that cannot be used.
func newOptions(optFns []func(*Options)) (Options, error) {
	var o Options
	for _, fn := range optFns {
		fn(&o)
	}
	o.Suffixes = slices.Clone(o.Suffixes)
	var errs []error
	if _, err := path.Match(o.Glob, ""); err != nil {
		errs = append(errs, fmt.Errorf("s3files: Options.Glob: %w", err))
	}
	if o.Pattern != nil && o.Pattern.SubexpIndex("sample") < 0 {
		errs = append(errs, errors.New("s3files: Options.Pattern must have a group named sample: (?P<sample>[^/_]+)"))
	}
	return o, errors.Join(errs...)
}
