package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/readsetimport/readsetimport"
)

// folder is where sheets, batches and results are, one folder beneath it for each import. All workers read and write it. It has
// ids of persons: keep it as private as a sample sheet. A bucket does as well, since every file is written whole.
type folder string

// names are those that an import may have: they are names of folders, and ids of workflows.
var names = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func (f folder) sheetFile(name string) string { return filepath.Join(string(f), name, "sheet") }

func (f folder) faultsFile(name string) string { return filepath.Join(string(f), name, "faults.txt") }

// batchFile is named by the digest of the sheet too, so that batches of a sheet that was changed are never mixed with those before.
func (f folder) batchFile(name, digest string, number int) string {
	return filepath.Join(string(f), name, "batches", digest, fmt.Sprintf("%06d.json", number))
}

func (f folder) resultsFile(name string, number int) string {
	return filepath.Join(string(f), name, "results", fmt.Sprintf("%06d.json", number))
}

// errOtherSheet means that an import of that name has another sheet.
var errOtherSheet = errors.New("an import of that name has another sheet")

// addSheet puts the sheet of an import where the workers find it, once.
func (f folder) addSheet(name string, sheet []byte) error {
	if !names.MatchString(name) {
		return errors.New("a name has letters, digits, dots, hyphens and underscores, 100 of them at most")
	}
	err := put(f.sheetFile(name), sheet, os.Link) // so that one of two that come at once is the first
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	there, err := os.ReadFile(f.sheetFile(name))
	if err == nil && !bytes.Equal(there, sheet) {
		return errOtherSheet
	}
	return err
}

func (f folder) readBatch(name, digest string, number int) (readsetimport.Batch, error) {
	return readJSON[readsetimport.Batch](f.batchFile(name, digest, number))
}

func readJSON[T any](file string) (value T, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return value, err
	}
	return value, json.Unmarshal(data, &value)
}

func writeJSON(file string, value any) error { return putJSON(file, value, os.Rename) }

// writeFirst writes a file unless there is one already.
func writeFirst(file string, value any) error {
	if err := putJSON(file, value, os.Link); !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}

func putJSON(file string, value any, name func(from, to string) error) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return put(file, data, name)
}

func write(file string, data []byte) error { return put(file, data, os.Rename) }

// put writes a file as a whole, so that a process that is killed leaves none that is half written, and two that write at once
// leave one of the two. It has no name before name gives it one.
func put(file string, data []byte, name func(from, to string) error) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(file), ".part-")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name()) // which is not there any more if it was renamed
	_, err = part.Write(data)
	if err = errors.Join(err, part.Sync(), part.Close()); err != nil {
		return err
	}
	return name(part.Name(), file)
}

// digestOf identifies the content of a sheet.
func digestOf(sheet []byte) string {
	sum := sha256.Sum256(sheet)
	return hex.EncodeToString(sum[:])
}
