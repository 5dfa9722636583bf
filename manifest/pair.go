package manifest

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/rules"
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
	pairs, faults := pairFiles(uris)
	if len(faults) == 0 {
		return pairs, nil
	}
	err := &readsetimport.ValidationError{}
	for _, f := range faults {
		err.Fields = append(err.Fields, f.FieldError)
	}
	return nil, err
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
		return &readsetimport.ValidationError{Fields: []*readsetimport.FieldError{{Path: path, Rule: readsetimport.RuleCombination, Value: rules.Shorten(uri), Detail: detail}}}
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

// pairFiles returns the pairs among FASTQ files, and the faults of files that are in no pair, both in the order of the list.
func pairFiles(uris []string) ([]Pair, []indexedFault) {
	p := pairing{uris: uris, groups: make(map[string]*mateGroup), pairs: make([]Pair, len(uris))}
	places := make(map[string]int, len(uris))
	for i, uri := range uris {
		if first, twice := places[uri]; twice {
			p.fault(i, readsetimport.RuleDuplicate, fmt.Sprintf("%s is in the list twice: uris[%d] is the same", p.name(i), first))
			continue
		}
		places[uri] = i
		p.add(i, uri)
	}
	for _, g := range p.groups {
		p.pair(g)
	}
	slices.SortStableFunc(p.faults, func(a, b indexedFault) int { return a.index - b.index })
	return slices.DeleteFunc(p.pairs, func(none Pair) bool { return none == Pair{} }), p.faults
}

// pairing is one list that is paired.
type pairing struct {
	uris   []string
	groups map[string]*mateGroup // by what the names of mates share
	pairs  []Pair                // each at the index of its file that comes first in the list
	faults []indexedFault
}

// mateGroup is the files whose names differ in the token only, as indexes of the list.
type mateGroup struct {
	reads   []int
	numbers []byte // of the reads: 1 and 2 are mates
	index   []int  // index reads
	named   bool   // the token is R1, not only a number
}

type indexedFault struct {
	index int
	*readsetimport.FieldError
}

func (p *pairing) fault(i int, rule readsetimport.Rule, detail string) {
	p.faults = append(p.faults, indexedFault{i, &readsetimport.FieldError{
		Path: "uris[" + strconv.Itoa(i) + "]", Rule: rule, Value: rules.Shorten(p.uris[i]), Detail: detail,
	}})
}

// name returns the name of a file for a detail.
func (p *pairing) name(i int) string { return quoteName(p.uris[i]) }

func quoteName(uri string) string { return strconv.Quote(rules.Shorten(nameOf(uri))) }

// add puts a file into its group.
func (p *pairing) add(i int, uri string) {
	if _, end := stemOf(uri); end < 0 {
		detail := " must be a FASTQ file: its name must end in .fastq.gz or .fq.gz"
		if uncompressed.MatchString(uri) {
			detail = " must be compressed with gzip, and its name end in .fastq.gz or .fq.gz"
		}
		p.fault(i, readsetimport.RulePattern, p.name(i)+detail)
		return
	}
	m := mateOf(uri)
	if m.number == 0 {
		p.pairs[i].Source1 = uri
		return
	}
	key := m.key(uri)
	g := p.groups[key]
	if g == nil {
		g = &mateGroup{named: m.named}
		p.groups[key] = g
	}
	if m.index {
		g.index = append(g.index, i)
	} else {
		g.reads, g.numbers = append(g.reads, i), append(g.numbers, byte('0'+m.number))
	}
}

// pair makes a pair of a group, or files of their own, or notes its faults.
func (p *pairing) pair(g *mateGroup) {
	wrong := func(i int, detail string) { p.fault(i, readsetimport.RuleCombination, detail) }
	switch numbers := string(slices.Sorted(slices.Values(g.numbers))); {
	case numbers == "12":
		first := bytes.IndexByte(g.numbers, '1')
		p.pairs[g.reads[0]] = Pair{p.uris[g.reads[first]], p.uris[g.reads[1-first]]}
	case numbers == "1":
		p.pairs[g.reads[0]].Source1 = p.uris[g.reads[0]]
	case numbers == "2":
		uri := p.uris[g.reads[0]]
		wrong(g.reads[0], p.name(g.reads[0])+" is a second mate without its first, "+quoteName(mateOf(uri).renumbered(uri, "1")))
	case numbers == "11":
		wrong(g.reads[1], p.names(g.reads)+" are two first mates of one name")
	case numbers == "22":
		wrong(g.reads[1], p.names(g.reads)+" are two second mates of one name")
	case numbers == "":
		for _, i := range g.index {
			wrong(i, p.name(i)+" is an index read, and the reads that it belongs to are not in the list")
		}
	case strings.ContainsAny(numbers, "12") && len(numbers) > 2:
		wrong(g.reads[2], p.names(g.reads)+" are more than two files of one name: HealthOmics takes one file or a pair")
	case strings.ContainsAny(numbers, "12"):
		wrong(g.reads[1], p.names(g.reads)+" are no first and second mate of one name")
	case g.named:
		for _, i := range g.reads {
			wrong(i, p.name(i)+" is a third read: HealthOmics takes one file or a pair, R1 and R2")
		}
	default: // samples with higher numbers, or parts
		for _, i := range g.reads {
			p.pairs[i].Source1 = p.uris[i]
		}
	}
}

// names returns the names of up to four files for a detail.
func (p *pairing) names(indexes []int) string {
	var names []string
	for n, i := range indexes {
		if n == 4 {
			names = append(names, strconv.Itoa(len(indexes)-n)+" more")
			break
		}
		names = append(names, p.name(i))
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}
