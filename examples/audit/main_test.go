package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

// No cell of the CSV file is a formula, whatever a file is called, and no line of the table has what a terminal obeys.
func TestFormula(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.csv")
	answer := table{header: []string{"line", "file"}, rows: [][]string{{"2", "=HYPERLINK(1)\x1b[31m"}, {"3", "s3://bucket/a;=1+1.bam"}}, summary: "rows 2"}
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("of yesterday,", 99)), 0o600))
	require.NoError(t, answer.writeCSV(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "line,file\n2,'=HYPERLINK(1)?[31m\n3,s3://bucket/a;'=1+1.bam\n", string(text))
	var out strings.Builder
	answer.print(&out)
	require.Equal(t, "LINE  FILE\n2     =HYPERLINK(1)?[31m\n3     s3://bucket/a;=1+1.bam\n\nrows 2\n", out.String())
}

// The same of a sheet, whose files can have such names behind a semicolon.
func TestFormulaInSheet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "audit.csv")
		got := program(t, newService(), rows("=1;=2"), "-store", store, "-sheet", "-", "-csv", path)
		require.Equal(t, exitFound, got.code, got.stderr)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(text), "\n2,missing,,s3://bucket/=1;'=2.fastq.gz,\n")
	})
}

// Without the permission for one of the operations, or a store, there is no answer, and the file keeps its old one.
func TestRefused(t *testing.T) {
	sheetArgs := []string{"-store", store, "-sheet", "-"}
	for name, test := range map[string]struct {
		op   string
		args []string
		want string
	}{
		"jobs":                   {omicstest.OpList, sheetArgs, "audit: store 1234567890: ListReadSetImportJobs: access denied"},
		"a job":                  {omicstest.OpGet, sheetArgs, "audit: store 1234567890: GetReadSetImportJob: access denied"},
		"read sets":              {omicstest.OpListReadSets, sheetArgs, "audit: store 1234567890: ListReadSets: access denied"},
		"a read set":             {omicstest.OpGetReadSetMetadata, sheetArgs, "audit: store 1234567890: GetReadSetMetadata: access denied"},
		"read sets, for doubles": {omicstest.OpListReadSets, []string{"-store", store}, "audit: store 1234567890: ListReadSets: access denied"},
		"no such store":          {"", []string{"-store", "9999999999", "-sheet", "-"}, "audit: store 9999999999: ListReadSetImportJobs: not found"},
		"no such second store":   {"", []string{"-store", store + ",9999999999"}, "audit: store 9999999999: ListReadSets: not found"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := newService(func(o *omicstest.Options) {
					if test.op == omicstest.OpGetReadSetMetadata {
						o.PageSize = 1 // so that not all are on the page on which they are looked for
					}
					o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
						return omicstest.AccessDenied().WithDelay(time.Second), r.Op == test.op // when what is asked meanwhile has its answer
					}
				})
				imports(t, service, store, "a", "b")
				path := filepath.Join(t.TempDir(), "audit.csv")
				require.NoError(t, os.WriteFile(path, []byte("of yesterday"), 0o600))
				got := program(t, service, rows("a", "b"), append(test.args, "-csv", path)...)
				require.Equal(t, exitFailed, got.code)
				require.Empty(t, got.stdout)
				require.True(t, strings.HasPrefix(got.stderr, test.want), got.stderr)
				require.Equal(t, 1, strings.Count(got.stderr, "\n"), got.stderr)
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				require.Equal(t, "of yesterday", string(text))
			})
		})
	}
}

// An audit that is interrupted says so, and has no answer.
func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService()
		imports(t, service, store, "a")
		service.Inject(omicstest.OpGet, omicstest.Delay(time.Hour))
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(10*time.Second, func() { cancel(errors.New("interrupt signal received")) })
		var stdout, stderr strings.Builder
		connect := func(context.Context) (readsetimport.API, error) { return service.Client(), nil }
		code := run(ctx, connect, []string{"-store", store, "-sheet", "-"}, strings.NewReader(rows("a")), &stdout, &stderr)
		require.Equal(t, answer{exitFailed, "", "audit: store 1234567890: interrupt signal received\n"}, answer{code, stdout.String(), stderr.String()})
	})
}

// A file that cannot be written to its end is said to be incomplete.
func TestFileThatCannotBeWritten(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no device that is full")
	}
	synctest.Test(t, func(t *testing.T) {
		service := newService()
		imports(t, service, store, "a")
		got := program(t, service, rows("a"), "-store", store, "-sheet", "-", "-csv", "/dev/full")
		require.Equal(t, exitFailed, got.code)
		require.Contains(t, got.stdout, "\nrows 1: in the store 1\n")
		require.Contains(t, got.stderr, "audit: /dev/full is not complete: ")
	})
}

// Trouble that passes is waited out, and said.
func TestTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService()
		imports(t, service, store, "a")
		for _, op := range []string{omicstest.OpList, omicstest.OpGet, omicstest.OpListReadSets, omicstest.OpGetReadSetMetadata} {
			service.Inject(op, omicstest.Internal())
		}
		got := program(t, service, rows("a"), "-store", store, "-sheet", "-")
		require.Equal(t, exitGood, got.code, got.stderr)
		require.Regexp(t, `^ListReadSetImportJobs: .*; next try in .*\nGetReadSetImportJob: .*; next try in .*\n$`, got.stderr)
	})
}

