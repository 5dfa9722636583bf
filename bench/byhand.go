package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
)

// atOnce is how many jobs there are at once where the service takes no time.
const atOnce = 16

// importByHand imports sources over the SDK as somebody writes it who knows the service: jobs of 100, several at once, each
// under a token of its own, looked at until it has ended, and its answer read source by source. It validates nothing, and
// remembers nothing. It returns the read set of each source, by its first file.
func importByHand(ctx context.Context, client *omics.Client, sources []readsetimport.Source, waitFor waitFunc) (map[string]string, error) {
	var mu sync.Mutex
	readSets := make(map[string]string, len(sources))
	batches := make(chan []readsetimport.Source)
	errs := make(chan error, atOnce)
	for range atOnce {
		go func() {
			var failed error
			for batch := range batches {
				if failed != nil {
					continue
				}
				done, err := importJobByHand(ctx, client, batch, waitFor)
				if failed = err; err != nil {
					continue
				}
				mu.Lock()
				for _, s := range done {
					readSets[aws.ToString(s.SourceFiles.Source1)] = aws.ToString(s.ReadSetId)
				}
				mu.Unlock()
			}
			errs <- failed
		}()
	}
	for batch := range slices.Chunk(sources, 100) {
		batches <- batch
	}
	close(batches)
	var failed error
	for range atOnce {
		if err := <-errs; err != nil {
			failed = err
		}
	}
	return readSets, failed
}

func importJobByHand(ctx context.Context, client *omics.Client, batch []readsetimport.Source, waitFor waitFunc) ([]types.ImportReadSetSourceItem, error) {
	in := &omics.StartReadSetImportJobInput{
		SequenceStoreId: aws.String(target.SequenceStoreID), RoleArn: aws.String(target.RoleARN), ClientToken: aws.String(rand.Text()),
		Sources: make([]types.StartReadSetImportJobSourceItem, len(batch)),
	}
	for i := range batch {
		in.Sources[i] = itemByHand(&batch[i])
	}
	job, err := client.StartReadSetImportJob(ctx, in)
	if err != nil {
		return nil, err
	}
	out, err := waitFor(ctx, client, &omics.GetReadSetImportJobInput{SequenceStoreId: job.SequenceStoreId, Id: job.Id})
	if err != nil {
		return nil, err
	}
	for _, s := range out.Sources {
		if s.Status != types.ReadSetImportJobItemStatusFinished || s.ReadSetId == nil {
			return nil, fmt.Errorf("job %s: a source was not imported", *job.Id)
		}
	}
	return out.Sources, nil
}

// itemByHand fills the SDK's type in place, with pointers to what is there already.
func itemByHand(s *readsetimport.Source) types.StartReadSetImportJobSourceItem {
	optional := func(text *string) *string {
		if *text == "" {
			return nil
		}
		return text
	}
	return types.StartReadSetImportJobSourceItem{
		SourceFiles:    &types.SourceFiles{Source1: &s.Source1, Source2: optional(&s.Source2)},
		SourceFileType: s.Type, SubjectId: &s.SubjectID, SampleId: &s.SampleID, Name: optional(&s.Name),
		Description: optional(&s.Description), GeneratedFrom: optional(&s.GeneratedFrom), ReferenceArn: optional(&s.ReferenceARN), Tags: s.Tags,
	}
}

// waitFunc looks at a job until it has ended, and returns the last answer.
type waitFunc func(context.Context, *omics.Client, *omics.GetReadSetImportJobInput) (*omics.GetReadSetImportJobOutput, error)

// waiter is the SDK's own, which looks at once, then after 30 s, and then less and less often. Of a job that did not go well
// it returns no answer.
func waiter(ctx context.Context, client *omics.Client, in *omics.GetReadSetImportJobInput) (*omics.GetReadSetImportJobOutput, error) {
	return omics.NewReadSetImportJobCompletedWaiter(client).WaitForOutput(ctx, in, 100*time.Hour)
}

// lookEvery looks for the first time after a while, and then at intervals.
func lookEvery(first, d time.Duration) waitFunc {
	return func(ctx context.Context, client *omics.Client, in *omics.GetReadSetImportJobInput) (*omics.GetReadSetImportJobOutput, error) {
		time.Sleep(first)
		for ; ; time.Sleep(d) {
			out, err := client.GetReadSetImportJob(ctx, in)
			if err != nil {
				return nil, err
			}
			switch out.Status {
			case types.ReadSetImportJobStatusCompleted, types.ReadSetImportJobStatusCompletedWithFailures,
				types.ReadSetImportJobStatusFailed, types.ReadSetImportJobStatusCancelled:
				return out, nil
			}
		}
	}
}
