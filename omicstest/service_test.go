package omicstest_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

const (
	store = "1234567890"
	role  = "arn:aws:iam::123456789012:role/Import"
)

// item returns a valid source.
func item(i int) types.StartReadSetImportJobSourceItem {
	n := strconv.Itoa(i)
	return types.StartReadSetImportJobSourceItem{
		SourceFiles: &types.SourceFiles{
			Source1: aws.String("s3://lab/run/" + n + "_R1.fastq.gz"),
			Source2: aws.String("s3://lab/run/" + n + "_R2.fastq.gz"),
		},
		SourceFileType: types.FileTypeFastq,
		SubjectId:      aws.String("subject-" + n),
		SampleId:       aws.String("sample-" + n),
		Tags:           map[string]string{"lane": n},
	}
}

func items(n int) []types.StartReadSetImportJobSourceItem {
	list := make([]types.StartReadSetImportJobSourceItem, n)
	for i := range list {
		list[i] = item(i)
	}
	return list
}

func input(token string, n int) *omics.StartReadSetImportJobInput {
	in := &omics.StartReadSetImportJobInput{
		SequenceStoreId: aws.String(store), RoleArn: aws.String(role), Sources: items(n),
	}
	if token != "" {
		in.ClientToken = aws.String(token)
	}
	return in
}

func start(t *testing.T, c *omics.Client, token string, n int) string {
	t.Helper()
	out, err := c.StartReadSetImportJob(t.Context(), input(token, n))
	require.NoError(t, err)
	return *out.Id
}

func get(ctx context.Context, c *omics.Client, id string) (*omics.GetReadSetImportJobOutput, error) {
	return c.GetReadSetImportJob(ctx, &omics.GetReadSetImportJobInput{SequenceStoreId: aws.String(store), Id: aws.String(id)})
}

// bubble runs a test in virtual time, which ends with an error if a goroutine is left.
func bubble(t *testing.T, opts func(*omicstest.Options), test func(*testing.T, *omicstest.Service, *omics.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if opts == nil {
			opts = func(*omicstest.Options) {}
		}
		service := omicstest.New(opts)
		test(t, service, service.Client(func(o *omics.Options) { o.Retryer = aws.NopRetryer{} }))
	})
}

// code returns the error code that the SDK found.
func code(t *testing.T, err error) string {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	return api.ErrorCode()
}

func TestLifeOfJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(10 * time.Minute)
			o.Outcome = func(s omicstest.Source) omicstest.Outcome {
				if s.SampleID == "sample-1" {
					return omicstest.Failed("File validation failed")
				}
				return omicstest.Outcome{}
			}
		})
		client := service.Client()
		id := start(t, client, "", 3)
		began := time.Now()

		steps := []struct {
			after    time.Duration
			job      types.ReadSetImportJobStatus
			sources  string // by sample
			readSets int
		}{
			{0, "SUBMITTED", "NOT_STARTED NOT_STARTED NOT_STARTED", 0},
			{time.Minute, "IN_PROGRESS", "IN_PROGRESS NOT_STARTED NOT_STARTED", 0},
			{4 * time.Minute, "IN_PROGRESS", "FINISHED IN_PROGRESS NOT_STARTED", 1},
			{7 * time.Minute, "IN_PROGRESS", "FINISHED FAILED IN_PROGRESS", 1},
			{10 * time.Minute, "COMPLETED_WITH_FAILURES", "FINISHED FAILED FINISHED", 2},
		}
		for _, step := range steps {
			time.Sleep(time.Until(began.Add(step.after)))
			out, err := get(t.Context(), client, id)
			require.NoError(t, err)
			require.Equal(t, step.job, out.Status, step.after)
			status := map[string]string{}
			for _, s := range out.Sources {
				status[*s.SampleId] = string(s.Status)
				require.Equal(t, s.Status == "FINISHED", s.ReadSetId != nil)
				if s.Status == "FAILED" {
					require.Equal(t, "File validation failed", *s.StatusMessage)
				}
			}
			require.Equal(t, step.sources, fmt.Sprint(status["sample-0"], " ", status["sample-1"], " ", status["sample-2"]))
			require.Len(t, service.ReadSets(store), step.readSets)
			require.Equal(t, step.readSets, service.CountReadSets(store))
		}
		out, err := get(t.Context(), client, id)
		require.NoError(t, err)
		require.Equal(t, began.Add(10*time.Minute).UTC(), out.CompletionTime.UTC())
		for _, s := range service.ReadSets(store) {
			require.Equal(t, id, s.JobID)
			require.Regexp(t, `^[0-9]{10}$`, s.ID)
		}
	})
}

