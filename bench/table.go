package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// report is what -json prints.
type report struct {
	Machine string  `json:"machine"`
	Tables  []table `json:"tables"`
}

// table is one printed table.
type table struct {
	Name    string   `json:"name"` // of its benchmark
	Title   string   `json:"title"`
	Notes   []string `json:"notes,omitempty"`   // how it was measured
	Skipped []string `json:"skipped,omitempty"` // what is not in it, and why
	Columns []column `json:"columns"`           // the first is that of the rows' names
	Rows    []row    `json:"rows"`
}

type column struct {
	Name   string `json:"name"`
	Format string `json:"-"` // of a figure's numbers
}

type row struct {
	Name    string    `json:"name"`
	Figures []*figure `json:"figures"` // nil where there is none
}

// figure is a median and its spread.
type figure struct {
	Median float64 `json:"median"`
	Least  float64 `json:"least"`
	Most   float64 `json:"most"`
}

// figureOf returns the figure of the values that rounds gave.
func figureOf(values []float64) *figure {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return &figure{Median: (sorted[(n-1)/2] + sorted[n/2]) / 2, Least: sorted[0], Most: sorted[n-1]}
}

// one returns the figure of something that was measured once, or is the same each time.
func one(value float64) *figure { return &figure{value, value, value} }

// text formats a figure with its spread, where that can be seen in so many digits.
func (f *figure) text(format string) string {
	if f == nil {
		return "-"
	}
	median, least, most := fmt.Sprintf(format, f.Median), fmt.Sprintf(format, f.Least), fmt.Sprintf(format, f.Most)
	if least == most {
		return median
	}
	return median + " (" + least + " to " + most + ")"
}

// print writes the table in Markdown that can be read as it is.
func (t table) print(w io.Writer) {
	fmt.Fprintf(w, "\n### %s\n\n", t.Title)
	for _, note := range t.Notes {
		fmt.Fprintln(w, note)
	}
	if len(t.Notes) > 0 {
		fmt.Fprintln(w)
	}
	aligned := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	var head, rule []string
	for i, c := range t.Columns {
		head = append(head, c.Name)
		rule = append(rule, map[bool]string{true: "---", false: "---:"}[i == 0])
	}
	printRow(aligned, head)
	printRow(aligned, rule)
	for _, r := range t.Rows {
		cells := []string{r.Name}
		for i, f := range r.Figures {
			cells = append(cells, f.text(t.Columns[i+1].Format))
		}
		printRow(aligned, cells)
	}
	aligned.Flush()
	for _, what := range t.Skipped {
		fmt.Fprintf(w, "\nSkipped: %s\n", what)
	}
}

func printRow(w io.Writer, cells []string) {
	fmt.Fprintln(w, "| "+strings.Join(cells, "\t| ")+"\t|")
}
