package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/readsetimport/readsetimport"
)

// between writes a range of times with no more digits than it can have: 25m to 31m.
func between(low, high time.Duration) string {
	unit := time.Second * 10
	for _, u := range []time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute} {
		if high-low > 3*u {
			unit = u
		}
	}
	return fmt.Sprintf("%s to %s", short(low.Truncate(unit)), short((high + unit - 1).Truncate(unit)))
}

// short writes a time without what is zero: 45s, 25m, 2h, 2h30m.
func short(d time.Duration) string {
	h, m, s := d/time.Hour, d/time.Minute%60, d/time.Second%60
	switch {
	case h > 0 && m > 0:
		return fmt.Sprintf("%dh%02dm", h, m)
	case h > 0:
		return fmt.Sprintf("%dh", h)
	case m > 0 && s > 0:
		return fmt.Sprintf("%dm%02ds", m, s)
	case m > 0:
		return fmt.Sprintf("%dm", m)
	}
	return fmt.Sprintf("%ds", s)
}

// hideIDs returns the service's words without the ids of samples and subjects that it knows of: the source's own, and
// those of the other sources of its job.
func hideIDs(text string, source readsetimport.Source, job readsetimport.Job) string {
	ids := []string{source.SampleID, source.SubjectID}
	for _, s := range job.Sources {
		ids = append(ids, s.Source.SampleID, s.Source.SubjectID)
	}
	// One id can begin with another.
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(len(b)-len(a), cmp.Compare(a, b)) })
	for _, id := range slices.Compact(ids) {
		text = hideID(text, id)
	}
	return text
}

// hideID returns text with … wherever id stands as a word of its own.
func hideID(text, id string) string {
	if id == "" {
		return text
	}
	var out strings.Builder
	from := 0
	for {
		at := strings.Index(text[from:], id)
		if at < 0 {
			return out.String() + text[from:]
		}
		at += from
		end := at + len(id)
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		after, _ := utf8.DecodeRuneInString(text[end:])
		out.WriteString(text[from:at])
		if isWordRune(before) || isWordRune(after) {
			out.WriteString(id)
		} else {
			out.WriteString("…")
		}
		from = end
	}
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
