package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

var (
	errTags      = errors.New(`must be tags as JSON or as a Python dict, such as {"key": "value"}, all strings`)
	errTagsTwice = errors.New("must have each tag once: one key is there twice")
)

// parseTags reads the tags of a field: a JSON object or a Python dict literal, of strings. No tags at all are nil.
func parseTags(s string) (tags map[string]string, err error) {
	text, count, ok := pythonToJSON(s)
	switch {
	case !ok || json.Unmarshal(text, &tags) != nil:
		return nil, errTags
	case count != 2*len(tags):
		return nil, errTagsTwice
	case count == 0:
		return nil, nil
	}
	return tags, nil
}

// pythonToJSON makes JSON of a dict literal: strings in double quotes, with the escapes that JSON has, and no comma at the
// end. JSON stays as it is. It counts the strings. It is not ok for what encoding/json would take and tags are not: other
// values than strings, and characters that are none.
func pythonToJSON(s string) (text []byte, count int, ok bool) {
	quote := byte(0)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quote == 0 && (c == '"' || c == '\''):
			quote, text = c, append(text, '"')
			count++
		case quote == 0 && c == '}' && count > 0:
			text = append(bytes.TrimSuffix(bytes.TrimRight(text, " \t\r\n"), []byte(",")), c)
		case quote == 0 && strings.IndexByte("{}:, \t\r\n", c) < 0:
			return nil, 0, false
		case quote != 0 && c == quote:
			quote, text = 0, append(text, '"')
		case quote != 0 && c == '"':
			text = append(text, `\"`...)
		case c != '\\' || i+1 == len(s):
			text = append(text, c)
		default:
			i++
			switch s[i] {
			case '\'':
				text = append(text, '\'')
			case 'x':
				text = append(text, `\u00`...)
			case 'U':
				n, err := strconv.ParseUint(s[i+1:min(i+9, len(s))], 16, 32)
				if err != nil || !utf8.ValidRune(rune(n)) {
					return nil, 0, false
				}
				for _, half := range utf16.Encode([]rune{rune(n)}) {
					text = fmt.Appendf(text, `\u%04x`, half)
				}
				i += 8
			default:
				text = append(text, c, s[i])
			}
		}
	}
	return text, count, utf8.Valid(text) && (bytes.IndexByte(text, '\\') < 0 || len(characters.Find(text)) == len(text))
}
