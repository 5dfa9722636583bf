// Package paths checks the files that the flags of a program name.
package paths

import (
	"fmt"
	"path/filepath"
)

// Named is the file that a flag names. An empty path is none, and - is standard input.
type Named struct{ Flag, Path string }

// Distinct refuses a file that would be written over another.
func Distinct(files ...Named) error {
	used := make(map[string]string)
	for _, file := range files {
		if file.Path == "" || file.Path == "-" {
			continue
		}
		path, err := filepath.Abs(file.Path)
		if err != nil {
			return err
		}
		if other, twice := used[path]; twice {
			return fmt.Errorf("%s and %s are the same file", other, file.Flag)
		}
		used[path] = file.Flag
	}
	return nil
}
