package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/readsetimport/readsetimport"
)

// files are those that an import leaves behind. Each is made before anything is sent, so that a name that cannot be
// written to ends the program at once.
type files struct {
	results  *results
	events   *output
	timeline *timeline
	svg      *output
}

// openFiles makes the files that the flags ask for. What is said of files that were there already goes to notes.
func openFiles(f flags, sources int, notes io.Writer) (*files, error) {
	var out files
	for _, file := range []struct {
		path string
		use  func(*output) error
	}{
		{f.results, func(o *output) (err error) { out.results, err = newResults(o, sources); return err }},
		{f.events, func(o *output) error { out.events = o; return nil }},
		{f.timeline, func(o *output) error { out.svg, out.timeline = o, newTimeline(sources); return nil }},
	} {
		if file.path == "" {
			continue
		}
		o, err := create(file.path, notes)
		if err == nil {
			err = file.use(o)
		}
		if err != nil {
			return nil, err
		}
	}
	return &out, nil
}

func (f *files) event(e readsetimport.Event) {
	if f.results != nil && e.Result != nil {
		f.results.add(*e.Result)
	}
	if f.events != nil {
		f.events.write(append(marshal(newEventLine(e)), '\n'))
	}
	if f.timeline != nil {
		f.timeline.event(e)
	}
}

// close completes the files. The error names each one that is not whole.
func (f *files) close(report *readsetimport.Report) error {
	var errs []error
	if f.results != nil {
		for _, r := range report.Results {
			f.results.add(r) // those of which there was no event
		}
		errs = append(errs, f.results.out.close())
	}
	if f.events != nil {
		errs = append(errs, f.events.close())
	}
	if f.timeline != nil {
		f.svg.write(f.timeline.svg())
		errs = append(errs, f.svg.close())
	}
	return errors.Join(errs...)
}

// output is a file that is written piece by piece. After an error it is written no more, and ends with the last whole
// piece.
type output struct {
	file *os.File
	size int64
	err  error
}

// create makes a file. One that is there already is kept under another name: results.csv becomes results.1.csv.
func create(path string, notes io.Writer) (*output, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
		kept, err := keep(path)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(notes, "%s was there already, and is %s now\n", path, kept)
	}
	file, err := os.Create(path)
	return &output{file: file}, err
}

func keep(path string) (kept string, err error) {
	ext := filepath.Ext(path)
	for n := 1; ; n++ {
		kept = fmt.Sprintf("%s.%d%s", strings.TrimSuffix(path, ext), n, ext)
		if _, err := os.Lstat(kept); errors.Is(err, os.ErrNotExist) {
			return kept, os.Rename(path, kept)
		}
	}
}

// write writes a piece in one go, so that whoever ends the program between two pieces leaves a file of whole ones.
func (o *output) write(piece []byte) {
	if o.err != nil {
		return
	}
	n, err := o.file.Write(piece)
	if err != nil {
		o.err = err
		if n > 0 {
			_ = o.file.Truncate(o.size) // of a full disk's last piece, there may be a part
		}
		return
	}
	o.size += int64(n)
}

func (o *output) close() error {
	err := o.file.Close()
	if o.err != nil {
		err = o.err
	}
	if err != nil {
		err = fmt.Errorf("%s is not complete: %w", o.file.Name(), err)
	}
	return err
}
