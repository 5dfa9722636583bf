package s3files

import (
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// kind is what a file is by its name: reads of a type, or why it is skipped.
type kind struct {
	fileType types.FileType
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
	{[]string{".bai", ".crai", ".csi", ".tbi", ".pbi", ".gzi", ".fai"}, kind{skip: SkipIndex}},
	{
		[]string{".md5", ".md5sum", ".sha1", ".sha1sum", ".sha256", ".sha256sum", ".sha512", ".sha512sum", ".crc32"},
		kind{skip: SkipChecksum},
	},
	{
		[]string{
			".html", ".htm", ".json", ".txt", ".csv", ".tsv", ".xml", ".yaml", ".yml", ".pdf", ".png", ".svg", ".log", ".md",
			"_fastqc.zip", ".flagstat", ".idxstats", ".stats", ".metrics", ".xls", ".xlsx",
		},
		kind{skip: SkipReport},
	},
	{[]string{".fastq", ".fq"}, kind{skip: SkipInvalid, detail: "HealthOmics imports FASTQ that is compressed with gzip: compress it"}},
	{
		[]string{".fastq.bz2", ".fq.bz2", ".fastq.xz", ".fq.xz", ".fastq.zst", ".fq.zst", ".fastq.zip", ".fq.zip", ".ora", ".spring"},
		kind{skip: SkipInvalid, detail: "HealthOmics imports FASTQ that is compressed with gzip: decompress it, and compress it with gzip"},
	},
	{[]string{".sam", ".sam.gz"}, kind{skip: SkipInvalid, detail: "HealthOmics does not import SAM text: convert it to BAM or CRAM"}},
	{
		[]string{".sra", ".fast5", ".pod5", ".bcl"},
		kind{skip: SkipInvalid, detail: "HealthOmics does not import this format: convert it to FASTQ, BAM or CRAM"},
	},
}

var undetermined = regexp.MustCompile(`^(?i)undetermined(?:[_.]|$)`)

// kindOf returns what a file of that name is. Every .bam file is unaligned if ubam is true.
func kindOf(name string, ubam bool) kind {
	var k kind
	switch {
	case name == "":
		return kind{skip: SkipFolder}
	case hasSuffix(name, fastqSuffixes):
		k.fileType = types.FileTypeFastq
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

// stemOf returns a name without the suffix of its type.
func stemOf(name string, t types.FileType) string {
	suffixes := bamSuffixes
	switch t {
	case types.FileTypeFastq:
		suffixes = fastqSuffixes
	case types.FileTypeCram:
		suffixes = cramSuffixes
	case types.FileTypeUbam:
		suffixes = slices.Concat(ubamSuffixes, bamSuffixes)
	}
	for _, s := range suffixes {
		if hasSuffix(name, []string{s}) {
			return name[:len(name)-len(s)]
		}
	}
	return name
}

// mateToken returns where the token begins and ends that says which mate a FASTQ file is, by the rules of
// [manifest.PairFASTQ]: the last that is R1, read1, I1 or the like, or a digit after _ and before a dot or the end;
// and if there is none, a digit after a dot at the end. Without one, start is negative.
func mateToken(stem string) (start, end int) {
	weakStart, weakEnd := -1, -1
	for end = len(stem); end >= 0; end = start - 1 {
		start = strings.LastIndexAny(stem[:end], "_.-") + 1
		named, number := isMateToken(stem[start:end])
		last := end == len(stem)
		switch {
		case named, number && start > 0 && stem[start-1] == '_' && (last || stem[end] == '.'):
			return start, end
		case number && start > 0 && stem[start-1] == '.' && last:
			weakStart, weakEnd = start, end
		}
	}
	return weakStart, weakEnd
}

// isMateToken reports whether a token is R1, read1 or I1, or another number of one digit; or that digit alone.
func isMateToken(token string) (named, number bool) {
	n := len(token)
	if n == 0 || token[n-1] < '1' || token[n-1] > '9' {
		return false, false
	}
	switch strings.ToLower(token[:n-1]) {
	case "":
		return false, true
	case "r", "read", "i":
		return true, false
	}
	return false, false
}

// beforeMate returns what a stem has before the token that says which mate it is, without the separator, and what it has
// after it. Trim Galore says it twice: x_R1_val_1.
func beforeMate(stem string) (before, after string, ok bool) {
	start, end := mateToken(stem)
	if start < 0 {
		return stem, "", false
	}
	before, after = stem[:max(0, start-1)], stem[end:]
	if twice, isVal := strings.CutSuffix(before, "_val"); isVal {
		if start, end := mateToken(twice); start >= 0 && end == len(twice) {
			before = twice[:max(0, start-1)]
		}
	}
	return before, after, true
}

// mateKey returns a key that FASTQ files have in common if they can be mates, or index reads of the same reads.
func mateKey(name string) string {
	before, after, ok := beforeMate(stemOf(name, types.FileTypeFastq))
	if !ok {
		return before
	}
	return before + "/" + after // no name has a slash
}

var (
	illuminaName = regexp.MustCompile(`^(.+)_S[0-9]+(?:_L[0-9]{3})?_[RI][1-9](?:_[0-9]{3})?(?:[._-].*)?$`)
	sraName      = regexp.MustCompile(`^([SED]RR[0-9]{6,})(?:[._].*)?$`)
	laneSuffix   = regexp.MustCompile(`_L[0-9]{3}$`)
)

var (
	errNoSample  = errors.New("its name has no sample before its suffix: give Options.Pattern or Options.IDs")
	errNoMatch   = errors.New("Options.Pattern does not match its key, or has an empty sample there")
	errNoSubject = errors.New("Options.Pattern has an empty subject in its key")
)

// ids returns the subject and the sample of a read set by its first file.
func (o *Options) ids(f File, t types.FileType) (subjectID, sampleID string, err error) {
	switch {
	case o.IDs != nil:
		return o.IDs(f)
	case o.Pattern == nil:
		sampleID = sampleOf(stemOf(f.name(), t), t)
		if sampleID == "" {
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

// sampleOf returns the sample by the name of a file without its suffix.
func sampleOf(stem string, t types.FileType) string {
	if groups := sraName.FindStringSubmatch(stem); groups != nil {
		return groups[1]
	}
	if t != types.FileTypeFastq {
		return stem
	}
	if groups := illuminaName.FindStringSubmatch(stem); groups != nil {
		return groups[1]
	}
	before, _, _ := beforeMate(stem)
	return laneSuffix.ReplaceAllString(before, "")
}
