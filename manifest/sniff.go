package manifest

import (
	"bufio"
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/readsetimport/readsetimport"
)

// readFunc reads an input of one family of formats.
type readFunc func(rd *reader, in *bufio.Reader) error

// sniff recognises the family of a format by the first line that is neither blank nor a comment. It takes nothing from
// the input but a byte order mark, and waits for no more of it than it needs.
func sniff(in *bufio.Reader) (readFunc, error) {
	for need := 1; ; need = in.Buffered() + 1 {
		_, err := in.Peek(min(need, bufferSize))
		if err != nil && err != io.EOF {
			return nil, err
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
		if read := recognise(head, all); read != nil {
			return read, nil
		}
	}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// recognise looks at the input's head. It returns nil when it must see more of it.
func recognise(head []byte, all bool) readFunc {
	switch {
	case len(head) == 0:
		return unknown(1, "must be a manifest or a sample sheet: it is empty")
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return unknown(1, "must be text: it is an Excel workbook or a zip file, which can be saved as CSV")
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return unknown(1, "must be UTF-8: it is UTF-16, and can be saved as CSV UTF-8")
	}
	number := 0
	for line := range bytes.Lines(head) {
		number++
		text := bytes.TrimSpace(line)
		half := !all && line[len(line)-1] != '\n'
		switch {
		case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")), !half && bytes.HasPrefix(text, []byte("/*")):
			return (*reader).json
		case half: // but for JSON, whose first line can be long, a line is needed as a whole
			return nil
		case len(text) == 0 || text[0] == '#' || bytes.HasPrefix(text, []byte("//")):
		case bytes.IndexByte(text, 0) >= 0:
			return unknown(number, "must be text: it has zero bytes")
		case isYAML(string(text)):
			return (*reader).yaml
		case isListing(strings.TrimSuffix(string(line), "\n")):
			return (*reader).listing
		case isURI(string(text)):
			return (*reader).uris
		default:
			c := comma(text)
			return func(rd *reader, in *bufio.Reader) error { return rd.table(in, c) }
		}
	}
	if !all {
		return nil
	}
	return unknown(1, "must be a manifest or a sample sheet: it has comments and blank lines only")
}

// unknown notes that an input has no format, as its first significant line shows.
func unknown(line int, detail string) readFunc {
	return func(rd *reader, _ *bufio.Reader) error {
		rd.fault(place{line: line, column: 1}, fault{rule: readsetimport.RulePattern, detail: detail, err: ErrUnknownFormat})
		return nil
	}
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
	return slices.Contains(manifestKeys.keys, key) || slices.Contains(sourceKeys.keys, key)
}

var quotedText = regexp.MustCompile(`"[^"]*"?`)

// comma returns what separates the columns of a header: the most frequent of the candidates, a comma if there is none.
func comma(header []byte) byte {
	header = quotedText.ReplaceAll(header, nil)
	best, most := byte(','), 0
	for _, c := range []byte{'\t', ',', ';'} {
		if n := bytes.Count(header, []byte{c}); n > most {
			best, most = c, n
		}
	}
	return best
}
