package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
)

// play hands a display the events of an import of 1300 sources in two slots: jobs that take ten minutes, and are looked
// at each minute.
func play(t *testing.T, progress string) string {
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		tally := newTally(1300)
		var w io.Writer = &out
		if progress == progressJSON {
			w = &notes{w}
		}
		display := newDisplay(flags{progress: progress}, w, tally)
		var counts readsetimport.Counts
		handle := func(e readsetimport.Event) {
			e.Time, e.Counts = time.Now(), counts
			tally.event(e)
			display.event(e)
		}
		job := func(kind readsetimport.EventKind, n int, status types.ReadSetImportJobStatus) {
			ref := readsetimport.JobRef{SequenceStoreID: "1234567890", ID: fmt.Sprintf("%010d", n)}
			handle(readsetimport.Event{Kind: kind, Job: readsetimport.Job{JobRef: ref, Status: status}})
		}
		start := func(n int) {
			counts.Submitted += 100
			counts.Running += 100
			job(readsetimport.EventJobStarted, n, types.ReadSetImportJobStatusSubmitted)
		}
		time.Sleep(time.Second) // so that nothing happens at a full minute but summaries
		start(1)
		time.Sleep(5 * time.Minute)
		start(2)
		for n := 3; n <= 15; n++ {
			for range 10 {
				if n <= 13 {
					handle(readsetimport.Event{Kind: readsetimport.EventSlotWait, Err: readsetimport.ErrQuotaExceeded})
				}
				handle(readsetimport.Event{Kind: readsetimport.EventThrottled, Err: errors.New("too many requests"), Wait: time.Second})
				time.Sleep(30 * time.Second)
			}
			job(readsetimport.EventJobStatus, n-2, types.ReadSetImportJobStatusCompleted)
			counts.Running -= 100
			counts.Imported += 100
			if n <= 13 {
				start(n)
			}
		}
		handle(readsetimport.Event{Kind: readsetimport.EventPollFailed, Err: errors.New("no answer"), Wait: 2 * time.Second})
		time.Sleep(time.Minute)
		fmt.Fprintln(display, "a note")
		display.close()
		time.Sleep(time.Hour)
	})
	return out.String()
}

func TestPlainLines(t *testing.T) {
	text := play(t, progressPlain)
	require.Equal(t, `job 0000000001 SUBMITTED
imported 0 of 1300; failed 0, running 100, waiting 1200; jobs 1, waiting for the pace of requests
`, strings.Join(strings.SplitAfter(text, "\n")[:2], ""))
	require.Contains(t, text, `
job 0000000002 SUBMITTED
as many jobs run as the account may have; waiting
too many requests; next try in 1s
imported 0 of 1300; failed 0, running 200, waiting 1100; jobs 2 of 2 slots, waiting for a job slot
too many requests; next try in 1s
imported`)
	require.Contains(t, text, "\nimported 700 of 1300; failed 0, running 200, waiting 400; jobs 2 of 2 slots, waiting for a job slot; ")
	require.Regexp(t, `; [0-9m]+s? to [0-9m]+s? left\n`, text)
	require.True(t, strings.HasSuffix(text, "\nno answer; next try in 2s\nimported 1300 of 1300; failed 0, running 0, waiting 0; jobs 0 of 2 slots\na note\n"), text)
	require.Equal(t, 71, strings.Count(text, "imported "), "one summary each minute")
	require.Equal(t, 65, strings.Count(text, "too many requests"), "one failed request each minute")
	require.Equal(t, 1, strings.Count(text, "as many jobs run"))
	require.Equal(t, 26, strings.Count(text, "job 0"), "one line for each change of a job")
}

func TestJSONLines(t *testing.T) {
	kinds := make(map[any]int)
	for line := range strings.Lines(play(t, progressJSON)) {
		var value map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &value), line)
		kinds[value["event"]]++
		if value["event"] == "summary" && value["imported"] == 700.0 {
			require.Equal(t, []any{1300.0, 200.0, 400.0, 0.0, 2.0, 2.0},
				[]any{value["total"], value["running"], value["waiting"], value["failed"], value["jobs"], value["slots"]})
			require.Less(t, value["secondsLeftLow"], value["secondsLeftHigh"])
		}
	}
	require.Equal(t, map[any]int{"job started": 13, "job status changed": 13, "summary": 71, "throttled": 65, "waiting for a slot": 1, "poll failed": 1, "note": 1}, kinds)
}

func TestNoProgress(t *testing.T) {
	require.Equal(t, "a note\n", play(t, progressNone))
}

// With -progress=json, every line of standard error is JSON, whatever it says.
func TestJSONNotes(t *testing.T) {
	for _, args := range [][]string{{"-v"}, {"-sheet", "no/such.csv"}} {
		var stdout, stderr bytes.Buffer
		require.NotZero(t, run(t.Context(), append(args, "-progress=json"), nil, &stdout, &stderr))
		require.NotEmpty(t, stderr.String())
		for line := range strings.Lines(stderr.String()) {
			require.True(t, json.Valid([]byte(line)), line)
		}
	}
}
