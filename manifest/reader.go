package manifest

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/rules"
)

// reader is one reading of one input. The formats hand it rows and faults; it completes and checks the sources and
// gives them to the caller.
type reader struct {
	o      Options
	yield  func(readsetimport.Source, error) bool
	seen   *seenFiles
	faults []*Fault
	broken bool // the caller broke off
	more   bool // the limit of faults is reached
	done   bool // there is no use in reading on
}

// fields of a source, in the order in which they are checked.
const (
	fieldSource1 = iota
	fieldSource2
	fieldType
	fieldSubject
	fieldSample
	fieldGeneratedFrom
	fieldReference
	fieldName
	fieldDescription
	fieldTags
	fieldCount
)

// fieldPaths are the service's own names, as [readsetimport.FieldError] has them.
var fieldPaths = [fieldCount]string{
	"sourceFiles.source1", "sourceFiles.source2", "sourceFileType", "subjectId", "sampleId", "generatedFrom",
	"referenceArn", "name", "description", "tags",
}

// row is a source as a format gives it, with the way back to the input.
type row struct {
	source    readsetimport.Source
	line      int                   // of the row's begin
	place     func(field int) place // of a field, and of the row itself for what is not there; called only for faults
	noSubject bool                  // the format has no subjects
	bad       bool                  // the row has faults: its other fields are checked, and it is left out
}

// fault notes a fault. Of several at one place, the first is enough.
func (rd *reader) fault(at place, f fault) {
	for _, g := range slices.Backward(rd.faults) {
		if g.Line < at.line {
			break
		}
		if at == (place{g.Line, g.Column, g.Field}) {
			return
		}
	}
	if rd.more {
		return
	}
	rd.faults = append(rd.faults, &Fault{
		Name: rd.o.Name, Line: at.line, Column: at.column, Field: printable(at.field),
		Rule: f.rule, Value: rules.Shorten(strings.ToValidUTF8(f.value, "\uFFFD")), Detail: f.detail, Err: f.err,
	})
	rd.more = len(rd.faults) >= rd.o.MaxErrors
}

// rowFault notes a *rowFault, after which reading can go on, and passes other errors on.
func (rd *reader) rowFault(err error) error {
	var f *rowFault
	if !errors.As(err, &f) {
		return err
	}
	rd.fault(place{line: f.at.line, column: f.at.column}, fault{rule: readsetimport.RulePattern, detail: f.detail})
	return nil
}

// repeat calls step until the input ends, which is io.EOF, or reading stops. A *rowFault is noted, and does not end it.
func (rd *reader) repeat(step func() error) error {
	for !rd.stopped() {
		if err := step(); err == io.EOF {
			return nil
		} else if err = rd.rowFault(err); err != nil {
			return err
		}
	}
	return nil
}

// stopped reports whether reading is to end before the input does.
func (rd *reader) stopped() bool { return rd.broken || rd.more || rd.done }

// error returns the error that the iteration ends with, or nil.
func (rd *reader) error(err error) error {
	if len(rd.faults) == 0 && err == nil {
		return nil
	}
	return &Error{Name: rd.o.Name, Faults: rd.faults, More: rd.more, Err: err}
}

// completeRow completes a row, checks it, and yields it if it is good.
func (rd *reader) completeRow(r *row) {
	s := &r.source
	s.Type = types.FileType(strings.ToUpper(string(s.Type)))
	if s.SubjectID == "" && r.noSubject {
		s.SubjectID = s.SampleID
		if rd.o.Subject != nil && s.SampleID != "" {
			s.SubjectID = rd.o.Subject(s.SampleID)
		}
	}
	if s.ReferenceARN == "" && (s.Type == types.FileTypeBam || s.Type == types.FileTypeCram) {
		s.ReferenceARN = rd.o.ReferenceARN
	}
	for field, uri := range [...]*string{&s.Source1, &s.Source2} {
		if *uri == "" || rd.o.RewriteURI == nil {
			continue
		}
		rewritten, err := rd.o.RewriteURI(*uri)
		if err != nil {
			r.bad = true
			rd.fault(r.place(field), fault{readsetimport.RulePattern, *uri, "Options.RewriteURI: " + err.Error(), err})
			continue
		}
		*uri = rewritten
	}
	err := s.Validate()
	if err == nil {
		err = Pair{Source1: s.Source1, Source2: s.Source2}.Validate()
	}
	if err != nil {
		rd.invalid(r, err)
	}
	if !r.bad {
		rd.repeated(r)
	}
	if r.bad || rd.stopped() {
		return
	}
	if rd.o.Line != nil {
		*rd.o.Line = r.line
	}
	rd.broken = !rd.yield(*s, nil)
}

// skip tells the caller of a file that is left out. It returns false.
func (rd *reader) skip(uri string, reason SkipReason) bool {
	if rd.o.OnSkip != nil {
		rd.o.OnSkip(uri, reason)
	}
	return false
}

// invalid notes the faults that validation found, each at its own field.
func (rd *reader) invalid(r *row, err error) {
	r.bad = true
	for _, f := range fieldErrors(err) {
		field := fieldOf(f.Path)
		at := r.place(field)
		if field == fieldTags {
			at.field = f.Path
		}
		rd.fault(at, fault{rule: f.Rule, value: f.Value, detail: f.Detail + hint(field, f, rd.o)})
	}
}

// fieldErrors returns the faults in an error of validation.
func fieldErrors(err error) []*readsetimport.FieldError {
	var invalid *readsetimport.ValidationError
	if errors.As(err, &invalid) {
		return invalid.Fields
	}
	return nil
}

// fieldOf returns the field that a path names, or -1.
func fieldOf(path string) int {
	if strings.HasPrefix(path, "tags") {
		return fieldTags
	}
	return slices.Index(fieldPaths[:], path)
}

// hint returns which option helps, for a detail.
func hint(field int, f *readsetimport.FieldError, o Options) string {
	switch {
	case field <= fieldSource2 && field >= 0 && f.Rule == readsetimport.RulePattern && !strings.HasPrefix(f.Value, "s3://") && o.RewriteURI == nil:
		return ", or Options.RewriteURI must make it one of an https URL or a local path"
	case field == fieldReference && f.Rule == readsetimport.RuleRequired:
		return ", in the manifest or in Options.ReferenceARN"
	}
	return ""
}

// repeated notes files that stood in a row before.
func (rd *reader) repeated(r *row) {
	for field, uri := range [...]string{r.source.Source1, r.source.Source2} {
		if uri == "" {
			continue
		}
		if first := rd.seen.add(uri, r.line); first != 0 {
			r.bad = true
			rd.fault(r.place(field), repeatedFault(uri, first))
		}
	}
}

// repeatedFault is that of a file that stood on another line.
func repeatedFault(uri string, line int) fault {
	return fault{
		rule: readsetimport.RuleDuplicate, value: uri,
		detail: "must not be in the import twice: line " + strconv.Itoa(line) + " has the same file",
	}
}

// printable returns the name of a field as it can be printed within a line.
func printable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		return strconv.Quote(rules.Shorten(name))
	}
	return rules.Shorten(name)
}
