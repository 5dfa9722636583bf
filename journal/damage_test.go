package journal

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"
)

var bitFlips = flag.Int("flips", 500, "how many single bits TestJournalBitFlips flips; 1000000 is every bit of all its journals but the largest")

// A journal that is cut anywhere has the records whose lines are whole, and goes on from there.
func TestJournalCut(t *testing.T) {
	if underRace {
		t.Skip("nothing in it runs at the same time")
	}
	t.Parallel()
	ctx := t.Context()
	records := lifeOfBatches(1, 2)
	data := encodeJournal(t, records)
	more := Record{Kind: Sending, Time: records[0].Time, ClientToken: "more"}
	for cut := range len(data) + 1 {
		want := slices.Clone(records[:bytes.Count(data[:cut], []byte("\n"))])
		whole := bytes.LastIndexByte(data[:cut], '\n') + 1

		j, file, err := newMemJournal(data[:cut])
		require.NoError(t, err, "cut at %d", cut)
		require.Equal(t, data[:whole], file.disk, "cut at %d", cut)
		require.NoError(t, j.Append(ctx, more))

		j, _, err = newMemJournal(file.disk)
		require.NoError(t, err, "cut at %d", cut)
		got, err := replay(ctx, j)
		require.NoError(t, err, "cut at %d", cut)
		require.Equal(t, append(want, more), got, "cut at %d", cut)

		// After a crash of the machine, what was not written can be zeros.
		zeros := []int{1, 2, 511, 512, 4096}[cut%5]
		_, file, err = newMemJournal(append(bytes.Clone(data[:cut]), make([]byte, zeros)...))
		require.NoError(t, err, "cut at %d, %d zeros", cut, zeros)
		require.Equal(t, data[:whole], file.disk, "cut at %d, %d zeros", cut, zeros)
	}
}

// The sectors of a write reach the disk in any order.
func TestJournalSectors(t *testing.T) {
	t.Parallel()
	const sector = 512
	records := lifeOfBatches(1, 40)
	data := encodeJournal(t, records)
	start := bytes.LastIndexByte(data[:len(data)-1], '\n') + 1
	var cuts []int // of the last line, at the sectors
	for at := start; at < len(data); at = at - at%sector + sector {
		cuts = append(cuts, at)
	}
	require.Greater(t, len(cuts), 6)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 200 {
		torn := bytes.Clone(data)
		lost := 0
		for k, at := range cuts {
			if random.IntN(2) == 0 || lost == 0 && k == i%len(cuts) {
				lost += copy(torn[at:min(len(data), at-at%sector+sector)], make([]byte, sector))
			}
		}
		require.NotZero(t, lost)
		_, file, err := newMemJournal(torn)
		require.NoError(t, err)
		require.Equal(t, data[:start], file.disk)
	}
}

func TestJournalBitFlips(t *testing.T) {
	if underRace {
		t.Skip("nothing in it runs at the same time")
	}
	t.Parallel()
	begin, done := time.Now(), 0
	journals := [][]byte{
		encodeJournal(t, lifeOfBatches(1, 1)[2:]),
		encodeJournal(t, lifeOfBatches(2, 3)),
		encodeJournal(t, lifeOfBatches(5, 15)),
		encodeJournal(t, lifeOfBatches(10, 45)),
	}
	for i, data := range journals {
		bits := 8 * len(data)
		share := min(bits, (*bitFlips-done)/(len(journals)-i)) // what a small one has no bits for, the others take over
		flipBits(t, data, share)
		done += share
		t.Logf("%d of %d bits of a journal of %d records", share, bits, bytes.Count(data, []byte("\n")))
	}
	t.Logf("%d bits flipped in %v", done, time.Since(begin))
}

// flipBits flips n bits, one after another. Each time, the journal must be refused with the number of the line.
func flipBits(t *testing.T, data []byte, n int) {
	clean := bytes.Clone(data)
	number := make([]int, len(data)) // of the line
	line := 1
	for i, c := range data {
		number[i] = line
		if c == '\n' {
			line++
		}
	}
	step := 8 * len(data) / max(n, 1)
	for i := range n {
		bit := i*step + i%step
		at := bit / 8
		data[at] ^= 1 << (bit % 8)
		_, err := recoverFile(&memFile{data: data}, int64(len(data)))
		data[at] ^= 1 << (bit % 8)
		if want := fmt.Sprintf("line %d is damaged", number[at]); err == nil || err.Error() != want {
			require.EqualError(t, err, want, "bit %d of byte %d", bit%8, at)
		}
	}
	require.Equal(t, clean, data)
}

