// Command stepfunctions has the Lambda functions of a state machine that imports sample sheets. One program has them all, and the
// environment variable HANDLER says which one it is.
package main

import (
	"context"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/readsetimport/readsetimport"
)

func main() {
	name := os.Getenv("HANDLER")
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	rate, err := strconv.ParseFloat(os.Getenv("REQUEST_RATE"), 64)
	if err != nil {
		log.Fatal("REQUEST_RATE: requests per second of one instance of the function: ", err)
	}
	client, err := readsetimport.New(omics.NewFromConfig(cfg), options(rate))
	if err != nil {
		log.Fatal(err)
	}
	h := handlers{
		client: client,
		bucket: bucket{s3.NewFromConfig(cfg), os.Getenv("BUCKET")},
		tasks:  tasks{sfn.NewFromConfig(cfg)},
	}
	handler, ok := map[string]any{"plan": h.plan, "step": h.step, "count": h.count, "park": h.park, "wake": h.wake}[name]
	if !ok {
		log.Fatalf("HANDLER: %q is none of plan, step, count, park and wake", name)
	}
	lambda.Start(handler)
}

// options are those of each instance of the step function.
func options(rate float64) func(*readsetimport.Options) {
	return func(o *readsetimport.Options) {
		o.RequestRate = rate
		o.MaxPollDelay = 15 * time.Minute // events tell when a job ends; a look is for those that are lost
	}
}
