package manifest

import (
	"slices"
	"strings"

	"github.com/readsetimport/readsetimport"
)

// node is a value of a document in JSON or YAML. The nodes of a value are one slice: an object is before its keys and
// values, by turns, and a list before its items.
type node struct {
	kind nodeKind
	torn bool   // it does not end, since the document does
	text string // of a text
	at   spot
	stop spot // where an object or a list in JSON ends, zero if it does not
	end  int  // index of the first node after it that is not within it
}

type nodeKind int8

const (
	nodeOther nodeKind = iota // nothing that a manifest has
	nodeText
	nodeNull
	nodeList
	nodeObject
	nodeAlias
)

// object makes sources of nodes.
type object struct {
	*reader
	nodes  []node
	row    row
	from   spot             // where the source begins
	values [fieldCount]spot // where the values of its fields begin, zero where there are none
	once   bool             // keys that are there twice are a fault, as in YAML, and not only those that have a meaning

	manifest bool // in an API manifest
	target   target
}

// The keys of a source, of its files and of an API manifest, and those by which the answer about an import job differs
// from it.
var (
	sourceKeys   = append([]string{"sourceFiles"}, fieldPaths[fieldType:]...)
	fileKeys     = []string{"source1", "source2"}
	manifestKeys = []string{"sequenceStoreId", "roleArn", "sources", "clientToken"}
	jobKeys      = []string{"id", "status", "statusMessage", "creationTime", "completionTime", "readSetId"}
)

// isManifestKey reports whether an object with this key first is an API manifest, or is meant as one.
func isManifestKey(key string) bool {
	return slices.Contains(manifestKeys, key) || slices.Contains(jobKeys, key)
}

// readTop reads a value that stands alone: a list of sources, keys of an API manifest, or a source.
func (o *object) readTop() {
	switch n := o.nodes[0]; {
	case n.kind == nodeList:
		o.sources(0)
	case n.kind == nodeObject && (o.manifest || n.end > 1 && isManifestKey(o.nodes[1].text)):
		o.beginManifest(n.at)
		o.pairs(0, o.manifestKey)
	default:
		o.source(0)
	}
}

func (o *object) sources(list int) {
	for i := list + 1; i < o.nodes[list].end && !o.stopped(); i = o.nodes[i].end {
		o.source(i)
	}
}

// source hands a source on.
func (o *object) source(i int) {
	n := o.nodes[i]
	o.from, o.values = n.at, [fieldCount]spot{}
	o.row = row{line: n.at.line, place: o.place}
	if o.isObject("", i) {
		o.fields("", i)
		if !n.torn && !o.stopped() {
			o.completeRow(&o.row)
		}
	}
}

func (o *object) place(field int) place {
	p := place{line: o.from.line, column: o.from.column}
	if field >= 0 {
		p.field = fieldPaths[field]
		if at := o.values[field]; at != (spot{}) {
			p.line, p.column = at.line, at.column
		}
	}
	return p
}

// pairs calls the function for each key of an object. A last key without its value is left out.
func (o *object) pairs(i int, pair func(key node, value int)) {
	var seen map[string]bool
	if o.once {
		seen = make(map[string]bool)
	}
	for k := i + 1; k < o.nodes[i].end && !o.stopped(); {
		key, value := o.nodes[k], o.nodes[k].end
		if value >= o.nodes[i].end {
			return
		}
		switch k = o.nodes[value].end; {
		case key.kind == nodeAlias:
			o.bad(key.at, "", readsetimport.RulePattern, aliasDetail)
		case key.kind != nodeText:
			o.bad(key.at, "", readsetimport.RulePattern, "must be a key that is a string")
		case seen[key.text]:
			o.bad(key.at, key.text, readsetimport.RuleDuplicate, "must be there once")
		default:
			if o.once {
				seen[key.text] = true
			}
			pair(key, value)
		}
	}
}

// fields takes the fields of a source whose paths begin with the prefix.
func (o *object) fields(prefix string, i int) {
	o.pairs(i, func(key node, value int) {
		path := prefix + key.text
		field := slices.Index(fieldPaths[:], path)
		switch {
		case prefix == "tags.":
			o.tag(key, value)
		case path != "sourceFiles" && (field < 0 || strings.Contains(key.text, ".")):
			if prefix == "" {
				o.unknown(key, "a source", sourceKeys)
			} else {
				o.unknown(key, "sourceFiles", fileKeys)
			}
		case field >= 0 && field != fieldTags:
			o.set(field, value)
		case field < 0 || o.nodes[value].kind != nodeNull:
			if !o.isObject(path, value) {
				return
			}
			if field >= 0 {
				if o.values[field] != (spot{}) {
					o.bad(key.at, path, readsetimport.RuleDuplicate, "must be there once")
				}
				o.values[field] = key.at
			}
			o.fields(path+".", value)
		}
	})
}

