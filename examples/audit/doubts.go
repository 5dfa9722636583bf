package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/sheet"
	"github.com/readsetimport/readsetimport/journal"
)

// The columns of a file with doubts by which -settle knows a row again, and the one that a person fills in.
const (
	columnDoubt    = "doubt"
	columnDecision = "decision"
	columnBatch    = "batch"
	columnSource   = "source"
)

// listDoubts answers of which sources the journal does not know what became of them.
func listDoubts(ctx context.Context, client *readsetimport.Client, log journal.Journal, store string, asked sheet.Sheet, p *progress) (table, error) {
	target := readsetimport.Target{SequenceStoreID: store, RoleARN: noRole}
	doubts, err := doubtsOf(ctx, client, log, target, p)
	if err != nil {
		return table{}, err
	}
	place := make(map[journal.Fingerprint]int, len(asked.Sources))
	for i, s := range asked.Sources {
		place[target.Fingerprint(s)] = i
	}
	header := []string{columnDoubt, "line", "file", "job", "sent", "read sets"}
	out := table{
		header: header, good: len(doubts) == 0,
		file: &table{header: append(header, columnDecision, columnBatch, columnSource)},
	}
	elsewhere := 0
	for i, d := range doubts {
		for _, s := range d.Sources {
			line, file := "", ""
			if at, here := place[s.Fingerprint]; here {
				line, file = strconv.Itoa(asked.Lines[at]), asked.Sources[at].Source1
			} else {
				elsewhere++
			}
			row := []string{strconv.Itoa(i + 1), line, file, d.JobID, d.SentAt.UTC().Format(time.RFC3339)}
			out.rows = append(out.rows, append(row[:5:5], list(s.ReadSetIDs, 0, " ")))
			out.file.rows = append(out.file.rows, append(row, strings.Join(s.ReadSetIDs, " "), "", d.ClientToken, s.Fingerprint.String()))
		}
	}
	out.summary = fmt.Sprintf("doubts %d, sources in doubt %d", len(doubts), len(out.rows))
	if elsewhere > 0 {
		out.summary += fmt.Sprintf(", of which %d are not on the sheet", elsewhere)
	}
	return out, nil
}

// doubtsOf returns the doubts of a store that the journal knows.
func doubtsOf(ctx context.Context, client *readsetimport.Client, log journal.Journal, t readsetimport.Target, p *progress) ([]readsetimport.Doubt, error) {
	p.step("looking at the jobs that the journal takes to be running")
	known, err := knows(ctx, log, t.SequenceStoreID)
	if err == nil && !known {
		err = fmt.Errorf("the journal knows of no import into store %s", t.SequenceStoreID)
	}
	if err != nil {
		return nil, err
	}
	doubts, err := client.Doubts(ctx, t)
	if err != nil {
		err = fmt.Errorf("store %s: %w", t.SequenceStoreID, err)
	}
	return doubts, err
}

// knows reports whether a journal has anything of a store, so that the id of another one is not taken for one without doubts.
func knows(ctx context.Context, log journal.Journal, store string) (bool, error) {
	for r, err := range log.Replay(ctx) {
		if err != nil || r.SequenceStoreID == store {
			return err == nil, err
		}
	}
	return false, nil
}
