package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFigure(t *testing.T) {
	require.Equal(t, &figure{Median: 3, Least: 1, Most: 7}, figureOf([]float64{7, 1, 3}))
	require.Equal(t, &figure{Median: 2.5, Least: 1, Most: 4}, figureOf([]float64{4, 2, 1, 3}))
	require.Equal(t, "2.50 (1.00 to 4.00)", figureOf([]float64{4, 2, 1, 3}).text("%.2f"))
	require.Equal(t, "1.0", figureOf([]float64{1.01, 0.99}).text("%.1f"), "a spread that cannot be seen")
	var none *figure
	require.Equal(t, "-", none.text("%.2f"))
}

// What makes a whole round slower changes no ratio.
func TestRatio(t *testing.T) {
	base := []cost{{cpu: 10}, {cpu: 100}, {cpu: 20}}
	costs := []cost{{cpu: 20}, {cpu: 200}, {cpu: 60}}
	require.Equal(t, &figure{Median: 2, Least: 2, Most: 3}, ratio(costs, base, cpu))
	require.Equal(t, &figure{Median: 6, Least: 2, Most: 20}, overRounds(costs, cpu, 10))
}

func TestAlternate(t *testing.T) {
	var order []string
	say := func(name string) side {
		return side{name, func() (cost, error) {
			order = append(order, name)
			return cost{cpu: float64(len(order))}, nil
		}}
	}
	costs, err := alternate(t.Context(), 3, []side{say("a"), say("b")})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "b", "a", "a", "b"}, order)
	require.Equal(t, [][]cost{{{cpu: 1}, {cpu: 4}, {cpu: 5}}, {{cpu: 2}, {cpu: 3}, {cpu: 6}}}, costs)

	sunk := errors.New("sunk")
	_, err = alternate(t.Context(), 3, []side{{"a", func() (cost, error) { return cost{}, sunk }}})
	require.ErrorIs(t, err, sunk)
}

func TestMeasure(t *testing.T) {
	var kept [][]byte
	c, err := measure(100, func() error {
		for range 100 {
			kept = append(kept, make([]byte, 1000))
		}
		return nil
	})
	require.NoError(t, err)
	runtime.KeepAlive(kept)
	require.InDelta(t, 1, c.allocs, 0.5)
	require.InDelta(t, 1000, c.bytes, 200)
	require.Positive(t, c.wall)
}

func TestRun(t *testing.T) {
	real := benchmarks
	defer func() { benchmarks = real }()
	made := 0
	fake := func(context.Context) ([]table, error) {
		made++
		return []table{{
			Title: "Ships", Notes: []string{"At sea."}, Skipped: []string{"boats"},
			Columns: []column{{"ship", ""}, {"knots", "%.1f"}}, Rows: []row{{"Beagle", []*figure{one(11)}}, {"Vasa", []*figure{nil}}},
		}}, nil
	}
	benchmarks = []benchmark{{"ships", fake}, {"more ships", fake}}

	var out, log bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-only", "ships"}, &out, &log))
	require.Equal(t, 1, made)
	_, text, _ := strings.Cut(out.String(), "\n")
	require.Equal(t, `
### Ships

At sea.

| ship   | knots |
| ---    | ---:  |
| Beagle | 11.0  |
| Vasa   | -     |

Skipped: boats
`, text)

	out.Reset()
	require.NoError(t, run(t.Context(), []string{"-json"}, &out, &log))
	var r report
	require.NoError(t, json.Unmarshal(out.Bytes(), &r))
	require.Len(t, r.Tables, 2)
	require.Equal(t, "more ships", r.Tables[1].Name)
	require.Equal(t, []*figure{{11, 11, 11}}, r.Tables[1].Rows[0].Figures)

	require.ErrorIs(t, run(t.Context(), []string{"-only", "boats"}, &out, &log), errUsage)
	require.ErrorIs(t, run(t.Context(), []string{"ships"}, &out, &log), errUsage)
}

// Both sides of the table of validation find the same sources valid, or a ratio between them says nothing.
func TestSameVerdicts(t *testing.T) {
	for _, set := range validationSets() {
		for _, s := range set.sources {
			require.Equal(t, set.valid, s.Validate() == nil, set.name)
			require.Equal(t, set.valid, validateByRegexp(&s) == nil, set.name)
		}
	}
}
