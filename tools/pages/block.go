package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// block is a fenced block of a page.
type block struct {
	page     string
	line     int // of its fence
	language string
	words    []string // after the language
	text     string
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

// word returns what follows name= among the words, and whether the word is there at all.
func (b block) word(name string) (value string, ok bool) {
	for _, w := range b.words {
		if word, value, _ := strings.Cut(w, "="); word == name {
			return value, true
		}
	}
	return "", false
}

// read returns the blocks of a page.
func read(page string) ([]block, error) {
	text, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	const fence = "```"
	var blocks []block
	open := false
	for i, line := range strings.SplitAfter(string(text), "\n") {
		switch rest, isFence := strings.CutPrefix(strings.TrimRight(line, "\n"), fence); {
		case isFence && open:
			open = false
		case isFence:
			open = true
			words := strings.Fields(rest)
			if len(words) == 0 {
				return nil, fmt.Errorf("%s:%d: a block without a language", page, i+1)
			}
			if known := []string{"go", "json", "sh", "python", "text", "csv"}; !slices.Contains(known, words[0]) {
				return nil, fmt.Errorf("%s:%d: nothing checks blocks of %s", page, i+1, words[0])
			}
			blocks = append(blocks, block{page: page, line: i + 1, language: words[0], words: words[1:]})
		case open:
			blocks[len(blocks)-1].text += line
		}
	}
	if open {
		return nil, fmt.Errorf("%s: the last block has no end", page)
	}
	return blocks, nil
}

// writeCode writes the Go blocks, each into a folder of its own.
func writeCode(folder string, blocks []block) error {
	for _, b := range blocks {
		switch b.language {
		case "json":
			if !json.Valid([]byte(b.text)) {
				return fmt.Errorf("%s is not JSON", b)
			}
		case "go":
			if !strings.HasPrefix(b.text, "package ") {
				return fmt.Errorf("%s is not a whole file", b)
			}
			name := "main.go"
			if strings.Contains(b.text, "\t\"testing\"\n") {
				name = "page_test.go"
			}
			dir := filepath.Join(folder, fmt.Sprintf("%s_%d", strings.TrimSuffix(filepath.Base(b.page), ".md"), b.line))
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(b.text), 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}
