// Package readsetimport imports genomic read sets (FASTQ, BAM, CRAM and unaligned BAM files) from Amazon S3 into an AWS
// HealthOmics sequence store.
package readsetimport

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/omics"
)

// MaxSourcesPerJob is the number of sources that one import job takes at most. HealthOmics fixes it.
const MaxSourcesPerJob = 100

// API is the part of the HealthOmics client that this package uses. *omics.Client satisfies it.
type API interface {
	StartReadSetImportJob(context.Context, *omics.StartReadSetImportJobInput, ...func(*omics.Options)) (*omics.StartReadSetImportJobOutput, error)
	GetReadSetImportJob(context.Context, *omics.GetReadSetImportJobInput, ...func(*omics.Options)) (*omics.GetReadSetImportJobOutput, error)
	ListReadSetImportJobs(context.Context, *omics.ListReadSetImportJobsInput, ...func(*omics.Options)) (*omics.ListReadSetImportJobsOutput, error)
}

var _ API = (*omics.Client)(nil)
