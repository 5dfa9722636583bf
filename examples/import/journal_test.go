package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rows are rows of a sheet, for the files s3://bucket/NAME0.fastq.gz and so on.
func rows(name string, n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "%s%d,s3://bucket/%[1]s%d.fastq.gz,\n", name, i, i)
	}
	return text.String()
}

const header = "sample,fastq_1,fastq_2\n"

// The sheet has 10 read sets that are in the store, 5 that are on their way and 200 new ones above them, all of which the
// journal tells apart: before an import, and after one that was cut off before it came to the old ones.
func TestJournal(t *testing.T) {
	service := useProxy(t)
	path := filepath.Join(t.TempDir(), "import.journal")
	program := func(sheet, until string, more ...string) (code int, stdout string) {
		ctx, cancel := context.WithCancelCause(t.Context())
		var out bytes.Buffer
		stderr := writerFunc(func(text []byte) (int, error) {
			if until != "" && bytes.Contains(text, []byte(until)) {
				cancel(errors.New("interrupted"))
			}
			return len(text), nil
		})
		args := append([]string{"-store", "1234567890", "-role", role, "-sheet", "-", "-journal", path}, more...)
		code = run(ctx, args, strings.NewReader(sheet), &out, stderr)
		return code, out.String()
	}
	code, _ := program(header+rows("here", 10), "")
	require.Equal(t, exitImported, code)
	code, _ = program(header+rows("slow-coming", 5), "SUBMITTED")
	require.Equal(t, exitFailed, code)
	sheet := header + rows("slow-new", 200) + rows("here", 10) + rows("slow-coming", 5)

	var out bytes.Buffer
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	args := []string{"-store", "1234567890", "-role", role, "-sheet", "-", "-journal", path}
	code = run(ended, args, strings.NewReader(header+rows("here", 10)), &out, io.Discard)
	require.Equal(t, exitImported, code, "everything is in the store, although the import was cut off")
	require.True(t, strings.HasSuffix(out.String(), "\n10 of 10 read sets are in the store\n"), &out)

	before, err := os.ReadFile(path)
	require.NoError(t, err)
	code, stdout := program(sheet, "", "-dry-run")
	require.Equal(t, exitImported, code)
	require.Equal(t, `job 1: read sets 100
job 2: read sets 100
dry run: nothing was sent; store 1234567890, jobs 2, read sets 200
the sheet has 215 read sets: 10 are in the store, 5 are on their way, 200 are to be sent
`, stdout)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, before, after)

	service.SetMaxActiveJobs(service.ActiveJobs() + 1)
	defer service.SetMaxActiveJobs(0)
	code, stdout = program(sheet, "as many jobs run")
	require.Equal(t, exitFailed, code)
	require.Equal(t, 10, strings.Count(stdout, "in already    "))
	require.Equal(t, 5, strings.Count(stdout, "not known     s3://bucket/slow-coming"))
	require.True(t, strings.HasSuffix(stdout, "\n10 of 215 read sets are in the store\n"), stdout)

	// The job that this import started before it was cut off, be it the first half of the new ones or the second, is on its way.
	code, stdout = program(header+rows("slow-new", 200)+rows("here", 10), "", "-dry-run")
	require.Equal(t, exitImported, code)
	require.Equal(t, `job 1: read sets 100
dry run: nothing was sent; store 1234567890, jobs 1, read sets 100
the sheet has 210 read sets: 10 are in the store, 100 are on their way, 100 are to be sent
`, stdout)
}

// A dry run takes the journals that an import takes, and neither makes nor mends one.
func TestDryRunJournal(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	link := filepath.Join(dir, "link")
	require.NoError(t, os.Symlink(file("empty", ""), link))
	for name, test := range map[string]struct {
		path   string
		code   int
		stdout string
		stderr string
	}{
		"none":         {path: filepath.Join(dir, "new"), code: exitImported, stdout: "0 are in the store, 0 are on their way, 10 are to be sent\n"},
		"empty":        {path: file("empty", ""), code: exitImported, stdout: "0 are in the store, 0 are on their way, 10 are to be sent\n"},
		"torn":         {path: file("torn", `{"seq":0,"record":{"kind":"sen`), code: exitImported, stdout: "10 are to be sent\n"},
		"no journal":   {path: file("sheet.csv", header), code: exitInvalid, stderr: filepath.Join(dir, "sheet.csv") + ": not a journal, or one whose beginning is damaged: line 1 is damaged\n"},
		"folder":       {path: dir, code: exitInvalid, stderr: "is not a regular file"},
		"link":         {path: link, code: exitInvalid, stderr: "is not a regular file"},
		"no folder":    {path: filepath.Join(dir, "no", "new"), code: exitInvalid, stderr: "no such file"},
		"below a file": {path: filepath.Join(dir, "empty", "new"), code: exitInvalid, stderr: "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			before := tree(t, dir)
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), []string{"-dry-run", "-store", "1234567890", "-role", role, "-journal", test.path}, nil, &stdout, &stderr)
			require.Equal(t, test.code, code, "%s%s", &stdout, &stderr)
			require.Contains(t, stdout.String(), test.stdout)
			require.Contains(t, stderr.String(), test.stderr)
			require.Equal(t, before, tree(t, dir))
		})
	}
}

// tree is what is in a folder.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var text []byte
			text, err = os.ReadFile(path)
			files[path] = string(text)
		}
		return err
	}))
	return files
}
