package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/child/childtest"
	"github.com/readsetimport/readsetimport/omicstest"
)

// The test binary can be omicsim.
func TestMain(m *testing.M) { childtest.Main(m, main) }

// buffer collects what a program writes, line by line.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// url waits for the line that says where the program listens.
func (b *buffer) url(t *testing.T) string {
	t.Helper()
	var url string
	require.Eventually(t, func() bool {
		line, rest, _ := strings.Cut(b.String(), "\n")
		_, u, found := strings.Cut(line, "listening on ")
		url = u
		return found && rest == "" && strings.HasSuffix(b.String(), "\n")
	}, 10*time.Second, 5*time.Millisecond)
	return url
}

// simulator runs omicsim within the test and returns its URL and its log.
func simulator(t *testing.T, args ...string) (url string, log *buffer) {
	t.Helper()
	log = &buffer{}
	return inBackground(t, func(ctx context.Context, out io.Writer) error {
		return run(ctx, append([]string{"-addr", "127.0.0.1:0"}, args...), out, log)
	}), log
}

// inBackground runs a server until the end of the test and returns its URL.
func inBackground(t *testing.T, run func(ctx context.Context, out io.Writer) error) (url string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var out buffer
	done := make(chan error, 1)
	go func() { done <- run(ctx, &out) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	return out.url(t)
}

func TestClient(t *testing.T) {
	url, log := simulator(t, "-store", "1234567890,2222222222", "-store", "3333333333", "-fail-rate", "1", "-job-duration", "0s")
	client := sdkClient(url)
	const body = `{"roleArn":"arn:aws:iam::123456789012:role/Import","clientToken":"secret token","sources":[{"sourceFiles":` +
		`{"source1":"s3://lab/jane_doe.bam"},"sourceFileType":"UBAM","subjectId":"jane doe","sampleId":"jane 1"}]}`
	for _, store := range []string{"1234567890", "2222222222", "3333333333"} {
		response, err := http.Post(url+"/sequencestore/"+store+"/importjob", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		answer, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		if store != "1234567890" { // the token is taken
			require.Equal(t, 400, response.StatusCode, string(answer))
			continue
		}
		require.Equal(t, 200, response.StatusCode, string(answer))
	}
	page, err := client.ListReadSetImportJobs(t.Context(),
		&omics.ListReadSetImportJobsInput{SequenceStoreId: aws.String("1234567890")})
	require.NoError(t, err)
	require.Len(t, page.ImportJobs, 1)
	require.EqualValues(t, "FAILED", page.ImportJobs[0].Status)

	response, err := http.Get(url + "/jane/doe")
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, 404, response.StatusCode)
	for _, path := range []string{"/sequencestore/jane/importjob/doe", "/sequencestore/1234567890/readset/doe/metadata"} {
		response, err = http.Get(url + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, 400, response.StatusCode)
	}

	require.Eventually(t, func() bool { return strings.Count(log.String(), "\n") == 7 }, 5*time.Second, time.Millisecond)
	require.Contains(t, log.String(), `op=StartReadSetImportJob store=1234567890 job="" readset="" status=200 sources=1 duration=`)
	require.Contains(t, log.String(), `op=unknown store="" job="" readset="" status=404 sources=0 duration=`)
	require.Contains(t, log.String(), `op=GetReadSetImportJob store=invalid job=invalid readset="" status=400`)
	require.Contains(t, log.String(), `op=GetReadSetMetadata store=1234567890 job="" readset=invalid status=400`)
	for _, private := range []string{"jane", "doe", "s3:", "secret"} {
		require.NotContains(t, log.String(), private)
	}
}

func TestSignals(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		t.Run(signal.String(), func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-addr", "127.0.0.1:0")
			cmd.Env = append(os.Environ(), childtest.AsProgram)
			var out, log buffer
			cmd.Stdout, cmd.Stderr = &out, &log
			require.NoError(t, cmd.Start())
			url := out.url(t)
			response, err := http.Post(url+"/sequencestore/1234567890/importjobs", "", nil)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Equal(t, 200, response.StatusCode)
			require.NoError(t, cmd.Process.Signal(signal))
			require.NoError(t, cmd.Wait(), log.String())
			require.Equal(t, 1, strings.Count(out.String(), "\n"))
			require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
		})
	}
}

