package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// killsEnv is how many runs TestKill makes, each with several kills.
const killsEnv = "SERVICE_KILL_RUNS"

// Whenever the service is killed, nothing is lost and nothing is doubled: neither what was posted nor what was sent.
func TestKill(t *testing.T) {
	runs := 2
	if text := os.Getenv(killsEnv); text != "" {
		var err error
		runs, err = strconv.Atoi(text)
		require.NoError(t, err)
	}
	seed := uint64(time.Now().UnixNano())
	for run := range runs {
		t.Run(fmt.Sprint(run), func(t *testing.T) {
			t.Logf("seed %d", seed)
			killed(t, rand.New(rand.NewPCG(seed, uint64(run)))) //nolint:gosec // not for secrets
		})
	}
}

// killed is one run: sheets that overlap are posted while the service is killed again and again.
func killed(t *testing.T, random *rand.Rand) {
	var mu sync.Mutex // of random, in the simulated service
	w := newWorld(t, func(o *omicstest.Options) {
		o.MaxActiveJobs = 3
		o.JobDuration = func(omicstest.Job) time.Duration {
			mu.Lock()
			defer mu.Unlock()
			return time.Duration(random.IntN(400)) * time.Millisecond
		}
		o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
			mu.Lock()
			defer mu.Unlock()
			faults := []omicstest.Fault{omicstest.Throttled(), omicstest.Internal(), omicstest.DropBefore(), omicstest.DropAfter(), omicstest.Internal().AfterExecution()}
			if n := random.IntN(100); n < len(faults) {
				return faults[n], true
			}
			return omicstest.Fault{}, false
		}
	})
	plan := rand.New(rand.NewPCG(random.Uint64(), 0)) //nolint:gosec // not for secrets
	type post struct {
		path, id, body string
		done           bool
	}
	var posts []post
	for i := range 3 {
		posts = append(posts, post{"/stores/" + store + "/imports", fmt.Sprint("run-", i), sheet(300*i, 500), false}, // 200 of which are in the next
			post{"/stores/" + otherStore + "/imports", fmt.Sprint("other-", i), sheet(0, 100*(i+1)), false})
	}
	lives := 4 + plan.IntN(4)
	for life := 1; ; life++ {
		p := w.start()
		if life < lives {
			timer := time.AfterFunc(time.Duration(plan.IntN(1200))*time.Millisecond, func() { _ = p.cmd.Process.Kill() })
			defer timer.Stop()
		}
		for i, post := range posts {
			if !post.done {
				status, text := p.do(http.MethodPost, post.path, post.id, post.body)
				posts[i].done = status == http.StatusAccepted || status == http.StatusOK
				require.True(t, status == 0 || posts[i].done, "status %d: %s", status, text)
			}
		}
		if life < lives {
			<-p.ended
			t.Logf("life %d was killed with %d jobs started and %d read sets in", life, len(w.omics.Jobs(store))+len(w.omics.Jobs(otherStore)), len(w.omics.ReadSets(store))+len(w.omics.ReadSets(otherStore)))
			continue
		}
		for _, post := range posts {
			got := p.wait(post.id)
			require.Equal(t, imported, got.State, p.logged())
			require.Equal(t, got.Total, got.Imported)
		}
		values := p.metrics()
		for _, none := range []string{"readsetimport_imports_open", "readsetimport_jobs_running", "readsetimport_oldest_job_age_seconds"} {
			require.Equal(t, "0", values[none], none)
		}
		p.stop()
		break
	}
	requireOnce(t, w, store, 1100)
	requireOnce(t, w, otherStore, 300)
}

// requireOnce holds a store against the first n sources of the sheets.
func requireOnce(t *testing.T, w *world, store string, n int) {
	times := make(map[string]int)
	for _, rs := range w.omics.ReadSets(store) {
		times[rs.SampleID]++
	}
	for sample, n := range times {
		require.Equal(t, 1, n, "%s is in store %s %d times", sample, store, n)
	}
	require.Len(t, times, n)
}
