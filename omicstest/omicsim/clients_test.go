package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// awsEnv returns an environment that keeps a client from the settings of the machine.
func awsEnv(more ...string) []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "AWS_") })
	env = append(env, "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	return append(env, more...)
}

// needs skips the test unless a command succeeds, and says how to get what it needs.
func needs(t *testing.T, install, command string, args ...string) {
	t.Helper()
	if err := exec.CommandContext(t.Context(), command, args...).Run(); err != nil {
		t.Skipf("%s: %v; %s", command, err, install)
	}
}

func needsBoto3(t *testing.T) {
	t.Helper()
	needs(t, "pip install boto3", "python3", "-c", "import boto3")
}

func needsAWSCLI(t *testing.T) {
	t.Helper()
	needs(t, "pip install awscli", "aws", "--version")
}

func needsJavaScript(t *testing.T) {
	t.Helper()
	needs(t, "npm install --prefix DIR @aws-sdk/client-omics, and set NODE_PATH=DIR/node_modules",
		"node", "-e", `require("@aws-sdk/client-omics")`)
}

// awsCLI returns a function that runs the AWS CLI on the service at a URL, set up as the package comment shows it. It
// returns what the CLI writes to its standard output and its standard error.
func awsCLI(t *testing.T, url string) func(args ...string) (out, failure string) {
	return func(args ...string) (out, failure string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "aws",
			append([]string{"--endpoint-url", url, "--output", "json", "omics"}, args...)...)
		cmd.Env = awsEnv("AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=us-east-1",
			"AWS_DISABLE_HOST_PREFIX_INJECTION=true", "AWS_MAX_ATTEMPTS=1")
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if cmd.Run() == nil {
			require.Empty(t, stderr.String())
		}
		return stdout.String(), stderr.String()
	}
}

// TestClients runs the clients that people use against the program: start, get, list with pages and filters, wait, each
// error by its own type, and read sets. It says at its end what ran, and what was skipped since it is not installed.
func TestClients(t *testing.T) {
	var mu sync.Mutex
	var outcomes []string
	t.Run("all", func(t *testing.T) {
		for name, test := range map[string]func(*testing.T){
			"boto3: start, get, list, wait":              testBoto3Jobs,
			"boto3: errors":                              testBoto3Errors,
			"boto3: read sets":                           testBoto3ReadSets,
			"AWS CLI: start, get, list, wait":            testAWSCLIJobs,
			"AWS CLI: errors":                            testAWSCLIErrors,
			"AWS CLI: read sets":                         testAWSCLIReadSets,
			"SDK for JavaScript: start, get, list, wait": testJavaScriptJobs,
			"SDK for JavaScript: errors":                 testJavaScriptErrors,
			"SDK for JavaScript: read sets":              testJavaScriptReadSets,
			"SDK for Go: start, get, list, wait":         testGoJobs,
			"SDK for Go: errors":                         testGoErrors,
			"SDK for Go: read sets":                      testGoReadSets,
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				t.Cleanup(func() {
					outcome := "ran      "
					switch {
					case t.Failed():
						outcome = "failed   "
					case t.Skipped():
						outcome = "skipped  "
					}
					mu.Lock()
					defer mu.Unlock()
					outcomes = append(outcomes, outcome+name)
				})
				test(t)
			})
		}
	})
	slices.Sort(outcomes)
	fmt.Fprintf(t.Output(), "clients against omicsim:\n%s\n", strings.Join(outcomes, "\n"))
}

func testBoto3Jobs(t *testing.T) {
	needsBoto3(t)
	url, log := simulator(t, "-rate", "0", "-max-jobs", "2", "-job-duration", "800ms")
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/jobs.py", url)
	cmd.Env, cmd.Stderr = awsEnv(), os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err, log.String())
	require.JSONEq(t, `{
		"same job": true,
		"status": "COMPLETED",
		"seconds": 0.8,
		"sources": [
			["sample 0", "FINISHED", 10, "sample 0"],
			["sample 1", "FINISHED", 10, "sample 1"],
			["sample 2", "FINISHED", 10, "sample 2"]
		],
		"listed": 2,
		"no store": ["ResourceNotFoundException", 404],
		"bad URI": ["ValidationException", 400],
		"no slot": ["ServiceQuotaExceededException", 402]
	}`, string(out))
}

// testJavaScriptJobs does the same as testBoto3Jobs.
func testJavaScriptJobs(t *testing.T) {
	needsJavaScript(t)
	url, log := simulator(t, "-rate", "0", "-max-jobs", "2", "-job-duration", "800ms")
	cmd := exec.CommandContext(t.Context(), "node", "testdata/jobs.cjs", url)
	cmd.Env, cmd.Stderr = awsEnv("NODE_NO_WARNINGS=1"), os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err, log.String())
	require.JSONEq(t, `{
		"same job": true,
		"waited": "SUCCESS",
		"status": "COMPLETED",
		"sources": ["FINISHED", "FINISHED"],
		"pages": [1, 1],
		"completed": 1,
		"no slot": ["ServiceQuotaExceededException", true, 402]
	}`, string(out))
}

func testAWSCLIJobs(t *testing.T) {
	needsAWSCLI(t)
	url, _ := simulator(t, "-job-duration", "0s")
	aws := awsCLI(t, url)
	job := func(args ...string) (job struct{ ID, Status string }) {
		out, failure := aws(append(args, "--sequence-store-id", "1234567890")...)
		require.Empty(t, failure)
		require.NoError(t, json.Unmarshal([]byte(out), &job))
		return job
	}
	id := job("start-read-set-import-job", "--role-arn", "arn:aws:iam::123456789012:role/Import", "--sources",
		`[{"sourceFiles":{"source1":"s3://lab/a.bam"},"sourceFileType":"UBAM","subjectId":"s","sampleId":"a"}]`).ID
	require.Equal(t, "COMPLETED", job("get-read-set-import-job", "--id", id).Status)
	_, failure := aws("wait", "read-set-import-job-completed", "--sequence-store-id", "1234567890", "--id", id)
	require.Empty(t, failure)
	out, failure := aws("list-read-set-import-jobs", "--sequence-store-id", "1234567890", "--page-size", "1",
		"--filter", "status=COMPLETED", "--query", "importJobs[].id")
	require.Empty(t, failure)
	require.JSONEq(t, `["`+id+`"]`, out)
}
