package manifest

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/scanner"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
)

// table reads a table: its header, and then a source from each row.
func (rd *reader) table(in *bufio.Reader, comma byte) error {
	t := &tableReader{reader: rd, rows: rowReader{lineReader: lineReader{in: in}, comma: comma}}
	switch err := t.rows.next(); {
	case err == io.EOF:
		return unknown(1, "must be a manifest or a sample sheet: it has separators only")(rd, in)
	case err != nil:
		return rd.rowFault(err)
	}
	h := newHeaderReader(slices.Clone(t.rows.fields))
	h.fault, t.layout = t.headerFault, &h.layout
	if h.recognise(); h.format.name == "" && rd.o.Columns.Source1 == "" {
		if v, err := rd.o.inventory(t.rows.fields); v != nil || err != nil {
			return t.inventory(v, err)
		}
		return unknown(t.rows.first, unknownHeader)(rd, in)
	}
	h.columns(rd.o.Columns)
	if h.check(); len(rd.faults) > 0 {
		return nil
	}
	t.column, t.row.place = t.layout.column, t.place
	t.row.noSubject = t.column[fieldSubject] < 0
	return rd.repeat(func() error {
		err := t.rows.next()
		if err == nil {
			t.source()
		}
		return err
	})
}

const unknownHeader = "must be a manifest, or the header of a known sample sheet: AWS manifest generator, nf-core/rnaseq, nf-core/sarek, nf-core/oncoanalyser, DRAGEN fastq_list, Terra; Options.Columns describes any other, and Options.Inventory an S3 Inventory"

type tableReader struct {
	*reader
	rows    rowReader
	layout  *layout
	column  [fieldCount]int // of the row: those of the layout, and of the row's files
	kind    types.FileType  // of the files, if their columns say it
	scanner scanner.Scanner // of the tags in a field
	row     row
}

// place returns where a field of the row begins. That is the row's begin for a field that has no column.
func (t *tableReader) place(field int) place {
	if field < 0 {
		return t.at(-1)
	}
	column := t.column[field]
	switch {
	case column < 0 && field == fieldSubject:
		column = t.column[fieldSample]
	case column < 0 && field == fieldType:
		column = t.column[fieldSource1]
	}
	at := t.at(column)
	at.field = cmp.Or(at.field, fieldPaths[field])
	return at
}

// at returns where a column of the row begins or, with -1, the row.
func (t *tableReader) at(column int) place {
	if column < 0 {
		return place{line: t.rows.first, column: 1}
	}
	s := t.rows.at(column)
	return place{s.line, s.column, t.layout.header[column]}
}

// headerFault notes a fault of a column or, with -1, of the whole header.
func (t *tableReader) headerFault(column int, rule readsetimport.Rule, detail string) {
	at := t.at(column)
	t.fault(at, fault{rule: rule, value: at.field, detail: detail})
}

// source makes a source of the row.
func (t *tableReader) source() {
	r := &t.row
	r.bad, r.line, r.source = false, t.rows.first, readsetimport.Source{}
	if !t.sameLength() || !t.chooseFiles() {
		return
	}
	for field, text := range texts(&r.source) {
		*text = t.get(t.column[field])
	}
	if t.layout.format.list {
		t.cutFiles()
	}
	if t.fileType() {
		t.tags()
		t.completeRow(r)
	}
}

// cutFiles takes two files from one field.
func (t *tableReader) cutFiles() {
	s := &t.row.source
	s.Source1, s.Source2, _ = strings.Cut(s.Source1, ";")
	t.column[fieldSource2] = t.column[fieldSource1]
	if strings.Contains(s.Source2, ";") {
		t.badField(t.column[fieldSource1], "must be one file, or two FASTQ files separated by a semicolon")
	}
}

// sameLength checks that the row has a field for each column. More of them must be empty.
func (t *tableReader) sameLength() bool {
	fields, want := t.rows.fields, len(t.layout.header)
	for len(fields) > want && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	if len(fields) == want {
		return true
	}
	detail := fmt.Sprintf("must have %d fields, as the header has, not %d", want, len(fields))
	t.fault(t.at(-1), fault{rule: readsetimport.RuleLength, detail: detail})
	return false
}

