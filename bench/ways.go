package main

import (
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

// way is one of the ways in which the files can be imported. All of them know the batches; those written by hand also know
// the number of slots, and the library does not.
type way struct {
	name string
	run  func(t *testing.T, service *omicstest.Service, seed uint64, files []readsetimport.Source, slots int)
}

var (
	library = way{"this library", func(t *testing.T, service *omicstest.Service, seed uint64, files []readsetimport.Source, _ int) {
		_, err := client(t, service, seed).Import(t.Context(), target, files)
		require.NoError(t, err)
	}}
	sdkWaiter = byHand("SDK waiter", waiter, 5*time.Second)
	every30s  = byHand("every 30 s", lookEvery(30*time.Second, 30*time.Second), 30*time.Second)
	every10s  = byHand("every 10 s", lookEvery(10*time.Second, 10*time.Second), 10*time.Second)
)

// byHand has a worker for each slot that starts a job, again and again until it is not refused, and waits for it.
func byHand(name string, wait waitFunc, again time.Duration) way {
	return way{name, func(t *testing.T, service *omicstest.Service, _ uint64, files []readsetimport.Source, slots int) {
		client := service.Client()
		queue := make(chan readsetimport.Source, len(files))
		for _, s := range files {
			queue <- s
		}
		close(queue)
		starting := make(chan struct{}, 1) // one worker at a time tries to start a job: the others would be refused as well
		start := func(s readsetimport.Source) *omics.StartReadSetImportJobOutput {
			starting <- struct{}{}
			defer func() { <-starting }()
			for ; ; time.Sleep(again) {
				job, err := client.StartReadSetImportJob(t.Context(), &omics.StartReadSetImportJobInput{
					SequenceStoreId: aws.String(target.SequenceStoreID),
					RoleArn:         aws.String(target.RoleARN),
					ClientToken:     aws.String(s.Source1),
					Sources:         []types.StartReadSetImportJobSourceItem{s.Item()},
				})
				if err == nil {
					return job
				}
			}
		}
		var group sync.WaitGroup
		for range slots {
			group.Go(func() {
				for s := range queue {
					job := start(s)
					for {
						_, err := wait(t.Context(), client, &omics.GetReadSetImportJobInput{SequenceStoreId: job.SequenceStoreId, Id: job.Id})
						if err == nil {
							break
						}
						time.Sleep(again)
					}
				}
			})
		}
		group.Wait()
	}}
}
