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
	y := &yamlReader{object: object{reader: rd, once: true}, lines: lineReader{in: in}}
	err := y.read()
	var f *rowFault
	if errors.As(err, &f) {
		rd.fault(place{line: f.at.line, column: f.at.column}, fault{rule: readsetimport.RulePattern, detail: f.detail})
		return nil
	}
	return err
}

// yamlReader cuts the input into pieces that are YAML of their own: each source of a list, and what stands before and
// after the list in an API manifest. It does so because a YAML parser takes a document as a whole: one mistake would cost
// all of its sources, and a long list a hundred times its size in memory.
type yamlReader struct {
	object
	lines lineReader
	first int // line on which the piece began
	piece bytes.Buffer

	list   bool // in a list of sources
	indent int  // of its items, -1 until the first
}

func (y *yamlReader) read() error {
	for !y.stopped() {
		line, err := y.lines.readText()
		if err == io.EOF {
			y.endDocument()
			return nil
		}
		if err == nil {
			err = y.line(line)
		}
		if err != nil {
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
	at := spot{y.lines.line, 1}
	switch {
	case bytes.HasPrefix(line, []byte("---")), bytes.HasPrefix(line, []byte("...")), bytes.HasPrefix(line, []byte("%")):
		y.endDocument()
		if rest := bytes.TrimLeft(line, "-. \t"); len(rest) > 0 && rest[0] != '#' && line[0] != '%' {
			return &rowFault{at, "must have nothing after --- on the line"}
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
		y.beginManifest(at)
		y.beginSources(at)
		y.list, y.indent = true, -1
		return nil
	}
	if y.piece.Len() == 0 {
		y.first = at.line
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
	y.endManifest()
	y.list = false
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
	y.nodes = y.nodes[:0]
	for _, top := range document.Content {
		y.add(top)
		if y.list && y.nodes[0].kind != nodeList {
			y.bad(y.nodes[0].at, "", readsetimport.RulePattern, "must be a list of sources")
		} else {
			y.readTop()
		}
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

// add appends the nodes of a value. To YAML, a carriage return alone ends a line too, and to nobody else.
func (y *yamlReader) add(n *yaml.Node) {
	i := len(y.nodes)
	y.nodes = append(y.nodes, node{at: spot{min(y.first+n.Line-1, y.lines.line), n.Column}})
	for _, inner := range n.Content {
		y.add(inner)
	}
	o := &y.nodes[i]
	switch o.end = len(y.nodes); {
	case n.Kind == yaml.MappingNode:
		o.kind = nodeObject
	case n.Kind == yaml.SequenceNode:
		o.kind = nodeList
	case n.Kind == yaml.AliasNode, n.Tag == "!!merge":
		o.kind = nodeAlias
	case n.Tag == "!!null":
		o.kind = nodeNull
	case slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}, n.Tag):
		o.kind, o.text = nodeText, n.Value
	}
}
