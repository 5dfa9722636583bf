package omicstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// timeFormat is ISO 8601 as the service writes it.
const timeFormat = "2006-01-02T15:04:05.000Z"

// wireStart and wireSource are the body of a Start, where nil is a field that is missing or null.
type wireStart struct {
	clientToken, roleARN *string
	sources              []wireSource
}

type wireSource struct {
	hasFiles                                                            bool
	source1, source2, fileType                                          *string
	subjectID, sampleID, generatedFrom, name, description, referenceARN *string
	tags                                                                map[string]string
}

// jobFilter is the filter of ListReadSetImportJobs, where nil is a status that is missing or null.
type jobFilter struct {
	status        *string
	after, before time.Time
}

// object reads the fields of a JSON object. As in the service, names are case sensitive and unknown ones are ignored:
// encoding/json would accept RoleARN for a struct's field roleArn.
type object struct {
	fields map[string]any
	err    error
}

func parseObject(body []byte) (*object, error) {
	if len(body) == 0 {
		return &object{}, nil
	}
	if !utf8.Valid(body) {
		return nil, errors.New("the body is not valid UTF-8")
	}
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, errors.New("the body is not a JSON object")
	}
	return &object{fields: fields}, nil
}

func (o *object) fail(name, want string) {
	if o.err == nil {
		o.err = fmt.Errorf("%s is not %s", name, want)
	}
}

func (o *object) text(name string) *string {
	v := o.fields[name]
	if v == nil {
		return nil
	}
	s, ok := v.(string)
	if !ok {
		o.fail(name, "a string")
		return nil
	}
	return &s
}

func (o *object) object(name string) *object {
	v := o.fields[name]
	if v == nil {
		return nil
	}
	m, ok := v.(map[string]any)
	if !ok {
		o.fail(name, "an object")
		return nil
	}
	return &object{fields: m}
}

func (o *object) list(name string) []any {
	v := o.fields[name]
	if v == nil {
		return nil
	}
	l, ok := v.([]any)
	if !ok {
		o.fail(name, "a list")
	}
	return l
}

// time returns an ISO 8601 time, zero if it is missing or null.
func (o *object) time(name string) (t time.Time) {
	if s := o.text(name); s != nil {
		var err error
		if t, err = time.Parse(time.RFC3339Nano, *s); err != nil {
			o.fail(name, "an ISO 8601 time")
		}
	}
	return t
}

// takeError takes over the error of an object within o.
func (o *object) takeError(inner *object) {
	if o.err == nil {
		o.err = inner.err
	}
}

func parseStart(body []byte) (*wireStart, error) {
	o, err := parseObject(body)
	if err != nil {
		return nil, err
	}
	w := &wireStart{clientToken: o.text("clientToken"), roleARN: o.text("roleArn")}
	if list := o.list("sources"); list != nil {
		w.sources = make([]wireSource, 0, min(len(list), 2*maxSources))
		for _, item := range list {
			fields, ok := item.(map[string]any)
			if !ok {
				o.fail("a source", "an object")
				break
			}
			s := &object{fields: fields}
			w.sources = append(w.sources, parseSource(s))
			o.takeError(s)
		}
	}
	return w, o.err
}

func parseSource(o *object) wireSource {
	s := wireSource{
		fileType:      o.text("sourceFileType"),
		subjectID:     o.text("subjectId"),
		sampleID:      o.text("sampleId"),
		generatedFrom: o.text("generatedFrom"),
		name:          o.text("name"),
		description:   o.text("description"),
		referenceARN:  o.text("referenceArn"),
	}
	if files := o.object("sourceFiles"); files != nil {
		s.hasFiles = true
		s.source1, s.source2 = files.text("source1"), files.text("source2")
		o.takeError(files)
	}
	if tags := o.object("tags"); tags != nil {
		s.tags = make(map[string]string, len(tags.fields))
		for key := range tags.fields {
			if value := tags.text(key); value != nil {
				s.tags[key] = *value
			} else {
				tags.fail("a tag", "a string")
			}
		}
		o.takeError(tags)
	}
	return s
}

