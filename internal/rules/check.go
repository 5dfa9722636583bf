package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// Source has the fields of a source, in the order of the root package's, so that a pointer to one can be converted.
type Source struct {
	Type                             types.FileType
	Source1, Source2                 string
	SubjectID, SampleID              string
	Name, Description, GeneratedFrom string
	ReferenceARN                     string
	Tags                             map[string]string
}

// Finding is one fault of one field.
type Finding struct{ Path, Rule, Value, Detail string }

// Checker collects the faults of an import.
type Checker struct{ Findings []Finding }

// Place is where a field stands. It becomes a path only when there is a fault to report, so that checking a valid
// source allocates nothing.
type Place struct {
	Index int    // of the source in its import, or NoIndex
	Field string // in the service's own names
}

// NoIndex is for a field that is not one of a source in a list.
const NoIndex = -1

// Field is a field that is not one of a source in a list.
func Field(name string) Place { return Place{NoIndex, name} }

func (p Place) String() string {
	if p.Index == NoIndex {
		return p.Field
	}
	return "sources[" + strconv.Itoa(p.Index) + "]." + p.Field
}

// Fault adds what is wrong with a field.
func (c *Checker) Fault(at Place, rule, value, detail string) {
	if c.Findings == nil {
		c.Findings = make([]Finding, 0, 4) // as many as most invalid sources have
	}
	c.Findings = append(c.Findings, Finding{Path: at.String(), Rule: rule, Value: Shorten(value), Detail: detail})
}

// Check adds the fault of a field's value, if it has one.
func (c *Checker) Check(at Place, value string, f *Fault) {
	if f != nil {
		c.Fault(at, f.Rule, value, f.Detail)
	}
}

// Optional is Check for a text that may be empty.
func (c *Checker) Optional(at Place, text string, most int) {
	if text != "" {
		c.Check(at, text, Text(text, most))
	}
}

// Sources checks that there are any, each of them, and that no file is in two of them.
func (c *Checker) Sources(n int, source func(i int) *Source) {
	if n == 0 {
		c.Fault(Field("sources"), Required, "", "at least one source is needed")
	}
	seen := make(map[string]int, 2*n) // two files each
	for i := range n {
		s := source(i)
		c.Source(i, s)
		c.unseen(Place{i, "sourceFiles.source1"}, s.Source1, seen)
		c.unseen(Place{i, "sourceFiles.source2"}, s.Source2, seen)
	}
}

// unseen notes a file, and finds fault if another source has it.
func (c *Checker) unseen(at Place, uri string, seen map[string]int) {
	if uri == "" {
		return
	}
	if first, twice := seen[uri]; !twice {
		seen[uri] = at.Index
	} else if first != at.Index {
		c.Fault(at, Duplicate, uri,
			fmt.Sprintf("must not be in the import twice: sources[%d] has the same file", first))
	}
}

// Source checks one source, in the order of the service's fields. It takes a pointer only to save the copy.
func (c *Checker) Source(index int, s *Source) {
	c.Check(Place{index, "sourceFiles.source1"}, s.Source1, S3URI(s.Source1))
	c.source2(Place{index, "sourceFiles.source2"}, s)
	if !slices.Contains(fileTypes, s.Type) {
		c.Check(Place{index, "sourceFileType"}, string(s.Type), Allowed(string(s.Type), Enum, "FASTQ, BAM, CRAM or UBAM"))
	}
	c.Check(Place{index, "subjectId"}, s.SubjectID, Text(s.SubjectID, 127))
	c.Check(Place{index, "sampleId"}, s.SampleID, Text(s.SampleID, 127))
	c.Optional(Place{index, "generatedFrom"}, s.GeneratedFrom, 127)
	c.reference(Place{index, "referenceArn"}, s)
	c.Optional(Place{index, "name"}, s.Name, 127)
	c.Optional(Place{index, "description"}, s.Description, 255)
	c.tags(index, s.Tags)
}

var fileTypes = types.FileType("").Values()

// source2 checks the second mate of a pair of FASTQ files, which no other source has.
func (c *Checker) source2(at Place, s *Source) {
	if s.Source2 == "" {
		return
	}
	c.Check(at, s.Source2, S3URI(s.Source2))
	switch {
	case s.Type != types.FileTypeFastq:
		c.Fault(at, Combination, s.Source2, "is only for FASTQ: the second mate of a pair")
	case s.Source2 == s.Source1:
		c.Fault(at, Combination, s.Source2, "must differ from source1: the second mate is a file of its own")
	}
}

// reference follows the user guide beyond the service model: BAM and CRAM need the ARN of a reference.
func (c *Checker) reference(at Place, s *Source) {
	aligned := s.Type == types.FileTypeBam || s.Type == types.FileTypeCram
	switch {
	case s.ReferenceARN != "":
		c.Check(at, s.ReferenceARN, ReferenceARN(s.ReferenceARN, aligned))
	case aligned:
		c.Fault(at, Required, "", "is required for "+string(s.Type)+": "+ReferenceForm)
	}
}

func (c *Checker) tags(index int, tags map[string]string) {
	if len(tags) > 50 {
		c.Fault(Place{index, "tags"}, Length, "", fmt.Sprintf("must have at most 50 tags, not %d", len(tags)))
	}
	before := len(c.Findings)
	for key, value := range tags {
		c.tag(index, key, key, TagKey(key))
		c.tag(index, key, value, TagValue(value))
	}
	if len(c.Findings) == before {
		return
	}
	slices.SortStableFunc(c.Findings[before:], func(a, b Finding) int { return strings.Compare(a.Path, b.Path) })
}

func (c *Checker) tag(index int, key, value string, f *Fault) {
	if f != nil {
		c.Check(Place{index, "tags[" + strconv.Quote(Shorten(key)) + "]"}, value, f)
	}
}

// Shorten returns a value cut to a length that a person can read.
func Shorten(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
