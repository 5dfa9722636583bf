package s3files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
)

// maxText is how much of a FASTQ file is looked at, decompressed.
const maxText = 64 << 10

// inspectFASTQ looks at the head of a FASTQ file, and at its tail if it is in BGZF.
func (o *object) inspectFASTQ() {
	switch {
	case isCRAM(o.head):
		o.error(CodeWrongType, "it is a CRAM file: give it as CRAM")
		return
	case samLine.Match(o.head):
		o.error(CodeWrongType, adviceSAM)
		return
	case !isGzip(o.head):
		o.error(CodeNotGzip, adviceNotGzip(o.head))
		return
	}
	text, err := gunzip(o.head, maxText)
	ended := o.whole && errors.Is(err, io.EOF)
	if err == nil && o.whole {
		err = endOfGzip(o.head)
	}
	switch {
	case errors.Is(err, errDamaged):
		o.error(CodeDamaged, adviceDamaged)
	case errors.Is(err, errTrailing):
		o.warning(CodeDamaged, "there is something after the end of its gzip data: compress it anew if that is not meant")
	case o.whole && errors.Is(err, io.ErrUnexpectedEOF):
		o.error(CodeTruncated, adviceTruncated)
	case isBGZF(o.head) && !endsBGZF(o.tail):
		o.warning(CodeTruncated, "it is in BGZF and has no end marker, so it may be cut off: compare its size with the original's")
	}
	o.text = o.inspectReads(text, ended)
}

// adviceNotGzip says what to do with a file that is not compressed with gzip.
func adviceNotGzip(head []byte) string {
	for _, other := range []struct{ magic, name string }{
		{"BZh", "bzip2"}, {"\xfd7zXZ\x00", "xz"}, {"\x28\xb5\x2f\xfd", "zstd"}, {"PK\x03\x04", "zip"},
	} {
		if bytes.HasPrefix(head, []byte(other.magic)) {
			return "it is compressed with " + other.name + ": compress it with gzip instead"
		}
	}
	if bytes.HasPrefix(head, []byte("@")) {
		return "it is not compressed: compress it with gzip"
	}
	return "it is not compressed with gzip: look at what it is"
}

var samLine = regexp.MustCompile(`^@(?:HD|SQ|RG|PG|CO)\t`)

// inspectReads looks at the first text of a FASTQ file. It ended is true if that is all. It returns the text that is
// FASTQ, from the first read on, or nothing.
func (o *object) inspectReads(text []byte, ended bool) []byte {
	text, marked := bytes.CutPrefix(text, []byte("\ufeff"))
	if marked {
		o.error(CodeByteOrderMark, "it begins with a byte order mark: remove the first three bytes of the text")
	}
	switch {
	case len(text) == 0 && ended:
		o.error(CodeEmpty, "there are no reads in it: leave it out")
		return nil
	case len(text) == 0:
		return nil
	case bytes.HasPrefix(text, []byte(bamMagic)):
		o.error(CodeWrongType, "it is a BAM file: give it as BAM or UBAM")
		return nil
	case samLine.Match(text):
		o.error(CodeWrongType, adviceSAM)
		return nil
	case bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")):
		o.error(CodeByteOrderMark, "it is in UTF-16: convert it to ASCII")
		return nil
	}
	if first, _, _ := bytes.Cut(text, []byte("\n")); bytes.HasSuffix(first, []byte("\r")) {
		o.error(CodeCRLF, "its lines end with CR and LF: convert them to LF alone")
	}
	if fault := checkReads(text, ended); fault != "" {
		o.error(CodeNotFASTQ, fault)
		return nil
	}
	return text
}

// checkReads returns what is wrong with the reads in a text, or nothing. If it has not ended, the last line is a part
// of one.
func checkReads(text []byte, ended bool) string {
	for read := 1; len(bytes.TrimRight(text, "\r\n")) > 0; read++ {
		var sequence []byte
		for i := range 4 {
			line, rest, found := bytes.Cut(text, []byte("\n"))
			line = bytes.TrimSuffix(line, []byte("\r"))
			part := !found && !ended
			if fault := checkLine(i, line, sequence, part); fault != "" {
				return fmt.Sprintf("it is not FASTQ of four lines for each read: read %d has %s", read, fault)
			}
			if part {
				return ""
			}
			if i == 1 {
				sequence = line
			}
			text = rest
		}
	}
	return ""
}

