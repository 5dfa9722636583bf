package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/readsetimport/readsetimport"
)

// lines is a display of lines: one for each change of a job and the first wait for a slot, and each minute a summary,
// and one for failed requests of each kind if there are any.
type lines struct {
	mu       sync.Mutex
	w        io.Writer                        // for what the display says
	notes    io.Writer                        // for what else is written to it
	line     func(readsetimport.Event) string // empty: nothing to say
	said     map[readsetimport.EventKind]time.Time
	stop     chan struct{}
	stopping sync.Once
	stopped  sync.WaitGroup
}

const summaryEvery = time.Minute

func newLines(w, notes io.Writer, v *view, line func(readsetimport.Event) string, summary func(standing) string) *lines {
	l := &lines{w: w, notes: notes, line: line, said: make(map[readsetimport.EventKind]time.Time), stop: make(chan struct{})}
	l.stopped.Go(func() {
		tick := time.NewTicker(summaryEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				l.print(summary(v.now()))
			case <-l.stop:
				return
			}
		}
	})
	return l
}

func (l *lines) event(e readsetimport.Event) {
	text := l.line(e)
	if text == "" {
		return
	}
	last := l.said[e.Kind]
	l.said[e.Kind] = e.Time
	switch e.Kind {
	case readsetimport.EventJobStarted, readsetimport.EventJobStatus:
	case readsetimport.EventSlotWait:
		if !last.IsZero() {
			return // the summaries say so
		}
	default:
		if e.Time.Sub(last) < summaryEvery {
			l.said[e.Kind] = last
			return
		}
	}
	l.print(text)
}

func (l *lines) print(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(l.w, text)
}

func (l *lines) Write(text []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.notes.Write(text)
}

func (l *lines) close() {
	l.stopping.Do(func() { close(l.stop) })
	l.stopped.Wait()
}

func plainLine(e readsetimport.Event) string {
	switch e.Kind {
	case readsetimport.EventJobStarted, readsetimport.EventJobStatus:
		return fmt.Sprintf("job %s %s", e.Job.ID, e.Job.Status)
	case readsetimport.EventSlotWait:
		return "as many jobs run as the account may have; waiting"
	case readsetimport.EventThrottled, readsetimport.EventStartFailed, readsetimport.EventPollFailed:
		if e.Wait > 0 {
			return fmt.Sprintf("%v; next try in %s", e.Err, e.Wait.Round(time.Millisecond))
		}
	}
	return ""
}

func plainSummary(s standing) string {
	parts := []string{s.progress(), s.others(), s.atWork(), s.timeLeft()}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), "; ")
}

func jsonLine(e readsetimport.Event) string {
	if plainLine(e) == "" {
		return ""
	}
	return string(marshal(newEventLine(e)))
}

func jsonSummary(s standing) string {
	return string(marshal(struct {
		Time     time.Time `json:"time"`
		Event    string    `json:"event"`
		Total    int       `json:"total"`
		Imported int       `json:"imported"`
		Failed   int       `json:"failed"`
		Unknown  int       `json:"unknown"`
		Running  int       `json:"running"`
		Waiting  int       `json:"waiting"`
		Jobs     int       `json:"jobs"`
		Slots    int       `json:"slots,omitempty"`
		WaitsFor string    `json:"waitsFor,omitempty"`
		LeftLow  float64   `json:"secondsLeftLow,omitempty"`
		LeftHigh float64   `json:"secondsLeftHigh,omitempty"`
	}{
		time.Now().UTC(), "summary", s.total, s.imported, s.failed, s.unknown, s.running, s.waiting, s.jobs, s.slots, s.waitsFor,
		s.low.Round(time.Second).Seconds(), s.high.Round(time.Second).Seconds(),
	}))
}

// notes writes each line as JSON.
type notes struct{ w io.Writer }

func (n *notes) Write(text []byte) (int, error) {
	for line := range strings.Lines(string(text)) {
		note := struct {
			Time  time.Time `json:"time"`
			Event string    `json:"event"`
			Text  string    `json:"text"`
		}{time.Now().UTC(), "note", strings.TrimSuffix(line, "\n")}
		if _, err := n.w.Write(append(marshal(note), '\n')); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, numbers and times always encode
	}
	return text
}
