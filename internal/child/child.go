// Package child starts processes that do not outlive the one that started them, however that one ends. Tests that run
// for hours in processes of their own use it, so that nothing of them is left on the machine when somebody kills them.
package child

import (
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
)

// Start starts a command, like [exec.Cmd.Start]. Its process gets SIGKILL when this one is gone, where the system can
// do that (Linux). Everywhere, its standard input is a pipe that nothing is written to and that ends with this process:
// a program that calls [EndWithParent] then ends too. The caller must call Wait, and not set cmd.Stdin.
func Start(cmd *exec.Cmd) error {
	if _, err := cmd.StdinPipe(); err != nil { // the other end is closed by Wait, or with this process
		return err
	}
	dieWithParent(cmd)
	var err error
	started := make(chan struct{})
	starts() <- func() {
		err = cmd.Start()
		close(started)
	}
	<-started
	return err
}

// starts returns a channel of functions that one thread calls, which lives as long as this process: to Linux, the parent
// of a process is the thread that started it.
var starts = sync.OnceValue(func() chan<- func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread()
		for call := range calls {
			call()
		}
	}()
	return calls
})

// ExitCode is how a process ends whose parent is gone.
const ExitCode = 5

// EndWithParent makes this process, which another started with [Start], end when that one has ended.
func EndWithParent() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(ExitCode)
	}()
}