func TestOutcomes(t *testing.T) {
	const imported, failed, waiting = "FINISHED", "FAILED", "NOT_STARTED"
	finished := omicstest.Outcome{Status: types.ReadSetImportJobItemStatusFinished}
	tests := map[string]struct {
		job      types.ReadSetImportJobStatus
		outcomes []omicstest.Outcome
		want     types.ReadSetImportJobStatus
		sources  []string
	}{
		"all imported":  {"", make([]omicstest.Outcome, 2), "COMPLETED", []string{imported, imported}},
		"one fails":     {"", []omicstest.Outcome{{}, omicstest.Failed("x")}, "COMPLETED_WITH_FAILURES", []string{imported, failed}},
		"all fail":      {"", []omicstest.Outcome{omicstest.Failed("x"), omicstest.Failed("y")}, "FAILED", []string{failed, failed}},
		"job fails":     {"FAILED", make([]omicstest.Outcome, 2), "FAILED", []string{failed, failed}},
		"job cancelled": {"CANCELLED", make([]omicstest.Outcome, 2), "CANCELLED", []string{waiting, waiting}},
		"cancelled in the middle": {
			"CANCELLED", []omicstest.Outcome{finished, {}}, "CANCELLED", []string{imported, waiting},
		},
		"unknown job status":    {"RUNNING", make([]omicstest.Outcome, 1), "RUNNING", []string{imported}},
		"unknown source status": {"", []omicstest.Outcome{{Status: "LOST"}, {}}, "COMPLETED_WITH_FAILURES", []string{"LOST", imported}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			opts := func(o *omicstest.Options) {
				o.KeepOrder = true
				asked := 0
				o.Outcome = func(omicstest.Source) omicstest.Outcome {
					asked++
					return test.outcomes[asked-1]
				}
				o.JobOutcome = func(j omicstest.Job) (types.ReadSetImportJobStatus, string) {
					require.Len(t, j.Sources, len(test.outcomes))
					return test.job, "as told"
				}
			}
			bubble(t, opts, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
				id := start(t, c, "", len(test.outcomes))
				time.Sleep(2 * time.Second)
				out, err := get(t.Context(), c, id)
				require.NoError(t, err)
				require.Equal(t, test.want, out.Status)
				require.Equal(t, test.job != "", aws.ToString(out.StatusMessage) == "as told")
				sets := map[string]string{}
				for _, s := range service.ReadSets(store) {
					sets[s.SampleID] = s.ID
				}
				var got []string
				for i, s := range out.Sources {
					got = append(got, string(s.Status))
					require.Equal(t, sets["sample-"+strconv.Itoa(i)], aws.ToString(s.ReadSetId))
				}
				require.Equal(t, test.sources, got)
				require.Equal(t, len(sets), service.CountReadSets(store))
			})
		})
	}
}

func TestJobThatEndsAsAWhole(t *testing.T) {
	for _, end := range []types.ReadSetImportJobStatus{"CANCELLED", "FAILED"} {
		opts := func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(100 * time.Second)
			o.JobOutcome = func(omicstest.Job) (types.ReadSetImportJobStatus, string) { return end, "" }
		}
		bubble(t, opts, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
			start(t, c, "", 2)
			time.Sleep(95 * time.Second)
			job := service.Jobs(store)[0]
			want := map[types.ReadSetImportJobStatus]types.ReadSetImportJobStatus{"CANCELLED": "CANCELLING", "FAILED": "IN_PROGRESS"}
			require.Equal(t, want[end], job.Status)
			require.EqualValues(t, "IN_PROGRESS", job.Sources[0].Status, "its turn came and it does not end before the job")
			require.EqualValues(t, "IN_PROGRESS", job.Sources[1].Status)
			require.Equal(t, 1, service.ActiveJobs())
			time.Sleep(5 * time.Second)
			require.Equal(t, end, service.Jobs(store)[0].Status)
			require.Zero(t, service.ActiveJobs())
		})
	}
}

