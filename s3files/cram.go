package s3files

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"

	"github.com/readsetimport/readsetimport"
)

// The reader of github.com/biogo/hts/cram makes slices as long as a file says, decompresses without a bound, and knows
// CRAM 3 only. So this one reads what a check needs: the file definition, and the header container, which comes first
// (CRAM specification, sections 6 to 8). It allocates nothing by what a file says.

const (
	cramMagic = "CRAM"
	// cramEnd3 and cramEnd2 are the containers at the end of files of version 3 and 2.1.
	cramEnd3 = "\x0f\x00\x00\x00\xff\xff\xff\xff\x0f\xe0\x45\x4f\x46\x00\x00\x00\x00\x01\x00\x05\xbd\xd9\x4f\x00\x01\x00\x06\x06\x01\x00\x01\x00\x01\x00\xee\x63\x01\x4b"
	cramEnd2 = "\x0b\x00\x00\x00\xff\xff\xff\xff\x0f\xe0\x45\x4f\x46\x00\x00\x00\x00\x01\x00\x00\x01\x00\x06\x06\x01\x00\x01\x00\x01\x00"
)

// isCRAM reports whether a file begins as CRAM does.
func isCRAM(head []byte) bool { return bytes.HasPrefix(head, []byte(cramMagic)) }

// inspectCRAM looks at the head and the tail of a CRAM file.
func (o *object) inspectCRAM(s *readsetimport.Source) {
	if !isCRAM(o.head) {
		o.notCRAM()
		return
	}
	r := cramReader{data: o.head[len(cramMagic):]}
	major, minor := r.byte(), r.byte()
	r.skip(20) // file id
	version := fmt.Sprintf("%d.%d", major, minor)
	const rewrite = "write it anew with samtools view --output-fmt cram,version=3.0"
	switch version {
	case "3.0":
	case "3.1", "2.1":
		o.warning(CodeCRAMVersion, "it is CRAM "+version+", which HealthOmics may not know: if it is refused, "+rewrite)
	default:
		o.error(CodeCRAMVersion, "it is CRAM "+version+", which is not in use: "+rewrite)
		return
	}
	end := cramEnd3
	if major == 2 {
		end = cramEnd2
	}
	if !bytes.HasSuffix(o.tail, []byte(end)) {
		o.error(CodeTruncated, adviceTruncated)
	}
	var h samHeader
	o.headerEnd(&h, r.header(&h, major >= 3))
	o.inspectHeader(&h, s)
}

// notCRAM reports that a file that is given as CRAM is none.
func (o *object) notCRAM() {
	begin := o.head
	if isGzip(begin) {
		begin, _ = gunzip(o.head, 64)
	}
	switch {
	case bytes.HasPrefix(begin, []byte(bamMagic)):
		o.error(CodeWrongType, "it is a BAM file: give it as BAM or UBAM")
	case samLine.Match(begin):
		o.error(CodeWrongType, "it is SAM text: convert it with samtools view -C")
	case bytes.HasPrefix(begin, []byte("@")):
		o.error(CodeWrongType, "it looks like FASTQ: give it as FASTQ, compressed with gzip")
	default:
		o.error(CodeNotCRAM, "it does not begin as CRAM does: look at what it is")
	}
}

// cramReader reads the head of a CRAM file. After the end of it, everything is 0 and short is true.
type cramReader struct {
	data  []byte
	short bool
}

func (r *cramReader) take(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.short, r.data = true, nil
		return nil
	}
	taken := r.data[:n]
	r.data = r.data[n:]
	return taken
}

func (r *cramReader) skip(n int) { r.take(n) }

func (r *cramReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *cramReader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// itf8 reads an integer of one to five bytes (section 2.3).
func (r *cramReader) itf8() int32 {
	first := r.byte()
	n := min(bits.LeadingZeros8(^first), 4) // bytes that follow
	b := r.take(n)
	switch {
	case r.short:
		return 0
	case n == 4:
		return int32(uint32(first)<<28 | uint32(b[0])<<20 | uint32(b[1])<<12 | uint32(b[2])<<4 | uint32(b[3]&0x0f))
	}
	value := uint32(first) & (0x7f >> n)
	for _, next := range b {
		value = value<<8 | uint32(next)
	}
	return int32(value)
}

// skipLTF8 skips an integer of one to nine bytes (section 2.3).
func (r *cramReader) skipLTF8() { r.skip(bits.LeadingZeros8(^r.byte())) }

// header reads the header container. Its error is one that headerEnd knows.
func (r *cramReader) header(h *samHeader, checksums bool) error {
	begin := r.data
	length := int32(r.uint32())
	for range 4 { // the reference, its start and span, the number of records
		r.itf8()
	}
	r.skipLTF8() // the record counter
	r.skipLTF8() // the number of bases
	r.itf8()     // the number of blocks
	for range min(int(r.itf8()), len(r.data)) {
		r.itf8() // a landmark
	}
	sum := crc32.ChecksumIEEE(begin[:len(begin)-len(r.data)])
	if checksums && r.uint32() != sum && !r.short {
		return errDamaged
	}
	if r.short || length < 0 {
		return errHeader
	}
	return r.headerBlock(h, int(length), checksums)
}

// headerBlock reads the first block of the header container.
func (r *cramReader) headerBlock(h *samHeader, length int, checksums bool) error {
	begin := r.data
	method, contentType := r.byte(), r.byte()
	r.itf8() // content id
	packed := int(r.itf8())
	r.itf8() // the size when it is unpacked
	if r.short || contentType != 0 || packed < 0 || packed > length {
		return errHeader
	}
	whole := packed <= len(r.data)
	data := r.take(min(packed, len(r.data)))
	sum := crc32.ChecksumIEEE(begin[:len(begin)-len(r.data)])
	if checksums && whole && r.uint32() != sum && !r.short {
		return errDamaged
	}
	var text io.Reader = bytes.NewReader(data)
	switch method {
	case 0:
	case 1:
		zr, err := gzip.NewReader(text)
		if err != nil {
			return errHeader
		}
		text = zr
	default:
		return errHeaderMethod
	}
	var size [4]byte
	_, err := io.ReadFull(text, size[:])
	if err == nil {
		err = h.readText(text, int64(int32(binary.LittleEndian.Uint32(size[:]))))
	}
	if whole && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		return errHeader
	}
	return err
}
