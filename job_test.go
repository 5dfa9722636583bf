package readsetimport

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/omicstest"
)

// unnamed stands for a source that the job's answer does not have.
const unnamed types.ReadSetImportJobItemStatus = "not named"

// outcomeTable is what an ended job means for a source.
var outcomeTable = []struct {
	source    types.ReadSetImportJobItemStatus
	readSet   bool         // the answer has a read set id
	completed wire.Outcome // of COMPLETED and COMPLETED_WITH_FAILURES
	failed    wire.Outcome // of FAILED and CANCELLED
}{
	{types.ReadSetImportJobItemStatusFinished, true, wire.Imported, wire.Imported},
	{types.ReadSetImportJobItemStatusFinished, false, wire.Unclear, wire.Unclear},
	{types.ReadSetImportJobItemStatusFailed, true, wire.Unclear, wire.Unclear},
	{types.ReadSetImportJobItemStatusFailed, false, wire.NotImported, wire.NotImported},
	{types.ReadSetImportJobItemStatusNotStarted, true, wire.Unclear, wire.Unclear},
	{types.ReadSetImportJobItemStatusNotStarted, false, wire.Unclear, wire.NotImported},
	{types.ReadSetImportJobItemStatusInProgress, true, wire.Unclear, wire.Unclear},
	{types.ReadSetImportJobItemStatusInProgress, false, wire.Unclear, wire.NotImported},
	{"", true, wire.Unclear, wire.Unclear},
	{"", false, wire.Unclear, wire.NotImported},
	{"CANCELLED", true, wire.Unclear, wire.Unclear},
	{"CANCELLED", false, wire.Unclear, wire.Unclear},
	{unnamed, false, wire.Unclear, wire.NotImported},
}

// The report, the journal, the next import and the job's own error agree on each row of the table.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, row := range outcomeTable {
		for status, want := range map[types.ReadSetImportJobStatus]wire.Outcome{
			types.ReadSetImportJobStatusCompleted:             row.completed,
			types.ReadSetImportJobStatusCompletedWithFailures: row.completed,
			types.ReadSetImportJobStatusFailed:                row.failed,
			types.ReadSetImportJobStatusCancelled:             row.failed,
		} {
			t.Run(fmt.Sprintf("%s, %t, %s", row.source, row.readSet, status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					sources := testSources(2)
					told := Job{Status: status, StatusMessage: "the job's", CompletionTime: time.Now(), Sources: []JobSource{
						{Source: sources[1], Status: types.ReadSetImportJobItemStatusFinished, ReadSetID: "5555555551"},
						{Source: sources[0], Status: row.source},
					}}
					if row.readSet {
						told.Sources[1].ReadSetID = "5555555550"
					}
					if row.source == unnamed {
						told.Sources = told.Sources[:1]
					}
					service := firstJobIs(t, told)
					requireOutcome(t, service, sources, want)
				})
			})
		}
	}
}

// firstJobIs is a service that answers for its first job with this one.
func firstJobIs(t *testing.T, told Job) *omicstest.Service {
	return omicstest.New(func(o *omicstest.Options) {
		o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
			told.JobRef = JobRef{r.StoreID, r.JobID}
			return jsonBody(200, getAnswer(t, told)), r.Op == omicstest.OpGet && r.JobID == firstJob
		}
	})
}

