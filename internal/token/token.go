// Package token makes the names by which a request and a source are known again: client tokens and fingerprints. Jobs and
// journals hold them for as long as they live, so none may ever change for the same input.
package token

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"iter"
	"strconv"
	"strings"

	"github.com/readsetimport/readsetimport/journal"
)

const prefix = "rsi1-"

// First returns the client token of a batch's first attempt: a SHA-256 over the run id, the target and the exact body, which
// is the JSON of its sources, in parts.
func First(runID, sequenceStoreID, roleARN string, body iter.Seq[[]byte]) string {
	h := sha256.New()
	hashStrings(h, "token", runID, sequenceStoreID, roleARN)
	hashBody(h, body)
	return token(h)
}

// Attempt returns the client token of a batch's n-th attempt, from 1, of which first is the first one's. A new attempt is
// a new request to the service, made only when it is certain that the attempt before started no job.
func Attempt(first string, n int) string {
	if n <= 1 {
		return first
	}
	h := sha256.New()
	hashStrings(h, "attempt", first, strconv.Itoa(n))
	return token(h)
}

func token(h hash.Hash) string {
	sum := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(h.Sum(nil))
	return prefix + strings.ToLower(sum)
}

// Fingerprint returns what identifies a source in a sequence store.
func Fingerprint(sequenceStoreID, fileType, source1, source2, subjectID, sampleID string) journal.Fingerprint {
	var room [bufferSize]byte
	sum := sha256.Sum256(appendStrings(room[:0], "source", sequenceStoreID, fileType, source1, source2, subjectID, sampleID))
	return journal.Fingerprint(sum[:len(journal.Fingerprint{})])
}

// Digest returns what tells whether a request that is built again is the one that was sent.
func Digest(clientToken, roleARN string, body iter.Seq[[]byte]) string {
	h := sha256.New()
	hashStrings(h, "body", clientToken, roleARN)
	hashBody(h, body)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// hashBody writes the parts of the body and a newline, as a json.Encoder does.
func hashBody(h hash.Hash, body iter.Seq[[]byte]) {
	for part := range body {
		h.Write(part)
	}
	h.Write([]byte{'\n'})
}

// bufferSize is of buffers on the stack, for what is hashed of a usual source. What is longer allocates.
const bufferSize = 512

func hashStrings(h hash.Hash, parts ...string) {
	var room [bufferSize]byte
	h.Write(appendStrings(room[:0], parts...))
}

// appendStrings writes strings so that no two lists of them are written alike.
func appendStrings(b []byte, parts ...string) []byte {
	for _, p := range parts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// FileKey stands for a file. A stream remembers it for every file, so it is as short as is safe: that two of ten million
// files have the same one has a chance below one in ten thousand million.
type FileKey [10]byte

// File returns the key of the file at a URI.
func File(uri string) FileKey {
	var room [bufferSize]byte
	sum := sha256.Sum256(append(room[:0], uri...))
	return FileKey(sum[:len(FileKey{})])
}
