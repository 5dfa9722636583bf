package readsetimport

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/rules"
)

// Rule names the constraint that a field breaks, so that a program can tell faults apart without reading text.
type Rule string

// The rules.
const (
	RuleRequired    Rule = rules.Required // must be there and is not
	RuleLength      Rule = rules.Length   // too short or too long
	RulePattern     Rule = rules.Pattern  // has characters or a form that the field does not take
	RuleEnum        Rule = "enum"         // not one of the known values
	RuleCombination Rule = "combination"  // does not go with another field of the source
	RuleReserved    Rule = rules.Reserved // a name that AWS keeps for itself
	RuleDuplicate   Rule = "duplicate"    // stands elsewhere in the same import
)

var allRules = []Rule{RuleRequired, RuleLength, RulePattern, RuleEnum, RuleCombination, RuleReserved, RuleDuplicate}

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

// Error returns the path and what is allowed there.
func (e *FieldError) Error() string { return e.Path + ": " + e.Detail }

// Is reports whether target is [ErrValidation].
func (e *FieldError) Is(target error) bool { return target == ErrValidation }

// ValidationError is every fault that was found, in the order of the input. It is [ErrValidation]. When it is returned,
// nothing was sent.
type ValidationError struct{ Fields []*FieldError }

// Error returns the first few faults and how many there are, in one line.
func (e *ValidationError) Error() string { return listFaults(e.Fields, (*FieldError).Error) }

// listFaults is the texts of the first few faults, and how many there are.
func listFaults(faults []*FieldError, text func(*FieldError) string) string {
	const shown = 3
	var parts []string
	for _, f := range faults[:min(shown, len(faults))] {
		parts = append(parts, text(f))
	}
	list := strings.Join(parts, "; ")
	switch more := len(faults) - shown; {
	case len(faults) == 1:
		return "invalid field: " + list
	case more > 0:
		list += fmt.Sprintf("; and %d more", more)
	}
	return fmt.Sprintf("%d invalid fields: %s", len(faults), list)
}

// Unwrap returns every fault, for errors.Is and errors.As.
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

// check adds the fault of a field's value, if it has one.
func (c *checker) check(at place, value string, f *rules.Fault) {
	if f != nil {
		c.fault(at, Rule(f.Rule), value, f.Detail)
	}
}

// optional is check for a text that may be empty.
func (c *checker) optional(at place, text string, most int) {
	if text != "" {
		c.check(at, text, rules.Text(text, most))
	}
}

func (c *checker) target(t Target) {
	c.check(field("sequenceStoreId"), t.SequenceStoreID, rules.ID(t.SequenceStoreID))
	c.check(field("roleArn"), t.RoleARN, rules.RoleARN(t.RoleARN))
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
	c.check(place{index, "sourceFiles.source1"}, s.Source1, rules.S3URI(s.Source1))
	c.source2(place{index, "sourceFiles.source2"}, s)
	if !slices.Contains(fileTypes, s.Type) {
		c.check(place{index, "sourceFileType"}, string(s.Type), rules.Allowed(string(s.Type), string(RuleEnum), "FASTQ, BAM, CRAM or UBAM"))
	}
	c.check(place{index, "subjectId"}, s.SubjectID, rules.Text(s.SubjectID, 127))
	c.check(place{index, "sampleId"}, s.SampleID, rules.Text(s.SampleID, 127))
	c.optional(place{index, "generatedFrom"}, s.GeneratedFrom, 127)
	c.reference(place{index, "referenceArn"}, s)
	c.optional(place{index, "name"}, s.Name, 127)
	c.optional(place{index, "description"}, s.Description, 255)
	c.tags(index, s.Tags)
}

var fileTypes = types.FileType("").Values()

// source2 checks the second mate of a pair of FASTQ files, which no other source has.
func (c *checker) source2(at place, s *Source) {
	if s.Source2 == "" {
		return
	}
	c.check(at, s.Source2, rules.S3URI(s.Source2))
	switch {
	case s.Type != types.FileTypeFastq:
		c.fault(at, RuleCombination, s.Source2, "is only for FASTQ: the second mate of a pair")
	case s.Source2 == s.Source1:
		c.fault(at, RuleCombination, s.Source2, "must differ from source1: the second mate is a file of its own")
	}
}

// reference follows the user guide beyond the service model: BAM and CRAM need the ARN of a reference.
func (c *checker) reference(at place, s *Source) {
	aligned := s.Type == types.FileTypeBam || s.Type == types.FileTypeCram
	switch {
	case s.ReferenceARN != "":
		c.check(at, s.ReferenceARN, rules.ReferenceARN(s.ReferenceARN, aligned))
	case aligned:
		c.fault(at, RuleRequired, "", "is required for "+string(s.Type)+": "+rules.ReferenceForm)
	}
}

func (c *checker) tags(index int, tags map[string]string) {
	if len(tags) > 50 {
		c.fault(place{index, "tags"}, RuleLength, "", fmt.Sprintf("must have at most 50 tags, not %d", len(tags)))
	}
	before := len(c.faults)
	for key, value := range tags {
		c.tag(index, key, key, rules.TagKey(key))
		c.tag(index, key, value, rules.TagValue(value))
	}
	slices.SortStableFunc(c.faults[before:], func(a, b *FieldError) int { return strings.Compare(a.Path, b.Path) })
}

func (c *checker) tag(index int, key, value string, f *rules.Fault) {
	if f != nil {
		c.check(place{index, "tags[" + strconv.Quote(shorten(key)) + "]"}, value, f)
	}
}

// shorten cuts a value to a length that a person can read.
func shorten(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
