package omicstest

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// The constraints of the service's model, and those that its user guide adds. They are written down once more, not
// shared with a library whose requests are checked.
const (
	maxSources   = 100
	maxTags      = 50
	maxTagKey    = 128
	maxTagValue  = 256
	maxText      = 127
	maxLongText  = 255
	maxNextToken = 6144
)

// faults are the constraints that a request violates, by the path of the field, without the values.
type faults []string

func (f *faults) add(path, rule string) { *f = append(*f, "Value at '"+path+"' "+rule) }

func (f *faults) unfit(path, rule string) {
	f.add(path, "failed to satisfy constraint: Member must "+rule)
}

// message returns the faults in the wording of the service, or an empty string if there are none.
func (f faults) message() string {
	switch len(f) {
	case 0:
		return ""
	case 1:
		return "1 validation error detected: " + f[0]
	}
	return fmt.Sprintf("%d validation errors detected: %s", len(f), strings.Join(f, "; "))
}

func (f *faults) id(path, s string) {
	if !isID(s) {
		f.unfit(path, "satisfy regular expression pattern: [0-9]+ and have 10 to 36 characters")
	}
}

// enum checks that s is one of the known values.
func enum[T ~string](f *faults, path string, s *string, known []T) {
	if s != nil && !slices.Contains(known, T(*s)) {
		f.unfit(path, fmt.Sprintf("satisfy enum value set: %v", known))
	}
}

// length reports whether s has from lo to hi code points.
func (f *faults) length(path, s string, lo, hi int) bool {
	n := utf8.RuneCountInString(s)
	switch {
	case n < lo:
		f.unfit(path, fmt.Sprintf("have length greater than or equal to %d", lo))
	case n > hi:
		f.unfit(path, fmt.Sprintf("have length less than or equal to %d", hi))
	default:
		return true
	}
	return false
}

func (f *faults) text(path string, s *string, required bool, hi int) {
	if s == nil {
		if required {
			f.unfit(path, "not be null")
		}
		return
	}
	if f.length(path, *s, 1, hi) && !isText(*s) {
		f.unfit(path, `satisfy regular expression pattern: [\p{L}||\p{M}||\p{Z}||\p{S}||\p{N}||\p{P}]+`)
	}
}

func (f *faults) start(w *wireStart) {
	f.text("clientToken", w.clientToken, false, maxText)
	switch {
	case w.roleARN == nil:
		f.unfit("roleArn", "not be null")
	case f.length("roleArn", *w.roleARN, 20, 2048) && !strings.HasPrefix(*w.roleARN, "arn:"):
		f.unfit("roleArn", "satisfy regular expression pattern: arn:.*")
	}
	switch {
	case w.sources == nil:
		f.unfit("sources", "not be null")
	case len(w.sources) == 0:
		f.unfit("sources", "have length greater than or equal to 1")
	case len(w.sources) > maxSources:
		f.unfit("sources", "have length less than or equal to 100")
	}
	for i := range w.sources {
		f.source(fmt.Sprintf("sources.%d.member.", i+1), &w.sources[i])
	}
}

func (f *faults) source(path string, s *wireSource) {
	if !s.hasFiles {
		f.unfit(path+"sourceFiles", "not be null")
	} else {
		f.uri(path+"sourceFiles.source1", s.source1, true)
		f.uri(path+"sourceFiles.source2", s.source2, false)
	}
	var aligned, single bool
	switch fileType := types.FileType(deref(s.fileType)); {
	case s.fileType == nil:
		f.unfit(path+"sourceFileType", "not be null")
	case fileType == types.FileTypeBam, fileType == types.FileTypeCram:
		aligned, single = true, true
	case fileType == types.FileTypeUbam:
		single = true
	case fileType != types.FileTypeFastq:
		f.unfit(path+"sourceFileType", "satisfy enum value set: [FASTQ, BAM, CRAM, UBAM]")
	}
	f.text(path+"subjectId", s.subjectID, true, maxText)
	f.text(path+"sampleId", s.sampleID, true, maxText)
	f.text(path+"generatedFrom", s.generatedFrom, false, maxText)
	f.text(path+"name", s.name, false, maxText)
	f.text(path+"description", s.description, false, maxLongText)
	f.reference(path+"referenceArn", s.referenceARN, aligned)
	f.tags(path+"tags", s.tags)
	if s.source2 != nil && single {
		f.add(path+"sourceFiles.source2", "is not allowed: only FASTQ has a second file")
	}
}

