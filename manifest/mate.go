package manifest

import (
	"regexp"
	"strings"
)

// mate is what a file's name says of its place in a pair. The zero value is a name that says nothing.
type mate struct {
	number int  // 1 and 2 are mates, 3 to 9 third reads and the like
	index  bool // an index read
	named  bool // the token has a letter: R1, read1, I1
	from   int  // where the token begins in the URI
	digit  int  // where its digit is
	also   int  // where the same digit is before _val, as Trim Galore repeats it: x_R1_val_1, x_R1_001_val_1; or 0
	end    int  // where the name ends and .fastq.gz begins
}

// mateOf returns what the last token of a FASTQ file's name says.
func mateOf(uri string) mate {
	start, end := stemOf(uri)
	return mateIn(uri, start, end)
}

// mateIn returns what the last token says of a name that begins at start and ends at end, which is negative if it has none.
func mateIn(uri string, start, end int) mate {
	weak := mate{}
	for digit := end - 1; digit >= start; digit-- {
		m, ok := tokenAt(uri, start, digit, end)
		if !ok || !m.named && m.from == start {
			continue
		}
		last := digit+1 == end
		switch {
		case m.named:
			return m
		case uri[m.from-1] == '_' && (last || uri[digit+1] == '.'):
			m.also = beforeVal(uri, start, m)
			return m
		case uri[m.from-1] == '.' && last:
			weak = m
		}
	}
	return weak
}

// tokenAt returns the token whose digit is there: an optional letter or word, a digit from 1 to 9, and then a separator or the
// name's end.
func tokenAt(uri string, start, digit, end int) (mate, bool) {
	if digit < start || uri[digit] < '1' || uri[digit] > '9' || digit+1 < end && !isNameSeparator(uri[digit+1]) {
		return mate{}, false
	}
	from := start + strings.LastIndexAny(uri[start:digit], "_.-") + 1
	letters := uri[from:digit]
	index := strings.EqualFold(letters, "i")
	named := index || strings.EqualFold(letters, "r") || strings.EqualFold(letters, "read")
	return mate{int(uri[digit] - '0'), index, named, from, digit, 0, end}, named || letters == ""
}

func isNameSeparator(c byte) bool { return c == '_' || c == '.' || c == '-' }

// beforeVal returns where the digit of the last token before _val_1 is, if it is the same as this one, or 0.
func beforeVal(uri string, start int, m mate) int {
	name, ok := strings.CutSuffix(uri[start:m.from-1], "_val")
	if !ok {
		return 0
	}
	end := start + len(name)
	before, ok := tokenAt(uri, start, end-1, end)
	if !ok {
		before = mateIn(uri, start, end)
	}
	if before.number != m.number || before.index {
		return 0
	}
	return before.digit
}

// stemOf returns where the name of a FASTQ file begins and where its ending does, which is -1 for other files.
func stemOf(uri string) (start, end int) {
	start = strings.LastIndexByte(uri, '/') + 1
	for _, ending := range [...]string{".fastq.gz", ".fq.gz"} {
		if end := len(uri) - len(ending); end > start && hasSuffixFold(uri, ending) {
			return start, end
		}
	}
	return start, -1
}

// uncompressed matches the name of a FASTQ file that is not compressed, or not with gzip.
var uncompressed = regexp.MustCompile(`(?i)\.(?:fastq|fq)(?:\.(?:bz2|xz|zst|ora))?$`)

// key returns what mates have in common in their URIs, with the index reads of the same lane.
func (m mate) key(uri string) string {
	head, letter := uri[:m.from], ""
	if m.also > 0 {
		head = uri[:m.also] + "*" + uri[m.also+1:m.from]
	}
	if m.named {
		letter = "R"
	}
	return head + letter + "*" + uri[m.digit+1:m.end]
}

// renumbered returns the URI of the mate with another number.
func (m mate) renumbered(uri, number string) string {
	other := uri[:m.digit] + number + uri[m.digit+1:]
	if m.also > 0 {
		other = other[:m.also] + number + other[m.also+1:]
	}
	return other
}

// MateKey returns what the URIs of mates have in common, and those of the index reads and other reads that belong to them.
// Two FASTQ files for which it differs are never paired by [PairFASTQ]. Files that say nothing of a mate have keys of their own.
func MateKey(uri string) string {
	m := mateOf(uri)
	if m.number == 0 {
		return uri
	}
	return m.key(uri)
}
