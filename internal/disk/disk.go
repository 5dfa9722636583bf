// Package disk opens the files of journals, each for one process at a time.
package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// File is what a journal needs of its file.
type File interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// ErrLocked says that another process has the file open.
var ErrLocked = errors.New("another process has it open")

// Open opens the regular file at path, or makes it with mode 0600, and returns it with its size. No other process can
// open it until it is closed. It does not follow symbolic links. A simulation can replace it by a disk of its own.
var Open = func(path string) (File, int64, error) {
	file, err := openExclusive(path)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	if err == nil && info.Size() == 0 {
		err = syncDir(filepath.Dir(path)) // or a crash can undo the file's name
	}
	if err != nil {
		file.Close()
		return nil, 0, err
	}
	return file, info.Size(), nil
}

var _ File = (*os.File)(nil)
