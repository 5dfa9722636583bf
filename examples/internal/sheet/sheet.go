// Package sheet reads whole sample sheets, manifests and lists of files for programs, and prints what is wrong with them.
package sheet

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

// Options say what a sheet leaves open.
type Options struct {
	Reference string // the ARN for BAM and CRAM files for which the sheet has none
	Sample    string // for all files of a list
	Subject   string // for all files of a list, or of a sheet without subjects
}

// Sheet is what was read.
type Sheet struct {
	Sources []readsetimport.Source
	Lines   []int                // of each source
	Target  readsetimport.Target // the one that a manifest is for; else empty
}

// Open reads the sheet in a file, or that on stdin if the path is -.
func Open(path string, stdin io.Reader, o Options) (Sheet, error) {
	if path == "-" {
		return Read("standard input", stdin, o)
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) && !filepath.IsAbs(path) {
		if dir, dirErr := os.Getwd(); dirErr == nil { // which go -C, for one, has changed
			err = fmt.Errorf("%w in %s", err, dir)
		}
	}
	if err != nil {
		return Sheet{}, err
	}
	defer file.Close()
	return Read(path, file, o)
}

// Read reads a whole sheet. One fault in it is an error, and there are no sources.
func Read(name string, in io.Reader, o Options) (Sheet, error) {
	var out Sheet
	var line int
	sampleUsed, subjectUsed := o.Sample == "", o.Subject == ""
	for source, err := range manifest.Read(in, func(m *manifest.Options) {
		m.Name = name
		m.ReferenceARN = o.Reference
		m.Target = &out.Target
		m.Line = &line
		if o.Sample != "" {
			m.IDs = func(string) (subject, sample string, err error) {
				sampleUsed = true
				return "", o.Sample, nil
			}
		}
		if o.Subject != "" {
			m.Subject = func(string) string {
				subjectUsed = true
				return o.Subject
			}
		}
	}) {
		if err != nil {
			return Sheet{}, err
		}
		out.Sources = append(out.Sources, source)
		out.Lines = append(out.Lines, line)
	}
	switch {
	case len(out.Sources) == 0: // which is a fault of its own
	case !sampleUsed:
		return Sheet{}, fmt.Errorf("-sample is for a list of files: %s says itself which sample each file is of", name)
	case !subjectUsed:
		return Sheet{}, fmt.Errorf("-subject is for a sheet or a list without subjects: %s says itself whose each file is", name)
	}
	return out, nil
}

// PrintFaults prints everything that is wrong with the input of a program, a line each.
func PrintFaults(w io.Writer, program string, err error) {
	var sheet *manifest.Error
	var input *readsetimport.ValidationError
	switch {
	case errors.As(err, &sheet):
		for _, f := range sheet.Faults {
			fmt.Fprintln(w, f)
		}
		if sheet.More {
			fmt.Fprintln(w, "and more")
		}
		if sheet.Err != nil {
			fmt.Fprintf(w, "%s: %v\n", program, sheet.Err)
		}
	case errors.As(err, &input):
		for _, f := range input.Fields {
			fmt.Fprintln(w, f)
		}
	default:
		fmt.Fprintf(w, "%s: %v\n", program, err)
	}
}