// set gives a field its value.
func (o *object) set(field, value int) {
	text, ok := o.text(fieldPaths[field], value)
	switch at := o.nodes[value].at; {
	case !ok:
	case o.values[field] != (spot{}):
		o.bad(at, fieldPaths[field], readsetimport.RuleDuplicate, "must be there once")
	default:
		o.values[field] = at
		*texts(&o.row.source)[field] = text
	}
}

func (o *object) tag(key node, value int) {
	text, ok := o.text("tags", value)
	if !ok {
		return
	}
	s := &o.row.source
	if s.Tags == nil {
		s.Tags = make(map[string]string)
	}
	if _, twice := s.Tags[key.text]; twice {
		o.bad(key.at, "tags", readsetimport.RuleDuplicate, "must have each tag once")
		return
	}
	s.Tags[key.text] = text
}

// texts returns the fields of a source other than its tags, in the order of fieldPaths.
func texts(s *readsetimport.Source) [fieldTags]*string {
	return [fieldTags]*string{
		&s.Source1, &s.Source2, (*string)(&s.Type), &s.SubjectID, &s.SampleID, &s.GeneratedFrom, &s.ReferenceARN, &s.Name,
		&s.Description,
	}
}

// isObject reports whether a value is an object. It is a fault if it is not.
func (o *object) isObject(field string, value int) bool {
	n := o.nodes[value]
	if n.kind != nodeObject {
		o.wrong(n, field, "must be an object: keys and values, in JSON in braces")
	}
	return n.kind == nodeObject
}

// text returns a value as it is written: the sample 0012 is not 12 or 10, and no is not false. It is not ok for null, which
// is as if the key were not there, and for what is no text, which is a fault.
func (o *object) text(field string, value int) (string, bool) {
	n := o.nodes[value]
	if n.kind != nodeText && n.kind != nodeNull {
		o.wrong(n, field, "must be a string, in JSON in double quotes, in YAML without a tag")
	}
	return n.text, n.kind == nodeText
}

// wrong notes a value of the wrong kind.
func (o *object) wrong(n node, field, detail string) {
	if n.kind == nodeAlias {
		detail = aliasDetail
	}
	o.bad(n.at, field, readsetimport.RulePattern, detail)
}

const aliasDetail = "must be written out: aliases of YAML are not read"

// bad notes a fault of the source.
func (o *object) bad(at spot, field string, rule readsetimport.Rule, detail string) {
	o.row.bad = true
	o.fault(place{at.line, at.column, field}, fault{rule: rule, detail: detail})
}

// unknown notes a key that a source, its files or a manifest do not have.
func (o *object) unknown(key node, what string, known []string) {
	detail := "is no field of " + what
	if slices.Contains(jobKeys, key.text) {
		detail = "is of the answer about an import job, which is no manifest: what it lists has been sent to HealthOmics before"
	}
	for _, k := range known {
		if distance(fold(key.text), fold(k)) <= len(k)/4 {
			detail += "; it may be meant as " + k
			break
		}
	}
	o.bad(key.at, key.text, readsetimport.RulePattern, detail)
}

// target collects the target of an API manifest.
type target struct {
	values readsetimport.Target
	from   spot    // where the manifest begins
	at     [2]spot // of sequenceStoreId and roleArn
	list   bool    // sources were there
}

func (o *object) beginManifest(at spot) {
	if !o.manifest {
		o.manifest, o.target = true, target{from: at}
	}
}

// beginSources takes the key of the list of sources.
func (o *object) beginSources(at spot) {
	if o.target.list {
		o.bad(at, "sources", readsetimport.RuleDuplicate, "must be there once")
	}
	o.target.list = true
}

func (o *object) manifestKey(key node, value int) {
	t := &o.target
	into, n := &t.values.SequenceStoreID, o.nodes[value]
	switch i := slices.Index(manifestKeys, key.text); key.text {
	case "roleArn":
		into = &t.values.RoleARN
		fallthrough
	case "sequenceStoreId":
		if t.at[i] != (spot{}) {
			o.bad(n.at, key.text, readsetimport.RuleDuplicate, "must be there once")
		}
		if text, ok := o.text(key.text, value); ok {
			*into, t.at[i] = text, n.at
		}
	case "sources":
		o.beginSources(key.at)
		if n.kind == nodeList {
			o.sources(value)
		} else {
			o.bad(n.at, key.text, readsetimport.RulePattern, "must be a list of sources, in JSON in brackets")
		}
	case "clientToken":
	default:
		o.unknown(key, "a manifest", manifestKeys)
		o.done = slices.Contains(jobKeys, key.text)
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
		o.fault(place{t.from.line, t.from.column, "sources"}, fault{rule: readsetimport.RuleRequired, detail: "is required: the list of sources"})
	}
	for _, f := range fieldErrors(t.values.Validate()) {
		if i := slices.Index(manifestKeys, f.Path); t.at[i] != (spot{}) {
			o.fault(place{t.at[i].line, t.at[i].column, f.Path}, fault{rule: f.Rule, value: f.Value, detail: f.Detail})
		}
	}
	if o.o.Target != nil {
		*o.o.Target = t.values
	}
}
