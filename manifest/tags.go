package manifest

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

var errTags = errors.New(`must be tags as JSON or as a Python dict, such as {"key": "value"}, all strings`)

// parseTags reads the tags of a field: a JSON object or a Python dict literal, of strings. No tags at all are nil.
func parseTags(s string) (map[string]string, error) {
	p := tagParser{strings.TrimSpace(s)}
	if !p.skip('{') {
		return nil, errTags
	}
	var tags map[string]string
	for more := true; !p.skip('}'); more = p.skip(',') {
		if !more {
			return nil, errTags
		}
		key, ok := p.text()
		if !ok || !p.skip(':') {
			return nil, errTags
		}
		value, ok := p.text()
		if !ok {
			return nil, errTags
		}
		if tags == nil {
			tags = make(map[string]string)
		}
		if _, twice := tags[key]; twice {
			return nil, errors.New("must have each tag once: one key is there twice")
		}
		tags[key] = value
	}
	if p.rest != "" {
		return nil, errTags
	}
	return tags, nil
}

type tagParser struct{ rest string }

// skip takes a character, and the white space after it, if it is there.
func (p *tagParser) skip(c byte) bool {
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = strings.TrimLeft(p.rest[1:], " \t\r\n")
	return true
}

// text takes a string in either kind of quotes.
func (p *tagParser) text() (string, bool) {
	if p.rest == "" || p.rest[0] != '"' && p.rest[0] != '\'' {
		return "", false
	}
	quote := p.rest[0]
	if n := strings.IndexAny(p.rest[1:], "\\"+p.rest[:1]); n >= 0 && p.rest[1+n] == quote {
		text := p.rest[1 : 1+n]
		p.rest = p.rest[1+n:]
		return text, p.skip(quote)
	}
	var b strings.Builder
	for i := 1; i < len(p.rest); {
		switch c := p.rest[i]; c {
		case quote:
			p.rest = p.rest[i:]
			return b.String(), p.skip(quote)
		case '\\':
			r, size, ok := unescape(p.rest[i:])
			if !ok {
				return "", false
			}
			b.WriteRune(r)
			i += size
		default:
			b.WriteByte(c)
			i++
		}
	}
	return "", false
}

// unescape reads the escapes of JSON and Python, at the begin of s, and returns their size. Surrogates must be pairs.
func unescape(s string) (r rune, size int, ok bool) {
	if len(s) < 2 {
		return 0, 0, false
	}
	switch s[1] {
	case '\\', '\'', '"', '/':
		return rune(s[1]), 2, true
	case 'b':
		return '\b', 2, true
	case 'f':
		return '\f', 2, true
	case 'n':
		return '\n', 2, true
	case 't':
		return '\t', 2, true
	case 'r':
		return '\r', 2, true
	case 'x':
		return hex(s, 2, 2)
	case 'u':
		r, size, ok = hex(s, 2, 4)
		if 0xd800 <= r && r < 0xdc00 && len(s) > size+2 && s[size] == '\\' && s[size+1] == 'u' {
			low, lowSize, lowOK := hex(s[size:], 2, 4)
			if lowOK && 0xdc00 <= low && low < 0xe000 {
				return (r-0xd800)<<10 + (low - 0xdc00) + 0x10000, size + lowSize, true
			}
		}
		return r, size, ok && utf8.ValidRune(r)
	case 'U':
		r, size, ok = hex(s, 2, 8)
		return r, size, ok && utf8.ValidRune(r)
	}
	return 0, 0, false
}

// hex reads an escape's digits.
func hex(s string, from, digits int) (r rune, size int, ok bool) {
	if len(s) < from+digits {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(s[from:from+digits], 16, 31)
	return rune(n), from + digits, err == nil
}
