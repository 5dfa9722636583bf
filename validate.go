package readsetimport

import (
	"fmt"
	"maps"
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
	c.source("", s)
	return c.err()
}

// ValidateSources checks a whole import: every source on its own, and that no file is in it twice. It reports every
// fault of every source in a [*ValidationError], with paths like sources[3].sampleId. No sources at all is a fault too.
func ValidateSources(sources []Source) error {
	var c checker
	if len(sources) == 0 {
		c.fault("sources", RuleRequired, "", "at least one source is needed")
	}
	c.sources(sources)
	return c.err()
}

// Validate checks that the sequence store id and the role ARN are such as HealthOmics takes. It cannot tell whether
// they exist.
func (t Target) Validate() error {
	var c checker
	c.target(t)
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

func (c *checker) fault(path string, rule Rule, value, detail string) {
	c.faults = append(c.faults, &FieldError{Path: path, Rule: rule, Value: shorten(value), Detail: detail})
}

func (c *checker) target(t Target) {
	if !validID(t.SequenceStoreID) {
		c.need("sequenceStoreId", t.SequenceStoreID, RulePattern, "10 to 36 decimal digits")
	}
	switch n := utf8.RuneCountInString(t.RoleARN); {
	case n != 0 && (n < 20 || n > 2048):
		c.fault("roleArn", RuleLength, t.RoleARN, "20 to 2048 characters")
	case !strings.HasPrefix(t.RoleARN, "arn:") || !singleLine(t.RoleARN):
		c.need("roleArn", t.RoleARN, RulePattern, "the ARN of the service role, like arn:aws:iam::123456789012:role/NAME")
	}
}

// need is a fault of a required field: that it is missing, or else the rule.
func (c *checker) need(path, value string, rule Rule, allowed string) {
	if value == "" {
		c.fault(path, RuleRequired, "", "is required: "+allowed)
		return
	}
	c.fault(path, rule, value, "must be "+allowed)
}

func (c *checker) sources(sources []Source) {
	seen := make(map[string]int, len(sources))
	for i, s := range sources {
		prefix := "sources[" + strconv.Itoa(i) + "]."
		c.source(prefix, s)
		for name, uri := range s.files() {
			if first, twice := seen[uri]; !twice {
				seen[uri] = i
			} else if first != i {
				c.fault(prefix+name, RuleDuplicate, uri,
					fmt.Sprintf("must not be in the import twice: sources[%d] has the same file", first))
			}
		}
	}
}

// files yields the source's files that are there, with the names of their fields.
func (s Source) files() func(yield func(name, uri string) bool) {
	return func(yield func(name, uri string) bool) {
		if s.Source1 != "" && !yield("sourceFiles.source1", s.Source1) {
			return
		}
		if s.Source2 != "" {
			yield("sourceFiles.source2", s.Source2)
		}
	}
}

func (c *checker) source(prefix string, s Source) {
	c.s3URI(prefix+"sourceFiles.source1", s.Source1, true)
	c.s3URI(prefix+"sourceFiles.source2", s.Source2, false)
	switch {
	case s.Source2 == "":
	case s.Type != types.FileTypeFastq:
		c.fault(prefix+"sourceFiles.source2", RuleCombination, s.Source2, "is only for FASTQ: the second mate of a pair")
	case s.Source2 == s.Source1:
		c.fault(prefix+"sourceFiles.source2", RuleCombination, s.Source2, "must differ from source1: the second mate is a file of its own")
	}
	if !slices.Contains(fileTypes, s.Type) {
		c.need(prefix+"sourceFileType", string(s.Type), RuleEnum, "FASTQ, BAM, CRAM or UBAM")
	}
	c.text(prefix+"subjectId", s.SubjectID, 127, true)
	c.text(prefix+"sampleId", s.SampleID, 127, true)
	c.text(prefix+"generatedFrom", s.GeneratedFrom, 127, false)
	c.referenceARN(prefix+"referenceArn", s)
	c.text(prefix+"name", s.Name, 127, false)
	c.text(prefix+"description", s.Description, 255, false)
	c.tags(prefix+"tags", s.Tags)
}

var fileTypes = types.FileType("").Values()

func (c *checker) text(path, value string, most int, required bool) {
	switch {
	case value == "":
		if required {
			c.fault(path, RuleRequired, "", fmt.Sprintf("is required: 1 to %d characters", most))
		}
	case !utf8.ValidString(value):
		c.fault(path, RulePattern, value, "must be valid UTF-8")
	case utf8.RuneCountInString(value) > most:
		c.fault(path, RuleLength, value, fmt.Sprintf("must have at most %d characters", most))
	case !isText(value):
		c.fault(path, RulePattern, value, "must have no control characters, such as tab and newline, nor other characters of Unicode category C")
	}
}

// s3URI is ^s3://([a-z0-9][a-z0-9-.]{1,61}[a-z0-9])/(.{1,1024})$ of the service model, fault by fault.
func (c *checker) s3URI(path, uri string, required bool) {
	if uri == "" {
		if required {
			c.fault(path, RuleRequired, "", "is required: s3://bucket/key")
		}
		return
	}
	rest, isS3 := strings.CutPrefix(uri, "s3://")
	bucket, key, hasKey := strings.Cut(rest, "/")
	switch {
	case !utf8.ValidString(uri):
		c.fault(path, RulePattern, uri, "must be valid UTF-8")
	case !isS3:
		c.fault(path, RulePattern, uri, "must be s3://bucket/key")
	case !validBucket(bucket):
		c.fault(path, RulePattern, uri, "must name a bucket of 3 to 63 lower-case letters, digits, hyphens and dots, a letter or digit first and last")
	case !hasKey || key == "":
		c.fault(path, RulePattern, uri, "must name an object: s3://bucket/key")
	case utf8.RuneCountInString(key) > 1024:
		c.fault(path, RuleLength, uri, "must have a key of at most 1024 characters")
	case !singleLine(key):
		c.fault(path, RulePattern, uri, "must have no line break in its key")
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
		if !alnum && !(inner && (ch == '-' || ch == '.')) {
			return false
		}
	}
	return true
}

// singleLine reports whether s has no line terminator, as the dot of the service model's patterns means it (ECMA 262).
func singleLine(s string) bool { return !strings.ContainsAny(s, "\n\r\u2028\u2029") }

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
func (c *checker) referenceARN(path string, s Source) {
	arn := s.ReferenceARN
	aligned := s.Type == types.FileTypeBam || s.Type == types.FileTypeCram
	const form = "arn:PARTITION:omics:REGION:ACCOUNT:referenceStore/ID/reference/ID"
	switch {
	case arn == "":
		if aligned {
			c.fault(path, RuleRequired, "", "is required for "+string(s.Type)+": "+form)
		}
	case !utf8.ValidString(arn):
		c.fault(path, RulePattern, arn, "must be valid UTF-8")
	case utf8.RuneCountInString(arn) > 127:
		c.fault(path, RuleLength, arn, "must have at most 127 characters")
	case aligned && !isReferenceARN(arn):
		c.fault(path, RulePattern, arn, "must be "+form)
	case !strings.HasPrefix(arn, "arn:") || arn == "arn:" || !singleLine(arn):
		c.fault(path, RulePattern, arn, "must be an ARN, like "+form)
	}
}

func isReferenceARN(arn string) bool {
	part := strings.Split(arn, ":")
	if len(part) != 6 || part[0] != "arn" || part[1] == "" || part[2] != "omics" || part[3] == "" ||
		len(part[4]) != 12 || !allDigits(part[4]) || !isText(arn) {
		return false
	}
	resource := strings.Split(part[5], "/")
	return len(resource) == 4 && resource[0] == "referenceStore" && validID(resource[1]) &&
		resource[2] == "reference" && validID(resource[3])
}

func (c *checker) tags(path string, tags map[string]string) {
	if len(tags) > 50 {
		c.fault(path, RuleLength, "", fmt.Sprintf("must have at most 50 tags, not %d", len(tags)))
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		at := path + "[" + strconv.Quote(shorten(key)) + "]"
		switch {
		case key == "" || utf8.RuneCountInString(key) > 128:
			c.fault(at, RuleLength, key, "must have a key of 1 to 128 characters")
		case reservedTagKey(key):
			c.fault(at, RuleReserved, key, "must not have a key that begins with aws:, which AWS reserves")
		case !isTagText(key):
			c.fault(at, RulePattern, key, "must have a key of letters, digits, white space and _ . : / = + - @ only")
		}
		switch value := tags[key]; {
		case utf8.RuneCountInString(value) > 256:
			c.fault(at, RuleLength, value, "must have a value of at most 256 characters")
		case !isTagText(value):
			c.fault(at, RulePattern, value, "must have a value of letters, digits, white space and _ . : / = + - @ only")
		}
	}
}

func reservedTagKey(key string) bool { return len(key) >= 4 && strings.EqualFold(key[:4], "aws:") }

// isTagText is ^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$, the characters of tags in all of AWS.
func isTagText(s string) bool {
	for _, r := range s {
		if !strings.ContainsRune("_.:/=+-@", r) && !unicode.In(r, unicode.L, unicode.Z, unicode.N) {
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
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
