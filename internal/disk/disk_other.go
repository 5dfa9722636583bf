//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package disk

import (
	"errors"
	"os"
)

// openExclusive fails: without file locks, two processes could import the same sources.
func openExclusive(string) (*os.File, error) {
	return nil, errors.New("files cannot be locked on this system; keep the journal elsewhere")
}

func syncDir(string) error { return nil }