// source returns a valid wireSource as a Source.
func (s *wireSource) source() Source {
	return Source{
		Type:    types.FileType(deref(s.fileType)),
		Source1: deref(s.source1), Source2: deref(s.source2),
		SubjectID: deref(s.subjectID), SampleID: deref(s.sampleID),
		Name: deref(s.name), Description: deref(s.description), GeneratedFrom: deref(s.generatedFrom),
		ReferenceARN: deref(s.referenceARN),
		Tags:         s.tags,
	}
}

// wire returns a Source as the body of a Start has it.
func (s *Source) wire() wireSource {
	optional := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	fileType := string(s.Type)
	return wireSource{
		hasFiles: true, source1: &s.Source1, source2: optional(s.Source2), fileType: &fileType,
		subjectID: &s.SubjectID, sampleID: &s.SampleID, generatedFrom: optional(s.GeneratedFrom),
		name: optional(s.Name), description: optional(s.Description), referenceARN: optional(s.ReferenceARN), tags: s.Tags,
	}
}

func parseJobFilter(body []byte) (jobFilter, error) {
	var f jobFilter
	o, err := parseObject(body)
	if err != nil {
		return f, err
	}
	if inner := o.object("filter"); inner != nil {
		f = jobFilter{inner.text("status"), inner.time("createdAfter"), inner.time("createdBefore")}
		o.takeError(inner)
	}
	return f, o.err
}

// The answers about jobs. Their field names and order are the service's.

type errorJSON struct {
	Message string `json:"message"`
}

type jobJSON struct {
	ID              string       `json:"id"`
	SequenceStoreID string       `json:"sequenceStoreId"`
	RoleARN         string       `json:"roleArn"`
	Status          string       `json:"status"`
	StatusMessage   string       `json:"statusMessage,omitempty"`
	CreationTime    string       `json:"creationTime"`
	CompletionTime  string       `json:"completionTime,omitempty"`
	Sources         []sourceJSON `json:"sources,omitempty"`
}

type sourceJSON struct {
	SourceFiles    filesJSON         `json:"sourceFiles"`
	SourceFileType string            `json:"sourceFileType"`
	Status         string            `json:"status"`
	StatusMessage  string            `json:"statusMessage,omitempty"`
	SubjectID      string            `json:"subjectId"`
	SampleID       string            `json:"sampleId"`
	GeneratedFrom  string            `json:"generatedFrom,omitempty"`
	ReferenceARN   string            `json:"referenceArn,omitempty"`
	Name           string            `json:"name,omitempty"`
	Description    string            `json:"description,omitempty"`
	Tags           map[string]string `json:"tags,omitempty"`
	ReadSetID      string            `json:"readSetId,omitempty"`
}

type filesJSON struct {
	Source1 string `json:"source1"`
	Source2 string `json:"source2"` // the service sends an empty one for a missing mate
}

type jobListJSON struct {
	ImportJobs []jobJSON `json:"importJobs"`
	NextToken  string    `json:"nextToken,omitempty"`
}

func sourceToJSON(s *JobSource) sourceJSON {
	tags := make(map[string]string, len(s.Tags)+2)
	maps.Copy(tags, s.Tags)
	tags["aws:omics:subjectId"], tags["aws:omics:sampleId"] = s.SubjectID, s.SampleID
	return sourceJSON{
		SourceFiles:    filesJSON{Source1: s.Source1, Source2: s.Source2},
		SourceFileType: string(s.Type),
		Status:         string(s.Status),
		StatusMessage:  s.StatusMessage,
		SubjectID:      s.SubjectID,
		SampleID:       s.SampleID,
		GeneratedFrom:  s.GeneratedFrom,
		ReferenceARN:   s.ReferenceARN,
		Name:           s.Name,
		Description:    s.Description,
		Tags:           tags,
		ReadSetID:      s.ReadSetID,
	}
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeFormat)
}

func errorBody(message string) []byte { return encode(errorJSON{Message: message}) }

// encode returns v, which has nothing that JSON cannot represent, as JSON.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
