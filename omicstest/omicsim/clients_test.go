package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
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
			append([]string{"omics", args[0], "--endpoint-url", url, "--output", "json"}, args[1:]...)...)
		cmd.Env = awsEnv("AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=us-east-1",
			"AWS_DISABLE_HOST_PREFIX_INJECTION=true")
		var stdout, stderr strings.Builder
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if cmd.Run() == nil {
			require.Empty(t, stderr.String())
		}
		return stdout.String(), stderr.String()
	}
}

func TestBoto3(t *testing.T) {
	t.Parallel()
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

func TestAWSCLI(t *testing.T) {
	t.Parallel()
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
}
