package search

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/readset"
)

// ErrTooMany says that the search among the read sets was given up.
var ErrTooMany = errors.New("there are too many read sets of these samples")

// Person is whose read sets are looked for.
type Person struct{ SubjectID, SampleID string }

// Want is what is looked for: a source of the batch.
type Want struct {
	Person
	Type types.FileType
	Name string // may be empty
}

// Sets is the state of the search among the read sets: those of each person that were created since the first request, and
// the jobs that created them.
type Sets struct {
	Person  int      `json:"person,omitempty"`  // of the batch's persons, the one whose read sets are being read
	Page    string   `json:"page,omitempty"`    // the next page of them
	Listed  bool     `json:"listed,omitempty"`  // all of them were listed
	Pages   int      `json:"pages,omitempty"`   // pages read
	Unread  []string `json:"unread,omitempty"`  // ids of read sets of the last page that are still to be looked at
	Job     string   `json:"job,omitempty"`     // that created the first of them, and is read next
	Others  []string `json:"others,omitempty"`  // jobs that are not the batch's
	Gone    []string `json:"gone,omitempty"`    // jobs that the service does not know any more
	Made    []Made   `json:"made,omitempty"`    // read sets of the batch's own job
	Unclear []Made   `json:"unclear,omitempty"` // read sets of which nobody tells who created them
	Done    bool     `json:"done,omitempty"`
	Denied  bool     `json:"denied,omitempty"` // they may not be listed, and tell nothing
}

// Made is a read set of one of the batch's persons.
type Made struct {
	ID     string         `json:"id"`
	Person int            `json:"person"`           // among the batch's
	Type   types.FileType `json:"type,omitempty"`   // empty: any
	Source int            `json:"source,omitempty"` // of the batch, from 1, if its name alone tells; 0: it does not
}

func (m Made) isOf(person int, t types.FileType) bool {
	return m.Person == person && sameType(m.Type, t)
}

// sameType reports whether two types may be the same. The service may have found that a BAM is unaligned, or is not.
func sameType(a, b types.FileType) bool {
	isBAM := func(t types.FileType) bool { return t == types.FileTypeBam || t == types.FileTypeUbam }
	return a == b || a == "" || b == "" || isBAM(a) && isBAM(b)
}

