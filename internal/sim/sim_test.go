package sim

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/child"
)

var (
	flagSeeds   = flag.Int("seeds", 0, "how many seeds TestSimulation runs; 0: as many as fit into a test")
	flagFrom    = flag.Uint64("from", 501, "the first of them; the 800 from 501 on meet every fault in every phase")
	flagAll     = flag.Bool("all", false, "go on after a seed that fails")
	flagIgnore  = flag.String("ignore", "", "rules that may be broken, with commas between them: to see what else is")
	flagShow    = flag.Bool("show", false, "print what happens in each seed")
	flagPlain   = flag.Bool("plain", false, "do not shrink seeds that fail")
	flagLimit   = flag.Duration("limit", 20*time.Second, "how long a seed may take, which usually takes some milliseconds")
	flagCores   = flag.Int("cores", runtime.NumCPU(), "how many processes TestSimulation uses")
	flagStuck   = flag.String("stuck", "", "TestStuckSeed's own: how a seed does not end")
	flagCompare = flag.String("compare", "", "jobs: the API knows no read sets; sets: it does; nothing is adopted in either, so that both can be compared")
	flagDrivers = flag.Bool("drivers", false, "each seed is a world in which several drivers share the states of the batches, and not one in twenty")
	flagWorker  = flag.Int("worker", -1, "TestSimulation's own: which of its processes this is")
)

// TestSimulation is the promise under test: whatever crashes, whenever, every source ends up in the store once, or is
// reported as unresolved; none is imported twice and none forgotten.
//
// Each seed makes a world of its own: sheets that change from run to run, a service with its quotas, token window, list
// lag and clock, what goes wrong with requests and with the journal's disk, and the points at which the program crashes.
// It runs in virtual time, with the SDK's client and the bytes of a real journal. At last the program runs once without
// trouble, and its report is held against the store.
//
//	go test -count=1 -run '^TestSimulation$' ./internal/sim -seeds 10000 -from 1
//
// runs any number of seeds, from any, on all cores. A seed that fails prints a line of the form
//
//	simulation: seed 17 fails: s0003 is in the store 2 times: …
//
// with the command that replays it, and the fewest events with which it still fails; the exit code is then not 0.
// The first such seed ends the test, unless there is -all. -show prints all that happens.
func TestSimulation(t *testing.T) {
	n := *flagSeeds
	switch {
	case n > 0:
	case underRace || testing.Short():
		n = 5
	default:
		n = 800
	}
	if *flagWorker >= 0 {
		child.EndWithParent()
		simulateHere(t, *flagFrom, n)
		return
	}
	begin := time.Now()
	all := simulate(t, *flagFrom, n)
	took := time.Since(begin)
	fmt.Printf("simulation: %d seeds in %s, %.0f a minute; %d failed; %s of virtual time; %d sources imported, %d failed, %d unresolved\n",
		all.Seeds, took.Round(time.Second/10), float64(all.Seeds)/took.Minutes(), len(all.Failures),
		virtualTime(all.Virtual), all.Imported, all.Failed, all.Unresolved)
	fmt.Print(all.table())
	if len(all.Rules) > 0 {
		fmt.Println("rules that were broken:", all.Rules)
	}
	if n >= 800 && len(all.Failures) == 0 {
		require.Empty(t, all.emptyCells(), "cells of the table that no seed hit")
	}
	for _, f := range all.Failures {
		t.Error(f)
	}
}

func virtualTime(d time.Duration) string {
	return fmt.Sprintf("%.1f years", d.Hours()/24/365.25)
}

// total is what many seeds came to.
type total struct {
	Seeds                        int
	Virtual                      time.Duration
	Imported, Failed, Unresolved int
	Cells                        map[string]int
	Rules                        map[string]int // that were broken
	Failures                     []string
	Current                      uint64 // the seed under way
	Unshrunk                     string // how it fails, before less is tried
}

func (a *total) add(b total) {
	a.Seeds += b.Seeds
	a.Virtual += b.Virtual
	a.Imported += b.Imported
	a.Failed += b.Failed
	a.Unresolved += b.Unresolved
	for cell, n := range b.Cells {
		a.Cells[cell] += n
	}
	for rule, n := range b.Rules {
		a.Rules[rule] += n
	}
	a.Failures = append(a.Failures, b.Failures...)
}

