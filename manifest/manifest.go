// Package manifest reads the lists of sequencing files that people already have, and writes them.
//
// [Open] and [Read] recognise a format by its content and header, never by the file's name:
//
//   - the manifests of HealthOmics itself: the API's (sequenceStoreId, roleArn and sources), with the // comments and
//     trailing commas that people put into it, the console's (a list of sources), in JSON or YAML, and JSON Lines of
//     sources;
//   - tables, separated by commas, tabs or semicolons: the AWS manifest generator, nf-core/rnaseq (and the sheets that
//     are like it: sample, fastq_1, fastq_2), nf-core/sarek, nf-core/oncoanalyser, DRAGEN's fastq_list.csv, Terra's
//     tables, and any other with the help of [Columns];
//   - lists of files: one URI a line, the output of aws s3 ls --recursive (with Options.Bucket), and an S3 Inventory in
//     CSV (with Options.Inventory). FASTQ files are paired by their names, as [PairFASTQ] does. [Files] makes sources of a
//     listing that a program has.
//
// Any of them may be compressed with gzip, begin with a byte order mark, have CRLF line ends, blank lines, and lines
// that are comments because they begin with #.
//
// Everything is read as a stream: no more than a row or a source is held at a time. It has at most 1 MiB, or 256 KiB in
// YAML. A row has at most 1000 columns, and a field 128 KiB. Of a list, the FASTQ files are held until its end, up to
// 1,048,576 of them, since a file's mate can be anywhere in it.
package manifest

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/readsetimport/readsetimport"
)

// Open reads the manifest in a file. It is [Read] with the file's path in the faults, and closes the file when the
// iteration ends. The file is opened when the iteration begins; that it cannot be opened is the iterator's error.
func Open(path string, optFns ...func(*Options)) iter.Seq2[readsetimport.Source, error] {
	o := newOptions(optFns)
	if o.Name == "" {
		o.Name = path
	}
	return once(o, func(rd *reader) error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		return rd.input(f)
	})
}

// Read yields the sources of a manifest in its order. Every source that it yields is valid by
// [readsetimport.Source.Validate], and complete: with the subject, the type and the reference that the format implies
// or an option gives.
//
// A row with a fault is left out, and reading goes on, so that one pass finds them all. An error comes once and last:
// an [*Error] with every fault, up to [Options.MaxErrors], or with what ended the reading early. So whoever imports
// while reading has sent the good rows when the error comes. Whoever wants all or nothing collects the sources first.
//
// The iterator is for one use.
func Read(r io.Reader, optFns ...func(*Options)) iter.Seq2[readsetimport.Source, error] {
	return once(newOptions(optFns), func(rd *reader) error { return rd.input(r) })
}

// once returns an iterator for one use: what read yields, and then its faults and its error.
func once(o Options, read func(*reader) error) iter.Seq2[readsetimport.Source, error] {
	used := false
	return func(yield func(readsetimport.Source, error) bool) {
		if used {
			yield(readsetimport.Source{}, errUsed)
			return
		}
		used = true
		rd := &reader{o: o, yield: yield, seen: newSeenFiles(o.KnownFiles)}
		err := read(rd)
		if e := rd.error(err); e != nil && !rd.broken {
			yield(readsetimport.Source{}, e)
		}
	}
}

var errUsed = errors.New("manifest: this iterator was used before")

// input unpacks the input, recognises the format, and reads it. The error is not a fault of the manifest but of the
// reading.
func (rd *reader) input(r io.Reader) error {
	in := bufio.NewReaderSize(r, bufferSize)
	magic, err := in.Peek(2)
	if err != nil && err != io.EOF {
		return err
	}
	if string(magic) == "\x1f\x8b" {
		z, err := gzip.NewReader(in)
		if err != nil {
			return fmt.Errorf("gzip: %w", err)
		}
		r = z
	} else {
		r = in
	}
	in = bufio.NewReaderSize(&limitReader{r: r, left: rd.o.MaxBytes, most: rd.o.MaxBytes}, bufferSize)
	kind, err := sniff(in)
	if err != nil {
		return err
	}
	switch kind.format {
	case formatTable:
		return rd.table(in, kind.comma)
	case formatJSON:
		return rd.json(in)
	case formatYAML:
		return rd.yaml(in)
	case formatList, formatListing:
		return rd.list(in, kind.format == formatListing)
	default:
		rd.fault(place{line: kind.line, column: 1}, fault{rule: readsetimport.RulePattern, detail: kind.detail, err: ErrUnknownFormat})
		return nil
	}
}

// bufferSize is what is looked at to recognise a format, and the longest line that needs no copying.
const bufferSize = 64 << 10

// limitReader ends a decompression bomb.
type limitReader struct {
	r          io.Reader
	left, most int64
}

func (l *limitReader) Read(p []byte) (int, error) {
	if int64(len(p)) > l.left+1 {
		p = p[:l.left+1]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	if l.left < 0 {
		return 0, fmt.Errorf("it has more than %d bytes (after decompression), which Options.MaxBytes allows", l.most)
	}
	return n, err
}
