package s3files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
)

// The reader of github.com/biogo/hts/sam refuses read groups of platforms and dates that are in use (PL:ONT, PL:illumina), and
// with them their samples. So this one reads what a check needs of a line, whatever else is in it (SAM specification, section
// 1.3).

// What is read of a header. That of a human genome with all its contigs has 100 KB to 1 MB.
const (
	maxHeaderText = 1 << 20
	maxHeaderLine = 16 << 10
	// maxHeaderClaim is how much text a header may say that it has.
	maxHeaderClaim = 256 << 20
)

// samHeader is what an import should know to know of the header of a BAM or CRAM file.
type samHeader struct {
	lines      int
	complete   bool // all of it was read
	sorted     bool // by coordinate
	references int
	withoutM5  int    // of the references
	sample     string // the first SM of a read group
	samples    bool   // there is another
	malformed  int    // number of the first malformed line, from 1, or 0
}

// Errors of a header, besides those of gunzip.
var (
	errHeader       = errors.New("malformed header")
	errHugeHeader   = errors.New("huge header")
	errHeaderMethod = errors.New("header compressed with an unknown method")
)

// readText reads the text of a header, which has size bytes. Whatever is wrong in a line, it reads on. The error is that
// of the reader, io.ErrUnexpectedEOF if the text ended too early, errHeader or errHugeHeader.
func (h *samHeader) readText(r io.Reader, size int64) error {
	switch {
	case size < 0:
		return errHeader
	case size > maxHeaderClaim:
		return errHugeHeader
	}
	limited := &io.LimitedReader{R: r, N: min(size, maxHeaderText)}
	lines := bufio.NewReaderSize(limited, maxHeaderLine)
	for {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) && limited.N > 0 {
			return io.ErrUnexpectedEOF
		}
		ended := errors.Is(err, io.EOF)
		if ended && size > maxHeaderText {
			return nil
		}
		long := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !ended && !long {
			return err
		}
		h.readLine(line, long)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = lines.ReadSlice('\n')
		}
		if ended {
			h.complete = true
			return nil
		}
	}
}

// readLine reads one line, or the beginning of one that is too long.
func (h *samHeader) readLine(line []byte, long bool) {
	line = bytes.TrimRight(line, "\r\n\x00") // the text may be padded
	if len(line) == 0 {
		return
	}
	h.lines++
	kind := line[:min(3, len(line))]
	switch {
	case kind[0] != '@' || len(kind) < 3:
		h.isMalformed()
	case string(kind) == "@SQ":
		// There can be thousands, and no more matters of them.
		h.references++
		if !bytes.Contains(line, []byte("\tM5:")) {
			h.withoutM5++
		}
	case string(kind) != "@HD" && string(kind) != "@RG":
	case long:
		h.isMalformed()
	case string(kind) == "@HD" && h.lines > 1:
		h.isMalformed()
	case string(kind) == "@HD" && !h.readFields(line, "VN", h.readOrder):
		h.isMalformed()
	case string(kind) == "@RG" && !h.readFields(line, "ID", h.readGroup):
		h.isMalformed()
	}
}

// readFields calls read with the fields of a line, and reports whether they are what a line has: tags with values, among them
// the one that it must have.
func (h *samHeader) readFields(line []byte, must string, read func(tag, value []byte)) bool {
	fields, well := bytes.CutPrefix(line[3:], []byte("\t"))
	found := false
	for field := range bytes.SplitSeq(fields, []byte("\t")) {
		if len(field) < 3 || field[2] != ':' {
			well = false
			continue
		}
		found = found || string(field[:2]) == must
		read(field[:2], field[3:])
	}
	return well && found
}

func (h *samHeader) readOrder(tag, value []byte) {
	if string(tag) == "SO" {
		h.sorted = string(value) == "coordinate"
	}
}

func (h *samHeader) readGroup(tag, value []byte) {
	switch {
	case string(tag) != "SM" || len(value) == 0 || string(value) == h.sample:
	case h.sample == "":
		h.sample = string(value)
	default:
		h.samples = true
	}
}

func (h *samHeader) isMalformed() {
	if h.malformed == 0 {
		h.malformed = h.lines
	}
}

// inspectHeader reports what the header of a BAM or CRAM file says against its source.
func (o *object) inspectHeader(h *samHeader, s *readsetimport.Source) {
	aligned := s.Type != types.FileTypeUbam
	if h.malformed > 0 {
		o.warning(CodeHeader, fmt.Sprintf("line %d of its header is not as the SAM specification has it: look at it with samtools view -H", h.malformed))
	}
	switch {
	case aligned && h.references == 0 && h.complete:
		o.warning(CodeUnaligned, "its header has no reference sequences, so its reads are not aligned: give it as UBAM")
	case !aligned && h.references > 0:
		o.warning(CodeAligned, "its header has reference sequences, so its reads may be aligned: give it as BAM with its reference")
	case aligned && !h.sorted && (h.lines > 0 || h.complete):
		o.warning(CodeUnsorted, "its header does not say that it is sorted by coordinate: sort it with samtools sort")
	}
	if s.Type == types.FileTypeCram && h.withoutM5 > 0 {
		o.warning(CodeNoM5, fmt.Sprintf("%d reference sequences in its header have no M5, so that its reference cannot be told for sure: write it anew with samtools view -T", h.withoutM5))
	}
	switch {
	case h.samples:
		o.warning(CodeManySamples, "its read groups are of more than one sample (SM): split it, or make sure that it is one")
	case h.sample != "" && h.sample != s.SampleID:
		o.warning(CodeSampleDiffers, "the sample (SM) of its read groups is not the sample id of the source: make sure whose it is")
	}
}

// headerEnd reports that the reading of a header ended in another way than it should.
func (o *object) headerEnd(h *samHeader, err error) {
	switch {
	case err == nil:
		if h.complete && h.lines == 0 && h.references == 0 {
			o.error(CodeHeader, "it has no header: add one with samtools reheader")
		}
	case errors.Is(err, errHeader):
		o.error(CodeHeader, "its header is malformed: write it anew with samtools, or upload it again")
	case errors.Is(err, errHugeHeader):
		o.error(CodeHeader, "it says that its header has more than 256 MiB: write it anew with samtools, or upload it again")
	case errors.Is(err, errHeaderMethod):
		o.warning(CodeUnchecked, "its header is compressed in a way that this check does not know")
	case !errors.Is(damage(err), errDamaged):
		if o.whole {
			o.error(CodeHeader, "it ends within its header: upload it again")
		}
	default:
		o.error(CodeDamaged, adviceDamaged)
	}
}
