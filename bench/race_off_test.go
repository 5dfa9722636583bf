//go:build !race

package main

// underRace is whether the race detector, which makes everything some ten times slower, is on. Tests of schedules over
// hundreds of jobs leave it to the others.
const underRace = false
