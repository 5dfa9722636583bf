package manifest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
)

// layout says what the columns of a table mean. It is made once for a table, from the table's header.
type layout struct {
	format tableFormat
	header []string
	column [fieldCount]int // of the fields other than the files, -1 where there is none
	files  []fileColumns
	tags   []tagColumn
}

// fileColumns are the columns of one kind of files. Of several kinds, a row has one.
type fileColumns struct {
	kind  types.FileType // empty: by another column, by option, or by name
	first int
	mate  int // -1 where there are no pairs
}

type tagColumn struct {
	column int
	key    string
}

// tableFormat is a known format of tables, recognised by its header.
type tableFormat struct {
	name   string
	marks  []string // all of them are there
	any    []string // and one of these, if there are any
	fields map[int]string
	files  []fileNames
	kinds  map[string]types.FileType // types by what the column of types says, empty for indexes; nil if it says the type
	list   bool                      // the column of files holds both mates, separated by a semicolon
}

type fileNames struct {
	kind        types.FileType
	first, mate string
}

// unsupported is the kind of files that HealthOmics has no type for. They come last in a format.
const unsupported types.FileType = "unsupported"

// entity stands for the first column of Terra's tables, which is called entity:sample_id and the like.
const entity = "entity:"

// tableFormats in the order in which they are tried.
var tableFormats = []tableFormat{
	{
		name:   "Terra",
		marks:  []string{entity},
		fields: map[int]string{fieldSample: entity, fieldSubject: "participant"},
		files: []fileNames{
			{types.FileTypeFastq, "fastq_1", "fastq_2"},
			{types.FileTypeFastq, "fastq1", "fastq2"},
			{types.FileTypeFastq, "read1", "read2"},
			{types.FileTypeFastq, "r1_fastq", "r2_fastq"},
			{types.FileTypeBam, "bam", ""},
			{types.FileTypeCram, "cram", ""},
			{types.FileTypeUbam, "ubam", ""},
			{unsupported, "vcf", ""},
		},
	},
	{
		name:  "AWS manifest generator",
		marks: []string{"source1", "sourceFileType"},
		fields: map[int]string{
			fieldType: "sourceFileType", fieldSubject: "subjectId", fieldSample: "sampleId", fieldGeneratedFrom: "generatedFrom",
			fieldReference: "referenceArn", fieldName: "name", fieldDescription: "description", fieldTags: "tags",
		},
		files: []fileNames{{"", "source1", "source2"}},
	},
	{
		name:   "nf-core/sarek",
		marks:  []string{"patient", "sample"},
		any:    []string{"fastq_1", "bam", "cram", "spring_1", "vcf"},
		fields: map[int]string{fieldSubject: "patient", fieldSample: "sample"},
		files: []fileNames{
			{types.FileTypeFastq, "fastq_1", "fastq_2"},
			{types.FileTypeBam, "bam", ""},
			{types.FileTypeCram, "cram", ""},
			{unsupported, "spring_1", "spring_2"},
			{unsupported, "vcf", ""},
		},
	},
	{
		name:   "nf-core/oncoanalyser",
		marks:  []string{"group_id", "sample_id", "filetype", "filepath"},
		fields: map[int]string{fieldSubject: "subject_id", fieldSample: "sample_id", fieldType: "filetype"},
		files:  []fileNames{{"", "filepath", ""}},
		kinds: map[string]types.FileType{
			"fastq": types.FileTypeFastq,
			"bam":   types.FileTypeBam, "bam_redux": types.FileTypeBam, "bam_markdups": types.FileTypeBam, "bai": "",
			"cram": types.FileTypeCram, "cram_redux": types.FileTypeCram, "crai": "",
		},
		list: true,
	},
	{
		name:   "nf-core/rnaseq",
		marks:  []string{"sample", "fastq_1"},
		fields: map[int]string{fieldSample: "sample"},
		files:  []fileNames{{types.FileTypeFastq, "fastq_1", "fastq_2"}},
	},
	{
		name:   "DRAGEN fastq_list",
		marks:  []string{"RGSM", "Read1File"},
		fields: map[int]string{fieldSample: "RGSM"},
		files:  []fileNames{{types.FileTypeFastq, "Read1File", "Read2File"}},
	},
}

// headerReader makes a layout of a header. It calls fault with what is wrong with one of its columns or, with -1, with the
// whole of it.
type headerReader struct {
	layout
	index   map[string]int // of a column, by its folded name
	used    []bool         // columns that mean something
	missing []string       // names of columns that were looked for
	fault   func(column int, rule readsetimport.Rule, detail string)
}

func newHeaderReader(header []string) *headerReader {
	h := &headerReader{layout: layout{header: header}, index: make(map[string]int), used: make([]bool, len(header))}
	for i, name := range slices.Backward(header) {
		header[i] = strings.TrimSpace(name)
		h.index[fold(name)] = i
	}
	if strings.HasPrefix(fold(header[0]), entity) {
		h.index[entity] = 0
	}
	return h
}

