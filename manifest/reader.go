package manifest

import (
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
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
	source readsetimport.Source
	// line of the row's begin.
	line int
	// place of a field, and of the row itself for what is not there. It is called only for faults.
	place func(field int) place
	// noSubject is true when the format has no subjects.
	noSubject bool
	// bad is true when the row has faults already. Its other fields are checked, and it is left out.
	bad bool
}

// fault notes a fault, and reports whether reading may go on. Of several at one place, the first is enough.
func (rd *reader) fault(at place, f fault) bool {
	if rd.more {
		return false
	}
	for i := len(rd.faults) - 1; i >= 0 && rd.faults[i].Line >= at.line; i-- {
		if g := rd.faults[i]; g.Line == at.line && g.Column == at.column && g.Field == at.field {
			return true
		}
	}
	rd.faults = append(rd.faults, &Fault{
		Name: rd.o.Name, Line: at.line, Column: at.column, Field: printable(at.field),
		Rule: f.rule, Value: shorten(f.value), Detail: f.detail, Err: f.err,
	})
	rd.more = len(rd.faults) >= rd.o.MaxErrors
	return !rd.more
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

// completeRow completes a row, checks it, and yields it if it is good. It reports whether reading may go on.
func (rd *reader) completeRow(r *row) bool {
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
	if rd.stopped() {
		return false
	}
	if rd.o.Line != nil {
		*rd.o.Line = r.line
	}
	if !r.bad && !rd.yield(*s, nil) {
		rd.broken = true
		return false
	}
	return true
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
	for field, p := range fieldPaths {
		if p == path {
			return field
		}
	}
	if strings.HasPrefix(path, "tags") {
		return fieldTags
	}
	return -1
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
	for _, r := range name {
		if !unicode.IsPrint(r) || r == utf8.RuneError {
			return strconv.Quote(shorten(name))
		}
	}
	return shorten(name)
}

// shorten returns a value cut to a length that a person can read.
func shorten(s string) string {
	const most = 100
	if len(s) <= most {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
