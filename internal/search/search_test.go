package search

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/readset"
)

// fake is a store with read sets, in pages of 100.
type fake struct {
	sets  []readset.ReadSet
	jobOf map[string]string // by read set
	match map[string]Match  // by job
	blank bool              // answers leave out whose a read set is
}

func (f fake) Jobs(context.Context, time.Time, string) ([]string, string, error) {
	return []string{"9000000001"}, "", nil
}

func (f fake) Job(_ context.Context, id string) (Match, error) { return f.match[id], nil }

func (f fake) ReadSets(_ context.Context, p Person, _ time.Time, page string) (out []readset.ReadSet, next string, err error) {
	all := slices.DeleteFunc(slices.Clone(f.sets), func(s readset.ReadSet) bool { return s.SubjectID != p.SubjectID || s.SampleID != p.SampleID })
	at := 0
	_, _ = fmt.Sscan(page, &at)
	end := min(at+100, len(all))
	if end < len(all) {
		next = fmt.Sprint(end)
	}
	for _, s := range all[at:end] {
		out = append(out, f.told(s))
	}
	return out, next, nil
}

func (f fake) told(s readset.ReadSet) readset.ReadSet {
	if f.blank {
		s.SubjectID, s.SampleID, s.Type = "", "", ""
	}
	return s
}

func (f fake) ReadSet(_ context.Context, id string) (readset.ReadSet, string, error) {
	at := slices.IndexFunc(f.sets, func(s readset.ReadSet) bool { return s.ID == id })
	return f.told(f.sets[at]), f.jobOf[id], nil
}

func (f fake) After(since time.Time) time.Time { return since }
func (f fake) Other(string) bool               { return false }

const own = "9000000009"

// batch returns sources of persons, named or not, and the store with what a job made of them.
func batch(n, persons int, named bool) ([]Want, fake) {
	f := fake{jobOf: make(map[string]string), match: make(map[string]Match)}
	var wants []Want
	for i := range n {
		w := Want{Person: Person{"subject", fmt.Sprint("sample ", i%persons)}, Type: types.FileTypeFastq}
		if named {
			w.Name = fmt.Sprint("lane ", i)
		}
		wants = append(wants, w)
		set := readset.ReadSet{ID: fmt.Sprintf("%036d", i), SubjectID: w.SubjectID, SampleID: w.SampleID, Name: w.Name, Type: w.Type, Status: types.ReadSetStatusActive}
		f.sets, f.jobOf[set.ID] = append(f.sets, set), own
	}
	return wants, f
}

// run takes all steps through the read sets, reading the state back between them.
func run(t *testing.T, f fake, wants []Want, job string) (State, error) {
	s := State{Since: time.Now(), Listed: true, Sets: &Sets{}}
	for range 10_000 {
		text, err := json.Marshal(s)
		require.NoError(t, err)
		require.Less(t, len(text), 32<<10)
		var back State
		require.NoError(t, json.Unmarshal(text, &back))
		if s, err = back.OfReadSets(t.Context(), f, wants, job); err != nil || s.Sets.Done {
			return s, err
		}
	}
	require.Fail(t, "it has no end")
	return s, nil
}

func every(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

func TestOwnReadSets(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		persons      int
		named, blank bool
		told         bool
	}{
		{100, false, false, true}, {100, false, true, true}, {1, true, false, true}, {7, true, true, true}, {50, false, false, false},
	} {
		wants, f := batch(100, tc.persons, tc.named)
		f.blank = tc.blank
		f.sets = append(f.sets, readset.ReadSet{ID: "8000000001", SubjectID: "subject", SampleID: "sample 0", Type: types.FileTypeFastq, Status: types.ReadSetStatusActive})
		f.jobOf["8000000001"] = "7000000001" // another job's
		s, err := run(t, f, wants, own)
		require.NoError(t, err)
		require.Len(t, s.Sets.Made, 100)
		for i, o := range s.Sets.outcomes(wants, every(100), nil, true) {
			if tc.told {
				require.Equal(t, Told{Outcome: wire.Imported, Status: types.ReadSetImportJobItemStatusFinished, ReadSetID: f.sets[i].ID}, o)
			} else {
				require.Len(t, o.Candidates, 2)
				require.Contains(t, o.Candidates, f.sets[i].ID)
			}
		}
	}
}

// Names that two sources or two read sets have tell nothing, and what is taken is no candidate.
func TestNames(t *testing.T) {
	t.Parallel()
	wants, f := batch(4, 1, true)
	wants[1].Name = wants[0].Name
	f.sets[3].Name = f.sets[2].Name
	s, err := run(t, f, wants, own)
	require.NoError(t, err)
	got := s.Sets.outcomes(wants, every(4), nil, true)
	for i := range 4 {
		require.Len(t, got[i].Candidates, 4)
	}
	got = s.Sets.outcomes(wants, []int{0}, []string{f.sets[1].ID, f.sets[2].ID, f.sets[3].ID}, true)
	require.Equal(t, f.sets[0].ID, got[0].ReadSetID)
	got = s.Sets.outcomes(wants, []int{3}, []string{f.sets[0].ID, f.sets[1].ID, f.sets[2].ID, f.sets[3].ID}, true)
	require.Equal(t, types.ReadSetImportJobItemStatusFailed, got[3].Status)
	got = s.Sets.outcomes(wants, []int{3}, []string{f.sets[0].ID, f.sets[1].ID, f.sets[2].ID, f.sets[3].ID}, false)
	require.Equal(t, Told{Outcome: wire.Unclear}, got[3])
}

// Where the batch's job is not known, a job that can be read decides, and one that is forgotten leaves its read sets in doubt.
func TestUnknownJob(t *testing.T) {
	t.Parallel()
	wants, f := batch(3, 3, false)
	s, err := run(t, f, wants, "")
	require.NoError(t, err)
	require.Empty(t, s.Found)
	require.Empty(t, s.Sets.Unclear)
	f.match[own] = Match{Shares: true, Carries: true}
	s, err = run(t, f, wants, "")
	require.NoError(t, err)
	require.Equal(t, own, s.Carries)

	s = State{Since: time.Now(), Listed: true, Sets: &Sets{}}
	for s.Sets.Job == "" {
		s, err = s.OfReadSets(t.Context(), f, wants, "")
		require.NoError(t, err)
	}
	before := *s.Sets
	s, ok := s.Forget()
	require.True(t, ok)
	require.Equal(t, own, before.Job, "the state before is not changed")
	for !s.Sets.Done {
		s, err = s.OfReadSets(t.Context(), f, wants, "")
		require.NoError(t, err)
	}
	require.Len(t, s.Sets.Unclear, 3)
	for i, ids := range s.Sets.Candidates(wants) {
		require.Equal(t, []string{f.sets[i].ID}, ids)
	}
}

// A sample with very many read sets is given up, and the state stays small.
func TestTooManyReadSets(t *testing.T) {
	t.Parallel()
	wants, f := batch(1, 1, false)
	for i := range 300 {
		set := f.sets[0]
		set.ID = fmt.Sprintf("8%035d", i)
		f.sets, f.jobOf[set.ID] = append(f.sets, set), fmt.Sprintf("7%035d", i)
	}
	_, err := run(t, f, wants, "")
	require.ErrorIs(t, err, ErrTooMany)
}
