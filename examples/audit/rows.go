package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/recall"
	"github.com/readsetimport/readsetimport/examples/internal/sheet"
	"github.com/readsetimport/readsetimport/journal"
)

// status says where a row is.
type status string

const (
	inStore  status = "in the store"
	twice    status = "twice"   // as two read sets, or as one that has the content of another
	differs  status = "differs" // its read set is not what the row says
	underWay status = "on its way"
	unclear  status = "unclear" // there are read sets that may be it
	deleted  status = "deleted" // it was in the store
	missing  status = "missing"
)

// row is a row of the sheet.
type row struct {
	source   readsetimport.Source
	line     int
	said     recall.Source // by the journal
	ids      []string      // of read sets that are it, by the jobs that brought them
	notes    []string      // on these
	lost     []string      // why there are not more
	same     []string      // read sets with the same content, the first of them
	moreSame int           // and how many there are more
	maybe    []string      // read sets of its subject, sample and type of which nothing tells where they are from
	wrong    bool          // one of the read sets is not what the row says
}

// sheetAudit is the audit of a sheet.
type sheetAudit struct {
	progress *progress
	client   *readsetimport.Client
	target   readsetimport.Target
	rows     []*row
	origin   map[string]bool // read sets of which a job tells where they are from
	byID     map[string]*row // by read set
	bySelf   map[journal.Fingerprint]*row
}

// auditSheet answers which rows of a sheet are in the store.
func auditSheet(ctx context.Context, client *readsetimport.Client, log journal.Journal, store string, asked sheet.Sheet, p *progress) (table, error) {
	a := &sheetAudit{
		client: client, progress: p,
		target: readsetimport.Target{SequenceStoreID: store, RoleARN: noRole},
		origin: make(map[string]bool), byID: make(map[string]*row), bySelf: make(map[journal.Fingerprint]*row),
	}
	for i, s := range asked.Sources {
		r := &row{source: s, line: asked.Lines[i]}
		self := a.target.Fingerprint(s)
		if first := a.bySelf[self]; first != nil {
			return table{}, fmt.Errorf("lines %d and %d of the sheet are the same", first.line, r.line)
		}
		a.rows = append(a.rows, r)
		a.bySelf[self] = r
	}
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"reading the import jobs", func(ctx context.Context) error { return a.readJobs(ctx, log) }},
		{"holding the rows against the read sets", a.verify},
		{"comparing the read sets", a.compare},
	} {
		p.step(step.name)
		if err := step.do(ctx); err != nil {
			return table{}, fmt.Errorf("store %s: %w", store, err)
		}
	}
	return a.table(), nil
}

// noRole stands for the role of imports, which an audit does not need.
const noRole = "arn:aws:iam:::role/none-is-needed"

// readJobs finds the read sets of each row by the store's import jobs.
func (a *sheetAudit) readJobs(ctx context.Context, log journal.Journal) error {
	if _, err := a.client.Adopt(ctx, a.target); err != nil {
		return err
	}
	known, err := recall.Read(ctx, log)
	if err != nil {
		return err
	}
	for self, said := range known {
		if r := a.bySelf[self]; r != nil {
			r.said = said
		}
		if said.State == recall.InStore {
			a.add(self, said.ReadSetID)
		}
		for _, id := range said.Spares {
			a.add(self, id)
		}
	}
	return nil
}

// add notes that a job has made a read set of a source, which may be one of the sheet.
func (a *sheetAudit) add(self journal.Fingerprint, readSetID string) {
	a.origin[readSetID] = true
	if r := a.bySelf[self]; r != nil && readSetID != "" && !slices.Contains(r.ids, readSetID) {
		r.ids = append(r.ids, readSetID)
	}
}

// verify drops the read sets that are not there, and notes what is wrong with the others.
func (a *sheetAudit) verify(ctx context.Context) error {
	var results []readsetimport.Result
	for i, r := range a.rows {
		for _, id := range r.ids {
			results = append(results, readsetimport.Result{Index: i, Source: r.source, ReadSetID: id})
		}
	}
	found, err := a.client.Verify(ctx, a.target, results)
	if err != nil {
		return err
	}
	for _, d := range found {
		r, id := a.rows[d.Result.Index], d.Result.ReadSetID
		switch note := "read set " + id + ": " + d.Detail; d.Kind {
		case readsetimport.ReadSetMissing, readsetimport.ReadSetDeleted:
			r.ids = slices.DeleteFunc(r.ids, func(other string) bool { return other == id })
			r.lost = append(r.lost, note)
		case readsetimport.ReadSetNotActive:
			r.notes = append(r.notes, note)
		case readsetimport.ReadSetSameContent: // compare tells with which
		default:
			r.notes, r.wrong = append(r.notes, note), true
		}
	}
	for _, r := range a.rows {
		for _, id := range r.ids {
			a.byID[id] = r
		}
	}
	return nil
}

// looks is what a read set is known by where no job tells which files it is from.
type looks struct {
	kind            types.FileType
	subject, sample string
}

