package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/child/childtest"
	"github.com/readsetimport/readsetimport/omicstest"
)

// The test's own program can be the one under test, so that it can be killed and be given a terminal.
func TestMain(m *testing.M) { childtest.Main(m, main) }

// program returns a command that runs the program, with the simulation behind its proxy unless that is nil.
func program(t *testing.T, service *omicstest.Service, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = []string{childtest.AsProgram, "TMPDIR=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir()}
	if service != nil {
		server := httptest.NewServer(service)
		t.Cleanup(server.Close)
		cmd.Env = append(cmd.Env, "HTTP_PROXY="+server.URL, "AWS_ENDPOINT_URL=http://omics.test", "AWS_REGION=us-east-1",
			"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
		cmd.Args = append(cmd.Args, "-role", role)
	}
	return cmd
}

// In a pipe there is not one control character, whatever is shown.
func TestPipe(t *testing.T) {
	const plain, object, log = "job 2234567891 COMPLETED_WITH_FAILURES\n", `"status":"COMPLETED_WITH_FAILURES"`, "status=COMPLETED_WITH_FAILURES"
	for args, shown := range map[string][]string{
		"":                  {plain},
		"-progress=auto":    {plain},
		"-progress=plain":   {plain},
		"-progress=json":    {object},
		"-progress=none":    nil,
		"-v":                {log},
		"-v -progress=json": {log, object},
	} {
		t.Run(args, func(t *testing.T) {
			t.Parallel()
			cmd := program(t, nil, strings.Fields(args)...)
			output, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			require.ErrorAs(t, err, &exit)
			require.Equal(t, exitFailed, exit.ExitCode(), string(output))
			require.Contains(t, string(output), "9 of 10 read sets are in the store\n")
			for _, text := range []string{plain, object, log} {
				require.Equal(t, slices.Contains(shown, text), strings.Contains(string(output), text), "%q in %s", text, output)
			}
			for _, r := range strings.ReplaceAll(string(output), "\n", "") {
				require.False(t, unicode.IsControl(r), "%q in %q", r, output)
			}
		})
	}
}

func TestBarNeedsTerminal(t *testing.T) {
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitInvalid, run(t.Context(), []string{"-progress=bar"}, nil, &stdout, &stderr))
	require.Equal(t, "import: -progress=bar needs a terminal\n", stderr.String())
}

// Interrupted once, the program says what it stops and what goes on, and ends; interrupted twice, it ends at once.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, twice := range []bool{false, true} {
		t.Run(fmt.Sprintf("twice=%t", twice), func(t *testing.T) {
			t.Parallel()
			service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
			const sources = 3000 // whose lines are more than a pipe takes that nobody reads
			cmd := program(t, service, "-store", "1234567890", "-sheet", "-")
			cmd.Stdin = strings.NewReader(header + rows("a", sources))
			stdout, err := cmd.StdoutPipe()
			require.NoError(t, err)
			stderr, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			defer cmd.Wait()
			defer cmd.Process.Kill()
			defer time.AfterFunc(time.Minute, func() { cmd.Process.Kill() }).Stop() // it is stuck

			lines := bufio.NewScanner(stderr)
			require.True(t, lines.Scan())
			require.Regexp(t, `^job [0-9]{10} SUBMITTED$`, lines.Text())
			require.NoError(t, cmd.Process.Signal(os.Interrupt))
			for lines.Scan() && strings.HasPrefix(lines.Text(), "job ") {
			}
			require.Regexp(t, `^interrupt signal received: no more jobs are started; the [0-9]+ that run go on in HealthOmics, which cannot cancel them$`, lines.Text())
			if twice {
				require.NoError(t, cmd.Process.Signal(os.Interrupt))
				var exit *exec.ExitError
				require.ErrorAs(t, cmd.Wait(), &exit)
				require.Equal(t, os.Interrupt, exit.Sys().(syscall.WaitStatus).Signal())
				return
			}
			text, err := io.ReadAll(stdout)
			require.NoError(t, err)
			require.Contains(t, string(text), "\n0 of 3000 read sets are in the store\n")
			require.True(t, lines.Scan())
			require.Equal(t, "import: cut off: interrupt signal received", lines.Text())
			require.True(t, lines.Scan())
			require.Contains(t, lines.Text(), "finds the jobs that were started again")
			var exit *exec.ExitError
			require.ErrorAs(t, cmd.Wait(), &exit)
			require.Equal(t, exitFailed, exit.ExitCode())
		})
	}
}
