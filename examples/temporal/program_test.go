package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"

	"github.com/readsetimport/readsetimport/internal/child"
	"github.com/readsetimport/readsetimport/internal/child/childtest"
	"github.com/readsetimport/readsetimport/omicstest"
)

// The test's own program can be the one under test, so that it can be killed.
func TestMain(m *testing.M) {
	childtest.Main(m, func() {
		child.EndWithParent()
		main()
	})
}

const patience = 2 * time.Minute // for what takes some seconds

// process is a process that can be killed, and is started again whenever it ends, as by a supervisor.
type process struct {
	name    string
	command func() *exec.Cmd

	mu    sync.Mutex
	cmd   *exec.Cmd
	log   *bytes.Buffer // read it when the process has ended
	kills int
	over  bool
	ended chan struct{} // for good
}

func newProcess(t *testing.T, name string, env []string, args ...string) *process {
	home := t.TempDir()
	p := &process{name: name, log: new(bytes.Buffer), ended: make(chan struct{})}
	p.command = func() *exec.Cmd {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append([]string{"HOME=" + home}, env...)
		cmd.Stdout, cmd.Stderr = p.log, p.log // written by one goroutine, which Wait waits for
		return cmd
	}
	go p.run()
	t.Cleanup(func() { p.end() })
	return p
}

func (p *process) run() {
	defer close(p.ended)
	for {
		p.mu.Lock()
		cmd := p.command()
		over := p.over || child.Start(cmd) != nil
		p.cmd = cmd
		p.mu.Unlock()
		if over {
			return
		}
		_ = cmd.Wait()
		time.Sleep(100 * time.Millisecond)
	}
}

// kill ends the process as a crash does. It is started again.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.cmd.Process.Kill()
	p.kills++
}

// signal sends the process a signal.
func (p *process) signal(s os.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd.Process.Signal(s)
}

// end ends the process for good, and returns all that it has written.
func (p *process) end() string {
	p.mu.Lock()
	p.over = true
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Kill()
	}
	p.mu.Unlock()
	<-p.ended
	return p.log.String()
}

// cluster is a Temporal server with its database, workers, and a simulated HealthOmics.
type cluster struct {
	*testing.T
	dir, address string
	omics        *omicstest.Service
	proxy        string
	server       *process
	workers      []*process
	client       client.Client

	mu     sync.Mutex
	asked  []time.Time             // of all requests
	starts int                     // requests to start a job
	sent   map[string]map[int]bool // the workers that have sent a client token, by the tokens of jobs
	// middle is called in the middle of the start of the n-th job: it was started, and the answer is not yet sent.
	middle func(n int, by *process, token string)
}

// newCluster starts all of it, or skips the test where there is no server.
func newCluster(t *testing.T, workers int, workerFlags []string, optFns ...func(*omicstest.Options)) *cluster {
	binary, err := exec.LookPath("temporal")
	if err != nil {
		t.Skip("there is no Temporal server: go install github.com/temporalio/cli/cmd/temporal@v1.5.1, and have it on the PATH")
	}
	c := &cluster{T: t, dir: t.TempDir(), omics: omicstest.New(optFns...), address: freeAddress(t), sent: make(map[string]map[int]bool)}
	proxy := httptest.NewServer(c)
	t.Cleanup(proxy.Close)
	c.proxy = proxy.URL
	host, port, err := net.SplitHostPort(c.address)
	require.NoError(t, err)
	c.server = newProcess(t, "server", nil, binary, "server", "start-dev", "--headless", "--ip", host, "--port", port,
		"--db-filename", filepath.Join(t.TempDir(), "temporal.db"), "--log-level", "error",
		"--sqlite-pragma", "synchronous=0") // what the process has written survives its end, which is all that these tests are about
	c.until("the server answers", func() bool {
		c.client, err = client.Dial(client.Options{HostPort: c.address, Logger: silent{}})
		return err == nil
	})
	t.Cleanup(c.client.Close)
	for i := range workers {
		c.workers = append(c.workers, c.program(fmt.Sprint("worker-", i), append([]string{"worker", "-dir=" + c.dir}, workerFlags...)...))
	}
	return c
}

