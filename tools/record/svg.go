package main

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"
)

const (
	lineWidth, lineHeight = columns * 84 / 10, 19
	margin                = 14
	lastFrame             = 4 // seconds
)

// color is a change of color in what tmux captures. The display uses green, and the color of all the rest.
var color = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// svg returns a picture that shows the frames one after the other, a second each, and again from the first. What does not
// move pictures shows the last one.
func svg(frames []string) []byte {
	var out bytes.Buffer
	width, height := lineWidth+2*margin, rows*lineHeight+2*margin
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">`+"\n", width, height, width, height)
	fmt.Fprintln(&out, "<title>The display of examples/import</title>")
	fmt.Fprintln(&out, "<style>")
	fmt.Fprintln(&out, "text{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d8dee9;white-space:pre}.g{fill:#7fd17f}")
	seconds := float64(len(frames)-1) + lastFrame
	fmt.Fprintf(&out, "g{visibility:hidden;animation:%.0fs step-end infinite}#f%d{visibility:visible}\n", seconds, len(frames)-1)
	for i := range frames {
		from, to := 100*float64(i)/seconds, 100*float64(i+1)/seconds
		if i == len(frames)-1 {
			to = 100
		}
		fmt.Fprintf(&out, "#f%d{animation-name:k%d}@keyframes k%d{0%%{visibility:%s}%.2f%%{visibility:visible}%.2f%%{visibility:hidden}}\n",
			i, i, i, map[bool]string{true: "visible", false: "hidden"}[i == 0], from, to)
	}
	fmt.Fprintln(&out, "@media (prefers-reduced-motion:reduce){g{animation:none}}")
	fmt.Fprintln(&out, "</style>")
	fmt.Fprintf(&out, `<rect width="%d" height="%d" rx="8" fill="#1f2430"/>`+"\n", width, height)
	for i, frame := range frames {
		fmt.Fprintf(&out, "<g id=\"f%d\">\n", i)
		for row, line := range strings.Split(strings.TrimRight(frame, "\n"), "\n") {
			if line = strings.TrimRight(line, " "); line != "" {
				fmt.Fprintf(&out, `<text xml:space="preserve" x="%d" y="%d">%s</text>`+"\n", margin, margin+14+row*lineHeight, spans(line))
			}
		}
		fmt.Fprintln(&out, "</g>")
	}
	fmt.Fprintln(&out, "</svg>")
	return out.Bytes()
}

// spans returns a line with its green parts in elements of their own.
func spans(line string) string {
	var out strings.Builder
	green, from := false, 0
	write := func(text string) {
		switch {
		case text == "":
		case green:
			out.WriteString(`<tspan class="g">` + html.EscapeString(text) + `</tspan>`)
		default:
			out.WriteString(html.EscapeString(text))
		}
	}
	for _, at := range color.FindAllStringSubmatchIndex(line, -1) {
		write(line[from:at[0]])
		green, from = line[at[2]:at[3]] == "32", at[1]
	}
	write(line[from:])
	return out.String()
}
