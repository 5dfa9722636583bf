package readsetimport

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// Rule names the constraint that a field breaks, so that a program can tell faults apart without reading text.
type Rule string

// The rules.
const (
	RuleRequired    Rule = "required"    // must be there and is not
	RuleLength      Rule = "length"      // too short or too long
	RulePattern     Rule = "pattern"     // has characters or a form that the field does not take
	RuleEnum        Rule = "enum"        // not one of the known values
	RuleCombination Rule = "combination" // does not go with another field of the source
	RuleReserved    Rule = "reserved"    // a name that AWS keeps for itself
	RuleDuplicate   Rule = "duplicate"   // stands elsewhere in the same import
)

var rules = []Rule{RuleRequired, RuleLength, RulePattern, RuleEnum, RuleCombination, RuleReserved, RuleDuplicate}

// FieldError is one fault of one field.
type FieldError struct {
	// Path of the field, in the service's own names: sources[3].tags["aws:x"].
	Path string
	// Rule that it breaks.
	Rule Rule
	// Value that was there, cut to a readable length. Error leaves it out, because subject and sample ids can identify
	// a person.
	Value string
	// Detail says what is allowed.
	Detail string
}

// Error is the path and what is allowed there.
func (e *FieldError) Error() string { return e.Path + ": " + e.Detail }

// Is reports whether target is [ErrValidation].
func (e *FieldError) Is(target error) bool { return target == ErrValidation }

// ValidationError is every fault that was found, in the order of the input. It is [ErrValidation]. When it is returned,
// nothing was sent.
type ValidationError struct{ Fields []*FieldError }

// Error is the first few faults and how many there are, in one line.
func (e *ValidationError) Error() string {
	const shown = 3
	var b strings.Builder
	fmt.Fprintf(&b, "%d invalid fields: ", len(e.Fields))
	if len(e.Fields) == 1 {
		b.Reset()
		b.WriteString("invalid field: ")
	}
	for i, f := range e.Fields[:min(shown, len(e.Fields))] {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(f.Error())
	}
	if more := len(e.Fields) - shown; more > 0 {
		fmt.Fprintf(&b, "; and %d more", more)
	}
	return b.String()
}

// Unwrap is every fault, for errors.Is and errors.As.
func (e *ValidationError) Unwrap() []error {
	errs := make([]error, len(e.Fields))
	for i, f := range e.Fields {
		errs[i] = f
	}
	return errs
}

// Is reports whether target is [ErrValidation].
func (e *ValidationError) Is(target error) bool { return target == ErrValidation }

// Validate checks the source against the constraints of HealthOmics, and reports every fault in a [*ValidationError].
// Paths are the field's own: sampleId, sourceFiles.source1.
func (s Source) Validate() error {
	var c checker
	c.source(noIndex, &s)
	return c.err()
}

// ValidateSources checks a whole import: every source on its own, and that no file is in it twice. It reports every
// fault of every source in a [*ValidationError], with paths like sources[3].sampleId. No sources at all is a fault too.
func ValidateSources(sources []Source) error {
	var c checker
	c.sources(sources)
	return c.err()
}

// checker collects faults.
type checker struct{ faults []*FieldError }

func (c *checker) err() error {
	if len(c.faults) == 0 {
		return nil
	}
	return &ValidationError{Fields: c.faults}
}

// place is where a field stands. It becomes a path only when there is a fault to report, so that checking a valid
// source allocates nothing.
type place struct {
	index int // of the source in its import, or noIndex
	field string
}

const noIndex = -1

// field is a field that is not one of a source in a list.
func field(name string) place { return place{noIndex, name} }

func (p place) String() string {
	if p.index == noIndex {
		return p.field
	}
	return "sources[" + strconv.Itoa(p.index) + "]." + p.field
}

func (c *checker) fault(at place, rule Rule, value, detail string) {
	c.faults = append(c.faults, &FieldError{Path: at.String(), Rule: rule, Value: shorten(value), Detail: detail})
}

// need is a fault of a required field: that it is missing, or else the rule.
func (c *checker) need(at place, value string, rule Rule, allowed string) {
	if value == "" {
		c.fault(at, RuleRequired, "", "is required: "+allowed)
		return
	}
	c.fault(at, rule, value, "must be "+allowed)
}

func (c *checker) target(t Target) {
	const store = "10 to 36 decimal digits"
	switch id := t.SequenceStoreID; {
	case validID(id):
	case allDigits(id):
		c.fault(field("sequenceStoreId"), RuleLength, id, "must be "+store)
	default:
		c.need(field("sequenceStoreId"), id, RulePattern, store)
	}
	switch arn := t.RoleARN; {
	case !utf8.ValidString(arn):
		c.fault(field("roleArn"), RulePattern, arn, "must be valid UTF-8")
	case !strings.HasPrefix(arn, "arn:") || !singleLine(arn):
		c.need(field("roleArn"), arn, RulePattern, "the ARN of the service role, like arn:aws:iam::123456789012:role/NAME")
	case !within(arn, 20, 2048):
		c.fault(field("roleArn"), RuleLength, arn, "must have 20 to 2048 characters")
	}
}

