package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// shrink looks for the fewest events with which a seed still breaks the same rule, and tells of them. It takes away what it can, one
// after the other, until nothing more can be taken away or it has taken long enough.
func shrink(t *testing.T, seed uint64, failed seedOutcome, alive func()) string {
	deadline := time.Now().Add(20 * time.Second)
	allowed := limits{without: make(map[string]bool)}
	try := func(less limits) bool {
		if time.Now().After(deadline) {
			return false
		}
		alive()
		out := runSeed(t, seed, less)
		if out.err == nil || ruleOf(out.err) != ruleOf(failed.err) {
			return false
		}
		failed, allowed = out, less
		return true
	}
	for smaller := true; smaller; {
		smaller = false
		for _, n := range []int{1, 2, 4, 8, 16} {
			less := allowed
			if less.sources = n; (allowed.sources == 0 || n < allowed.sources) && try(less) {
				smaller = true
				break
			}
		}
		for less := allowed; less.runs+1 < len(failed.world.plan.runs); less = allowed {
			if less.runs++; !try(less) {
				break
			}
			smaller = true
		}
		// Several at once, then one at a time.
		for size := max(1, len(failed.world.happened)/2); size > 0; size /= 2 {
			for chunk := range slices.Chunk(slices.Clone(failed.world.happened), size) {
				less := allowed
				less.without = maps.Clone(allowed.without)
				for _, event := range chunk {
					less.without[event] = true
				}
				if len(less.without) > len(allowed.without) && try(less) {
					smaller = true
				}
			}
		}
	}
	return describe(seed, failed)
}

// describe tells how a seed fails.
func describe(seed uint64, failed seedOutcome) string {
	const most = 200
	lines := strings.Split(strings.TrimSpace(failed.world.traceText()), "\n")
	if len(lines) > most {
		lines = slices.Concat(lines[:most/2], []string{"…"}, lines[len(lines)-most/2:])
	}
	return fmt.Sprintf("simulation: seed %d fails: %v\n%s\nplan: %s\nwhat went wrong in it:\n\t%s\nand all that happened then:\n\t%s\n",
		seed, failed.err, replayCommand(seed), failed.world.plan, strings.Join(failed.world.happened, "\n\t"), strings.Join(lines, "\n\t"))
}

// ruleOf is the rule that was broken.
func ruleOf(err error) string {
	var v violation
	errors.As(err, &v)
	return v.rule
}

func (p plan) String() string {
	return fmt.Sprintf("client %+v service %+v faults %v drivers %+v", p.client, p.service, p.faults, p.drivers)
}
