package manifest

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
)

// object collects a source from the keys and values of a manifest in JSON or YAML.
type object struct {
	*reader
	row    row
	begin  spot
	values [fieldCount]spot // where the values of fields begin, zero where there are none
}

// start begins a source.
func (o *object) start(at spot) {
	o.begin, o.values = at, [fieldCount]spot{}
	o.row = row{line: at.line, place: o.place}
}

func (o *object) place(field int) place {
	if field < 0 {
		return place{line: o.begin.line, column: o.begin.column}
	}
	at := o.values[field]
	if at == (spot{}) {
		at = o.begin
	}
	return place{at.line, at.column, fieldPaths[field]}
}

// end hands the source on, and reports whether reading may go on.
func (o *object) end() bool { return o.take(&o.row) }

// bad notes a fault of the source.
func (o *object) bad(at spot, field string, rule readsetimport.Rule, detail string) {
	o.row.bad = true
	o.fault(place{at.line, at.column, field}, fault{rule: rule, detail: detail})
}

// sourceField is the field of a source's key, or of sourceFiles.KEY.
func sourceField(key string) int { return slices.Index(fieldPaths[:], key) }

// set gives a field its value.
func (o *object) set(field int, value string, at spot) {
	if o.values[field] != (spot{}) {
		o.bad(at, fieldPaths[field], readsetimport.RuleDuplicate, "must be there once")
		return
	}
	o.values[field] = at
	s := &o.row.source
	switch field {
	case fieldSource1:
		s.Source1 = value
	case fieldSource2:
		s.Source2 = value
	case fieldType:
		s.Type = types.FileType(value)
	case fieldSubject:
		s.SubjectID = value
	case fieldSample:
		s.SampleID = value
	case fieldGeneratedFrom:
		s.GeneratedFrom = value
	case fieldReference:
		s.ReferenceARN = value
	case fieldName:
		s.Name = value
	case fieldDescription:
		s.Description = value
	}
}

// tag adds a tag.
func (o *object) tag(key, value string, at spot) {
	s := &o.row.source
	if s.Tags == nil {
		s.Tags = make(map[string]string)
	}
	if _, twice := s.Tags[key]; twice {
		o.bad(at, "tags", readsetimport.RuleDuplicate, "must have each tag once")
		return
	}
	s.Tags[key] = value
}

// unknown notes a key that a source, its files or a manifest do not have.
func (o *object) unknown(key string, at spot, what string, known []string) {
	detail := "is no field of " + what
	if slices.Contains(jobKeys, key) {
		detail = jobDetail
	}
	for _, k := range known {
		if distance(fold(key), fold(k)) <= len(k)/4 {
			detail += "; it may be meant as " + k
			break
		}
	}
	o.bad(at, key, readsetimport.RulePattern, detail)
}

// jobKeys are the keys by which the answer about an import job differs from a manifest.
var jobKeys = []string{"id", "status", "statusMessage", "creationTime", "completionTime", "readSetId"}

const jobDetail = "is of the answer about an import job, which is no manifest: what it lists has been sent to HealthOmics before"

// fileKeys are the keys of sourceFiles.
var fileKeys = []string{"source1", "source2"}

// target collects the target of an API manifest.
type target struct {
	values readsetimport.Target
	at     [2]spot // of sequenceStoreId and roleArn
	list   bool    // sources were there
}

// check notes what is wrong with the target, and tells the caller of it.
func (t *target) check(o *object, begin spot) {
	if !t.list {
		o.fault(place{begin.line, begin.column, "sources"}, fault{rule: readsetimport.RuleRequired, detail: "is required: the list of sources"})
	}
	for i, path := range manifestKeys[:len(t.at)] {
		if t.at[i] == (spot{}) {
			continue
		}
		for _, f := range fieldErrors(t.values.Validate()) {
			if f.Path == path {
				o.fault(place{t.at[i].line, t.at[i].column, path}, fault{rule: f.Rule, value: f.Value, detail: f.Detail})
			}
		}
	}
	if o.o.Target != nil {
		*o.o.Target = t.values
	}
}
