package manifest

import (
	"bufio"
	"cmp"
	"io"

	"github.com/readsetimport/readsetimport"
)

// jsonReader reads JSON a value at a time: a source, on a line of its own or in a list, or what an API manifest has before
// and after its list. encoding/json checks each value and unquotes its strings. Finding the values and where their parts
// are, for the places of faults, is our own code (scan), for want of a library that keeps what is promised:
//
//   - encoding/json's Decoder knows no comments and no lines, and reads a source token by token, which is the only way to
//     learn where its parts are, at a tenth of the speed;
//   - github.com/tailscale/hujson, which blanks comments in place, holds a whole document as a tree of thirty times its
//     size, and recurses for each bracket, so that a file of 1 MiB of brackets ends the process.
type jsonReader struct {
	object
	text  []byte // from the begin of the value that is being read
	begin spot   // where text begins
	next  int    // index in text of what scan has not seen
	at    spot   // where that is
	eof   bool   // the input has no more
	open  []int  // nodes whose brackets are open; -1 if they were dropped with a part of their list
	comma int    // index in text of a comma that no value has followed, or -1
	half  int    // index in text of an escape that is no character, or -1
	torn  int    // index in text of a string or a comment without an end, or -1

	list   int    // depth of brackets of the sources in a list, or 0
	before string // JSON that stands for the part of the document that was dropped
	whole  []byte // the value in such a document, for encoding/json
	last   bool   // nothing may follow
}

// Limits of a value of JSON, with maxRow and maxField.
const (
	maxDepth = 100
	maxNodes = 10_000
)

// json reads an API manifest, a list of sources, or sources one after the other, such as JSON Lines.
func (rd *reader) json(in *bufio.Reader) error {
	j := &jsonReader{object: object{reader: rd}, at: spot{1, 1}}
	j.drop()
	for !j.stopped() && !j.eof {
		more, err := in.Peek(max(1, in.Buffered()))
		if j.eof = len(more) == 0; j.eof && err != io.EOF {
			return err
		}
		j.text = append(j.text, more...)
		_, _ = in.Discard(len(more))
		for !j.stopped() {
			instead, ok := j.scan()
			if !ok {
				break
			}
			j.value(instead, nil)
		}
		switch {
		case j.stopped():
		case len(j.text)-j.next > maxField:
			j.value("?", &rowFault{j.at, "must be a string or a comment of at most 128 KiB"})
		case len(j.text) > maxRow || len(j.nodes) > maxNodes || len(j.open) > maxDepth:
			at := j.begin
			if i := j.item(); i < len(j.nodes) {
				at = j.nodes[i].at
			}
			j.value("?", &rowFault{at, "must be a source of at most 1 MiB, with at most 5000 keys, and no more than 100 brackets within each other"})
		case j.eof && (len(j.open) > 0 || j.next < len(j.text)):
			j.value("?", nil)
		case len(j.open) == 0:
			j.drop()
		}
	}
	return nil
}

// drop drops what has been scanned.
func (j *jsonReader) drop() {
	j.text, j.begin, j.next = j.text[j.next:], j.at, 0
	j.nodes, j.comma, j.half, j.torn = j.nodes[:0], -1, -1, -1
}

// value takes the value that has been scanned. instead is what scan found in place of its end, or "?" for the end of the
// input; limit is the fault if the value is too large. What comes before a fault in the value is read, too.
func (j *jsonReader) value(instead string, limit *rowFault) {
	first, f := j.at, limit
	if len(j.nodes) > 0 {
		first = j.nodes[0].at
	}
	list := j.before != "" || len(j.nodes) > 0 && j.nodes[0].kind == nodeList
	if f == nil {
		f = j.syntax(instead)
	}
	switch {
	case j.last:
		f = &rowFault{first, "must be the end: one manifest is all that an input has"}
		j.nodes = j.nodes[:0]
	case limit != nil:
		j.cut(j.at)
	case f != nil:
		j.cut(f.at)
	}
	inList := j.list > 0 && j.item() <= len(j.nodes)
	j.readNodes()
	if f != nil {
		j.bad(f.at, "", readsetimport.RulePattern, f.detail)
		// Reading can go on after a source that has its end, and on the next line after one that should be on a line; not
		// in a list if what comes before it is at fault.
		j.done = j.last || instead == "?" || inList && instead != "" || !inList && (j.list > 0 || j.manifest || instead == "\n" && f.at.line != first.line)
	}
	if instead != "" {
		j.open = j.open[:0]
	}
	if len(j.open) == 0 {
		j.last = j.last || list || j.manifest
		if j.list, j.before = 0, ""; f == nil {
			j.endManifest()
		}
	}
	j.drop()
}

// item returns the index of the node of the source in a list, which is 0 except for the first source of a list.
func (j *jsonReader) item() int {
	if j.list == 0 {
		return 0
	}
	return j.open[j.list-1] + 1
}

// readNodes reads the nodes: a value that stands alone, or a source in a list, and before the first one what its document has
// before the list.
func (j *jsonReader) readNodes() {
	i := j.item()
	switch {
	case len(j.nodes) == 0:
	case j.list == 0 || i > len(j.nodes):
		j.readTop()
	default:
		if i > 0 {
			for _, n := range j.open[:j.list] {
				j.nodes[n].end = i
			}
			j.readTop()
			j.before = [...]string{1: "[0", 2: `{"":[0`}[j.list]
			copy(j.open, []int{-1, -1}[:j.list])
		}
		if i < len(j.nodes) && !j.stopped() {
			j.source(i)
		}
	}
}

// cut drops the nodes from a place on. Objects and lists that end after it are torn.
func (j *jsonReader) cut(at spot) {
	n := len(j.nodes)
	for n > 0 && !j.nodes[n-1].at.before(at) {
		n--
	}
	j.nodes = j.nodes[:n]
	for i := range j.nodes {
		if node := &j.nodes[i]; node.end == 0 || node.end > n || !node.stop.before(at) {
			node.end, node.torn = min(cmp.Or(node.end, n), n), true
		}
	}
}
