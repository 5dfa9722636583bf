package main

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/mattn/go-isatty"

	"github.com/readsetimport/readsetimport"
)

// display shows an import while it runs. What is written to it, whole lines, appears between its own.
type display interface {
	io.Writer
	event(readsetimport.Event) // which the tally has already
	close()                    // after the last event; more than once does no harm
}

// The values of -progress.
const (
	progressAuto  = "auto" // a bar on a terminal, plain lines elsewhere
	progressBar   = "bar"
	progressPlain = "plain"
	progressJSON  = "json"
	progressNone  = "none"
)

// newDisplay returns the display that the flags ask for.
func newDisplay(f flags, w io.Writer, t *tally) display {
	v := &view{tally: t}
	switch f.progress {
	case progressBar:
		return newBar(w.(*os.File), v, os.Getenv("NO_COLOR") == "")
	case progressPlain:
		return newLines(w, w, v, plainLine, plainSummary)
	case progressJSON:
		return newLines(w.(*notes).w, w, v, jsonLine, jsonSummary)
	}
	return silent{w}
}

// isTerminal reports whether a bar can be drawn on w.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && (isatty.IsTerminal(file.Fd()) || isatty.IsCygwinTerminal(file.Fd())) && os.Getenv("TERM") != "dumb"
}

// silent shows nothing but what is written to it.
type silent struct{ io.Writer }

func (silent) event(readsetimport.Event) {}
func (silent) close()                    {}

// view is how an import stands, as it is shown: the same to every row of a frame, and with the time left.
type view struct {
	tally *tally

	mu     sync.Mutex
	shown  standing
	at     time.Time // of what is shown
	frozen bool

	told      time.Time // when the time left was worked out, which takes some
	low, high time.Duration
}

// now returns how the import stands, or did a moment ago.
func (v *view) now() standing {
	v.mu.Lock()
	defer v.mu.Unlock()
	const frame = 50 * time.Millisecond
	if !v.frozen && time.Since(v.at) > frame {
		v.update()
	}
	return v.shown
}

// freeze makes now return how the import stands at this moment.
func (v *view) freeze() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.update()
	v.frozen = true
}

func (v *view) update() {
	s := v.tally.now()
	const old = 10 * time.Second
	if len(s.course.took) != len(v.shown.course.took) || time.Since(v.told) > old {
		v.told, v.low, v.high = time.Now(), 0, 0
		if low, high, ok := s.course.left(); ok {
			v.low, v.high = low, high
		}
	}
	if since := time.Since(v.told); v.low > since {
		s.low, s.high = v.low-since, v.high-since
	}
	v.shown, v.at = s, time.Now()
}
