//go:build unix

package killtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/child"
	"github.com/readsetimport/readsetimport/omicstest"
)

var (
	kills = flag.Int("kills", 8, "how many processes to kill")
	seed  = flag.Uint64("seed", 1, "of the moments at which to kill them")
)

// life is one import from its first process to its last.
type life struct {
	t        *testing.T
	random   *rand.Rand
	store    *store
	folder   string
	sources  int
	patience time.Duration // how long a process takes that nobody kills, about
	killed   *[momentsCount]int
	torn     *int
	lost     *int
	starts   int  // processes
	adopts   bool // each process adopts what the store has, since journals are lost
}

func TestKill(t *testing.T) {
	var killed [momentsCount]int
	torn, lost, imports, processes := 0, 0, 0, 0
	total := func() (n int) {
		for _, k := range killed {
			n += k
		}
		return n
	}
	begin := time.Now()
	usual := 200 * time.Millisecond
	for ; total() < *kills; imports++ {
		if imports > 20+*kills {
			t.Fatalf("%d imports completed with %d kills only", imports, total())
		}
		random := rand.New(rand.NewPCG(*seed, uint64(imports))) //nolint:gosec // not for secrets
		l := &life{
			t: t, random: random, store: newStore(random), folder: t.TempDir(), sources: 150 + random.IntN(850),
			patience: usual, killed: &killed, torn: &torn, lost: &lost, adopts: random.IntN(2) == 0,
		}
		l.run(min(*kills-total(), 5+random.IntN(25)))
		l.store.close()
		processes += l.starts
		usual = l.patience
	}
	t.Logf("%d kills in %d imports by %d processes, in %s, from seed %d", total(), imports, processes, time.Since(begin).Round(time.Millisecond), *seed)
	for m, n := range killed {
		t.Logf("%6d %s", n, moment(m))
	}
	t.Logf("%6d times the kill left a line of the journal cut short", torn)
	t.Logf("%6d times the journal was lost, and the next process adopted what the store has", lost)
}

// run kills processes until so many are dead, lets the import complete, and compares.
func (l *life) run(most int) {
	defer l.store.server.CloseClientConnections()
	dead := 0
	for tries := 0; dead < most && tries < 3*most; tries++ {
		switch code := l.process(l.plan()); {
		case code == killedExit:
			dead++
			l.tear()
			l.lose()
			if l.random.IntN(4) > 0 {
				continue
			}
			fallthrough
		case code == exitComplete: // nothing would be left to do
			l.sources += l.random.IntN(300)
		}
	}
	// Sources that fail do so twice at most, so that three processes are enough.
	for left := 3; ; left-- {
		begin := time.Now()
		code := l.process(plan{})
		l.patience = (l.patience + time.Since(begin)) / 2
		if code == exitComplete {
			break
		}
		require.Equal(l.t, exitIncomplete, code, "how an import ended that was not killed")
		require.Positive(l.t, left, "the import does not complete")
	}
	l.store.late.Wait()
	l.compare(false)
	jobs := len(l.store.service.Jobs(target.SequenceStoreID))
	require.Equal(l.t, exitComplete, l.process(plan{}), "one more import of a sheet that is in")
	l.compare(true)
	require.Len(l.t, l.store.service.Jobs(target.SequenceStoreID), jobs, "one more import of a sheet that is in starts nothing")
}

// plan is when a process is to be killed.
type plan struct {
	order order
	trap  trap
	clock time.Duration // 0: not by the clock
}

func (l *life) plan() plan {
	var p plan
	p.order.Moment = moment(l.random.IntN(int(momentsCount)))
	switch m := p.order.Moment; m {
	case byClock:
		p.clock = time.Duration(1 + l.random.Int64N(int64(l.patience)))
	case beforeWrite, inWrite, afterWrite:
		p.order.Append = 1 + l.random.IntN(10)
		p.order.After = time.Duration(l.random.IntN(2000)) * time.Microsecond
	default:
		p.trap = trap{moment: m, delay: time.Duration(l.random.IntN(100)) * time.Millisecond}
		p.trap.op = []string{"", omicstest.OpStart, omicstest.OpStart, omicstest.OpGet}[l.random.IntN(4)]
		p.trap.n = 1 + l.random.IntN(6)
	}
	return p
}

// killedExit is the exit code of a process that was killed.
const killedExit = -1

