package readsetimport

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// roughService has both quotas on, 3 % of failing sources, and requests that are refused, lost before and after the
// work, and answered with what cannot be read.
func roughService(seed uint64) *omicstest.Service {
	random := rand.New(rand.NewPCG(seed, seed))
	faults := []omicstest.Fault{
		omicstest.Status(429, "ThrottlingException", "slow down"),
		omicstest.Status(429, "", "").WithRetryAfter(3 * time.Second),
		omicstest.Status(500, "InternalServerException", "x"),
		omicstest.Status(500, "InternalServerException", "x").AfterExecution(),
		omicstest.Status(408, "RequestTimeoutException", "x").AfterExecution(),
		omicstest.HTML(502),
		omicstest.DropBefore(),
		omicstest.DropAfter(),
		omicstest.Reset(),
		omicstest.Truncate(),
		omicstest.Empty(),
		omicstest.Delay(40 * time.Second),
	}
	return omicstest.New(func(o *omicstest.Options) {
		o.RequestRate = 5
		o.MaxActiveJobs = 7
		o.JobDuration = func(omicstest.Job) time.Duration { return time.Duration(1+random.IntN(40)) * time.Minute }
		o.Outcome = func(omicstest.Source) omicstest.Outcome {
			if random.IntN(100) < 3 {
				return omicstest.Failed(fmt.Sprintf("File validation failed (%d)", random.IntN(1000)))
			}
			return omicstest.Outcome{}
		}
		o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
			if random.IntN(100) < 8 {
				return faults[random.IntN(len(faults))], true
			}
			return omicstest.Fault{}, false
		}
	})
}

// requireTruth checks that a report has exactly the outcomes that the service has, source by source.
func requireTruth(t *testing.T, service *omicstest.Service, sources []Source, report *Report) {
	t.Helper()
	type outcome struct {
		job, readSet, message string
		status                types.ReadSetImportJobItemStatus
	}
	truth := make(map[string]outcome)
	for _, job := range service.Jobs(testTarget.SequenceStoreID) {
		for _, s := range job.Sources {
			if _, twice := truth[s.Source1]; twice {
				require.FailNow(t, "a source was sent in two jobs", s.Source1)
			}
			truth[s.Source1] = outcome{job.ID, s.ReadSetID, s.StatusMessage, s.Status}
		}
	}
	require.Len(t, report.Results, len(sources))
	for i, res := range report.Results {
		got := outcome{res.JobID, res.ReadSetID, res.StatusMessage, res.Status}
		if res.Index != i || got != truth[sources[i].Source1] || (res.ReadSetID != "") != (res.Err == nil) {
			require.Equal(t, truth[sources[i].Source1], got)
			require.FailNow(t, "result", "%d: %+v", i, res)
		}
		require.Equal(t, sources[i], res.Source)
	}
	require.Len(t, report.Imported(), service.CountReadSets(testTarget.SequenceStoreID))
	require.Len(t, report.Failed(), len(sources)-len(report.Imported()))
}

// requireFairStarts checks what every Start must be, whatever happens.
func requireFairStarts(t *testing.T, service *omicstest.Service) {
	t.Helper()
	for _, r := range service.Requests(omicstest.OpStart) {
		require.NotEmpty(t, r.ClientToken)
		require.LessOrEqual(t, r.Sources, MaxSourcesPerJob)
	}
}

func TestImportReportsTheTruth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 12_345
		if underRace {
			n /= 10
		}
		service := roughService(1)
		sources := testSources(n)
		c := newTestClient(t, service)
		report, err := c.Import(t.Context(), testTarget, sources)
		require.ErrorIs(t, err, ErrIncomplete)
		requireTruth(t, service, sources, report)
		requireFairStarts(t, service)
		requireBelowQuota(t, service)
		failed := len(report.Failed())
		require.InEpsilon(t, 0.03*float64(n), failed, 0.5)
		for _, res := range report.Failed() {
			var e *JobError
			require.ErrorAs(t, res.Err, &e)
			require.Equal(t, res.JobID, e.Job.ID)
			require.Contains(t, res.StatusMessage, "File validation failed")
		}
		require.NotEmpty(t, report.RunID)
		require.Len(t, report.Jobs, (n+99)/100)
		ended := make(map[string]Job)
		for i, job := range report.Jobs {
			ended[job.ID] = job
			if i > 0 {
				require.Less(t, report.Jobs[i-1].CompletionTime.Sub(job.CompletionTime), 3*time.Minute, "in the order of their ends, as far as looks tell")
			}
		}
		for _, job := range service.Jobs(testTarget.SequenceStoreID) {
			require.Equal(t, job.Status, ended[job.ID].Status)
			require.Len(t, ended[job.ID].Sources, len(job.Sources))
		}
	})
}

func TestImportOfNothingButGood(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 99, 100, 101, 200} {
		synctest.Test(t, func(t *testing.T) {
			service := omicstest.New()
			sources := testSources(n)
			report, err := newTestClient(t, service).Import(t.Context(), testTarget, sources)
			require.Nil(t, err) //nolint:testifylint // untyped nil, not only no error
			requireTruth(t, service, sources, report)
			require.Empty(t, report.Failed())
			require.Len(t, service.Jobs(testTarget.SequenceStoreID), (n+99)/100)
		})
	}
}

