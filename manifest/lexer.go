package manifest

import (
	"bufio"
	"io"
	"strings"
)

// lexer splits JSON into tokens, and knows where each of them stands. It differs from encoding/json in what manifests
// need: it takes comments, reads no more than it must, bounds the memory for a token, and alters no invalid text.
type lexer struct {
	in     *bufio.Reader
	next   spot // of the next byte
	offset int64

	kind byte   // of the token: one of {}[]:, or a string ("), another literal (0 to 9 and letters: a), the end (0)
	text string // of a string
	at   spot   // where the token begins
	buf  []byte
}

// Kinds of tokens that are no character of their own.
const (
	tokenEnd     = 0
	tokenString  = '"'
	tokenLiteral = 'a'
	tokenNull    = 'n'
)

// syntaxError is JSON that cannot be read on.
type syntaxError struct {
	at     spot
	detail string
}

func (e *syntaxError) Error() string { return e.detail }

func newLexer(in *bufio.Reader) *lexer { return &lexer{in: in, next: spot{1, 1}} }

// read takes a byte, or 0 at the end.
func (l *lexer) read() (byte, error) {
	c, err := l.in.ReadByte()
	if err != nil {
		return 0, err
	}
	l.offset++
	l.next.column++
	if c == '\n' {
		l.next.line++
		l.next.column = 1
	}
	return c, nil
}

// peek looks at the next byte, 0 at the end.
func (l *lexer) peek() byte {
	b, _ := l.in.Peek(1)
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

func (l *lexer) fail(detail string) error { return &syntaxError{l.at, detail} }

// advance reads the next token. At the end of the input its kind is tokenEnd.
func (l *lexer) advance() error {
	for {
		l.at = l.next
		c, err := l.read()
		if err == io.EOF {
			l.kind = tokenEnd
			return nil
		}
		if err != nil {
			return err
		}
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			continue
		case c == '#', c == '/' && l.peek() == '/':
			err = l.skipLine()
		case c == '/' && l.peek() == '*':
			err = l.skipComment()
		case strings.IndexByte("{}[]:,", c) >= 0:
			l.kind = c
			return nil
		case c == '"':
			l.kind = tokenString
			return l.string()
		case isLiteral(c):
			return l.literal(c)
		default:
			return l.fail("must be JSON: this character begins no value")
		}
		if err != nil {
			return err
		}
	}
}

// skipLine takes the rest of the line.
func (l *lexer) skipLine() error {
	for {
		c, err := l.read()
		if err == io.EOF || c == '\n' {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// skipComment takes a /* comment */ from its star on.
func (l *lexer) skipComment() error {
	_, _ = l.read()
	for {
		c, err := l.read()
		if err == io.EOF {
			return l.fail("must end with */, as the comment begins with /*")
		}
		if err != nil {
			return err
		}
		if c == '*' && l.peek() == '/' {
			_, err = l.read()
			return err
		}
	}
}

// literal takes a number, true, false or null. Which of the first three it is matters to nobody.
func (l *lexer) literal(first byte) error {
	l.buf = append(l.buf[:0], first)
	for isLiteral(l.peek()) {
		c, err := l.read()
		if err != nil {
			return err
		}
		if len(l.buf) < maxField {
			l.buf = append(l.buf, c)
		}
	}
	l.kind = tokenLiteral
	if string(l.buf) == "null" {
		l.kind = tokenNull
	}
	return nil
}

func isLiteral(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || c == '+' || c == '.' || c == '_'
}

// string takes a string from its first character on.
func (l *lexer) string() error {
	l.buf = l.buf[:0]
	for {
		l.plain()
		at := l.next
		c, err := l.read()
		if err == io.EOF || c == '\n' {
			return l.fail("must end with a quote on the same line, as it begins with one")
		}
		if err != nil {
			return err
		}
		switch {
		case c == '"':
			l.text = known(l.buf)
			return nil
		case c < ' ':
			return &syntaxError{at, `must have control characters as escapes, such as \t for a tab`}
		case c != '\\':
			l.buf = append(l.buf, c)
		default:
			if err := l.escape(at); err != nil {
				return err
			}
		}
		if len(l.buf) > maxField {
			return l.fail("must be a string of at most 128 KiB")
		}
	}
}

// plain takes what is in the buffer of the input up to the next character that means something in a string.
func (l *lexer) plain() {
	b, _ := l.in.Peek(l.in.Buffered())
	n := 0
	for n < len(b) && b[n] != '"' && b[n] != '\\' && b[n] >= ' ' {
		n++
	}
	l.buf = append(l.buf, b[:n]...)
	_, _ = l.in.Discard(n)
	l.next.column += n
	l.offset += int64(n)
}

// known is string(b) without the allocation for the keys of every source.
func known(b []byte) string {
	for _, keys := range [...][]string{sourceKeys, fileKeys} {
		for _, key := range keys {
			if string(b) == key {
				return key
			}
		}
	}
	return string(b)
}

// escape takes an escape from the character after its backslash on.
func (l *lexer) escape(at spot) error {
	rest, _ := l.in.Peek(11) // \uXXXX\uXXXX without the first backslash
	if len(rest) > 0 && strings.IndexByte(`"\/bfnrtu`, rest[0]) >= 0 {
		if r, size, ok := unescape(`\` + string(rest)); ok {
			for range size - 1 {
				if _, err := l.read(); err != nil {
					return err
				}
			}
			l.buf = append(l.buf, string(r)...)
			return nil
		}
	}
	return &syntaxError{at, `must be an escape of JSON, such as \" or \u00e9`}
}

// skip takes the rest of the value that the token begins, however deep it is.
func (l *lexer) skip() error {
	for depth := 0; ; {
		switch l.kind {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case tokenEnd:
			return l.fail("must go on: a bracket is open")
		}
		if depth <= 0 {
			return nil
		}
		if err := l.advance(); err != nil {
			return err
		}
	}
}
