package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

const reference = "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1234567890"

const rnaseq = `sample,fastq_1,fastq_2,strandedness
GM12878_REP1,s3://bucket/SRX1603629_T1_1.fastq.gz,s3://bucket/SRX1603629_T1_2.fastq.gz,reverse
GM12878_REP2,s3://bucket/SRX1603630_T1_1.fastq.gz,s3://bucket/SRX1603630_T1_2.fastq.gz,reverse
`

const list = `s3://bucket/run/NA12878_S1_L001_R1_001.fastq.gz
s3://bucket/run/NA12878_S1_L001_R2_001.fastq.gz

s3://bucket/run/NA24385.fastq.gz
`

const forStore = `{"sequenceStoreId": "1234567890", "roleArn": "arn:aws:iam::123456789012:role/import", "sources": [
	{"sourceFiles": {"source1": "s3://bucket/a.bam"}, "sourceFileType": "UBAM", "subjectId": "NA12878", "sampleId": "NA12878"}
]}`

func TestRun(t *testing.T) {
	sheet := filepath.Join(t.TempDir(), "sheet.csv")
	require.NoError(t, os.WriteFile(sheet, []byte(rnaseq), 0o600))

	for name, test := range map[string]struct {
		args   []string
		stdin  string
		code   int
		stdout []string // patterns
		stderr []string
	}{
		"shipped sheet": {
			code: exitFailed,
			stdout: []string{
				`(?m)^imported      [0-9]{10}  s3://1000genomes/phase3/data/HG00096/sequence_read/SRR062634_1\.filt\.fastq\.gz$`,
				`(?m)^not imported  s3://1000genomes/phase3/data/HG00097/.*: "The source file was not found"$`,
				`(?m)^9 of 10 read sets are in the store$`,
			},
			stderr: []string{`simulated store`, `job [0-9]{10} COMPLETED_WITH_FAILURES`, `1 of 10 were not`},
		},
		"sheet": {
			args: []string{"-sheet", sheet}, code: exitImported,
			stdout: []string{`^(imported      [0-9]{10}  s3://bucket/.*\n){2}\n       2 imported\n2 of 2 read sets are in the store\n$`},
		},
		"sheet on standard input": {
			args: []string{"-sheet", "-"}, stdin: rnaseq, code: exitImported,
			stdout: []string{`2 of 2 read sets are in the store`},
		},
		"list on standard input": {
			args: []string{"-sheet", "-"}, stdin: list, code: exitImported,
			stdout: []string{`NA12878_S1_L001_R1`, `NA24385\.fastq\.gz`, `2 of 2 read sets are in the store`},
		},
		"log": {
			args: []string{"-sheet", sheet, "-v"}, code: exitImported,
			stderr: []string{`msg="job started" .*store=1234567890`, `msg="source ended"`, `msg="import ended"`},
		},
		"dry run": {
			args: []string{"-dry-run", "-run-id", "tuesday"}, code: exitImported,
			stdout: []string{`^job 1: read sets 10, client token rsi1-[a-z2-7]{52}\ndry run: nothing was sent; store 1234567890, jobs 1, read sets 10\n`},
			stderr: []string{`^$`},
		},
		"dry run for a store": {
			args: []string{"-dry-run", "-store", "9876543210", "-role", "arn:aws:iam::123456789012:role/import"}, code: exitImported,
			stdout: []string{`store 9876543210`},
		},
		"help":          {args: []string{"-h"}, code: exitImported, stderr: []string{`-dry-run`, `-sheet`}},
		"unknown flag":  {args: []string{"-shet", "x"}, code: exitInvalid, stderr: []string{`not defined: -shet`}},
		"argument":      {args: []string{"x.csv"}, code: exitInvalid, stderr: []string{`the sheet is named with -sheet`}},
		"store alone":   {args: []string{"-store", "1234567890"}, code: exitInvalid, stderr: []string{`-store and -role go together`}},
		"journal alone": {args: []string{"-journal", sheet}, code: exitInvalid, stderr: []string{`-journal needs -store and -role`}},
		"adopt alone":   {args: []string{"-store", "1234567890", "-role", role, "-adopt"}, code: exitInvalid, stderr: []string{`^import: -adopt needs -journal`}},
		"adopt in a dry run": {
			args: []string{"-store", "1234567890", "-role", role, "-journal", "x", "-adopt", "-dry-run"}, code: exitInvalid,
			stderr: []string{`^import: -adopt writes into the journal, and a dry run leaves it as it is\n$`},
		},
		"bad journal": {
			args: []string{"-journal", sheet, "-store", "1234567890", "-role", "arn:aws:iam::123456789012:role/import"}, code: exitInvalid,
			stderr: []string{`line 1`},
		},
		"no such sheet":  {args: []string{"-sheet", "no/such.csv"}, code: exitInvalid, stderr: []string{`no such file or directory in .*/examples/import\n$`}},
		"unknown format": {args: []string{"-sheet", "-"}, stdin: "# Notes\n\ntext\n", code: exitInvalid, stderr: []string{`^standard input:3:1: `}},
		"empty list":     {args: []string{"-sheet", "-"}, stdin: "sample,fastq_1,fastq_2\n", code: exitInvalid, stderr: []string{`sources: at least one source is needed`}},
		"faults in a sheet": {
			args: []string{"-sheet", "-"}, stdin: strings.ReplaceAll(rnaseq, "s3://bucket/SRX", "s3://Bucket/SRX"), code: exitInvalid,
			stdout: []string{`^$`},
			stderr: []string{`(?m)^standard input:2:14: fastq_1: `, `(?m)^standard input:3:51: fastq_2: `},
		},
		"faults in a list": {
			args: []string{"-sheet", "-"}, stdin: list + "s3://bucket/run/NA12892_S1_L001_R2_001.fastq.gz\n", code: exitInvalid,
			stderr: []string{`NA12892_S1_L001_R2_001\.fastq\.gz`},
		},
		"manifest for another store": {
			args: []string{"-sheet", "-", "-store", "9876543210", "-role", role}, stdin: forStore, code: exitInvalid,
			stderr: []string{`^import: the sheet is for store 1234567890, and -store is 9876543210\n$`},
		},
		"manifest for another role": {
			args: []string{"-sheet", "-", "-store", "1234567890", "-role", role + "2"}, stdin: forStore, code: exitInvalid,
			stderr: []string{`^import: the sheet is for role arn:aws:iam::123456789012:role/import, and -role is arn:aws:iam::123456789012:role/import2\n$`},
		},
		"manifest for the store": {
			args: []string{"-sheet", "-", "-store", "1234567890", "-role", role, "-dry-run"}, stdin: forStore, code: exitImported,
			stdout: []string{`store 1234567890`}, stderr: []string{`^$`},
		},
		"manifest for a store, simulated": {
			args: []string{"-sheet", "-"}, stdin: forStore, code: exitImported,
			stderr: []string{`^the sheet is for store 1234567890 with role arn:aws:iam::123456789012:role/import: give -store and -role to import into it\n`},
		},
		"sample of a sheet":             {args: []string{"-sheet", sheet, "-sample", "NA12878"}, code: exitInvalid, stderr: []string{`^import: -sample is for a list of files: .*sheet\.csv says itself which sample each file is of\n$`}},
		"subject of a sheet":            {args: []string{"-subject", "NA12878"}, code: exitInvalid, stderr: []string{`^import: -subject is for a sheet or a list without subjects: samples\.csv says itself whose each file is\n$`}},
		"sample and subject of a sheet": {args: []string{"-sheet", sheet, "-sample", "X", "-subject", "X"}, code: exitInvalid, stderr: []string{`-sample is for a list of files`}},
		"subject of a sheet without subjects": {
			args: []string{"-sheet", sheet, "-subject", "X"}, code: exitImported,
			stdout: []string{`2 of 2 read sets are in the store`},
		},
		"list of BAM files": {
			args: []string{"-sheet", "-", "-reference", reference, "-subject", "X"}, stdin: "s3://bucket/a.bam\ns3://bucket/b.cram\n", code: exitImported,
			stdout: []string{`a\.bam`, `2 of 2 read sets are in the store`},
		},
		"list that begins with a byte order mark and a comment, compressed": {
			args: []string{"-sheet", "-", "-sample", "X", "-subject", "Y", "-dry-run"}, stdin: string(gzipped("\ufeff# run 7\n\n" + list)), code: exitImported,
			stdout: []string{`read sets 2\n`},
		},
		"list of nothing":         {args: []string{"-sheet", "-", "-sample", "X"}, stdin: "s3://bucket/a.bam.bai\n", code: exitInvalid, stderr: []string{`sources: at least one source is needed`}},
		"prefix that is none":     {args: []string{"-prefix", "bucket/run7"}, code: exitInvalid, stderr: []string{`^import: -prefix must be s3://bucket/folder/, not "bucket/run7"\n$`}},
		"prefix without a bucket": {args: []string{"-prefix", "s3:///run7"}, code: exitInvalid, stderr: []string{`-prefix must be s3://bucket/folder/`}},
		"prefix and sheet":        {args: []string{"-prefix", "s3://b/", "-sheet", sheet}, code: exitInvalid, stderr: []string{`-prefix and -sheet are two ways`}},
		"prefix and sample":       {args: []string{"-prefix", "s3://b/", "-sample", "x"}, code: exitInvalid, stderr: []string{`with -prefix, -pattern finds them`}},
		"pattern without prefix":  {args: []string{"-pattern", "(?P<sample>.*)"}, code: exitInvalid, stderr: []string{`-pattern is for the keys under -prefix`}},
		"pattern without sample":  {args: []string{"-prefix", "s3://b/", "-pattern", ".*"}, code: exitInvalid, stderr: []string{`-pattern must have a group named sample`}},
		"pattern that is none":    {args: []string{"-prefix", "s3://b/", "-pattern", "("}, code: exitInvalid, stderr: []string{`error parsing regexp`}},
		"write without prefix":    {args: []string{"-write", "x.csv"}, code: exitInvalid, stderr: []string{`-write is for what is found under -prefix`}},
		"write in no format":      {args: []string{"-prefix", "s3://b/", "-write", "x.txt"}, code: exitInvalid, stderr: []string{`-write must end in \.csv`}},
		"findings without check":  {args: []string{"-findings", "x.csv"}, code: exitInvalid, stderr: []string{`-findings is for what -check finds`}},
		"check of an unknown way": {args: []string{"-check=all"}, code: exitInvalid, stderr: []string{`it is -check or -check=warn`}},
		"faults in a store": {
			args: []string{"-store", "x", "-role", "y"}, code: exitInvalid,
			stdout: []string{`^$`}, stderr: []string{`sequenceStoreId: `, `roleArn: `},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "faults in a store" {
				withoutAWS(t)
			}
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), test.args, strings.NewReader(test.stdin), &stdout, &stderr)
			require.Equal(t, test.code, code, "%s%s", &stdout, &stderr)
			for _, pattern := range test.stdout {
				require.Regexp(t, regexp.MustCompile(pattern), stdout.String())
			}
			for _, pattern := range test.stderr {
				require.Regexp(t, regexp.MustCompile(pattern), stderr.String())
			}
		})
	}
}

