// Package manifest reads the lists of sequencing files that people already have, as sources for an import, and writes
// them. It also finds the mates among FASTQ files by their names.
//
// [Open] and [Read] recognise a format by its content, never by the file's name:
//
//   - HealthOmics manifests: the API's (sequenceStoreId, roleArn and sources), which may have comments (//, /* */ and #) and
//     trailing commas, and the console's (a list of sources), both in JSON or YAML; and JSON Lines with a source a line;
//   - tables separated by commas, tabs or semicolons: the AWS manifest generator, nf-core/rnaseq and other sheets with the
//     columns sample, fastq_1 and fastq_2, nf-core/sarek, nf-core/oncoanalyser, DRAGEN's fastq_list.csv, Terra's tables,
//     and any other table whose columns [Columns] names;
//   - lists of files: one URI a line, the output of aws s3 ls --recursive (see Options.Bucket), and an S3 Inventory in CSV
//     (see Options.Inventory). FASTQ files are paired as [PairFASTQ] does.
//
// The input may be compressed with gzip and begin with a byte order mark. It may have CRLF line ends, blank lines and
// comment lines, which begin with #.
//
// [Files] returns the sources of a listing that a program has, such as that of a bucket.
//
// # Limits
//
// Inputs of any length are read in bounded memory, a row or a source at a time. A row and the texts of a source have at most
// 1 MiB, a source in YAML 256 KiB. A row has at most 1000 columns; a field, a string and a comment have at most 128 KiB. The FASTQ files of a list
// are held until its end, since a file's mate can be anywhere in it, and there are at most 1,048,576 of them.
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

// Open returns the sources of the manifest in a file, as [Read] does. Its faults have the path as their Name. The file is
// opened when the iteration begins, and closed when it ends.
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

// Read returns the sources of a manifest, in the order of the manifest. Each of them is valid as
// [readsetimport.Source.Validate] defines it, with the subject, the type and the reference that the format implies or an
// option gives.
//
// Read leaves out rows that have faults and reads on, so that one pass finds all faults, up to Options.MaxErrors. If there
// are any, or the input cannot be read to its end, the iterator yields an [*Error], once and last.
//
// An import that streams, such as [readsetimport.Client.Stream], has therefore imported the rows without faults when the
// error comes: what is yielded before the error is imported, and the error comes last. To import all or nothing, collect
// the sources first, with [Collect].
//
// The iterator can be used once.
func Read(r io.Reader, optFns ...func(*Options)) iter.Seq2[readsetimport.Source, error] {
	return once(newOptions(optFns), func(rd *reader) error { return rd.input(r) })
}

// Collect returns all sources of an iterator of this package, or its error and no sources. It is for imports of all or
// nothing: a manifest with a fault is not imported at all.
func Collect(sources iter.Seq2[readsetimport.Source, error]) ([]readsetimport.Source, error) {
	var all []readsetimport.Source
	for source, err := range sources {
		if err != nil {
			return nil, err
		}
		all = append(all, source)
	}
	return all, nil
}

// once returns an iterator that can be used once. It yields what read yields, and then the faults and the error.
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

// input decompresses the input, recognises its format and reads it. The error is what ended the reading early, not a
// fault of the manifest.
func (rd *reader) input(r io.Reader) error {
	in := bufio.NewReaderSize(r, bufferSize)
	magic, err := in.Peek(2)
	if err != nil && err != io.EOF {
		return err
	}
	r = in
	if string(magic) == "\x1f\x8b" {
		if r, err = gzip.NewReader(in); err != nil {
			return fmt.Errorf("gzip: %w", err)
		}
	}
	in = bufio.NewReaderSize(&limitReader{io.LimitedReader{R: r, N: rd.o.MaxBytes + 1}, rd.o.MaxBytes}, bufferSize)
	read, err := sniff(in)
	if err != nil {
		return err
	}
	return read(rd, in)
}

// bufferSize is how many bytes are looked at to recognise a format.
const bufferSize = 64 << 10

// limitReader bounds what a small input can decompress to.
type limitReader struct {
	io.LimitedReader
	most int64
}

func (l *limitReader) Read(p []byte) (int, error) {
	n, err := l.LimitedReader.Read(p)
	if l.N <= 0 {
		return 0, fmt.Errorf("it has more than %d bytes (after decompression), which Options.MaxBytes allows", l.most)
	}
	return n, err
}
