package readsetimport

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// taggedSources are sources with a tag each.
func taggedSources(n int) []Source {
	out := testSources(n)
	for i := range out {
		out[i].Tags = map[string]string{"project": "p1"}
	}
	return out
}

// The source of a result is its consumer's. What is done to it does not change the job in an error: that of the other
// results, or one that OnEvent was given, which may be reading it.
func TestStreamResultsShareNoTagsWithJobs(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*omicstest.Options){
		"the job tells":      func(*omicstest.Options) {},
		"its read sets tell": func(o *omicstest.Options) { o.JobRetention = time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(change, failsFirst, func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
				var failures []*JobError
				note := func(err error) {
					var failure *JobError
					if errors.As(err, &failure) {
						failures = append(failures, failure)
					}
				}
				c := newTestClient(t, service, func(o *Options) { o.OnEvent = func(e Event) { note(e.Err) } })
				var results []Result
				for res, err := range c.Stream(t.Context(), testTarget, withoutErrors(taggedSources(4))) {
					require.NoError(t, err)
					res.Source.Tags["project"] = "mine"
					results = append(results, res)
				}
				require.Len(t, results, 4)
				note(results[0].Err)
				require.Len(t, failures, 3, "of the job's event, of the source's, and of the result")
				for _, failure := range failures {
					require.Len(t, failure.Job.Sources, 4)
					for _, s := range failure.Job.Sources {
						require.Equal(t, map[string]string{"project": "p1"}, s.Source.Tags)
					}
				}
			})
		})
	}
}

// failsFirst has the first of the test's sources fail.
func failsFirst(o *omicstest.Options) {
	o.Outcome = func(s omicstest.Source) omicstest.Outcome {
		if s.Source1 == testSources(1)[0].Source1 {
			return omicstest.Failed("no such file")
		}
		return omicstest.Outcome{}
	}
}

// scribbling is a client with a middleware that takes the input of a request for its own, and spoils it afterwards.
func scribbling(service *omicstest.Service) *omics.Client {
	spoil := middleware.InitializeMiddlewareFunc("spoil", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		out, metadata, err := next.HandleInitialize(ctx, in)
		if start, ok := in.Parameters.(*omics.StartReadSetImportJobInput); ok {
			for _, s := range start.Sources {
				for _, text := range []*string{s.SourceFiles.Source1, s.SourceFiles.Source2, s.SubjectId, s.SampleId, s.Name, s.Description, s.GeneratedFrom} {
					if text != nil {
						*text = "spoiled"
					}
				}
				s.Tags["project"] = "spoiled"
			}
			start.Sources[0] = start.Sources[1]
			*start.ClientToken, *start.RoleArn, *start.SequenceStoreId = "spoiled", "spoiled", "spoiled"
		}
		return out, metadata, err
	})
	return service.Client(func(o *omics.Options) {
		o.APIOptions = append(o.APIOptions, func(s *middleware.Stack) error { return s.Initialize.Add(spoil, middleware.Before) })
	})
}

// A request that is made again is the same, whatever became of the input of the one before.
func TestRequestsShareNothingWithBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.KeepBodies = true })
		service.Inject(omicstest.OpStart, omicstest.DropAfter(), omicstest.HTML(503), omicstest.HTML(503), omicstest.HTML(503), omicstest.HTML(502))
		c, err := New(scribbling(service))
		require.NoError(t, err)
		sources := taggedSources(3)
		sources[2] = PairedFASTQ("s3://bucket/1.fastq.gz", "s3://bucket/2.fastq.gz").WithSubject("subject").WithSample("sample").
			WithName("name").WithDescription("description").WithGeneratedFrom("run").WithTag("project", "p1")
		results, err := collect(t, c.Stream(t.Context(), testTarget, withoutErrors(sources)))
		require.NoError(t, err)
		for _, res := range results {
			require.NoError(t, res.Err)
			require.Equal(t, sources[res.Index], res.Source)
		}
		require.Len(t, results, 3)
		require.Len(t, service.Jobs(testTarget.SequenceStoreID), 1)
		requests := service.Requests(omicstest.OpStart)
		require.Greater(t, len(requests), 3, "more than the SDK makes of one input")
		for _, r := range requests {
			require.JSONEq(t, string(requests[0].Body), string(r.Body))
		}
	})
}

// Who changes the batch of a submission between two steps is told what is wrong with it, and nothing is sent.
func TestAdvanceOfAChangedBatch(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		faults   []omicstest.Fault
		phase    Phase
		requests int
	}{
		"before it is planned":      {phase: ""},
		"before it is sent":         {phase: PhaseSending},
		"before it is sent again":   {phase: PhaseSending, requests: 3, faults: []omicstest.Fault{omicstest.DropAfter(), omicstest.HTML(503), omicstest.HTML(503)}},
		"before it is planned anew": {phase: PhasePlanned, requests: 1, faults: []omicstest.Fault{omicstest.Status(402, "ServiceQuotaExceededException", "x")}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New()
				service.Inject(omicstest.OpStart, tc.faults...)
				c := newTestClient(t, service)
				batches, err := Split(testTarget, "run", taggedSources(2))
				require.NoError(t, err)
				s := Submission{Batch: batches[0]}
				for s.Phase != tc.phase || len(service.Requests("")) < tc.requests {
					s, err = c.Advance(t.Context(), s)
					require.NoError(t, err)
					time.Sleep(time.Until(s.NextAt))
				}
				s.Batch.Sources[1].Tags["?"] = ""
				next, err := c.Advance(t.Context(), s)
				require.ErrorIs(t, err, ErrValidation)
				require.Equal(t, s, next)
				require.Len(t, service.Requests(""), tc.requests)
				delete(s.Batch.Sources[1].Tags, "?")
				_, err = c.Advance(t.Context(), s)
				require.NoError(t, err)
			})
		})
	}
}

// What is sent is what was checked when the import began, whatever its caller does with the sources afterwards.
func TestImportOfSourcesThatAreChanged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.KeepBodies = true })
		sources := taggedSources(3)
		c := newTestClient(t, service, func(o *Options) {
			o.MaxActiveJobs = 1
			o.OnEvent = func(Event) {
				for _, s := range sources {
					s.Tags["project"], s.Tags["?"] = "changed", ""
				}
			}
		})
		report, err := c.Import(t.Context(), testTarget, sources, func(o *ImportOptions) { o.SourcesPerJob = 1 })
		require.NoError(t, err)
		requests := service.Requests(omicstest.OpStart)
		require.Len(t, requests, 3)
		for _, r := range requests {
			require.Contains(t, string(r.Body), `"tags":{"project":"p1"}`)
		}
		for _, res := range report.Results {
			require.Equal(t, map[string]string{"project": "p1"}, res.Source.Tags)
		}
	})
}
