package s3files

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

// Sources yields the read sets under s3://bucket/prefix as sources: BAM and CRAM files by their suffix, and FASTQ files
// paired by their names within a folder, as [manifest.PairFASTQ] does. Every source that it yields is valid by
// [readsetimport.Source.Validate]. A folder's FASTQ files come when the folder has been listed to its end: Sources holds
// their names until then, and those of the folders that it lies in.
//
// Objects that are no reads are skipped: see [Options.OnSkip]. Reads that cannot be imported as they are, such as a second
// mate without its first or one that is not compressed with gzip, are skipped too, with all files that could belong to the
// same read set. The iteration goes on, and its error is an [*Error]. The same happens to a pair of which the filters of
// the options want one mate only. The prefix is not looked at in this way: one that ends within the name of a first mate,
// as in run7/NA12878_R1, makes it a single file.
//
// An error comes once and last. If it is one of the listing, the FASTQ files of folders that were not listed to their end
// are in no source. Breaking out of the loop cancels the request under way and waits for it. Each range over the iterator
// lists anew.
func Sources(ctx context.Context, api API, uri string, optFns ...func(*Options)) iter.Seq2[readsetimport.Source, error] {
	o, optErr := newOptions(optFns)
	return func(yield func(readsetimport.Source, error) bool) {
		if optErr != nil {
			yield(readsetimport.Source{}, optErr)
			return
		}
		s := &sorter{o: &o, skips: skips{onSkip: o.OnSkip}, yield: yield}
		last := ""
		for f, err := range objects(ctx, api, uri) {
			if err == nil && last != "" && f.Key <= last {
				err = errOrder
			}
			if err != nil {
				yield(readsetimport.Source{}, s.skips.err(err))
				return
			}
			last = f.Key
			if !s.add(f) {
				return
			}
		}
		if !s.closeFolders("") {
			return
		}
		if err := s.skips.err(nil); err != nil {
			yield(readsetimport.Source{}, err)
		}
	}
}

var errOrder = errors.New("s3files: S3 does not list the bucket in the order of its keys, as directory buckets do, so that mates cannot be found: use List")

// sorter makes sources of a listing. Its methods report whether more are wanted.
type sorter struct {
	o     *Options
	skips skips
	yield func(readsetimport.Source, error) bool
	open  []*folder // each in the one before it
}

// folder is the FASTQ files of a folder. They are grouped by a key that mates share, and others may, so that a file that
// cannot be paired keeps no more than its group from being imported.
type folder struct {
	prefix string
	groups map[string][]fastqFile
	order  []string // of the groups
}

type fastqFile struct {
	File
	stem   string // its name without the suffix
	detail string // why it cannot be imported in the form that it has, or empty
	wanted bool   // by the filters
}

// uri returns the URI that the file has in the form that HealthOmics imports.
func (f fastqFile) uri() string {
	if f.detail == "" {
		return f.URI()
	}
	return "s3://" + f.Bucket + "/" + f.folder() + f.stem + fastqSuffixes[0]
}

// add takes the next file of the listing.
func (s *sorter) add(f File) bool {
	if !s.closeFolders(f.Key) {
		return false
	}
	wanted := s.o.wants(f)
	k := kindOf(f.name(), s.o.UBAM)
	switch {
	case k.fileType == types.FileTypeFastq:
		s.hold(fastqFile{f, k.stem, k.detail, wanted})
		return true
	case !wanted:
		return true
	case k.skip != "":
		s.skips.add(f, k.skip, k.detail)
		return true
	}
	src := readsetimport.Source{Type: k.fileType, Source1: f.URI()}
	if k.fileType != types.FileTypeUbam {
		src.ReferenceARN = s.o.ReferenceARN
	}
	return s.emit(src, f)
}

// hold puts a FASTQ file into its folder.
func (s *sorter) hold(f fastqFile) {
	prefix := f.folder()
	if n := len(s.open); n == 0 || s.open[n-1].prefix != prefix {
		s.open = append(s.open, &folder{prefix: prefix, groups: make(map[string][]fastqFile)})
	}
	in := s.open[len(s.open)-1]
	name := f.name()
	if f.detail != "" {
		name = f.stem + fastqSuffixes[0]
	}
	key := manifest.MateKey(name)
	if in.groups[key] == nil {
		in.order = append(in.order, key)
	}
	in.groups[key] = append(in.groups[key], f)
}