func (f *faults) uri(path string, s *string, required bool) {
	if s == nil {
		if required {
			f.unfit(path, "not be null")
		}
		return
	}
	if !isS3URI(*s) {
		f.unfit(path, "satisfy regular expression pattern: s3://([a-z0-9][a-z0-9-.]{1,61}[a-z0-9])/(.{1,1024})")
	}
}

func (f *faults) reference(path string, s *string, aligned bool) {
	switch {
	case s == nil && aligned:
		f.add(path, "is missing: BAM and CRAM need a reference")
	case s == nil:
	case !f.length(path, *s, 1, maxText):
	case !strings.HasPrefix(*s, "arn:") || len(*s) == len("arn:") || strings.ContainsFunc(*s, endsLine):
		f.unfit(path, "satisfy regular expression pattern: arn:.+")
	case aligned && !isReferenceARN(*s):
		f.add(path, "is not the ARN of a reference: arn:PARTITION:omics:REGION:ACCOUNT:referenceStore/ID/reference/ID")
	}
}

func (f *faults) tags(path string, tags map[string]string) {
	if len(tags) > maxTags {
		f.unfit(path, "have length less than or equal to 50")
	}
	for key, value := range tags {
		switch n := utf8.RuneCountInString(key); {
		case n < 1 || n > maxTagKey:
			f.unfit(path, "have keys of 1 to 128 characters")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			f.add(path, "has a key with the reserved prefix aws:")
		case !isTagText(key):
			f.unfit(path, `have keys of [\p{L}\p{Z}\p{N}_.:/=+\-@]`)
		}
		switch {
		case utf8.RuneCountInString(value) > maxTagValue:
			f.unfit(path, "have values of at most 256 characters")
		case !isTagText(value):
			f.unfit(path, `have values of [\p{L}\p{Z}\p{N}_.:/=+\-@]`)
		}
	}
}

func isID(s string) bool {
	if len(s) < 10 || len(s) > 36 {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func isText(s string) bool {
	for _, r := range s {
		if r >= ' ' && r <= '~' {
			continue
		}
		if !unicode.In(r, unicode.L, unicode.M, unicode.Z, unicode.S, unicode.N, unicode.P) {
			return false
		}
	}
	return true
}

func isTagText(s string) bool {
	for _, r := range s {
		if !unicode.In(r, unicode.L, unicode.Z, unicode.N) && !strings.ContainsRune("_.:/=+-@", r) {
			return false
		}
	}
	return true
}

// endsLine reports whether a dot of the model's patterns does not match r.
func endsLine(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' }

func isS3URI(s string) bool {
	rest, ok := strings.CutPrefix(s, "s3://")
	bucket, key, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || len(bucket) < 3 || len(bucket) > 63 {
		return false
	}
	for i := range len(bucket) {
		c := bucket[i]
		alnum := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		inner := i > 0 && i < len(bucket)-1
		if !alnum && (!inner || c != '-' && c != '.') {
			return false
		}
	}
	n := utf8.RuneCountInString(key)
	return n >= 1 && n <= 1024 && !strings.ContainsFunc(key, endsLine)
}

func isReferenceARN(s string) bool {
	parts := strings.SplitN(s, ":", 6)
	if len(parts) != 6 || parts[1] == "" || parts[2] != "omics" || parts[3] == "" || len(parts[4]) != 12 {
		return false
	}
	resource := strings.Split(parts[5], "/")
	return len(resource) == 4 && resource[0] == "referenceStore" && isID(resource[1]) &&
		resource[2] == "reference" && isID(resource[3]) && strings.Trim(parts[4], "0123456789") == ""
}
