package readsetimport_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
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
	storeRegexp     = regexp.MustCompile(`^[0-9]+$`)
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
	source := validBAM()
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) || r > 0x1ffff && r%97 != 0 { // few and long ranges beyond the first two planes
			continue
		}
		source.Name = string(r)
		if want := textRegexp.MatchString(source.Name); want != (source.Validate() == nil) {
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
		for _, field := range textFields {
			source := validBAM()
			field.set(&source, s)
			want := matches(textRegexp, s, 1, field.most) || s == "" && !field.required
			requireAccepted(t, want, source.Validate(), field.path)
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
		want := utf8.ValidString(s) && s3Regexp.MatchString(s)
		source := validFASTQ()
		source.Source1 = s
		requireAccepted(t, want && s != source.Source2, source.Validate(), "sourceFiles.source1", "sourceFiles.source2")
		source = validFASTQ()
		source.Source2 = s
		requireAccepted(t, (want || s == "") && s != source.Source1, source.Validate(), "sourceFiles.source2")
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
		for fileType, want := range map[types.FileType]bool{
			types.FileTypeUbam: arn || s == "",
			types.FileTypeBam:  arn && matches(textRegexp, s, 1, 127) && referenceRegexp.MatchString(s),
		} {
			source := validBAM()
			source.Type, source.ReferenceARN = fileType, s
			requireAccepted(t, want, source.Validate(), "referenceArn")
		}
	})
}

func FuzzTarget(f *testing.F) {
	f.Add(validTarget.SequenceStoreID, validTarget.RoleARN)
	f.Add("", "")
	f.Add("123456789", "arn:aws:iam::1:role")
	f.Add("../../../..", "arn:"+strings.Repeat("é", 2044))
	f.Add("1234567890\n", "arn:"+strings.Repeat("é", 2045))
	f.Add("١٢٣٤٥٦٧٨٩٠", validTarget.RoleARN+"\xff")
	f.Fuzz(func(t *testing.T, store, role string) {
		target := readsetimport.Target{SequenceStoreID: store, RoleARN: validTarget.RoleARN}
		requireAccepted(t, matches(storeRegexp, store, 10, 36), target.Validate(), "sequenceStoreId")
		target = readsetimport.Target{SequenceStoreID: validTarget.SequenceStoreID, RoleARN: role}
		requireAccepted(t, matches(roleRegexp, role, 20, 2048), target.Validate(), "roleArn")
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
		source := validBAM()
		source.Tags = map[string]string{key: "value"}
		if matches(tagRegexp, key, 1, 128) && !reservedRegexp.MatchString(key) {
			require.NoError(t, source.Validate())
		} else {
			found := faults(t, source.Validate())
			require.Len(t, found, 1)
			require.Regexp(t, `^tags\[".*"\]$`, found[0].Path)
		}
		source.Tags = map[string]string{"key": value}
		requireAccepted(t, matches(tagRegexp, value, 0, 256), source.Validate(), `tags["key"]`)
	})
}

// requireAccepted fails unless err is nil exactly if want, and else has a fault at each path and at no other.
func requireAccepted(t *testing.T, want bool, err error, paths ...string) {
	t.Helper()
	if want {
		require.NoError(t, err)
		return
	}
	found := faults(t, err)
	require.NotEmpty(t, found)
	for _, f := range found {
		require.Contains(t, paths, f.Path)
	}
}
