package wire

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/readset"
)

// StartInput returns the request that starts a job of n sources.
func StartInput(storeID, roleARN, token string, n int, source func(i int) Source) *omics.StartReadSetImportJobInput {
	in := &omics.StartReadSetImportJobInput{SequenceStoreId: aws.String(storeID), RoleArn: aws.String(roleARN), ClientToken: aws.String(token)}
	in.Sources = make([]types.StartReadSetImportJobSourceItem, n)
	for i := range n {
		in.Sources[i] = source(i).Item()
	}
	return in
}

// ListInput returns the request for a page of the jobs created after a time.
func ListInput(storeID string, createdAfter time.Time, nextToken string) *omics.ListReadSetImportJobsInput {
	return &omics.ListReadSetImportJobsInput{
		SequenceStoreId: aws.String(storeID), MaxResults: aws.Int32(PageSize), NextToken: optional(&nextToken),
		Filter: &types.ImportReadSetFilter{CreatedAfter: aws.Time(createdAfter)},
	}
}

// ListReadSetsInput returns the request for a page of read sets.
func ListReadSetsInput(storeID string, f readset.Filter, nextToken string) *omics.ListReadSetsInput {
	return &omics.ListReadSetsInput{SequenceStoreId: aws.String(storeID), MaxResults: aws.Int32(PageSize), NextToken: optional(&nextToken), Filter: ReadSetFilter(f)}
}
