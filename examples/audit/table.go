package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/readsetimport/readsetimport/examples/internal/cells"
)

// table is the answer to a question.
type table struct {
	header  []string
	rows    [][]string
	summary string
	good    bool   // nothing is missing, double or in doubt
	failed  bool   // something that was asked for could not be done
	file    *table // what the CSV file has, if that is more than what is printed
}

// print prints the table, aligned, and the summary.
func (t table) print(w io.Writer) {
	if len(t.rows) > 0 {
		var text bytes.Buffer
		aligned := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
		for i, row := range append([][]string{t.header}, t.rows...) {
			for j, text := range row {
				if i == 0 {
					text = strings.ToUpper(text)
				}
				fmt.Fprint(aligned, cells.Printable(text))
				if j < len(row)-1 {
					fmt.Fprint(aligned, "\t")
				}
			}
			fmt.Fprintln(aligned)
		}
		_ = aligned.Flush()
		for line := range strings.Lines(text.String()) {
			fmt.Fprintln(w, strings.TrimRight(line, " \n"))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w, t.summary)
}

// checkCSV makes sure that a file can be written before the service is asked. What is in it stays until there is an answer.
func checkCSV(path string) error {
	if path == "" {
		return nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

// writeCSV writes the table to a file, unless the path is empty.
func (t table) writeCSV(path string) error {
	if path == "" {
		return nil
	}
	if t.file != nil {
		t = *t.file
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	text := cells.Row(t.header...)
	for _, row := range t.rows {
		text = append(text, cells.Row(row...)...)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("%s is not complete: %w", path, err)
	}
	return nil
}