// compare lists the store's read sets, and finds those with the content of a row, and those that may be a row which is not there.
func (a *sheetAudit) compare(ctx context.Context) error {
	lost := make(map[looks][]*row)
	for _, r := range a.rows {
		if len(r.ids) == 0 {
			key := looks{r.source.Type, r.source.SubjectID, r.source.SampleID}
			lost[key] = append(lost[key], r)
		}
	}
	maybe := make(map[looks][]string)
	groups, err := readsetimport.DoubleReadSets(a.each(ctx, func(set readsetimport.ReadSet) {
		key := looks{set.Type, set.SubjectID, set.SampleID}
		if lost[key] != nil && set.Present() && !a.origin[set.ID] {
			maybe[key] = append(maybe[key], set.ID)
		}
	}))
	if err != nil {
		return err
	}
	for key, ids := range maybe {
		slices.Sort(ids)
		ids = slices.Compact(ids) // the list may have changed between two pages
		for _, r := range lost[key] {
			r.maybe = ids
		}
	}
	for _, group := range groups {
		a.noteSame(group)
	}
	return nil
}

// each passes the store's read sets on, and calls look with each.
func (a *sheetAudit) each(ctx context.Context, look func(readsetimport.ReadSet)) iter.Seq2[readsetimport.ReadSet, error] {
	return func(yield func(readsetimport.ReadSet, error) bool) {
		for set, err := range a.client.ReadSets(ctx, a.target.SequenceStoreID) {
			if err == nil {
				a.progress.add()
				look(set)
			}
			if !yield(set, err) {
				return
			}
		}
	}
}

// noteSame notes with each row of a group the read sets that are not its own, the first by name: there can be very many.
func (a *sheetAudit) noteSame(group []readsetimport.ReadSet) {
	own := make(map[*row]int)
	for _, set := range group {
		own[a.byID[set.ID]]++
	}
	delete(own, nil)
	for r, n := range own {
		others := len(group) - n
		for _, set := range group {
			if others == 0 || len(r.same) == shown {
				break
			}
			if other := a.byID[set.ID]; other != r {
				r.same = append(r.same, named(set, other))
				others--
			}
		}
		r.moreSame += others
	}
}

// named names a read set, and the row that it is of if there is one.
func named(set readsetimport.ReadSet, r *row) string {
	if r == nil {
		return "read set " + set.ID
	}
	return "read set " + set.ID + " of line " + strconv.Itoa(r.line)
}

// answer returns where the row is, the read sets, and what there is to say about them.
func (r *row) answer() (status, []string, string) {
	switch {
	case r.wrong:
		return differs, r.ids, sentence(append(r.notes, r.sameContent()...))
	case len(r.ids) > 1 || len(r.same) > 0 && len(r.ids) > 0:
		return twice, r.ids, sentence(append(r.sameContent(), r.notes...))
	case len(r.ids) == 1:
		return inStore, r.ids, sentence(r.notes)
	case r.said.State == recall.UnderWay && r.said.JobID != "":
		return underWay, nil, "job " + r.said.JobID + " has it"
	case r.said.State == recall.UnderWay:
		return underWay, nil, "an import was cut off when it sent it: its next run finds out what became of it, or leaves that to you: see -doubts"
	case len(r.maybe) > 0:
		return unclear, r.maybe, sentence(append([]string{"of its subject, sample and type, uploaded or from a job that is no longer listed: look whether it is this one"}, r.lost...))
	case len(r.lost) > 0:
		return deleted, nil, sentence(r.lost)
	case r.said.State == recall.Gone:
		return deleted, nil, "read set " + r.said.ReadSetID + " is no longer there"
	case r.said.State == recall.Failed:
		return missing, nil, "job " + r.said.JobID + " has not imported it"
	}
	return missing, nil, ""
}

func (r *row) sameContent() []string {
	if len(r.same) == 0 {
		return nil
	}
	return []string{"the same content as " + list(r.same, r.moreSame, ", ")}
}

func sentence(parts []string) string { return list(parts, 0, "; ") }

// shown is how many of many are told.
const shown = 5

// list joins the first of many, and says how many there are more.
func list(all []string, more int, separator string) string {
	if len(all) > shown {
		all, more = all[:shown], more+len(all)-shown
	}
	text := strings.Join(all, separator)
	if more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

func (a *sheetAudit) table() table {
	out := table{header: []string{"line", "status", "read set", "file", "detail"}}
	count := make(map[status]int)
	for _, r := range a.rows {
		status, ids, detail := r.answer()
		count[status]++
		out.rows = append(out.rows, []string{strconv.Itoa(r.line), string(status), list(ids, 0, " "), r.source.Source1, detail})
	}
	out.good = count[inStore] == len(a.rows)
	var parts []string
	for _, s := range []status{inStore, twice, differs, underWay, unclear, deleted, missing} {
		if n := count[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", s, n))
		}
	}
	out.summary = fmt.Sprintf("rows %d: %s", len(a.rows), strings.Join(parts, ", "))
	return out
}