// find returns the index of the column of that name, or -1.
func (h *headerReader) find(name string) int {
	i, ok := h.index[fold(name)]
	switch {
	case name == "":
		return -1
	case !ok:
		h.missing = append(h.missing, name)
		return -1
	}
	h.used[i] = true
	return i
}

func (h *headerReader) has(name string) bool {
	_, ok := h.index[fold(name)]
	return ok
}

// recognise finds the table's format, which has no name if it is unknown.
func (h *headerReader) recognise() {
	for _, f := range tableFormats {
		if !slices.ContainsFunc(f.marks, func(name string) bool { return !h.has(name) }) &&
			(len(f.any) == 0 || slices.ContainsFunc(f.any, h.has)) {
			h.format = f
			return
		}
	}
}

// columns takes the columns of the format, and those that Options.Columns names.
func (h *headerReader) columns(c Columns) {
	for field := range h.column {
		h.column[field] = h.find(h.format.fields[field])
	}
	if h.format.name == "Terra" && h.column[fieldSubject] < 0 {
		h.column[fieldSubject] = h.find("participant_id")
	}
	for _, names := range h.format.files {
		if f := (fileColumns{names.kind, h.find(names.first), h.find(names.mate)}); f.first >= 0 || f.mate >= 0 {
			h.files = append(h.files, f)
		}
	}
	if h.has("crai") { // the index of a CRAM file, and no misspelling of cram
		h.find("crai")
	}
	h.namedColumns(c)
}

// namedColumns takes the columns that Options.Columns names, which must be there.
func (h *headerReader) namedColumns(c Columns) {
	named := func(name, option string) int {
		i := h.find(name)
		if i < 0 && name != "" {
			h.fault(-1, readsetimport.RuleRequired, fmt.Sprintf("must have the column %q, which Options.Columns.%s names", name, option))
		}
		return i
	}
	for field, names := range [...][2]string{
		fieldType: {c.FileType, "FileType"}, fieldSubject: {c.Subject, "Subject"}, fieldSample: {c.Sample, "Sample"},
		fieldGeneratedFrom: {c.GeneratedFrom, "GeneratedFrom"}, fieldReference: {c.Reference, "Reference"},
		fieldName: {c.Name, "Name"}, fieldDescription: {c.Description, "Description"},
	} {
		if i := named(names[0], names[1]); i >= 0 {
			h.column[field] = i
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tags)) {
		if i := named(name, "Tags"); i >= 0 {
			h.tags = append(h.tags, tagColumn{i, c.Tags[name]})
		}
	}
	if c.Source1 != "" {
		h.files = []fileColumns{{"", named(c.Source1, "Source1"), named(c.Source2, "Source2")}}
	} else if c.Source2 != "" {
		h.fault(-1, readsetimport.RuleCombination, "Options.Columns.Source2 needs Source1")
	}
}

// check finds what would be lost: columns that are needed and missing, that are there twice, or that are misspelt.
func (h *headerReader) check() {
	misspelt := make(map[string]bool)
	for i, name := range h.header {
		first := h.index[fold(name)]
		meant := slices.IndexFunc(h.missing, func(missing string) bool { return isMisspelling(name, missing) })
		switch {
		case h.used[first] && i != first:
			h.fault(i, readsetimport.RuleDuplicate, "must be in the header once")
		case !h.used[first] && meant >= 0 && h.format.name != "":
			misspelt[h.missing[meant]] = true
			h.fault(i, readsetimport.RulePattern, fmt.Sprintf("is no column of %s: it must be %s, or have another name", h.format.name, h.missing[meant]))
		}
	}
	sample, subject := h.format.fields[fieldSample], h.format.fields[fieldSubject]
	if h.column[fieldSample] < 0 && !misspelt[sample] {
		h.fault(-1, readsetimport.RuleRequired, "must have a column of samples, "+cmp.Or(sample, "of any name")+", or Options.Columns.Sample")
	}
	if subject == "subjectId" && h.column[fieldSubject] < 0 && !misspelt[subject] {
		h.fault(-1, readsetimport.RuleRequired, "must have a column of subjects, subjectId, or Options.Columns.Subject")
	}
	if len(h.files) == 0 {
		h.fault(-1, readsetimport.RuleRequired, "must have columns of files, such as fastq_1 and fastq_2, bam or cram, or Options.Columns.Source1")
	}
}

// fold returns the name of a column as names are compared.
func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// isMisspelling reports whether a name is that of a known field but for a few letters to insert, delete or change, wherever
// they are: a misspelt column of second mates must not go unnoticed.
func isMisspelling(name, known string) bool {
	name, known = fold(name), fold(known)
	return len(name) <= 2*len(known) && levenshtein.ComputeDistance(name, known) <= len(known)/4
}
