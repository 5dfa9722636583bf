package main

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"
)

// sdkClient returns a client of the SDK for the service at a URL, set up as the package comment shows it.
func sdkClient(url string) *omics.Client {
	return omics.New(omics.Options{
		Region: "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}, func(o *omics.Options) {
		o.BaseEndpoint = aws.String(url)
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("NoHostPrefix", func(
				ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
			) (middleware.InitializeOutput, middleware.Metadata, error) {
				return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
			}), middleware.Before)
		})
	})
}

// startInput is a request to import a file of a sample, and to do so once.
func startInput(sample string) *omics.StartReadSetImportJobInput {
	return &omics.StartReadSetImportJobInput{
		SequenceStoreId: aws.String(testStore),
		RoleArn:         aws.String("arn:aws:iam::123456789012:role/Import"),
		ClientToken:     aws.String("token of " + sample),
		Sources: []types.StartReadSetImportJobSourceItem{{
			SourceFiles: &types.SourceFiles{Source1: aws.String("s3://lab/" + sample + ".bam")}, SourceFileType: types.FileTypeUbam,
			SubjectId: aws.String("subject"), SampleId: aws.String(sample),
		}},
	}
}

func testGoJobs(t *testing.T) {
	url, _ := simulator(t, "-rate", "0", "-job-duration", "300ms")
	client := sdkClient(url)
	first, err := client.StartReadSetImportJob(t.Context(), startInput("a"))
	require.NoError(t, err)
	again, err := client.StartReadSetImportJob(t.Context(), startInput("a"))
	require.NoError(t, err)
	require.Equal(t, first.Id, again.Id)

	waiter := omics.NewReadSetImportJobCompletedWaiter(client, func(o *omics.ReadSetImportJobCompletedWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, 100*time.Millisecond
	})
	ended, err := waiter.WaitForOutput(t.Context(), &omics.GetReadSetImportJobInput{SequenceStoreId: first.SequenceStoreId, Id: first.Id}, 30*time.Second)
	require.NoError(t, err)
	require.Equal(t, types.ReadSetImportJobStatusCompleted, ended.Status)
	require.NotEmpty(t, ended.Sources[0].ReadSetId)

	second, err := client.StartReadSetImportJob(t.Context(), startInput("b"))
	require.NoError(t, err)
	list := func(filter *types.ImportReadSetFilter) (ids []string, pages int) {
		all := omics.NewListReadSetImportJobsPaginator(client, &omics.ListReadSetImportJobsInput{
			SequenceStoreId: aws.String(testStore), Filter: filter, MaxResults: aws.Int32(1),
		})
		for all.HasMorePages() {
			page, err := all.NextPage(t.Context())
			require.NoError(t, err)
			for _, job := range page.ImportJobs {
				ids = append(ids, *job.Id)
			}
			pages++
		}
		return ids, pages
	}
	ids, pages := list(nil)
	require.ElementsMatch(t, []string{*first.Id, *second.Id}, ids)
	require.Equal(t, 2, pages)
	ids, _ = list(&types.ImportReadSetFilter{Status: types.ReadSetImportJobStatusCompleted, CreatedBefore: second.CreationTime})
	require.Equal(t, []string{*first.Id}, ids)
}

func testGoReadSets(t *testing.T) {
	url, pair, _, _ := storeWithReadSets(t)
	client := sdkClient(url)
	var samples []any
	all := omics.NewListReadSetsPaginator(client, &omics.ListReadSetsInput{SequenceStoreId: aws.String(testStore), MaxResults: aws.Int32(2)})
	for all.HasMorePages() {
		page, err := all.NextPage(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.ReadSets), 2)
		for _, s := range page.ReadSets {
			if s.SampleId == nil {
				samples = append(samples, nil)
				continue
			}
			samples = append(samples, *s.SampleId)
		}
	}
	require.Equal(t, allSamples, samples)

	out, err := client.GetReadSetMetadata(t.Context(), &omics.GetReadSetMetadataInput{SequenceStoreId: aws.String(testStore), Id: aws.String(pair.ID)})
	require.NoError(t, err)
	require.Equal(t, pair.JobID, *out.CreationJobId)
	require.Equal(t, pairETag["source2"], *out.Etag.Source2)
	store, err := client.GetSequenceStore(t.Context(), &omics.GetSequenceStoreInput{Id: aws.String(testStore)})
	require.NoError(t, err)
	require.Equal(t, types.ETagAlgorithmFamilyMd5up, store.ETagAlgorithmFamily)
}
