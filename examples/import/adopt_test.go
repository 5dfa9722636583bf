package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// othersImport starts a job for the files s3://bucket/NAME.fastq.gz, as another program does.
func othersImport(t *testing.T, service *omicstest.Service, names ...string) omicstest.Job {
	t.Helper()
	var sources []omicstest.Source
	for _, name := range names {
		sources = append(sources, omicstest.Source{Type: types.FileTypeFastq, Source1: "s3://bucket/" + name + ".fastq.gz", SubjectID: name, SampleID: name})
	}
	job, err := service.StartJob("1234567890", role, sources...)
	require.NoError(t, err)
	return job
}

// What others have imported counts as imported: it is said what there is, and sent is exactly what is missing.
func TestAdopt(t *testing.T) {
	t.Parallel()
	service := omicstest.New(func(o *omicstest.Options) {
		o.JobDuration = func(job omicstest.Job) time.Duration {
			if strings.HasPrefix(job.Sources[0].Source1, "s3://bucket/slow") {
				return time.Hour
			}
			return 0
		}
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			if s.Source1 == "s3://bucket/bad0.fastq.gz" {
				return omicstest.Failed("File validation failed")
			}
			return omicstest.Outcome{}
		}
	})
	othersImport(t, service, "a0", "a1", "a2", "bad0")
	othersImport(t, service, "a0")
	othersImport(t, service, "slow0", "slow1")
	deleted := ""
	for _, set := range service.ReadSets("1234567890") {
		if set.Source.Source1 == "s3://bucket/a2.fastq.gz" {
			deleted = set.ID
		}
	}
	require.NoError(t, service.DeleteReadSet(deleted))

	journal := filepath.Join(t.TempDir(), "stores.journal")
	run := func(sheet string) (stdout, stderr string) {
		cmd := program(t, service, "-store", "1234567890", "-sheet", "-", "-journal", journal, "-adopt")
		cmd.Stdin = strings.NewReader(sheet)
		var out, notes bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &notes
		require.NoError(t, cmd.Run(), "%s%s", &out, &notes)
		return out.String(), notes.String()
	}
	stdout, stderr := run(header + rows("a", 4))
	require.Equal(t, "adopted: jobs 3, of which the journal knew 0; new to it are imported 2, running 2, failed 1, gone 1, doubles 1", firstLine(stderr))
	require.Regexp(t, `^in already    [0-9]{10}  s3://bucket/a0\.fastq\.gz
in already    [0-9]{10}  s3://bucket/a1\.fastq\.gz
imported      [0-9]{10}  s3://bucket/a2\.fastq\.gz
imported      [0-9]{10}  s3://bucket/a3\.fastq\.gz

       2 imported
       2 in already
4 of 4 read sets are in the store
$`, stdout)
	require.Len(t, service.Jobs("1234567890"), 4)

	// Again: the journal knows it all, and nothing is sent.
	stdout, stderr = run(header + rows("a", 4))
	require.Equal(t, "adopted: jobs 4, of which the journal knew 4; new to it are imported 0, running 0, failed 0, gone 0, doubles 0", firstLine(stderr))
	require.Contains(t, stdout, "\n       4 in already\n")
	require.Len(t, service.Jobs("1234567890"), 4)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// Where the store cannot be asked, nothing is sent, and the file of results has no row.
func TestAdoptRefused(t *testing.T) {
	t.Parallel()
	for op, reason := range map[string]string{
		omicstest.OpList:         "ListReadSetImportJobs: access denied",
		omicstest.OpGet:          "GetReadSetImportJob: access denied",
		omicstest.OpListReadSets: "ListReadSets: access denied",
	} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			service := omicstest.New(func(o *omicstest.Options) {
				o.JobDuration = omicstest.FixedDuration(0)
				o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
					return omicstest.AccessDenied().WithDelay(time.Second), r.Op == op // when what is asked meanwhile has its answer
				}
			})
			othersImport(t, service, "a0")
			dir := t.TempDir()
			results := filepath.Join(dir, "results.csv")
			cmd := program(t, service, "-store", "1234567890", "-sheet", "-", "-journal", filepath.Join(dir, "journal"), "-adopt", "-results", results)
			cmd.Stdin = strings.NewReader(header + rows("a", 2))
			out, err := cmd.CombinedOutput()
			var exit *exec.ExitError
			require.True(t, errors.As(err, &exit), "%s", out)
			require.Equal(t, exitFailed, exit.ExitCode())
			require.Regexp(t, fmt.Sprintf(`^import: adopt: %s.*; nothing was sent\n$`, reason), string(out))
			require.Len(t, service.Jobs("1234567890"), 1)
			require.Empty(t, readResults(t, results))
		})
	}
}
