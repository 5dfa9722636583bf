// Command record makes the pictures of an import that README shows: docs/img/display.svg, a recording of the terminal, and
// docs/img/timeline.svg.
//
//	go -C tools run ./record
//
// It runs examples/import in a terminal (it needs tmux) against omicsim, and takes about half a minute.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	columns, rows = 100, 8
	sources       = 2000
	every         = time.Second
)

func main() {
	if err := record(".."); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

// record makes the pictures of the repository in a folder.
func record(repository string) error {
	img, err := filepath.Abs(filepath.Join(repository, "docs", "img"))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "record")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, build := range [][2]string{{filepath.Join(repository, "examples"), "./import"}, {repository, "./omicstest/omicsim"}} {
		if out, err := exec.Command("go", "build", "-C", build[0], "-o", dir+"/", build[1]).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
	}
	var list strings.Builder
	for i := range sources {
		fmt.Fprintf(&list, "s3://your-bucket/run7/sample%04d.fastq.gz\n", i)
	}
	if err := os.WriteFile(filepath.Join(dir, "files.txt"), []byte(list.String()), 0o600); err != nil {
		return err
	}
	sim := exec.Command(filepath.Join(dir, "omicsim"), "-addr", "127.0.0.1:0", "-max-jobs", "6", "-job-duration", "5s", "-fail-rate", "0.002")
	out, err := sim.StdoutPipe()
	if err != nil {
		return err
	}
	if err := sim.Start(); err != nil {
		return err
	}
	defer func() {
		_ = sim.Process.Kill()
		_ = sim.Wait()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return err
	}
	frames, err := film(dir, strings.TrimSpace(strings.TrimPrefix(line, "omicsim: listening on ")))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(img, "display.svg"), svg(frames), 0o644); err != nil {
		return err
	}
	timeline, err := os.ReadFile(filepath.Join(dir, "timeline.svg"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(img, "timeline.svg"), timeline, 0o644)
}

// film runs the import with the programs in a folder, and returns what the terminal shows, every second.
func film(dir, url string) ([]string, error) {
	const args = "-sheet files.txt -store 1234567890 -role arn:aws:iam::123456789012:role/omics-import"
	shell := "cd " + dir + "; echo '$ bin/import " + args + "'; ./import " + args + " -timeline timeline.svg; sleep 60"
	socket := filepath.Join(dir, "tmux")
	tmux := func(args ...string) (string, error) {
		cmd := exec.Command("tmux", append([]string{"-S", socket}, args...)...)
		cmd.Env = append(slices.DeleteFunc(os.Environ(), func(s string) bool {
			return strings.HasPrefix(s, "AWS_") || strings.HasPrefix(s, "TMUX") || strings.HasPrefix(s, "NO_COLOR")
		}), "TERM=xterm-256color", "LC_ALL=C.UTF-8", "HTTP_PROXY="+url, "AWS_ENDPOINT_URL=http://omics.test",
			"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := tmux("-f", os.DevNull, "new-session", "-d", "-x", strconv.Itoa(columns), "-y", strconv.Itoa(rows), shell)
	if err != nil {
		return nil, fmt.Errorf("tmux: %w: %s", err, out)
	}
	defer func() { _, _ = tmux("kill-server") }()
	var frames []string
	for range 120 {
		time.Sleep(every)
		frame, err := tmux("capture-pane", "-e", "-p")
		if err != nil {
			return nil, fmt.Errorf("tmux: %w: %s", err, frame)
		}
		frames = append(frames, frame)
		if strings.Contains(frame, "the same sheet") || strings.Contains(frame, "import: not every source") {
			return frames, nil
		}
	}
	return nil, errors.New("the import does not end")
}
