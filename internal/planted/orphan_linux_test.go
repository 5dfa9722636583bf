package main

import (
	"os"
	"os/exec"
	"testing"

	"github.com/readsetimport/readsetimport/internal/child/childtest"
)

// asCommand makes the test binary be the command.
const asCommand = "PLANTED_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) == "" {
		os.Exit(m.Run())
	}
	main()
}

// Nothing is left of a command that is killed.
func TestNothingOutlivesTheCommand(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-only=no-search", "-clean=0")
	cmd.Env = append(os.Environ(), asCommand+"=1", "TMPDIR="+t.TempDir())
	childtest.RequireNoneLeft(t, cmd, 3)
}
