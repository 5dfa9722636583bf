package sim

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/readsetimport/readsetimport"
)

// All clocks of a synctest bubble are one. A process whose clock is ahead sees everything else earlier instead: the times in the
// states that it reads, and those of the service. What it writes is later by as much.

// moved is a state with all its times moved.
func moved(s readsetimport.Submission, by time.Duration) readsetimport.Submission {
	if by == 0 {
		return s
	}
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		panic(err)
	}
	if text, err = json.Marshal(moveTimes(tree, by)); err != nil {
		panic(err)
	}
	var out readsetimport.Submission
	if err := json.Unmarshal(text, &out); err != nil {
		panic(err)
	}
	return out
}

// moveTimes moves all times in what JSON was read as.
func moveTimes(tree any, by time.Duration) any {
	switch tree := tree.(type) {
	case string:
		if at, err := time.Parse(time.RFC3339Nano, tree); err == nil {
			return at.Add(by).Format(time.RFC3339Nano)
		}
	case map[string]any:
		for key := range tree {
			tree[key] = moveTimes(tree[key], by)
		}
	case []any:
		for i := range tree {
			tree[i] = moveTimes(tree[i], by)
		}
	}
	return tree
}

// ask moves the times in a request of a process whose clock is ahead.
func (p *process) ask(n note, body []byte) []byte {
	if p.clock == 0 || !slices.Contains([]string{phaseListing, phaseAdopting}, n.phase) {
		return body
	}
	var tree any
	if json.Unmarshal(body, &tree) != nil {
		return body
	}
	body, err := json.Marshal(moveTimes(tree, p.clock))
	if err != nil {
		panic(err)
	}
	return body
}

// hearTimes moves the times in an answer to a process whose clock is ahead.
func (p *process) hearTimes(res *http.Response) error {
	if p.clock == 0 {
		return nil
	}
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		res.Header.Set("Date", date.Add(-p.clock).UTC().Format(http.TimeFormat))
	}
	return fault{change: func(answer any) { moveTimes(answer, -p.clock) }}.spoil(res)
}