// requireOutcome imports two sources three times, and checks what is said of the first.
func requireOutcome(t *testing.T, service *omicstest.Service, sources []Source, want wire.Outcome) {
	mem := new(memoryJournal)
	for again := range 3 {
		report, err := newJobsClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources)
		res, other := report.Results[0], report.Results[1]
		require.NoError(t, other.Err)
		require.Equal(t, "5555555551", other.ReadSetID)
		require.Equal(t, again > 0, other.AlreadyImported)
		require.Equal(t, res.Err == nil, res.ReadSetID != "", "a read set id is a promise")
		looks, jobs := len(service.Requests(omicstest.OpGet)), len(service.Jobs(testTarget.SequenceStoreID))
		var failure *JobError
		switch {
		case want == wire.Imported:
			require.NoError(t, err)
			require.Equal(t, "5555555550", res.ReadSetID)
			require.Equal(t, 1, looks)
			require.Equal(t, 1, jobs)
		case want == wire.Unclear:
			require.ErrorIs(t, res.Err, ErrUnresolved)
			require.Equal(t, firstJob, res.JobID)
			require.Equal(t, doubtPatience*(again+1), looks)
			require.Equal(t, 1, jobs, "nothing is sent again")
		case again == 0:
			require.ErrorAs(t, res.Err, &failure)
			require.NotErrorIs(t, res.Err, ErrUnresolved)
			require.Equal(t, 1, looks)
		default: // it is sent again, and the service works
			require.NoError(t, err)
			require.Equal(t, 2, jobs)
		}
	}
}

// A job that has not ended says nothing final of its sources, whatever it says.
func TestOutcomesOfAJobThatRuns(t *testing.T) {
	t.Parallel()
	sources := testSources(2)
	done := Job{Status: types.ReadSetImportJobStatusCompleted, Sources: []JobSource{
		{Source: sources[0], Status: types.ReadSetImportJobItemStatusFinished, ReadSetID: "5555555550"},
		{Source: sources[1], Status: types.ReadSetImportJobItemStatusFailed},
	}}
	for _, status := range []types.ReadSetImportJobStatus{
		types.ReadSetImportJobStatusSubmitted, types.ReadSetImportJobStatusInProgress, types.ReadSetImportJobStatusCancelling, "RUNNING",
	} {
		for _, row := range outcomeTable {
			t.Run(fmt.Sprintf("%s, %s, %t", status, row.source, row.readSet), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					told := Job{Status: status, Sources: []JobSource{{Source: sources[0], Status: row.source}, {Source: sources[1], Status: row.source}}}
					if row.readSet {
						told.Sources[0].ReadSetID, told.Sources[1].ReadSetID = "5555555558", "5555555559"
					}
					if row.source == unnamed {
						told.Sources = nil
					}
					require.NoError(t, told.Err())
					report, err := newTestClient(t, answered(t, told, told, done)).Import(t.Context(), testTarget, sources)
					require.ErrorIs(t, err, ErrIncomplete)
					require.Equal(t, "5555555550", report.Results[0].ReadSetID)
					require.ErrorIs(t, report.Results[1].Err, ErrPartialFailure)
				})
			})
		}
	}
}

// What is final in a job without a known end counts once all of its sources have an outcome, and not before.
func TestOutcomesOfAJobOfUnknownEnd(t *testing.T) {
	t.Parallel()
	const finished, failed = types.ReadSetImportJobItemStatusFinished, types.ReadSetImportJobItemStatusFailed
	sources := testSources(2)
	in := JobSource{Source: sources[0], Status: finished, ReadSetID: "5555555550"}
	for name, tc := range map[string]struct {
		sources []JobSource
		ended   bool
	}{
		"both":                     {[]JobSource{in, {Source: sources[1], Status: failed}}, true},
		"one is not named":         {[]JobSource{in}, false},
		"one contradicts itself":   {[]JobSource{in, {Source: sources[1], Status: failed, ReadSetID: "5555555551"}}, false},
		"one has no read set id":   {[]JobSource{in, {Source: sources[1], Status: finished}}, false},
		"one is another's, failed": {[]JobSource{in, {Source: testSources(3)[2], Status: failed}}, false},
	} {
		for _, status := range []types.ReadSetImportJobStatus{"SUCCEEDED", types.ReadSetImportJobStatusInProgress} {
			t.Run(name+", "+string(status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					told := Job{Status: status, CompletionTime: time.Now(), Sources: tc.sources}
					s := Submission{Batch: newBatch(testTarget, "run", sources)}
					ended, _ := s.judge(told)
					require.Equal(t, tc.ended, ended)
				})
			})
		}
	}
}

