// Command planted shows that the tests find bugs: it applies each of some dozens of small changes that break what the
// library promises to a copy of the module, and runs the simulation there until a seed fails.
//
//	go run ./internal/planted                  # all of them
//	go run ./internal/planted -only search     # those with search in their names
//	go run ./internal/planted -seeds 100000    # try longer before giving up on a bug
//
// It prints for each bug whether it was found and how many seeds that took, and at the end the median. It ends with 1
// if one was not found, if its change no longer fits the library, or if the simulation fails without any bug.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/readsetimport/readsetimport/internal/child"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "planted:", err)
		os.Exit(1)
	}
}

// trial is where bugs are tried.
type trial struct {
	module string // a copy of the module
	tmp    string
	seeds  int
	from   uint64
	show   bool
}

func run(ctx context.Context) error {
	seeds := flag.Int("seeds", 20_000, "how many seeds to try before giving up on a bug")
	from := flag.Uint64("from", 1, "the first seed")
	clean := flag.Int("clean", 300, "how many seeds must pass without a bug; 0: do not look")
	only := flag.String("only", "", "a regular `expression` for the names of the bugs to try")
	cores := flag.Int("cores", runtime.NumCPU(), "how many bugs to try at once")
	show := flag.Bool("show", false, "show what the tests print when they find a bug")
	flag.Parse()
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	all, err := bugs()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(b bug) bool { return !wanted.MatchString(b.name) })
	tmp, err := os.MkdirTemp("", "planted")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	t := trial{module: filepath.Join(tmp, "module"), tmp: tmp, seeds: *seeds, from: *from, show: *show}
	if err := t.copyModule(ctx); err != nil {
		return err
	}
	if *clean > 0 {
		t.seeds = *clean
		if err := t.sound(ctx, all); err != nil {
			return err
		}
		t.seeds = *seeds
	}
	return t.tryAll(ctx, all, *cores)
}

// sound runs the tests that must find the bugs on the library without any.
func (t trial) sound(ctx context.Context, all []bug) error {
	type tests struct{ pkg, test string }
	sound := map[tests]bool{{"./internal/sim", simulation}: true}
	for _, b := range all {
		sound[tests{b.pkg, b.test}] = true
	}
	for s := range sound {
		f, err := t.try(ctx, bug{name: "none", pkg: s.pkg, test: s.test})
		if err != nil {
			return err
		}
		if f.found {
			return fmt.Errorf("without any bug, %s fails, after %d seeds: %s\n%s", s.test, f.seeds, f.why, f.output)
		}
	}
	return nil
}

