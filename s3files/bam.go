package s3files

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"

	"github.com/readsetimport/readsetimport"
)

const bamMagic = "BAM\x01"

// inspectBAM looks at the head and the tail of a BAM file, aligned or not.
func (o *object) inspectBAM(s *readsetimport.Source) {
	if !isGzip(o.head) {
		o.notBAM(o.head)
		return
	}
	zr, err := gzip.NewReader(bytes.NewReader(o.head))
	var begin [8]byte // the magic and the length of the header's text
	n := 0
	if err == nil {
		n, err = io.ReadFull(zr, begin[:])
	}
	switch {
	case n == 0 && errors.Is(damage(err), errDamaged):
		o.error(CodeDamaged, adviceDamaged)
		return
	case n == 0 && errors.Is(err, io.ErrUnexpectedEOF):
		o.error(CodeTruncated, adviceTruncated)
		return
	case !bytes.HasPrefix(begin[:], []byte(bamMagic)):
		o.notBAM(begin[:])
		return
	case !isBGZF(o.head):
		o.error(CodeNotBAM, "it is compressed with gzip, but not in blocks (BGZF) as BAM is: write it anew with samtools view -b")
		return
	case !endsBGZF(o.tail):
		o.error(CodeTruncated, adviceTruncated)
	}
	if o.whole {
		if end := endOfGzip(o.head); errors.Is(end, errDamaged) || errors.Is(end, errTrailing) {
			err = errDamaged
		}
	}
	var h samHeader
	if err == nil {
		err = h.readText(zr, int64(int32(binary.LittleEndian.Uint32(begin[4:]))))
	}
	if err == nil && h.complete {
		var references [4]byte
		if _, err = io.ReadFull(zr, references[:]); err == nil {
			h.references = max(h.references, int(int32(binary.LittleEndian.Uint32(references[:]))))
		}
		h.complete = err == nil
	}
	o.headerEnd(&h, err)
	o.inspectHeader(&h, s)
}

// notBAM reports that a file that is given as BAM is none, by its first bytes, which were decompressed if it is gzip.
func (o *object) notBAM(begin []byte) {
	switch {
	case isCRAM(begin):
		o.error(CodeWrongType, "it is a CRAM file: give it as CRAM")
	case samLine.Match(begin):
		o.error(CodeWrongType, "it is SAM text: convert it with samtools view -b")
	case bytes.HasPrefix(begin, []byte("@")):
		o.error(CodeWrongType, "it looks like FASTQ: give it as FASTQ, compressed with gzip")
	default:
		o.error(CodeNotBAM, "it does not begin as BAM does: look at what it is")
	}
}
