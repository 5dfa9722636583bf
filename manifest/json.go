package manifest

import (
	"bufio"

	"go.yaml.in/yaml/v3"
)

// jsonReader reads JSON a source at a time, into nodes as YAML has them. encoding/json unquotes the strings; the rest is
// our own code, for want of a library that keeps what is promised:
//
//   - encoding/json's Decoder knows no comments and no lines, and reads a source token by token, which is the only way to
//     learn where its parts are, at a tenth of the speed;
//   - github.com/tailscale/hujson, which blanks comments in place, holds a whole document as a tree of thirty times its
//     size, and recurses for each bracket, so that a file of 1 MiB of brackets ends the process;
//   - github.com/go-json-experiment/json, whose tokens are fast, knows no comments either, holds a string of any length,
//     and is an experiment that changes, though a program can have one version of it only;
//   - none of them reads on after a mistake.
//
// After a mistake there are no more tokens until it is noted, so that what is reading ends, each part with what it has.
type jsonReader struct {
	object
	*jsonScanner

	begin spot         // of the source that is being read
	nodes []*yaml.Node // of that source, and more to be used again
	used  int          // how many it has
	size  int          // of their texts
}

// Limits of a source in JSON, with maxRow and maxField.
const (
	maxDepth = 100
	maxNodes = 10_000
)

// json reads an API manifest, a list of sources, or sources one after the other, such as JSON Lines.
func (rd *reader) json(in *bufio.Reader) error {
	j := &jsonReader{object: object{reader: rd}, jsonScanner: newJSONScanner(in)}
	for last := false; j.next() != tokenEnd && !j.stopped(); {
		switch j.depth = 0; {
		case last:
			j.mistake(j.start, "must be the end: one manifest is all that an input has")
		case j.token == '[':
			last = true
			j.list()
		case j.token == '{':
			last = j.document()
		default:
			j.item()
		}
		if j.syntax != nil {
			j.note()
			j.done = true
		}
	}
	return j.inputError()
}

// document reads a source, or an API manifest, and reports whether it was one.
func (j *jsonReader) document() bool {
	j.beginSource()
	n := j.readObject(func(n, key *yaml.Node) bool {
		if j.manifest || len(n.Content) == 0 && isManifestKey(key.Value) {
			j.beginManifest(n)
			j.manifestValue(*key)
		}
		return j.manifest
	})
	if !j.manifest {
		j.endSource(n, 0)
		return false
	}
	if j.syntax == nil {
		j.endManifest()
	}
	return true
}

// manifestValue reads the value of a key of an API manifest. The key is a copy, since nodes are used again.
func (j *jsonReader) manifestValue(key yaml.Node) {
	if key.Value == "sources" && j.token == '[' {
		j.beginSources(&key)
		j.list()
		return
	}
	j.beginSource()
	j.manifestKey(&key, j.value())
	j.over = j.stopped()
}

// list reads the sources of a list. A value without a comma before it is left out.
func (j *jsonReader) list() {
	inside := j.depth + 1
	for j.members(']', j.item); j.syntax != nil && !j.done; j.members(']', j.item) {
		j.skip(inside)
		j.depth = inside
		j.unread = j.next() != ','
	}
}

// item reads a source of a list.
func (j *jsonReader) item() {
	outer := j.depth
	j.beginSource()
	j.endSource(j.value(), outer)
}

func (j *jsonReader) beginSource() { j.begin, j.used, j.size = j.start, 0, 0 }

// endSource hands a source on. If it has a mistake, reading goes on after it.
func (j *jsonReader) endSource(n *yaml.Node, outer int) {
	torn := j.syntax != nil
	if !torn || n.Kind == yaml.MappingNode {
		j.source(n, torn)
	}
	if torn {
		j.skip(outer)
	}
	j.over = j.over || j.stopped()
}

// skip notes a mistake, and reads on to where no more than the outer brackets are open, or the next line begins with a
// brace. It is done if a list has no such place.
func (j *jsonReader) skip(outer int) {
	j.note()
	for (j.depth > outer || j.token == '{' || j.token == '[') && !j.ended() && !j.unread {
		if j.unread = outer == 0 && j.token == '{' && j.start.column == 1; !j.unread {
			j.next()
		}
	}
	j.done = j.done || outer > 0 && j.ended()
}

// value reads a value, the first token of which has been read. After a mistake it is what precedes it.
func (j *jsonReader) value() *yaml.Node {
	switch j.token {
	case '{':
		return j.readObject(func(_, _ *yaml.Node) bool { return false })
	case '[':
		n := j.node(yaml.SequenceNode, "") // no source has a list, so that its items are not needed
		j.members(']', func() { j.value() })
		return n
	case tokenString:
		return j.string()
	case tokenWord:
		if string(j.in.Bytes()) != "null" {
			return j.node(yaml.ScalarNode, "")
		}
	default:
		j.expected("a value")
	}
	return j.node(yaml.ScalarNode, "!!null")
}

// readObject reads an object. Of its keys, it leaves the values of those to the function for which that returns true.
func (j *jsonReader) readObject(readValue func(object, key *yaml.Node) bool) *yaml.Node {
	n := j.node(yaml.MappingNode, "")
	j.members('}', func() {
		if key := j.key(); key != nil && !readValue(n, key) {
			n.Content = append(n.Content, key, j.value())
		}
	})
	return n
}

// members reads the members of an object or a list, up to the closing bracket.
func (j *jsonReader) members(closing byte, member func()) {
	for j.next() != closing && j.syntax == nil {
		member()
		switch j.next() {
		case closing:
			return
		case ',':
		default:
			j.expected("a comma or the closing " + map[byte]string{'}': "brace", ']': "bracket"}[closing] + ", after the value")
			return
		}
	}
}

// key reads the key of an object and the first token of its value. It is nil after a mistake.
func (j *jsonReader) key() *yaml.Node {
	if j.token != tokenString {
		j.expected("a key in double quotes, or the closing brace")
		return nil
	}
	n := j.string()
	if j.next() != ':' {
		j.expected("a colon, after the key")
		return nil
	}
	j.next()
	return n
}

func (j *jsonReader) string() *yaml.Node {
	n := j.node(yaml.ScalarNode, "!!str")
	n.Value = j.unquote()
	j.size += len(n.Value)
	return n
}

// node returns a node at the last token. It is used again for the next source.
func (j *jsonReader) node(kind yaml.Kind, tag string) *yaml.Node {
	if j.used == len(j.nodes) {
		j.nodes = append(j.nodes, &yaml.Node{})
	}
	n := j.nodes[j.used]
	n.Kind, n.Tag, n.Value, n.Content = kind, tag, "", n.Content[:0]
	n.Line, n.Column = j.start.line, j.start.column
	if j.used++; j.used > maxNodes || j.size > maxRow || j.depth > maxDepth {
		j.mistake(j.begin, "must be a source of at most 1 MiB, with at most 5000 keys, and no more than 100 brackets within each other")
	}
	return n
}

// note notes what is wrong with the JSON, unless the input or the caller cut it off.
func (j *jsonReader) note() {
	if !j.stopped() && j.inputError() == nil {
		_ = j.rowFault(j.syntax)
	}
	j.syntax = nil
}