// sources checks that there are any, each of them, and that no file is in two of them.
func (c *checker) sources(sources []Source) {
	if len(sources) == 0 {
		c.fault(field("sources"), RuleRequired, "", "at least one source is needed")
	}
	seen := make(map[string]int, len(sources))
	for i := range sources {
		s := &sources[i]
		c.source(i, s)
		c.unseen(place{i, "sourceFiles.source1"}, s.Source1, seen)
		c.unseen(place{i, "sourceFiles.source2"}, s.Source2, seen)
	}
}

// unseen notes a file, and finds fault if another source has it.
func (c *checker) unseen(at place, uri string, seen map[string]int) {
	if uri == "" {
		return
	}
	if first, twice := seen[uri]; !twice {
		seen[uri] = at.index
	} else if first != at.index {
		c.fault(at, RuleDuplicate, uri,
			fmt.Sprintf("must not be in the import twice: sources[%d] has the same file", first))
	}
}

// source checks one source, in the order of the service's fields. It takes a pointer only to save the copy.
func (c *checker) source(index int, s *Source) {
	c.s3URI(place{index, "sourceFiles.source1"}, s.Source1, true)
	c.s3URI(place{index, "sourceFiles.source2"}, s.Source2, false)
	switch {
	case s.Source2 == "":
	case s.Type != types.FileTypeFastq:
		c.fault(place{index, "sourceFiles.source2"}, RuleCombination, s.Source2, "is only for FASTQ: the second mate of a pair")
	case s.Source2 == s.Source1:
		c.fault(place{index, "sourceFiles.source2"}, RuleCombination, s.Source2, "must differ from source1: the second mate is a file of its own")
	}
	if !slices.Contains(fileTypes, s.Type) {
		c.need(place{index, "sourceFileType"}, string(s.Type), RuleEnum, "FASTQ, BAM, CRAM or UBAM")
	}
	c.text(place{index, "subjectId"}, s.SubjectID, 127, true)
	c.text(place{index, "sampleId"}, s.SampleID, 127, true)
	c.text(place{index, "generatedFrom"}, s.GeneratedFrom, 127, false)
	c.referenceARN(place{index, "referenceArn"}, s)
	c.text(place{index, "name"}, s.Name, 127, false)
	c.text(place{index, "description"}, s.Description, 255, false)
	c.tags(index, s.Tags)
}

var fileTypes = types.FileType("").Values()

func (c *checker) text(at place, value string, most int, required bool) {
	switch {
	case value == "":
		if required {
			c.fault(at, RuleRequired, "", fmt.Sprintf("is required: 1 to %d characters", most))
		}
	case !utf8.ValidString(value):
		c.fault(at, RulePattern, value, "must be valid UTF-8")
	case !within(value, 1, most):
		c.fault(at, RuleLength, value, fmt.Sprintf("must have at most %d characters", most))
	case !isText(value):
		c.fault(at, RulePattern, value, "must have no control characters, such as tab and newline, nor other characters of Unicode category C")
	}
}

// s3URI is ^s3://([a-z0-9][a-z0-9-.]{1,61}[a-z0-9])/(.{1,1024})$ of the service model, fault by fault.
func (c *checker) s3URI(at place, uri string, required bool) {
	if uri == "" {
		if required {
			c.fault(at, RuleRequired, "", "is required: s3://bucket/key")
		}
		return
	}
	rest, isS3 := strings.CutPrefix(uri, "s3://")
	bucket, key, _ := strings.Cut(rest, "/")
	switch {
	case !utf8.ValidString(uri):
		c.fault(at, RulePattern, uri, "must be valid UTF-8")
	case !isS3:
		c.fault(at, RulePattern, uri, "must be s3://bucket/key")
	case !validBucket(bucket):
		c.fault(at, RulePattern, uri, "must name a bucket of 3 to 63 lower-case letters, digits, hyphens and dots, a letter or digit first and last")
	case key == "":
		c.fault(at, RulePattern, uri, "must name an object: s3://bucket/key")
	case !within(key, 1, 1024):
		c.fault(at, RuleLength, uri, "must have a key of at most 1024 characters")
	case !singleLine(key):
		c.fault(at, RulePattern, uri, "must have no line break in its key")
	}
}

