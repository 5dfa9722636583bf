package s3files

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"

	"github.com/biogo/hts/bgzf"
)

// isGzip reports whether a file begins as gzip does.
func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte("\x1f\x8b")) }

// isBGZF reports whether a file begins as BGZF does: with a member of gzip that says its size in a field BC.
func isBGZF(head []byte) bool {
	return isGzip(head) && len(head) >= 16 && head[3]&4 != 0 && string(head[12:16]) == "BC\x02\x00"
}

// endsBGZF reports whether the tail of a file has the empty block that every file in BGZF ends with.
func endsBGZF(tail []byte) bool {
	ends, err := bgzf.HasEOF(bytes.NewReader(tail))
	return ends && err == nil
}

var (
	errDamaged  = errors.New("damaged")
	errTrailing = errors.New("something after the end")
)

// gunzip returns up to most bytes of what the head of a gzip file has. The error is nil if there is more in it, io.EOF if
// the file ends there, io.ErrUnexpectedEOF if the head does, errTrailing or errDamaged.
func gunzip(head []byte, most int) ([]byte, error) {
	zr, err := gzip.NewReader(bytes.NewReader(head))
	if err != nil {
		return nil, damage(err)
	}
	text := make([]byte, most)
	n := 0
	for n < most && err == nil {
		var some int
		some, err = zr.Read(text[n:])
		n += some
	}
	if errors.Is(err, gzip.ErrHeader) {
		return text[:n], errTrailing
	}
	return text[:n], damage(err)
}

// endOfGzip returns how a gzip file ends, with the errors of gunzip. It looks no further than a file of the size of a
// head comes, if it is what it should be.
func endOfGzip(file []byte) error {
	zr, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return damage(err)
	}
	const most = 16 << 20
	if _, err = io.CopyN(io.Discard, zr, most); errors.Is(err, gzip.ErrHeader) {
		return errTrailing
	}
	return damage(err)
}

// damage returns the error of a reader of gzip as it is if it is an end, and else as errDamaged.
func damage(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return errDamaged
}
