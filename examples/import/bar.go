package main

import (
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/readsetimport/readsetimport"
)

// A row takes no more columns than every terminal has: one that is made narrower breaks longer rows, and the next frame
// would leave pieces of them behind.
const (
	rowWidth = 79
	barWidth = 34 // beside the largest numbers
)

// bar is a display of a progress bar with three lines of text below it.
type bar struct {
	*mpb.Progress
	view     *view
	imported *mpb.Bar
	rows     []*mpb.Bar
}

func newBar(terminal *os.File, v *view, color bool) *bar {
	b := &bar{Progress: mpb.New(mpb.WithOutput(terminal), mpb.WithWidth(barWidth)), view: v}
	green := func(text string) string { return "\x1b[32m" + text + "\x1b[m" }
	style := mpb.BarStyle()
	if color {
		style = style.FillerMeta(green)
	}
	b.imported = b.New(int64(v.tally.total),
		style,
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string {
			return v.now().progress()
		})),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
			s := v.now()
			return fmt.Sprintf("%d%%", 100*s.imported/max(1, s.total))
		})),
	)
	b.addRow(standing.others)
	b.addRow(standing.atWork)
	b.addRow(func(s standing) string {
		text := short(s.elapsed) + " so far"
		if left := s.timeLeft(); left != "" {
			text = left + ", " + text
		}
		return text
	})
	return b
}

// addRow adds a row of text below the bar.
func (b *bar) addRow(text func(standing) string) {
	fill := mpb.BarFillerFunc(func(w io.Writer, stat decor.Statistics) error {
		line := runewidth.Truncate(text(b.view.now()), min(rowWidth, stat.AvailableWidth), "")
		_, err := io.WriteString(w, line)
		return err
	})
	row, err := b.Add(0, fill, mpb.BarFillerTrim())
	if err != nil {
		panic(err) // nobody has waited for it yet
	}
	b.rows = append(b.rows, row)
}

func (b *bar) event(readsetimport.Event) {
	b.imported.SetCurrent(int64(b.view.tally.now().imported))
}

// Write shows lines above the bar. An interrupt that was typed has moved the cursor from the first column.
func (b *bar) Write(text []byte) (int, error) {
	_, err := b.Progress.Write(append([]byte("\r"), text...))
	return len(text), err
}

// close leaves the last frame where it is.
func (b *bar) close() {
	b.view.freeze()
	for _, row := range append(b.rows, b.imported) {
		row.Abort(false)
	}
	b.Wait()
}
