package cells

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPrintable(t *testing.T) {
	require.Equal(t, "s3://bucket/é?[31m??.bam", Printable("s3://bucket/é\x1b[31m\u009b\n.bam"))
}

// No spreadsheet takes a cell for a formula, whatever separates its cells.
func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"File validation failed":    "File validation failed",
		"s3://bucket/a=b+c-d@e.bam": "s3://bucket/a=b+c-d@e.bam",
		"=1+1":                      "'=1+1",
		"+1":                        "'+1",
		"-1":                        "'-1",
		"@SUM(A1)":                  "'@SUM(A1)",
		" =1":                       "' =1",
		"\t=1":                      "?=1",
		"\"=1":                      "'\"=1",
		"＝1":                        "'＝1",
		"no;=1":                     "no;'=1",
		"no; \"=1;+2":               "no;' \"=1;'+2",
		"a\nb":                      "a?b",
	} {
		require.Equal(t, want, cell(text))
	}
}

func TestRow(t *testing.T) {
	fields := []string{"1", "=1,2", `a "b"`, ""}
	require.Equal(t, "1,\"'=1,2\",\"a \"\"b\"\"\",\n", string(Row(fields...)))
	require.Equal(t, []string{"1", "=1,2", `a "b"`, ""}, fields, "the caller's own")
}