// An answer that has another's sources is looked at again. Of a job that completed, what it says of ours is believed then;
// of one that failed, and of one with more sources than were sent, nothing is. What is not clear is not sent again.
func TestAnswerWithOtherSources(t *testing.T) {
	t.Parallel()
	const finished, failed = types.ReadSetImportJobItemStatusFinished, types.ReadSetImportJobItemStatusFailed
	sources := testSources(3)
	named := func(i int, status types.ReadSetImportJobItemStatus, id string) JobSource {
		return JobSource{Source: sources[i], Status: status, ReadSetID: id}
	}
	for name, tc := range map[string]struct {
		told  []JobSource
		first bool // the first source is known to be imported
	}{
		"another":                 {[]JobSource{named(0, finished, "5555555550"), named(2, failed, "")}, true},
		"all of them others":      {[]JobSource{named(2, failed, "")}, false},
		"one more":                {[]JobSource{named(0, finished, "5555555550"), named(1, failed, ""), named(2, failed, "")}, false},
		"one twice, in two minds": {[]JobSource{named(0, finished, "5555555550"), named(0, failed, "")}, false},
		"one twice, two ids":      {[]JobSource{named(0, finished, "5555555550"), named(0, finished, "5555555551")}, false},
		"one twice, the same":     {[]JobSource{named(0, finished, "5555555550"), named(0, finished, "5555555550")}, true},
	} {
		for _, status := range []types.ReadSetImportJobStatus{types.ReadSetImportJobStatusFailed, types.ReadSetImportJobStatusCompletedWithFailures} {
			t.Run(name+", "+string(status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					service := firstJobIs(t, Job{Status: status, CompletionTime: time.Now(), Sources: tc.told})
					mem := new(memoryJournal)
					for again := range 2 {
						report, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources[:2])
						require.ErrorIs(t, err, ErrIncomplete)
						require.ErrorIs(t, report.Results[1].Err, ErrUnresolved)
						if tc.first && status == types.ReadSetImportJobStatusCompletedWithFailures {
							require.Equal(t, "5555555550", report.Results[0].ReadSetID)
							require.NoError(t, report.Results[0].Err)
						} else {
							require.ErrorIs(t, report.Results[0].Err, ErrUnresolved)
						}
						require.Len(t, service.Requests(omicstest.OpGet), doubtPatience*(again+1))
						require.Len(t, service.Jobs(testTarget.SequenceStoreID), 1)
					}
				})
			})
		}
	}
}

