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

// awsEnv keeps a client from what the machine is set up with.
func awsEnv() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "AWS_") })
	return append(env, "AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
}

func TestBoto3(t *testing.T) {
	t.Parallel()
	if exec.CommandContext(t.Context(), "python3", "-c", "import boto3").Run() != nil {
		t.Skip("there is no python3 with boto3")
	}
	url, log := simulator(t, "-rate", "0", "-max-jobs", "2", "-job-duration", "800ms")
	cmd := exec.CommandContext(t.Context(), "python3", "testdata/client.py", url)
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
	if exec.CommandContext(t.Context(), "aws", "--version").Run() != nil {
		t.Skip("there is no AWS CLI")
	}
	url, log := simulator(t, "-job-duration", "0s")
	aws := func(args ...string) map[string]any {
		cmd := exec.CommandContext(t.Context(), "aws", append([]string{
			"omics", args[0], "--endpoint-url", url, "--output", "json", "--sequence-store-id", "1234567890",
		}, args[1:]...)...)
		cmd.Env, cmd.Stderr = append(awsEnv(), // as the package comment shows it
			"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=us-east-1",
			"AWS_DISABLE_HOST_PREFIX_INJECTION=true"), os.Stderr
		out, err := cmd.Output()
		require.NoError(t, err, log.String())
		var answer map[string]any
		require.NoError(t, json.Unmarshal(out, &answer))
		return answer
	}
	id := aws("start-read-set-import-job", "--role-arn", "arn:aws:iam::123456789012:role/Import", "--sources",
		`[{"sourceFiles":{"source1":"s3://lab/a.bam"},"sourceFileType":"UBAM","subjectId":"s","sampleId":"a"}]`)["id"].(string)
	require.Equal(t, "COMPLETED", aws("get-read-set-import-job", "--id", id)["status"])
}
