package manifest

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strings"
)

// The families of formats.
const (
	formatUnknown = iota
	formatTable
	formatJSON
	formatYAML
	formatList    // of URIs
	formatListing // the output of aws s3 ls
)

// kind is what an input looks like.
type kind struct {
	format int
	comma  byte   // of a table
	line   int    // of an unknown format's first significant line
	detail string // of an unknown format
}

// sniff recognises the family of a format by the first line that is neither blank nor a comment. It takes nothing from
// the input but a byte order mark, and waits for no more of it than it needs.
func sniff(in *bufio.Reader) (kind, error) {
	for need := 1; ; need = in.Buffered() + 1 {
		_, err := in.Peek(min(need, bufferSize))
		if err != nil && err != io.EOF {
			return kind{}, err
		}
		head, _ := in.Peek(in.Buffered())
		if bytes.HasPrefix(head, byteOrderMark) {
			_, _ = in.Discard(len(byteOrderMark))
			continue
		}
		all := err == io.EOF || len(head) == bufferSize
		if len(head) < 4 && !all {
			continue
		}
		if k, ok := recognise(head, all); ok {
			return k, nil
		}
	}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// recognise looks at the input's head. It is not ok when it must see more; with all there is, it is.
func recognise(head []byte, all bool) (kind, bool) {
	unknown := func(line int, detail string) (kind, bool) { return kind{line: line, detail: detail}, true }
	switch {
	case len(head) == 0:
		return unknown(1, "must be a manifest or a sample sheet: it is empty")
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return unknown(1, "must be text: it is an Excel workbook or a zip file, which can be saved as CSV")
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return unknown(1, "must be UTF-8: it is UTF-16, and can be saved as CSV UTF-8")
	}
	line := 1
	for len(head) > 0 {
		end := bytes.IndexByte(head, '\n')
		if end < 0 && !all {
			// Half a line is enough for JSON, whose first line can be long.
			if first := bytes.TrimLeft(head, " \t\r"); len(first) > 0 && (first[0] == '{' || first[0] == '[') {
				return kind{format: formatJSON}, true
			}
			return kind{}, false
		}
		text, rest := head, []byte(nil)
		if end >= 0 {
			text, rest = head[:end], head[end+1:]
		}
		untrimmed := string(text)
		text = bytes.TrimSpace(text)
		switch {
		case len(text) == 0 || text[0] == '#' || bytes.HasPrefix(text, []byte("//")):
		case text[0] == '{' || text[0] == '[' || bytes.HasPrefix(text, []byte("/*")):
			return kind{format: formatJSON}, true
		case bytes.IndexByte(text, 0) >= 0:
			return unknown(line, "must be text: it has zero bytes")
		case isYAML(string(text)):
			return kind{format: formatYAML}, true
		case isListing(untrimmed):
			return kind{format: formatListing}, true
		case isURI(string(text)):
			return kind{format: formatList}, true
		default:
			return kind{format: formatTable, comma: comma(text)}, true
		}
		head, line = rest, line+1
	}
	if !all {
		return kind{}, false
	}
	return unknown(1, "must be a manifest or a sample sheet: it has comments and blank lines only")
}

// isYAML reports whether a manifest's first significant line is YAML.
func isYAML(line string) bool {
	if line == "-" || strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "---") || strings.HasPrefix(line, "%YAML") {
		return true
	}
	key, value, ok := strings.Cut(line, ":")
	if !ok || value != "" && value[0] != ' ' && value[0] != '\t' {
		return false
	}
	key = strings.Trim(key, `"' `)
	return slices.Contains(manifestKeys, key) || slices.Contains(sourceKeys, key)
}

// comma returns what separates the columns of a header: the most frequent of the candidates, a comma if there is none.
func comma(header []byte) byte {
	best, most := byte(','), 0
	for _, c := range []byte{'\t', ',', ';'} {
		n, quoted := 0, false
		for _, b := range header {
			if b == '"' {
				quoted = !quoted
			}
			if b == c && !quoted {
				n++
			}
		}
		if n > most {
			best, most = c, n
		}
	}
	return best
}
