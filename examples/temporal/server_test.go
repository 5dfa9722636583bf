package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/readsetimport/readsetimport/omicstest"
)

// Workers and the server are killed in the middle of starts, twice each, and a worker stands still for so long that another takes
// its step: each batch has one job, and each source one outcome.
func TestKill(t *testing.T) {
	const sources = 1950
	c := newCluster(t, 2, []string{"-min-poll=500ms", "-max-poll=1s"}, func(o *omicstest.Options) {
		o.MaxActiveJobs, o.RequestRate = 3, 5
		o.JobDuration = omicstest.FixedDuration(time.Second)
	})
	var held string // the client token of the start in which a worker stands still
	c.middle = func(n int, by *process, token string) {
		switch n {
		case 2, 6:
			by.kill()
		case 4, 8:
			c.server.kill()
		case 10:
			held = token
			assert.NoError(t, by.signal(syscall.SIGSTOP))
			for begin := time.Now(); c.senders(token) < 2 && time.Since(begin) < patience; {
				time.Sleep(100 * time.Millisecond) // the answer waits too
			}
			assert.NoError(t, by.signal(syscall.SIGCONT))
		}
	}
	c.start("monday", sources, "-max-jobs=4", "-step-timeout=5s", "-raise-every=3s", "-max-events=100")
	c.wait("monday", 4*time.Minute)
	require.Equal(t, 2, c.server.kills)
	require.Equal(t, 2, c.workers[0].kills+c.workers[1].kills)
	require.Equal(t, 2, c.senders(held))
	c.requireOnce("monday", sources)
	require.Greater(t, c.requireHistories()["Import"], 1) // it has begun a new one
}

// The variables that make TestLarge large.
const (
	sourcesEnv = "TEMPORAL_SOURCES"
	killEnv    = "TEMPORAL_KILL_EVERY"
)

// A sheet of any size over two workers, of which one is killed and started again now and then, and the server once, while the
// service throttles, fails and loses answers.
func TestLarge(t *testing.T) {
	if os.Getenv(sourcesEnv) == "" {
		t.Skipf("%s=40000 %s=1m runs it, in some ten minutes", sourcesEnv, killEnv)
	}
	sources, err := strconv.Atoi(os.Getenv(sourcesEnv))
	require.NoError(t, err)
	every, err := time.ParseDuration(os.Getenv(killEnv))
	require.NoError(t, err)
	var requests int
	c := newCluster(t, 2, []string{"-min-poll=5s", "-max-poll=30s"}, func(o *omicstest.Options) {
		o.MaxActiveJobs, o.RequestRate, o.MaxRequests = 15, 5, -1
		o.JobDuration = omicstest.FixedDuration(15 * time.Second)
		o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
			requests++
			faults := []omicstest.Fault{omicstest.Throttled(), omicstest.Internal(), omicstest.DropBefore(), omicstest.DropAfter(), omicstest.Internal().AfterExecution()}
			return faults[requests/40%len(faults)], requests%40 == 0
		}
	})
	began := time.Now()
	c.start("large", sources, "-max-jobs=20", "-raise-every=1m")
	ended := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-ended:
				return
			case <-time.After(every):
			}
			if p, ok := c.progress("large"); ok {
				t.Logf("%s: %d of %d batches, %d jobs run, at most %d", time.Since(began).Round(time.Second), p.Ended, p.Batches, len(p.Jobs), p.Limit)
			}
			c.workers[n%2].kill()
			if n == 2 {
				c.server.kill()
			}
		}
	})
	c.wait("large", time.Hour)
	close(ended)
	killer.Wait()
	t.Logf("%d sources in %s, with %d kills of workers and %d of the server; %d requests to start %d jobs", sources,
		time.Since(began).Round(time.Second), c.workers[0].kills+c.workers[1].kills, c.server.kills, c.starts, len(c.omics.Jobs(store)))
	c.requireOnce("large", sources)
	c.requireHistories()
}