// The sample and the subject of the flags are those of every file of a list.
func TestListOfOneSample(t *testing.T) {
	for _, f := range []flags{{sheet: "-", sample: "X", subject: "Y"}, {sheet: "-", sample: "X"}, {sheet: "-", subject: "Y"}} {
		read, err := readSheet(f, strings.NewReader("# run 7\n"+list))
		require.NoError(t, err)
		require.Len(t, read.Sources, 2)
		for i, s := range read.Sources {
			sample := cmp.Or(f.sample, []string{"NA12878", "NA24385"}[i])
			require.Equal(t, []string{sample, cmp.Or(f.subject, sample)}, []string{s.SampleID, s.SubjectID})
		}
	}
}

// The same name and the same sheet are the same import, so they have the same client tokens.
func TestDryRunTokens(t *testing.T) {
	plan := func(args ...string) string {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitImported, run(t.Context(), append(args, "-dry-run"), nil, &stdout, &stderr))
		return stdout.String()
	}
	require.Equal(t, plan("-run-id", "tuesday"), plan("-run-id", "tuesday"))
	require.NotEqual(t, plan("-run-id", "tuesday"), plan("-run-id", "friday"))
	require.NotEqual(t, plan(), plan())
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	var stdout bytes.Buffer
	stderr := writerFunc(func(text []byte) (int, error) {
		if bytes.Contains(text, []byte("IN_PROGRESS")) {
			cancel(errors.New("interrupted"))
		}
		return len(text), nil
	})
	require.Equal(t, exitFailed, run(ctx, nil, nil, &stdout, stderr))
	require.Regexp(t, `not known     s3://.*: job [0-9]{10} was still running: interrupted\n`, stdout.String())
	require.Contains(t, stdout.String(), "0 of 10 read sets are in the store")
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(text []byte) (int, error) { return f(text) }

