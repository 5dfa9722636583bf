package manifest

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"text/scanner"
	"unicode/utf8"
)

var (
	errTags      = errors.New(`must be tags as JSON or as a Python dict, such as {"key": "value"}, all strings`)
	errTagsTwice = errors.New("must have each tag once: one key is there twice")
)

// parseTags reads the tags of a field: a JSON object or a Python dict literal, of strings. No tags at all are nil.
// The scanner is used for one field after the other, since it has a large buffer.
func parseTags(s *scanner.Scanner, text string) (tags map[string]string, err error) {
	s.Init(strings.NewReader(text)).Mode = scanner.ScanStrings | scanner.ScanChars
	s.Error = func(*scanner.Scanner, string) {} // unquoteTag sees what is wrong with a string
	if s.Scan() != '{' {
		return nil, errTags
	}
	token := ','
	for token == ',' {
		if token = s.Scan(); token == '}' {
			break
		}
		key, isKey := unquoteTag(s.TokenText())
		isKey = isKey && s.Scan() == ':'
		s.Scan()
		value, isValue := unquoteTag(s.TokenText())
		if !isKey || !isValue {
			return nil, errTags
		}
		if _, twice := tags[key]; twice {
			return nil, errTagsTwice
		}
		if tags == nil {
			tags = make(map[string]string)
		}
		tags[key] = value
		token = s.Scan()
	}
	if token != '}' || s.Scan() != scanner.EOF {
		return nil, errTags
	}
	return tags, nil
}

// unquoteTag returns a string of JSON or of Python, whose escapes are those of Go.
func unquoteTag(quoted string) (text string, ok bool) {
	last := len(quoted) - 1
	if last < 1 || quoted[0] != quoted[last] || quoted[0] != '"' && quoted[0] != '\'' || !utf8.ValidString(quoted) {
		return "", false
	}
	inner := quoted[1:last]
	switch {
	case strings.IndexByte(inner, '\\') < 0:
		return inner, true
	case quoted[0] == '"' && len(characters.FindString(inner)) == len(inner):
		err := json.Unmarshal([]byte(quoted), &text)
		return text, err == nil
	}
	var b strings.Builder
	for inner != "" {
		r, _, rest, err := strconv.UnquoteChar(inner, quoted[0])
		if err != nil {
			return "", false
		}
		b.WriteRune(r)
		inner = rest
	}
	return b.String(), true
}
