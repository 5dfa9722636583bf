package manifest

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/readsetimport/readsetimport"
)

// object makes sources of the nodes of a document in YAML, or of the same nodes in JSON.
type object struct {
	*reader
	row    row
	from   *yaml.Node             // the source
	values [fieldCount]*yaml.Node // of its fields, nil where there are none
	once   bool                   // keys that are there twice are a fault, as in YAML, and not only those that have a meaning

	manifest bool // in an API manifest
	target   target
}

// keySet is the keys of an object.
type keySet struct {
	of     string
	prefix string // of their paths
	keys   []string
}

// The keys of a source, of its files and of an API manifest, and those by which the answer about an import job differs
// from it.
var (
	sourceKeys   = keySet{"a source", "", append([]string{"sourceFiles"}, fieldPaths[fieldType:]...)}
	fileKeys     = keySet{"sourceFiles", "sourceFiles.", []string{"source1", "source2"}}
	manifestKeys = keySet{"a manifest", "", []string{"sequenceStoreId", "roleArn", "sources", "clientToken"}}
	jobKeys      = []string{"id", "status", "statusMessage", "creationTime", "completionTime", "readSetId"}
)

// isManifestKey reports whether an object with this key first is an API manifest, or is meant as one.
func isManifestKey(key string) bool {
	return slices.Contains(manifestKeys.keys, key) || slices.Contains(jobKeys, key)
}

func (o *object) sources(list *yaml.Node) {
	for _, n := range list.Content {
		if o.stopped() {
			return
		}
		o.source(n, false)
	}
}

// source hands a source on, or if it is torn only notes the faults of what is there of it.
func (o *object) source(n *yaml.Node, torn bool) {
	o.from, o.values = n, [fieldCount]*yaml.Node{}
	o.row = row{line: n.Line, place: o.place}
	if o.isObject("", n) {
		o.fields(sourceKeys, n)
		if !torn && !o.stopped() {
			o.completeRow(&o.row)
		}
	}
}

func (o *object) place(field int) place {
	at := o.from
	if field < 0 {
		return place{line: at.Line, column: at.Column}
	}
	at = cmp.Or(o.values[field], at)
	return place{at.Line, at.Column, fieldPaths[field]}
}

// pairs calls the function for each key of an object.
func (o *object) pairs(n *yaml.Node, pair func(key, value *yaml.Node)) {
	seen := make(map[string]bool)
	for i := 0; i < len(n.Content) && !o.stopped(); i += 2 {
		switch key := n.Content[i]; {
		case !isText(key):
			o.bad(key, "", readsetimport.RulePattern, "must be a key that is a string")
		case seen[key.Value]:
			o.bad(key, key.Value, readsetimport.RuleDuplicate, "must be there once")
		default:
			seen[key.Value] = o.once
			pair(key, n.Content[i+1])
		}
	}
}

func isAlias(n *yaml.Node) bool { return n.Kind == yaml.AliasNode || n.Tag == "!!merge" }

func isText(n *yaml.Node) bool {
	return slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}, n.Tag)
}

// fields takes the fields of a source, or of its files.
func (o *object) fields(known keySet, n *yaml.Node) {
	o.pairs(n, func(key, value *yaml.Node) {
		switch path := known.prefix + key.Value; {
		case !slices.Contains(known.keys, key.Value):
			o.unknown(key, known)
		case path == "sourceFiles":
			if o.isObject(path, value) {
				o.fields(fileKeys, value)
			}
		case path != "tags":
			field := slices.Index(fieldPaths[:], path)
			if text, ok := o.text(path, value); ok && o.isFirst(field, value) {
				*texts(&o.row.source)[field] = text
			}
		case value.Tag != "!!null" && o.isObject(path, value):
			o.isFirst(fieldTags, key)
			o.pairs(value, o.tag)
		}
	})
}

// isFirst remembers a field's value, and reports whether it is the first one.
func (o *object) isFirst(field int, value *yaml.Node) bool {
	if o.values[field] != nil {
		o.bad(value, fieldPaths[field], readsetimport.RuleDuplicate, "must be there once")
		return false
	}
	o.values[field] = value
	return true
}

func (o *object) tag(key, value *yaml.Node) {
	s := &o.row.source
	text, ok := o.text("tags", value)
	_, twice := s.Tags[key.Value]
	switch {
	case !ok:
	case twice:
		o.bad(key, "tags", readsetimport.RuleDuplicate, "must have each tag once")
	case s.Tags == nil:
		s.Tags = make(map[string]string)
		fallthrough
	default:
		s.Tags[key.Value] = text
	}
}

