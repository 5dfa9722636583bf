// Package logtext makes texts that may be in a log although errors and answers quote ids of persons, names and files. It
// makes them of what is known to be harmless, and not by taking out of a text what is not.
package logtext

import (
	"cmp"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/readsetimport/readsetimport/internal/rules"
)

// Harmless is an error whose text quotes neither the service nor the caller.
type Harmless string

func (e Harmless) Error() string { return string(e) }

// Error is an error with a text of its own, and causes.
type Error struct {
	Text   string
	Causes []error
}

func (e *Error) Error() string { return e.Text }

// Unwrap returns the causes.
func (e *Error) Unwrap() []error { return e.Causes }

// Of returns what may be logged of an error: the texts in its tree that are known to be harmless, and of the rest the
// types. Those of known are, and those that own returns for errors that it reports to be its own.
func Of(err error, known []error, own func(error) (text string, ok bool)) string {
	if text, ok := own(err); ok {
		return text
	}
	switch e := err.(type) { //nolint:errorlint // it goes through the tree itself
	case nil:
		return ""
	case Harmless, syscall.Errno:
		return e.Error()
	case *net.DNSError:
		return "a host name cannot be resolved"
	}
	if slices.Contains(known, err) {
		return err.Error()
	}
	var within []error
	switch e := err.(type) { //nolint:errorlint // it goes through the tree itself
	case interface{ Unwrap() []error }:
		within = e.Unwrap()
	case interface{ Unwrap() error }:
		within = []error{e.Unwrap()}
	}
	var parts []string
	for _, part := range within {
		if text := Of(part, known, own); text != "" && !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return fmt.Sprintf("%T", err)
	}
	return strings.Join(parts, ": ")
}

// ID returns the id of a store, a job or a read set, or "" if it does not have that form.
func ID(id string) string {
	if !rules.IsID(id) {
		return ""
	}
	return id
}

// Doubt returns a text with ids of read sets to look at, ten of them at most.
func Doubt(text string, readSetIDs []string) string {
	ids := slices.DeleteFunc(slices.Clone(readSetIDs), func(id string) bool { return !rules.IsID(id) })
	if len(ids) == 0 {
		return text
	}
	return text + "; look at read sets " + strings.Join(ids[:min(len(ids), 10)], ", ")
}

// RequestID returns the id of a request, or "" if it does not have the form of AWS's.
func RequestID(id string) string {
	const form = "00000000-0000-0000-0000-000000000000"
	if len(id) != len(form) {
		return ""
	}
	for i := range len(id) {
		digit := strings.IndexByte("0123456789abcdefABCDEF", id[i]) >= 0
		if (form[i] == '0') != digit || form[i] == '-' && id[i] != '-' {
			return ""
		}
	}
	return id
}

// OneOf returns a word that is known or empty. What else an answer may have in its place is "unknown".
func OneOf[T ~string](word T, known []T) string {
	if word == "" || slices.Contains(known, word) {
		return string(word)
	}
	return "unknown"
}

// fieldPath matches what is known of the path of a field: no tag's key, and no column of a sheet.
var fieldPath = regexp.MustCompile(`^(?:(?:sources|uris)\[[0-9]+\]\.?)?(?:sourceFiles\.source[12]|sourceFileType|subjectId|sampleId|generatedFrom|` +
	`referenceArn|name|description|tags|sequenceStoreId|roleArn|clientToken|sources|id)?`)

// Path returns what is known of the path of a field.
func Path(path string) string { return cmp.Or(fieldPath.FindString(path), "a field") }

// List returns the texts of the first few of n invalid fields, and how many there are.
func List(n int, text func(int) string) string {
	const shown = 3
	var parts []string
	for i := range min(shown, n) {
		parts = append(parts, text(i))
	}
	list := strings.Join(parts, "; ")
	switch more := n - shown; {
	case n == 1:
		return "invalid field: " + list
	case more > 0:
		list += fmt.Sprintf("; and %d more", more)
	}
	return fmt.Sprintf("%d invalid fields: %s", n, list)
}
