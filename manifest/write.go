package manifest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"go.yaml.in/yaml/v3"

	"github.com/readsetimport/readsetimport"
)

// Format names a format that [Write] writes. [JSONLines] suits programs and lists of any length; [CSV] suits people.
type Format string

// Formats of Write. All of them hold every source, except NFCoreRNASeq and NFCoreSarek, which hold only FASTQ files, samples
// and, in sarek, subjects. Tables hold no text that begins or ends with white space or contains control characters.
const (
	CSV          Format = "csv"            // the AWS manifest generator's columns, separated by commas
	TSV          Format = "tsv"            // the same columns, separated by tabs
	JSON         Format = "json"           // a list of sources, as the console's manifest
	JSONLines    Format = "jsonl"          // a source a line; the file is empty if there are no sources, which Read reports as a fault
	YAML         Format = "yaml"           // a list of sources, as the console's manifest
	NFCoreRNASeq Format = "nf-core/rnaseq" // sample, fastq_1, fastq_2, strandedness (auto)
	NFCoreSarek  Format = "nf-core/sarek"  // patient, sample, lane (numbered), fastq_1, fastq_2
)

// Write writes sources in a format, one at a time. [Read] reads them back as the same sources.
//
// A source that is not valid, or that the format cannot hold, ends the writing. The sources before it have been written. The
// error is a [*readsetimport.ValidationError] with paths such as sources[3].tags. For an unknown format, Write returns
// [ErrUnknownFormat] and writes nothing.
func Write(w io.Writer, format Format, sources iter.Seq[readsetimport.Source]) error {
	out := bufio.NewWriter(w)
	f, err := newFormatter(out, format)
	if err != nil {
		return err
	}
	f.begin()
	i := 0
	for s := range sources {
		if err = invalidSource(i, s); err == nil {
			err = f.source(i, s)
		}
		if err == nil {
			_, err = out.Write(nil) // what became of the writes before
		}
		if err != nil {
			break
		}
		i++
	}
	if err != nil {
		_ = out.Flush()
		return err
	}
	f.end()
	return out.Flush()
}

// formatter writes one format.
type formatter interface {
	begin()
	source(i int, s readsetimport.Source) error
	end()
}

func newFormatter(w *bufio.Writer, format Format) (formatter, error) {
	switch format {
	case CSV:
		return &generatorWriter{tableWriter{w, ','}}, nil
	case TSV:
		return &generatorWriter{tableWriter{w, '\t'}}, nil
	case NFCoreRNASeq:
		return &nfCoreWriter{tableWriter{w, ','}, false}, nil
	case NFCoreSarek:
		return &nfCoreWriter{tableWriter{w, ','}, true}, nil
	case JSON:
		return &jsonWriter{w: w, list: true}, nil
	case JSONLines:
		return &jsonWriter{w: w}, nil
	case YAML:
		return &yamlWriter{w: w}, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknownFormat, string(format))
}

// invalidSource returns the error of a source that is not valid, with the source's index in the paths.
func invalidSource(i int, s readsetimport.Source) error {
	fields := fieldErrors(s.Validate())
	fields = append(fields, fieldErrors(Pair{Source1: s.Source1, Source2: s.Source2}.Validate())...)
	return indexed(i, fields)
}

func indexed(i int, fields []*readsetimport.FieldError) error {
	if len(fields) == 0 {
		return nil
	}
	err := &readsetimport.ValidationError{}
	for _, f := range fields {
		f.Path = "sources[" + strconv.Itoa(i) + "]." + f.Path
		err.Fields = append(err.Fields, f)
	}
	return err
}

// loss returns the fault of a field that a format cannot hold.
func loss(field int, value, detail string) *readsetimport.FieldError {
	return &readsetimport.FieldError{Path: fieldPaths[field], Rule: readsetimport.RuleCombination, Value: shorten(value), Detail: "would be lost: " + detail}
}

// tableWriter writes rows.
type tableWriter struct {
	w     *bufio.Writer
	comma byte
}

func (t *tableWriter) end() {}

// row writes fields, quoted where they must be. A first field that begins with # would be taken for a comment.
func (t *tableWriter) row(fields ...string) {
	for i, f := range fields {
		if i > 0 {
			t.w.WriteByte(t.comma)
		}
		if !strings.ContainsAny(f, "\"\r\n"+string(rune(t.comma))) && !strings.HasPrefix(f, "#") {
			t.w.WriteString(f)
			continue
		}
		t.w.WriteByte('"')
		t.w.WriteString(strings.ReplaceAll(f, `"`, `""`))
		t.w.WriteByte('"')
	}
	t.w.WriteByte('\n')
}

// unreadable returns the faults of the fields that a table cannot hold.
func unreadable(s readsetimport.Source) []*readsetimport.FieldError {
	var lost []*readsetimport.FieldError
	for field, p := range texts(&s) {
		switch v := *p; {
		case strings.TrimSpace(v) != v:
			lost = append(lost, loss(field, v, "a table holds no white space at the begin or end of a field"))
		case hasControl(v):
			lost = append(lost, loss(field, v, "a table holds no control characters, such as tab"))
		}
	}
	return lost
}

