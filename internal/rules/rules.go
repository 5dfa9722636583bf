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

var notUTF8 = Fault{Pattern, "must be valid UTF-8"}

// Text checks a text of 1 to most characters: ^[\p{L}||\p{M}||\p{Z}||\p{S}||\p{N}||\p{P}]+$ of the service model.
func Text(value string, most int) *Fault {
	switch {
	case value == "":
		return fault(Required, fmt.Sprintf("is required: 1 to %d characters", most))
	case !utf8.ValidString(value):
		return &notUTF8
	case !within(value, 1, most):
		return fault(Length, fmt.Sprintf("must have at most %d characters", most))
	case !isText(value):
		return fault(Pattern, "must have no control characters, such as tab and newline, nor other characters of Unicode category C")
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

// within reports whether s has least to most code points.
func within(s string, least, most int) bool {
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
		if 0x20 <= r && r < 0x7f {
			continue
		}
		if !unicode.In(r, unicode.L, unicode.M, unicode.Z, unicode.S, unicode.N, unicode.P) {
			return false
		}
	}
	return true
}

// TagKey checks the key of a tag.
func TagKey(key string) *Fault {
	switch {
	case !within(key, 1, 128):
		return fault(Length, "must have a key of 1 to 128 characters")
	case IsReservedTagKey(key):
		return fault(Reserved, "must not have a key that begins with aws:, which AWS reserves")
	case !isTagText(key):
		return fault(Pattern, "must have a key of letters, digits, white space and _ . : / = + - @ only")
	}
	return nil
}

// TagValue checks the value of a tag. It may be empty.
func TagValue(value string) *Fault {
	switch {
	case !within(value, 0, 256):
		return fault(Length, "must have a value of at most 256 characters")
	case !isTagText(value):
		return fault(Pattern, "must have a value of letters, digits, white space and _ . : / = + - @ only")
	}
	return nil
}

// IsReservedTagKey reports whether AWS keeps the key of a tag for itself.
func IsReservedTagKey(key string) bool { return len(key) >= 4 && strings.EqualFold(key[:4], "aws:") }

// isTagText is ^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$, the characters of tags in all of AWS.
func isTagText(s string) bool {
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		case strings.ContainsRune(" _.:/=+-@", r):
		case !unicode.In(r, unicode.L, unicode.Z, unicode.N):
			return false
		}
	}
	return true
}
