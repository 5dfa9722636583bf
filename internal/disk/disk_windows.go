package disk

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// openExclusive opens or makes a file that is no link and that nobody else can open until it is closed.
func openExclusive(path string) (*os.File, error) {
	if info, err := os.Lstat(path); err == nil && info.Mode()&os.ModeSymlink != 0 {
		return nil, fmt.Errorf("%s is a symbolic link, which is not followed", path)
	}
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	const (
		shareNothing   = 0
		errorSharing   = syscall.Errno(32) // ERROR_SHARING_VIOLATION
		readAndWriting = syscall.GENERIC_READ | syscall.GENERIC_WRITE
	)
	handle, err := syscall.CreateFile(name, readAndWriting, shareNothing, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		if errors.Is(err, errorSharing) {
			err = ErrLocked
		}
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return os.NewFile(uintptr(handle), path), nil
}

// syncDir does nothing: Windows makes a new file's name durable with the file.
func syncDir(string) error { return nil }
