package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
)

// settleDoubts writes the decisions of a person into the journal: those of each doubt that is decided whole.
func settleDoubts(ctx context.Context, client *readsetimport.Client, log journal.Journal, store string, decided map[rowKey]decision, p *progress) (table, error) {
	doubts, err := doubtsOf(ctx, client, log, readsetimport.Target{SequenceStoreID: store, RoleARN: noRole}, p)
	if err != nil {
		return table{}, err
	}
	p.step("settling")
	s := settling{client: client, left: maps.Clone(decided)}
	out := table{header: []string{columnDoubt, "job", "sent", "sources", "result"}}
	settled := 0
	for _, d := range doubts {
		label, result, err := s.settle(ctx, d)
		if err != nil {
			result, out.failed = "left: "+strings.TrimPrefix(err.Error(), "readsetimport: "), true
		} else if strings.HasPrefix(result, "settled") {
			settled++
		}
		p.add()
		out.rows = append(out.rows, []string{label, d.JobID, d.SentAt.UTC().Format(time.RFC3339), strconv.Itoa(len(d.Sources)), result})
	}
	out.good = settled == len(doubts)
	out.summary = fmt.Sprintf("doubts %d: settled %d, left %d", len(doubts), settled, len(doubts)-settled)
	if n := len(s.left); n > 0 {
		out.summary += fmt.Sprintf("; rows that are in doubt no more %d, the first on line %d", n, s.firstLeft())
	}
	return out, nil
}

// settling is what is left of a person's decisions.
type settling struct {
	client  *readsetimport.Client
	left    map[rowKey]decision
	stopped error // why nothing more is tried
}

// settle settles one doubt, if it is decided whole, and returns its number in the person's file and what was done. The error
// is why it could not be settled.
func (s *settling) settle(ctx context.Context, d readsetimport.Doubt) (label, result string, err error) {
	ids := make(map[readsetimport.Fingerprint]string)
	rows, open := 0, 0
	for _, source := range d.Sources {
		key := rowKey{d.ClientToken, source.Fingerprint}
		row, is := s.left[key]
		delete(s.left, key)
		if is {
			label = row.doubt
			rows++
		}
		switch row.text {
		case "":
			open++
		case notImported:
		default:
			ids[source.Fingerprint] = row.text
		}
	}
	switch {
	case rows == 0:
		return label, "left: the file has none of its sources", nil
	case open > 0:
		return label, fmt.Sprintf("left: %d of its sources have no decision", open), nil
	case s.stopped != nil:
		return label, "", s.stopped
	}
	if err := s.client.Settle(ctx, d, ids); err != nil {
		var request *readsetimport.Error
		if ctx.Err() != nil || errors.As(err, &request) { // which the next one would meet, too
			s.stopped = err
		}
		return label, "", err
	}
	return label, fmt.Sprintf("settled: imported %d, not imported %d", len(ids), len(d.Sources)-len(ids)), nil
}

func (s *settling) firstLeft() int {
	var lines []int
	for _, row := range s.left {
		lines = append(lines, row.line)
	}
	return slices.Min(lines)
}