func validBucket(bucket string) bool {
	if len(bucket) < 3 || len(bucket) > 63 {
		return false
	}
	for i := range len(bucket) {
		ch := bucket[i]
		alnum := 'a' <= ch && ch <= 'z' || '0' <= ch && ch <= '9'
		inner := 0 < i && i < len(bucket)-1
		if !alnum && (!inner || ch != '-' && ch != '.') {
			return false
		}
	}
	return true
}

// within reports whether s has least to most code points.
func within(s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return least <= n && n <= most
}

// singleLine reports whether s has no line terminator, as the dot of the service model's patterns means it (ECMA 262).
func singleLine(s string) bool {
	for _, r := range s {
		if r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return true
}

// isText is ^[\p{L}||\p{M}||\p{Z}||\p{S}||\p{N}||\p{P}]+$ of the service model.
func isText(s string) bool {
	for _, r := range s {
		if 0x20 <= r && r < 0x7f {
			continue
		}
		if !unicode.In(r, unicode.L, unicode.M, unicode.Z, unicode.S, unicode.N, unicode.P) {
			return false
		}
	}
	return true
}

func validID(id string) bool {
	return 10 <= len(id) && len(id) <= 36 && allDigits(id)
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// referenceARN follows the user guide beyond the model: BAM and CRAM need the ARN of a reference in a reference store.
// The model's own limits, ^arn:.+$ and 127 characters, hold for every type.
func (c *checker) referenceARN(at place, s *Source) {
	arn := s.ReferenceARN
	aligned := s.Type == types.FileTypeBam || s.Type == types.FileTypeCram
	const form = "arn:PARTITION:omics:REGION:ACCOUNT:referenceStore/ID/reference/ID"
	switch {
	case arn == "":
		if aligned {
			c.fault(at, RuleRequired, "", "is required for "+string(s.Type)+": "+form)
		}
	case !utf8.ValidString(arn):
		c.fault(at, RulePattern, arn, "must be valid UTF-8")
	case !within(arn, 1, 127):
		c.fault(at, RuleLength, arn, "must have at most 127 characters")
	case aligned && !isReferenceARN(arn):
		c.fault(at, RulePattern, arn, "must be "+form)
	case !strings.HasPrefix(arn, "arn:") || arn == "arn:" || !singleLine(arn):
		c.fault(at, RulePattern, arn, "must be an ARN, like "+form)
	}
}

func isReferenceARN(arn string) bool {
	scheme, rest, _ := strings.Cut(arn, ":")
	partition, rest, _ := strings.Cut(rest, ":")
	service, rest, _ := strings.Cut(rest, ":")
	region, rest, _ := strings.Cut(rest, ":")
	account, resource, _ := strings.Cut(rest, ":")
	if scheme != "arn" || partition == "" || service != "omics" || region == "" ||
		len(account) != 12 || !allDigits(account) || !isText(arn) {
		return false
	}
	storeType, rest, _ := strings.Cut(resource, "/")
	store, rest, _ := strings.Cut(rest, "/")
	referenceType, reference, _ := strings.Cut(rest, "/")
	return storeType == "referenceStore" && validID(store) && referenceType == "reference" && validID(reference)
}

func (c *checker) tags(index int, tags map[string]string) {
	if len(tags) > 50 {
		c.fault(place{index, "tags"}, RuleLength, "", fmt.Sprintf("must have at most 50 tags, not %d", len(tags)))
	}
	before := len(c.faults)
	for key, value := range tags {
		switch {
		case !within(key, 1, 128):
			c.tag(index, key, RuleLength, key, "must have a key of 1 to 128 characters")
		case reservedTagKey(key):
			c.tag(index, key, RuleReserved, key, "must not have a key that begins with aws:, which AWS reserves")
		case !isTagText(key):
			c.tag(index, key, RulePattern, key, "must have a key of letters, digits, white space and _ . : / = + - @ only")
		}
		switch {
		case !within(value, 0, 256):
			c.tag(index, key, RuleLength, value, "must have a value of at most 256 characters")
		case !isTagText(value):
			c.tag(index, key, RulePattern, value, "must have a value of letters, digits, white space and _ . : / = + - @ only")
		}
	}
	slices.SortStableFunc(c.faults[before:], func(a, b *FieldError) int { return strings.Compare(a.Path, b.Path) })
}

func (c *checker) tag(index int, key string, rule Rule, value, detail string) {
	c.fault(place{index, "tags[" + strconv.Quote(shorten(key)) + "]"}, rule, value, detail)
}

func reservedTagKey(key string) bool { return len(key) >= 4 && strings.EqualFold(key[:4], "aws:") }

// isTagText is ^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$, the characters of tags in all of AWS.
func isTagText(s string) bool {
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		case strings.ContainsRune(" _.:/=+-@", r):
		case !unicode.In(r, unicode.L, unicode.Z, unicode.N):
			return false
		}
	}
	return true
}

// shorten cuts a value to a length that a person can read.
func shorten(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
