// Package quote writes strings in JSON as encoding/json does, byte by byte: hashes are made of what it writes, and the lines
// of journals.
package quote

import "encoding/json"

// Append appends s as a JSON string.
func Append(b []byte, s string) []byte {
	for i := range len(s) {
		if !plain[s[i]] {
			return appendEscaped(b, s)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// plain has the ASCII characters that stand for themselves, of which nearly all strings are.
var plain = func() (is [256]bool) {
	for c := ' '; c <= '~'; c++ {
		is[c] = true
	}
	for _, c := range `"\<>&` { // encoding/json escapes the last three for the sake of HTML
		is[c] = false
	}
	return is
}()

func appendEscaped(b []byte, s string) []byte {
	quoted, err := json.Marshal(s)
	if err != nil {
		panic(err) // every string can be written
	}
	return append(b, quoted...)
}