// With a torn line behind it, every other line is still protected; and what is torn never becomes a record.
func TestJournalBitFlipsBeforeCut(t *testing.T) {
	if underRace {
		t.Skip("nothing in it runs at the same time")
	}
	t.Parallel()
	records := lifeOfBatches(1, 1)[2:]
	data := encodeJournal(t, records)
	last := bytes.LastIndexByte(data[:len(data)-1], '\n')
	for cut := last + 2; cut < len(data); cut += 37 {
		for at := last - 12; at < cut; at += 1 + at/last*3 {
			for bit := range 8 {
				file := &memFile{data: bytes.Clone(data[:cut])}
				file.data[at] ^= 1 << bit
				_, err := recoverFile(file, int64(cut))
				if at <= last {
					require.EqualError(t, err, fmt.Sprintf("line %d is damaged", len(records)-1), "cut at %d, bit %d of byte %d", cut, bit, at)
				} else if err == nil {
					require.Equal(t, data[:last+1], file.disk, "cut at %d, bit %d of byte %d", cut, bit, at)
				}
			}
		}
	}
}

func TestJournalLines(t *testing.T) {
	records := lifeOfBatches(2, 2)
	data := encodeJournal(t, records)
	lines := bytes.SplitAfter(data, []byte("\n"))
	lines = lines[:len(lines)-1]
	for name, tc := range map[string]struct {
		lines [][]byte
		want  string
	}{
		"all of them":        {lines, ""},
		"the first ones":     {lines[:3], ""},
		"the first missing":  {lines[1:], "line 1 is damaged"},
		"a line missing":     {slices.Delete(slices.Clone(lines), 4, 5), "line 5 is damaged"},
		"a line twice":       {slices.Insert(slices.Clone(lines), 4, lines[4]), "line 6 is damaged"},
		"the last twice":     {append(slices.Clone(lines), lines[len(lines)-1]), "line 11 is damaged"},
		"two in wrong order": {slices.Concat(lines[:2], lines[3:4], lines[2:3], lines[4:]), "line 3 is damaged"},
		"two journals":       {slices.Concat(lines, lines), "line 11 is damaged"},
		"an empty line":      {slices.Insert(slices.Clone(lines), 4, []byte("\n")), "line 5 is damaged"},
		"an empty last line": {append(slices.Clone(lines), []byte("\n")), "line 11 is damaged"},
		"other newlines":     {[][]byte{bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))}, "line 1 is damaged"},
		"no newlines":        {[][]byte{bytes.ReplaceAll(data, []byte("\n"), nil)}, "line 1 is damaged"},
		"endless":            {[][]byte{lines[0], []byte(lineHead), bytes.Repeat([]byte("1"), lineMax)}, "line 2 is damaged: it has no end"},
	} {
		t.Run(name, func(t *testing.T) {
			all := bytes.Join(tc.lines, nil)
			j, file, err := newMemJournal(all)
			if tc.want != "" {
				require.EqualError(t, err, tc.want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, all, file.disk)
			require.Equal(t, uint64(len(tc.lines)), j.next)
		})
	}
}

// What is whole and yet not understood was written by another version, and must not be read as something else.
func TestJournalOtherVersion(t *testing.T) {
	good, err := json.Marshal(lifeOfBatches(1, 2)[4])
	require.NoError(t, err)
	seal := func(record string) []byte {
		line := append(lineStart(0), record...)
		return fmt.Appendf(line, "%s%08x%s", lineSum, crc32.Checksum(line, castagnoli), lineTail)
	}
	for name, tc := range map[string]struct {
		old, with string
		good      bool
	}{
		"as it is":                 {"", "", true},
		"another kind":             {`"kind":"ended"`, `"kind":"revoked"`, false},
		"no kind":                  {`"kind":"ended",`, ``, false},
		"a field more":             {`"kind":`, `"priority":1,"kind":`, false},
		"a field more at the end":  {`]}`, `],"priority":1}`, false},
		"a field of a source more": {`"readSetId":`, `"etag":"x","readSetId":`, false},
		"a field of a source last": {`"},{`, `","etag":"x"},{`, false},
		"a field of the line more": {`]}`, `]},"format":2`, false},
		"another type of field":    {`"kind":"ended"`, `"kind":7`, false},
		"a short fingerprint":      {`"fingerprint":"00`, `"fingerprint":"`, false},
		"another list of sources":  {`"sources":[`, `"sources":[[],`, false},
		"no JSON":                  {`{"kind"`, `{kind`, false},
		"other spaces":             {`,"sources":[`, `, "sources" : [ `, true},
		"escapes":                  {`"status":"F`, `"status":"\u0046`, true},
	} {
		t.Run(name, func(t *testing.T) {
			record := strings.Replace(string(good), tc.old, tc.with, 1)
			j, _, err := newMemJournal(seal(record))
			if !tc.good {
				require.ErrorContains(t, err, "line 1: ")
				return
			}
			require.NoError(t, err)
			got, err := replay(t.Context(), j)
			require.NoError(t, err)
			require.Equal(t, lifeOfBatches(1, 2)[4:], got)
		})
	}
}

