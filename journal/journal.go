// Package journal keeps what imports of read sets must remember across crashes: a [Journal] is the memory of one or more
// sequence stores, and not of one import. Give the same one to every client that imports into these stores.
//
// Keep a journal for as long as its stores: an import with an empty one imports everything again. It grows by three
// records a job, some 16 KB for a job of 100 sources, and is never compacted. A client that has read it needs some 100
// bytes of memory for each of its sources. To copy or move a journal, close it first. If it is lost, the client's Adopt makes
// a new one of what the store has.
//
// What became of a batch can stay unknown. The journal then keeps which read sets its sources may be, and what a person has decided
// on them: see [Doubt].
//
// The lock of [Open] holds between the processes of one machine, and on network file systems that support it (flock on
// Unix systems, which NFS and most others pass on to their server; exclusive opening on Windows). Where it does not, see to it that only
// one process uses the journal, or keep it in a database.
package journal

import (
	"context"
	"encoding/hex"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// Journal remembers which sources were sent under which client token, and what became of them. A client that has one
// among its options skips the sources that are in the store, picks up those that are on their way, and imports the rest.
// [Open] keeps one in a file; package journaltest checks one of your own.
//
// A journal belongs to one client at a time. Its methods are safe for concurrent use.
type Journal interface {
	// Replay yields every record, in the order in which they were appended. An error comes once, and last.
	Replay(ctx context.Context) iter.Seq2[Record, error]
	// Append adds a record. It must be durable before Append returns nil: the request is sent right after. After an error
	// the record may or may not have been written, and nothing more is appended.
	Append(ctx context.Context, r Record) error
}

// Kind says what a [Record] records. Programs that read a journal, to report on it, decide by it.
type Kind string

// The kinds of records: where a store is; those of a batch, in the order in which it has them; and what was found in the
// store.
const (
	Placed   Kind = "placed"   // the store SequenceStoreID is at Place; the first import into a store records it
	Sending  Kind = "sending"  // the sources are about to be sent as one batch, in this order, under this token
	Released Kind = "released" // nothing was started under this token, and nothing will be without another "sending"
	Started  Kind = "started"  // the job JobID was started
	Ended    Kind = "ended"    // the job has ended, with these outcomes

	// Adopted is a job that no batch of the journal had started, and all of its sources: FINISHED with a read set that is
	// in the store, FAILED if it is not, IN_PROGRESS on its way, and without a status where the journal knows better.
	Adopted Kind = "adopted"
	Gone    Kind = "gone" // the read sets of these sources are no longer in the store

	// Doubted is what a batch in doubt may have become: for each of its sources, the read sets that it may be.
	Doubted Kind = "doubted"
	// Settled is a person's decision on what is left of a batch in doubt: FINISHED with a read set, or FAILED.
	Settled Kind = "settled"
)

func (k Kind) known() bool {
	switch k {
	case Placed, Sending, Released, Started, Ended, Adopted, Gone, Doubted, Settled:
		return true
	}
	return false
}

// Record is one entry of a [Journal]. It is plain JSON, and holds no names and no ids of samples or subjects: sources
// are known by their fingerprints.
type Record struct {
	Kind            Kind      `json:"kind"`
	Time            time.Time `json:"time"`
	SequenceStoreID string    `json:"sequenceStoreId"`
	ClientToken     string    `json:"clientToken"`       // of the batch's first attempt; of an adopted, a name; empty for a placed and a gone
	Attempt         int       `json:"attempt,omitempty"` // of a sending: counts the tokens used, from 1
	Body            string    `json:"body,omitempty"`    // of a sending: a digest of the exact request
	JobID           string    `json:"jobId,omitempty"`   // of a started, an ended, an adopted and a settled
	Place           *Place    `json:"place,omitempty"`   // of a placed
	Sources         []Source  `json:"sources,omitempty"` // of all but a placed, a released and a started
}

// Place is where a sequence store is, so that a journal is not believed about another store of the same id. Fields that
// are not known are empty.
type Place struct {
	Region   string `json:"region,omitempty"`
	Endpoint string `json:"endpoint,omitempty"` // host and port of an endpoint that is not one of AWS's own
	Account  string `json:"account,omitempty"`  // of AWS, 12 digits
}

// Matches reports whether two places can be the same: what is known of both is equal. A client asks it before it believes a
// journal.
func (p Place) Matches(other Place) bool {
	if p == (Place{}) || other == (Place{}) {
		return true
	}
	same := func(a, b string) bool { return a == b || a == "" || b == "" }
	return same(p.Region, other.Region) && same(p.Account, other.Account) && p.Endpoint == other.Endpoint
}

// String describes the place in one line with the Region, the account and the endpoint, as far as they are known.
func (p Place) String() string {
	text := "an unknown Region"
	if p.Region != "" {
		text = "Region " + p.Region
	}
	if p.Account != "" {
		text += ", account " + p.Account
	}
	if p.Endpoint != "" {
		text += ", at " + p.Endpoint
	}
	return text
}

// Source is a source in a [Record]: what a program that reads a journal compares with the fingerprints of its own sources.
type Source struct {
	Fingerprint Fingerprint                      `json:"fingerprint"`
	Status      types.ReadSetImportJobItemStatus `json:"status,omitempty"`    // of an ended, an adopted and a settled
	ReadSetID   string                           `json:"readSetId,omitempty"` // if the source is in the store; of a gone, if it was; of a doubted, if it may be
}

// Fingerprint is what makes two sources the same read set: the store, the type, the files, the subject and the sample,
// and not the name, the texts, the reference or the tags. It is a hash (128 bits of a SHA-256) without a key: no id of a
// person can be read from it, but who guesses a source can check whether it is in a journal. Keep journals as private as
// sample sheets.
type Fingerprint [16]byte

// String returns the fingerprint in hexadecimal: 32 digits, by which grep finds the source in the lines of a [File].
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// MarshalText writes the fingerprint as String does, so that in JSON it is a string, or the key of an object.
func (f Fingerprint) MarshalText() ([]byte, error) { return []byte(f.String()), nil }

// UnmarshalText reads what MarshalText writes. The error says that these are not 32 hexadecimal digits.
func (f *Fingerprint) UnmarshalText(text []byte) error {
	if hex.DecodedLen(len(text)) != len(f) {
		return fmt.Errorf("fingerprint: want %d hexadecimal digits, got %d", hex.EncodedLen(len(f)), len(text))
	}
	_, err := hex.Decode(f[:], text)
	return err
}