// All workers together keep the account's request rate, which each of them could use up alone.
func TestRate(t *testing.T) {
	const rate, sources = 4.5, 2000
	c := newCluster(t, 3, []string{"-min-poll=100ms", "-max-poll=100ms"}, func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(200 * time.Millisecond)
	})
	c.start("wednesday", sources)
	c.wait("wednesday", patience)
	c.requireOnce("wednesday", sources)
	c.mu.Lock()
	defer c.mu.Unlock()
	took := c.asked[len(c.asked)-1].Sub(c.asked[0])
	t.Logf("%d requests in %s", len(c.asked), took)
	require.Less(t, float64(len(c.asked)), 2*rate+1.1*rate*took.Seconds()) // the server lets some more through in the beginning
}

// wait returns when an import has ended.
func (c *cluster) wait(name string, most time.Duration) {
	for begin := time.Now(); ; time.Sleep(500 * time.Millisecond) {
		p, ok := c.progress(name)
		if ok && p.Batches > 0 && p.Ended == p.Batches {
			return
		}
		if time.Since(begin) > most {
			require.Fail(c, "the import does not end", "%+v\n%s\n%s", p, c.workers[0].end(), c.server.end())
		}
	}
}

// requireOnce holds what the service has against the sheet: one job a batch, and each source once; and so the results.
func (c *cluster) requireOnce(name string, sources int) {
	batches := (sources + 99) / 100
	require.Len(c, c.omics.Jobs(store), batches)
	sets := make(map[string]int)
	for _, rs := range c.omics.ReadSets(store) {
		sets[rs.SampleID]++
	}
	require.Len(c, sets, sources)
	require.Len(c, c.omics.ReadSets(store), sources)
	p, ok := c.progress(name)
	require.True(c, ok)
	require.Equal(c, counts{Imported: sources}, p.Counts)
	require.Empty(c, p.Trouble)
	outcomes := make(map[string]int)
	for _, r := range c.results(name) {
		require.Equal(c, imported, r.Outcome)
		require.NotEmpty(c, r.ReadSetID)
		outcomes[r.Source.SampleID]++
	}
	require.Len(c, outcomes, sources)
	for sample := range sets {
		require.Equal(c, 1, outcomes[sample])
	}
}

// results returns all rows of the results of an import.
func (c *cluster) results(name string) (all []row) {
	files, err := filepath.Glob(filepath.Join(c.dir, name, "results", "*.json"))
	require.NoError(c, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(c, err)
		var rows []row
		require.NoError(c, json.Unmarshal(data, &rows))
		all = append(all, rows...)
	}
	return all
}

// requireHistories checks the history of every workflow: none is near the limits, none has an id of a person or the name of a file, and
// each is replayed by the workflows as they are. It returns how many there are of each kind.
func (c *cluster) requireHistories() map[string]int {
	list, err := c.client.ListWorkflow(c.Context(), &workflowservice.ListWorkflowExecutionsRequest{PageSize: 1000})
	require.NoError(c, err)
	require.NotEmpty(c, list.Executions)
	largest, number := make(map[string][2]int64), make(map[string]int)
	for _, w := range list.Executions {
		info, err := c.client.DescribeWorkflowExecution(c.Context(), w.Execution.WorkflowId, w.Execution.RunId)
		require.NoError(c, err)
		size, events := info.WorkflowExecutionInfo.HistorySizeBytes, info.WorkflowExecutionInfo.HistoryLength
		require.Less(c, size, int64(10<<20))
		kind := w.Type.Name
		number[kind]++
		largest[kind] = [2]int64{max(size, largest[kind][0]), max(events, largest[kind][1])}
		original := worker.ReplayWorkflowHistoryOptions{OriginalExecution: workflow.Execution{ID: w.Execution.WorkflowId, RunID: w.Execution.RunId}}
		require.NoError(c, replayer().ReplayWorkflowHistoryWithOptions(silent{}, c.history(w.Execution), original), w.Execution.WorkflowId)
	}
	for kind, most := range largest {
		c.Logf("%d histories of %s; the largest has %d bytes and %d events", number[kind], kind, most[0], most[1])
	}
	return number
}