func TestJobWithoutDurationEndsAtOnce(t *testing.T) {
	opts := func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(0) }
	bubble(t, opts, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		out, err := get(t.Context(), c, start(t, c, "", 1))
		require.NoError(t, err)
		require.EqualValues(t, "COMPLETED", out.Status)
		require.Len(t, service.ReadSets(store), 1)
	})
}

func TestGetAnswersAsTheServiceDoes(t *testing.T) {
	bubble(t, nil, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		in := input("a token", 100)
		in.Sources[7] = types.StartReadSetImportJobSourceItem{
			SourceFiles:    &types.SourceFiles{Source1: aws.String("s3://lab/a.cram")},
			SourceFileType: types.FileTypeCram,
			SubjectId:      aws.String("Zoë"), SampleId: aws.String("<7> & \"x\""),
			Name: aws.String("name"), Description: aws.String("text"), GeneratedFrom: aws.String("origin"),
			ReferenceArn: aws.String("arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/0987654321"),
		}
		out, err := c.StartReadSetImportJob(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, store, *out.SequenceStoreId)
		require.Equal(t, role, *out.RoleArn)
		require.EqualValues(t, "SUBMITTED", out.Status)
		require.Equal(t, time.Now().UTC(), out.CreationTime.UTC())

		first, err := get(t.Context(), c, *out.Id)
		require.NoError(t, err)
		again, err := get(t.Context(), c, *out.Id)
		require.NoError(t, err)
		require.Equal(t, first.Sources, again.Sources)
		require.Nil(t, first.CompletionTime)

		seen := map[string]int{}
		for i, s := range first.Sources {
			require.NotEqual(t, aws.ToString(in.Sources[i].SampleId), *s.SampleId, "source %d is where it was", i)
			seen[*s.SampleId]++
			require.Equal(t, *s.SampleId, s.Tags["aws:omics:sampleId"])
			require.Equal(t, *s.SubjectId, s.Tags["aws:omics:subjectId"])
			if s.SourceFileType != types.FileTypeCram {
				require.Len(t, s.Tags, 3)
				continue
			}
			require.Equal(t, in.Sources[7].SampleId, s.SampleId)
			require.Equal(t, "", *s.SourceFiles.Source2)
			require.Equal(t, in.Sources[7].Name, s.Name)
			require.Equal(t, in.Sources[7].Description, s.Description)
			require.Equal(t, in.Sources[7].GeneratedFrom, s.GeneratedFrom)
			require.Equal(t, in.Sources[7].ReferenceArn, s.ReferenceArn)
		}
		require.Len(t, seen, 100)

		job := service.Jobs(store)[0]
		require.Equal(t, "a token", job.ClientToken)
		require.Equal(t, "Zoë", job.Sources[7].SubjectID)
		require.Equal(t, map[string]string{"lane": "8"}, job.Sources[8].Tags)
		job.Sources[8].Tags["lane"] = "changed by the caller"
		require.Equal(t, "8", service.Jobs(store)[0].Sources[8].Tags["lane"])
	})
}

func TestIDsAreUniqueAndInNoOrder(t *testing.T) {
	bubble(t, nil, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		seen := map[string]bool{}
		for range 20 {
			seen[start(t, c, "", 100)] = true
		}
		time.Sleep(time.Minute)
		for _, s := range service.ReadSets(store) {
			seen[s.ID] = true
		}
		require.Len(t, seen, 20*101)
		for id := range seen {
			require.Len(t, id, 10)
		}
		jobs := service.Jobs(store)
		require.False(t, slices.IsSortedFunc(jobs, func(a, b omicstest.Job) int { return strings.Compare(a.ID, b.ID) }))
	})
}

