package s3files_test

import "syscall"

// dieWithParent makes a process end when the tests do, however they end.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
