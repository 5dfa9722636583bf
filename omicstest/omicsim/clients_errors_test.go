package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// eachError serves a store that answers one Start and then six Gets with an error of each type.
func eachError(t *testing.T) (url string, service *omicstest.Service) {
	t.Helper()
	service = omicstest.New()
	service.Inject(omicstest.OpStart, omicstest.QuotaExceeded())
	service.Inject(omicstest.OpGet, omicstest.Validation(), omicstest.AccessDenied(), omicstest.NotFound(),
		omicstest.RequestTimeout(), omicstest.Throttled(), omicstest.Internal())
	url = inBackground(t, func(ctx context.Context, out io.Writer) error {
		return serve(ctx, "127.0.0.1:0", service, out, slog.New(slog.DiscardHandler))
	})
	return url, service
}

// errorTypes are those of eachError, as every client calls them, with their HTTP statuses.
var errorTypes = []struct {
	name   string
	status int
}{
	{"ServiceQuotaExceededException", 402},
	{"ValidationException", 400},
	{"AccessDeniedException", 403},
	{"ResourceNotFoundException", 404},
	{"RequestTimeoutException", 408},
	{"ThrottlingException", 429},
	{"InternalServerException", 500},
}

// testErrors compares what a script prints.
func testErrors(t *testing.T, command, script string) {
	url, service := eachError(t)
	cmd := exec.CommandContext(t.Context(), command, script, url)
	cmd.Env, cmd.Stderr = awsEnv("NODE_NO_WARNINGS=1"), os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var want [][]any
	for _, e := range errorTypes {
		want = append(want, []any{e.name, e.status})
	}
	text, err := json.Marshal(want)
	require.NoError(t, err)
	require.JSONEq(t, string(text), string(out))
	require.Empty(t, service.Unused())
}

func testBoto3Errors(t *testing.T) {
	needsBoto3(t)
	testErrors(t, "python3", "testdata/errors.py")
}

func testJavaScriptErrors(t *testing.T) {
	needsJavaScript(t)
	testErrors(t, "node", "testdata/errors.cjs")
}

func testAWSCLIErrors(t *testing.T) {
	needsAWSCLI(t)
	url, service := eachError(t)
	aws := awsCLI(t, url)
	for i, e := range errorTypes {
		args := []string{"get-read-set-import-job", "--id", "1000000000"}
		if i == 0 {
			args = []string{
				"start-read-set-import-job", "--role-arn", "arn:aws:iam::123456789012:role/Import", "--sources",
				`[{"sourceFiles":{"source1":"s3://lab/a.bam"},"sourceFileType":"UBAM","subjectId":"s","sampleId":"a"}]`,
			}
		}
		_, failure := aws(append(args, "--sequence-store-id", testStore)...)
		require.Contains(t, failure, "("+e.name+")")
	}
	require.Empty(t, service.Unused())
}

func testGoErrors(t *testing.T) {
	url, service := eachError(t)
	client := sdkClient(url)
	once := func(o *omics.Options) { o.Retryer = aws.NopRetryer{} }
	_, err := client.StartReadSetImportJob(t.Context(), startInput("a"), once)
	is[*types.ServiceQuotaExceededException](t, err)
	get := func() error {
		_, err := client.GetReadSetImportJob(t.Context(), &omics.GetReadSetImportJobInput{
			SequenceStoreId: aws.String(testStore), Id: aws.String("1000000000"),
		}, once)
		return err
	}
	is[*types.ValidationException](t, get())
	is[*types.AccessDeniedException](t, get())
	is[*types.ResourceNotFoundException](t, get())
	is[*types.RequestTimeoutException](t, get())
	is[*types.ThrottlingException](t, get())
	is[*types.InternalServerException](t, get())
	require.Empty(t, service.Unused())
}

// is requires an error of the SDK's own type.
func is[T error](t *testing.T, err error) {
	t.Helper()
	var typed T
	require.True(t, errors.As(err, &typed), "%v", err)
}
