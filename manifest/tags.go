package manifest

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	errTags      = errors.New(`must be tags as JSON or as a Python dict, such as {"key": "value"}, all strings`)
	errTagsTwice = errors.New("must have each tag once: one key is there twice")
)

// parseTags reads the tags of a field: a JSON object or a Python dict literal, of strings. No tags at all are nil.
func parseTags(s string) (tags map[string]string, err error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), "{")
	for rest = strings.TrimSpace(rest); ok && rest != "}"; rest = strings.TrimSpace(rest) {
		var key, value string
		if key, rest, ok = cutString(rest); !ok || !strings.HasPrefix(rest, ":") {
			return nil, errTags
		}
		if value, rest, ok = cutString(strings.TrimSpace(rest[1:])); !ok {
			return nil, errTags
		}
		if _, twice := tags[key]; twice {
			return nil, errTagsTwice
		}
		if tags == nil {
			tags = make(map[string]string)
		}
		tags[key] = value
		rest, ok = strings.CutPrefix(rest, ",")
		ok = ok || rest == "}"
	}
	if !ok {
		return nil, errTags
	}
	return tags, nil
}

// cutString returns the string in single or double quotes that s begins with, and what follows it.
func cutString(s string) (text, rest string, ok bool) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return "", "", false
	}
	end := 1
	for end < len(s) && s[end] != s[0] {
		if s[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(s) {
		return "", "", false
	}
	text, ok = unquoteTag(s[:end+1])
	return text, strings.TrimSpace(s[end+1:]), ok
}

// unquoteTag returns a string of JSON or of Python, whose escapes are those of Go.
func unquoteTag(quoted string) (text string, ok bool) {
	inner := quoted[1 : len(quoted)-1]
	switch {
	case !utf8.ValidString(inner):
		return "", false
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
