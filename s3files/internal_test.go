package s3files

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/biogo/hts/bgzf"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
)

// inspected returns the problems of a file with a head and a tail.
func inspected(t types.FileType, head, tail []byte, whole bool) *object {
	o := &object{problems: problems{file: "s3://bucket/f"}, size: 1 << 30, head: head, tail: tail, whole: whole}
	o.inspect(&readsetimport.Source{Type: t, SampleID: "NA12878"})
	return o
}

func packed(data string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(data))
	w.Close()
	return b.Bytes()
}

func inBlocks(data string) []byte {
	var b bytes.Buffer
	w := bgzf.NewWriter(&b, 1)
	w.Write([]byte(data))
	w.Close()
	return b.Bytes()
}

// TestBombs shows that no file makes a check allocate a megabyte, counting what it has given back. A head of 64 KiB can
// stand for 64 MiB of text; those here stand for 2.
func TestBombs(t *testing.T) {
	cut := func(data []byte) []byte { return data[:min(len(data), headSize)] }
	bam := func(size uint32, text string) string {
		return bamMagic + string(binary.LittleEndian.AppendUint32(nil, size)) + text
	}
	const most = 2 << 20
	cram := func(method byte, content []byte) []byte {
		data := append([]byte("CRAM\x03\x00"), make([]byte, 20)...)
		data = append(data, 0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0)
		data = append(data, method, 0, 0, 0xf7, 0xff, 0xff, 0xff, 0xff, 0xf7, 0xff, 0xff, 0xff, 0xff)
		return append(data, content...)
	}
	for name, head := range map[string][]byte{
		"gzip of blanks":                     cut(packed(strings.Repeat(" ", most))),
		"gzip of one read":                   cut(packed("@r\n" + strings.Repeat("A", most))),
		"gzip of short reads":                cut(packed(strings.Repeat("@r\nA\n+\nI\n", most/9))),
		"gzip of nothing":                    cut(bytes.Repeat(packed(""), headSize/20)),
		"BGZF of nothing":                    cut(bytes.Repeat(inBlocks(""), headSize/20)),
		"BGZF of blanks":                     cut(inBlocks(bam(200<<20, strings.Repeat(" ", most)))),
		"BGZF of empty lines":                cut(inBlocks(bam(200<<20, strings.Repeat("\n", most)))),
		"BGZF of read groups":                cut(inBlocks(bam(200<<20, strings.Repeat("@RG\tID:x\tSM:y\n", most/14)))),
		"BGZF of read group tags":            cut(inBlocks(bam(200<<20, strings.Repeat("@RG\tID:x"+strings.Repeat("\tXX:", 3000)+"\n", most/12000)))),
		"BGZF of samples":                    cut(inBlocks(bam(200<<20, strings.Repeat("@RG\tID:x"+strings.Repeat("\tSM:y\tSM:z", 1000)+"\n", most/12000)))),
		"BGZF of headers":                    cut(inBlocks(bam(200<<20, strings.Repeat("@HD\tVN:1.6\tSO:x\n", most/16)))),
		"BGZF of reference names":            cut(inBlocks(bam(200<<20, strings.Repeat("@SQ\tSN:x\tLN:1\n", most/14)))),
		"BAM of a header of 2 GiB":           cut(inBlocks(bam(1<<31-1, strings.Repeat(" ", most)))),
		"CRAM of a header of 2 GiB, cut off": cram(0, []byte{0xff, 0xff, 0xff, 0x0f}),
		"CRAM of compressed blanks":          cut(cram(1, packed("\xff\xff\xff\x0f"+strings.Repeat(" ", most)))),
		"CRAM of landmarks":                  append(append([]byte("CRAM\x03\x00"), make([]byte, 20+4+7)...), 0xf7, 0xff, 0xff, 0xff, 0xff),
	} {
		for _, fileType := range types.FileType("").Values() {
			for _, whole := range []bool{false, true} {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				o := inspected(fileType, head, head[max(0, len(head)-tailSize):], whole)
				runtime.ReadMemStats(&after)
				require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20), "%s as %s", name, fileType)
				require.LessOrEqual(t, len(o.text), maxText)
			}
		}
	}
}

// TestOneLine shows that nothing that a terminal obeys is printed.
func TestOneLine(t *testing.T) {
	require.Equal(t, "a b c d e é", oneLine("a\x1b b\r\n\x7fc\u009bd\u2028e é"))
	require.Equal(t, "error uri s3://b/ [31m: x", Problem{SeverityError, CodeURI, "s3://b/\u009b[31m", "x"}.String())
	long := oneLine(strings.Repeat("é", 1000))
	require.Less(t, len(long), 410)
	require.True(t, utf8.ValidString(long))
}

// checkProblems shows that problems are fit to be printed.
func checkProblems(t *testing.T, o *object) {
	require.LessOrEqual(t, len(o.found), 8)
	for _, p := range o.found {
		require.Contains(t, []Severity{SeverityError, SeverityWarning}, p.Severity)
		require.NotEmpty(t, p.Code)
		require.Equal(t, o.file, p.File)
		require.Less(t, len(p.Detail), 300)
		require.Regexp(t, `^[ -~]+$`, p.Detail)
	}
}

