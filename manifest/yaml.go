package manifest

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/readsetimport/readsetimport"
)

// maxYAML is the size of an API manifest in YAML, which is held in memory as a whole.
const maxYAML = 4 << 20

// yaml reads an API manifest, or a list of sources, one at a time.
func (rd *reader) yaml(in *bufio.Reader) error {
	y := &yamlReader{object: object{reader: rd}, rows: rowReader{in: in}}
	err := y.document()
	var f *rowFault
	if errors.As(err, &f) {
		rd.fault(place{line: f.at.line, column: f.at.column}, fault{rule: readsetimport.RulePattern, detail: f.detail})
		return nil
	}
	return err
}

type yamlReader struct {
	object
	rows  rowReader // for its lines
	first int       // line on which the text began
	text  bytes.Buffer
}

// document reads line by line. Each item of a list that begins on the left margin is YAML of its own: so a list of any
// length is read with the memory for one source.
func (y *yamlReader) document() error {
	list, most := false, maxYAML
	for !y.stopped() {
		line, err := y.rows.readLine()
		if err == io.EOF {
			y.flush()
			return nil
		}
		if err != nil {
			return err
		}
		item := len(line) > 0 && line[0] == '-' && (len(line) == 1 || line[1] == ' ' || line[1] == '\t')
		switch {
		case bytes.HasPrefix(line, []byte("---")), bytes.HasPrefix(line, []byte("...")), bytes.HasPrefix(line, []byte("%")):
			y.flush()
			list, most = false, maxYAML
			if rest := bytes.TrimLeft(line, "-. \t"); len(rest) > 0 && rest[0] != '#' && line[0] != '%' {
				return &rowFault{spot{y.rows.line, 1}, "must have nothing after --- on the line"}
			}
			continue
		case item && (list || y.text.Len() == 0):
			y.flush()
			list, most = true, maxRow
		case y.text.Len() == 0 && (len(bytes.TrimSpace(line)) == 0 || line[0] == '#'):
			continue
		}
		if y.text.Len() == 0 {
			y.first = y.rows.line
		}
		if y.text.Len()+len(line) > most {
			return &rowFault{spot{y.first, 1}, fmt.Sprintf("must have at most %d MiB: a source of a list has 1, and an API manifest in YAML 4", most>>20)}
		}
		y.text.Write(line)
		y.text.WriteByte('\n')
	}
	return nil
}

// flush reads what has been gathered.
func (y *yamlReader) flush() {
	if y.text.Len() == 0 || y.stopped() {
		return
	}
	var document yaml.Node
	err := yaml.Unmarshal(y.text.Bytes(), &document)
	y.text.Reset()
	if err != nil {
		y.syntax(err)
		return
	}
	if len(document.Content) == 0 {
		return
	}
	switch top := document.Content[0]; {
	case top.Kind == yaml.SequenceNode:
		y.list(top)
	case top.Kind == yaml.MappingNode && len(top.Content) > 0 &&
		(slices.Contains(manifestKeys, top.Content[0].Value) || slices.Contains(jobKeys, top.Content[0].Value)):
		y.manifest(top)
	default:
		y.source(top)
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?:.*anchor.*|(.*))$`)

// syntax notes YAML that cannot be read. Only an error's text tells the line.
func (y *yamlReader) syntax(err error) {
	line, detail := y.first, "must be YAML"
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			line += n - 1
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

// spot is where a node begins in the input.
func (y *yamlReader) spot(n *yaml.Node) spot { return spot{y.first + n.Line - 1, n.Column} }

func (y *yamlReader) list(list *yaml.Node) {
	for _, n := range list.Content {
		y.source(n)
		if y.stopped() {
			return
		}
	}
}

func (y *yamlReader) manifest(n *yaml.Node) {
	y.start(y.spot(n))
	var t target
	y.pairs(n, func(key string, at spot, value *yaml.Node) {
		switch key {
		case "sequenceStoreId":
			y.targetValue(&t.values.SequenceStoreID, &t.at[0], key, value)
		case "roleArn":
			y.targetValue(&t.values.RoleARN, &t.at[1], key, value)
		case "clientToken":
		case "sources":
			t.list = true
			if value.Kind == yaml.SequenceNode {
				y.list(value)
			} else {
				y.bad(y.spot(value), key, readsetimport.RulePattern, "must be a list")
			}
		default:
			y.unknown(key, at, "a manifest", manifestKeys)
		}
	})
	t.check(&y.object, y.spot(n))
}

func (y *yamlReader) targetValue(value *string, at *spot, key string, n *yaml.Node) {
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
