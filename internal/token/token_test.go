package token

import (
	"encoding/json"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func parts(body ...[]byte) iter.Seq[[]byte] { return slices.Values(body) }

// The names are pinned: an upgrade between two attempts must not start a job twice, and one between two imports must not
// import a source again.
func TestPinned(t *testing.T) {
	body, err := json.Marshal([]map[string]string{{"a": "<&>\u2028"}})
	require.NoError(t, err)
	require.Equal(t, "rsi1-z7ej3akt4uqxksg5hnpnjuehlzgkbhgcxhihyn4vrja2y24kz4va", First("run-1", "1234567890", "arn:r", parts(body[:5], body[5:])))
	require.Equal(t, "fdc78d0e67976bb51e96804bf57a1998", Fingerprint("1234567890", "FASTQ", "s3://b/1", "s3://b/2", "u", "a").String())
	require.Equal(t, "05b976d0505cd329af5600b6d8454178", Digest("rsi1-token", "arn:r", parts(body[:5], body[5:])))
	require.Equal(t, "rsi1-buajxxd2uctipkajqdtk6bxrygny4yndyfnqenozjlzjdvkasaua", Attempt("rsi1-token", 2))

	long := "s3://b/" + strings.Repeat("x", 1024) // longer than the buffers
	require.Equal(t, "0f872ddbaca308c60a4813f98b3a53f7", Fingerprint("1234567890", "FASTQ", long, long+"2", "ü", "a").String())
}

// A sheet of a million sources is asked for as many fingerprints, and for twice as many files.
func TestAllocatesNothing(t *testing.T) {
	require.Zero(t, testing.AllocsPerRun(100, func() { Fingerprint("1234567890", "FASTQ", "s3://b/1", "s3://b/2", "u", "a") }))
	require.Zero(t, testing.AllocsPerRun(100, func() { File("s3://bucket/run/1234567_R1.fastq.gz") }))
}

func TestAttempt(t *testing.T) {
	require.Equal(t, "rsi1-token", Attempt("rsi1-token", 0))
	require.Equal(t, "rsi1-token", Attempt("rsi1-token", 1))
	seen := map[string]int{}
	for _, first := range []string{"rsi1-token", "rsi1-other", "own token"} {
		for n := 1; n <= 12; n++ {
			got := Attempt(first, n)
			require.Equal(t, got, Attempt(first, n))
			require.LessOrEqual(t, len(got), 127)
			seen[got]++
		}
	}
	require.Len(t, seen, 3*12)
}

// Where one string ends and the next begins counts.
func TestNoTwoAlike(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range [][3]string{{"ab", "c", "d"}, {"a", "bc", "d"}, {"a", "b", "cd"}, {"abcd", "", ""}, {"", "", "abcd"}} {
		seen[First(s[0], s[1], s[2], parts())] = true
		seen[Fingerprint(s[0], s[1], s[2], "", "", "").String()] = true
		seen[Fingerprint("", "", "", s[0], s[1], s[2]).String()] = true
	}
	require.Len(t, seen, 15)
	require.NotEqual(t, First("r", "s", "a", parts([]byte("[1]"))), First("r", "s", "a", parts([]byte("[2]"))))
}

func TestFile(t *testing.T) {
	t.Parallel()
	require.Equal(t, File("s3://bucket/a"), File("s3://bucket/a"))
	require.NotEqual(t, File("s3://bucket/a"), File("s3://bucket/b"))
}