// FuzzHead shows that no file breaks a check, whatever it is said to be.
func FuzzHead(f *testing.F) {
	text := "@r\nACGT\n+\nIIII\n"
	f.Add([]byte(text), []byte(nil), true)
	f.Add(packed(text), []byte(nil), true)
	f.Add(inBlocks(text), []byte(nil), false)
	f.Add(inBlocks(bamMagic+"\x00\x00\x00\x00\x00\x00\x00\x00"), []byte("x"), false)
	f.Fuzz(func(t *testing.T, head, tail []byte, whole bool) {
		for _, fileType := range types.FileType("").Values() {
			checkProblems(t, inspected(fileType, head, tail, whole))
		}
	})
}

// FuzzReads shows that no text breaks the reading of FASTQ, and that what is right as a whole is right in part.
func FuzzReads(f *testing.F) {
	f.Add("@r1 1:N:0:ACGT\nACGT\n+\nIIII\n@r2/1\nA\n+r2\n!\n", 17)
	f.Add("\ufeff@r\r\nA\r\n+\r\nI\r\n\r\n", 3)
	f.Add("@HD\tVN:1.6\n", 0)
	f.Fuzz(func(t *testing.T, text string, at int) {
		o := &object{problems: problems{file: "f"}}
		o.text = o.inspectReads([]byte(text), true)
		checkProblems(t, o)
		if name, ok := firstName(o.text); ok {
			require.NotContains(t, name.name, "\n")
			require.True(t, name.sameRead(name))
		}
		if checkReads([]byte(text), true) == "" {
			part := text[:min(max(0, at), len(text))]
			require.Empty(t, checkReads([]byte(part), false), "%q", part)
		}
	})
}

// FuzzBAM shows that no header breaks the reading of BAM.
func FuzzBAM(f *testing.F) {
	header := "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:1\tLN:9\tM5:0\n@RG\tID:1\tSM:NA12878\tDT:2020-01-01\tPI:1\n@CO\tx\n"
	f.Add(uint32(len(header)), header+"\x01\x00\x00\x00")
	f.Add(uint32(20), "@RG\tID\t\tSM:")
	f.Add(uint32(1<<31), "@RG\n@HD\t")
	f.Fuzz(func(t *testing.T, size uint32, text string) {
		data := inBlocks(bamMagic + string(binary.LittleEndian.AppendUint32(nil, size)) + text)
		data = data[:min(len(data), headSize)]
		for _, whole := range []bool{false, true} {
			checkProblems(t, inspected(types.FileTypeBam, data, data[max(0, len(data)-tailSize):], whole))
		}
	})
}

// FuzzCRAM shows that no container breaks the reading of CRAM. Its checksums are set right, since a fuzzer does not hit
// them.
func FuzzCRAM(f *testing.F) {
	f.Add(byte(3), []byte{0, 0, 0, 99, 0, 0, 0, 0, 0, 0, 1, 0, 1, 2, 3, 4, 0, 0, 0, 9, 9, 5, 0, 0, 0, '@', 'H', 'D', '\t', 'V'})
	f.Add(byte(2), []byte{99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 9, 9})
	f.Fuzz(func(t *testing.T, major byte, data []byte) {
		head := append([]byte("CRAM"), major, 0)
		if major == 2 {
			head[5] = 1
		}
		head = append(append(head, make([]byte, 20)...), data...)
		checkProblems(t, inspected(types.FileTypeCram, head, head, true))
		for _, checksums := range []bool{false, true} {
			r := cramReader{data: data}
			var h samHeader
			_ = r.header(&h, checksums)
			require.LessOrEqual(t, h.lines, len(data))
		}
	})
}

func TestITF8(t *testing.T) {
	for want, data := range map[int32]string{
		0: "\x00", 127: "\x7f", 128: "\x80\x80", 16383: "\xbf\xff", 16384: "\xc0\x40\x00", 2097151: "\xdf\xff\xff", 2097152: "\xe0\x20\x00\x00",
		268435455: "\xef\xff\xff\xff", 268435456: "\xf1\x00\x00\x00\x00", -1: "\xff\xff\xff\xff\x0f", 4542278: "\xe0\x45\x4f\x46",
	} {
		r := cramReader{data: []byte(data + "x")}
		require.Equal(t, want, r.itf8())
		require.Equal(t, "x", string(r.data), fmt.Sprint(want))
		for n := range len(data) {
			r := cramReader{data: []byte(data[:n])}
			require.Zero(t, r.itf8())
			require.True(t, r.short)
		}
	}
	r := cramReader{data: []byte("\x00\xfe1234567\xff12345678x")}
	for range 3 {
		r.skipLTF8()
	}
	require.Equal(t, "x", string(r.data))
}
