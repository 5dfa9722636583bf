package manifest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
)

// layout says what the columns of a table mean. It is made once for a table, from the table's header.
type layout struct {
	header []string
	column [fieldCount]int // of the fields other than the files, -1 where there is none
	files  []fileColumns
	tags   []tagColumn
	none   []int // columns of files that HealthOmics has no type for
	kinds  map[string]types.FileType
	list   bool
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
	none   []string                  // files that HealthOmics has no type for
	other  []string                  // columns that mean nothing here, and are no misspelling of others
	kinds  map[string]types.FileType // types by what the column of types says, empty for indexes; nil if it says the type
	list   bool                      // the column of files holds both mates, separated by a semicolon
}

type fileNames struct {
	kind        types.FileType
	first, mate string
}

// tableFormats in the order in which they are tried.
var tableFormats = []tableFormat{
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
			{types.FileTypeFastq, "fastq_1", "fastq_2"}, {types.FileTypeBam, "bam", ""}, {types.FileTypeCram, "cram", ""},
		},
		none:  []string{"spring_1", "spring_2", "vcf"},
		other: []string{"sex", "status", "lane", "bai", "crai", "table", "variantcaller"},
	},
	{
		name:   "nf-core/oncoanalyser",
		marks:  []string{"group_id", "sample_id", "filetype", "filepath"},
		fields: map[int]string{fieldSubject: "subject_id", fieldSample: "sample_id", fieldType: "filetype"},
		files:  []fileNames{{"", "filepath", ""}},
		other:  []string{"group_id", "sample_type", "sequence_type", "info"},
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
		other:  []string{"strandedness", "lane", "replicate", "group"},
	},
	{
		name:   "DRAGEN fastq_list",
		marks:  []string{"RGSM", "Read1File"},
		fields: map[int]string{fieldSample: "RGSM"},
		files:  []fileNames{{types.FileTypeFastq, "Read1File", "Read2File"}},
		other:  []string{"RGID", "RGLB", "RGPL", "RGPU", "RGCN", "RGDS", "RGDT", "RGPI", "Lane"},
	},
}

// terra returns the format of a Terra table with that first column, which is the entity's: entity:sample_id and the like.
func terra(first string) tableFormat {
	return tableFormat{
		name:   "Terra",
		fields: map[int]string{fieldSample: first, fieldSubject: "participant"},
		files: []fileNames{
			{types.FileTypeFastq, "fastq_1", "fastq_2"},
			{types.FileTypeFastq, "fastq1", "fastq2"},
			{types.FileTypeFastq, "read1", "read2"},
			{types.FileTypeFastq, "r1_fastq", "r2_fastq"},
			{types.FileTypeBam, "bam", ""},
			{types.FileTypeCram, "cram", ""},
			{types.FileTypeUbam, "ubam", ""},
		},
		none:  []string{"vcf"},
		other: []string{"bai", "crai"},
	}
}

// headerFault is a fault of a header, at one of its columns or, with -1, at its begin.
type headerFault struct {
	column int
	fault
}

// newLayout returns the layout of a table with this header, or nil if the header is of no known format.
func newLayout(header []string, o Options) (*layout, []headerFault) {
	h := &headerReader{l: &layout{header: make([]string, len(header))}, index: map[string]int{}, used: make([]bool, len(header))}
	for f := range h.l.column {
		h.l.column[f] = -1
	}
	for i, name := range header {
		name = strings.TrimSpace(name)
		h.l.header[i] = name
		if _, twice := h.index[fold(name)]; twice {
			h.twice = append(h.twice, i)
			continue
		}
		h.index[fold(name)] = i
	}
	format, known := h.recognise()
	if !known && o.Columns.Source1 == "" {
		h.fault(-1, fault{
			rule: readsetimport.RulePattern, err: ErrUnknownFormat,
			detail: "must be a manifest, or the header of a known sample sheet: AWS manifest generator, nf-core/rnaseq, nf-core/sarek, nf-core/oncoanalyser, DRAGEN fastq_list, Terra; Options.Columns describes any other, and Options.Inventory an S3 Inventory",
		})
		return nil, h.faults
	}
	h.l.kinds, h.l.list = format.kinds, format.list
	h.format(format)
	h.columns(o.Columns)
	h.check(format, known)
	return h.l, h.faults
}

type headerReader struct {
	l      *layout
	index  map[string]int // of a column, by its folded name
	used   []bool         // columns that mean something
	twice  []int          // columns whose name stood before
	faults []headerFault
}

func (h *headerReader) fault(column int, f fault) {
	h.faults = append(h.faults, headerFault{column, f})
}

// find returns the index of the column of that name, or -1.
func (h *headerReader) find(name string) int {
	if i, ok := h.index[fold(name)]; ok && name != "" {
		h.used[i] = true
		return i
	}
	return -1
}

func (h *headerReader) has(name string) bool {
	_, ok := h.index[fold(name)]
	return ok
}

