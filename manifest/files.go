package manifest

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
)

// Files returns the sources of a listing of files, such as that of a bucket: FASTQ files, paired as [PairFASTQ] does, and
// BAM and CRAM files by the ending of their names. Their subjects and samples come from their URIs: see Options.Pattern.
// Files that accompany reads, such as indexes and reports, are skipped: see Options.OnSkip.
//
// The URIs must come folder by folder, as S3 lists them: the files of a folder together, with those of its subfolders
// before, between or after them. Files holds the URIs of a folder's FASTQ files until the listing has left the folder. A
// FASTQ file of a folder that the listing had left is a fault, since its mate may have been yielded without it; and so is one whose
// mate is not compressed with gzip, even if Options.SkipUnsupported skips that.
//
// Faults and errors are as in [Read]: an [*Error] comes once and last. The Line of a fault is the number of the file in the
// listing, from 1. Unsupported files are one fault for each ending of their names. If the listing ends with an error, the
// FASTQ files of folders that it had not left are in no source.
//
// The iterator can be used once.
func Files(uris iter.Seq2[string, error], optFns ...func(*Options)) iter.Seq2[readsetimport.Source, error] {
	return once(newOptions(optFns), func(rd *reader) error {
		l, err := newLister(rd, false)
		if err != nil {
			return err
		}
		line := 0
		for uri, err := range uris {
			line++
			if err == nil {
				err = l.add(listedFile{uri, place{line: line, column: 1}})
			}
			if err != nil || rd.stopped() {
				return err
			}
		}
		return l.end(nil)
	})
}

// lister makes sources of files that come one by one.
type lister struct {
	*reader
	unordered   bool // a folder's files can be anywhere in the listing
	folders     []*folder
	index       map[string]*folder // by prefix, if the listing is unordered
	left        *seenFiles         // prefixes of folders that the listing has left
	held        map[string]place   // FASTQ files in folders, by their URIs
	unsupported []*unsupportedFiles
}

type listedFile struct {
	uri string
	at  place
}

// folder holds the FASTQ files of a folder, in the order of the listing.
type folder struct {
	prefix       string
	uris         []string
	uncompressed []string // those that are not compressed with gzip
}

// unsupportedFiles counts the files with an ending of no supported kind.
type unsupportedFiles struct {
	ending string
	first  listedFile
	count  int
}

// maxHeld is how many FASTQ files are held at a time, and maxEndings how many endings of unsupported files are told apart.
const (
	maxHeld    = 1 << 20
	maxEndings = 100
)

func newLister(rd *reader, unordered bool) (*lister, error) {
	if rd.o.Pattern != nil && rd.o.Pattern.SubexpIndex("sample") < 0 {
		return nil, errPattern
	}
	return &lister{
		reader: rd, unordered: unordered,
		index: make(map[string]*folder), left: newSeenFiles(maxHeld), held: make(map[string]place),
	}, nil
}

// add takes the next file.
func (l *lister) add(f listedFile) error {
	if !l.unordered {
		for n := len(l.folders); n > 0 && !strings.HasPrefix(f.uri, l.folders[n-1].prefix); n = len(l.folders) {
			l.closeFolder(n - 1)
		}
	}
	if l.stopped() {
		return nil
	}
	kind, skip := kindOf(f.uri)
	switch {
	case kind == types.FileTypeFastq:
		return l.hold(f, true)
	case kind == types.FileTypeBam && l.o.FileType == types.FileTypeUbam:
		kind = types.FileTypeUbam
		fallthrough
	case kind != "":
		l.source(kind, f, listedFile{})
	case skip != SkipUnsupported || l.o.SkipUnsupported:
		l.skip(f.uri, skip)
	default:
		l.countUnsupported(f)
	}
	if skip == SkipUnsupported && uncompressed.MatchString(f.uri) {
		return l.hold(f, false)
	}
	return nil
}

// hold puts a FASTQ file into its folder. One that is not compressed with gzip is held for the sake of its mate alone.
func (l *lister) hold(f listedFile, compressed bool) error {
	if first, twice := l.held[f.uri]; twice {
		l.fault(f.at, repeatedFault(f.uri, first.line))
		return nil
	}
	if len(l.held) == maxHeld {
		return fmt.Errorf("more than %d FASTQ files would have to be held to find their mates: list fewer at a time, and whole folders", maxHeld)
	}
	prefix := f.uri[:strings.LastIndexByte(f.uri, '/')+1]
	in := l.index[prefix]
	if in == nil {
		if l.left.add(prefix, f.at.line) != 0 {
			l.fault(f.at, fault{
				rule: readsetimport.RuleCombination, value: f.uri,
				detail: "must come together with the other FASTQ files of its folder, which the listing had left: sort the listing",
			})
			return nil
		}
		in = &folder{prefix: prefix}
		l.folders = append(l.folders, in)
		l.index[prefix] = in
	}
	if l.held[f.uri] = f.at; compressed {
		in.uris = append(in.uris, f.uri)
	} else {
		in.uncompressed = append(in.uncompressed, f.uri)
	}
	return nil
}

