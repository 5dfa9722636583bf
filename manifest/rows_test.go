package manifest

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// readRows splits a table, with the places of the fields. It stops at the first row that cannot be split.
func readRows(text string, comma byte) (rows [][]string, at [][]spot, err error) {
	r := rowReader{lineReader: lineReader{in: bufio.NewReaderSize(strings.NewReader(text), 16)}, comma: comma}
	for {
		if err := r.next(); err != nil {
			if err == io.EOF {
				err = nil
			}
			return rows, at, err
		}
		rows = append(rows, slices.Clone(r.fields))
		var places []spot
		for i := range r.fields {
			places = append(places, r.at(i))
		}
		at = append(at, places)
	}
}

func TestRows(t *testing.T) {
	rows, at, err := readRows("a,b\r\n\n#c\n\"x\ny\"\"\",é,a long field without quotes\n , \n,,\nd\"d,\"\",\"e,e\"", ',')
	require.NoError(t, err)
	require.Equal(t, [][]string{{"a", "b"}, {"x\ny\"", "é", "a long field without quotes"}, {" ", " "}, {"d\"d", "", "e,e"}}, rows)
	require.Equal(t, [][]spot{{{1, 1}, {1, 3}}, {{4, 1}, {5, 6}, {5, 9}}, {{6, 1}, {6, 3}}, {{8, 1}, {8, 5}, {8, 8}}}, at)
}

// FuzzRowsAgree holds the splitting of tables against encoding/csv: what it can read, we read alike, and where it stands.
func FuzzRowsAgree(f *testing.F) {
	f.Add("a,b\r\n\"x\ny\"\"\",é,a long field without quotes\n#c\n\n,,\n", true)
	f.Add("a\t\"b\tc\"\n", false)
	f.Add("\"b\r\r\n\"", true)
	f.Fuzz(func(t *testing.T, text string, commas bool) {
		const most = 1000 // columns, and so less than a field's limit too: TestLimits is about them
		if len(text) > 1<<16 || strings.Count(text, ",") >= most || strings.Count(text, "\t") >= most {
			return
		}
		comma := byte('\t')
		if commas {
			comma = ','
		}
		c := csv.NewReader(strings.NewReader(text))
		c.Comma, c.Comment, c.FieldsPerRecord = rune(comma), '#', -1
		var want [][]string
		var places [][]spot
		for {
			row, err := c.Read()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return
			}
			if strings.TrimSpace(strings.Join(row, "")) == "" {
				continue // blank in one way or another, of which there are several
			}
			var at []spot
			for i := range row {
				line, column := c.FieldPos(i)
				at = append(at, spot{line, column})
			}
			want, places = append(want, row), append(places, at)
		}
		rows, at, err := readRows(text, comma)
		require.NoError(t, err)
		var got [][]string
		var gotAt [][]spot
		for i, row := range rows {
			if strings.TrimSpace(strings.Join(row, "")) != "" {
				got, gotAt = append(got, row), append(gotAt, at[i])
			}
		}
		require.Equal(t, want, got)
		require.Equal(t, places, gotAt)
	})
}
