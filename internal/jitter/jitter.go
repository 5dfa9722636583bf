// Package jitter has the random numbers by which delays are spread.
package jitter

import "math/rand/v2"

// Float64 returns a number in [0, 1). A simulation can replace it, and a client uses what it was when the client was
// made.
var Float64 = rand.Float64