func TestAddressInUse(t *testing.T) {
	url, _ := simulator(t)
	err := run(t.Context(), []string{"-addr", strings.TrimPrefix(url, "http://")}, io.Discard, io.Discard)
	require.ErrorIs(t, err, syscall.EADDRINUSE)
}

func TestExitStatus(t *testing.T) {
	for args, want := range map[string]int{"-help": 0, "-addr x:y:z": 1, "-nonsense": 2, "stray": 2} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], strings.Fields(args)...)
		cmd.Env = append(os.Environ(), childtest.AsProgram)
		out, err := cmd.CombinedOutput()
		require.NotEmpty(t, out, args)
		require.Equal(t, want, cmd.ProcessState.ExitCode(), "%s: %v", args, err)
	}
}

func TestFlags(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		ok   bool
	}{
		"none":              {nil, true},
		"every":             {strings.Fields("-addr :0 -store 1111111111 -job-duration 1m -rate 2.5 -max-jobs 0 -fail-rate .5 -fault-rate 1 -seed 7 -token-window 0s -list-lag 1s -read-set-list-lag 1s -job-retention 1h"), true},
		"negative lag":      {[]string{"-read-set-list-lag", "-1s"}, false},
		"store too short":   {[]string{"-store", "123456789"}, false},
		"store of letters":  {[]string{"-store", "123456789x"}, false},
		"second store bad":  {[]string{"-store", "1234567890,x"}, false},
		"negative duration": {[]string{"-job-duration", "-1s"}, false},
		"negative rate":     {[]string{"-rate", "-1"}, false},
		"rate no number":    {[]string{"-rate", "NaN"}, false},
		"negative jobs":     {[]string{"-max-jobs", "-1"}, false},
		"too many failures": {[]string{"-fail-rate", "1.1"}, false},
		"too many faults":   {[]string{"-fault-rate", "NaN"}, false},
		"arguments":         {[]string{"x"}, false},
	} {
		var help bytes.Buffer
		_, err := parse(test.args, &help)
		if test.ok {
			require.NoError(t, err, name)
			require.Empty(t, help.String(), name)
		} else {
			require.ErrorIs(t, err, errUsage, name)
			require.Contains(t, help.String(), "-job-duration", name)
		}
	}
}

func TestFailRate(t *testing.T) {
	c, err := parse([]string{"-fail-rate", "0.1"}, io.Discard)
	require.NoError(t, err)
	var o omicstest.Options
	c.options(&o)
	failed := 0
	for i := range 10_000 {
		source := omicstest.Source{Source1: "s3://lab/" + strings.Repeat("x", i%50) + string(rune('a'+i/50)) + ".bam"}
		outcome := o.Outcome(source)
		require.Equal(t, outcome, o.Outcome(source))
		if outcome != (omicstest.Outcome{}) {
			failed++
		}
	}
	require.InDelta(t, 1000, failed, 150)
}

func TestFaultRate(t *testing.T) {
	draw := func(args ...string) (kinds []omicstest.Fault) {
		c, err := parse(args, io.Discard)
		require.NoError(t, err)
		var o omicstest.Options
		c.options(&o)
		for range 1000 {
			f, ok := o.Fault(omicstest.Request{})
			if ok {
				kinds = append(kinds, f)
			}
		}
		return kinds
	}
	require.Empty(t, draw())
	require.Len(t, draw("-fault-rate", "1"), 1000)
	some := draw("-fault-rate", "0.2")
	require.InDelta(t, 200, len(some), 50)
	require.Equal(t, some, draw("-fault-rate", "0.2"))
	require.NotEqual(t, some, draw("-fault-rate", "0.2", "-seed", "2"))
}
