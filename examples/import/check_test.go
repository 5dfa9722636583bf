package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/gateway"
	"github.com/readsetimport/readsetimport/omicstest"
)

// store are the arguments for a store that is not simulated.
var store = []string{"-store", "1234567890"}

// sheetOf writes a sheet of single files of a bucket.
func sheetOf(t *testing.T, bucket string, files ...string) string {
	path := filepath.Join(t.TempDir(), "sheet.csv")
	text := header
	for _, file := range files {
		text += fmt.Sprintf("NA1,s3://%s/%s,\n", bucket, file)
	}
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// The files of a sheet are looked at before anything is sent.
func TestCheckSheet(t *testing.T) {
	server, bucket := realBucket(t, map[string][]byte{"good.fq.gz": gzipped(fastq(1)), "plain.fq.gz": []byte(fastq(1))})
	for _, test := range []struct {
		files, args string
		code, sent  int // sent read sets
		text        []string
	}{
		{"good.fq.gz", "-check", exitImported, 1, []string{"read sets 1, without an error 1; errors 0, warnings 0", "1 of 1 read sets are in the store"}},
		{"good.fq.gz missing.fq.gz plain.fq.gz", "-check", exitFailed, 0, []string{"no-object", "not-gzip", "read sets 3, without an error 1; errors 2, warnings 0", "nothing was sent"}},
		{"good.fq.gz missing.fq.gz", "-check=warn", exitFailed, 1, []string{"no-object", "what has an error is left out", "1 of 1 read sets are in the store"}},
		{"missing.fq.gz", "-check=warn", exitFailed, 0, []string{"nothing was sent, since the check found an error in everything"}},
		{"good.fq.gz", "-check=warn -dry-run", exitImported, 0, []string{"jobs 1, read sets 1"}},
		{"good.fq.gz missing.fq.gz", "-check -dry-run", exitFailed, 0, []string{"nothing was sent"}},
		{"good.fq.gz missing.fq.gz", "-check=warn -dry-run", exitFailed, 0, []string{"what has an error is left out", "jobs 1, read sets 1"}},
		{"good.fq.gz", "-check=warn -findings /dev/full", exitFailed, 0, []string{"import: /dev/full is not complete"}},
		{"good.fq.gz", "-check=warn -findings no/such/folder.csv", exitInvalid, 0, []string{"no such file or directory"}},
	} {
		if _, err := os.Stat("/dev/full"); err != nil && strings.Contains(test.args, "/dev/full") {
			continue
		}
		service := omicstest.New()
		args := append([]string{"-sheet", sheetOf(t, bucket, strings.Fields(test.files)...)}, store...)
		output, code := runInBucket(t, server, "", service, append(args, strings.Fields(test.args)...)...)
		require.Equal(t, test.code, code, "%s %s: %s", test.files, test.args, output)
		require.Len(t, service.ReadSets("1234567890"), test.sent, "%s %s: %s", test.files, test.args, output)
		for _, text := range test.text {
			require.Contains(t, output, text)
		}
	}
}

// What the journal knows to be in the store is not looked at again: its files may be gone by then.
func TestCheckWithJournal(t *testing.T) {
	server, bucket := realBucket(t, map[string][]byte{"first.fq.gz": gzipped(fastq(1)), "second.fq.gz": gzipped(fastq(1))})
	service := omicstest.New()
	args := append([]string{"-check", "-journal", filepath.Join(t.TempDir(), "stores.journal")}, store...)
	output, code := runInBucket(t, server, "", service, append(args, "-sheet", sheetOf(t, bucket, "first.fq.gz"))...)
	require.Equal(t, exitImported, code, output)
	require.Contains(t, output, "checked: read sets 1, without an error 1; ")

	require.NoError(t, os.Remove(filepath.Join(server.Folder, bucket, "first.fq.gz")))
	output, code = runInBucket(t, server, "", service, append(args, "-sheet", sheetOf(t, bucket, "first.fq.gz", "second.fq.gz"))...)
	require.Equal(t, exitImported, code, output)
	require.Contains(t, output, "checked: read sets 1 of 2, without an error 1; errors 0")
	require.Contains(t, output, "2 of 2 read sets are in the store")
	require.Len(t, service.ReadSets("1234567890"), 2)

	output, code = runInBucket(t, server, "", service, append(args, "-sheet", sheetOf(t, bucket, "first.fq.gz", "third.fq.gz"))...)
	require.Equal(t, exitFailed, code, output)
	require.Contains(t, output, "errors 1")
	require.NotContains(t, output, bucket+"/first.fq.gz")
}

// With a client in another Region than the bucket, S3 refuses every request, and no file can be looked at: none is imported,
// however the check is asked for.
func TestCheckInWrongRegion(t *testing.T) {
	server, bucket := realBucket(t, map[string][]byte{"good.fq.gz": gzipped(fastq(1))})
	for _, way := range []string{"-check", "-check=warn"} {
		service := omicstest.New()
		args := append([]string{"-sheet", sheetOf(t, bucket, "good.fq.gz", "missing.fq.gz"), way}, store...)
		output, code := runInBucket(t, server, "eu-west-1", service, args...)
		require.Equal(t, exitFailed, code, output)
		require.Empty(t, service.Requests(""), "nothing is sent")
		require.Equal(t, 2, strings.Count(output, "\nerror     unchecked  s3://"+bucket), output)
		require.Contains(t, output, "use a client of that Region")
		require.Contains(t, output, "read sets 2, without an error 0; errors 2, warnings 0\n")
		require.Contains(t, output, "import: files that could not be looked at: 2; the same command again looks at them anew\n")
	}
}

// What the library calls options is said as the flags that set them.
func TestPrefixSaysFlags(t *testing.T) {
	server, bucket := realBucket(t, map[string][]byte{"a/x.cram": []byte("x"), "a/_R1.fq.gz": []byte("x")})
	for _, way := range []string{"-check", "-progress=none"} { // with a check or without
		for args, want := range map[string][]string{"-pattern=(?P<sample>no)": {"-pattern does not match"}, "-subject=": {"(-reference gives it)", "give -pattern\n"}} {
			output, _ := runInBucket(t, server, "", nil, "-prefix", "s3://"+bucket+"/a/", way, args)
			require.NotContains(t, output, "Options.")
			for _, text := range want {
				require.Contains(t, output, text)
			}
		}
	}
}

// A check that has to stop says what it has found until then.
func TestCheckStops(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/last.fq.gz"):
			w.WriteHeader(http.StatusBadRequest)
			if r.Method == http.MethodGet {
				fmt.Fprint(w, "<Error><Code>ExpiredToken</Code><Message>what S3 says</Message></Error>")
			}
		case strings.Count(r.URL.Path, "/") > 1:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	const before = 1500 // more than are looked at ahead of the first
	files := slices.Repeat([]string{"missing.fq.gz"}, before)
	for i := range files {
		files[i] = fmt.Sprint(i) + files[i]
	}
	findings := filepath.Join(t.TempDir(), "findings.csv")
	output, code := runInBucket(t, &gateway.Server{URL: server.URL}, "", nil, "-sheet", sheetOf(t, "bucket", append(files, "last.fq.gz")...), "-check=warn", "-findings", findings)
	require.Equal(t, exitFailed, code)
	require.Regexp(t, `(?m)^error +no-object +s3://bucket/0missing`, output)
	require.Regexp(t, `(?m)^checked: read sets [1-9][0-9]* of 1501, without an error 0; `, output)
	require.Contains(t, output, "ExpiredToken")
	require.NotContains(t, output, "in the store")
	require.NotEmpty(t, readFindings(t, findings))
}

// What S3 refuses is neither the fault of the arguments nor that of a sheet.
func TestPrefixFailures(t *testing.T) {
	server, bucket := realBucket(t, map[string][]byte{"a.fq.gz": gzipped(fastq(1))})
	sheet := sheetOf(t, bucket, "a.fq.gz")
	for _, test := range []struct {
		args, region string
		code         int
		text         string
	}{
		{"-prefix s3://" + bucket, "", exitImported, "1 of 1 read sets are in the store"},
		{"-prefix s3://" + bucket + "/none/", "", exitInvalid, "no read sets are under"},
		{"-prefix s3://no-such-bucket-here/", "", exitFailed, "there is no such bucket"},
		{"-prefix s3://" + bucket, "eu-west-1", exitFailed, "the bucket is in another Region"},
		{"-prefix s3://" + bucket + " -check=warn", "eu-west-1", exitFailed, "the bucket is in another Region"},
	} {
		output, code := runInBucket(t, server, test.region, nil, strings.Fields(test.args)...)
		require.Equal(t, test.code, code, "%s: %s", test.args, output)
		require.Contains(t, output, test.text)
	}

	// Nor is the want of credentials.
	for args, text := range map[string]string{"-prefix s3://" + bucket: "cannot list s3://", "-check -sheet " + sheet: "no file can be checked"} {
		cmd := program(t, nil, append(strings.Fields(args), "-progress=none")...)
		cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_S3="+server.URL, "AWS_REGION="+gateway.Region, "AWS_EC2_METADATA_DISABLED=true")
		output, err := cmd.CombinedOutput()
		require.Error(t, err)
		require.Equal(t, exitFailed, cmd.ProcessState.ExitCode(), string(output))
		require.Contains(t, string(output), text)
	}
}
