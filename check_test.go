package readsetimport

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// streamChecked is c.Stream, and fails the test where the results, the events and the error are not what Stream
// promises: one result and one EventSourceEnded for each source that was read, an error if and only if something was
// not read or kept the import from going on, nothing after it, and one EventImportEnded, the last event, with the error
// and with counts that are those of the results. The client may have no other import at the same time.
func streamChecked(ctx context.Context, t *testing.T, c *Client, target Target, input iter.Seq2[Source, error]) iter.Seq2[Result, error] {
	return func(yield func(Result, error) bool) {
		t.Helper()
		var read []Source
		complete := false // the input ended by itself, and had no error of its own
		watched := func(yield func(Source, error) bool) {
			for s, err := range input {
				if err == nil {
					read = append(read, s)
				}
				if !yield(s, err) || err != nil {
					return
				}
			}
			complete = ctx.Err() == nil
		}
		var events []Event
		onEvent := c.opts.OnEvent
		c.opts.OnEvent = func(e Event) {
			events = append(events, e)
			if onEvent != nil {
				onEvent(e)
			}
		}
		defer func() { c.opts.OnEvent = onEvent }()

		results := make(map[int]Result)
		var fatal error
		goOn := true
		for res, err := range c.Stream(ctx, target, watched) {
			require.NoError(t, fatal, "something follows the error")
			if fatal = err; err == nil {
				require.NotContains(t, results, res.Index, "a second result: %v", res.Err)
				results[res.Index] = res
			}
			if goOn = yield(res, err); !goOn {
				break
			}
		}
		switch {
		case goOn && fatal == nil:
			require.True(t, complete, "the input was cut short, and there is no error")
			fallthrough
		case goOn:
			require.Len(t, results, len(read), "results")
		}
		for i, res := range results {
			require.Less(t, i, len(read), "a result of a source that was not read")
			require.Equal(t, read[i].Source1, res.Source.Source1, "the source of a result")
		}
		requireEvents(t, events, len(read), results)
		if goOn {
			require.Equal(t, fatal, events[len(events)-1].Err, "the error of the last event")
		}
	}
}

// requireEvents checks the events of one import that has ended, of which so many sources were read.
func requireEvents(t *testing.T, events []Event, read int, results map[int]Result) {
	t.Helper()
	var counts Counts
	ended := make(map[int]Result)
	for i, e := range events {
		require.Equal(t, i == len(events)-1, e.Kind == EventImportEnded, "event %d of %d is %q", i+1, len(events), e.Kind)
		require.GreaterOrEqual(t, e.Running, 0, "running, at %q", e.Kind)
		require.GreaterOrEqual(t, e.Submitted, e.Running, "submitted, at %q", e.Kind)
		if e.Kind != EventSourceEnded {
			require.Nil(t, e.Result, "the result of %q", e.Kind)
			continue
		}
		require.NotNil(t, e.Result)
		require.NotContains(t, ended, e.Result.Index, "a second event of a source: %v", e.Result.Err)
		ended[e.Result.Index] = *e.Result
		if e.Result.Err == nil {
			counts.Imported++
		} else {
			counts.Failed++
		}
	}
	require.NotEmpty(t, events, "an import without its last event")
	require.Len(t, ended, read, "events of sources that have ended")
	for i, res := range results {
		require.Equal(t, res, ended[i], "the event of a source and its result")
	}
	last := events[len(events)-1]
	require.Zero(t, last.Running, "running, at the end")
	require.Equal(t, counts.Imported, last.Imported, "imported, at the end")
	require.Equal(t, counts.Failed, last.Failed, "failed, at the end")
}

func TestStreamPromises(t *testing.T) {
	for name, tc := range map[string]struct {
		lasts  time.Duration // the context
		most   int           // results that are read
		broken error         // the input's own error
	}{
		"to its end":        {lasts: 100 * time.Hour, most: 100},
		"the context ends":  {lasts: 3 * time.Second, most: 100},
		"broken off":        {lasts: 100 * time.Hour, most: 3},
		"the input breaks":  {lasts: 100 * time.Hour, most: 100, broken: errors.New("line 7")},
		"all of it at once": {lasts: time.Hour + 300*time.Millisecond, most: 3, broken: errors.New("line 7")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := smallBatches(t)
				ctx, cancel := context.WithTimeout(t.Context(), tc.lasts)
				defer cancel()
				input := func(yield func(Source, error) bool) {
					for _, s := range testSources(55) {
						if !yield(s, nil) {
							return
						}
					}
					if tc.broken != nil {
						yield(Source{}, tc.broken)
					}
				}
				n := 0
				for range streamChecked(ctx, t, c, testTarget, input) {
					if n++; n == tc.most {
						break
					}
				}
			})
		})
	}
}

// The helper has its own test, since one that lets everything pass is worse than none.
func TestStreamChecked(t *testing.T) {
	ended := func(index int, err error) Event {
		return Event{Kind: EventSourceEnded, Result: &Result{Index: index, Err: err}, Counts: Counts{}}
	}
	end := func(imported, failed, running int) Event {
		return Event{Kind: EventImportEnded, Counts: Counts{Submitted: running, Imported: imported, Failed: failed, Running: running}}
	}
	results := map[int]Result{0: {Index: 0}, 1: {Index: 1, Err: ErrUnresolved}}
	sound := []Event{ended(0, nil), ended(1, ErrUnresolved), end(1, 1, 0)}
	requireEvents(t, sound, 2, results)
	for name, events := range map[string][]Event{
		"none":                {},
		"no end":              sound[:2],
		"two ends":            {sound[0], sound[1], sound[2], sound[2]},
		"an event behind it":  {sound[0], sound[2], sound[1]},
		"a source twice":      {sound[0], sound[1], sound[1], sound[2]},
		"a source is missing": {sound[0], sound[2]},
		"another result":      {ended(0, ErrUnresolved), sound[1], end(0, 2, 0)},
		"one runs":            {sound[0], sound[1], end(1, 1, 1)},
		"one counted twice":   {sound[0], sound[1], end(1, 2, 0)},
		"one not counted":     {sound[0], sound[1], end(0, 1, 0)},
	} {
		require.True(t, fails(func(t *testing.T) { requireEvents(t, events, 2, results) }), name)
	}
}

// fails reports whether a test fails.
func fails(test func(*testing.T)) bool {
	inner := new(testing.T)
	done := make(chan struct{})
	go func() { // which a failure ends
		defer close(done)
		test(inner)
	}()
	<-done
	return inner.Failed()
}
