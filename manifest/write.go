package manifest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"go.yaml.in/yaml/v3"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/rules"
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
	f, ok := formatters[format]
	if !ok {
		return fmt.Errorf("%w: %q", ErrUnknownFormat, string(format))
	}
	out := bufio.NewWriter(w)
	out.WriteString(f.begin)
	i := 0
	for s := range sources {
		text, err := f.source(format, i, s)
		if err == nil {
			_, err = out.WriteString(text)
		}
		if err != nil {
			_ = out.Flush()
			return err
		}
		i++
	}
	if out.WriteString(f.end); i == 0 {
		out.WriteString(f.none)
	}
	return out.Flush()
}

// formatter writes one format.
type formatter struct {
	begin string
	text  func(i int, s readsetimport.Source) (string, error)
	end   string
	none  string // what there is if there are no sources
	table bool   // which cannot hold all fields
}

var formatters = map[Format]formatter{
	CSV:          {begin: generatorColumns, text: generatorRow(','), table: true},
	TSV:          {begin: strings.ReplaceAll(generatorColumns, ",", "\t"), text: generatorRow('\t'), table: true},
	JSON:         {begin: "[", text: jsonItem, end: "\n]\n"},
	JSONLines:    {text: jsonLine},
	YAML:         {text: yamlItem, none: "[]\n"},
	NFCoreRNASeq: {begin: "sample,fastq_1,fastq_2,strandedness\n", text: rnaseqRow, table: true},
	NFCoreSarek:  {begin: "patient,sample,lane,fastq_1,fastq_2\n", text: sarekRow, table: true},
}

// source returns the text of a source, or what is wrong with the source, with its index in the paths.
func (f formatter) source(format Format, i int, s readsetimport.Source) (string, error) {
	wrong := append(fieldErrors(s.Validate()), fieldErrors(Pair{Source1: s.Source1, Source2: s.Source2}.Validate())...)
	if len(wrong) == 0 && f.table {
		wrong = lostInTable(format, s)
	}
	if len(wrong) == 0 {
		return f.text(i, s)
	}
	for _, w := range wrong {
		w.Path = fmt.Sprintf("sources[%d].%s", i, w.Path)
	}
	return "", &readsetimport.ValidationError{Fields: wrong}
}

// tableRow returns fields as a row, quoted where they must be. A first field that begins with # would be taken for a
// comment.
func tableRow(comma byte, fields ...string) string {
	for i, f := range fields {
		if strings.ContainsAny(f, "\"\r\n"+string(rune(comma))) || strings.HasPrefix(f, "#") {
			fields[i] = `"` + strings.ReplaceAll(f, `"`, `""`) + `"`
		}
	}
	return strings.Join(fields, string(rune(comma))) + "\n"
}

// lostInTable returns the fields that a table cannot hold.
func lostInTable(format Format, s readsetimport.Source) (lost []*readsetimport.FieldError) {
	lose := func(field int, value, detail string) {
		lost = append(lost, &readsetimport.FieldError{
			Path: fieldPaths[field], Rule: readsetimport.RuleCombination, Value: rules.Shorten(value), Detail: "would be lost: " + detail,
		})
	}
	name, nfcore, fastq := string(format), format == NFCoreRNASeq || format == NFCoreSarek, s.Type == types.FileTypeFastq
	for field, p := range texts(&s) {
		switch v := *p; {
		case strings.TrimSpace(v) != v:
			lose(field, v, "a table holds no white space at the begin or end of a field")
		case hasControl(v):
			lose(field, v, "a table holds no control characters, such as tab")
		case v == "" || !nfcore:
		case field <= fieldSource2 && fastq && typeByName(v) != types.FileTypeFastq:
			lose(field, v, name+" takes names that end in .fastq.gz or .fq.gz")
		case field == fieldType && !fastq:
			lose(field, v, name+" is for FASTQ")
		case field == fieldSubject && format == NFCoreRNASeq && v != s.SampleID:
			lose(field, v, name+" has no subjects: it must be the same as the sample")
		case field >= fieldGeneratedFrom:
			lose(field, v, name+" has no column for it")
		}
	}
	if nfcore && len(s.Tags) > 0 {
		lose(fieldTags, "", name+" has no column for it")
	}
	return lost
}

// generatorColumns are the columns of the AWS manifest generator.
const generatorColumns = "source1,source2,sourceFileType,subjectId,sampleId,generatedFrom,referenceArn,name,description,tags\n"

func generatorRow(comma byte) func(int, readsetimport.Source) (string, error) {
	return func(_ int, s readsetimport.Source) (string, error) {
		var row [fieldCount]string
		for field, p := range texts(&s) {
			row[field] = *p
		}
		var err error
		if len(s.Tags) > 0 {
			row[fieldTags], err = jsonText(s.Tags)
		}
		return tableRow(comma, row[:]...), err
	}
}

func rnaseqRow(_ int, s readsetimport.Source) (string, error) {
	return tableRow(',', s.SampleID, s.Source1, s.Source2, "auto"), nil
}

func sarekRow(i int, s readsetimport.Source) (string, error) {
	return tableRow(',', s.SubjectID, s.SampleID, strconv.Itoa(i+1), s.Source1, s.Source2), nil
}

func jsonItem(i int, s readsetimport.Source) (string, error) {
	text, err := jsonText(s)
	if i > 0 {
		return ",\n  " + text, err
	}
	return "\n  " + text, err
}

func jsonLine(_ int, s readsetimport.Source) (string, error) {
	text, err := jsonText(s)
	return text + "\n", err
}

// jsonText returns JSON without the escapes that are for HTML only.
func jsonText(v any) (string, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

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

func yamlItem(_ int, s readsetimport.Source) (string, error) {
	item := yamlSource{
		SourceFileType: string(s.Type), SubjectID: s.SubjectID, SampleID: s.SampleID, GeneratedFrom: s.GeneratedFrom,
		ReferenceARN: s.ReferenceARN, Name: s.Name, Description: s.Description, Tags: s.Tags,
	}
	item.SourceFiles.Source1, item.SourceFiles.Source2 = s.Source1, s.Source2
	text, err := yaml.Marshal([]yamlSource{item})
	return string(text), err
}
