package manifest

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/readsetimport/readsetimport"
)

// ErrUnknownFormat says that the input is none of the formats that this package reads.
var ErrUnknownFormat = errors.New("unknown manifest format")

// Error is all that was wrong with a manifest.
type Error struct {
	// Name of the input: Options.Name, or the path.
	Name string
	// Faults in the order of the input, up to Options.MaxErrors. They are [readsetimport.ErrValidation].
	Faults []*Fault
	// More is true when reading stopped because there were Options.MaxErrors faults.
	More bool
	// Err is what ended the reading early, such as a broken gzip stream. It is nil when the whole input was read.
	Err error
}

// Error is the first few faults and how many there are, in one line, with no values from the manifest.
func (e *Error) Error() string {
	const shown = 3
	var b strings.Builder
	if len(e.Faults) > 1 {
		plus := ""
		if e.More {
			plus = " or more"
		}
		fmt.Fprintf(&b, "%d%s faults: ", len(e.Faults), plus)
	}
	for i, f := range e.Faults[:min(shown, len(e.Faults))] {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(f.Error())
	}
	if more := len(e.Faults) - shown; more > 0 {
		fmt.Fprintf(&b, "; and %d more", more)
	}
	if e.Err != nil {
		if len(e.Faults) > 0 {
			b.WriteString("; ")
		}
		if e.Name != "" {
			b.WriteString(e.Name + ": ")
		}
		b.WriteString("cannot be read: " + e.Err.Error())
	}
	return b.String()
}

// Unwrap is every fault and what ended the reading, for errors.Is and errors.As.
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

// Fault is one thing that is wrong with a manifest, and where. It is [readsetimport.ErrValidation].
type Fault struct {
	// Name of the input, empty if it has none.
	Name string
	// Line counts from 1, as lines of the input. Column counts bytes from 1, and is where the field begins.
	Line, Column int
	// Field is the column of the table or the key of the manifest, as it is called there. It is empty when the fault is
	// of no field.
	Field string
	// Rule that is broken.
	Rule readsetimport.Rule
	// Value that was there, cut to a readable length. Error leaves it out, because subject and sample ids can identify
	// a person.
	Value string
	// Detail says what was expected.
	Detail string
	// Err is the cause where there is one: [ErrUnknownFormat], or the error of Options.RewriteURI.
	Err error
}

// Error is where the fault is and what was expected: sheet.csv:3:14: fastq_1: must be s3://bucket/key.
func (f *Fault) Error() string {
	var b strings.Builder
	if f.Name != "" {
		b.WriteString(f.Name + ":")
	} else {
		b.WriteString("line ")
	}
	b.WriteString(strconv.Itoa(f.Line) + ":" + strconv.Itoa(f.Column) + ": ")
	if f.Field != "" {
		b.WriteString(f.Field + ": ")
	}
	b.WriteString(f.Detail)
	return b.String()
}

// Is reports whether target is [readsetimport.ErrValidation].
func (f *Fault) Is(target error) bool { return target == readsetimport.ErrValidation }

// Unwrap is the cause.
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
