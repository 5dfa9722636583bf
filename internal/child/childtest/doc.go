// Package childtest checks that programs leave no process behind, on Linux.
package childtest
