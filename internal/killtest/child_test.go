//go:build unix

package killtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/child"
	"github.com/readsetimport/readsetimport/journal"
)

// asChild makes the test binary be the process that imports; its value is the order in JSON.
const asChild = "KILLTEST_CHILD"

// order is what a child is to do.
type order struct {
	Endpoint, Journal, Report string
	Sources                   int  // the length of the sheet
	Stream                    bool // or Import
	Adopt                     bool // before it
	Append                    int  // kill yourself at this write of the journal, from 1; 0: do not
	Moment                    moment
	After                     time.Duration // atWrite: into the write
}

// said is what a child reports of a source.
type said struct {
	Index                     int
	Source1, JobID, ReadSetID string
	AlreadyImported           bool
	Err                       string
}

// How a child ends that was not killed.
const (
	exitComplete   = 0 // every source is in
	exitIncomplete = 3
	exitBroken     = 4
)

func TestMain(m *testing.M) {
	text := os.Getenv(asChild)
	if text == "" {
		os.Exit(m.Run())
	}
	child.EndWithParent()
	var o order
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		err = o.run()
	}
	switch {
	case err == nil:
		os.Exit(exitComplete)
	case errors.Is(err, readsetimport.ErrIncomplete):
		os.Exit(exitIncomplete)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(exitBroken)
}

// childPatience is how long a child may take that nobody kills.
const childPatience = time.Minute

// run is the import, as a program would do it, and the report in a file at the end.
func (o order) run() error {
	ctx, cancel := context.WithTimeout(context.Background(), childPatience)
	defer cancel()
	journal, err := journal.Open(o.Journal)
	if err != nil {
		return err
	}
	defer journal.Close()
	client, err := readsetimport.New(overLoopback(o.Endpoint), func(opts *readsetimport.Options) {
		opts.Journal = &dying{Journal: journal, order: o}
		opts.RequestRate = 1000
		opts.MinPollDelay, opts.MaxPollDelay = 5*time.Millisecond, 20*time.Millisecond
	})
	if err != nil {
		return err
	}
	if o.Adopt {
		if _, err := client.Adopt(ctx, target); err != nil {
			return err
		}
	}
	results, failure := o.results(ctx, client)
	text, err := json.Marshal(results)
	if err != nil {
		return err
	}
	if err := os.WriteFile(o.Report, text, 0o600); err != nil {
		return err
	}
	return failure
}

func (o order) results(ctx context.Context, client *readsetimport.Client) ([]said, error) {
	sources := sheet(o.Sources)
	if !o.Stream {
		report, err := client.Import(ctx, target, sources)
		out := make([]said, len(report.Results))
		for i, res := range report.Results {
			out[i] = say(res)
		}
		return out, err
	}
	var failure error
	out := make([]said, 0, len(sources))
	for res, err := range client.Stream(ctx, target, each(sources)) {
		if err != nil {
			return out, err
		}
		if res.Err != nil {
			failure = readsetimport.ErrIncomplete
		}
		out = append(out, say(res))
	}
	return out, failure
}

func say(res readsetimport.Result) said {
	s := said{res.Index, res.Source.Source1, res.JobID, res.ReadSetID, res.AlreadyImported, ""}
	if res.Err != nil {
		s.Err = res.Err.Error()
	}
	return s
}

func each(sources []readsetimport.Source) iter.Seq2[readsetimport.Source, error] {
	return func(yield func(readsetimport.Source, error) bool) {
		for _, s := range sources {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// dying is a journal that ends its process at one of its writes.
type dying struct {
	journal.Journal
	order  order
	writes atomicInt
}

func (d *dying) Append(ctx context.Context, r journal.Record) error {
	mine := d.writes.next() == d.order.Append
	switch {
	case mine && d.order.Moment == beforeWrite:
		die()
	case mine && d.order.Moment == inWrite:
		time.AfterFunc(d.order.After, die)
	}
	err := d.Journal.Append(ctx, r)
	if mine && d.order.Moment == afterWrite {
		die()
	}
	return err
}

func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}

// overLoopback is the SDK's own client of the service at an address.
func overLoopback(endpoint string) *omics.Client {
	return omics.New(omics.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(endpoint),
		HTTPClient:   &http.Client{Timeout: childPatience},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
		APIOptions: []func(*middleware.Stack) error{func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("NoHostPrefix", func(
				ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
			) (middleware.InitializeOutput, middleware.Metadata, error) {
				return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
			}), middleware.Before)
		}},
	})
}
