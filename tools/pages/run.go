package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

// theirs are the addresses that the pages give to servers. Free ones take their places, since theirs may be in use.
var theirs = regexp.MustCompile(`127\.0\.0\.1:80\d\d`)

// runPage runs the blocks of one page.
func runPage(folder string, blocks []block) error {
	addresses, err := freeAddresses(blocks)
	if err != nil {
		return err
	}
	var out []byte // of the last block
	var left bool  // it was skipped
	for _, b := range blocks {
		_, inBackground := b.word("background")
		switch {
		case b.language == "text" && slices.Contains(b.words, "stdout"):
			if left {
				continue
			}
			if got, ok := compare(b.text, string(out)); !ok {
				return fmt.Errorf("%s is not what the block before it prints:\n%s", b, got)
			}
			continue
		case b.language != "sh" && b.language != "python":
			continue
		}
		reason := skipped(b)
		if left = reason != ""; left {
			fmt.Printf("%s: skipped: %s\n", b, reason)
			continue
		}
		own := theirs.FindAllString(b.text, -1)
		b.text = theirs.ReplaceAllStringFunc(b.text, func(address string) string { return addresses[address] })
		if inBackground {
			if len(own) == 0 {
				return fmt.Errorf("%s says nowhere which address it listens on", b)
			}
			stop, err := start(folder, b, addresses[own[len(own)-1]])
			if err != nil {
				return err
			}
			defer stop()
			continue
		}
		if out, err = run(folder, b); err != nil {
			return err
		}
	}
	return nil
}

// freeAddresses returns an address that nobody listens on for each that the blocks have.
func freeAddresses(blocks []block) (map[string]string, error) {
	free := make(map[string]string)
	for _, b := range blocks {
		for _, address := range theirs.FindAllString(b.text, -1) {
			if free[address] != "" {
				continue
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return nil, err
			}
			defer l.Close() // once all have been found, which are different then
			free[address] = l.Addr().String()
		}
	}
	return free, nil
}

// skipped returns why a block cannot be run, or nothing.
func skipped(b block) string {
	if reason, ok := b.word("skip"); ok {
		return strings.ReplaceAll(reason, "-", " ")
	}
	need, ok := b.word("needs")
	if !ok {
		return ""
	}
	err := exec.Command("python3", "-c", "import "+need).Run()
	if need != "boto3" {
		err = exec.Command(need, "--version").Run()
	}
	if err != nil {
		return "there is no " + need
	}
	return ""
}

// command returns the command of a block, in an environment without the settings for AWS of whoever runs this.
func command(folder string, b block) *exec.Cmd {
	cmd := exec.Command("bash", "-euo", "pipefail", "-c", b.text)
	if b.language == "python" {
		cmd = exec.Command("python3", "-c", b.text)
	}
	cmd.Dir = folder
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "AWS_") || strings.HasPrefix(strings.ToUpper(s), "HTTP_PROXY=")
	})
	cmd.Env = append(cmd.Env, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that its children can be ended too
	return cmd
}

// run runs a block and returns its standard output.
func run(folder string, b block) ([]byte, error) {
	fmt.Printf("%s: %s\n", b, strings.TrimRight(strings.ReplaceAll(b.text, "\n", "\n\t"), "\n\t"))
	began := time.Now()
	var out bytes.Buffer
	cmd := command(folder, b)
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, os.Stdout), os.Stdout
	err := cmd.Run()
	code := "0"
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = fmt.Sprint(exit.ExitCode())
	case err != nil:
		return nil, fmt.Errorf("%s: %w", b, err)
	}
	want, ok := b.word("exit")
	if !ok {
		want = "0"
	}
	if code != want {
		return nil, fmt.Errorf("%s ended with %s, not with %s", b, code, want)
	}
	fmt.Printf("%s: ended with %s after %.1f s\n", b, code, time.Since(began).Seconds())
	return out.Bytes(), nil
}

// start starts a server and returns when it answers.
func start(folder string, b block, address string) (stop func(), err error) {
	cmd := command(folder, b)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", b, err)
	}
	stop = func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
	}
	for range 600 {
		if c, err := net.Dial("tcp", address); err == nil {
			fmt.Printf("%s: listens\n", b)
			return stop, c.Close()
		}
		time.Sleep(time.Second / 10)
	}
	stop()
	return nil, fmt.Errorf("%s: nothing listens on %s after a minute", b, address)
}

// compare reports whether a block prints what the page says. It returns where it does not.
func compare(want, got string) (difference string, ok bool) {
	wanted, have := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i, line := range wanted {
		start, open := strings.CutSuffix(line, "…")
		if i >= len(have) || have[i] != line && !(open && strings.HasPrefix(have[i], start)) {
			return fmt.Sprintf("line %d: %q\n%s", i+1, line, got), false
		}
	}
	return got, len(wanted) == len(have)
}
