package token

import (
	"encoding/binary"
	"slices"
)

// Files is a set of the keys of files. It takes some 9 bytes for each of many, where a map takes twice that, and 1.5 MiB for
// itself. The zero value is empty.
type Files struct {
	rest [][]uint64 // of the keys that begin with the same 16 bits, the other 64, in their order
}

func (k FileKey) split() (first uint16, rest uint64) {
	return binary.BigEndian.Uint16(k[:2]), binary.BigEndian.Uint64(k[2:])
}

// Has reports whether a file has been added.
func (f *Files) Has(k FileKey) bool {
	if f.rest == nil {
		return false
	}
	first, rest := k.split()
	_, has := slices.BinarySearch(f.rest[first], rest)
	return has
}

// Add adds a file.
func (f *Files) Add(k FileKey) {
	if f.rest == nil {
		f.rest = make([][]uint64, 1<<16)
	}
	first, rest := k.split()
	have := f.rest[first]
	at, has := slices.BinarySearch(have, rest)
	if has {
		return
	}
	if n := len(have); n == cap(have) { // append would double it
		have = append(make([]uint64, 0, n+n/8+2), have...)
	}
	f.rest[first] = slices.Insert(have, at, rest)
}
