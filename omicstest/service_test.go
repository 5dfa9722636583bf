package omicstest_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

const (
	store = "1234567890"
	role  = "arn:aws:iam::123456789012:role/Import"
)

// item is a valid source.
func item(i int) types.StartReadSetImportJobSourceItem {
	n := strconv.Itoa(i)
	return types.StartReadSetImportJobSourceItem{
		SourceFiles: &types.SourceFiles{
			Source1: aws.String("s3://lab/run/" + n + "_R1.fastq.gz"),
			Source2: aws.String("s3://lab/run/" + n + "_R2.fastq.gz"),
		},
		SourceFileType: types.FileTypeFastq,
		SubjectId:      aws.String("subject-" + n),
		SampleId:       aws.String("sample-" + n),
		Tags:           map[string]string{"lane": n},
	}
}

func items(n int) []types.StartReadSetImportJobSourceItem {
	list := make([]types.StartReadSetImportJobSourceItem, n)
	for i := range list {
		list[i] = item(i)
	}
	return list
}

func input(token string, n int) *omics.StartReadSetImportJobInput {
	in := &omics.StartReadSetImportJobInput{
		SequenceStoreId: aws.String(store), RoleArn: aws.String(role), Sources: items(n),
	}
	if token != "" {
		in.ClientToken = aws.String(token)
	}
	return in
}

func start(t *testing.T, c *omics.Client, token string, n int) string {
	t.Helper()
	out, err := c.StartReadSetImportJob(t.Context(), input(token, n))
	require.NoError(t, err)
	return *out.Id
}

func get(ctx context.Context, c *omics.Client, id string) (*omics.GetReadSetImportJobOutput, error) {
	return c.GetReadSetImportJob(ctx, &omics.GetReadSetImportJobInput{SequenceStoreId: aws.String(store), Id: aws.String(id)})
}

func TestLifeOfJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.Lasting(10 * time.Minute)
			o.Outcome = func(s omicstest.Source) omicstest.Outcome {
				if s.SampleID == "sample-1" {
					return omicstest.Failed("File validation failed")
				}
				return omicstest.Outcome{}
			}
		})
		client := service.Client()
		id := start(t, client, "", 3)
		began := time.Now()

		steps := []struct {
			after    time.Duration
			job      types.ReadSetImportJobStatus
			sources  string // by sample
			readSets int
		}{
			{0, "SUBMITTED", "NOT_STARTED NOT_STARTED NOT_STARTED", 0},
			{time.Minute, "IN_PROGRESS", "IN_PROGRESS NOT_STARTED NOT_STARTED", 0},
			{4 * time.Minute, "IN_PROGRESS", "FINISHED IN_PROGRESS NOT_STARTED", 1},
			{7 * time.Minute, "IN_PROGRESS", "FINISHED FAILED IN_PROGRESS", 1},
			{10 * time.Minute, "COMPLETED_WITH_FAILURES", "FINISHED FAILED FINISHED", 2},
		}
		for _, step := range steps {
			time.Sleep(time.Until(began.Add(step.after)))
			out, err := get(t.Context(), client, id)
			require.NoError(t, err)
			require.Equal(t, step.job, out.Status, step.after)
			status := map[string]string{}
			for _, s := range out.Sources {
				status[*s.SampleId] = string(s.Status)
				require.Equal(t, s.Status == "FINISHED", s.ReadSetId != nil)
				if s.Status == "FAILED" {
					require.Equal(t, "File validation failed", *s.StatusMessage)
				}
			}
			require.Equal(t, step.sources, fmt.Sprint(status["sample-0"], " ", status["sample-1"], " ", status["sample-2"]))
			require.Len(t, service.ReadSets(store), step.readSets)
			require.Equal(t, step.readSets, service.CountReadSets(store))
		}
		out, err := get(t.Context(), client, id)
		require.NoError(t, err)
		require.Equal(t, began.Add(10*time.Minute).UTC(), out.CompletionTime.UTC())
		for _, s := range service.ReadSets(store) {
			require.Equal(t, id, s.JobID)
			require.Regexp(t, `^[0-9]{10}$`, s.ID)
		}
	})
}