func TestStores(t *testing.T) {
	opts := func(o *omicstest.Options) { o.Stores = []string{store, "9999999999"} }
	bubble(t, opts, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		id := start(t, c, "", 1)
		for storeID, want := range map[string]string{
			"9999999999": "ResourceNotFoundException", // the job is in another store
			"5555555555": "ResourceNotFoundException",
			"abc":        "ValidationException",
		} {
			_, err := c.GetReadSetImportJob(t.Context(),
				&omics.GetReadSetImportJobInput{SequenceStoreId: aws.String(storeID), Id: aws.String(id)})
			require.Equal(t, want, code(t, err), storeID)
		}
		in := input("", 1)
		in.SequenceStoreId = aws.String("5555555555")
		_, err := c.StartReadSetImportJob(t.Context(), in)
		var missing *types.ResourceNotFoundException
		require.ErrorAs(t, err, &missing)
		require.Empty(t, service.Jobs("5555555555"))
		require.Empty(t, service.ReadSets("5555555555"))
		require.Zero(t, service.CountReadSets("5555555555"))
		require.Empty(t, service.Jobs("9999999999"))
		require.Len(t, service.Jobs(store), 1)
	})
}

func TestJobRetention(t *testing.T) {
	for _, discard := range []bool{false, true} {
		opts := func(o *omicstest.Options) { o.JobRetention, o.DiscardExpired = time.Hour, discard }
		bubble(t, opts, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
			id := start(t, c, "token", 3)
			time.Sleep(time.Hour)
			_, err := get(t.Context(), c, id)
			require.NoError(t, err)
			time.Sleep(2 * time.Second)
			_, err = get(t.Context(), c, id)
			require.Equal(t, "ResourceNotFoundException", code(t, err))
			require.Empty(t, list(t, c, omics.ListReadSetImportJobsInput{}))
			require.Equal(t, id, start(t, c, "token", 3), "the token outlives the record")
			kept := 3
			if discard {
				kept = 0
			}
			require.Len(t, service.ReadSets(store), kept)
			require.Len(t, service.Jobs(store), kept/3)
			require.Equal(t, 3, service.CountReadSets(store))
		})
	}
}

func TestClockSkew(t *testing.T) {
	opts := func(o *omicstest.Options) { o.ClockSkew = -time.Hour }
	bubble(t, opts, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		began := time.Now()
		out, err := c.StartReadSetImportJob(t.Context(), input("", 1))
		require.NoError(t, err)
		require.Equal(t, began.Add(-time.Hour).UTC(), out.CreationTime.UTC())
		time.Sleep(2 * time.Second)
		job, err := get(t.Context(), c, *out.Id)
		require.NoError(t, err)
		require.Equal(t, began.Add(2*time.Second-time.Hour).UTC(), job.CompletionTime.UTC())
		require.Equal(t, began.Add(-time.Hour).UTC(), service.Jobs(store)[0].CreationTime.UTC())
		require.Empty(t, list(t, c, filter("", began.Add(-time.Minute), time.Time{})))
		require.Len(t, list(t, c, filter("", began.Add(-time.Hour-time.Minute), time.Time{})), 1)
		require.Equal(t, began, service.Requests("")[0].Time)
	})
}

func TestWhatIsOnTheWire(t *testing.T) {
	opts := func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(0) }
	bubble(t, opts, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		const body = `{"roleArn":"arn:aws:iam::123456789012:role/Import","sources":[{"sourceFiles":{"source1":"s3://lab/a"},` +
			`"sourceFileType":"UBAM","subjectId":"s","sampleId":"a"}]}`
		const job = `"id":"2234567891","sequenceStoreId":"1234567890","roleArn":"arn:aws:iam::123456789012:role/Import",` +
			`"status":"COMPLETED","creationTime":"2000-01-01T00:00:00.000Z"`
		const ended = job + `,"completionTime":"2000-01-01T00:00:00.000Z"`
		path := "/sequencestore/1234567890/importjob"
		require.Equal(t, `{`+job+`}`, send(t, service, "POST", path, body).Body.String())
		require.Equal(t, `{"importJobs":[{`+ended+`}]}`, send(t, service, "POST", path+"s", "").Body.String())
		require.Equal(t, `{`+ended+`,"sources":[{"sourceFiles":{"source1":"s3://lab/a","source2":""},"sourceFileType":"UBAM",`+
			`"status":"FINISHED","subjectId":"s","sampleId":"a","tags":{"aws:omics:sampleId":"a","aws:omics:subjectId":"s"},`+
			`"readSetId":"3469135782"}]}`, send(t, service, "GET", path+"/2234567891", "").Body.String())
	})
}