// closeFolder pairs the files of a folder, and drops it.
func (l *lister) closeFolder(i int) {
	in := l.folders[i]
	l.folders = slices.Delete(l.folders, i, i+1)
	delete(l.index, in.prefix)
	pairs, faults := pairFiles(in.uris)
	mates := in.uncompressedMates()
	for _, p := range pairs {
		if p.Source2 == "" && mates[MateKey(p.Source1)] != "" {
			l.fault(l.held[p.Source1], fault{
				rule: readsetimport.RuleCombination, value: p.Source1,
				detail: quoteName(p.Source1) + " is a first mate, and its second, " + quoteName(mates[MateKey(p.Source1)]) + ", is not compressed with gzip",
			})
			continue
		}
		l.source(types.FileTypeFastq, listedFile{p.Source1, l.held[p.Source1]}, listedFile{p.Source2, l.held[p.Source2]})
		if l.stopped() {
			return
		}
	}
	faulty := make(map[int]bool, len(faults))
	for _, f := range faults {
		faulty[f.index] = true
		l.fault(l.held[in.uris[f.index]], fault{rule: f.Rule, value: f.Value, detail: f.Detail})
	}
	for i, uri := range in.uris {
		if !faulty[i] && mateOf(uri).index {
			l.skip(uri, SkipIndexReads)
		}
		delete(l.held, uri)
	}
	for _, uri := range in.uncompressed {
		delete(l.held, uri)
	}
}

// uncompressedMates returns the second mates that are not compressed with gzip, by what they have in common with the first.
func (f *folder) uncompressedMates() map[string]string {
	mates := make(map[string]string)
	for _, uri := range f.uncompressed {
		compressed := uncompressed.ReplaceAllString(uri, ".fastq.gz")
		if m := mateOf(compressed); m.number == 2 && !m.index {
			mates[m.key(compressed)] = uri
		}
	}
	return mates
}

// source hands a file or a pair on.
func (l *lister) source(kind types.FileType, f, mate listedFile) {
	subject, sample, err := l.o.ids(f.uri)
	if err != nil {
		l.fault(f.at, fault{rule: readsetimport.RulePattern, value: f.uri, detail: err.Error(), err: err})
		return
	}
	l.completeRow(&row{
		source: readsetimport.Source{
			Type: kind, Source1: f.uri, Source2: mate.uri, SubjectID: subject, SampleID: sample,
		},
		line: f.at.line, noSubject: true,
		place: func(field int) place {
			at := f.at
			switch {
			case field == fieldSource2:
				at = mate.at
			case field > fieldSource2:
				at.field = fieldPaths[field]
			}
			return at
		},
	})
}

// countUnsupported notes a file of no supported kind.
func (l *lister) countUnsupported(f listedFile) {
	ending := endingOf(nameOf(f.uri))
	for _, u := range l.unsupported {
		if u.ending == ending {
			u.count++
			return
		}
	}
	if len(l.unsupported) == maxEndings {
		l.unsupported[maxEndings-1].count++ // as if it had the last of them, since that many say enough
		return
	}
	l.unsupported = append(l.unsupported, &unsupportedFiles{ending, f, 1})
}

// end pairs the files that are held, and notes the unsupported ones, unless an error ended the listing.
func (l *lister) end(err error) error {
	for err == nil && len(l.folders) > 0 && !l.stopped() {
		l.closeFolder(0)
	}
	if err != nil || l.stopped() {
		return err
	}
	for _, u := range l.unsupported {
		l.fault(u.first.at, fault{rule: readsetimport.RulePattern, value: u.first.uri, detail: u.detail()})
	}
	slices.SortStableFunc(l.faults, func(a, b *Fault) int { return cmp.Compare(a.Line, b.Line) })
	return nil
}

func (u *unsupportedFiles) detail() string {
	files, ending := "this file", "without an ending"
	if u.count > 1 {
		files = fmt.Sprintf("this file and %d more", u.count-1)
	}
	if u.ending != "" {
		ending = "with the ending " + printable(u.ending)
	}
	return "must be FASTQ compressed with gzip (.fastq.gz or .fq.gz), BAM (.bam) or CRAM (.cram), and " + files + " " + ending +
		" cannot be imported; Options.SkipUnsupported skips such files"
}
