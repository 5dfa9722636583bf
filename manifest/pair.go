package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/readsetimport/readsetimport"
)

// Pair holds the URIs of the FASTQ files of one read set. Source2 is the second mate, empty for a single-end read set.
type Pair struct{ Source1, Source2 string }

// PairFASTQ returns the FASTQ files of a list as pairs of mates, which it finds by the files' names. The names may be
// URIs of any scheme or paths with slashes.
//
// A token in the name tells which mate a file is. It stands between two of the separators _ . - or at the name's end:
//
//   - R1 and R2, also r1 or read1: sample_S1_L001_R1_001.fastq.gz, sample.R1.fastq.gz, sample_R1_001-5x.fastq.gz;
//   - 1 and 2 after _ and before a dot or the end: SRR233106_1.fastq.gz, SRR233106_1.filt.fastq.gz; elsewhere, as in
//     plate_1_A.fastq.gz, they are a lane or a replicate;
//   - 1 and 2 at the end after a dot, if there is no other token: sample.1.fq.gz.
//
// The last of several tokens counts. Two files are mates if they are in the same folder and their names differ only in
// the token and in the ending, .fastq.gz or .fq.gz. The pairs are in the order of the list, each at the place of its
// first file; which file comes first in the list does not decide which is the first mate. A file without a token, and a
// first mate without a second, is a Pair of one file.
//
// Index reads (I1 and I2) are left out if the reads that they belong to are in the list, since HealthOmics does not
// import them.
//
// If the list has faults, PairFASTQ returns no pairs and a [*readsetimport.ValidationError] that lists them all, with
// paths such as uris[3] and the files' names in the details: second mates without a first, more than two files of one
// name, two first mates, third reads, index reads without reads, files listed twice, and names that are not those of
// gzip-compressed FASTQ files.
func PairFASTQ(uris []string) ([]Pair, error) {
	p := pairing{uris: uris, groups: make(map[string]*mateGroup)}
	seen := make(map[string]int, len(uris))
	for i, uri := range uris {
		if first, twice := seen[uri]; twice {
			p.fault(i, readsetimport.RuleDuplicate, fmt.Sprintf("%s is in the list twice: uris[%d] is the same", p.name(i), first))
			continue
		}
		seen[uri] = i
		p.add(i, uri)
	}
	pairs := p.pairs()
	if len(p.faults) > 0 {
		slices.SortStableFunc(p.faults, func(a, b indexedFault) int { return a.index - b.index })
		err := &readsetimport.ValidationError{}
		for _, f := range p.faults {
			err.Fields = append(err.Fields, f.FieldError)
		}
		return nil, err
	}
	return pairs, nil
}

// Validate reports an error if the file names contradict a read 1 / read 2 pair: both are first mates, both are second
// mates, the mates are in the wrong order, or one is an index read. Names without such a token are accepted, and so is a
// single file of any name. The error is a [*readsetimport.ValidationError] with the path sourceFiles.source1 or
// sourceFiles.source2.
func (p Pair) Validate() error {
	if p.Source1 == "" || p.Source2 == "" {
		return nil
	}
	first, second := mateOf(p.Source1), mateOf(p.Source2)
	fault := func(path, uri, detail string) error {
		return &readsetimport.ValidationError{Fields: []*readsetimport.FieldError{{Path: path, Rule: readsetimport.RuleCombination, Value: shorten(uri), Detail: detail}}}
	}
	switch {
	case first.index:
		return fault("sourceFiles.source1", p.Source1, "must be a first mate: by its name it is an index read")
	case second.index:
		return fault("sourceFiles.source2", p.Source2, "must be a second mate: by its name it is an index read")
	case first.number == 1 && second.number == 1:
		return fault("sourceFiles.source2", p.Source2, "must be a second mate: by their names both files are first mates")
	case first.number == 2 && second.number == 2:
		return fault("sourceFiles.source1", p.Source1, "must be a first mate: by their names both files are second mates")
	case first.number == 2 && second.number == 1:
		return fault("sourceFiles.source1", p.Source1, "must be a first mate: by their names the mates are in the wrong order")
	}
	return nil
}

// pairing is one call of PairFASTQ.
type pairing struct {
	uris   []string
	groups map[string]*mateGroup // by what the names of mates share
	order  []*mateGroup          // in the order of their first files
	faults []indexedFault
}

