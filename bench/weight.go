package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// benchWeight builds programs with and without this library.
func benchWeight(ctx context.Context) ([]table, error) {
	t := table{
		Title: "Weight: what importing the packages adds to a program",
		Notes: []string{
			"Programs under bench/weight, beside one that uses the generated client of HealthOmics (and for s3files, that of S3 too).",
			"Building is the CPU time that the compiler needs for what the program has more than the one that it is compared with,",
			"with an empty build cache; linking is not in it.",
		},
		Columns: []column{
			{"program", ""}, {"MiB", "%.2f"}, {"more, MiB", "%.2f"}, {"more, %", "%.1f"}, {"stripped: more, %", "%.1f"}, {"building: more, CPU s", "%.1f"}, {"more, %", "%.1f"},
		},
	}
	const source = "weight"
	if _, err := os.Stat(source); err != nil {
		t.Skipped = []string{"everything: run it in the folder bench, where the programs are"}
		return []table{t}, nil
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := builder{dir: dir}
	built := make(map[string]program)
	total := make(map[string]float64) // CPU seconds of compiling all that a program needs
	for _, c := range []struct{ name, base, title string }{
		{"client", "", "the generated client"},
		{"root", "client", "and this library's root"},
		{"manifest", "root", "and manifest, beside the root"},
		{"s3", "client", "the generated clients of HealthOmics and S3"},
		{"s3files", "s3", "and the root, manifest and s3files"},
	} {
		p, err := b.build(ctx, c.name)
		if err != nil {
			return nil, err
		}
		built[c.name] = p
		total[c.name] = total[c.base] + p.compiling
		figures := []*figure{one(p.size / mib), nil, nil, nil, one(p.compiling), nil}
		if base, ok := built[c.base]; ok {
			more := p.size - base.size
			figures = []*figure{
				one(p.size / mib), one(more / mib), one(100 * more / base.size),
				one(100 * (p.stripped - base.stripped) / base.stripped), one(p.compiling), one(100 * p.compiling / total[c.base]),
			}
		}
		t.Rows = append(t.Rows, row{c.title, figures})
	}
	return []table{t}, nil
}

// builder builds programs in a build cache of its own, which is empty at first.
type builder struct{ dir string }

// program is a built program. What an earlier one has compiled is not in its time.
type program struct {
	size, stripped float64 // bytes
	compiling      float64 // CPU seconds
}

func (b builder) build(ctx context.Context, name string) (p program, err error) {
	out := filepath.Join(b.dir, name)
	all, err := b.goBuild(ctx, out, name)
	if err != nil {
		return p, err
	}
	p.size = size(out)
	linking, err := b.goBuild(ctx, out+"-again", name)
	if err != nil {
		return p, err
	}
	p.compiling = max(0, all-linking).Seconds()
	if _, err := b.goBuild(ctx, out+"-stripped", name, "-ldflags=-s -w"); err != nil {
		return p, err
	}
	p.stripped = size(out + "-stripped")
	return p, nil
}

// goBuild returns the CPU time of the go command and of all that it has run.
func (b builder) goBuild(ctx context.Context, out, name string, flags ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"build", "-trimpath", "-o", out}, flags...), "./"+filepath.Join("weight", name))...)
	cmd.Env = append(os.Environ(), "GOCACHE="+filepath.Join(b.dir, "cache"))
	if output, err := cmd.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go build: %w: %s", err, output)
	}
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), nil
}

func size(path string) float64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return float64(info.Size())
}
