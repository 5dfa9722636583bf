package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

const (
	maxSources   = 100_000        // in a sheet, all of which are in memory while they are imported
	quotaTimeout = 24 * time.Hour // while others have all job slots of the account, there is time
)

// readSheet returns the sources of a sheet, all of which are valid. The error is that of whoever wrote the sheet: it says
// where its faults are, and none of the ids of persons.
func (s *service) readSheet(p posted) ([]readsetimport.Source, error) {
	var named readsetimport.Target
	var sources []readsetimport.Source
	for source, err := range manifest.Read(bytes.NewReader(p.sheet), func(o *manifest.Options) {
		o.Name = "sheet"
		o.ReferenceARN = p.reference
		o.MaxBytes = 4 * s.maxSheet
		o.Target = &named
	}) {
		if err != nil {
			return nil, err
		}
		if len(sources) == maxSources {
			return nil, fmt.Errorf("sheet: more than %d sources: post it in parts", maxSources)
		}
		sources = append(sources, source)
	}
	target := s.target(p.store)
	switch {
	case len(sources) == 0:
		return nil, errors.New("sheet: it has no sources")
	case named.SequenceStoreID != "" && named.SequenceStoreID != target.SequenceStoreID:
		return nil, fmt.Errorf("sheet: it is for store %s: post it to /stores/%[1]s/imports", named.SequenceStoreID)
	case named.RoleARN != "" && named.RoleARN != target.RoleARN:
		return nil, fmt.Errorf("sheet: it names a role, and this service imports with %s: leave it out", target.RoleARN)
	}
	_, err := readsetimport.Split(target, p.id, sources)
	return sources, err
}

// hider takes the ids of persons out of messages of the service, which can quote whatever a source has.
type hider struct{ *strings.Replacer }

func newHider(sources []readsetimport.Source) hider {
	known := make(map[string]bool)
	for _, s := range sources {
		for _, text := range []string{s.SubjectID, s.SampleID, s.Name, s.Description, s.GeneratedFrom} {
			known[text] = true
		}
		for _, file := range []string{s.Source1, s.Source2} {
			_, key, _ := strings.Cut(strings.TrimPrefix(file, "s3://"), "/")
			base := path.Base(file)
			stem, _, _ := strings.Cut(base, ".")
			known[file], known[key], known[base], known[stem] = true, true, true, true
		}
		for _, value := range s.Tags {
			known[value] = true
		}
	}
	for text := range maps.Clone(known) {
		known[oneLine(text)] = true // as an error has it
	}
	delete(known, "")
	delete(known, ".")
	longest := make([]string, 0, len(known))
	for text := range known {
		longest = append(longest, text)
	}
	slices.SortFunc(longest, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	pairs := make([]string, 0, 2*len(longest))
	for _, text := range longest {
		pairs = append(pairs, text, "…")
	}
	return hider{strings.NewReplacer(pairs...)}
}

// oneLine returns a text with every run of blanks and control characters as one blank.
func oneLine(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
}

// failure returns why a source was not imported.
func (h hider) failure(r readsetimport.Result) failure {
	text := r.Err.Error()
	if job := new(readsetimport.JobError); errors.As(r.Err, &job) && r.StatusMessage != "" {
		text = r.StatusMessage
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, h.Replace(text))
	return failure{Index: r.Index, Job: r.JobID, Reason: text}
}
