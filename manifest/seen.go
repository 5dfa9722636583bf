package manifest

import (
	"cmp"
	"hash/maphash"
)

// seenFiles remembers the lines of the last files of an input, to find the same file in two rows with bounded memory.
// It keeps 64 bits of a seeded hash for each: that two different files are taken for the same has a chance of less than
// one in a million for ten million rows.
type seenFiles struct {
	seed          maphash.Seed
	half          int
	newer, before map[uint64]uint32 // line, up to 2^32-1
}

// newSeenFiles remembers up to most files, and at least half of them, or none if most is negative.
func newSeenFiles(most int) *seenFiles {
	return &seenFiles{seed: maphash.MakeSeed(), half: (max(most, 0) + 1) / 2, newer: map[uint64]uint32{}, before: map[uint64]uint32{}}
}

// add remembers a file, and returns the line where it stood before, or 0.
func (s *seenFiles) add(uri string, line int) int {
	if s.half == 0 {
		return 0
	}
	h := maphash.String(s.seed, uri)
	if first := cmp.Or(s.newer[h], s.before[h]); first != 0 {
		return int(first)
	}
	if len(s.newer) >= s.half {
		s.newer, s.before = s.before, s.newer
		clear(s.newer)
	}
	s.newer[h] = uint32(line)
	return 0
}
