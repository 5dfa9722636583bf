package manifest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/readsetimport/readsetimport"
)

// ErrUnknownFormat is the cause of a fault if the input has none of the formats that this package reads. Test with errors.Is.
// Columns make a table of any other format readable, and Inventory an S3 Inventory: see [Options].
var ErrUnknownFormat = errors.New("unknown manifest format")

// Error lists what is wrong with a manifest.
type Error struct {
	// Name is the input's: Options.Name, or the path.
	Name string
	// Faults are in the order of the input. There are at most Options.MaxErrors.
	Faults []*Fault
	// More reports whether reading stopped because there were Options.MaxErrors faults.
	More bool
	// Err is the error that ended the reading early, such as that of a damaged gzip stream. It is nil if the whole input was
	// read.
	Err error
}

// Error returns the first three faults and the number of the others, in one line, without values from the manifest.
func (e *Error) Error() string {
	var parts []string
	for i, f := range e.Faults {
		if i == 3 {
			parts = append(parts, fmt.Sprintf("and %d more", len(e.Faults)-i))
			break
		}
		parts = append(parts, f.Error())
	}
	if e.Err != nil {
		name := ""
		if e.Name != "" {
			name = e.Name + ": "
		}
		parts = append(parts, name+"cannot be read: "+e.Err.Error())
	}
	count, text := len(e.Faults), strings.Join(parts, "; ")
	switch {
	case count < 2:
		return text
	case e.More:
		return fmt.Sprintf("%d or more faults: %s", count, text)
	}
	return fmt.Sprintf("%d faults: %s", count, text)
}

// Unwrap returns the faults and Err, so that errors.As finds the first [*Fault], and errors.Is what ended the reading early.
func (e *Error) Unwrap() []error {
	errs := make([]error, 0, len(e.Faults)+1)
	for _, f := range e.Faults {
		errs = append(errs, f)
	}
	if e.Err != nil {
		errs = append(errs, e.Err)
	}
	return errs
}

// Fault is one thing that is wrong with a manifest, and its place: what to show to whoever wrote it. errors.Is reports
// that it is a [readsetimport.ErrValidation].
type Fault struct {
	// Name is the input's, empty if it has none.
	Name string
	// Line and Column are where the field begins. Both count from 1; Column counts bytes, in YAML characters.
	Line, Column int
	// Field is the name of the table's column or of the manifest's key. It is empty if the fault is not of one field.
	Field string
	// Rule is the rule that is broken.
	Rule readsetimport.Rule
	// Value is the field's, cut to about 100 bytes. Error omits it, because the ids of subjects and samples can identify a
	// person.
	Value string
	// Detail says what was expected. It can name files where a fault is of more than one.
	Detail string
	// Err is the cause, if there is one: [ErrUnknownFormat], or the error of Options.RewriteURI or Options.IDs.
	Err error
}

// Error returns the fault's place and what was expected, in one line: sheet.csv:3:14: fastq_1: must be s3://bucket/key.
func (f *Fault) Error() string {
	begin, field := "line ", ""
	if f.Name != "" {
		begin = f.Name + ":"
	}
	if f.Field != "" {
		field = f.Field + ": "
	}
	return fmt.Sprintf("%s%d:%d: %s%s", begin, f.Line, f.Column, field, f.Detail)
}

// Is reports whether target is [readsetimport.ErrValidation], so that errors.Is tells a faulty manifest from one that cannot
// be opened.
func (f *Fault) Is(target error) bool { return target == readsetimport.ErrValidation }

// Unwrap returns Err, so that errors.Is finds [ErrUnknownFormat], and errors.As what RewriteURI or IDs returned.
func (f *Fault) Unwrap() error { return f.Err }

// place is where a field stands.
type place struct {
	line, column int
	field        string
}

// fault is what is wrong there.
type fault struct {
	rule          readsetimport.Rule
	value, detail string
	err           error
}
