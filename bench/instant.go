package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
)

// instantAPI stands for the SDK and the service together, and costs next to nothing: its jobs have ended when they are
// first looked at, and are forgotten then.
type instantAPI struct {
	readsetimport.API
	mu   sync.Mutex
	last int
	jobs map[string][]types.StartReadSetImportJobSourceItem
}

func (a *instantAPI) StartReadSetImportJob(_ context.Context, in *omics.StartReadSetImportJobInput, _ ...func(*omics.Options)) (*omics.StartReadSetImportJobOutput, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.last++
	id := fmt.Sprintf("%010d", a.last)
	a.jobs[id] = in.Sources
	return &omics.StartReadSetImportJobOutput{
		Id: &id, SequenceStoreId: in.SequenceStoreId, RoleArn: in.RoleArn,
		Status: types.ReadSetImportJobStatusSubmitted, CreationTime: aws.Time(time.Now()),
	}, nil
}

func (a *instantAPI) GetReadSetImportJob(_ context.Context, in *omics.GetReadSetImportJobInput, _ ...func(*omics.Options)) (*omics.GetReadSetImportJobOutput, error) {
	a.mu.Lock()
	sources := a.jobs[*in.Id]
	delete(a.jobs, *in.Id)
	a.mu.Unlock()
	now := time.Now()
	out := &omics.GetReadSetImportJobOutput{
		Id: in.Id, SequenceStoreId: in.SequenceStoreId, RoleArn: aws.String(target.RoleARN),
		Status: types.ReadSetImportJobStatusCompleted, CreationTime: &now, CompletionTime: &now,
		Sources: make([]types.ImportReadSetSourceItem, len(sources)),
	}
	for i, s := range sources {
		out.Sources[i] = types.ImportReadSetSourceItem{
			SourceFiles: s.SourceFiles, SourceFileType: s.SourceFileType, SubjectId: s.SubjectId, SampleId: s.SampleId,
			Name: s.Name, Description: s.Description, Tags: s.Tags,
			Status: types.ReadSetImportJobItemStatusFinished, ReadSetId: aws.String(*in.Id + strconv.Itoa(i)),
		}
	}
	return out, nil
}

func (a *instantAPI) ListReadSetImportJobs(context.Context, *omics.ListReadSetImportJobsInput, ...func(*omics.Options)) (*omics.ListReadSetImportJobsOutput, error) {
	return &omics.ListReadSetImportJobsOutput{ImportJobs: []types.ImportReadSetJobItem{}}, nil
}