// mateGroup is the files whose names differ in the token only, as indexes of the list.
type mateGroup struct {
	reads  [3][]int // first mates at 1, second at 2; at 0 what has no token
	others []int    // third reads, or samples with higher numbers
	index  []int    // index reads
	named  bool     // the token is R1, not only a number
}

type indexedFault struct {
	index int
	*readsetimport.FieldError
}

func (p *pairing) fault(i int, rule readsetimport.Rule, detail string) {
	p.faults = append(p.faults, indexedFault{i, &readsetimport.FieldError{
		Path: "uris[" + strconv.Itoa(i) + "]", Rule: rule, Value: shorten(p.uris[i]), Detail: detail,
	}})
}

// name is the name of a file for a detail.
func (p *pairing) name(i int) string {
	return quoteName(p.uris[i])
}

func quoteName(uri string) string {
	return strconv.Quote(shorten(uri[strings.LastIndexByte(uri, '/')+1:]))
}

// add puts a file into its group.
func (p *pairing) add(i int, uri string) {
	if _, end := stemOf(uri); end < 0 {
		detail := " must be a FASTQ file: its name must end in .fastq.gz or .fq.gz"
		if isUncompressed(uri) {
			detail = " must be compressed with gzip, and its name end in .fastq.gz or .fq.gz"
		}
		p.fault(i, readsetimport.RulePattern, p.name(i)+detail)
		return
	}
	m := mateOf(uri)
	if m.number == 0 {
		g := &mateGroup{}
		g.reads[0] = []int{i}
		p.order = append(p.order, g)
		return
	}
	key := m.key(uri)
	g := p.groups[key]
	if g == nil {
		g = &mateGroup{named: m.named}
		p.groups[key] = g
		p.order = append(p.order, g)
	}
	switch {
	case m.index:
		g.index = append(g.index, i)
	case m.number > 2:
		g.others = append(g.others, i)
	default:
		g.reads[m.number] = append(g.reads[m.number], i)
	}
}

// pairs are what the groups come to, in the order of the list. Groups of one kind of name only, all with numbers above
// 2, are several read sets; their order is settled by the index.
func (p *pairing) pairs() []Pair {
	type placed struct {
		index int
		pair  Pair
	}
	var found []placed
	for _, g := range p.order {
		single, first, second := g.reads[0], g.reads[1], g.reads[2]
		switch {
		case len(single) == 1:
			found = append(found, placed{single[0], Pair{Source1: p.uris[single[0]]}})
		case !p.check(g):
		case len(first) == 1 && len(second) == 1:
			found = append(found, placed{min(first[0], second[0]), Pair{p.uris[first[0]], p.uris[second[0]]}})
		case len(first) == 1:
			found = append(found, placed{first[0], Pair{Source1: p.uris[first[0]]}})
		default:
			for _, i := range g.others {
				found = append(found, placed{i, Pair{Source1: p.uris[i]}})
			}
		}
	}
	slices.SortFunc(found, func(a, b placed) int { return a.index - b.index })
	pairs := make([]Pair, len(found))
	for i, f := range found {
		pairs[i] = f.pair
	}
	return pairs
}

// check reports whether a group can be a pair, one file, or files of their own.
func (p *pairing) check(g *mateGroup) bool {
	first, second := g.reads[1], g.reads[2]
	reads := slices.Concat(first, second)
	all := slices.Concat(reads, g.others)
	slices.Sort(all)
	switch {
	case len(all) == 0:
		for _, i := range g.index {
			p.fault(i, readsetimport.RuleCombination, p.name(i)+" is an index read, and the reads that it belongs to are not in the list")
		}
		return false
	case len(reads) > 0 && len(all) > 2:
		p.fault(all[2], readsetimport.RuleCombination, p.names(all)+" are more than two files of one name: HealthOmics takes one file or a pair")
		return false
	case len(reads) > 0 && len(g.others) > 0:
		p.fault(all[1], readsetimport.RuleCombination, p.names(all)+" are no first and second mate of one name")
		return false
	case len(first) == 2:
		p.fault(first[1], readsetimport.RuleCombination, p.names(first)+" are two first mates of one name")
		return false
	case len(second) == 2:
		p.fault(second[1], readsetimport.RuleCombination, p.names(second)+" are two second mates of one name")
		return false
	case len(second) == 1 && len(first) == 0:
		i := second[0]
		uri := p.uris[i]
		m := mateOf(uri)
		p.fault(i, readsetimport.RuleCombination, p.name(i)+" is a second mate without its first, "+quoteName(m.renumbered(uri, "1")))
		return false
	case len(g.others) > 0 && g.named:
		for _, i := range g.others {
			p.fault(i, readsetimport.RuleCombination, p.name(i)+" is a third read: HealthOmics takes one file or a pair, R1 and R2")
		}
		return false
	}
	return true
}

