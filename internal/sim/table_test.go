package sim

import (
	"fmt"
	"slices"
	"strings"
)

// tableRow is a row of the table of what was hit, and the columns in which it can be hit at all.
type tableRow struct {
	name   string
	phases []string
}

// tableRows are the rows of the table. No request is made in planned and while opening, and only a start is refused for
// a full quota. A sweep (running, List) changes nothing that is written down.
func tableRows() []tableRow {
	var rows []tableRow
	for _, f := range faults {
		phases := requestPhases
		if f.phases != nil {
			phases = f.phases
		}
		rows = append(rows, tableRow{"fault: " + f.name, phases})
	}
	rows = append(rows, tableRow{"no permission", requestPhases}, tableRow{"no credentials", requestPhases}, tableRow{"Date lies", requestPhases},
		tableRow{"journal read fails", []string{phaseOpening}})
	rows = append(rows, tableRow{"journal write fails", appendPhases}, tableRow{"journal sync fails", appendPhases})
	for _, p := range crashPoints {
		name := "crash: " + p.point
		if at := slices.IndexFunc(rows, func(r tableRow) bool { return r.name == name }); at >= 0 {
			rows[at].phases = append(rows[at].phases, p.phase)
		} else {
			rows = append(rows, tableRow{name, []string{p.phase}})
		}
	}
	return rows
}

// table shows how often each fault and each crash point was hit in each phase. A dot is a cell that cannot be.
func (a total) table() string {
	columns := append([]string{phaseOpening, phasePlanned}, requestPhases...)
	var b strings.Builder
	fmt.Fprintf(&b, "%-28s", "")
	for _, c := range columns {
		fmt.Fprintf(&b, "%17s", c)
	}
	b.WriteString("\n")
	for _, row := range tableRows() {
		fmt.Fprintf(&b, "%-28s", row.name)
		for _, c := range columns {
			if slices.Contains(row.phases, c) {
				fmt.Fprintf(&b, "%17d", a.Cells[row.name+"|"+c])
			} else {
				fmt.Fprintf(&b, "%17s", "·")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func (a total) emptyCells() (empty []string) {
	for _, row := range tableRows() {
		for _, c := range row.phases {
			if a.Cells[row.name+"|"+c] == 0 {
				empty = append(empty, row.name+", "+c)
			}
		}
	}
	return empty
}
