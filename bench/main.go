// Command bench does the same work with this library and with what people use instead, side by side on this machine, and
// prints what each costs:
//
//	go -C bench run .
//
// Each table is measured in one run, the sides in alternation, round after round. What is printed are medians, with the least
// and the most of the rounds behind them, and ratios within a round, which the load of a machine changes little. All of it
// takes less than ten minutes; -only NAME makes one table, and -json prints them for programs. Nothing leaves the machine:
// the service is simulated by package omicstest.
//
// The tests of this module hold the library to what is promised of its schedules:
//
//	go test -C bench -v
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

// benchmark makes one or more tables.
type benchmark struct {
	name string
	run  func(context.Context) ([]table, error)
}

var benchmarks = []benchmark{
	{"validation", benchValidation},
	{"adds", benchAdds},
	{"import", benchImport},
	{"loopback", benchLoopback},
	{"virtual", benchVirtual},
	{"scale", benchScale},
	{"weight", benchWeight},
}

var errUsage = errors.New("usage")

func main() {
	if path := os.Getenv(virtualFile); path != "" {
		runVirtual(path)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	only := flags.String("only", "", "make only the tables of this `name`: "+names())
	asJSON := flags.Bool("json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return errUsage
	}
	chosen := benchmarks
	if *only != "" {
		chosen = named(*only)
	}
	if len(chosen) == 0 || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "bench: -only takes one of "+names()+", and there are no arguments")
		return errUsage
	}
	r := report{Machine: describeMachine(ctx)}
	if !*asJSON {
		fmt.Fprintln(stdout, r.Machine)
	}
	for _, b := range chosen {
		began := time.Now()
		fmt.Fprintf(stderr, "%s …\n", b.name)
		tables, err := b.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		fmt.Fprintf(stderr, "%s took %.0f s\n", b.name, time.Since(began).Seconds())
		for _, t := range tables {
			t.Name = b.name
			r.Tables = append(r.Tables, t)
			if !*asJSON {
				t.print(stdout)
			}
		}
	}
	if *asJSON {
		e := json.NewEncoder(stdout)
		e.SetIndent("", "\t")
		return e.Encode(r)
	}
	return nil
}

func names() string {
	var all []string
	for _, b := range benchmarks {
		all = append(all, b.name)
	}
	return strings.Join(all, ", ")
}

func named(name string) []benchmark {
	for _, b := range benchmarks {
		if b.name == name {
			return []benchmark{b}
		}
	}
	return nil
}