// Bad arguments are told before anything is asked.
func TestArguments(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	require.NoError(t, os.WriteFile(path("text"), []byte("sample,fastq_1\n"), 0o600))
	const forStore = `{"sequenceStoreId": "9876543210", "roleArn": "arn:aws:iam::123456789012:role/import", "sources": [
		{"sourceFiles": {"source1": "s3://bucket/a.bam"}, "sourceFileType": "UBAM", "subjectId": "NA12878", "sampleId": "NA12878"}
	]}`
	for args, test := range map[string]struct{ sheet, want string }{
		"":                                      {"", "audit: -store is missing: the id of the sequence store\n"},
		"-shet x":                               {"", "flag provided but not defined: -shet\n"},
		"-store x":                              {"", `invalid value "x" for flag -store: the id of a sequence store has 10 to 36 digits`},
		"-store 1234567890,1234567890":          {"", `invalid value "1234567890,1234567890" for flag -store: it names a store twice`},
		"-store 1234567890 sheet.csv":           {"", `audit: unexpected argument "sheet.csv": the sheet is named with -sheet`},
		"-store 1234567890,9876543210 -sheet -": {"", "audit: -sheet is for one store: give one -store\n"},
		"-store 1234567890 -journal x":          {"", "audit: -journal, -reference, -subject and -sample are for the rows of a -sheet\n"},
		"-store 1234567890 -sheet - -journal a -doubts -settle b":    {"", "audit: -doubts and -settle are two steps: "},
		"-store 1234567890 -sheet - -doubts":                         {"", "audit: -doubts needs the -journal that is in doubt, and the -sheet "},
		"-store 1234567890 -journal a -doubts":                       {"", "audit: -doubts needs the -journal that is in doubt, and the -sheet "},
		"-store 1234567890,9876543210 -sheet - -journal a -doubts":   {"", "audit: -sheet is for one store: give one -store\n"},
		"-store 1234567890 -settle a":                                {"", "audit: -settle needs one -store and the -journal that is in doubt\n"},
		"-store 1234567890,9876543210 -journal a -settle b":          {"", "audit: -settle needs one -store and the -journal that is in doubt\n"},
		"-store 1234567890 -journal a -settle b -csv c":              {"", "audit: -settle is for one -store and one -journal, and takes no sheet: "},
		"-store 1234567890 -journal a -settle a":                     {"", "audit: -journal and -settle are the same file\n"},
		"-store 1234567890 -journal no/such -settle " + path("text"): {"", "audit: " + path("text") + ": it has no column "},
		"-store 1234567890 -sheet a.csv -csv ./a.csv":                {"", "audit: -sheet and -csv are the same file\n"},
		"-store 1234567890 -sheet - -journal a -csv a":               {"", "audit: -journal and -csv are the same file\n"},
		"-store 1234567890 -sheet no/such.csv":                       {"", "audit: open no/such.csv: no such file or directory in "},
		"-store 1234567890 -csv no/such.csv":                         {"", "audit: open no/such.csv: no such file or directory\n"},
		"-store 1234567890 -sheet " + path("text"):                   {"", "audit: the sheet has no rows\n"},
		"-store 1234567890 -sheet - -journal " + path("text"):        {rows("a"), "audit: readsetimport: open journal "},
		"-store 1234567890 -sheet -":                                 {"sample,fastq_1\na,a.fastq.gz\n", "standard input:2:3: fastq_1: "},
		"-store 1234567890 -sheet - ":                                {forStore, "audit: the sheet is for store 9876543210, and -store is 1234567890\n"},
		"-store 1234567890 -sheet - -sample x":                       {rows("a"), "audit: -sample is for a list of files: standard input says itself which sample each file is of\n"},
	} {
		var stdout, stderr strings.Builder
		connect := func(context.Context) (readsetimport.API, error) { return nil, errors.New("it connects") }
		code := run(t.Context(), connect, strings.Fields(args), strings.NewReader(test.sheet), &stdout, &stderr)
		require.Equal(t, exitFailed, code, args)
		require.Empty(t, stdout.String(), args)
		require.True(t, strings.HasPrefix(stderr.String(), test.want), "%s: %s", args, stderr.String())
	}
}

func TestHelp(t *testing.T) {
	var stderr strings.Builder
	require.Equal(t, exitGood, run(t.Context(), connect, []string{"-h"}, nil, io.Discard, &stderr))
	require.Contains(t, stderr.String(), "-sheet file")
}

// A list of files is looked for under the sample and the subject with which it was imported.
func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService()
		of := source("a")
		of.SubjectID = "subject-a"
		_, err := service.StartJob(store, role, of)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		got := program(t, service, "s3://bucket/a.fastq.gz\n", "-store", store, "-sheet", "-", "-sample", "sample-a", "-subject", "subject-a")
		require.Equal(t, exitGood, got.code, got.stderr)
		got = program(t, service, "s3://bucket/a.fastq.gz\n", "-store", store, "-sheet", "-")
		require.Equal(t, exitFound, got.code, got.stderr)
	})
}
