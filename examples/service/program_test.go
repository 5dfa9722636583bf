package main

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

const (
	store      = "1234567890"
	otherStore = "2345678901"
	role       = "arn:aws:iam::123456789012:role/import"
	patience   = time.Minute // for what takes a second
)

// world is a simulated HealthOmics, and what the service keeps from one start to the next.
type world struct {
	*testing.T
	omics *omicstest.Service
	proxy string
	db    string
	env   []string // besides what every process has
}

func newWorld(t *testing.T, optFns ...func(*omicstest.Options)) *world {
	t.Helper()
	service := omicstest.New(append([]func(*omicstest.Options){func(o *omicstest.Options) {
		o.Stores = []string{store, otherStore}
		o.JobDuration = omicstest.FixedDuration(50 * time.Millisecond)
	}}, optFns...)...)
	proxy := httptest.NewServer(service)
	t.Cleanup(proxy.Close)
	return &world{T: t, omics: service, proxy: proxy.URL, db: filepath.Join(t.TempDir(), "service.db")}
}

// spoil changes the database behind the back of the service, which does not run.
func (w *world) spoil(statement string) {
	w.Helper()
	db, err := sql.Open("sqlite", w.db)
	require.NoError(w, err)
	defer db.Close()
	_, err = db.ExecContext(w.Context(), statement)
	require.NoError(w, err)
}

// program is a process of the service.
type program struct {
	world *world
	cmd   *exec.Cmd
	url   string
	ended chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

// command returns a command that runs the program.
func (w *world) command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	require.NoError(w, err)
	cmd := exec.Command(self, append([]string{
		"-addr=127.0.0.1:0", "-db=" + w.db, "-role=" + role, "-stores=" + store + "," + otherStore,
		"-rate=500", "-min-poll=10ms",
	}, args...)...)
	cmd.Env = append([]string{
		childtest.AsProgram, "HOME=" + w.TempDir(), "HTTP_PROXY=" + w.proxy, "AWS_ENDPOINT_URL=http://omics.test",
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
	}, w.env...)
	return cmd
}

// start starts a process and returns when it listens, or has ended.
func (w *world) start(args ...string) *program {
	w.Helper()
	p := &program{world: w, cmd: w.command(args...), ended: make(chan struct{})}
	stderr, err := p.cmd.StderrPipe()
	require.NoError(w, err)
	require.NoError(w, child.Start(p.cmd))
	listening := make(chan string, 1)
	go func() {
		defer close(p.ended)
		defer close(listening)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			var line struct{ Msg, Addr string }
			_ = json.Unmarshal(lines.Bytes(), &line)
			p.mu.Lock()
			fmt.Fprintln(&p.log, lines.Text())
			p.mu.Unlock()
			if line.Msg == "listening" {
				listening <- line.Addr
			}
		}
	}()
	w.Cleanup(func() { p.kill() })
	if addr := <-listening; addr != "" {
		p.url = "http://" + addr
	}
	return p
}

func (p *program) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// kill ends the process as a crash does.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
	_ = p.cmd.Wait()
}

// stop ends the process as its supervisor does.
func (p *program) stop() {
	p.world.Helper()
	require.NoError(p.world, p.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(p.world, p.end(), p.logged())
}

// end returns how the process ends by itself.
func (p *program) end() error {
	p.world.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		require.Fail(p.world, "the program does not end", p.logged())
	}
	return p.cmd.Wait()
}

// do makes a request. The status is 0 if there is no answer, as from a process that was killed.
func (p *program) do(method, path, id, body string) (status int, text string) {
	ctx, cancel := context.WithTimeout(p.world.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, p.url+path, strings.NewReader(body))
	require.NoError(p.world, err)
	if id != "" {
		r.Header.Set(requestID, id)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer answer.Body.Close()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, err.Error()
	}
	return answer.StatusCode, string(all)
}

func (p *program) post(id, sheet string) {
	p.world.Helper()
	status, text := p.do(http.MethodPost, "/stores/"+store+"/imports", id, sheet)
	require.Equal(p.world, http.StatusAccepted, status, text)
}

// get reads JSON that must be there.
func (p *program) get(path string, into any) {
	p.world.Helper()
	status, text := p.do(http.MethodGet, path, "", "")
	require.Equal(p.world, http.StatusOK, status, text)
	require.NoError(p.world, json.Unmarshal([]byte(text), into))
}

// wait returns an import once it has ended.
func (p *program) wait(id string) (got progress) {
	p.world.Helper()
	p.until(func() bool {
		p.get("/imports/"+id, &got)
		return got.Ended != ""
	})
	return got
}

// until returns when something is so.
func (p *program) until(is func() bool) {
	p.world.Helper()
	for begin := time.Now(); !is(); time.Sleep(10 * time.Millisecond) {
		require.Less(p.world, time.Since(begin), patience, p.logged())
	}
}

// metrics returns the values of the program's own metrics, by name and labels.
func (p *program) metrics() map[string]string {
	p.world.Helper()
	status, text := p.do(http.MethodGet, "/metrics", "", "")
	require.Equal(p.world, http.StatusOK, status)
	values := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && strings.HasPrefix(name, "readsetimport_") {
			values[name] = value
		}
	}
	return values
}

// sheet returns a sample sheet of n sources, from a number on.
func sheet(from, n int) string {
	var b strings.Builder
	b.WriteString("sample,fastq_1,fastq_2\n")
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, "PATIENT%05d,s3://reads/PATIENT%05[1]d_R1.fastq.gz,s3://reads/PATIENT%05[1]d_R2.fastq.gz\n", i)
	}
	return b.String()
}
