// Package rules has the constraints that HealthOmics puts on single values: texts, ids, S3 URIs, ARNs and tags. Each
// function returns nil for a valid value, and then allocates nothing. Lengths count Unicode code points.
package rules

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The rules that a value can break.
const (
	Required    = "required"
	Length      = "length"
	Pattern     = "pattern"
	Enum        = "enum"
	Combination = "combination"
	Reserved    = "reserved"
	Duplicate   = "duplicate"
)

// Fault is what is wrong with a value.
type Fault struct {
	Rule   string // one of the constants
	Detail string // what is allowed, to stand behind the name of the field
}

func fault(rule, detail string) *Fault { return &Fault{Rule: rule, Detail: detail} }

// Allowed returns the fault of a value that breaks the rule where only what is allowed can stand. An empty value is
// missing, whatever the rule.
func Allowed(value, rule, allowed string) *Fault {
	if value == "" {
		return fault(Required, "is required: "+allowed)
	}
	return fault(rule, "must be "+allowed)
}

var (
	notUTF8      = Fault{Pattern, "must be valid UTF-8"}
	notText      = Fault{Pattern, "must have no control characters, such as tab and newline, nor other characters of Unicode category C"}
	notKeyLength = Fault{Length, "must have a key of 1 to 128 characters"}
	reservedKey  = Fault{Reserved, "must not have a key that begins with aws:, which AWS reserves"}
	notKeyText   = Fault{Pattern, "must have a key of letters, digits, white space and _ . : / = + - @ only"}
	longTagValue = Fault{Length, "must have a value of at most 256 characters"}
	notTagValue  = Fault{Pattern, "must have a value of letters, digits, white space and _ . : / = + - @ only"}
)

// Text checks a text of 1 to most characters: ^[\p{L}||\p{M}||\p{Z}||\p{S}||\p{N}||\p{P}]+$ of the service model.
func Text(value string, most int) *Fault {
	switch {
	case isPrintable(value, 1, most):
		return nil
	case value == "":
		return fault(Required, fmt.Sprintf("is required: 1 to %d characters", most))
	case !utf8.ValidString(value):
		return &notUTF8
	case !within(value, 1, most):
		return fault(Length, fmt.Sprintf("must have at most %d characters", most))
	case !isText(value):
		return &notText
	}
	return nil
}

// ID checks the id of a store, a job or a read set.
func ID(id string) *Fault {
	const allowed = "10 to 36 decimal digits"
	switch {
	case IsID(id):
		return nil
	case allDigits(id):
		return Allowed(id, Length, allowed)
	}
	return Allowed(id, Pattern, allowed)
}

// IsID reports whether id has the form of the id of a store, a job or a read set.
func IsID(id string) bool { return 10 <= len(id) && len(id) <= 36 && allDigits(id) }

// IsAccount reports whether id has the form of the id of an AWS account.
func IsAccount(id string) bool { return len(id) == 12 && allDigits(id) }

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// isPrintable reports whether s has least to most characters, all of them printable ASCII, as nearly all values do: what
// checks it first need not look at single characters.
func isPrintable(s string, least, most int) bool {
	if len(s) < least || len(s) > most {
		return false
	}
	const each = 0x0101010101010101
	for ; len(s) >= 8; s = s[8:] { // eight at once: the sums have a byte's highest bit where it is not from 0x20 to 0x7e
		x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
			uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		if (x|(x-0x20*each)|(x+each))&(0x80*each) != 0 {
			return false
		}
	}
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// within reports whether s has least to most code points.
func within(s string, least, most int) bool {
	if len(s) <= most && least <= 1 {
		return len(s) >= least // there are no more code points than bytes
	}
	n := utf8.RuneCountInString(s)
	return least <= n && n <= most
}

// singleLine reports whether s has no line terminator, as the dot of the service model's patterns means it (ECMA 262).
func singleLine(s string) bool {
	for _, r := range s {
		if r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' {
			return false
		}
	}
	return true
}

func isText(s string) bool {
	for _, r := range s {
		if !unicode.IsGraphic(r) && !unicode.Is(unicode.Z, r) { // which has the separators of lines and paragraphs besides
			return false
		}
	}
	return true
}

// TagKey checks the key of a tag.
func TagKey(key string) *Fault {
	switch {
	case !within(key, 1, 128):
		return &notKeyLength
	case IsReservedTagKey(key):
		return &reservedKey
	case !isTagText(key):
		return &notKeyText
	}
	return nil
}

// TagValue checks the value of a tag. It may be empty.
func TagValue(value string) *Fault {
	switch {
	case !within(value, 0, 256):
		return &longTagValue
	case !isTagText(value):
		return &notTagValue
	}
	return nil
}

// IsReservedTagKey reports whether AWS keeps the key of a tag for itself.
func IsReservedTagKey(key string) bool {
	return len(key) >= 4 && key[3] == ':' && strings.EqualFold(key[:3], "aws")
}

// isTagText is ^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$, the characters of tags in all of AWS.
func isTagText(s string) bool {
	plain := 0
	for plain < len(s) && tagASCII[s[plain]] {
		plain++
	}
	for _, r := range s[plain:] {
		switch {
		case r < utf8.RuneSelf:
			if !tagASCII[r] {
				return false
			}
		case !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Z, r):
			return false
		}
	}
	return true
}

// tagASCII has the ASCII characters of tags.
var tagASCII = setOf(" _.:/=+-@ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")

func setOf(ascii string) (is [256]bool) {
	for i := range len(ascii) {
		is[ascii[i]] = true
	}
	return is
}
