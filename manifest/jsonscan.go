package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// scan makes nodes of the text up to the end of a value, and reports whether it has come to one. A value without its end
// ends at what is there instead: at the line's end within a string, or at the brace of the next line's value. scan blanks
// comments and trailing commas, and makes the number 0 of words, since both are faults where a string is wanted. It stops
// at a token that may go on in the input.
func (j *jsonReader) scan() (instead string, ok bool) {
	for j.next < len(j.text) {
		rest, depth := j.text[j.next:], len(j.open)
		n, ended, value := 1, true, node{at: j.at, end: len(j.nodes) + 1}
		switch c := rest[0]; {
		case c == '\n':
			j.at = spot{j.at.line + 1, 0}
			ended = false
		case c == ' ', c == '\t', c == '\r':
			ended = false
		case c == '#', c == '/' && len(rest) > 1 && (rest[1] == '/' || rest[1] == '*'):
			if n = commentLength(rest, j.eof); n < 0 {
				return "", false
			}
			blank(rest[:n])
			continue
		case depth > 0 && strings.IndexByte(",:]}", c) >= 0:
			j.punctuation(c)
			ended = len(j.open) < depth
		case c == '{', c == '[':
			if c == '{' && j.isNextLine() {
				return "{", true
			}
			if value.kind = nodeObject; c == '[' {
				value.kind = nodeList
				if depth == 0 || depth == 1 && len(j.nodes) > 1 && isManifestKey(j.nodes[1].text) && j.nodes[len(j.nodes)-1].text == "sources" {
					j.list = depth + 1
				}
			}
			j.open = append(j.open, len(j.nodes))
			value.end, ended = 0, false
			j.push(value)
		case c == '"':
			if n = stringLength(rest); n < 0 {
				return "", false
			}
			if rest[n-1] == '\n' {
				j.torn = j.next
				j.next += n
				j.at = spot{j.at.line + 1, 1}
				return "\n", true
			}
			value.kind, value.text = nodeText, j.unquote(rest[:n])
			j.push(value)
		default:
			if n = bytes.IndexAny(rest, " \t\r\n,:[]{}\"#/"); n < 0 {
				n = len(rest)
			}
			if n = max(n, 1); n == len(rest) && !j.eof {
				return "", false
			}
			if string(rest[:n]) == "null" {
				value.kind = nodeNull
			} else if strings.IndexByte("]},:/", c) < 0 {
				blank(rest[:n])
				rest[0] = '0'
			}
			j.push(value)
		}
		j.next += n
		j.at.column += n
		if ended && (len(j.open) == 0 || len(j.open) == j.list) {
			return "", true
		}
	}
	return "", false
}

func (j *jsonReader) push(n node) {
	j.nodes = append(j.nodes, n)
	j.comma = -1
}

// isNextLine reports whether the brace that comes next begins another line's value: it is the first of its line, and no
// value can be there in the one that is open.
func (j *jsonReader) isNextLine() bool {
	if len(j.open) == 0 || j.list > 0 || j.at.column > 1 {
		return false
	}
	before := bytes.TrimRight(j.text[:j.next], " \t\r\n")
	return strings.IndexByte("{[,:", before[len(before)-1]) < 0
}

// punctuation takes what is between the values of an object or a list, or ends it.
func (j *jsonReader) punctuation(c byte) {
	last, comma := len(j.open)-1, j.comma
	j.comma = -1
	switch {
	case c == ',':
		if comma < 0 && (j.open[last] < len(j.nodes)-1 || j.before != "") {
			j.comma = j.next
		}
	case c != ':':
		if comma >= 0 {
			j.text[comma] = ' '
		}
		if n := j.open[last]; n >= 0 {
			j.nodes[n].end, j.nodes[n].stop = len(j.nodes), j.at
		}
		j.open = j.open[:last]
		if last < j.list {
			j.list = 0
			if last == 1 && j.before != "" { // the manifest goes on
				j.nodes, j.open[0] = append(j.nodes[:0], node{kind: nodeObject, at: j.target.from}), 0
			}
		}
	}
}

