// Command s3 uses the generated clients of HealthOmics and of S3, as a program without this library does that finds files.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	client := omics.NewFromConfig(cfg)
	job, err := client.StartReadSetImportJob(ctx, &omics.StartReadSetImportJobInput{
		SequenceStoreId: &os.Args[1], RoleArn: &os.Args[2], Sources: []types.StartReadSetImportJobSourceItem{{
			SourceFiles: &types.SourceFiles{Source1: &os.Args[3]}, SourceFileType: types.FileTypeUbam, SubjectId: &os.Args[4], SampleId: &os.Args[4],
		}},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	out, err := client.GetReadSetImportJob(ctx, &omics.GetReadSetImportJobInput{SequenceStoreId: job.SequenceStoreId, Id: job.Id})
	fmt.Println(aws.ToString(job.Id), out, err)
	list, err := client.ListReadSetImportJobs(ctx, &omics.ListReadSetImportJobsInput{SequenceStoreId: job.SequenceStoreId})
	fmt.Println(list, err)
	sets, err := client.ListReadSets(ctx, &omics.ListReadSetsInput{SequenceStoreId: job.SequenceStoreId})
	fmt.Println(sets, err)
	files := s3.NewFromConfig(cfg)
	listed, err := files.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &os.Args[5]})
	fmt.Println(listed, err)
	object, err := files.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &os.Args[5], Key: &os.Args[6]})
	fmt.Println(object, err)
	head, err := files.GetObject(ctx, &s3.GetObjectInput{Bucket: &os.Args[5], Key: &os.Args[6]})
	fmt.Println(head, err)
	bucket, err := files.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &os.Args[5]})
	fmt.Println(bucket, err)
}