// history returns a history, in which there is no id of a person.
func (c *cluster) history(of *commonpb.WorkflowExecution) *historypb.History {
	var all historypb.History
	for events := c.client.GetWorkflowHistory(c.Context(), of.WorkflowId, of.RunId, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT); events.HasNext(); {
		e, err := events.Next()
		require.NoError(c, err)
		text, err := proto.Marshal(e) // payloads are in it as they are
		require.NoError(c, err)
		for _, word := range []string{"PATIENT", "s3://", "fastq", c.dir} {
			require.False(c, bytes.Contains(text, []byte(word)), "%s has %q: %s", of.WorkflowId, word, e)
		}
		all.Events = append(all.Events, e)
	}
	if os.Getenv(recordEnv) != "" {
		host, err := os.Hostname()
		require.NoError(c, err)
		text, err := protojson.Marshal(&all)
		require.NoError(c, err)
		file := filepath.Join("testdata", "history", strings.ReplaceAll(of.WorkflowId, "/", "_")+".json")
		nameless := strings.NewReplacer("@"+host+"@", "@host@", `"`+host+":", `"host:`) // in identities and names of queues
		require.NoError(c, os.WriteFile(file, []byte(nameless.Replace(string(text))), 0o600))
	}
	return &all
}

// recordEnv makes TestCommands write the histories that TestReplay reads.
const recordEnv = "TEMPORAL_RECORD"

// An import is started, told of events, and cancelled by the commands of the README.
func TestCommands(t *testing.T) {
	c := newCluster(t, 1, []string{"-min-poll=2m", "-max-poll=2m"}, func(o *omicstest.Options) {
		o.JobDuration = func(omicstest.Job) time.Duration { return 3 * time.Second }
	})
	template, err := os.ReadFile("testdata/event.json")
	require.NoError(t, err)
	c.start("tuesday", 500, "-max-jobs=2")
	sheet := filepath.Join(t.TempDir(), "other.csv")
	require.NoError(t, os.WriteFile(sheet, []byte(sheetOf(1)), 0o600))
	_, err = c.run("", "start", "-dir="+c.dir, "-name=tuesday", "-sheet="+sheet, "-store="+store, "-role="+role)
	require.ErrorIs(t, err, errOtherSheet)

	c.until("two jobs run", func() bool {
		p, ok := c.progress("tuesday")
		return ok && len(p.Jobs) == 2
	})
	c.until("they have ended, and nobody looks", func() bool { return len(c.omics.ReadSets(store)) == 200 })
	p, _ := c.progress("tuesday")
	require.Zero(t, p.Ended)
	out, err := c.run(string(bytes.ReplaceAll(template, []byte("JOB"), []byte(p.Jobs[0]))), "notify")
	require.NoError(t, err)
	require.Equal(t, "imports told: 1\n", out)
	began := time.Now()
	c.until("a batch has ended, and another one begun", func() bool {
		p, _ = c.progress("tuesday")
		return p.Ended == 1 && p.Jobs[2] != ""
	})
	require.Less(t, time.Since(began), time.Minute)

	_, err = c.run("", "cancel", "-name=tuesday")
	require.NoError(t, err)
	out, err = c.run("", "progress", "-name=tuesday", "-wait")
	require.ErrorIs(t, err, errIncomplete)
	require.NoError(t, json.Unmarshal([]byte(out), &p))
	require.True(t, p.Stopped)
	require.Equal(t, counts{Imported: 100, Running: 200, NotSent: 200}, p.Counts)
	require.Len(t, p.Jobs, 2)
	require.Len(t, c.omics.Jobs(store), 3)
	outcomes := make(map[string]int)
	for _, r := range c.results("tuesday") {
		outcomes[r.Outcome]++
		require.Equal(t, r.Outcome == notSent, r.JobID == "")
	}
	require.Equal(t, map[string]int{imported: 100, running: 200, notSent: 200}, outcomes)
	c.requireHistories()
	require.Empty(t, c.workers[0].end())

	_, err = c.run("", "progress", "-name=wednesday")
	require.Error(t, err)
}
