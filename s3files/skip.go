package s3files

import (
	"fmt"
	"strings"

	"github.com/readsetimport/readsetimport"
)

// SkipReason says why an object is in no source, so that a program can tell what it expects from what it must report.
type SkipReason string

// The reasons. All but the last two are of objects that an import has no use for.
const (
	SkipFolder       SkipReason = "folder"       // stands for a folder: a key that ends with a slash
	SkipIndex        SkipReason = "index"        // index of another file: .bai, .crai, .csi, .tbi and so on
	SkipChecksum     SkipReason = "checksum"     // checksum of another file: .md5, .sha256 and so on
	SkipReport       SkipReason = "report"       // report, table or log: .html, .json, .txt, .csv, _fastqc.zip and so on
	SkipUndetermined SkipReason = "undetermined" // reads that belong to no sample, as Illumina's software calls them
	SkipIndexReads   SkipReason = "index reads"  // I1 and I2 of reads that are in a source
	SkipUnknown      SkipReason = "unknown"      // neither reads nor any of the above
	SkipInvalid      SkipReason = "invalid"      // reads that cannot be imported as they are: Detail says why
)

// Skipped is an object that is in no source, for [Options].OnSkip. Show those that are [SkipInvalid] or [SkipUnknown] to a
// person: they may be reads that are missed otherwise.
type Skipped struct {
	File   File
	Reason SkipReason
	Detail string // what to do, in one line; empty where nothing need be done
}

// Error is the error of [Sources] when there were reads that cannot be imported as they are. It is
// [readsetimport.ErrValidation].
type Error struct {
	Invalid []Skipped // the first 100 files
	Count   int       // of all of them
	Err     error     // what ended the listing early, or nil
}

const maxInvalid = 100

// Error returns the first few files and how many there are, in one line.
func (e *Error) Error() string {
	const shown = 3
	var b strings.Builder
	fmt.Fprintf(&b, "s3files: %d files cannot be imported: ", e.Count)
	if e.Count == 1 {
		b.Reset()
		b.WriteString("s3files: 1 file cannot be imported: ")
	}
	for i, s := range e.Invalid[:min(shown, len(e.Invalid))] {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(oneLine(s.File.URI()) + ": " + s.Detail)
	}
	if more := e.Count - shown; more > 0 {
		fmt.Fprintf(&b, "; and %d more", more)
	}
	if e.Err != nil {
		b.WriteString("; " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns what ended the listing early, such as the end of the context; nil if all of it was seen.
func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is [readsetimport.ErrValidation], which it is even if the listing ended early: see Unwrap.
func (e *Error) Is(target error) bool { return target == readsetimport.ErrValidation }

// skips counts the invalid files and reports all that are skipped.
type skips struct {
	onSkip  func(Skipped)
	invalid Error
}

func (s *skips) add(f File, reason SkipReason, detail string) {
	skipped := Skipped{f, reason, detail}
	if reason == SkipInvalid {
		s.invalid.Count++
		if len(s.invalid.Invalid) < maxInvalid {
			s.invalid.Invalid = append(s.invalid.Invalid, skipped)
		}
	}
	if s.onSkip != nil {
		s.onSkip(skipped)
	}
}

// err returns the error at the end of the iteration: err ended the listing early, if it is not nil.
func (s *skips) err(err error) error {
	if s.invalid.Count == 0 {
		return err
	}
	s.invalid.Err = err
	return &s.invalid
}