// names lists up to four files.
func (p *pairing) names(indexes []int) string {
	const most = 4
	var names []string
	for _, i := range indexes[:min(most, len(indexes))] {
		names = append(names, p.name(i))
	}
	if more := len(indexes) - most; more > 0 {
		names = append(names, strconv.Itoa(more)+" more")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// mate is what a file's name says of its place in a pair. The zero value is a name that says nothing.
type mate struct {
	number int  // 1 and 2 are mates, 3 to 9 third reads and the like
	index  bool // an index read
	named  bool // the token has a letter: R1, read1, I1
	from   int  // where the token begins in the URI
	digit  int  // where its digit is
	also   int  // where the same digit is before _val, as Trim Galore repeats it: x_R1_val_1; or 0
	end    int  // where the name ends and .fastq.gz begins
}

// mateOf finds the last token of a FASTQ file's name.
func mateOf(uri string) mate {
	start, end := stemOf(uri)
	weak := mate{}
	for from := end; from >= start && end >= 0; from-- {
		if from > start && !isNameSeparator(uri[from-1]) {
			continue
		}
		m, ok := tokenAt(uri, from, end)
		if !ok {
			continue
		}
		separator := byte(0)
		if from > start {
			separator = uri[from-1]
		}
		last := m.digit+1 == end
		switch {
		case m.named:
			return m
		case separator == '_' && (last || uri[m.digit+1] == '.'):
			m.also = beforeVal(uri, start, m)
			return m
		case separator == '.' && last:
			weak = m
		}
	}
	return weak
}

// stemOf is where the name of a FASTQ file begins and where its ending does, or -1 if it has another.
func stemOf(uri string) (start, end int) {
	start = strings.LastIndexByte(uri, '/') + 1
	for _, ending := range [...]string{".fastq.gz", ".fq.gz"} {
		if end := len(uri) - len(ending); end > start && strings.EqualFold(uri[end:], ending) {
			return start, end
		}
	}
	return start, -1
}

// isUncompressed reports whether a name is that of a FASTQ file that is not compressed, or not with gzip.
func isUncompressed(uri string) bool {
	name := strings.ToLower(uri[strings.LastIndexByte(uri, '/')+1:])
	for _, compressed := range [...]string{".bz2", ".xz", ".zst", ".ora"} {
		name = strings.TrimSuffix(name, compressed)
	}
	return strings.HasSuffix(name, ".fastq") || strings.HasSuffix(name, ".fq")
}

func isNameSeparator(c byte) bool { return c == '_' || c == '.' || c == '-' }

// tokenAt reads a token: an optional letter or word, a digit from 1 to 9, and then a separator or the name's end.
func tokenAt(uri string, from, end int) (mate, bool) {
	m := mate{from: from, digit: from, end: end}
	if from < end {
		switch uri[from] {
		case 'R', 'r':
			m.named = true
			m.digit++
			if rest := uri[m.digit:end]; len(rest) >= 3 && strings.EqualFold(rest[:3], "ead") {
				m.digit += 3
			}
		case 'I', 'i':
			m.named, m.index = true, true
			m.digit++
		}
	}
	if m.digit >= end || uri[m.digit] < '1' || uri[m.digit] > '9' {
		return mate{}, false
	}
	m.number = int(uri[m.digit] - '0')
	return m, m.digit+1 == end || isNameSeparator(uri[m.digit+1])
}

// beforeVal is where the digit of the token before _val_1 is, if it is the same as this one, or 0.
func beforeVal(uri string, start int, m mate) int {
	name, ok := strings.CutSuffix(uri[start:m.from-1], "_val")
	if !ok {
		return 0
	}
	end := start + len(name)
	from := start + strings.LastIndexAny(name, "_.-") + 1
	before, ok := tokenAt(uri, from, end)
	if !ok || before.digit+1 != end || before.number != m.number || before.index {
		return 0
	}
	return before.digit
}

// key is what the names of mates share, and the index reads of the same lane.
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

// renumbered is the URI of another mate.
func (m mate) renumbered(uri, number string) string {
	other := uri[:m.digit] + number + uri[m.digit+1:]
	if m.also > 0 {
		other = other[:m.also] + number + other[m.also+1:]
	}
	return other
}
