package main

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/readsetimport/readsetimport"
)

// newActivities returns the activities of a worker.
func (c command) newActivities(api readsetimport.API) (*activities, error) {
	options := func(o *readsetimport.Options) {
		o.RequestRate = c.rate
		o.RequestTimeout = 20 * time.Second // a step has a minute
		o.MinPollDelay, o.MaxPollDelay = c.minPoll, c.maxPoll
	}
	steps, err := readsetimport.New(api, options)
	if err != nil {
		return nil, err
	}
	finder, err := readsetimport.New(api, options, func(o *readsetimport.Options) { o.TokenWindow = -1 })
	return &activities{folder: folder(c.dir), client: steps, finder: finder}, err
}

// register tells a worker what it can do.
func register(w worker.Registry, a *activities) {
	w.RegisterWorkflow(Import)
	w.RegisterWorkflow(Batch)
	w.RegisterActivity(a)
}

// work takes steps until the context ends.
func (c command) work(ctx context.Context, server client.Client) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	a, err := c.newActivities(omics.NewFromConfig(cfg))
	if err != nil {
		return err
	}
	w := worker.New(server, c.queue, worker.Options{
		TaskQueueActivitiesPerSecond: c.rate, // of all workers: the server gives out no more, and a step makes one request at most
		WorkerStopTimeout:            30 * time.Second,
		// They are enough for the rate. A worker that stands still is given as many steps, which are lost until their time is up.
		MaxConcurrentActivityTaskPollers: 2,
	})
	register(w, a)
	if err := w.Start(); err != nil {
		return err
	}
	<-ctx.Done()
	w.Stop()
	return nil
}
