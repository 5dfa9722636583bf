package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// terminal is a tmux session with one window.
type terminal struct {
	t      *testing.T
	socket string
}

// newTerminal runs a command of a shell in a terminal of so many columns.
func newTerminal(t *testing.T, columns int, shell string, env []string) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("there is no tmux")
	}
	term := &terminal{t, filepath.Join(t.TempDir(), "tmux")}
	cmd := exec.Command("tmux", "-S", term.socket, "-f", os.DevNull, "new-session", "-d", "-x", strconv.Itoa(columns), "-y", "24", shell)
	cmd.Env = append(env, "TERM=xterm-256color", "LC_ALL=C.UTF-8")
	output, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", output)
	t.Cleanup(func() { term.tmux("kill-server") })
	return term
}

func (term *terminal) tmux(args ...string) string {
	output, err := exec.Command("tmux", append([]string{"-S", term.socket}, args...)...).CombinedOutput()
	require.NoError(term.t, err, "%s", output)
	return string(output)
}

func (term *terminal) resize(columns int) {
	term.tmux("resize-window", "-x", strconv.Itoa(columns))
	time.Sleep(time.Second) // a few frames
}

// screen is what the bar shows.
type screen struct {
	imported, percent, failed, running, waiting, jobs, slots int
	text                                                     string
}

var frame = regexp.MustCompile(`^imported (\d+) of 5000 \[[=>-]+\] (\d+)%
failed (\d+), running (\d+), waiting (\d+)
jobs (\d+)(?: of (\d+) slots)?(?:, waiting for [a-z, 0-9]+)?
(?:[0-9hms]+ to [0-9hms]+ left, )?[0-9hms]+ so far
`)

// read reads the screen. There is one frame on it and nothing but, at its top, and its numbers agree with each other. The
// screen is read again where it was read in the middle of a change.
func (term *terminal) read() screen {
	term.t.Helper()
	var text string
	for range 20 {
		text = strings.TrimLeft(term.tmux("capture-pane", "-p"), "\n")
		m := frame.FindStringSubmatch(text)
		if m != nil {
			s := screen{text: text}
			for i, field := range []*int{&s.imported, &s.percent, &s.failed, &s.running, &s.waiting, &s.jobs, &s.slots} {
				*field, _ = strconv.Atoi(m[i+1]) // no slots: 0
			}
			const slots = 20 + 5 // a job counts until its end is seen, so that some more may have run when one was refused
			if s.imported+s.failed+s.running+s.waiting == 5000 && s.imported/50 == s.percent && s.jobs <= slots && s.slots <= slots {
				return s
			}
		}
		time.Sleep(time.Second / 5)
	}
	term.t.Fatalf("not as it should be:\n%s", text)
	return screen{}
}

// await reads the screen until it is as it is wanted.
func (term *terminal) await(what string, wanted func(screen) bool) screen {
	term.t.Helper()
	for range 600 {
		if s := term.read(); wanted(s) {
			return s
		}
		time.Sleep(time.Second / 10)
	}
	term.t.Fatalf("never %s: %s", what, term.read().text)
	return screen{}
}

// The display of an import of 5,000 sources in 20 slots, of which some fail while some requests do, is right at its
// beginning, in the middle and in the end, in a narrow terminal and in a wide one whose width changes.
func TestBar(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		columns []int // at the beginning, in the middle, and before the end
		color   bool
	}{
		{"narrow", []int{80, 80, 80}, true},
		{"wide, then narrow, then wide", []int{200, 80, 200}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			service := omicstest.New(func(o *omicstest.Options) {
				o.MaxActiveJobs = 20
				o.JobDuration = func(omicstest.Job) time.Duration { return 6*time.Second + rand.N(4*time.Second) }
				o.Outcome = func(omicstest.Source) omicstest.Outcome {
					if rand.IntN(100) == 0 {
						return omicstest.Failed("File validation failed")
					}
					return omicstest.Outcome{}
				}
				o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
					faults := []omicstest.Fault{omicstest.DropAfter(), omicstest.HTML(502), omicstest.Status(429, "ThrottlingException", "")}
					return faults[rand.IntN(len(faults))], rand.IntN(30) == 0
				}
			})
			dir := t.TempDir()
			sheet := filepath.Join(dir, "sheet.csv")
			require.NoError(t, os.WriteFile(sheet, []byte(header+rows("a", 5000)), 0o600))
			cmd := program(t, service, "-store", "1234567890", "-sheet", sheet)
			if !test.color {
				cmd.Env = append(cmd.Env, "NO_COLOR=1")
			}
			shell := fmt.Sprintf("clear; '%s' >'%s/report'; echo ended with $?; sleep 1000", strings.Join(cmd.Args, "' '"), dir)
			term := newTerminal(t, test.columns[0], shell, cmd.Env)
			for term.tmux("capture-pane", "-p") == strings.Repeat("\n", 24) {
				time.Sleep(time.Second / 20)
			}

			began := term.await("with a job", func(s screen) bool { return s.jobs > 0 })
			require.Equal(t, []int{0, 0}, []int{began.imported, began.failed}, began.text)
			require.Less(t, strings.Index(began.text, "]"), 80, began.text)
			term.resize(test.columns[1])
			half := term.await("half done", func(s screen) bool { return s.imported > 2000 })
			require.Less(t, half.imported, 4500, half.text)
			require.GreaterOrEqual(t, half.slots, 10, half.text)
			require.Equal(t, test.color, strings.Contains(term.tmux("capture-pane", "-p", "-e"), "\x1b["))
			term.resize(test.columns[2])

			done := term.await("done", func(s screen) bool { return strings.Contains(s.text, "ended with") })
			require.Equal(t, service.CountReadSets("1234567890"), done.imported, done.text)
			require.Equal(t, []int{5000, 0, 0, 0}, []int{done.imported + done.failed, done.running, done.waiting, done.jobs}, done.text)
			rest := strings.Fields(done.text[len(frame.FindString(done.text)):])
			require.Equal(t, []string{"ended", "with", "1"}, rest[slices.Index(rest, "ended"):])
			report, err := os.ReadFile(filepath.Join(dir, "report"))
			require.NoError(t, err)
			require.Contains(t, string(report), fmt.Sprintf("\n%d of 5000 read sets are in the store\n", done.imported))
		})
	}
}
