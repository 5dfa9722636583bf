package manifest

import (
	"bufio"
	"bytes"
	"io"
	"regexp"
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
	return rd.repeat(func() error {
		line, err := y.lines.readText()
		if err == nil {
			err = y.add(line)
		} else if err == io.EOF {
			y.endDocument()
		}
		y.done = y.done || err != nil // what follows a line that is left out could mean something else without it
		return err
	})
}

// yamlReader cuts the input into pieces that are YAML of their own: each source of a list, and what stands before and
// after the list in an API manifest. It does so because a YAML parser takes a document as a whole: one mistake would cost
// all of its sources, and a long list a hundred times its size in memory.
type yamlReader struct {
	object
	lines lineReader
	piece bytes.Buffer
	first int // line of the input on which the piece begins
	last  int // and ends

	list   bool // in a list of sources
	indent int  // of its items, -1 until the first
}

// add adds a line to the piece that it belongs to.
func (y *yamlReader) add(line []byte) error {
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
		key := &yaml.Node{Line: at.line, Column: 1}
		y.beginManifest(key)
		y.beginSources(key)
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
	y.last = y.first + bytes.Count(y.piece.Bytes(), []byte("\n")) - 1
	y.piece.Reset()
	if err != nil {
		y.syntax(err)
		return
	}
	for _, n := range document.Content {
		y.setLines(n)
		if y.list && n.Kind != yaml.SequenceNode {
			y.bad(n, "", readsetimport.RulePattern, "must be a list of sources")
		} else {
			y.document(n)
		}
	}
}

// document reads a value that stands alone: a list of sources, keys of an API manifest, or a source.
func (y *yamlReader) document(n *yaml.Node) {
	switch {
	case n.Kind == yaml.SequenceNode:
		y.sources(n)
	case n.Kind == yaml.MappingNode && (y.manifest || len(n.Content) > 0 && isManifestKey(n.Content[0].Value)):
		y.beginManifest(n)
		y.pairs(n, y.manifestKey)
	default:
		y.source(n, false)
	}
}

var yamlLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(?:.*anchor.*|(.*))$`)

// syntax notes YAML that cannot be read. Only an error's text tells the line.
func (y *yamlReader) syntax(err error) {
	line, detail := 1, "must be YAML"
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
		if m[2] != "" {
			detail += ": " + m[2]
		} else {
			detail = aliasDetail
		}
	}
	y.fault(place{line: y.line(line), column: 1}, fault{rule: readsetimport.RulePattern, detail: detail})
}

// line returns the line of the input for a line of the piece. An error can tell the one after the last, and to YAML, a
// carriage return alone ends a line too.
func (y *yamlReader) line(ofPiece int) int { return min(y.first+ofPiece-1, y.last) }

func (y *yamlReader) setLines(n *yaml.Node) {
	n.Line = y.line(n.Line)
	for _, inner := range n.Content {
		y.setLines(inner)
	}
}
