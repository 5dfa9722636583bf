// Command client uses the generated client as a program without this library does: it is what the others are compared with.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
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
}
