package manifest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
)

// table reads a table: its header, and then a source from each row.
func (rd *reader) table(in *bufio.Reader, comma byte) error {
	t := &tableReader{reader: rd, rows: rowReader{lineReader: lineReader{in: in}, comma: comma}}
	switch err := t.rows.next(); {
	case err == io.EOF:
		rd.fault(place{line: 1, column: 1}, fault{
			rule: readsetimport.RulePattern, detail: "must be a manifest or a sample sheet: it has separators only", err: ErrUnknownFormat,
		})
		return nil
	case err != nil:
		return t.rowError(err)
	}
	var faults []headerFault
	t.layout, faults = newLayout(t.rows.fields, rd.o)
	if t.layout == nil {
		if v, err := rd.o.inventory(t.rows.fields); v != nil || err != nil {
			return t.inventory(v, err)
		}
	}
	for _, f := range faults {
		at := place{line: t.rows.first, column: 1}
		if f.column >= 0 {
			at = place{t.rows.at[f.column].line, t.rows.at[f.column].column, strings.TrimSpace(t.rows.fields[f.column])}
		}
		rd.fault(at, f.fault)
	}
	if len(faults) > 0 {
		return nil
	}
	t.row.place = t.place
	t.row.noSubject = t.layout.column[fieldSubject] < 0
	for {
		err := t.rows.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			if err := t.rowError(err); err != nil {
				return err
			}
		} else {
			t.source()
		}
		if rd.stopped() {
			return nil
		}
	}
}

type tableReader struct {
	*reader
	rows   rowReader
	layout *layout
	files  fileColumns // of the row
	row    row
}

// rowError makes a fault of a row that cannot be split, and passes other errors on.
func (t *tableReader) rowError(err error) error {
	var f *rowFault
	if !errors.As(err, &f) {
		return err
	}
	t.fault(place{line: f.at.line, column: f.at.column}, fault{rule: readsetimport.RulePattern, detail: f.detail})
	return nil
}

// place returns where a field of the row begins. That is the row's begin for a field that has no column.
func (t *tableReader) place(field int) place {
	column := -1
	switch {
	case field == fieldSubject && t.row.noSubject:
		column = t.layout.column[fieldSample]
	case field == fieldSource1, field == fieldType && t.layout.column[fieldType] < 0:
		column = t.files.first
	case field == fieldSource2:
		column = t.files.mate
	case field >= 0:
		column = t.layout.column[field]
	}
	if column >= 0 {
		return t.at(column)
	}
	p := place{line: t.rows.first, column: 1}
	if field >= 0 {
		p.field = fieldPaths[field]
	}
	return p
}

func (t *tableReader) at(column int) place {
	s := t.rows.at[column]
	return place{s.line, s.column, t.layout.header[column]}
}

// source makes a source of the row.
func (t *tableReader) source() {
	if !t.sameLength() {
		return
	}
	r := &t.row
	r.bad, r.line, r.source = false, t.rows.first, readsetimport.Source{}
	if !t.chooseFiles() {
		return
	}
	s := &r.source
	s.Source1, s.Source2 = t.get(t.files.first), t.get(t.files.mate)
	l := t.layout
	if l.list {
		s.Source1, s.Source2, _ = strings.Cut(s.Source1, ";")
		t.files.mate = t.files.first
		if strings.Contains(s.Source2, ";") {
			t.badField(t.files.first, s.Source2, "must be one file, or two FASTQ files separated by a semicolon")
		}
	}
	s.SubjectID, s.SampleID = t.get(l.column[fieldSubject]), t.get(l.column[fieldSample])
	s.Name, s.Description = t.get(l.column[fieldName]), t.get(l.column[fieldDescription])
	s.GeneratedFrom, s.ReferenceARN = t.get(l.column[fieldGeneratedFrom]), t.get(l.column[fieldReference])
	if !t.fileType() {
		return
	}
	t.tags()
	t.completeRow(r)
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
	t.fault(place{line: t.rows.first, column: 1}, fault{
		rule:   readsetimport.RuleLength,
		detail: fmt.Sprintf("must have %d fields, as the header has, not %d", want, len(fields)),
	})
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
		t.badField(column, v, "must have no control characters, such as tab and newline")
	} else if strings.TrimSpace(v) != v {
		t.badField(column, v, "must have no white space at its begin or end")
	}
	return v
}

