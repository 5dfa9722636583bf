//go:build !unix

package main

import "time"

var processBegan = time.Now()

// cpuTime returns the time that has passed, where the CPU time of a process is not to be had.
func cpuTime() time.Duration { return time.Since(processBegan) }
