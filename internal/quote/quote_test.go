package quote

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireAsJSON fails unless s is written behind what is there, as encoding/json writes it.
func requireAsJSON(t *testing.T, s string) {
	want, err := json.Marshal(s)
	require.NoError(t, err)
	require.Equal(t, "before"+string(want), string(Append([]byte("before"), s)))
}

func TestAppend(t *testing.T) {
	t.Parallel()
	requireAsJSON(t, "")
	for b := range 256 {
		requireAsJSON(t, string([]byte{byte(b)})) // from 0x80 on, that is not UTF-8
		requireAsJSON(t, "a"+string([]byte{byte(b)})+"b")
	}
	for _, s := range []string{"s3://bucket/a b_1.fastq.gz", "ä", "a\u2028b\u2029", "\xc3", "\U0001f9ec", "\ufffd", "\u0000\u007f", `</script>`} {
		requireAsJSON(t, s)
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	room := make([]byte, 0, 100)
	require.Zero(t, testing.AllocsPerRun(100, func() { Append(room, "s3://bucket/run/1234567_R1.fastq.gz") }))
}

func FuzzAppend(f *testing.F) {
	f.Add("s3://bucket/a.fastq.gz")
	f.Add("<&>\"\\\u2028\xff\t")
	f.Fuzz(requireAsJSON)
}
