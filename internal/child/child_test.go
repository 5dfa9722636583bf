package child

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// role makes the test binary be a parent that is killed, or its child.
const role = "CHILD_TEST_ROLE"

func TestMain(m *testing.M) {
	switch text := os.Getenv(role); {
	case text == "":
		os.Exit(m.Run())
	case strings.HasPrefix(text, "parent of a "):
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), role+"="+strings.TrimPrefix(text, "parent of a "))
		cmd.Stdout = os.Stdout // the very pipe, which ends when the last process with it has ended
		start := Start
		if strings.HasSuffix(text, "watching child") { // the pipe alone must do
			start = func(cmd *exec.Cmd) error {
				_, err := cmd.StdinPipe()
				return errors.Join(err, cmd.Start())
			}
		}
		if err := start(cmd); err != nil {
			panic(err)
		}
		_ = cmd.Wait()
	case text == "watching child":
		EndWithParent()
	}
	_, _ = os.Stdout.WriteString("ready\n")
	time.Sleep(time.Minute)
}

// A process that is killed leaves none behind.
func TestStart(t *testing.T) {
	children := []string{"watching child"}
	if runtime.GOOS == "linux" {
		children = append(children, "deaf child")
	}
	for _, child := range children {
		t.Run(child, func(t *testing.T) {
			ours, theirs, err := os.Pipe()
			require.NoError(t, err)
			defer ours.Close()
			parent := exec.Command(os.Args[0])
			parent.Env = append(os.Environ(), role+"=parent of a "+child)
			parent.Stdout = theirs
			require.NoError(t, Start(parent))
			require.NoError(t, theirs.Close())
			in := bufio.NewReader(ours)
			line, err := in.ReadString('\n')
			require.NoError(t, err)
			require.Equal(t, "ready\n", line)
			require.NoError(t, parent.Process.Kill())
			require.Error(t, parent.Wait())
			require.NoError(t, ours.SetReadDeadline(time.Now().Add(30*time.Second)))
			_, err = in.ReadString('\n')
			require.ErrorIs(t, err, io.EOF, "the child goes on")
		})
	}
}

// The child of a parent that lives is left alone.
func TestStartAndWait(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"=watching child")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, Start(cmd))
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)
	require.NoError(t, cmd.Process.Kill())
	var failed *exec.ExitError
	require.True(t, errors.As(cmd.Wait(), &failed))
	require.NotEqual(t, ExitCode, failed.ExitCode())
}