// commentLength returns the length of a comment, without the line end after it, or -1 for a comment without an end.
func commentLength(s []byte, eof bool) int {
	if s[0] == '/' && s[1] == '*' {
		if n := bytes.Index(s[2:], []byte("*/")); n >= 0 {
			return n + 4
		}
		return -1
	}
	n := bytes.IndexByte(s, '\n')
	if n < 0 && eof {
		n = len(s)
	}
	return n
}

func blank(s []byte) {
	for i := range s {
		if s[i] != '\n' {
			s[i] = ' '
		}
	}
}

// stringLength returns the length of a string with its quotes, or up to the end of the line if it does not end before. It
// is -1 if neither is there.
func stringLength(s []byte) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '"', '\n':
			return i + 1
		case '\\':
			if i+1 < len(s) && s[i+1] != '\n' {
				i++
			}
		}
	}
	return -1
}

// characters matches a string as far as its escapes are characters. Surrogates are halves of one, and must be pairs;
// encoding/json takes others for the character U+FFFD.
var characters = regexp.MustCompile(`^(?:[^\\]|\\[^u]|\\u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]|[dD][0-7])[0-9a-fA-F]{2}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*`)

// unquote returns the string in quotes. What is wrong with it is found with the whole value.
func (j *jsonReader) unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 || !utf8.Valid(inner) {
		return string(inner)
	}
	if n := len(characters.Find(inner)); n < len(inner) && j.half < 0 {
		j.half = j.next + 1 + n
	}
	var s string
	_ = json.Unmarshal(quoted, &s)
	return s
}

// expected says what JSON has where encoding/json finds something else.
var expected = [...][2]string{
	{"escape", `an escape such as \" or \u00e9`},
	{"in string literal", `control characters as escapes, such as \t for a tab`},
	{"beginning of object key string", "a key in double quotes, or the closing brace"},
	{"after object key:value pair", "a comma or the closing brace, after the value"},
	{"after object key", "a colon, after the key"},
	{"after array element", "a comma or the closing bracket, after the value"},
	{"", "a value"},
}

// syntax returns what is wrong with the value, or nil if it is JSON.
func (j *jsonReader) syntax(instead string) *rowFault {
	text, end := j.text[:j.next], instead
	switch {
	case instead == "?":
		if text = j.text; j.next < len(text) {
			j.torn = j.next
		}
	case instead == "" && j.list > 0:
		end = [...]string{1: "]", 2: "]}"}[j.list]
	}
	whole := text
	if j.before != "" || end != "" {
		j.whole = append(append(append(j.whole[:0], j.before...), text...), end...)
		whole = j.whole
	}
	if j.half < 0 && json.Valid(whole) {
		return nil
	}
	offset, found := j.half, "escape"
	var s *json.SyntaxError
	if errors.As(json.Unmarshal(whole, &struct{}{}), &s) {
		if n := int(s.Offset) - 1 - len(j.before); offset < 0 || n < offset {
			offset, found = max(n, 0), s.Error()
		}
	}
	detail := ""
	switch {
	case j.torn >= 0 && offset >= j.torn:
		offset, detail = j.torn, "must end with a quote on the same line, as it begins with one"
		if text[offset] == '/' {
			detail = "must end with */, as the comment begins with /*"
		}
	case strings.Contains(found, "escape"): // it is the escape that is wrong, not the character in it
		offset = bytes.LastIndexByte(text[:offset+1], '\\')
		fallthrough
	default:
		i := slices.IndexFunc(expected[:], func(e [2]string) bool { return strings.Contains(found, e[0]) })
		detail = "must be JSON: " + expected[i][1]
	}
	before := text[:offset]
	at := spot{j.begin.line + bytes.Count(before, []byte("\n")), offset - bytes.LastIndexByte(before, '\n')}
	if at.line == j.begin.line {
		at.column = j.begin.column + offset
	}
	return &rowFault{at, detail}
}
