package childtest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/readsetimport/readsetimport/internal/child"
)

// RequireNoneLeft starts a program, kills it when there are at least so many processes, itself among them, and fails
// the test if any of them goes on.
func RequireNoneLeft(t *testing.T, cmd *exec.Cmd, processes int) {
	t.Helper()
	mark := "CHILD_TEST_MARK=" + t.TempDir()
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, mark)
	if err := child.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if !waitFor(time.Minute, func() bool { return processesWith(t, mark) >= processes }) {
		t.Errorf("there are %d processes, not %d", processesWith(t, mark), processes)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if !waitFor(30*time.Second, func() bool { return processesWith(t, mark) == 0 }) {
		t.Errorf("%d processes are left", processesWith(t, mark))
	}
}

func waitFor(patience time.Duration, done func() bool) bool {
	for begin := time.Now(); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Since(begin) > patience {
			return false
		}
	}
	return true
}

// processesWith counts the processes that have this in their environment.
func processesWith(t *testing.T, mark string) (n int) {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && bytes.Contains(text, []byte(mark)) {
			n++
		}
	}
	return n
}