func (t trial) tryAll(ctx context.Context, all []bug, atOnce int) error {
	var mu sync.Mutex
	var needed []int
	var missed []string
	say := func(b bug, f finding) {
		mu.Lock()
		defer mu.Unlock()
		took := f.took.Round(100 * time.Millisecond)
		switch {
		case !f.found && b.test != simulation:
			missed = append(missed, b.name)
			fmt.Printf("%-32s NOT FOUND by go test -run %s, %s\n", b.name, b.test, took)
		case !f.found:
			missed = append(missed, b.name)
			fmt.Printf("%-32s NOT FOUND in %d seeds, %s\n", b.name, t.seeds, took)
		case b.test != simulation:
			fmt.Printf("%-32s found by go test -run %s, %s\n", b.name, b.test, took)
		default:
			needed = append(needed, f.seeds)
			fmt.Printf("%-32s found after %d seeds, %s: %s\n", b.name, f.seeds, took, f.why)
		}
		if t.show {
			fmt.Println(f.output)
		}
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var group sync.WaitGroup
	next := make(chan bug)
	for range atOnce {
		group.Go(func() {
			for b := range next {
				if ctx.Err() != nil {
					continue
				}
				if f, err := t.try(ctx, b); err != nil {
					stop(err)
				} else {
					say(b, f)
				}
			}
		})
	}
	for _, b := range all {
		next <- b
	}
	close(next)
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	fmt.Printf("\n%d of %d bugs found", len(all)-len(missed), len(all))
	if len(needed) > 0 {
		slices.Sort(needed)
		fmt.Printf(", %d of them by the simulation: the median is %d seeds, the most %d", len(needed), needed[len(needed)/2], needed[len(needed)-1])
	}
	fmt.Println()
	if len(missed) > 0 {
		return fmt.Errorf("not found: %s", strings.Join(missed, ", "))
	}
	return nil
}

// copyModule copies the module that the working folder is in, so that edits do not matter while this runs.
func (t trial) copyModule(ctx context.Context) error {
	gomod, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return err
	}
	root := filepath.Dir(strings.TrimSpace(string(gomod)))
	return filepath.WalkDir(root, func(name string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		to := filepath.Join(t.module, inside)
		switch {
		case entry.IsDir() && entry.Name() == ".git":
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(to, 0o755)
		case !entry.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(to, text, 0o644)
	})
}

// finding is what became of the tests with a bug.
type finding struct {
	found  bool
	seeds  int    // tried until one failed
	why    string // that it failed
	output string
	took   time.Duration
}

// try runs the tests that must find a bug on the library with the bug.
func (t trial) try(ctx context.Context, b bug) (finding, error) {
	overlay, err := t.overlay(b)
	if err != nil {
		return finding{}, err
	}
	binary := filepath.Join(t.tmp, "test-"+b.name)
	build := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", overlay, "-o", binary, ".")
	build.Dir = filepath.Join(t.module, b.pkg) // which can be of another module than the library
	if out, err := output(build); err != nil {
		return finding{}, fmt.Errorf("%s does not compile: %w\n%s", b.name, err, out)
	}
	defer os.Remove(binary)
	if b.test == simulation {
		return t.simulate(ctx, binary)
	}
	begin := time.Now()
	test := exec.CommandContext(ctx, binary, "-test.run", b.test, "-test.timeout", "10m")
	test.Dir = filepath.Join(t.module, b.pkg)
	out, err := output(test)
	f := finding{found: err != nil, output: out, took: time.Since(begin)}
	var failed *exec.ExitError
	if err != nil && (!errors.As(err, &failed) || ctx.Err() != nil) {
		return f, err
	}
	return f, nil
}

// output runs a command, which ends with this process, and returns what it prints.
func output(cmd *exec.Cmd) (string, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := child.Start(cmd); err != nil {
		return "", err
	}
	err := cmd.Wait()
	return out.String(), err
}

// hanging is how long a seed may take, which usually takes less than a second.
const hanging = 2 * time.Minute

// simulate runs one worker of the simulation, which takes seed after seed until one fails.
func (t trial) simulate(ctx context.Context, binary string) (finding, error) {
	begin := time.Now()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	errHangs := errors.New("it does not end")
	watchdog := time.AfterFunc(hanging, func() { stop(errHangs) })
	defer watchdog.Stop()
	worker := exec.CommandContext(ctx, binary, "-test.run", simulation, "-test.timeout", "0", "-worker", "0", "-plain",
		"-from", strconv.FormatUint(t.from, 10), "-seeds", strconv.Itoa(t.seeds))
	worker.Dir = filepath.Join(t.module, "internal", "sim")
	worker.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=800")
	var output bytes.Buffer
	worker.Stderr = &output
	lines, err := worker.StdoutPipe()
	if err != nil {
		return finding{}, err
	}
	if err := child.Start(worker); err != nil {
		return finding{}, err
	}
	f := finding{}
	seed := t.from
	in := bufio.NewReader(lines)
	for {
		line, err := in.ReadString('\n')
		watchdog.Reset(hanging)
		text, ours := strings.CutPrefix(line, "simulation-part: ")
		var part struct {
			Current  uint64
			Failures []string
		}
		if ours && json.Unmarshal([]byte(text), &part) == nil {
			seed = part.Current
			if len(part.Failures) > 0 {
				line, _, _ := strings.Cut(part.Failures[0], "\n")
				_, f.why, _ = strings.Cut(line, "fails: ")
			}
		} else {
			output.WriteString(line)
		}
		if err != nil {
			break
		}
	}
	err = worker.Wait()
	f.took, f.output, f.seeds = time.Since(begin), output.String(), int(seed-t.from)+1
	var failed *exec.ExitError
	switch {
	case err == nil && f.why == "":
		return f, nil
	case err == nil:
	case context.Cause(ctx) == errHangs:
		f.why = errHangs.Error()
	case !errors.As(err, &failed) || ctx.Err() != nil:
		return f, err
	case f.why == "":
		f.why = "it panics"
	}
	f.found = true
	return f, nil
}

// overlay writes the files that a bug changes, and the file that tells the go command of them.
func (t trial) overlay(b bug) (string, error) {
	changed, err := b.apply(func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(t.module, name)) })
	if err != nil {
		return "", err
	}
	folder := filepath.Join(t.tmp, b.name)
	replace := make(map[string]string, len(changed))
	for name, text := range changed {
		to := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(to, []byte(text), 0o644); err != nil {
			return "", err
		}
		replace[filepath.Join(t.module, name)] = to
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(t.tmp, b.name+".json")
	return overlay, os.WriteFile(overlay, text, 0o644)
}