// checkLine returns what is wrong with a line of a read, counted from 0, or nothing. A part of a line lacks its end.
func checkLine(i int, line, sequence []byte, part bool) string {
	if part && len(line) == 0 {
		return ""
	}
	switch i {
	case 0:
		if len(line) < 2 && !part || line[0] != '@' {
			return "no name that begins with @"
		}
	case 1:
		for _, c := range line {
			if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '.' && c != '-' && c != '*' {
				return "a sequence with other characters than letters"
			}
		}
	case 2:
		if len(line) == 0 || line[0] != '+' {
			return "no line that begins with + after its sequence"
		}
	case 3:
		if len(line) > len(sequence) || len(line) < len(sequence) && !part {
			return fmt.Sprintf("%d bases, and another number of qualities", len(sequence))
		}
		for _, c := range line {
			if c < '!' || c > '~' {
				return "qualities that are no printable ASCII characters"
			}
		}
	}
	return ""
}

// readName is what the first line of a read says.
type readName struct {
	name string // without the mate, if that is marked as /1 or /2
	mate byte   // '1' or '2', or 0 if it does not say
}

var (
	mateInDescription = regexp.MustCompile(`^[ \t]([12]):[YN]:`)
	markedName        = regexp.MustCompile(`^(.*\.[0-9]+\.|.*_)[12]$`)
)

// firstName returns the name of the first read of a text, if its line is whole.
func firstName(text []byte) (readName, bool) {
	line, _, found := bytes.Cut(text, []byte("\n"))
	if !found || len(line) < 2 {
		return readName{}, false
	}
	line = bytes.TrimSuffix(line[1:], []byte("\r"))
	end := bytes.IndexAny(line, " \t")
	if end < 0 {
		end = len(line)
	}
	n := readName{name: string(line[:end])}
	if mate := mateInDescription.FindSubmatch(line[end:]); mate != nil {
		n.mate = mate[1][0]
	}
	for _, mate := range []string{"/1", "/2"} {
		if name, ok := strings.CutSuffix(n.name, mate); ok {
			n.name, n.mate = name, mate[1]
		}
	}
	return n, true
}

// sameRead reports whether two names can be those of the two mates of a read. Some tools mark mates as x_1 and x_2, and
// fastq-dump as SRR1.7.1 and SRR1.7.2, where SRR1.7 is the read.
func (n readName) sameRead(m readName) bool {
	if n.name == m.name {
		return true
	}
	a, b := markedName.FindStringSubmatch(n.name), markedName.FindStringSubmatch(m.name)
	return a != nil && b != nil && a[1] == b[1]
}

// inspectAlone reports that a file that is given alone is a second mate by its first read.
func inspectAlone(o *object) {
	if n, ok := firstName(o.text); ok && n.mate == '2' {
		o.warning(CodeMateNames, "by the names of its reads it is a second mate, and it is given alone: give it together with its first mate")
	}
}

// compareMates reports, as problems of the second file, that two files are not the two mates of the same reads.
func compareMates(first, second *object) {
	a, okA := firstName(first.text)
	b, okB := firstName(second.text)
	n := min(len(first.text), len(second.text))
	sameObject := first.etag != "" && first.etag == second.etag && first.size == second.size
	switch {
	case sameObject || okA && okB && bytes.Equal(first.text[:n], second.text[:n]):
		second.error(CodeSameMates, "both mates have the same content: give the other mate's file")
	case !okA || !okB:
	case !a.sameRead(b):
		second.error(CodeMateNames, "the first reads of the mates have different names: the files do not belong together, or their reads are in another order")
	case a.mate != 0 && a.mate == b.mate:
		second.error(CodeMateNames, fmt.Sprintf("by the names of their reads, both files are mate %c: give the other mate's file", a.mate))
	case a.mate == '2' && b.mate == '1':
		second.error(CodeMateNames, "by the names of their reads, the first file is mate 2 and the second is mate 1: exchange them")
	}
}