// get returns a field of the row, which is empty if the column is -1. A tab or another control character, and white space at either
// end, are never meant and hard to see.
func (t *tableReader) get(column int) string {
	if column < 0 {
		return ""
	}
	v := t.rows.fields[column]
	if hasControl(v) {
		t.badField(column, "must have no control characters, such as tab and newline")
	} else if strings.TrimSpace(v) != v {
		t.badField(column, "must have no white space at its begin or end")
	}
	return v
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func (t *tableReader) badField(column int, detail string) {
	t.row.bad = true
	t.fault(t.at(column), fault{rule: readsetimport.RulePattern, value: t.rows.fields[column], detail: detail})
}

// chooseFiles finds the kind of files that the row has. It is false when there is nothing to import.
func (t *tableReader) chooseFiles() bool {
	chosen, other := -1, -1
	for i, c := range t.layout.files {
		switch column := t.filled(c.first, c.mate); {
		case column < 0:
		case c.kind == unsupported && !t.o.SkipUnsupported:
			t.badField(column, "must be empty: "+noType)
			return false
		case c.kind == unsupported:
			other = column
		case chosen >= 0:
			t.badField(column, "must be empty: the row has other files too, and a source is of one type")
			return false
		default:
			chosen = i
		}
	}
	if chosen < 0 && other >= 0 {
		return t.skip(t.rows.fields[other], SkipUnsupported)
	}
	c := t.layout.files[max(chosen, 0)]
	if c.kind == unsupported {
		t.fault(t.at(-1), fault{rule: readsetimport.RuleRequired, detail: "must have a file"})
		return false
	}
	t.column[fieldSource1], t.column[fieldSource2], t.kind = c.first, c.mate, c.kind
	return true
}

// filled returns the first of these columns that the row has a value for, or -1.
func (t *tableReader) filled(columns ...int) int {
	for _, column := range columns {
		if column >= 0 && t.rows.fields[column] != "" {
			return column
		}
	}
	return -1
}

const noType = "HealthOmics has no file type for it, only FASTQ, BAM, CRAM and UBAM; Options.SkipUnsupported leaves such rows out"

// fileType finds the type of the row's files: by the column of types, by the column of the files, by option, by name. It
// is false when there is none and the row is to be left out.
func (t *tableReader) fileType() bool {
	s, column := &t.row.source, t.column[fieldType]
	if kinds := t.layout.format.kinds; kinds != nil {
		kind, known := kinds[fold(string(s.Type))]
		switch {
		case known && kind == "":
			return t.skip(s.Source1, SkipIndex)
		case !known && t.o.SkipUnsupported:
			return t.skip(s.Source1, SkipUnsupported)
		case !known:
			t.badField(column, noType)
			return false
		}
		t.kind = kind
	} else if column >= 0 {
		return true
	}
	unaligned, byName := t.o.FileType == types.FileTypeUbam, typeByName(s.Source1)
	switch {
	case t.kind != "":
		s.Type = t.kind
		t.checkNames()
	case t.o.FileType == "", unaligned && byName != "":
		s.Type = byName
	default:
		s.Type = t.o.FileType
	}
	if unaligned && s.Type == types.FileTypeBam {
		s.Type = types.FileTypeUbam
	}
	switch {
	case s.Type != "" || s.Source1 == "":
	case t.o.SkipUnsupported:
		return t.skip(s.Source1, SkipUnsupported)
	default:
		t.badField(t.column[fieldSource1], "must end in .fastq.gz, .fq.gz, .bam or .cram: HealthOmics takes FASTQ (compressed with gzip), BAM, CRAM and UBAM; Options.FileType is for other names, and Options.SkipUnsupported leaves such rows out")
	}
	return true
}

// checkNames checks that the files are by their names of the type that a column says.
func (t *tableReader) checkNames() {
	s, want := &t.row.source, t.kind
	if want == types.FileTypeUbam {
		want = types.FileTypeBam
	}
	for field, uri := range [...]string{s.Source1, s.Source2} {
		if uri != "" && typeByName(uri) != want {
			t.badField(t.column[field], "must end in "+endings[want])
		}
	}
}

// endings of file names, by type.
var endings = map[types.FileType]string{
	types.FileTypeFastq: ".fastq.gz or .fq.gz: HealthOmics takes FASTQ files compressed with gzip",
	types.FileTypeBam:   ".bam",
	types.FileTypeCram:  ".cram",
}

// typeByName returns the type of a file by the ending of its name, or an empty string.
func typeByName(uri string) types.FileType {
	switch {
	case hasSuffixFold(uri, ".fastq.gz", ".fq.gz"):
		return types.FileTypeFastq
	case hasSuffixFold(uri, ".bam"):
		return types.FileTypeBam
	case hasSuffixFold(uri, ".cram"):
		return types.FileTypeCram
	}
	return ""
}

// hasSuffixFold reports whether s ends in one of the suffixes, in any case.
func hasSuffixFold(s string, suffixes ...string) bool {
	return slices.ContainsFunc(suffixes, func(suffix string) bool {
		return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
	})
}

// tags takes the tags of the row: those of the format's own column, and those that Options.Columns makes of others.
func (t *tableReader) tags() {
	s := &t.row.source
	if column := t.column[fieldTags]; column >= 0 && t.rows.fields[column] != "" {
		tags, err := parseTags(&t.scanner, t.get(column))
		if err != nil {
			t.badField(column, err.Error())
		}
		s.Tags = tags
	}
	for _, c := range t.layout.tags {
		value := t.get(c.column)
		if value == "" {
			continue
		}
		if s.Tags == nil {
			s.Tags = make(map[string]string, len(t.layout.tags))
		}
		if _, twice := s.Tags[c.key]; twice {
			t.badField(c.column, "must be a tag once: the row has a tag of that key already")
		}
		s.Tags[c.key] = value
	}
}