// closeFolders emits the files of the folders that the listing has left, since the next key is not in them. In the order
// of keys, a folder that was left does not come again.
func (s *sorter) closeFolders(next string) bool {
	for n := len(s.open); n > 0; n = len(s.open) {
		in := s.open[n-1]
		if next != "" && strings.HasPrefix(next, in.prefix) {
			return true
		}
		s.open = s.open[:n-1]
		for _, key := range in.order {
			if !s.emitGroup(in.groups[key]) {
				return false
			}
		}
	}
	return true
}

// emitGroup pairs the files of a group. Those in another form count, since the mate of one is no single file, unless the same
// file is there in the right form, too.
func (s *sorter) emitGroup(files []fastqFile) bool {
	files = s.withoutTwice(files)
	uris := make([]string, len(files))
	byURI := make(map[string]fastqFile, len(files))
	for i, f := range files {
		uris[i] = f.uri()
		byURI[uris[i]] = f
	}
	pairs, err := manifest.PairFASTQ(uris)
	if err != nil {
		s.skipGroup(files, err)
		return true
	}
	for _, p := range pairs {
		mates := []fastqFile{byURI[p.Source1]}
		if p.Source2 != "" {
			mates = append(mates, byURI[p.Source2])
		}
		if !s.emitMates(p, mates) {
			return false
		}
		delete(byURI, p.Source1)
		delete(byURI, p.Source2)
	}
	for i, f := range files {
		if _, left := byURI[uris[i]]; left && f.wanted {
			s.skips.add(f.File, SkipIndexReads, "")
		}
	}
	return true
}

// withoutTwice returns the files of a group without those in another form that are there in the right form, too, which it skips.
func (s *sorter) withoutTwice(files []fastqFile) []fastqFile {
	if !slices.ContainsFunc(files, func(f fastqFile) bool { return f.detail != "" }) {
		return files
	}
	var kept []fastqFile
	for _, f := range files {
		if f.detail == "" || !slices.ContainsFunc(files, func(other fastqFile) bool { return other.detail == "" && other.stem == f.stem }) {
			kept = append(kept, f)
		} else if f.wanted {
			s.skips.add(f.File, SkipInvalid, f.detail)
		}
	}
	return kept
}

// emitMates emits one file or a pair, if the filters want it.
func (s *sorter) emitMates(p manifest.Pair, mates []fastqFile) bool {
	wanted := make([]File, 0, 2)
	var other *fastqFile
	for _, f := range mates {
		if f.wanted {
			wanted = append(wanted, f.File)
		}
		if f.detail != "" {
			other = &f
		}
	}
	if other != nil {
		for _, f := range mates {
			if f.wanted {
				s.skips.add(f.File, SkipInvalid, cmp.Or(f.detail, "its mate cannot be imported in the form that it has: "+strconv.Quote(other.name())))
			}
		}
		return true
	}
	switch len(wanted) {
	case 0:
		return true
	case len(mates):
		return s.emit(readsetimport.Source{Type: types.FileTypeFastq, Source1: p.Source1, Source2: p.Source2}, wanted...)
	}
	s.skips.add(wanted[0], SkipInvalid, "the filters want this file and not its mate: let them want both or neither")
	return true
}

// skipGroup skips files that cannot be paired, each with the fault that names it, and the others with the first.
func (s *sorter) skipGroup(files []fastqFile, err error) {
	var faults *readsetimport.ValidationError
	if !errors.As(err, &faults) || len(faults.Fields) == 0 {
		faults = &readsetimport.ValidationError{Fields: []*readsetimport.FieldError{{Detail: err.Error()}}}
	}
	for i, f := range files {
		detail := "could belong to the same read set as another file: " + faults.Fields[0].Detail
		for _, fault := range faults.Fields {
			if fault.Path == "uris["+strconv.Itoa(i)+"]" {
				detail = fault.Detail
			}
		}
		if f.wanted {
			s.skips.add(f.File, SkipInvalid, oneLine(cmp.Or(f.detail, detail)))
		}
	}
}

// emit gives a source its sample and subject, and yields it if it is valid.
func (s *sorter) emit(src readsetimport.Source, files ...File) bool {
	var detail string
	var err error
	if src.SubjectID, src.SampleID, err = s.o.ids(files[0]); err != nil {
		detail = oneLine(err.Error())
	} else if err = src.Validate(); err != nil {
		detail = oneLine(err.Error())
		if src.ReferenceARN == "" && (src.Type == types.FileTypeBam || src.Type == types.FileTypeCram) {
			detail += " (Options.ReferenceARN gives it)"
		}
	}
	if err == nil {
		return s.yield(src, nil)
	}
	for _, f := range files {
		s.skips.add(f, SkipInvalid, detail)
	}
	return true
}
