package sim

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/child"
)

// simulate spreads the seeds over processes of one thread each, since goroutines that run at the same moment on several
// threads have no order that a seed could give back.
func simulate(_ *testing.T, from uint64, n int) total {
	all := total{Cells: make(map[string]int), Rules: make(map[string]int)}
	var mu sync.Mutex
	var next atomic.Uint64
	var failed atomic.Bool
	next.Store(from)
	var group sync.WaitGroup
	for number := range max(1, *flagCores) {
		group.Go(func() {
			const most = 50 // seeds of one process
			for !failed.Load() || *flagAll {
				first := next.Add(most) - most
				if first >= from+uint64(n) {
					return
				}
				last := min(first+most, from+uint64(n))
				for first < last && (!failed.Load() || *flagAll) {
					var part total
					part, first = worker{number: number, limit: *flagLimit}.run(first, last)
					mu.Lock()
					all.add(part)
					failed.Store(len(all.Failures) > 0)
					for _, f := range part.Failures {
						fmt.Println(f)
					}
					mu.Unlock()
				}
			}
		})
	}
	group.Wait()
	slices.Sort(all.Failures)
	return all
}

// worker is a process of TestSimulation's.
type worker struct {
	number int
	limit  time.Duration // real time for one seed; the process is ended when it takes longer
	args   []string
}

// run takes the seeds from first to before last, and returns what they came to and the seed to go on with, which is
// not last if the process did not get there.
func (w worker) run(first, last uint64) (total, uint64) {
	all := total{Cells: make(map[string]int), Rules: make(map[string]int)}
	cmd := exec.Command(os.Args[0], "-test.run=^TestSimulation$", "-test.timeout=0", "-worker", strconv.Itoa(w.number),
		"-from", strconv.FormatUint(first, 10), "-seeds", strconv.FormatUint(last-first, 10),
		"-all="+strconv.FormatBool(*flagAll), "-show="+strconv.FormatBool(*flagShow), "-plain="+strconv.FormatBool(*flagPlain), "-compare="+*flagCompare,
		"-ignore="+*flagIgnore, "-drivers="+strconv.FormatBool(*flagDrivers))
	cmd.Args = append(cmd.Args, w.args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=800") // a seed needs little memory
	var errText strings.Builder
	cmd.Stderr = &errText
	lines, err := cmd.StdoutPipe()
	if err == nil {
		err = child.Start(cmd)
	}
	if err != nil {
		all.Failures = append(all.Failures, fmt.Sprintf("simulation: no process for seed %d: %v", first, err))
		return all, last
	}
	var hangs atomic.Bool
	watchdog := time.AfterFunc(w.limit, func() {
		hangs.Store(true)
		_ = cmd.Process.Signal(syscall.SIGQUIT) // and it tells where it is
		time.AfterFunc(2*time.Second, func() { _ = cmd.Process.Kill() })
	})
	current, unshrunk := first, ""
	var tail []string // of what it says that is not for us
	in := bufio.NewReader(lines)
	for {
		line, err := in.ReadString('\n')
		if text, ours := strings.CutPrefix(line, partPrefix); ours {
			var part total
			if json.Unmarshal([]byte(text), &part) == nil {
				watchdog.Reset(w.limit)
				if part.Current != current || part.Unshrunk != "" {
					current, unshrunk = part.Current, part.Unshrunk
				}
				all.add(part)
			}
		} else {
			if *flagShow {
				fmt.Print(line)
			}
			tail = append(tail[max(0, len(tail)-100):], line)
		}
		if err != nil {
			break
		}
	}
	watchdog.Stop()
	err = cmd.Wait()
	switch {
	case hangs.Load():
		err = fmt.Errorf("it takes more than %s", w.limit)
	case err == nil:
		return all, last
	}
	all.Seeds++
	if unshrunk != "" {
		all.Failures = append(all.Failures, unshrunk)
		return all, current + 1
	}
	all.Rules["it ends"]++
	output := errText.String()
	all.Failures = append(all.Failures, fmt.Sprintf("simulation: seed %d fails: %v\n%s\n%s\n%s", current, err, replayCommand(current),
		strings.Join(tail, ""), output[:min(len(output), 10_000)]))
	return all, current + 1
}

const partPrefix = "simulation-part: "

func replayCommand(seed uint64) string {
	kind := ""
	if *flagDrivers {
		kind = " -drivers"
	}
	return fmt.Sprintf("replay: go test -count=1 -run '^TestSimulation$' ./internal/sim -seeds 1 -from %d -show%s", seed, kind)
}

// stick makes a seed that does not end, in a way.
func (w *world) stick(how string) {
	switch how {
	case "steps":
		for {
			w.log("one more")
		}
	case "spin":
		for {
			w.seed++
		}
	case "virtual time":
		w.newProcess(1, runPlan{}, true).mustEnd()
		time.Sleep(2 * runMax)
	}
}

// A seed that does not end is a failure with the seed's number, and the seeds behind it have their turn.
func TestStuckSeed(t *testing.T) {
	if *flagWorker >= 0 {
		t.Skip("for the process that has the others")
	}
	for how, why := range map[string]string{
		"steps":        fmt.Sprintf("seed 7 takes more than %d steps", stepsMax),
		"virtual time": fmt.Sprintf("seed 7: run 1 takes more than %s", runMax),
		"spin":         "it takes more than 1s",
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			limit := time.Second
			if how != "spin" {
				limit = time.Minute
			}
			part, next := worker{limit: limit, args: []string{"-stuck", how}}.run(7, 9)
			require.Equal(t, uint64(8), next)
			require.Len(t, part.Failures, 1)
			require.Contains(t, part.Failures[0], "simulation: seed 7 fails: ")
			require.Contains(t, part.Failures[0], why)
		})
	}
}
