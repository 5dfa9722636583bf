package s3files

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/biogo/hts/sam"

	"github.com/readsetimport/readsetimport"
)

// What is read of a header. That of a human genome with all its contigs has 100 KB to 1 MB.
const (
	maxHeaderText = 1 << 20
	maxHeaderLine = 16 << 10
	maxReadGroups = 200
	maxFields     = 64 // of the line of a read group
	// maxHeaderClaim is how much text a header may say that it has.
	maxHeaderClaim = 256 << 20
)

// samHeader is what an import should know to know of the header of a BAM or CRAM file.
type samHeader struct {
	lines      int
	readGroups int
	complete   bool // all of it was read
	order      sam.SortOrder
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
	case long || bytes.Count(line, []byte("\t")) > maxFields:
		h.isMalformed()
	case string(kind) == "@HD" && h.lines == 1:
		if parsed := h.parse(line); parsed != nil {
			h.order = parsed.SortOrder
		}
	case string(kind) == "@RG" && h.readGroups < maxReadGroups:
		h.readGroups++
		if parsed := h.parse(line); parsed != nil && len(parsed.RGs()) == 1 {
			h.addSample(parsed.RGs()[0].Get(sam.NewTag("SM")))
		}
	}
}

// parse returns a line as a header of its own, or nothing if it is malformed. The library expects fields to have at
// least the length of a tag.
func (h *samHeader) parse(line []byte) (parsed *sam.Header) {
	defer func() {
		if recover() != nil || parsed == nil {
			parsed = nil
			h.isMalformed()
		}
	}()
	parsed = &sam.Header{}
	if parsed.UnmarshalText(line) != nil {
		return nil
	}
	return parsed
}

func (h *samHeader) isMalformed() {
	if h.malformed == 0 {
		h.malformed = h.lines
	}
}

func (h *samHeader) addSample(id string) {
	switch {
	case id == "" || id == h.sample:
	case h.sample == "":
		h.sample = id
	default:
		h.samples = true
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
	case aligned && h.order != sam.Coordinate && (h.lines > 0 || h.complete):
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
