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
// The last of several tokens counts; in the names of Trim Galore, sample_R1_001_val_1.fq.gz, two say the same. Two files are
// mates if they are in the same folder and their names differ only in the tokens and in the ending, .fastq.gz or .fq.gz. The
// pairs are in the order of the list, each at the place of its first file; which file comes first in the list does not decide
// which is the first mate. A file without a token, and a first mate without a second, is a Pair of one file.
//
// Index reads (I1 and I2) are left out if the reads that they belong to are in the list, since HealthOmics does not
// import them.
//
// If the list has faults, PairFASTQ returns no pairs and a [*readsetimport.ValidationError] that lists them all, with
// paths such as uris[3] and the files' names in the details: second mates without a first, more than two files of one
// name, two first mates, third reads, index reads without reads, files listed twice, and names that are not those of
// gzip-compressed FASTQ files.
func PairFASTQ(uris []string) ([]Pair, error) {
	found, faults := pairFiles(uris)
	if len(faults) > 0 {
		err := &readsetimport.ValidationError{}
		for _, f := range faults {
			err.Fields = append(err.Fields, f.FieldError)
		}
		return nil, err
	}
	pairs := make([]Pair, len(found))
	for i, p := range found {
		pairs[i].Source1 = uris[p.first]
		if p.second >= 0 {
			pairs[i].Source2 = uris[p.second]
		}
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

// indexedPair is a pair by the indexes of its files in the list. There is no second mate if second is negative.
type indexedPair struct{ first, second int }

// place returns the index of the file that comes first in the list.
func (p indexedPair) place() int {
	if p.second >= 0 {
		return min(p.first, p.second)
	}
	return p.first
}

// pairFiles returns the pairs among FASTQ files, and the faults of files that are in no pair, both in the order of the list.
func pairFiles(uris []string) ([]indexedPair, []indexedFault) {
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
	slices.SortStableFunc(p.faults, func(a, b indexedFault) int { return a.index - b.index })
	return pairs, p.faults
}

// pairing is one list that is paired.
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

// name returns the name of a file for a detail.
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

// pairs returns the pairs of the groups. A group with no first and second mates but other numbers is several read sets,
// so the order of the groups is not that of the pairs.
func (p *pairing) pairs() []indexedPair {
	var found []indexedPair
	for _, g := range p.order {
		single, first, second := g.reads[0], g.reads[1], g.reads[2]
		switch {
		case len(single) == 1:
			found = append(found, indexedPair{single[0], -1})
		case !p.check(g):
		case len(first) == 1 && len(second) == 1:
			found = append(found, indexedPair{first[0], second[0]})
		case len(first) == 1:
			found = append(found, indexedPair{first[0], -1})
		default:
			for _, i := range g.others {
				found = append(found, indexedPair{i, -1})
			}
		}
	}
	slices.SortFunc(found, func(a, b indexedPair) int { return a.place() - b.place() })
	return found
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

// names returns the names of up to four files for a detail.
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
