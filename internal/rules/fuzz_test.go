package rules

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// The service model's own patterns, as Go writes them. The dot is ECMA 262's: all but the four line terminators. A repetition of
// more than 1000 has to be written in two parts.
const (
	textPattern = `^[\p{L}||\p{M}||\p{Z}||\p{S}||\p{N}||\p{P}]+$`
	dot         = `[^\n\r\x{2028}\x{2029}]`
)

var (
	textRegexp      = regexp.MustCompile(textPattern)
	s3Regexp        = regexp.MustCompile(`^s3://([a-z0-9][a-z0-9-.]{1,61}[a-z0-9])/(` + dot + `{1,1000}` + dot + `{0,24})$`)
	arnRegexp       = regexp.MustCompile(`^arn:` + dot + `+$`)
	referenceRegexp = regexp.MustCompile(`^arn:[^:]+:omics:[^:]+:[0-9]{12}:referenceStore/[0-9]{10,36}/reference/[0-9]{10,36}$`)
	idRegexp        = regexp.MustCompile(`^[0-9]+$`)
	roleRegexp      = regexp.MustCompile(`^arn:` + dot + `*$`)
	tagRegexp       = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	reservedRegexp  = regexp.MustCompile(`^[aA][wW][sS]:`)
)

// matches reports whether the service takes s: valid UTF-8 of so many code points and of the pattern.
func matches(pattern *regexp.Regexp, s string, least, most int) bool {
	n := utf8.RuneCountInString(s)
	return utf8.ValidString(s) && least <= n && n <= most && pattern.MatchString(s)
}

func TestTextOfEveryCharacter(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) || r > 0x1ffff && r%97 != 0 { // few and long ranges beyond the first two planes
			continue
		}
		if want := textRegexp.MatchString(string(r)); want != (Text(string(r), 127) == nil) {
			t.Fatalf("%U: want valid %v", r, want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{
		"", "a", " ", nonASCII, tab, newline, noUTF8, halfRune, surrogate, unassigned, privateUse, softHyphen, byteOrder,
		strings.Repeat("é", 127), strings.Repeat("é", 128), strings.Repeat("🧬", 255), strings.Repeat("🧬", 256), "a\u2028b", "|",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, most := range []int{127, 255} {
			require.Equal(t, matches(textRegexp, s, 1, most), Text(s, most) == nil)
		}
	})
}

func FuzzS3URI(f *testing.F) {
	for _, s := range []string{
		"s3://reads/1", "s3://a.b-c/1/2", "s3://ab/1", "s3://Reads/1", "s3://reads/", "s3://reads", "s3://-ab/1", "s3://reads/a\nb",
		"s3://reads/a\u2028", "s3://reads/\x85", "s3://reads/" + strings.Repeat("é", 1024), "s3://reads/" + strings.Repeat("é", 1025),
		"s3://" + strings.Repeat("b", 63) + "/1", "s3://" + strings.Repeat("b", 64) + "/1", "https://reads/1", noUTF8,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		require.Equal(t, utf8.ValidString(s) && s3Regexp.MatchString(s), S3URI(s) == nil)
	})
}

func FuzzReferenceARN(f *testing.F) {
	for _, s := range []string{
		"", referenceARN, referenceARN + "/", referenceARN + "\n", "arn:", "arn:a", "arn:\u2028", "arn:aws:s3:::bucket", noUTF8, " " + referenceARN,
		"arn:::::", "arn:a:omics:b:123456789012:referenceStore/1234567890/reference/1234567890", "arn:" + strings.Repeat("é", 124),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		arn := matches(arnRegexp, s, 1, 127)
		require.Equal(t, arn, ReferenceARN(s, false) == nil)
		require.Equal(t, arn && textRegexp.MatchString(s) && referenceRegexp.MatchString(s), ReferenceARN(s, true) == nil)
	})
}

func FuzzID(f *testing.F) {
	for _, s := range []string{"", "1234567890", "123456789", "../../../..", "1234567890\n", "١٢٣٤٥٦٧٨٩٠"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		require.Equal(t, matches(idRegexp, s, 10, 36), ID(s) == nil)
		require.Equal(t, matches(idRegexp, s, 10, 36), IsID(s))
	})
}

func FuzzRoleARN(f *testing.F) {
	const arn = "arn:aws:iam::123456789012:role/OmicsImport"
	for _, s := range []string{"", arn, arn + "\xff", "arn:aws:iam::1:role", "arn:" + strings.Repeat("é", 2044), "arn:" + strings.Repeat("é", 2045)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		require.Equal(t, matches(roleRegexp, s, 20, 2048), RoleARN(s) == nil)
	})
}

func FuzzTag(f *testing.F) {
	for key, value := range map[string]string{
		"key": "value", "": "", "aws:x": "", "AwS:": "x", " _.:/=+-@": "é", "a,b": "c", "a\tb": noUTF8, "\u2028": "e\u0301",
		strings.Repeat("試", 128): strings.Repeat("試", 256), strings.Repeat("試", 129): strings.Repeat("試", 257),
	} {
		f.Add(key, value)
	}
	f.Fuzz(func(t *testing.T, key, value string) {
		require.Equal(t, matches(tagRegexp, key, 1, 128) && !reservedRegexp.MatchString(key), TagKey(key) == nil)
		require.Equal(t, matches(tagRegexp, value, 0, 256), TagValue(value) == nil)
	})
}
