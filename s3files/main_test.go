package s3files_test

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain stops the S3 server, and fails if a goroutine is left when all tests are over.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	stopServer()
	if code == 0 && flag.Lookup("test.fuzz").Value.String() == "" && flag.Lookup("test.fuzzworker").Value.String() == "false" {
		if left := goroutinesLeft(5 * time.Second); len(left) > 0 {
			fmt.Fprintf(os.Stderr, "FAIL: %d goroutines are left after the tests:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
			code = 1
		}
	}
	os.Exit(code)
}

// goroutinesLeft waits for all goroutines but this one to end, and returns the stacks of those that do not.
func goroutinesLeft(patience time.Duration) []string {
	for begin := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		buf := make([]byte, 1<<20)
		stacks := strings.Split(strings.TrimSpace(string(buf[:runtime.Stack(buf, true)])), "\n\n")
		var left []string
		for _, stack := range stacks[1:] { // the first is this one
			if !strings.Contains(stack, "runtime/pprof.") && !strings.Contains(stack, "os/signal.") && !strings.Contains(stack, "internal/child.") {
				left = append(left, stack)
			}
		}
		if len(left) == 0 || time.Since(begin) > patience {
			return left
		}
	}
}
