package s3files_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"strings"
	"testing"

	"github.com/biogo/hts/bam"
	"github.com/biogo/hts/bgzf"
	"github.com/biogo/hts/sam"
	"github.com/stretchr/testify/require"
)

// Files of synthetic reads, as the tools that people use write them.

// reads returns the text of n reads of a mate, 1 or 2. The sequences of mates differ.
func reads(n, mate int) string {
	var b strings.Builder
	for i := range n {
		sequence := strings.Repeat("ACGT", 20)[i%4:i%4+70] + strings.Repeat([]string{"A", "T", "G"}[mate], 5)
		fmt.Fprintf(&b, "@M01:7:FC:1:1101:%d:2000 %d:N:0:ACGT\n%s\n+\n%s\n", 1000+i, mate, sequence, strings.Repeat("I", len(sequence)))
	}
	return b.String()
}

// gzipped returns data as gzip writes it.
func gzipped(data string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(data))
	w.Close()
	return b.Bytes()
}

// blocked returns data in BGZF, as bgzip writes it.
func blocked(data string) []byte {
	var b bytes.Buffer
	w := bgzf.NewWriter(&b, 1)
	w.Write([]byte(data))
	w.Close()
	return b.Bytes()
}

// storedBlocks returns blocks of BGZF of n bytes in all, whose data is not compressed.
func storedBlocks(n int) []byte {
	const overhead, most = 18 + 5 + 8, 60_000
	var all []byte
	for n > 0 {
		size := n
		if n > most+overhead {
			size = most // enough is left for another
		}
		data := make([]byte, size-overhead)
		block := []byte{0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 'B', 'C', 2, 0}
		block = binary.LittleEndian.AppendUint16(block, uint16(size-1))
		block = binary.LittleEndian.AppendUint16(append(block, 1), uint16(len(data)))
		block = append(binary.LittleEndian.AppendUint16(block, ^uint16(len(data))), data...)
		block = binary.LittleEndian.AppendUint32(block, crc32.ChecksumIEEE(data))
		block = binary.LittleEndian.AppendUint32(block, uint32(len(data)))
		all = append(all, block...)
		n -= size
	}
	return all
}

// A header as samtools and GATK have it.
const header = "@HD\tVN:1.6\tSO:coordinate\n" +
	"@SQ\tSN:chr1\tLN:248956422\tM5:6aef897c3d6ff0c78aff06ac189178dd\n" +
	"@SQ\tSN:chr2\tLN:242193529\tM5:f98db672eb0993dcfdabafe2a882905c\n" +
	"@RG\tID:rg1\tSM:NA12878\tPL:ILLUMINA\tDT:2016-08-24T00:00:00-0400\n" +
	"@RG\tID:rg2\tSM:NA12878\tPL:ILLUMINA\n" +
	"@PG\tID:bwa\tPN:bwa\tCL:bwa mem ref.fa R1.fq.gz R2.fq.gz\n"

// unalignedHeader is that of an unaligned BAM file.
const unalignedHeader = "@HD\tVN:1.6\tSO:unsorted\n@RG\tID:rg1\tSM:NA12878\n"

// bamFile returns a BAM file with a header and n unmapped reads, as the library writes it.
func bamFile(tb testing.TB, header string, n int) []byte {
	var h sam.Header
	require.NoError(tb, h.UnmarshalText([]byte(header)))
	var b bytes.Buffer
	w, err := bam.NewWriter(&b, &h, 1)
	require.NoError(tb, err)
	for i := range n {
		r, err := sam.NewRecord(fmt.Sprint("read", i), nil, nil, -1, -1, 0, 0, nil, []byte("ACGTACGT"), []byte("IIIIIIII"), nil)
		require.NoError(tb, err)
		r.Flags = sam.Unmapped
		require.NoError(tb, w.Write(r))
	}
	require.NoError(tb, w.Close())
	return b.Bytes()
}

// rawBAM returns a BAM file whose header says that it has size bytes of text.
func rawBAM(text string, size, references int32) []byte {
	data := binary.LittleEndian.AppendUint32([]byte("BAM\x01"), uint32(size))
	data = append(data, text...)
	return blocked(string(binary.LittleEndian.AppendUint32(data, uint32(references))))
}

// cramFile returns a file that samtools wrote.
func cramFile(tb testing.TB, version string) []byte {
	data, err := os.ReadFile("testdata/v" + version + ".cram")
	require.NoError(tb, err)
	return data
}

// cramEnd is the end of a file of CRAM 3.
func cramEnd(tb testing.TB) []byte {
	data := cramFile(tb, "3.0")
	return data[len(data)-38:]
}

// cramWith returns a CRAM 3.0 file that has only a header. Its block is compressed with gzip if packed is true.
func cramWith(tb testing.TB, text string, packed bool) []byte {
	content := append(binary.LittleEndian.AppendUint32(nil, uint32(len(text))), text...)
	size, method := len(content), byte(0)
	if packed {
		content, method = gzipped(string(content)), 1
	}
	return append(cramHeader(method, 0, content, size), cramEnd(tb)...)
}

// cramHeader returns the beginning of a CRAM 3.0 file: its file definition, and a container with one block.
func cramHeader(method, contentType byte, content []byte, size int) []byte {
	block := append([]byte{method, contentType, 0}, itf8(len(content))...)
	block = append(append(block, itf8(size)...), content...)
	block = binary.LittleEndian.AppendUint32(block, crc32.ChecksumIEEE(block))
	container := binary.LittleEndian.AppendUint32(nil, uint32(len(block)))
	container = append(container, 0, 0, 0, 0, 0, 0, 1, 1, 0)
	container = binary.LittleEndian.AppendUint32(container, crc32.ChecksumIEEE(container))
	file := append([]byte("CRAM\x03\x00"), make([]byte, 20)...)
	return append(append(file, container...), block...)
}

// itf8 returns an integer of CRAM in five bytes, which any may have.
func itf8(n int) []byte {
	return []byte{0xf0 | byte(n>>28), byte(n >> 20), byte(n >> 12), byte(n >> 4), byte(n & 0x0f)}
}
