//go:build race

package wire

// underRace is whether the race detector, which makes everything some ten times slower, is on. Tests that move
// much memory leave it to the others.
const underRace = true
