package omicstest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/omicstest"
)

func exampleInput() *omics.StartReadSetImportJobInput {
	source := func(sample string) types.StartReadSetImportJobSourceItem {
		return types.StartReadSetImportJobSourceItem{
			SourceFileType: types.FileTypeUbam,
			SourceFiles:    &types.SourceFiles{Source1: aws.String("s3://lab/" + sample + ".bam")},
			SubjectId:      aws.String(sample),
			SampleId:       aws.String(sample),
		}
	}
	return &omics.StartReadSetImportJobInput{
		SequenceStoreId: aws.String("1234567890"),
		RoleArn:         aws.String("arn:aws:iam::123456789012:role/Import"),
		ClientToken:     aws.String("first try"),
		Sources:         []types.StartReadSetImportJobSourceItem{source("HG001"), source("HG002")},
	}
}

// A job of two sources, one of which cannot be imported.
func Example() {
	service := omicstest.New(func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(0) // over at once
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			if s.SampleID == "HG002" {
				return omicstest.Failed("File validation failed")
			}
			return omicstest.Outcome{}
		}
	})
	client := service.Client()

	job, err := client.StartReadSetImportJob(context.Background(), exampleInput())
	if err != nil {
		fmt.Println(err)
		return
	}
	out, err := client.GetReadSetImportJob(context.Background(), &omics.GetReadSetImportJobInput{
		SequenceStoreId: job.SequenceStoreId, Id: job.Id,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(out.Status)
	for _, set := range service.ReadSets("1234567890") {
		fmt.Println("in the store:", set.SampleID)
	}
	// Output:
	// COMPLETED_WITH_FAILURES
	// in the store: HG001
}

// An answer is lost after the job was started. The SDK sends the request again, and the client token keeps it from
// starting a second job.
func ExampleService_Inject() {
	service := omicstest.New()
	service.Inject(omicstest.OpStart, omicstest.DropAfter())
	if _, err := service.Client().StartReadSetImportJob(context.Background(), exampleInput()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(service.Requests(omicstest.OpStart)), "requests,", len(service.Jobs("1234567890")), "job")
	fmt.Println("faults left:", len(service.Unused()))
	// Output:
	// 2 requests, 1 job
	// faults left: 0
}

// A store with other users: they import, upload, archive and delete read sets.
func ExampleService_StartJob() {
	const store, role = "1234567890", "arn:aws:iam::123456789012:role/Console"
	service := omicstest.New(func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(0)
		o.Content = func(uri string) string { return path.Base(uri) } // a copy has the same name, so the same ETag
	})
	source := func(uri, sample string) omicstest.Source {
		return omicstest.Source{Type: types.FileTypeUbam, Source1: uri, SubjectID: sample, SampleID: sample}
	}
	_, err := service.StartJob(store, role, source("s3://lab/HG001.bam", "HG001"), source("s3://lab/HG002.bam", "HG002"))
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = service.Upload(store, omicstest.Upload{Source: source("HG001.bam", "HG001")})
	if err != nil {
		fmt.Println(err)
		return
	}
	imported := service.ReadSets(store)
	if err := service.SetReadSetStatus(imported[0].ID, types.ReadSetStatusArchived, ""); err != nil {
		fmt.Println(err)
		return
	}
	if err := service.DeleteReadSet(imported[1].ID); err != nil {
		fmt.Println(err)
		return
	}

	out, err := service.Client().ListReadSets(context.Background(), &omics.ListReadSetsInput{SequenceStoreId: aws.String(store)})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, s := range out.ReadSets {
		fmt.Println(*s.SampleId, s.CreationType, s.Status, *s.Etag.Source1)
	}
	// Output:
	// HG001 UPLOAD ACTIVE 2cf31751926bb36ae3850ac42810d582
	// HG002 IMPORT DELETED 07d3365a0b7ba9097b8577389f11bd72
	// HG001 IMPORT ARCHIVED 2cf31751926bb36ae3850ac42810d582
}

// The quota of jobs under way.
func ExampleOptions() {
	service := omicstest.New(func(o *omicstest.Options) { o.MaxActiveJobs = 1 })
	client := service.Client()
	for _, token := range []string{"first", "second"} {
		in := exampleInput()
		in.ClientToken = aws.String(token)
		_, err := client.StartReadSetImportJob(context.Background(), in)
		var full *types.ServiceQuotaExceededException
		fmt.Println(token, "refused:", errors.As(err, &full))
	}
	// Output:
	// first refused: false
	// second refused: true
}

// The service over a connection, for clients in any language.
func ExampleService_ServeHTTP() {
	server := httptest.NewServer(omicstest.New())
	defer server.Close()
	response, err := http.Post(server.URL+"/sequencestore/1234567890/importjob", "application/json", strings.NewReader("{}"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	fmt.Println(response.StatusCode, response.Header.Get("X-Amzn-Errortype"))
	// Output:
	// 400 ValidationException
}
