package omicstest

import (
	"sort"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// readSetFilter is the filter of ListReadSets, where nil is a field that is missing or null.
type readSetFilter struct {
	name, status, referenceARN, sampleID, subjectID, generatedFrom, creationType *string
	after, before                                                                time.Time
}

func parseReadSetFilter(body []byte) (readSetFilter, error) {
	var f readSetFilter
	o, err := parseObject(body)
	if err != nil {
		return f, err
	}
	if inner := o.object("filter"); inner != nil {
		f = readSetFilter{
			name:          inner.text("name"),
			status:        inner.text("status"),
			referenceARN:  inner.text("referenceArn"),
			sampleID:      inner.text("sampleId"),
			subjectID:     inner.text("subjectId"),
			generatedFrom: inner.text("generatedFrom"),
			creationType:  inner.text("creationType"),
			after:         inner.time("createdAfter"),
			before:        inner.time("createdBefore"),
		}
		o.takeError(inner)
	}
	return f, o.err
}

// readSetFilter checks the filter of ListReadSets.
func (f *faults) readSetFilter(w readSetFilter) {
	f.text("filter.name", w.name, false, maxText)
	enum(f, "filter.status", w.status, types.ReadSetStatus("").Values())
	// The model allows an empty referenceArn, in the filter only.
	if w.referenceARN != nil && *w.referenceARN != "" {
		f.reference("filter.referenceArn", w.referenceARN, false)
	}
	f.text("filter.sampleId", w.sampleID, false, maxText)
	f.text("filter.subjectId", w.subjectID, false, maxText)
	f.text("filter.generatedFrom", w.generatedFrom, false, maxText)
	enum(f, "filter.creationType", w.creationType, types.CreationType("").Values())
}

// matches reports whether the filter selects a read set, whose creation time is compared elsewhere. An empty
// referenceArn selects the read sets without a reference.
func (f *readSetFilter) matches(r *readSet, status types.ReadSetStatus) bool {
	for _, field := range []struct {
		want *string
		have string
	}{
		{f.name, r.source.Name},
		{f.status, string(status)},
		{f.referenceARN, r.source.ReferenceARN},
		{f.sampleID, r.source.SampleID},
		{f.subjectID, r.source.SubjectID},
		{f.generatedFrom, r.source.GeneratedFrom},
		{f.creationType, string(r.creationType())},
	} {
		if field.want != nil && *field.want != field.have {
			return false
		}
	}
	return true
}

// key identifies the list that a filter selects, for page tokens.
func (f *readSetFilter) key() string {
	parts := []string{formatTime(f.after), formatTime(f.before)}
	for _, s := range []*string{f.name, f.status, f.referenceARN, f.sampleID, f.subjectID, f.generatedFrom, f.creationType} {
		if s == nil {
			parts = append(parts, "")
		} else {
			parts = append(parts, "="+*s)
		}
	}
	return strings.Join(parts, "\x00")
}

// listReadSets answers with the newest read sets first. A page continues where the one before ended, whatever was
// created in between.
func (s *Service) listReadSets(st *store, c *call, now time.Time) answer {
	s.addImported(st, now)
	asOf := now.Add(-s.opts.ReadSetListLag)
	sets, f := st.readSets, &c.readSets
	from, to := s.between(len(sets), func(i int) time.Time { return sets[i].created }, asOf, f.after, f.before)
	list := listKey{OpListReadSets, st.id, f.key()}
	if token := c.query.Get("nextToken"); token != "" {
		last, ok := list.readToken(token)
		if !ok {
			return refuse(strangeToken())
		}
		to = sort.Search(to, func(i int) bool { return sets[i].position >= last })
	}

	page := readSetListJSON{ReadSets: []readSetJSON{}}
	last, more := s.page(c, from, to, func(i int) bool {
		return !s.hidden(sets[i], asOf) && f.matches(sets[i], sets[i].statusAt(asOf).status)
	}, func(i int) {
		page.ReadSets = append(page.ReadSets, s.readSetJSON(sets[i], asOf))
	})
	if more {
		page.NextToken = list.token(sets[last].position)
	}
	return ok(func() []byte { return encode(page) })
}
