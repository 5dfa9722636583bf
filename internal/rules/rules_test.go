package rules

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rule is the rule that a value breaks, or nothing. It fails if the fault does not say what is allowed.
func rule(f *Fault) string {
	if f == nil {
		return ""
	}
	if f.Detail == "" {
		panic("a fault without a detail")
	}
	return f.Rule
}

// Bits of text at which constraints end.
const (
	tab        = "a\tb"
	newline    = "a\n"
	noUTF8     = "a\xffb"
	halfRune   = "a\xe2\x82"
	surrogate  = "\xed\xa0\x80" // U+D800 written as if it were a character
	unassigned = "a\u0378"
	privateUse = "a\ue000"
	softHyphen = "a\u00adb" // format, as are the next two
	zeroWidth  = "a\u200bb"
	byteOrder  = "\ufeffa"
	nonASCII   = "ä–β 試料　e\u0301 №①🧬"
)

func TestText(t *testing.T) {
	const ok, length, pattern = "", Length, Pattern
	for _, most := range []int{127, 255} {
		for name, tc := range map[string]struct{ value, want string }{
			"empty":                          {"", Required},
			"one character":                  {"a", ok},
			"a blank":                        {" ", ok},
			"the most characters":            {strings.Repeat("a", most), ok},
			"one too many":                   {strings.Repeat("a", most+1), length},
			"the most of two bytes":          {strings.Repeat("é", most), ok},
			"one too many of two bytes":      {strings.Repeat("é", most+1), length},
			"the most of four bytes":         {strings.Repeat("🧬", most), ok},
			"one too many of four bytes":     {strings.Repeat("🧬", most+1), length},
			"letters, marks, signs, numbers": {nonASCII, ok},
			"every printable ASCII":          {" !\"#$%&'()*+,-./0:;<=>?@A[\\]^_`a{|}~", ok},
			"line separator":                 {"a\u2028b", ok}, // of category Z, unlike the newline
			"replacement character":          {"a\ufffd", ok},  // a sign like others, if it is really there
			"tab":                            {tab, pattern},
			"newline":                        {newline, pattern},
			"carriage return":                {"a\r", pattern},
			"NUL":                            {"a\x00", pattern},
			"delete":                         {"a\x7f", pattern},
			"next line":                      {"a\u0085", pattern},
			"unassigned":                     {unassigned, pattern},
			"private use":                    {privateUse, pattern},
			"soft hyphen":                    {softHyphen, pattern},
			"zero-width space":               {zeroWidth, pattern},
			"byte order mark":                {byteOrder, pattern},
			"invalid UTF-8":                  {noUTF8, pattern},
			"UTF-8 cut off":                  {halfRune, pattern},
			"surrogate":                      {surrogate, pattern},
		} {
			require.Equal(t, tc.want, rule(Text(tc.value, most)), "%s, of %d", name, most)
		}
	}
}

func TestID(t *testing.T) {
	const ok, required, length, pattern = "", Required, Length, Pattern
	for name, tc := range map[string]struct {
		id   string
		want string
	}{
		"empty":            {"", required},
		"9 digits":         {strings.Repeat("1", 9), length},
		"10 digits":        {strings.Repeat("1", 10), ok},
		"36 digits":        {strings.Repeat("1", 36), ok},
		"37 digits":        {strings.Repeat("1", 37), length},
		"letters":          {"12345abcde", pattern},
		"other digits":     {strings.Repeat("٣", 10), pattern},
		"a way up":         {"../../../..", pattern},
		"a slash":          {"12345/67890", pattern},
		"a newline":        {"1234567890\n", pattern},
		"a blank":          {" 1234567890", pattern},
		"invalid UTF-8":    {"1234567890\xff", pattern},
		"an ARN":           {"arn:aws:omics:us-west-2:123456789012:sequenceStore/1234567890", pattern},
		"a sign":           {"-1234567890", pattern},
		"bytes around '0'": {"123456789/", pattern},
		"bytes around '9'": {"123456789:", pattern},
	} {
		require.Equal(t, tc.want, rule(ID(tc.id)), name)
		require.Equal(t, tc.want == ok, IsID(tc.id), name)
	}
}

func TestIsAccount(t *testing.T) {
	for id, want := range map[string]bool{
		"123456789012": true, "": false, "12345678901": false, "1234567890123": false, "12345678901x": false, "１２３４": false,
	} {
		require.Equal(t, want, IsAccount(id), id)
	}
}

func TestTagKey(t *testing.T) {
	const ok, length, pattern, reserved = "", Length, Pattern, Reserved
	for key, want := range map[string]string{
		"":                                length,
		"key":                             ok,
		"Projekt ä 試料-_.:/=+@7":           ok,
		strings.Repeat("k", 128):          ok,
		strings.Repeat("試", 128):          ok,
		strings.Repeat("k", 129):          length,
		strings.Repeat("試", 129):          length,
		"aws:omics:sampleId":              reserved,
		"aws:":                            reserved,
		"AWS:x":                           reserved,
		"aWs:?":                           reserved,
		"aws":                             ok,
		"awsx:":                           ok,
		"my-aws:x":                        ok,
		" aws:":                           ok,
		"a,b":                             pattern,
		"?":                               pattern,
		tab:                               pattern,
		newline:                           pattern,
		noUTF8:                            pattern,
		"e\u0301":                         pattern,
		"aws:" + strings.Repeat("k", 125): length,
	} {
		require.Equal(t, want, rule(TagKey(key)), key)
		require.Equal(t, want == reserved || strings.HasPrefix(key, "aws:"), IsReservedTagKey(key), key)
	}
}

func TestTagValue(t *testing.T) {
	const ok, length, pattern = "", Length, Pattern
	for value, want := range map[string]string{
		"":                       ok,
		"Wert é　-_.:/=+@":        ok,
		"aws:x":                  ok,
		strings.Repeat("v", 256): ok,
		strings.Repeat("é", 256): ok,
		strings.Repeat("v", 257): length,
		strings.Repeat("é", 257): length,
		"a,b":                    pattern,
		"!":                      pattern,
		tab:                      pattern,
		"a\nb":                   pattern,
		"e\u0301":                pattern,
		"🧬":                      pattern,
		noUTF8:                   pattern,
	} {
		require.Equal(t, want, rule(TagValue(value)), value)
	}
}

// A required value that is missing is told as such, whatever else is allowed.
func TestAllowed(t *testing.T) {
	require.Equal(t, &Fault{Required, "is required: red or blue"}, Allowed("", "enum", "red or blue"))
	require.Equal(t, &Fault{"enum", "must be red or blue"}, Allowed("green", "enum", "red or blue"))
}

// Eight characters are looked at together: each byte must count at each place, beside others of every kind.
func TestIsPrintable(t *testing.T) {
	t.Parallel()
	for _, beside := range []byte{' ', 'a', '~'} {
		for length := range 20 {
			text := []byte(strings.Repeat(string(beside), length))
			require.Equal(t, length >= 1 && length <= 18, isPrintable(string(text), 1, 18))
			for place := range text {
				for c := range 256 {
					text[place] = byte(c)
					want := 0x20 <= c && c <= 0x7e && length <= 18
					if want != isPrintable(string(text), 1, 18) {
						t.Fatalf("%q: want %v", text, want)
					}
				}
				text[place] = beside
			}
		}
	}
}
