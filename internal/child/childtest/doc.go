// Package childtest runs the program under test as a process of its own, and checks on Linux that programs leave no process behind.
package childtest