func (h *headerReader) recognise() (tableFormat, bool) {
	if first := h.l.header[0]; strings.HasPrefix(fold(first), "entity:") {
		return terra(first), true
	}
	for _, f := range tableFormats {
		if !slices.ContainsFunc(f.marks, func(name string) bool { return !h.has(name) }) &&
			(len(f.any) == 0 || slices.ContainsFunc(f.any, h.has)) {
			return f, true
		}
	}
	return tableFormat{}, false
}

// format takes the columns of a known format.
func (h *headerReader) format(f tableFormat) {
	for field, name := range f.fields {
		h.l.column[field] = h.find(name)
	}
	for _, names := range f.files {
		c := fileColumns{names.kind, h.find(names.first), h.find(names.mate)}
		if c.first >= 0 || c.mate >= 0 {
			h.l.files = append(h.l.files, c)
		}
	}
	for _, name := range f.none {
		if i := h.find(name); i >= 0 {
			h.l.none = append(h.l.none, i)
		}
	}
	for _, name := range f.other {
		h.find(name)
	}
	if f.name == "Terra" && h.l.column[fieldSubject] < 0 {
		h.l.column[fieldSubject] = h.find("participant_id")
	}
}

// columns takes what Options.Columns says.
func (h *headerReader) columns(c Columns) {
	want := func(name, option string) int {
		i := h.find(name)
		if i < 0 && name != "" {
			h.fault(-1, fault{rule: readsetimport.RuleRequired, detail: fmt.Sprintf("must have the column %q, which Options.Columns.%s names", name, option)})
		}
		return i
	}
	for field, names := range map[int][2]string{
		fieldType: {c.FileType, "FileType"}, fieldSubject: {c.Subject, "Subject"}, fieldSample: {c.Sample, "Sample"},
		fieldGeneratedFrom: {c.GeneratedFrom, "GeneratedFrom"}, fieldReference: {c.Reference, "Reference"},
		fieldName: {c.Name, "Name"}, fieldDescription: {c.Description, "Description"},
	} {
		if i := want(names[0], names[1]); i >= 0 {
			h.l.column[field] = i
		}
	}
	if c.Source1 != "" {
		h.l.files = []fileColumns{{"", want(c.Source1, "Source1"), want(c.Source2, "Source2")}}
		h.l.none = nil
	} else if c.Source2 != "" {
		h.fault(-1, fault{rule: readsetimport.RuleCombination, detail: "Options.Columns.Source2 needs Source1"})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Tags)) {
		if i := want(name, "Tags"); i >= 0 {
			h.l.tags = append(h.l.tags, tagColumn{i, c.Tags[name]})
		}
	}
}

// check finds what would be lost: columns that are needed and missing, that are there twice, or that are misspelt.
func (h *headerReader) check(f tableFormat, known bool) {
	for _, i := range h.twice {
		if h.used[h.index[fold(h.l.header[i])]] {
			h.fault(i, fault{rule: readsetimport.RuleDuplicate, detail: "must be in the header once"})
		}
	}
	misspelt := map[string]bool{}
	for i, name := range h.l.header {
		if h.used[i] || !known {
			continue
		}
		if meant := h.meant(name, f); meant != "" {
			misspelt[meant] = true
			h.fault(i, fault{rule: readsetimport.RulePattern, value: name, detail: fmt.Sprintf("is no column of %s: it must be %s, or have another name", f.name, meant)})
		}
	}
	if h.l.column[fieldSample] < 0 && !misspelt[f.fields[fieldSample]] {
		h.fault(-1, fault{rule: readsetimport.RuleRequired, detail: "must have a column of samples" + named(f.fields[fieldSample]) + ", or Options.Columns.Sample"})
	}
	if f.fields[fieldSubject] == "subjectId" && h.l.column[fieldSubject] < 0 && !misspelt["subjectId"] {
		h.fault(-1, fault{rule: readsetimport.RuleRequired, detail: "must have a column of subjects, subjectId, or Options.Columns.Subject"})
	}
	if len(h.l.files)+len(h.l.none) == 0 {
		h.fault(-1, fault{rule: readsetimport.RuleRequired, detail: "must have columns of files, such as fastq_1 and fastq_2, bam or cram, or Options.Columns.Source1"})
	}
}

func named(column string) string {
	if column == "" {
		return ""
	}
	return ", " + column
}

// meant returns the missing column of the format of which a name is a misspelling, or an empty string.
func (h *headerReader) meant(name string, f tableFormat) string {
	names := slices.Collect(maps.Values(f.fields))
	for _, files := range f.files {
		names = append(names, files.first, files.mate)
	}
	slices.Sort(names)
	for _, n := range names {
		if !h.has(n) && distance(fold(name), fold(n)) <= len(n)/4 {
			return n
		}
	}
	return ""
}

// fold returns the name of a column as names are compared.
func fold(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// distance returns the number of letters to insert, delete or change to make b of a (Levenshtein). Long names are far from
// each other.
func distance(a, b string) int {
	const far = 64
	if len(a) > far || len(b) > far {
		return far
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
