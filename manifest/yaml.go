package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/readsetimport/readsetimport"
)

// maxYAML is the size of a source in YAML, or of the rest of a manifest, in bytes. Read into nodes it takes a hundred
// times as much.
const maxYAML = 256 << 10

// yaml reads an API manifest, or a list of sources, one at a time.
func (rd *reader) yaml(in *bufio.Reader) error {
	y := &yamlReader{object: object{reader: rd}, rows: rowReader{in: in}}
	err := y.read()
	var f *rowFault
	if errors.As(err, &f) {
		rd.fault(place{line: f.at.line, column: f.at.column}, fault{rule: readsetimport.RulePattern, detail: f.detail})
		return nil
	}
	return err
}

// yamlReader cuts the input into pieces that are YAML of their own: each source of a list, and what stands before and
// after the list in an API manifest. So an input of any length is read with the memory for one source.
type yamlReader struct {
	object
	rows  rowReader // for its lines
	first int       // line on which the piece began
	piece bytes.Buffer

	list   bool // in a list of sources
	indent int  // of its items, -1 until the first

	manifest bool // in an API manifest
	from     spot // where it began
	target   target
}

func (y *yamlReader) read() error {
	for !y.stopped() {
		line, err := y.rows.readLine()
		if err == io.EOF {
			y.endDocument()
			return nil
		}
		if err != nil {
			return err
		}
		if err := y.line(line); err != nil {
			return err
		}
	}
	return nil
}

// line takes one line into the piece that it belongs to.
func (y *yamlReader) line(line []byte) error {
	text := bytes.TrimLeft(line, " ")
	indent := len(line) - len(text)
	blank := len(bytes.TrimSpace(text)) == 0 || text[0] == '#'
	item := len(text) > 0 && text[0] == '-' && (len(text) == 1 || text[1] == ' ' || text[1] == '\t')
	empty := y.piece.Len() == 0
	switch {
	case bytes.HasPrefix(line, []byte("---")), bytes.HasPrefix(line, []byte("...")), bytes.HasPrefix(line, []byte("%")):
		y.endDocument()
		if rest := bytes.TrimLeft(line, "-. \t"); len(rest) > 0 && rest[0] != '#' && line[0] != '%' {
			return &rowFault{spot{y.rows.line, 1}, "must have nothing after --- on the line"}
		}
		return nil
	case blank && empty:
		return nil
	case item && y.list && (indent == y.indent || y.indent < 0), item && !y.list && empty:
		y.flush()
		y.list, y.indent = true, indent
	case !blank && indent == 0 && y.list && y.manifest:
		y.flush()
		y.list = false
	}
	if !y.list && sourcesLine.Match(line) {
		y.flush()
		y.beginManifest(spot{y.rows.line, 1})
		y.beginSources(spot{y.rows.line, 1})
		y.list, y.indent = true, -1
		return nil
	}
	if y.piece.Len() == 0 {
		y.first = y.rows.line
	}
	if y.piece.Len()+len(line) > maxYAML {
		return &rowFault{spot{y.first, 1}, "must be a source of at most 256 KiB in YAML, and so must the rest of the manifest be"}
	}
	y.piece.Write(line)
	y.piece.WriteByte('\n')
	return nil
}

var sourcesLine = regexp.MustCompile(`^sources:\s*(#.*)?$`)

func (y *yamlReader) endDocument() {
	y.flush()
	if y.manifest && !y.stopped() {
		y.target.check(&y.object, y.from)
	}
	y.list, y.manifest, y.target = false, false, target{}
}

func (y *yamlReader) beginManifest(at spot) {
	if !y.manifest {
		y.manifest, y.from = true, at
	}
}

func (y *yamlReader) beginSources(at spot) {
	if y.target.list {
		y.bad(at, "sources", readsetimport.RuleDuplicate, "must be there once")
	}
	y.target.list = true
}

