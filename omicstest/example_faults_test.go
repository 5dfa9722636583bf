package omicstest_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/omicstest"
)

// The usual answers have functions, and their methods change them.
func ExampleFault() {
	service := omicstest.New()
	service.Inject(omicstest.OpStart,
		omicstest.QuotaExceeded(),
		omicstest.Throttled().WithRetryAfter(2*time.Second),
		omicstest.Internal().AfterExecution().WithMessage("Nobody knows why"), // the job has started
	)
	client := service.Client(func(o *omics.Options) { o.Retryer = aws.NopRetryer{} })
	for range 4 {
		_, err := client.StartReadSetImportJob(context.Background(), exampleInput())
		var full *types.ServiceQuotaExceededException
		var throttled *types.ThrottlingException
		var internal *types.InternalServerException
		switch {
		case errors.As(err, &full):
			fmt.Println("wait until a job has ended")
		case errors.As(err, &throttled):
			fmt.Println("slow down")
		case errors.As(err, &internal):
			fmt.Println("send the same again:", internal.ErrorMessage())
		default:
			fmt.Println("started, error:", err)
		}
	}
	fmt.Println("jobs:", len(service.Jobs("1234567890")))
	// Output:
	// wait until a job has ended
	// slow down
	// send the same again: Nobody knows why
	// started, error: <nil>
	// jobs: 1
}

// A test whose faults are never met tests nothing.
func ExampleService_Unused() {
	service := omicstest.New()
	service.Inject(omicstest.OpStart, omicstest.Throttled(), omicstest.DropAfter())
	_, err := service.Client(func(o *omics.Options) { o.Retryer = aws.NopRetryer{} }).
		StartReadSetImportJob(context.Background(), exampleInput())
	fmt.Println("failed:", err != nil)
	for op, faults := range service.Unused() {
		fmt.Println(op, "left:", len(faults))
	}
	// Output:
	// failed: true
	// StartReadSetImportJob left: 1
}

// What arrived at the service, to test how a client asks.
func ExampleService_Requests() {
	service := omicstest.New()
	service.Inject(omicstest.OpStart, omicstest.DropAfter())
	if _, err := service.Client().StartReadSetImportJob(context.Background(), exampleInput()); err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range service.Requests(omicstest.OpStart) {
		fmt.Println(r.Op, r.Status, r.ClientToken, r.Sources)
	}
	// Output:
	// StartReadSetImportJob 0 first try 2
	// StartReadSetImportJob 200 first try 2
}

// AWS grants more jobs in the middle of an import.
func ExampleService_SetMaxActiveJobs() {
	service := omicstest.New(func(o *omicstest.Options) { o.MaxActiveJobs = 1 })
	client := service.Client()
	start := func(token string) error {
		in := exampleInput()
		in.ClientToken = aws.String(token)
		_, err := client.StartReadSetImportJob(context.Background(), in)
		return err
	}
	fmt.Println(start("first") == nil, start("second") == nil)
	service.SetMaxActiveJobs(2)
	fmt.Println(start("second") == nil, service.ActiveJobs())
	// Output:
	// true false
	// true 2
}