// proxied is a simulation behind an HTTP proxy. There is one in this process, since net/http reads HTTP_PROXY once. Jobs
// with a file s3://bucket/slow… run for an hour.
var proxied = sync.OnceValues(func() (service *omicstest.Service, url string) {
	service = omicstest.New(func(o *omicstest.Options) {
		o.JobDuration = func(job omicstest.Job) time.Duration {
			if strings.HasPrefix(job.Sources[0].Source1, "s3://bucket/slow") {
				return time.Hour
			}
			return 0
		}
	})
	return service, httptest.NewServer(service).URL
})

// useProxy makes the program import as into AWS, with the simulation behind a proxy: a custom endpoint alone would not do,
// since the SDK puts control-storage- before its host.
func useProxy(t *testing.T) *omicstest.Service {
	service, url := proxied()
	withoutAWS(t)
	t.Setenv("HTTP_PROXY", url)
	t.Setenv("NO_PROXY", "")
	t.Setenv("AWS_ENDPOINT_URL", "http://omics.test")
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	return service
}

const role = "arn:aws:iam::123456789012:role/import"

func TestAWS(t *testing.T) {
	service := useProxy(t)
	before := len(service.ReadSets("1234567890"))
	journal := filepath.Join(t.TempDir(), "import.journal")
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-store", "1234567890", "-role", role, "-journal", journal}, nil, &stdout, &stderr)
	require.Equal(t, exitImported, code, "%s%s", &stdout, &stderr)
	require.Len(t, service.ReadSets("1234567890"), before+10)
	require.Equal(t, role, service.Jobs("1234567890")[0].RoleARN)
	require.NotContains(t, stderr.String(), "simulated")

	// The same sheet again, grown by one.
	grown := samples + "New,,HG00097,HG00097,UBAM,,,s3://bucket/new.bam,,\n"
	stdout.Reset()
	code = run(t.Context(), []string{"-store", "1234567890", "-role", role, "-journal", journal, "-sheet", "-"}, strings.NewReader(grown), &stdout, &stderr)
	require.Equal(t, exitImported, code, "%s%s", &stdout, &stderr)
	require.Len(t, service.ReadSets("1234567890"), before+11)
	require.Equal(t, 10, strings.Count(stdout.String(), "in already "))
	require.Regexp(t, `\nimported      [0-9]{10}  s3://bucket/new\.bam\n`, stdout.String())

	stdout.Reset()
	stderr.Reset()
	code = run(t.Context(), []string{"-store", "9999999999", "-role", role}, nil, &stdout, &stderr)
	require.Equal(t, exitFailed, code, "%s%s", &stdout, &stderr)
	require.Contains(t, stdout.String(), "0 of 10 read sets are in the store")
	require.Contains(t, stderr.String(), "not found")
}

// What is missing is said once, and not of each source.
func TestAWSWithoutSettings(t *testing.T) {
	for setting, want := range map[string]string{
		"AWS_REGION":        "import: nothing was sent, since there is no Region: set AWS_REGION ",
		"AWS_ACCESS_KEY_ID": "import: nothing was sent, since there are no credentials: set AWS_PROFILE",
	} {
		t.Run(setting, func(t *testing.T) {
			useProxy(t)
			t.Setenv(setting, "")
			if setting != "AWS_REGION" {
				t.Setenv("AWS_SECRET_ACCESS_KEY", "")
			}
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), []string{"-store", "1234567890", "-role", role}, nil, &stdout, &stderr)
			require.Equal(t, exitFailed, code)
			require.Empty(t, stdout.String())
			require.Equal(t, 1, strings.Count(stderr.String(), "\n"), &stderr)
			require.Contains(t, stderr.String(), want)
		})
	}
}

// withoutAWS takes away what the machine knows of AWS.
func withoutAWS(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, name := range []string{"AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
}
