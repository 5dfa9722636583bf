//go:build darwin || freebsd || linux || netbsd || openbsd

package journal

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/disk"
)

// journalChild is another process that opens the journal at path.
type journalChild struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

const childTask, childPath = "READSETIMPORT_TEST_TASK", "READSETIMPORT_TEST_JOURNAL"

func startJournalChild(t *testing.T, task, path string) *journalChild {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestJournalChild$")
	cmd.Env = append(os.Environ(), childTask+"="+task, childPath+"="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	c := &journalChild{cmd, in, bufio.NewReader(out)}
	t.Cleanup(c.kill)
	return c
}

func (c *journalChild) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

func (c *journalChild) line(t *testing.T) string {
	t.Helper()
	line, err := c.out.ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}

// TestJournalChild is what the other process does.
func TestJournalChild(t *testing.T) {
	path := os.Getenv(childPath)
	if path == "" {
		t.Skip("it is run by other tests")
	}
	task := os.Getenv(childTask)
	switch task {
	case "bare umask":
		syscall.Umask(0)
	case "strict umask":
		syscall.Umask(0o777)
	}
	j, err := Open(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("open")
	records := lifeOfBatches(1, 2)
	if task == "full disk" {
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 10_000, Max: 10_000}))
	}
	if task == "append" || task == "full disk" {
		for i := 0; ; i++ {
			if err := j.Append(t.Context(), records[i%len(records)]); err != nil {
				fmt.Println(err)
				break
			}
			fmt.Println(i + 1)
		}
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func TestJournalLock(t *testing.T) {
	t.Parallel()
	ctx, records := t.Context(), lifeOfBatches(1, 2)
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j := openJournal(t, path)
	require.NoError(t, j.Append(ctx, records[0]))
	_, err := Open(path)
	require.ErrorIs(t, err, disk.ErrLocked)
	require.ErrorContains(t, err, path)
	require.Contains(t, startJournalChild(t, "", path).line(t), disk.ErrLocked.Error())

	require.NoError(t, j.Append(ctx, records[1]), "the first is unharmed")
	got, err := replay(ctx, j)
	require.NoError(t, err)
	require.Equal(t, records[:2], got)

	require.NoError(t, j.Close())
	child := startJournalChild(t, "", path)
	require.Equal(t, "open", child.line(t))
	_, err = Open(path)
	require.ErrorIs(t, err, disk.ErrLocked)
	child.kill()
	got, err = replay(ctx, openJournal(t, path))
	require.NoError(t, err)
	require.Equal(t, records[:2], got)
}

// A process that is killed leaves all that it was told is durable.
func TestJournalKill(t *testing.T) {
	t.Parallel()
	path, records := filepath.Join(t.TempDir(), "journal.jsonl"), lifeOfBatches(1, 2)
	seen := 0
	for range 2 {
		child := startJournalChild(t, "append", path)
		require.Equal(t, "open", child.line(t))
		for range 20 {
			child.line(t)
			seen++
		}
		child.kill()
		j := openJournal(t, path)
		got, err := replay(t.Context(), j)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(got), seen)
		seen = len(got)
		require.NoError(t, j.Close())
	}
	require.Greater(t, seen, len(records))
}

// When a write fails half-way for want of space, the error is final, and the journal opens again without that record.
func TestJournalFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	child := startJournalChild(t, "full disk", path)
	require.Equal(t, "open", child.line(t))
	last := 0
	for {
		line := child.line(t)
		n, err := strconv.Atoi(line)
		if err != nil {
			require.Contains(t, line, syscall.EFBIG.Error())
			break
		}
		last = n
	}
	child.kill()
	require.Greater(t, last, 5)
	j := openJournal(t, path)
	require.Equal(t, uint64(last), j.next)
	require.NoError(t, j.Append(t.Context(), lifeOfBatches(1, 2)[0]))
}

func TestJournalMode(t *testing.T) {
	t.Parallel()
	for _, umask := range []struct {
		name string
		want os.FileMode
	}{
		{"the usual umask", 0o600},
		{"bare umask", 0o600},
		{"strict umask", 0}, // who asks for less gets less
	} {
		t.Run(umask.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "journal.jsonl")
			child := startJournalChild(t, umask.name, path)
			require.Equal(t, "open", child.line(t))
			info, err := os.Stat(path)
			require.NoError(t, err)
			require.Equal(t, umask.want, info.Mode())
		})
	}
}

func TestJournalNotAFile(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(in("empty"), nil, 0o600))
	require.NoError(t, os.Symlink(in("empty"), in("link")))
	require.NoError(t, os.Symlink(in("absent"), in("dangling")))
	require.NoError(t, syscall.Mkfifo(in("fifo"), 0o600))
	for path, want := range map[string]string{
		in("link"):          "symbolic link",
		in("dangling"):      "symbolic link",
		dir:                 "directory",
		in("fifo"):          "not a regular file",
		"/dev/null":         "not a regular file",
		"/dev/zero":         "not a regular file",
		in("empty/journal"): "not a directory",
		in("none/journal"):  "no such file",
		"":                  "no such file",
	} {
		t.Run(path, func(t *testing.T) {
			done := make(chan error, 1)
			go func() {
				_, err := Open(path)
				done <- err
			}()
			select {
			case err := <-done:
				require.ErrorContains(t, err, want)
				require.ErrorContains(t, err, path)
			case <-time.After(10 * time.Second):
				t.Fatal("it hangs")
			}
		})
	}
	require.NoFileExists(t, in("absent"))
}