func freeAddress(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// program starts the program under test. HealthOmics sees the name in its requests.
func (c *cluster) program(name string, args ...string) *process {
	self, err := os.Executable()
	require.NoError(c, err)
	return newProcess(c.T, name, []string{
		childtest.AsProgram, "HTTP_PROXY=" + c.proxy, "AWS_ENDPOINT_URL=http://omics.test", "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true", "AWS_SDK_UA_APP_ID=" + name,
	}, append([]string{self, args[0], "-address=" + c.address}, args[1:]...)...)
}

// ServeHTTP stands before HealthOmics, so that something can happen between a job's start and its answer.
func (c *cluster) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.asked = append(c.asked, time.Now())
	c.mu.Unlock()
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL.Path, "/importjob") {
		c.omics.ServeHTTP(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body) // one that is cut off is no JSON
	var start struct{ ClientToken string }
	_ = json.Unmarshal(body, &start)
	r.Body = io.NopCloser(bytes.NewReader(body))
	by := slices.IndexFunc(c.workers, func(p *process) bool { return strings.Contains(r.UserAgent(), "app/"+p.name) })
	answer := httptest.NewRecorder()
	c.omics.ServeHTTP(answer, r)
	c.mu.Lock()
	c.starts++
	var middle func(int, *process, string)
	if answer.Code == http.StatusOK && c.sent[start.ClientToken] == nil {
		c.sent[start.ClientToken] = make(map[int]bool)
		middle = c.middle
	}
	if c.sent[start.ClientToken] != nil {
		c.sent[start.ClientToken][by] = true
	}
	n := len(c.sent)
	c.mu.Unlock()
	if middle != nil {
		middle(n, c.workers[by], start.ClientToken)
	}
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

// senders returns how many workers have sent a token since its job was started.
func (c *cluster) senders(token string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.sent[token])
}

// until returns when something is so.
func (c *cluster) until(what string, is func() bool) {
	c.Helper()
	for begin := time.Now(); !is(); time.Sleep(50 * time.Millisecond) {
		require.Less(c, time.Since(begin), patience, what)
	}
}

// run runs a command of the program in this process, and returns what it prints.
func (c *cluster) run(stdin string, args ...string) (string, error) {
	c.Helper()
	var out bytes.Buffer
	err := run(c.Context(), append([]string{args[0], "-address=" + c.address}, args[1:]...), strings.NewReader(stdin), &out, &out)
	return out.String(), err
}

// start starts the import of a sheet of so many sources.
func (c *cluster) start(name string, sources int, flags ...string) {
	c.Helper()
	sheet := filepath.Join(c.TempDir(), "sheet.csv")
	require.NoError(c, os.WriteFile(sheet, []byte(sheetOf(sources)), 0o600))
	out, err := c.run("", append([]string{"start", "-dir=" + c.dir, "-name=" + name, "-sheet=" + sheet, "-store=" + store, "-role=" + role}, flags...)...)
	require.NoError(c, err, out)
}

// progress asks how far an import is. There may be no answer for a while.
func (c *cluster) progress(name string) (p progress, ok bool) {
	ctx, cancel := context.WithTimeout(c.Context(), 10*time.Second)
	defer cancel()
	answer, err := c.client.QueryWorkflow(ctx, name, "", progressQuery)
	return p, err == nil && answer.Get(&p) == nil
}

// sheetOf returns a sample sheet of so many sources.
func sheetOf(n int) string {
	var b strings.Builder
	b.WriteString("sample,fastq_1,fastq_2\n")
	for i := range n {
		fmt.Fprintf(&b, "PATIENT%06d,s3://reads/PATIENT%06[1]d_R1.fastq.gz,s3://reads/PATIENT%06[1]d_R2.fastq.gz\n", i)
	}
	return b.String()
}
