package main

import (
	"bufio"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed bugs/*.diff
var files embed.FS

// simulation is the test that must find a bug, unless the bug's file names another.
const simulation = "^TestSimulation$"

// bug is a change to the library that breaks what it promises.
type bug struct {
	name  string
	text  string // what is wrong
	pkg   string // of the tests that must find it
	test  string // these tests, as for go test -run
	hunks []hunk
}

// hunk is one change: whole lines that occur once in the file, and what stands in their place.
type hunk struct {
	file, old, new string
}

// bugs reads all bugs. A bug's file is like a diff without line numbers: what is wrong, then the changes, each after a
// line "--- file", with a blank, a minus or a plus before each line. A line "test: PACKAGE REGEXP" before them names the
// tests that must find it where the simulation cannot, since it has no second process or no such disk.
func bugs() ([]bug, error) {
	var all []bug
	err := fs.WalkDir(files, "bugs", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		b, err := parse(strings.TrimSuffix(path.Base(name), ".diff"), string(text))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, b)
		return nil
	})
	return all, err
}

func parse(name, text string) (bug, error) {
	b := bug{name: name, pkg: "./internal/sim", test: simulation}
	var h *hunk
	in := bufio.NewScanner(strings.NewReader(text))
	for n := 1; in.Scan(); n++ {
		line := in.Text()
		file, begins := strings.CutPrefix(line, "--- ")
		test, named := strings.CutPrefix(line, "test: ")
		switch {
		case begins:
			b.hunks = append(b.hunks, hunk{file: file})
			h = &b.hunks[len(b.hunks)-1]
		case h == nil && named:
			pkg, regexp, ok := strings.Cut(test, " ")
			if !ok {
				return b, fmt.Errorf("line %d does not have a package and a regular expression", n)
			}
			b.pkg, b.test = pkg, regexp
		case h == nil:
			b.text = strings.TrimSpace(b.text + " " + line)
		case line == "":
			h = nil // a blank line separates
		case line[0] == ' ':
			h.old += line[1:] + "\n"
			h.new += line[1:] + "\n"
		case line[0] == '-':
			h.old += line[1:] + "\n"
		case line[0] == '+':
			h.new += line[1:] + "\n"
		default:
			return b, fmt.Errorf("line %d begins with none of blank, minus and plus", n)
		}
	}
	if b.text == "" || len(b.hunks) == 0 {
		return b, errors.New("there is no change, or no word of what is wrong")
	}
	return b, in.Err()
}

// apply makes the bug's changes and returns the files that it changes. read reads a file of the module.
func (b bug) apply(read func(name string) ([]byte, error)) (map[string]string, error) {
	changed := make(map[string]string)
	for _, h := range b.hunks {
		text, ok := changed[h.file]
		if !ok {
			have, err := read(h.file)
			if err != nil {
				return nil, err
			}
			text = "\n" + string(have)
		}
		if n := strings.Count(text, "\n"+h.old); n != 1 {
			return nil, fmt.Errorf("%s: %s: its lines occur %d times, not once:\n%s", b.name, h.file, n, h.old)
		}
		changed[h.file] = strings.Replace(text, "\n"+h.old, "\n"+h.new, 1)
	}
	for name, text := range changed {
		changed[name] = text[1:]
	}
	return changed, nil
}
