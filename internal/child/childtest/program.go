package childtest

import (
	"os"
	"slices"
	"testing"
)

// AsProgram is what the environment of a test binary must have to be the program that it tests, which can then be started and
// killed as a process of its own.
const AsProgram = "READSETIMPORT_TEST_AS_PROGRAM=1"

// Main is for TestMain: it runs the tests, or the program where the environment says so.
func Main(m *testing.M, program func()) {
	if slices.Contains(os.Environ(), AsProgram) {
		program()
		os.Exit(0)
	}
	os.Exit(m.Run())
}