func hasControl(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

func (t *tableReader) badField(column int, value, detail string) {
	t.row.bad = true
	t.fault(t.at(column), fault{rule: readsetimport.RulePattern, value: value, detail: detail})
}

// chooseFiles finds the kind of files that the row has. It is false when there is nothing to import.
func (t *tableReader) chooseFiles() bool {
	found, other := -1, -1
	for i, c := range t.layout.files {
		if c.first >= 0 && t.rows.fields[c.first] != "" || c.mate >= 0 && t.rows.fields[c.mate] != "" {
			if found >= 0 {
				t.badField(firstOf(c), t.rows.fields[firstOf(c)], "must be empty: the row has other files too, and a source is of one type")
				return false
			}
			found = i
		}
	}
	for _, column := range t.layout.none {
		if t.rows.fields[column] != "" {
			other = column
			break
		}
	}
	switch {
	case other >= 0 && !t.o.SkipUnsupported:
		t.badField(other, t.rows.fields[other], "must be empty: "+noType)
		return false
	case found >= 0:
		t.files = t.layout.files[found]
		return true
	case other >= 0:
		return t.skip(t.rows.fields[other], SkipUnsupported)
	case len(t.layout.files) == 0:
		t.fault(place{line: t.rows.first, column: 1}, fault{rule: readsetimport.RuleRequired, detail: "must have a file"})
		return false
	}
	t.files = t.layout.files[0]
	return true
}

const noType = "HealthOmics has no file type for it, only FASTQ, BAM, CRAM and UBAM; Options.SkipUnsupported leaves such rows out"

func firstOf(c fileColumns) int {
	if c.first >= 0 {
		return c.first
	}
	return c.mate
}

// fileType finds the type of the row's files: by the column of types, by the column of the files, by option, by name. It
// is false when there is none and the row is to be left out.
func (t *tableReader) fileType() bool {
	s := &t.row.source
	switch column := t.layout.column[fieldType]; {
	case column >= 0 && t.layout.kinds != nil:
		kind, known := t.layout.kinds[fold(t.get(column))]
		switch {
		case known && kind == "":
			return t.skip(s.Source1, SkipIndex)
		case !known && t.o.SkipUnsupported:
			return t.skip(s.Source1, SkipUnsupported)
		case !known:
			t.badField(column, t.rows.fields[column], noType)
			return false
		}
		t.files.kind = kind
		t.typeOfColumn()
	case column >= 0:
		s.Type = types.FileType(t.get(column))
	case t.files.kind != "":
		t.typeOfColumn()
	default:
		byName := typeByName(s.Source1)
		s.Type = t.o.FileType
		if s.Type == "" || s.Type == types.FileTypeUbam && byName != "" && byName != types.FileTypeBam {
			s.Type = byName
		}
		if s.Type == "" && s.Source1 != "" {
			if t.o.SkipUnsupported {
				return t.skip(s.Source1, SkipUnsupported)
			}
			t.badField(t.files.first, s.Source1, "must end in .fastq.gz, .fq.gz, .bam or .cram: HealthOmics takes FASTQ (compressed with gzip), BAM, CRAM and UBAM; Options.FileType is for other names, and Options.SkipUnsupported leaves such rows out")
		}
	}
	return true
}

// typeOfColumn takes the type that the column of the files says, and checks that the files are of it by their names.
func (t *tableReader) typeOfColumn() {
	s := &t.row.source
	s.Type = t.files.kind
	if s.Type == types.FileTypeBam && t.o.FileType == types.FileTypeUbam {
		s.Type = types.FileTypeUbam
	}
	want := s.Type
	if want == types.FileTypeUbam {
		want = types.FileTypeBam
	}
	for i, uri := range [...]string{s.Source1, s.Source2} {
		if uri != "" && typeByName(uri) != want {
			t.badField([...]int{t.files.first, t.files.mate}[i], uri, "must end in "+endings[want])
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
	case hasSuffixFold(uri, ".fastq.gz"), hasSuffixFold(uri, ".fq.gz"):
		return types.FileTypeFastq
	case hasSuffixFold(uri, ".bam"):
		return types.FileTypeBam
	case hasSuffixFold(uri, ".cram"):
		return types.FileTypeCram
	}
	return ""
}

func hasSuffixFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}

// tags takes the tags of the row: those of the format's own column, and those that Options.Columns makes of others.
func (t *tableReader) tags() {
	s := &t.row.source
	if column := t.layout.column[fieldTags]; column >= 0 && t.rows.fields[column] != "" {
		tags, err := parseTags(t.get(column))
		if err != nil {
			t.badField(column, t.rows.fields[column], err.Error())
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
			t.badField(c.column, value, "must be a tag once: the row has a tag of that key already")
		}
		s.Tags[c.key] = value
	}
}
