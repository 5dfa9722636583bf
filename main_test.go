package readsetimport

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails if a goroutine is left when all tests are over.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if code == 0 && !fuzzing() {
		if left := goroutinesLeft(5 * time.Second); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "FAIL: %d goroutines are left after the tests:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
			code = 1
		}
	}
	os.Exit(code)
}

// fuzzing reports whether a fuzz engine runs, which has goroutines of its own.
func fuzzing() bool {
	for _, name := range []string{"test.fuzz", "test.fuzzworker"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != f.DefValue {
			return true
		}
	}
	return false
}

// goroutinesLeft waits for all goroutines but this one to end, and is the stacks of those that do not.
func goroutinesLeft(patience time.Duration) []string {
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		left := otherGoroutines()
		if len(left) == 0 || time.Since(begin) > patience {
			return left
		}
	}
}

func otherGoroutines() []string {
	buf := make([]byte, 1<<20)
	stacks := strings.Split(strings.TrimSpace(string(buf[:runtime.Stack(buf, true)])), "\n\n")
	var others []string
	for _, stack := range stacks[1:] { // the first is this one
		if !strings.Contains(stack, "runtime/pprof.") && !strings.Contains(stack, "os/signal.") {
			others = append(others, stack)
		}
	}
	return others
}
