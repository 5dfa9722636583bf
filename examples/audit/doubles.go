package main

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/readsetimport/readsetimport"
)

// findDoubles answers which read sets of the stores have the same content.
func findDoubles(ctx context.Context, client *readsetimport.Client, stores []string, p *progress) (table, error) {
	p.step("listing the read sets")
	l := listing{progress: p, families: make(map[string][]string)}
	groups, err := readsetimport.DoubleReadSets(l.readSets(ctx, client, stores))
	if err != nil {
		return table{}, err
	}
	if len(l.families) > 1 {
		var parts []string
		for family, of := range l.families {
			parts = append(parts, family+" in "+strings.Join(of, ", "))
		}
		slices.Sort(parts)
		fmt.Fprintf(p, "audit: the ETags are hashes of several kinds, and the same content under different kinds cannot be told: %s\n", strings.Join(parts, "; "))
	}
	out := table{header: []string{"content", "store", "read set", "type", "status", "created", "by"}, good: len(groups) == 0}
	for i, group := range groups {
		slices.SortStableFunc(group, func(a, b readsetimport.ReadSet) int { return a.CreationTime.Compare(b.CreationTime) })
		for _, set := range group {
			out.rows = append(out.rows, []string{
				strconv.Itoa(i + 1), set.SequenceStoreID, set.ID, string(set.Type), string(set.Status),
				set.CreationTime.UTC().Format(time.RFC3339), strings.ToLower(string(set.CreationType)),
			})
		}
	}
	out.summary = fmt.Sprintf("read sets %d in stores %d: %d contents are there more than once, in %d read sets", l.present, len(stores), len(groups), len(out.rows))
	if l.unknown > 0 {
		out.summary += fmt.Sprintf("; of %d the service has not computed the content's hash yet", l.unknown)
	}
	return out, nil
}

// listing counts what passes.
type listing struct {
	progress         *progress
	present, unknown int
	families         map[string][]string // stores by the kind of hash that their ETags are
}

// readSets chains the read sets of the stores.
func (l *listing) readSets(ctx context.Context, client *readsetimport.Client, stores []string) iter.Seq2[readsetimport.ReadSet, error] {
	return func(yield func(readsetimport.ReadSet, error) bool) {
		for _, store := range stores {
			for set, err := range client.ReadSets(ctx, store) {
				if err != nil {
					err = fmt.Errorf("store %s: %w", store, err)
				} else {
					l.count(set)
				}
				if !yield(set, err) || err != nil {
					return
				}
			}
		}
	}
}

func (l *listing) count(set readsetimport.ReadSet) {
	l.progress.add()
	if !set.Present() {
		return
	}
	l.present++
	if _, known := set.Content(); !known {
		l.unknown++
		return
	}
	_, family, _ := strings.Cut(string(set.ETagAlgorithm), "_") // FASTQ_MD5up: of this type, by this hash
	if of := l.families[family]; !slices.Contains(of, set.SequenceStoreID) {
		l.families[family] = append(of, set.SequenceStoreID)
	}
}
