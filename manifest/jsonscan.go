package manifest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Tokens of JSON, besides brackets, braces, commas and colons.
const (
	tokenEnd    = 0   // there is no more
	tokenBad    = '!' // a string or a comment without an end, or no token because of a mistake
	tokenBlank  = ' ' // white space or a comment, which next leaves out
	tokenString = '"'
	tokenWord   = 'w' // null, or a number or other text without quotes, which is a fault wherever a manifest has values
)

// jsonScanner reads the tokens of JSON.
type jsonScanner struct {
	in     *bufio.Scanner
	token  byte      // the last one
	start  spot      // where it begins
	at     spot      // where it ends
	unread bool      // it comes again
	depth  int       // of the brackets around it
	over   bool      // no token comes any more
	syntax *rowFault // the first mistake, which keeps tokens from coming
}

func newJSONScanner(in io.Reader) *jsonScanner {
	s := &jsonScanner{in: bufio.NewScanner(in), at: spot{1, 1}}
	s.in.Buffer(nil, maxField)
	s.in.Split(s.split)
	return s
}

// next reads a token.
func (s *jsonScanner) next() byte {
	if s.syntax != nil {
		return tokenBad
	}
	if s.unread {
		s.unread = false
		return s.token
	}
	if s.token == '{' || s.token == '[' {
		s.depth++
	}
	for s.token = tokenBlank; s.token == tokenBlank; {
		s.start = s.at
		if s.over = s.over || !s.in.Scan(); s.over {
			s.token = tokenEnd
			return tokenEnd
		}
		text := s.in.Bytes()
		if last := bytes.LastIndexByte(text, '\n'); last < 0 {
			s.at.column += len(text)
		} else {
			s.at = spot{s.at.line + bytes.Count(text, []byte("\n")), len(text) - last}
		}
	}
	if s.token == '}' || s.token == ']' {
		s.depth--
	}
	return s.token
}

// ended reports whether the last token is the end of what can be understood.
func (s *jsonScanner) ended() bool { return s.token == tokenEnd || s.token == tokenBad }

// inputError returns the error of the input.
func (s *jsonScanner) inputError() error {
	if err := s.in.Err(); !errors.Is(err, bufio.ErrTooLong) {
		return err
	}
	return nil
}

// expected makes a mistake of the last token.
func (s *jsonScanner) expected(what string) {
	detail := "must be JSON: " + what
	switch {
	case s.token == tokenEnd && s.in.Err() != nil:
		detail = "must be a string or a comment of at most 128 KiB"
	case s.token == tokenBad && s.in.Bytes()[0] == '"':
		detail = "must end with a quote on the same line, as it begins with one"
	case s.token == tokenBad:
		detail = "must end with */, as the comment begins with /*"
	}
	s.mistake(s.start, detail)
}

func (s *jsonScanner) mistake(at spot, detail string) {
	if s.syntax == nil {
		s.syntax = &rowFault{at, detail}
	}
}

// split is a [bufio.SplitFunc].
func (s *jsonScanner) split(data []byte, all bool) (advance int, text []byte, err error) {
	if len(data) == 0 {
		return 0, nil, nil
	}
	n := 0
	switch s.token, n = measure(data); {
	case n < 0 && all:
		n = len(data)
	case n < 0:
		return 0, nil, nil
	}
	return n, data[:n], nil
}

// measure returns the token that begins a text, and its length, which is -1 if the token may go on after the text. If the
// text is all there is, the token has all of it.
func measure(text []byte) (token byte, length int) {
	switch c := text[0]; {
	case strings.IndexByte("{}[],:", c) >= 0:
		return c, 1
	case strings.IndexByte(" \t\r\n", c) >= 0:
		return tokenBlank, len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
	case c == '"':
		return measureString(text)
	case c == '#', bytes.HasPrefix(text, []byte("//")):
		return tokenBlank, bytes.IndexByte(text, '\n')
	case bytes.HasPrefix(text, []byte("/*")):
		if n := bytes.Index(text[2:], []byte("*/")); n >= 0 {
			return tokenBlank, n + len("/**/")
		}
		return tokenBad, -1
	case c == '/' && len(text) > 1:
		return c, 1
	case c == '/':
		return c, -1
	}
	return tokenWord, bytes.IndexAny(text, " \t\r\n,:[]{}\"#/")
}

// measureString measures a string with its quotes. It is bad, up to the end of the line, if it does not end before.
func measureString(text []byte) (token byte, length int) {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '"':
			return tokenString, i + 1
		case '\n':
			return tokenBad, i + 1
		case '\\':
			if i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		}
	}
	return tokenBad, -1
}

// characters matches the inside of a string as far as it is JSON and its escapes are characters. Surrogates are halves of
// one, and must be pairs; encoding/json takes others for the character U+FFFD.
var characters = regexp.MustCompile(`^(?:[^\\\x00-\x1f]|\\["\\/bfnrt]|\\u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]|[dD][0-7])[0-9a-fA-F]{2}|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*`)

// unquote returns the string that was read last.
func (s *jsonScanner) unquote() string {
	quoted := s.in.Bytes()
	inner := quoted[1 : len(quoted)-1]
	if !slices.ContainsFunc(inner, func(c byte) bool { return c == '\\' || c < ' ' }) {
		return string(inner)
	}
	if n := len(characters.Find(inner)); n < len(inner) {
		detail := `must be JSON: an escape such as \" or \u00e9`
		if inner[n] != '\\' {
			detail = `must be JSON: control characters as escapes, such as \t for a tab`
		}
		s.mistake(spot{s.start.line, s.start.column + 1 + n}, detail)
	}
	if !utf8.Valid(inner) {
		return string(inner) // encoding/json would mend it
	}
	var text string
	_ = json.Unmarshal(quoted, &text)
	return text
}
