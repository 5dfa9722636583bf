package main

import (
	"bytes"
	"fmt"
	"image/color"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Colors that the color-blind can tell apart (Okabe and Ito).
var (
	blue   = color.RGBA{0x00, 0x72, 0xb2, 0xff}
	orange = color.RGBA{0xe6, 0x9f, 0x00, 0xff}
	red    = color.RGBA{0xd5, 0x5e, 0x00, 0xff}
	gray   = color.RGBA{0x99, 0x99, 0x99, 0xff}
	green  = color.RGBA{0x00, 0x9e, 0x73, 0xff}
	yellow = color.RGBA{0xf0, 0xe4, 0x42, 0xff}
	purple = color.RGBA{0xcc, 0x79, 0xa7, 0xff}
)

func jobColor(status types.ReadSetImportJobStatus) color.Color {
	switch status {
	case types.ReadSetImportJobStatusCompleted:
		return blue
	case types.ReadSetImportJobStatusCompletedWithFailures:
		return orange
	case "":
		return gray
	}
	return red
}

// svg draws the picture: the jobs in their slots, and below them the sources that are in the store.
func (t *timeline) svg() []byte {
	slots := t.slots()
	width, height := 10*vg.Inch, 2*vg.Points(min(400, max(160, float64(10*slots))))

	above := t.newPlot("job slot")
	above.Y.Min, above.Y.Max = 0, float64(slots)+waitRow(slots)
	above.Y.Tick.Marker = wholeTicks{}
	above.Add(rectangles(t.rectangles()))

	last := t.imported[len(t.imported)-1].Y
	below := t.newPlot(fmt.Sprintf("in the store: %.0f of %d", last, t.total))
	line := &plotter.Line{XYs: append(t.imported, plotter.XY{X: t.end, Y: last}), StepStyle: plotter.PostStep}
	line.LineStyle = draw.LineStyle{Color: green, Width: vg.Points(1.5)}
	below.Add(line)
	below.Y.Min, below.Y.Max = 0, float64(max(t.total, 1))
	below.Y.Tick.Marker = wholeTicks{}

	c := vgsvg.New(width, height)
	canvas := draw.New(c)
	// A ground for all of it: its text is black, which nobody can read on a page in dark mode.
	canvas.FillPolygon(color.White, corners(0, 0, width, height))
	const top = 24
	t.drawLegend(draw.Crop(canvas, 0, 0, height-top, 0))
	tiles := draw.Tiles{Rows: 2, Cols: 1, PadTop: top, PadY: 12, PadRight: 12, PadBottom: 6, PadLeft: 6}
	for i, row := range plot.Align([][]*plot.Plot{{above}, {below}}, tiles, canvas) {
		[]*plot.Plot{above, below}[i].Draw(row[0])
	}
	var out bytes.Buffer
	_, _ = c.WriteTo(&out) // a buffer takes everything
	// The fonts are not in the file, so there are others to fall back to.
	return bytes.ReplaceAll(out.Bytes(), []byte("Liberation Sans"), []byte("Liberation Sans,Arial,sans-serif"))
}

// slots returns how many rows the jobs take. That can be more than there are slots, since a job is over when it is seen
// to be.
func (t *timeline) slots() int {
	slots := 1
	for _, j := range t.jobs {
		slots = max(slots, j.slot+1)
	}
	return slots
}

func (t *timeline) newPlot(y string) *plot.Plot {
	p := plot.New()
	p.X.Min, p.X.Max = 0, max(t.end, 1)
	p.X.Tick.Marker = timeTicks{}
	p.X.Padding, p.Y.Padding = 0, 0
	p.Y.Label.Text = y
	for _, style := range []*text.Style{&p.X.Tick.Label, &p.Y.Tick.Label, &p.Y.Label.TextStyle} {
		style.Font.Variant = "Sans"
	}
	return p
}

// rectangles are the jobs, and above them the waits for a slot and the answers that there were too many requests.
func (t *timeline) rectangles() []rectangle {
	slots := t.slots()
	var out []rectangle
	gap := 0.1
	if slots > 50 {
		gap = 0
	}
	for _, j := range t.jobs {
		if j.status == "" {
			j.end = t.end
		}
		out = append(out, rectangle{j.start, float64(j.slot) + gap, j.end, float64(j.slot+1) - gap, jobColor(j.status)})
	}
	row, height := float64(slots), waitRow(slots)
	for _, w := range t.waits {
		out = append(out, rectangle{w.start, row + 0.2*height, w.end, row + 0.8*height, yellow})
	}
	for _, at := range t.throttled {
		out = append(out, rectangle{at, row, at, row + height, purple})
	}
	return out
}

// waitRow is the height of the row of waits, in slots.
func waitRow(slots int) float64 { return max(1, float64(slots)/30) }

func (t *timeline) drawLegend(c draw.Canvas) {
	style := t.newPlot("").X.Tick.Label
	style.XAlign, style.YAlign = draw.XLeft, draw.YCenter
	x := c.Min.X + 8
	y := (c.Min.Y + c.Max.Y) / 2
	for _, entry := range []struct {
		color color.Color
		text  string
	}{
		{blue, "completed"},
		{orange, "completed with failures"},
		{red, "failed or cancelled"},
		{gray, "still running"},
		{yellow, "waiting for a slot"},
		{purple, "too many requests"},
		{green, "in the store"},
	} {
		c.FillPolygon(entry.color, corners(x, y-4, x+8, y+4))
		c.FillText(style, vg.Point{X: x + 12, Y: y}, entry.text)
		x += 30 + style.Width(entry.text)
	}
}

// rectangle is a piece of a plot, in its own units. One without a width is drawn as a line.
type rectangle struct {
	x0, y0, x1, y1 float64
	color          color.Color
}

// rectangles is a plot.Plotter.
type rectangles []rectangle

// Plot implements plot.Plotter.
func (r rectangles) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, r := range r {
		left, right := x(r.x0), x(r.x1)
		if right-left > 3 {
			right -= 0.8 // one job ends where the next begins
		}
		right = max(right, left+0.7) // the shortest can be seen, too
		c.FillPolygon(r.color, corners(left, y(r.y0), right, y(r.y1)))
	}
}

func corners(x0, y0, x1, y1 vg.Length) []vg.Point {
	return []vg.Point{{X: x0, Y: y0}, {X: x1, Y: y0}, {X: x1, Y: y1}, {X: x0, Y: y1}}
}

// timeTicks labels seconds as times.
type timeTicks struct{}

// Ticks implements plot.Ticker.
func (timeTicks) Ticks(_, most float64) []plot.Tick {
	steps := []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600}
	return ticks(most, steps, func(x float64) string { return short(time.Duration(x) * time.Second) })
}

// wholeTicks labels numbers of things.
type wholeTicks struct{}

// Ticks implements plot.Ticker.
func (wholeTicks) Ticks(_, most float64) []plot.Tick {
	steps := []float64{1, 2, 5}
	for len(steps) < 30 {
		steps = append(steps, 10*steps[len(steps)-3])
	}
	return ticks(most, steps, func(x float64) string { return fmt.Sprintf("%.0f", x) })
}

// ticks returns up to ten, with the smallest step that does.
func ticks(most float64, steps []float64, label func(float64) string) []plot.Tick {
	step := steps[len(steps)-1]
	for _, s := range steps {
		if most/s <= 10 {
			step = s
			break
		}
	}
	for most/step > 10 {
		step *= 2
	}
	var out []plot.Tick
	for x := 0.0; x <= most; x += step {
		out = append(out, plot.Tick{Value: x, Label: label(x)})
	}
	return out
}