// flush reads the piece that has been gathered.
func (y *yamlReader) flush() {
	if y.piece.Len() == 0 || y.stopped() {
		return
	}
	var document yaml.Node
	err := yaml.Unmarshal(y.piece.Bytes(), &document)
	last := y.first + bytes.Count(y.piece.Bytes(), []byte("\n")) - 1
	y.piece.Reset()
	if err != nil {
		y.syntax(err, last)
		return
	}
	if len(document.Content) == 0 {
		return
	}
	switch top := document.Content[0]; {
	case top.Kind == yaml.SequenceNode:
		y.sources(top)
	case y.list:
		y.bad(y.spot(top), "", readsetimport.RulePattern, "must be a list of sources")
	case top.Kind == yaml.MappingNode && len(top.Content) > 0 &&
		(y.manifest || slices.Contains(manifestKeys, top.Content[0].Value) || slices.Contains(jobKeys, top.Content[0].Value)):
		y.beginManifest(y.spot(top))
		y.pairs(top, y.manifestKey)
	default:
		y.source(top)
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?:.*anchor.*|(.*))$`)

// syntax notes YAML that cannot be read. Only an error's text tells the line, which can be the one after the last.
func (y *yamlReader) syntax(err error, last int) {
	line, detail := y.first, "must be YAML"
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = min(line+n-1, last)
		}
		if m[2] != "" {
			detail += ": " + m[2]
		} else {
			detail = aliasDetail
		}
	}
	y.fault(place{line: line, column: 1}, fault{rule: readsetimport.RulePattern, detail: detail})
}

const aliasDetail = "must be written out: aliases of YAML are not read"

// spot is where a node begins in the input. To YAML, a carriage return alone ends a line too, and to nobody else.
func (y *yamlReader) spot(n *yaml.Node) spot {
	return spot{min(y.first+n.Line-1, y.rows.line), n.Column}
}

func (y *yamlReader) sources(list *yaml.Node) {
	for _, n := range list.Content {
		y.source(n)
		if y.stopped() {
			return
		}
	}
}

func (y *yamlReader) manifestKey(key string, at spot, value *yaml.Node) {
	switch key {
	case "sequenceStoreId":
		y.targetValue(&y.target.values.SequenceStoreID, &y.target.at[0], key, value)
	case "roleArn":
		y.targetValue(&y.target.values.RoleARN, &y.target.at[1], key, value)
	case "clientToken":
	case "sources":
		y.beginSources(at)
		if value.Kind == yaml.SequenceNode {
			y.sources(value)
		} else {
			y.bad(y.spot(value), key, readsetimport.RulePattern, "must be a list")
		}
	default:
		y.unknown(key, at, "a manifest", manifestKeys)
	}
}

func (y *yamlReader) targetValue(value *string, at *spot, key string, n *yaml.Node) {
	if *at != (spot{}) {
		y.bad(y.spot(n), key, readsetimport.RuleDuplicate, "must be there once")
	}
	if text, ok := y.scalar(key, n); ok {
		*value, *at = text, y.spot(n)
	}
}

// pairs calls the function for each key of a mapping that is there once.
func (y *yamlReader) pairs(n *yaml.Node, value func(key string, at spot, value *yaml.Node)) {
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content) && !y.stopped(); i += 2 {
		key, at := n.Content[i], y.spot(n.Content[i])
		switch {
		case key.Kind == yaml.AliasNode || key.Value == "<<" && key.Tag == "!!merge":
			y.bad(at, "", readsetimport.RulePattern, aliasDetail)
		case key.Kind != yaml.ScalarNode:
			y.bad(at, "", readsetimport.RulePattern, "must be a key that is a string")
		case seen[key.Value]:
			y.bad(at, key.Value, readsetimport.RuleDuplicate, "must be there once")
		default:
			seen[key.Value] = true
			value(key.Value, at, n.Content[i+1])
		}
	}
}

func (y *yamlReader) source(n *yaml.Node) {
	y.start(y.spot(n))
	if !y.mapping("", n) {
		return
	}
	y.pairs(n, func(key string, at spot, value *yaml.Node) {
		switch {
		case key == "sourceFiles":
			if y.mapping(key, value) {
				y.pairs(value, y.file)
			}
		case key == "tags":
			if value.Tag != "!!null" && y.mapping(key, value) {
				y.values[fieldTags] = at
				y.pairs(value, y.tagValue)
			}
		case slices.Contains(sourceKeys, key):
			y.field(sourceField(key), key, value)
		default:
			y.unknown(key, at, "a source", sourceKeys)
		}
	})
	y.end()
}

// mapping reports whether a node is a mapping, and notes that it is not.
func (y *yamlReader) mapping(field string, n *yaml.Node) bool {
	switch n.Kind {
	case yaml.MappingNode:
		return true
	case yaml.AliasNode:
		y.bad(y.spot(n), field, readsetimport.RulePattern, aliasDetail)
	default:
		y.bad(y.spot(n), field, readsetimport.RulePattern, "must be keys and values")
	}
	return false
}

func (y *yamlReader) file(key string, at spot, value *yaml.Node) {
	if !slices.Contains(fileKeys, key) {
		y.unknown(key, at, "sourceFiles", fileKeys)
		return
	}
	y.field(sourceField("sourceFiles."+key), "sourceFiles."+key, value)
}

func (y *yamlReader) field(field int, name string, value *yaml.Node) {
	if text, ok := y.scalar(name, value); ok {
		y.set(field, text, y.spot(value))
	}
}

func (y *yamlReader) tagValue(key string, _ spot, value *yaml.Node) {
	if text, ok := y.scalar("tags", value); ok {
		y.tag(key, text, y.spot(value))
	}
}

// scalar is a value as it is written: the sample 0012 is not 12 or 10, and no is not false. It is not ok for null, which
// is as if the key were not there, and for what is no scalar, which is a fault.
func (y *yamlReader) scalar(field string, n *yaml.Node) (string, bool) {
	switch {
	case n.Kind == yaml.AliasNode:
		y.bad(y.spot(n), field, readsetimport.RulePattern, aliasDetail)
	case n.Kind != yaml.ScalarNode:
		y.bad(y.spot(n), field, readsetimport.RulePattern, "must be a string")
	case n.Tag == "!!null":
	case slices.Contains(yamlTags, n.Tag):
		return n.Value, true
	default:
		y.bad(y.spot(n), field, readsetimport.RulePattern, "must be a string, without a tag")
	}
	return "", false
}

var yamlTags = []string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}