// The answer about a job of which the input has only a part is read as for the whole.
func TestPartOfAJob(t *testing.T) {
	t.Parallel()
	const finished, failed, progress = types.ReadSetImportJobItemStatusFinished, types.ReadSetImportJobItemStatusFailed, types.ReadSetImportJobItemStatusInProgress
	sources := testSources(3)
	outcomes := func(status types.ReadSetImportJobStatus, each ...JobSource) Job {
		for i := range each {
			each[i].Source = sources[i]
		}
		return Job{Status: status, CompletionTime: time.Now(), Sources: each}
	}
	id := func(i int) JobSource { return JobSource{Status: finished, ReadSetID: fmt.Sprintf("555555555%d", i)} }
	for name, tc := range map[string]struct {
		told  Job
		want  []error // of the first two sources
		looks int
	}{
		"all of it":            {outcomes(types.ReadSetImportJobStatusCompleted, id(0), id(1), id(2)), []error{nil, nil}, 1},
		"one fails":            {outcomes(types.ReadSetImportJobStatusCompletedWithFailures, id(0), JobSource{Status: failed}, id(2)), []error{nil, ErrPartialFailure}, 1},
		"another is not clear": {outcomes(types.ReadSetImportJobStatusCompletedWithFailures, id(0), id(1), JobSource{Status: progress}), []error{nil, nil}, doubtPatience},
		"one is not clear":     {outcomes(types.ReadSetImportJobStatusCompletedWithFailures, id(0), JobSource{Status: progress}, id(2)), []error{nil, ErrUnresolved}, doubtPatience},
		"another is not named": {outcomes(types.ReadSetImportJobStatusCompleted, id(0), id(1)), []error{nil, nil}, doubtPatience},
		"one by one":           {outcomes(types.ReadSetImportJobStatusCompleted, id(0)), []error{nil, ErrUnresolved}, doubtPatience},
		"another's":            {Job{Status: types.ReadSetImportJobStatusFailed, Sources: []JobSource{{Source: testSources(4)[3], Status: failed}}}, []error{ErrUnresolved, ErrUnresolved}, doubtPatience},
		"failed, without any":  {outcomes(types.ReadSetImportJobStatusFailed), []error{ErrJobFailed, ErrJobFailed}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runs := true
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = omicstest.FixedDuration(10 * time.Hour)
					o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
						tc.told.JobRef = JobRef{r.StoreID, r.JobID}
						return jsonBody(200, getAnswer(t, tc.told)), r.Op == omicstest.OpGet && !runs
					}
				})
				mem := new(memoryJournal)
				cutOff(t, newTestClient(t, service, journaled(mem)), sources, time.Minute)
				runs = false
				before := len(service.Requests(omicstest.OpGet))
				report, _ := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, sources[:2])
				require.Equal(t, tc.looks, len(service.Requests(omicstest.OpGet))-before)
				for i, want := range tc.want {
					if want == nil {
						require.NoError(t, report.Results[i].Err)
					} else {
						require.ErrorIs(t, report.Results[i].Err, want)
					}
				}
			})
		})
	}
}

// cutOff is an import that its context ends.
func cutOff(t *testing.T, c *Client, sources []Source, after time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	_, err := c.Import(ctx, testTarget, sources)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// A source's error says each thing once, and is the job's error all the same.
func TestSourceErrors(t *testing.T) {
	t.Parallel()
	const failed, notStarted = types.ReadSetImportJobItemStatusFailed, types.ReadSetImportJobItemStatusNotStarted
	for want, tc := range map[string]struct {
		status   types.ReadSetImportJobStatus
		message  string
		source   types.ReadSetImportJobItemStatus
		ofSource string
		kind     error
	}{
		"source failed: File validation failed (job 9876543210)":  {types.ReadSetImportJobStatusCompletedWithFailures, "1 of 2 failed", failed, "File\nvalidation failed", ErrPartialFailure},
		"source failed: no access to the bucket (job 9876543210)": {types.ReadSetImportJobStatusFailed, "no access to the bucket", failed, "", ErrJobFailed},
		"source failed (job 9876543210)":                          {types.ReadSetImportJobStatusFailed, "", failed, "", ErrJobFailed},
		"import job cancelled: by an operator (job 9876543210)":   {types.ReadSetImportJobStatusCancelled, "by an operator", notStarted, "", ErrJobCancelled},
		"import job failed: no disk (job 9876543210)":             {types.ReadSetImportJobStatusFailed, "another", notStarted, "no disk", ErrJobFailed},
		"import job cancelled (job 9876543210)":                   {types.ReadSetImportJobStatusCancelled, "", "", "", ErrJobCancelled},
	} {
		job := Job{JobRef: testJobRef, Status: tc.status, StatusMessage: tc.message, Sources: []JobSource{
			{Source: testSources(1)[0], Status: tc.source, StatusMessage: tc.ofSource},
		}}
		res := results(testTarget, testSources(1), []int{7}, job)[0]
		require.EqualError(t, res.Err, want)
		require.ErrorIs(t, res.Err, tc.kind)
		var failure *JobError
		require.ErrorAs(t, res.Err, &failure)
		require.Equal(t, job, failure.Job)
		require.Equal(t, 7, res.Index)
		requireFitForLog(t, res.Err)
	}
}
