//go:build !linux

package s3files_test

import "syscall"

func dieWithParent() *syscall.SysProcAttr { return nil }