// generatorWriter writes the columns of the AWS manifest generator.
type generatorWriter struct{ tableWriter }

func (t *generatorWriter) begin() {
	t.row("source1", "source2", "sourceFileType", "subjectId", "sampleId", "generatedFrom", "referenceArn", "name", "description", "tags")
}

func (t *generatorWriter) source(i int, s readsetimport.Source) error {
	if err := indexed(i, unreadable(s)); err != nil {
		return err
	}
	tags := ""
	if len(s.Tags) > 0 {
		var err error
		if tags, err = jsonText(s.Tags); err != nil {
			return err
		}
	}
	row := make([]string, 0, fieldCount)
	for _, p := range texts(&s) {
		row = append(row, *p)
	}
	t.row(append(row, tags)...)
	return nil
}

// nfCoreWriter writes the sheets of two pipelines.
type nfCoreWriter struct {
	tableWriter
	sarek bool
}

func (t *nfCoreWriter) begin() {
	if t.sarek {
		t.row("patient", "sample", "lane", "fastq_1", "fastq_2")
	} else {
		t.row("sample", "fastq_1", "fastq_2", "strandedness")
	}
}

func (t *nfCoreWriter) source(i int, s readsetimport.Source) error {
	lost := unreadable(s)
	name := string(NFCoreRNASeq)
	if t.sarek {
		name = string(NFCoreSarek)
	} else if s.SubjectID != s.SampleID {
		lost = append(lost, loss(fieldSubject, s.SubjectID, name+" has no subjects: it must be the same as the sample"))
	}
	if s.Type != types.FileTypeFastq {
		lost = append(lost, loss(fieldType, string(s.Type), name+" is for FASTQ"))
	}
	for field, uri := range [...]string{s.Source1, s.Source2} {
		if uri != "" && s.Type == types.FileTypeFastq && typeByName(uri) != types.FileTypeFastq {
			lost = append(lost, loss(field, uri, name+" takes names that end in .fastq.gz or .fq.gz"))
		}
	}
	for field, p := range texts(&s) {
		if v := *p; field >= fieldGeneratedFrom && v != "" {
			lost = append(lost, loss(field, v, name+" has no column for it"))
		}
	}
	if len(s.Tags) > 0 {
		lost = append(lost, loss(fieldTags, "", name+" has no column for it"))
	}
	if err := indexed(i, lost); err != nil {
		return err
	}
	if t.sarek {
		t.row(s.SubjectID, s.SampleID, strconv.Itoa(i+1), s.Source1, s.Source2)
	} else {
		t.row(s.SampleID, s.Source1, s.Source2, "auto")
	}
	return nil
}

// jsonWriter writes a list of sources, or a source a line.
type jsonWriter struct {
	w    *bufio.Writer
	list bool
}

func (j *jsonWriter) begin() {
	if j.list {
		j.w.WriteString("[")
	}
}

func (j *jsonWriter) source(i int, s readsetimport.Source) error {
	text, err := jsonText(s)
	if err != nil {
		return err
	}
	switch {
	case !j.list:
		j.w.WriteString(text + "\n")
	case i == 0:
		j.w.WriteString("\n  " + text)
	default:
		j.w.WriteString(",\n  " + text)
	}
	return nil
}

func (j *jsonWriter) end() {
	if j.list {
		j.w.WriteString("\n]\n")
	}
}

// jsonText returns JSON without the escapes that are for HTML only.
func jsonText(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// yamlWriter writes a list of sources.
type yamlWriter struct {
	w     *bufio.Writer
	items int
}

func (y *yamlWriter) begin() {}

// yamlSource has the order of the fields in the service's own examples.
type yamlSource struct {
	SourceFiles struct {
		Source1 string `yaml:"source1"`
		Source2 string `yaml:"source2,omitempty"`
	} `yaml:"sourceFiles"`
	SourceFileType string            `yaml:"sourceFileType"`
	SubjectID      string            `yaml:"subjectId"`
	SampleID       string            `yaml:"sampleId"`
	GeneratedFrom  string            `yaml:"generatedFrom,omitempty"`
	ReferenceARN   string            `yaml:"referenceArn,omitempty"`
	Name           string            `yaml:"name,omitempty"`
	Description    string            `yaml:"description,omitempty"`
	Tags           map[string]string `yaml:"tags,omitempty"`
}

func (y *yamlWriter) source(_ int, s readsetimport.Source) error {
	item := yamlSource{
		SourceFileType: string(s.Type), SubjectID: s.SubjectID, SampleID: s.SampleID, GeneratedFrom: s.GeneratedFrom,
		ReferenceARN: s.ReferenceARN, Name: s.Name, Description: s.Description, Tags: s.Tags,
	}
	item.SourceFiles.Source1, item.SourceFiles.Source2 = s.Source1, s.Source2
	text, err := yaml.Marshal([]yamlSource{item})
	y.w.Write(text)
	y.items++
	return err
}

func (y *yamlWriter) end() {
	if y.items == 0 {
		y.w.WriteString("[]\n")
	}
}