// simulateHere runs seeds in this process, and prints what they come to.
func simulateHere(t *testing.T, from uint64, n int) {
	send := func(part total) {
		line, err := json.Marshal(part)
		require.NoError(t, err)
		fmt.Printf("%s%s\n", partPrefix, line)
	}
	for seed := from; seed < from+uint64(n); seed++ {
		send(total{Current: seed})
		begin := time.Now()
		out := runSeed(t, seed, limits{show: *flagShow})
		if took := time.Since(begin); took > 5*time.Second {
			fmt.Fprintf(os.Stderr, "seed %d took %s\n", seed, took)
		}
		part := total{
			Seeds: 1, Current: seed, Virtual: out.virtual, Imported: out.verdict.imported, Failed: out.verdict.failed,
			Unresolved: out.verdict.unresolved, Cells: make(map[string]int),
		}
		for cell, n := range out.world.cells {
			part.Cells[cell.Row+"|"+cell.Column] = n
		}
		switch {
		case out.err == nil:
		case *flagPlain:
			part.Failures = []string{fmt.Sprintf("simulation: seed %d fails: %v", seed, out.err)}
		default:
			send(total{Current: seed, Unshrunk: describe(seed, out)}) // should less of it not end
			part.Failures = []string{shrink(t, seed, out, func() { send(total{Current: seed}) })}
		}
		if out.err != nil {
			part.Rules = map[string]int{ruleOf(out.err): 1}
		}
		send(part)
		if out.err != nil && !*flagAll {
			return
		}
	}
}

// limits is what a world is allowed of what its seed has for it.
type limits struct {
	without map[string]bool // events that do not happen
	sources int             // if above 0, no sources from this number on
	runs    int             // if above 0, the first runs of the program are left out
	show    bool            // what happens is printed as it happens
}

// seedOutcome is what a seed came to.
type seedOutcome struct {
	world   *world
	verdict verdict
	err     error
	virtual time.Duration
}

func runSeed(t *testing.T, seed uint64, limits limits) (out seedOutcome) {
	synctest.Test(t, func(*testing.T) {
		w := newWorld(seed, limits)
		out.world = w
		w.stick(*flagStuck)
		out.verdict, out.err = w.live()
		w.orphans.Wait()
		out.virtual = time.Since(w.begin)
	})
	return out
}

// Same seed, same trace: but where several goroutines go on at the same moment, their order is the Go scheduler's, which
// has no seed. It takes another turn in about one seed of a hundred on a busy machine.
func TestSimulationReplays(t *testing.T) {
	if *flagWorker >= 0 || underRace {
		t.Skip("goroutines on several threads")
	}
	const seeds = 40
	traces := func() map[string]string {
		cmd := exec.Command(os.Args[0], "-test.run=^TestSimulationTraces$", "-worker=0", "-seeds", strconv.Itoa(seeds))
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
		var out bytes.Buffer
		cmd.Stdout = &out
		require.NoError(t, child.Start(cmd))
		require.NoError(t, cmd.Wait(), out.String())
		all := make(map[string]string)
		for line := range strings.Lines(out.String()) {
			if seed, sum, ok := strings.Cut(strings.TrimSpace(line), " trace "); ok {
				all[seed] = sum
			}
		}
		require.Len(t, all, seeds)
		return all
	}
	first, second := traces(), traces()
	same := 0
	for seed, trace := range first {
		if second[seed] == trace {
			same++
		}
	}
	require.GreaterOrEqual(t, same, seeds*9/10)
}

// TestSimulationTraces is TestSimulationReplays' other process.
func TestSimulationTraces(t *testing.T) {
	if *flagWorker < 0 {
		t.Skip("TestSimulationReplays runs it")
	}
	child.EndWithParent()
	for seed := *flagFrom; seed < *flagFrom+uint64(*flagSeeds); seed++ {
		sum := sha256.Sum256([]byte(runSeed(t, seed, limits{}).world.traceText()))
		fmt.Printf("%d trace %s\n", seed, hex.EncodeToString(sum[:8]))
	}
}