// What is not a journal is left as it is.
func TestJournalOfOthers(t *testing.T) {
	t.Parallel()
	data := encodeJournal(t, lifeOfBatches(1, 2))
	damaged := bytes.Clone(data)
	damaged[len(damaged)/2] ^= 4
	for name, content := range map[string]string{
		"a sheet":                   "sample,fastq_1,fastq_2\nNA12878,s3://b/1.fastq.gz,s3://b/2.fastq.gz\n",
		"text without a newline":    "my notes",
		"one character":             "x",
		"a newline":                 "\n",
		"empty lines":               "\n\n\n",
		"JSON Lines":                `{"seq":1,"record":{"kind":"started"}}` + "\n",
		"JSON without a newline":    `{"sequenceStoreId":"1234567890"}`,
		"a program":                 "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 2000) + "\x03\x00>\x00",
		"zeros with something":      strings.Repeat("\x00", 1000) + "\x01" + strings.Repeat("\x00", 1000),
		"a long line":               strings.Repeat("0123456789abcdef", lineMax/8),
		"a damaged journal":         string(damaged),
		"a journal and something":   string(data) + "my notes",
		"a journal in the old Mac":  strings.ReplaceAll(string(data), "\n", "\r"),
		"a journal with a mark":     "\ufeff" + string(data),
		"zeros and a journal":       strings.Repeat("\x00", 512) + string(data),
		"a journal, zeros, newline": string(data) + strings.Repeat("\x00", 2*lineMax),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
			_, err := Open(path)
			require.ErrorContains(t, err, "line ")
			require.ErrorContains(t, err, path)
			require.Equal(t, !strings.HasPrefix(content, lineHead), strings.Contains(err.Error(), ": not a journal"), err)
			after, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Equal(t, content, string(after))
			require.NoError(t, os.Truncate(path, 0))
			openJournal(t, path) // it was not left locked
		})
	}
}

// The fast way to decode finds what the thorough one finds.
func FuzzDecodeRecord(f *testing.F) {
	for _, r := range lifeOfBatches(1, 2) {
		body, err := json.Marshal(r)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Add([]byte(`{"kind":"ended","sources":[{"fingerprint":"00000000000000000000000000000000","status":"\u0046"}]}`))
	f.Add([]byte(`{"sources":[{"fingerprint":"00000000000000000000000000000000","status":"F"}],"kind":"ended","sources":[{"fingerprint":"00000000000000000000000000000001"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		fast, errFast := decodeRecord(body)
		thorough, errThorough := decodeAny(body)
		require.Equal(t, errThorough == nil, errFast == nil, "%v, %v", errThorough, errFast)
		require.Equal(t, thorough, fast)
	})
}

// requireAsJSON fails unless the record in a line is what encoding/json makes of it.
func requireAsJSON(t *testing.T, r Record) {
	line, err := encodeLine(7, r)
	require.NoError(t, err)
	body, ok := checkLine(line, 7)
	require.True(t, ok)
	r.Time = r.Time.UTC()
	want, err := json.Marshal(r)
	require.NoError(t, err)
	require.Equal(t, string(want), string(body))
}

func TestEncodeLineAsJSON(t *testing.T) {
	t.Parallel()
	for _, r := range lifeOfBatches(1, 3) {
		requireAsJSON(t, r)
		r.Sources = []Source{}
		requireAsJSON(t, r)
	}
	requireAsJSON(t, Record{Kind: Placed, Place: &Place{Region: "us-east-1", Endpoint: "<a>", Account: "123456789012"}, Sources: []Source{{}, {ReadSetID: "1"}}})
}

func FuzzEncodeLine(f *testing.F) {
	f.Add("token", []byte("0123456789abcdef"), "FINISHED", "1234567890", "", "")
	f.Add("<&>", []byte("\xff"), "\u2028\"\\", "\t\x7f\xff", "FAILED", "ä")
	f.Fuzz(func(t *testing.T, token string, fingerprint []byte, status1, id1, status2, id2 string) {
		sources := []Source{
			{Status: types.ReadSetImportJobItemStatus(status1), ReadSetID: id1},
			{Status: types.ReadSetImportJobItemStatus(status2), ReadSetID: id2},
		}
		copy(sources[0].Fingerprint[:], fingerprint)
		requireAsJSON(t, Record{Kind: Ended, ClientToken: token, Sources: sources})
	})
}