// ReadSetIDs returns the read sets that were found and may be the batch's.
func (s State) ReadSetIDs() (ids []string) {
	if s.Sets != nil {
		for _, m := range slices.Concat(s.Sets.Made, s.Sets.Unclear) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// Persons returns whose the sources are, each once, in their order.
func Persons(wants []Want) []Person {
	var out []Person
	seen := make(map[Person]bool)
	for _, w := range wants {
		if !seen[w.Person] {
			seen[w.Person] = true
			out = append(out, w.Person)
		}
	}
	return out
}

// OfReadSets takes one step through the read sets: a page of a person's, a look at one, or at the job that created it. own is
// the batch's job, or empty if it is not known whether there is one. It ends early once a job is found that has the sources.
func (s State) OfReadSets(ctx context.Context, store Store, wants []Want, own string) (State, error) {
	sets := Sets{}
	if s.Sets != nil {
		sets = *s.Sets
	}
	var err error
	persons := Persons(wants)
	sets.advance()
	switch {
	case sets.Job != "":
		var match Match
		if match, err = store.Job(ctx, sets.Job); err == nil {
			s = s.noted(sets.Job, match)
			sets.Others = append(slices.Clone(sets.Others), sets.Job)
			sets.next()
		}
	case len(sets.Unread) > 0 && sets.Person < len(persons):
		err = sets.look(ctx, store, wants, own)
	case sets.Person < len(persons):
		if s.After.IsZero() || sets.Page == "" {
			s.After = store.After(s.Since)
		}
		err = sets.list(ctx, store, persons[sets.Person], s, wants, own)
	}
	if err == nil && (sets.Pages > PageMax || max(len(sets.Others), len(sets.Gone), len(sets.Made), len(sets.Unclear)) > setMax) {
		err = ErrTooMany
	}
	sets.advance()
	const lostMax = 3 // jobs that are gone: the batch is in doubt then, whatever the others tell
	sets.Done = sets.Person >= len(persons) || s.Carries != "" || len(sets.Gone) >= lostMax
	if err == nil {
		s.Sets = &sets
	}
	return s, err
}

// advance goes on to the next person once all of this one's read sets were looked at.
func (sets *Sets) advance() {
	if sets.Listed && len(sets.Unread) == 0 {
		sets.Person, sets.Listed = sets.Person+1, false
	}
}

func (sets *Sets) next() { sets.Job, sets.Unread = "", sets.Unread[1:] }

// list reads one page of a person's read sets. Uploaded ones, deleted ones and those of other types cannot be of the batch.
func (sets *Sets) list(ctx context.Context, store Store, p Person, s State, wants []Want, own string) error {
	page, next, err := store.ReadSets(ctx, p, s.After, sets.Page)
	if err != nil {
		return err
	}
	if sets.Pages++; sets.Page == "" && s.beginsLate(store) {
		return nil
	}
	for _, set := range page {
		if (own != "" || fits(wants, p, set.Type)) && mayBe(set, p) {
			sets.Unread = append(slices.Clone(sets.Unread), set.ID)
		}
	}
	sets.Page, sets.Listed = next, next == ""
	return nil
}

// fits reports whether one of the person's sources can be of a type.
func fits(wants []Want, p Person, t types.FileType) bool {
	return slices.ContainsFunc(wants, func(w Want) bool { return w.Person == p && sameType(w.Type, t) })
}

// mayBe reports whether a read set can be of a batch with this person. What an answer leaves out, it was asked for.
func mayBe(set readset.ReadSet, p Person) bool {
	same := func(got, want string) bool { return got == want || got == "" }
	return set.Present() && set.CreationType != types.CreationTypeUpload && same(set.SubjectID, p.SubjectID) && same(set.SampleID, p.SampleID)
}

// look asks which job created the first of the candidates.
func (sets *Sets) look(ctx context.Context, store Store, wants []Want, own string) error {
	set, job, err := store.ReadSet(ctx, sets.Unread[0])
	if err != nil {
		return err
	}
	p := Persons(wants)[sets.Person]
	m := Made{ID: set.ID, Person: sets.Person, Type: set.Type, Source: named(wants, p, set) + 1}
	switch {
	case !mayBe(set, p):
	case own != "" && job == own && !fits(wants, p, set.Type):
		m.Type = ""
		sets.Unclear = appendOnce(sets.Unclear, m)
	case own != "" && job == own:
		sets.Made = appendOnce(sets.Made, m)
	case job != "" && (own != "" || store.Other(job) || slices.Contains(sets.Others, job)):
		// It is another batch's.
	case job == "" || slices.Contains(sets.Gone, job):
		sets.Unclear = appendOnce(sets.Unclear, m)
	default:
		sets.Job = job
		return nil
	}
	sets.next()
	return nil
}

// named returns which of the person's sources has the read set's name, if it is the only one; or -1.
func named(wants []Want, p Person, set readset.ReadSet) int {
	is := func(w Want) bool { return w.Person == p && w.Name != "" && w.Name == set.Name }
	i := slices.IndexFunc(wants, is)
	if i < 0 || slices.ContainsFunc(wants[i+1:], is) {
		return -1
	}
	return i
}

func appendOnce(sets []Made, m Made) []Made {
	if slices.ContainsFunc(sets, func(other Made) bool { return other.ID == m.ID }) {
		return sets // it was listed twice, since the store has changed between two pages
	}
	return append(slices.Clone(sets), m)
}

// forget takes it that what was asked for last is not there. Of a job that is not, the next look at its read set tells that
// it is unclear, as is a read set that is on the list.
func (sets *Sets) forget() bool {
	switch {
	case sets.Job != "":
		sets.Gone, sets.Job = append(slices.Clone(sets.Gone), sets.Job), ""
		sets.Unclear = appendOnce(sets.Unclear, Made{ID: sets.Unread[0], Person: sets.Person})
	case len(sets.Unread) > 0: // and yet it is on the list
		sets.Unclear = appendOnce(sets.Unclear, Made{ID: sets.Unread[0], Person: sets.Person})
		sets.next()
	default:
		return false
	}
	return true
}

// Told is what is told of one of a batch's sources.
type Told struct {
	Outcome    wire.Outcome
	Status     types.ReadSetImportJobItemStatus
	ReadSetID  string
	Message    string
	Candidates []string // read sets that it may be, where that is unclear
}

// Tell adds what the read sets of the batch's own job tell of the sources of which the job's answer is unclear, and returns the
// worst of the outcomes. absent is whether what is not in the store is not on its way either.
func (sets Sets) Tell(wants []Want, told []Told, absent bool) (worst wire.Outcome) {
	var open []int
	var taken []string
	for i, o := range told {
		switch o.Outcome {
		case wire.Unclear:
			open = append(open, i)
		case wire.Imported:
			taken = append(taken, o.ReadSetID)
		}
	}
	for i, o := range sets.outcomes(wants, open, taken, absent) {
		told[i].Candidates = o.Candidates
		if o.Outcome != wire.Unclear {
			told[i] = o
		}
	}
	for _, o := range told {
		worst = max(worst, o.Outcome)
	}
	return worst
}

// outcomes returns what the read sets tell of the sources of the batch that are open, by their places. Read sets whose ids are
// taken are those of the others. Sources of the same person and type are told apart by their names, if they have names of
// their own. absent is whether what is not in the store is not on its way either.
func (sets Sets) outcomes(wants []Want, open []int, taken []string, absent bool) map[int]Told {
	type group struct {
		person int
		t      types.FileType
	}
	persons := Persons(wants)
	of := make(map[group][]int)
	out := make(map[int]Told, len(open))
	for _, i := range open {
		g := group{slices.Index(persons, wants[i].Person), wants[i].Type}
		of[g], out[i] = append(of[g], i), Told{Outcome: wire.Unclear}
	}
	for g, open := range of {
		in := func(m Made) bool { return m.isOf(g.person, g.t) && !slices.Contains(taken, m.ID) }
		var made []Made
		for _, m := range sets.Made {
			if in(m) {
				made = append(made, m)
			}
		}
		open, made = byName(open, made, out)
		unclear := slices.ContainsFunc(sets.Unclear, in)
		if len(open) == 1 && len(made) == 1 {
			out[open[0]] = imported(made[0])
			continue
		}
		if len(made) == 0 && !unclear {
			for _, i := range open {
				if absent {
					out[i] = Told{Outcome: wire.NotImported, Status: types.ReadSetImportJobItemStatusFailed, Message: "no read set of it is in the store"}
				}
			}
			continue
		}
		var ids []string
		for _, m := range slices.Concat(made, sets.Unclear) {
			if in(m) && len(ids) < candidatesMax {
				ids = append(ids, m.ID)
			}
		}
		for _, i := range open {
			out[i] = Told{Outcome: wire.Unclear, Candidates: ids}
		}
	}
	return out
}

func imported(m Made) Told {
	return Told{Outcome: wire.Imported, Status: types.ReadSetImportJobItemStatusFinished, ReadSetID: m.ID}
}

// byName finds the read sets of sources that one read set has the name of, and returns the rest of both.
func byName(open []int, made []Made, out map[int]Told) ([]int, []Made) {
	names := make(map[int]int)
	for _, m := range made {
		names[m.Source-1]++
	}
	rest := slices.DeleteFunc(slices.Clone(open), func(i int) bool {
		if names[i] != 1 {
			return false
		}
		at := slices.IndexFunc(made, func(m Made) bool { return m.Source-1 == i })
		out[i] = imported(made[at])
		made = slices.Delete(made, at, at+1)
		return true
	})
	return rest, made
}

// candidatesMax is how many read sets of one source are noted that it may be.
const candidatesMax = 10

// Candidates returns for each source which read sets it may be, as far as its person and type tell: ten of them at most.
func (sets Sets) Candidates(wants []Want) [][]string {
	persons := Persons(wants)
	out := make([][]string, len(wants))
	for i, w := range wants {
		for _, m := range slices.Concat(sets.Made, sets.Unclear) {
			if len(out[i]) < candidatesMax && m.Person < len(persons) && persons[m.Person] == w.Person && m.isOf(m.Person, w.Type) {
				out[i] = append(out[i], m.ID)
			}
		}
	}
	return out
}
