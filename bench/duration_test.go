package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/jitter"
	"github.com/readsetimport/readsetimport/omicstest"
)

// plannedImport is a row of the table in docs/duration.md.
type plannedImport struct{ sources, slots int }

// simulateImport returns how long an import takes whose jobs take jobTime give or take a quarter, and how many requests
// it makes.
func simulateImport(t *testing.T, p plannedImport, jobTime time.Duration) (took time.Duration, requests int) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = func(omicstest.Job) time.Duration {
				return time.Duration((0.75 + 0.5*random.Float64()) * float64(jobTime))
			}
			o.MaxActiveJobs = p.slots
			o.RequestRate = 5
		})
		client, err := readsetimport.New(service.Client())
		require.NoError(t, err)
		began := time.Now()
		_, err = client.Import(t.Context(), target, sources(p.sources))
		require.NoError(t, err)
		took, requests = time.Since(began), len(service.Requests(""))
	})
	return took, requests
}

// TestHowLong prints the table of docs/duration.md, and compares the page with it.
func TestHowLong(t *testing.T) {
	if underRace {
		t.Skip("too slow under the race detector")
	}
	real := jitter.Float64
	defer func() { jitter.Float64 = real }()
	jitter.Float64 = func() float64 { return 0.5 }

	jobTimes := []time.Duration{30 * time.Minute, 2 * time.Hour}
	lines := []string{
		"| sources | jobs | slots | jobs of 30 min | requests | jobs of 2 h | requests |",
		"| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
	}
	for _, p := range []plannedImport{{100, 1}, {1_000, 1}, {1_000, 5}, {1_000, 20}, {10_000, 5}, {10_000, 20}, {10_000, 50}} {
		line := fmt.Sprintf("| %d | %d | %d |", p.sources, p.sources/readsetimport.MaxSourcesPerJob, p.slots)
		for _, jobTime := range jobTimes {
			took, requests := simulateImport(t, p, jobTime)
			line += fmt.Sprintf(" %.1f h | %d |", took.Hours(), requests)
		}
		lines = append(lines, line)
	}
	fmt.Fprintln(t.Output(), strings.Join(lines, "\n"))

	page, err := os.ReadFile("../docs/duration.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(page), lines[0]+"\n")
	require.True(t, found, "the page has no such table")
	written := strings.Split(table, "\n")
	for i, line := range lines[1:] {
		requireSameRow(t, line, written[i])
	}
}

// requireSameRow compares two rows of the table. What a change of the library makes faster or slower by a twentieth is not
// worth another page.
func requireSameRow(t *testing.T, want, got string) {
	wanted, have := strings.Split(want, "|"), strings.Split(got, "|")
	require.Len(t, have, len(wanted), got)
	for i := range wanted {
		text := strings.TrimSuffix(strings.TrimSpace(wanted[i]), " h")
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			require.Equal(t, wanted[i], have[i], got)
			continue
		}
		other, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(have[i]), " h"), 64)
		require.NoError(t, err, got)
		require.InDelta(t, number, other, max(0.11, number/20), got)
	}
}