func TestImportSendsNothingInvalid(t *testing.T) {
	service := omicstest.New()
	c := newTestClient(t, service)
	sources := testSources(250)
	sources[17].SampleID = ""
	sources[17].SubjectID = "a\tb"
	sources[203].Source1 = "s3://Bucket/x"
	sources[249].Source1 = sources[3].Source1
	report, err := c.Import(t.Context(), testTarget, sources)
	want := map[int][]string{
		17:  {"sources[17].subjectId", "sources[17].sampleId"},
		203: {"sources[203].sourceFiles.source1"},
		249: {"sources[249].sourceFiles.source1"},
	}
	paths := func(err error) (out []string) {
		var e *ValidationError
		require.ErrorAs(t, err, &e)
		for _, f := range e.Fields {
			out = append(out, f.Path)
		}
		return out
	}
	require.NotErrorIs(t, err, ErrIncomplete)
	require.ElementsMatch(t, append(append(want[17], want[203]...), want[249]...), paths(err))
	require.Len(t, report.Results, 250)
	for i, res := range report.Results {
		require.Equal(t, i, res.Index)
		require.Equal(t, sources[i], res.Source)
		if want[i] != nil {
			require.ElementsMatch(t, want[i], paths(res.Err))
			continue
		}
		require.ErrorIs(t, res.Err, errInvalidInput)
		require.NotErrorIs(t, res.Err, ErrValidation, "it is not this source's fault")
	}
	require.Empty(t, service.Requests(""))
}

func TestImportOfNothing(t *testing.T) {
	service := omicstest.New()
	c := newTestClient(t, service)
	for name, tc := range map[string]struct {
		target  Target
		sources []Source
		want    []string
	}{
		"no sources":       {testTarget, nil, []string{"sources"}},
		"no target":        {Target{}, testSources(2), []string{"sequenceStoreId", "roleArn"}},
		"a bad target":     {Target{"../..", "role"}, testSources(2), []string{"sequenceStoreId", "roleArn"}},
		"neither of these": {Target{"1234567890", ""}, nil, []string{"roleArn", "sources"}},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := c.Import(t.Context(), tc.target, tc.sources)
			var e *ValidationError
			require.ErrorAs(t, err, &e)
			var got []string
			for _, f := range e.Fields {
				got = append(got, f.Path)
			}
			require.ElementsMatch(t, tc.want, got)
			require.Len(t, report.Results, len(tc.sources))
			for _, res := range report.Results {
				require.ErrorIs(t, res.Err, errInvalidInput)
			}
		})
	}
	require.Empty(t, service.Requests(""))
}

func TestImportOfJobsThatFailAsAWhole(t *testing.T) {
	t.Parallel()
	for status, sentinel := range map[types.ReadSetImportJobStatus]error{
		types.ReadSetImportJobStatusFailed:    ErrJobFailed,
		types.ReadSetImportJobStatusCancelled: ErrJobCancelled,
	} {
		t.Run(string(status), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				jobs := 0
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobOutcome = func(omicstest.Job) (types.ReadSetImportJobStatus, string) {
						if jobs++; jobs == 2 {
							return status, "the role cannot be assumed"
						}
						return "", ""
					}
					o.Outcome = func(s omicstest.Source) omicstest.Outcome {
						switch s.Source1 {
						case testSources(150)[149].Source1:
							return omicstest.Outcome{Status: types.ReadSetImportJobItemStatusFinished}
						case testSources(141)[140].Source1:
							return omicstest.Failed("File validation failed")
						}
						return omicstest.Outcome{}
					}
				})
				c := newTestClient(t, service, func(o *Options) { o.MaxActiveJobs = 1 })
				report, err := c.Import(t.Context(), testTarget, testSources(300))
				require.ErrorIs(t, err, ErrIncomplete)
				for i, res := range report.Results {
					switch {
					case i == 149: // imported although its job failed
						require.NoError(t, res.Err)
						require.NotEmpty(t, res.ReadSetID)
						require.Empty(t, res.StatusMessage)
					case i == 140:
						require.ErrorIs(t, res.Err, sentinel)
						require.Equal(t, "File validation failed", res.StatusMessage)
						require.ErrorContains(t, res.Err, "File validation failed")
					case i >= 100 && i < 200:
						require.ErrorIs(t, res.Err, sentinel)
						require.Equal(t, "the role cannot be assumed", res.StatusMessage)
						require.ErrorContains(t, res.Err, "the role cannot be assumed")
						require.Empty(t, res.ReadSetID)
					default:
						require.NoError(t, res.Err)
					}
					require.NotEmpty(t, res.JobID)
				}
			})
		})
	}
}

// The error of an import says whether anything is unresolved, and names the first failure.
func TestImportErrorSaysWhatMatters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.Outcome = func(s omicstest.Source) omicstest.Outcome {
				if s.Source1 == testSources(3)[2].Source1 {
					return omicstest.Failed("no such file")
				}
				return omicstest.Outcome{}
			}
		})
		_, err := newJobsClient(t, service).Import(t.Context(), testTarget, testSources(5))
		require.ErrorIs(t, err, ErrIncomplete)
		require.NotErrorIs(t, err, ErrUnresolved)
		require.Equal(t, "not every source was imported (1 of 5 were not); the first, source 2: source failed: no such file (job 2234567891)", err.Error())
	})
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.Status(404, "ResourceNotFoundException", "x"), r.Op == omicstest.OpGet
			}
		})
		_, err := newJobsClient(t, service).Import(t.Context(), testTarget, testSources(2))
		require.ErrorIs(t, err, ErrIncomplete)
		require.ErrorIs(t, err, ErrUnresolved)
		require.ErrorContains(t, err, "2 of 2 were not; of 2 of them it is unknown")
	})
}
