// Package cells writes what others have named, such as files and messages, so that neither a terminal nor a spreadsheet obeys it.
package cells

import (
	"bytes"
	"encoding/csv"
	"regexp"
	"strings"
	"unicode"
)

// Printable returns text without characters that a terminal would obey, in one line.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.C, unicode.Zl, unicode.Zp) {
			return '?'
		}
		return r
	}, text)
}

// Row returns a row of a CSV file, of which no cell is a formula.
func Row(fields ...string) []byte {
	safe := make([]string, len(fields))
	for i, f := range fields {
		safe[i] = cell(f)
	}
	var line bytes.Buffer
	w := csv.NewWriter(&line)
	_ = w.Write(safe) // a buffer takes everything
	w.Flush()
	return line.Bytes()
}

// formula matches what a spreadsheet takes for the beginning of a formula, at the beginning of a cell or, where the
// semicolon separates cells, behind one.
var formula = regexp.MustCompile(`(^|;)([\s"']*[=+\-@＝＋－＠])`)

// cell returns text that no spreadsheet takes for a formula, in one line.
func cell(text string) string { return formula.ReplaceAllString(Printable(text), "$1'$2") }