// process runs one process to its end, which it may not live to see.
func (l *life) process(p plan) (code int) {
	t := l.t
	l.starts++
	o := p.order
	o.Endpoint, o.Sources, o.Stream, o.Adopt = l.store.server.URL, l.sources, l.random.IntN(2) == 0, l.adopts
	o.Journal, o.Report = l.journal(), l.report()
	_ = os.Remove(o.Report)
	text, err := json.Marshal(o)
	require.NoError(t, err)

	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), asChild+"="+string(text))
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	var once sync.Once
	gone := make(chan struct{})
	kill := func() {
		once.Do(func() { _ = cmd.Process.Kill() })
		<-gone
	}
	require.NoError(t, child.Start(cmd))
	p.trap.kill = kill
	l.store.set(p.trap)
	if p.clock > 0 {
		timer := time.AfterFunc(p.clock, kill)
		defer timer.Stop()
	}
	var hung atomic.Bool
	timer := time.AfterFunc(childPatience+10*time.Second, func() {
		hung.Store(true)
		kill()
	})
	defer timer.Stop()
	ended := cmd.Wait()
	close(gone)
	l.store.set(trap{})

	var exit *exec.ExitError
	if ended != nil && !errors.As(ended, &exit) {
		require.NoError(t, ended)
	}
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	if status.Signaled() {
		require.Equal(t, syscall.SIGKILL, status.Signal(), output.String())
		require.False(t, hung.Load(), "a process hangs: %s", l.standing())
		l.killed[p.order.Moment]++
		return killedExit
	}
	code = cmd.ProcessState.ExitCode()
	require.Contains(t, []int{exitComplete, exitIncomplete}, code, "%s\n%s", output.String(), l.standing())
	return code
}

func (l *life) journal() string { return filepath.Join(l.folder, "journal") }
func (l *life) report() string  { return filepath.Join(l.folder, "report") }

// standing is where the import stands, for a message.
func (l *life) standing() string {
	return fmt.Sprintf("process %d, %d of %d sources are in, the journal is %s", l.starts,
		l.store.service.CountReadSets(target.SequenceStoreID), l.sources, l.journal())
}

// tear leaves the beginning of one more line in the journal, as a kill in the middle of a write does.
func (l *life) tear() {
	text, err := os.ReadFile(l.journal())
	if errors.Is(err, os.ErrNotExist) || l.random.IntN(4) > 0 || len(text) > 0 && text[len(text)-1] != '\n' {
		return
	}
	require.NoError(l.t, err)
	line := fmt.Sprintf(`{"seq":%d,"record":{"kind":"started","time":"20`, bytes.Count(text, []byte("\n")))
	file, err := os.OpenFile(l.journal(), os.O_WRONLY|os.O_APPEND, 0)
	require.NoError(l.t, err)
	_, err = io.WriteString(file, line[:1+l.random.IntN(len(line))])
	require.NoError(l.t, err)
	require.NoError(l.t, file.Close())
	*l.torn++
}

// lose loses the journal, once all that is on its way has arrived.
func (l *life) lose() {
	if !l.adopts || l.random.IntN(5) > 0 {
		return
	}
	l.store.late.Wait()
	err := os.Remove(l.journal())
	if errors.Is(err, os.ErrNotExist) {
		return
	}
	require.NoError(l.t, err)
	*l.lost++
}

// compare holds the last process's report and the store against the sheet.
func (l *life) compare(again bool) {
	t := l.t
	inStore := make(map[string]omicstest.ReadSet)
	for _, rs := range l.store.service.ReadSets(target.SequenceStoreID) {
		twice, is := inStore[rs.Source1]
		require.False(t, is, "%s is in the store twice, by jobs %s and %s: %s", rs.Source1, twice.JobID, rs.JobID, l.standing())
		inStore[rs.Source1] = rs
	}
	text, err := os.ReadFile(l.report())
	require.NoError(t, err)
	var results []said
	require.NoError(t, json.Unmarshal(text, &results))
	require.Len(t, results, l.sources)
	sources := sheet(l.sources)
	seen := make(map[int]bool)
	for _, res := range results {
		require.False(t, seen[res.Index], "source %d has two results", res.Index)
		seen[res.Index] = true
		require.Equal(t, sources[res.Index].Source1, res.Source1)
		rs, is := inStore[res.Source1]
		require.True(t, is, "%s is not in the store: %s", res.Source1, l.standing())
		require.Equal(t, said{res.Index, rs.Source1, rs.JobID, rs.ID, res.AlreadyImported, ""}, res, "what the report says of a source")
		require.Equal(t, sources[res.Index].SampleID, rs.SampleID)
		if again {
			require.True(t, res.AlreadyImported, "%s is in the journal", res.Source1)
		}
	}
	require.Len(t, inStore, l.sources, "read sets in the store")
}