// texts returns the fields of a source other than its tags, in the order of fieldPaths.
func texts(s *readsetimport.Source) [fieldTags]*string {
	return [fieldTags]*string{
		&s.Source1, &s.Source2, (*string)(&s.Type), &s.SubjectID, &s.SampleID, &s.GeneratedFrom, &s.ReferenceARN, &s.Name,
		&s.Description,
	}
}

// isObject reports whether a value is an object. It is a fault if it is not.
func (o *object) isObject(field string, n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode {
		o.bad(n, field, readsetimport.RulePattern, "must be an object: keys and values, in JSON in braces")
	}
	return n.Kind == yaml.MappingNode
}

// text returns a value as it is written: the sample 0012 is not 12 or 10, and no is not false. It is not ok for null, which
// is as if the key were not there, and for what is no text, which is a fault.
func (o *object) text(field string, n *yaml.Node) (string, bool) {
	if !isText(n) && n.Tag != "!!null" {
		o.bad(n, field, readsetimport.RulePattern, "must be a string, in JSON in double quotes, in YAML without a tag")
	}
	return n.Value, isText(n)
}

const aliasDetail = "must be written out: aliases of YAML are not read"

// bad notes a fault of the source.
func (o *object) bad(at *yaml.Node, field string, rule readsetimport.Rule, detail string) {
	if isAlias(at) {
		detail = aliasDetail
	}
	o.row.bad = true
	o.fault(place{at.Line, at.Column, field}, fault{rule: rule, detail: detail})
}

// unknown notes a key that a source, its files or a manifest do not have.
func (o *object) unknown(key *yaml.Node, known keySet) {
	detail := "is no field of " + known.of
	if slices.Contains(jobKeys, key.Value) {
		detail = "is of the answer about an import job, which is no manifest: what it lists has been sent to HealthOmics before"
	}
	if i := slices.IndexFunc(known.keys, func(k string) bool { return isMisspelling(key.Value, k) }); i >= 0 {
		detail += "; it may be meant as " + known.keys[i]
	}
	o.bad(key, key.Value, readsetimport.RulePattern, detail)
}

// target collects the target of an API manifest.
type target struct {
	values readsetimport.Target
	from   place    // the manifest
	at     [2]place // sequenceStoreId and roleArn
	list   bool     // sources were there
}

func (o *object) beginManifest(n *yaml.Node) {
	if !o.manifest {
		o.manifest, o.target = true, target{from: place{n.Line, n.Column, "sources"}}
	}
}

// beginSources takes the key of the list of sources.
func (o *object) beginSources(key *yaml.Node) {
	if o.target.list {
		o.bad(key, "sources", readsetimport.RuleDuplicate, "must be there once")
	}
	o.target.list = true
}

func (o *object) manifestKey(key, value *yaml.Node) {
	t := &o.target
	switch i := slices.Index(manifestKeys.keys, key.Value); key.Value {
	case "sequenceStoreId", "roleArn":
		if t.at[i].line > 0 {
			o.bad(value, key.Value, readsetimport.RuleDuplicate, "must be there once")
		}
		if text, ok := o.text(key.Value, value); ok {
			*[...]*string{&t.values.SequenceStoreID, &t.values.RoleARN}[i] = text
			t.at[i] = place{value.Line, value.Column, key.Value}
		}
	case "sources":
		o.beginSources(key)
		if value.Kind == yaml.SequenceNode {
			o.sources(value)
		} else {
			o.bad(value, key.Value, readsetimport.RulePattern, "must be a list of sources, in JSON in brackets")
		}
	case "clientToken":
	default:
		o.unknown(key, manifestKeys)
		o.done = slices.Contains(jobKeys, key.Value)
	}
}

// endManifest notes what is wrong with the target, and tells the caller of it.
func (o *object) endManifest() {
	t := &o.target
	if !o.manifest || o.stopped() {
		return
	}
	o.manifest = false
	if !t.list {
		o.fault(t.from, fault{rule: readsetimport.RuleRequired, detail: "is required: the list of sources"})
	}
	for _, f := range fieldErrors(t.values.Validate()) {
		if at := t.at[slices.Index(manifestKeys.keys, f.Path)]; at.line > 0 {
			o.fault(at, fault{rule: f.Rule, value: f.Value, detail: f.Detail})
		}
	}
	if o.o.Target != nil {
		*o.o.Target = t.values
	}
}
