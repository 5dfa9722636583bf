//go:build race

package steps

// underRace is whether the race detector, which makes everything some ten times slower, is on.
const underRace = true
