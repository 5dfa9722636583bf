package readsetimport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/logtext"
	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/omicstest"
)

// jobEvent is an event as EventBridge delivers it.
const jobEvent = `{
  "version": "0",
  "id": "64ca0eda-9751-dc55-c41a-1bd50b4fc9b7",
  "detail-type": "Read Set Import Job Status Change",
  "source": "aws.omics",
  "account": "123456789012",
  "time": "2023-04-04T17:53:54Z",
  "region": "us-west-2",
  "resources": [],
  "detail": {
    "omicsVersion": "1.0.0",
    "sequenceStoreId": "1234567890",
    "id": "9876543210",
    "status": "COMPLETED",
    "statusMessage": ""
  }
}`

func TestParseEvent(t *testing.T) {
	t.Parallel()
	ref, status, err := ParseEvent([]byte(jobEvent))
	require.NoError(t, err)
	require.Equal(t, JobRef{SequenceStoreID: "1234567890", ID: "9876543210"}, ref)
	require.Equal(t, types.ReadSetImportJobStatusCompleted, status)

	ref, status, err = ParseEvent([]byte(strings.ReplaceAll(jobEvent, "COMPLETED", "HYPER_COMPLETED")))
	require.NoError(t, err, "a status of tomorrow")
	require.Equal(t, testJobRef, ref)
	require.EqualValues(t, "HYPER_COMPLETED", status)

	for name, test := range map[string]struct {
		old, new string
		path     string // of the invalid field
	}{
		"another source":        {old: "aws.omics", new: "my.omics"},
		"no source":             {old: `"source"`, new: `"sauce"`},
		"another event":         {old: "Read Set Import Job Status Change", new: "Read Set Status Change"},
		"an event of runs":      {old: "Read Set Import Job Status Change", new: "Run Status Change"},
		"no job":                {old: `"id": "9876543210",`, new: "", path: "id"},
		"a job's number":        {old: `"9876543210"`, new: `9876543210`},
		"a path for a job":      {old: "9876543210", new: "../../9876543210", path: "id"},
		"a short job":           {old: "9876543210", new: "987654321", path: "id"},
		"no store":              {old: `"sequenceStoreId": "1234567890",`, new: "", path: "sequenceStoreId"},
		"a path for a store":    {old: `"1234567890"`, new: `"1234567890/../x"`, path: "sequenceStoreId"},
		"detail that is a text": {old: jobEvent[strings.Index(jobEvent, `"detail": `):], new: `"detail": "x"}`},
		"no detail":             {old: `"detail": {`, new: `"more": {`, path: "sequenceStoreId"},
		"cut short":             {old: jobEvent[200:], new: ""},
		"a list":                {old: jobEvent, new: "[" + jobEvent + "]"},
		"nothing":               {old: jobEvent, new: ""},
		"null":                  {old: jobEvent, new: "null"},
		"something else":        {old: jobEvent, new: "hello\nworld"},
		"very long":             {old: "aws.omics", new: strings.Repeat("aws.omics ", 100_000)},
	} {
		t.Run(name, func(t *testing.T) {
			forged := strings.ReplaceAll(jobEvent, test.old, test.new)
			require.NotEqual(t, jobEvent, forged)
			ref, status, err := ParseEvent([]byte(forged))
			require.Error(t, err)
			require.Zero(t, ref)
			require.Zero(t, status)
			require.NotContains(t, err.Error(), "\n")
			require.Less(t, len(err.Error()), 500)
			var invalid *ValidationError
			if test.path != "" {
				require.ErrorAs(t, err, &invalid)
				require.Equal(t, test.path, invalid.Fields[0].Path)
			}
		})
	}
}

// FuzzParseEvent: whatever comes, a job that is read has ids that are safe to use.
func FuzzParseEvent(f *testing.F) {
	f.Add([]byte(jobEvent))
	f.Add([]byte(`{"source":"aws.omics","detail-type":"Read Set Import Job Status Change","detail":{"id":".."}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		ref, _, err := ParseEvent(data)
		if err != nil {
			require.Zero(t, ref)
			return
		}
		require.NoError(t, ref.validate())
		require.True(t, json.Valid(data))
	})
}

// What is logged of each kind of event, and that nobody is in it.
func TestLogEvents(t *testing.T) {
	source := ours().Sources[0].WithName("of somebody").WithSubject("subject-0").WithSample("sample-0")
	job := Job{JobRef: testJobRef, RoleARN: testTarget.RoleARN, Status: types.ReadSetImportJobStatusInProgress}
	failedJob := job
	failedJob.Status = types.ReadSetImportJobStatusCompletedWithFailures
	failedJob.Sources = []JobSource{{Source: source, Status: types.ReadSetImportJobItemStatusFailed, StatusMessage: "File validation failed"}}
	invalid := source
	invalid.SampleID += "\n"
	counts := Counts{Submitted: 4, Running: 3, Imported: 2, Failed: 1}
	refused := spoiled(t, opStart, omicstest.Status(400, "ValidationException", "sample-0 of subject-0 is bad"))
	const tail = " submitted=4 running=3 imported=2 failed=1"
	for _, test := range []struct {
		event Event
		want  string
	}{
		{
			Event{Kind: EventJobStarted, RunID: "monday", Job: job},
			`level=INFO msg="job started" run=monday store=1234567890 job=9876543210 status=IN_PROGRESS`,
		},
		{
			Event{Kind: EventJobStatus, Job: failedJob},
			`level=INFO msg="job status changed" store=1234567890 job=9876543210 status=COMPLETED_WITH_FAILURES`,
		},
		{
			Event{Kind: EventSourceEnded, Job: Job{JobRef: testJobRef}, Result: &Result{
				Index: 7, Source: source, JobID: testJobID, ReadSetID: "5555555555", Status: types.ReadSetImportJobItemStatusFinished,
			}},
			`level=DEBUG msg="source ended" store=1234567890 job=9876543210 index=7 readSet=5555555555 sourceStatus=FINISHED`,
		},
		{
			Event{Kind: EventSourceEnded, Job: Job{JobRef: testJobRef}, Result: &Result{
				Index: 8, Source: source, JobID: testJobID, Status: types.ReadSetImportJobItemStatusFailed, Err: failedJob.Err(),
			}},
			`level=WARN msg="source ended" store=1234567890 job=9876543210 index=8 sourceStatus=FAILED error="import job completed with failures: job 9876543210, 1 of 1 sources not imported"`,
		},
		{
			Event{Kind: EventSourceEnded, Result: &Result{Index: 9, Source: invalid, Err: invalid.Validate()}},
			`level=WARN msg="source ended" index=9 error="invalid field: sampleId (pattern)"`,
		},
		{
			Event{Kind: EventStartFailed, Err: refused, Wait: 90 * time.Second},
			`level=WARN msg="start failed" error="StartReadSetImportJob: invalid input: ValidationException (status 400, request id 00000000-0000-4000-8000-000000000001)" wait=1m30s`,
		},
		{
			Event{Kind: EventThrottled, Err: &Error{Op: "GetReadSetImportJob", StatusCode: 429}, Wait: time.Second},
			`level=WARN msg=throttled error="GetReadSetImportJob: too many requests (status 429)" wait=1s`,
		},
		{
			Event{Kind: EventImportEnded},
			`level=INFO msg="import ended"`,
		},
	} {
		t.Run(fmt.Sprint(test.event.Kind), func(t *testing.T) {
			var log bytes.Buffer
			handler := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}})
			test.event.Counts = counts
			LogEvents(slog.New(handler))(test.event)
			require.Equal(t, test.want+tail+"\n", log.String())
			for _, secret := range []string{"sample-0", "subject-0", "somebody", "s3://", "fastq"} {
				require.NotContains(t, log.String(), secret)
			}
		})
	}
}

// What the service, the caller and the system say is not logged, wherever in an event it comes.
func TestLogEventsQuotesNobody(t *testing.T) {
	t.Parallel()
	const secret = "NA12878"
	told := "Source file s3://reads/" + secret + ".bam of sample " + secret + " was not found"
	source := UBAM("s3://reads/"+secret+".bam").WithSubject(secret).WithSample(secret).WithName(secret).WithTag(secret, secret)
	job := Job{
		JobRef: JobRef{testTarget.SequenceStoreID, testJobID}, RoleARN: secret, Status: types.ReadSetImportJobStatusFailed, StatusMessage: told,
		Sources: []JobSource{{Source: source, Status: types.ReadSetImportJobItemStatusFailed, StatusMessage: told}},
	}
	hostile := Job{JobRef: JobRef{secret, secret}, RoleARN: secret, Status: secret, StatusMessage: told}
	sent := &smithy.OperationError{ServiceID: secret, OperationName: secret, Err: &smithy.GenericAPIError{Code: secret, Message: told}}
	refused := &Error{Op: secret, Code: secret, Message: told, RequestID: secret, StatusCode: 403, Err: sent}
	modelled := &Error{Op: opStart.String(), Code: "AccessDeniedException", Message: told, RequestID: "00000000-0000-4000-8000-000000000001", StatusCode: 403, Err: sent}
	tag := source.WithTag("aws:"+secret, "x").Validate()
	require.ErrorContains(t, tag, secret, "the path has the tag's key")
	failed := results(testTarget, []Source{source}, []int{0}, job)[0]
	require.ErrorContains(t, failed.Err, secret)
	foreign := errors.New(told)
	for name, err := range map[string]error{
		"a job":              job.Err(),
		"a source":           failed.Err,
		"a request":          refused,
		"a modelled refusal": modelled,
		"an answer":          &Error{Op: opGet.String(), StatusCode: 200, Err: fmt.Errorf("%w: unknown job status %q", wire.ErrNotCredible, secret)},
		"no answer":          &Error{Op: opGet.String(), Err: fmt.Errorf("%w within %s", wire.ErrNoAnswer, secret)},
		"a connection":       &Error{Op: opGet.String(), Err: &url.Error{Op: "Get", URL: "https://" + secret, Err: &net.OpError{Op: secret, Net: secret, Err: syscall.ECONNREFUSED}}},
		"a host":             &net.DNSError{Err: told, Name: secret, Server: secret},
		"a file":             &fs.PathError{Op: "write", Path: "/home/" + secret, Err: syscall.ENOSPC},
		"a tag":              tag,
		"one field":          &FieldError{Path: secret, Rule: secret, Value: secret, Detail: told},
		"fields":             &ValidationError{Fields: []*FieldError{{Path: `sources[1].tags["` + secret + `"]`, Rule: RuleReserved, Detail: told}, {Path: secret}}},
		"the caller's":       foreign,
		"nested":             fmt.Errorf("%s: %w: %w", told, errors.Join(foreign, modelled, job.Err()), tag),
		"an import's":        fmt.Errorf("%w (1 of 1 were not): %w", ErrIncomplete, notSent(foreign)),
		"not sent":           notSent(failed.Err),
		"unresolved":         fmt.Errorf("%w: %w", ErrUnresolved, refused),
		"given up":           &Error{Op: opStart.String(), Err: fmt.Errorf("%w after 5 attempts; the last: %s", errGivenUp, told)},
		"by mistake nothing": fmt.Errorf("%s: %w", told, error(nil)),
	} {
		t.Run(name, func(t *testing.T) {
			for _, e := range []Event{
				{Kind: EventImportEnded, Err: err},
				{Kind: EventStartFailed, Job: hostile, Err: err},
				{Kind: EventSourceEnded, Job: job, Result: &Result{Source: source, JobID: secret, ReadSetID: secret, Status: secret, StatusMessage: told, Err: err}},
				{Kind: EventSourceEnded, Job: hostile, Result: &failed, Err: err},
			} {
				var log bytes.Buffer
				LogEvents(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))(e)
				for _, word := range []string{secret, "s3://", "sample ", "was not found"} {
					require.NotContains(t, log.String(), word)
				}
				require.Contains(t, log.String(), `"error":"`)
			}
		})
	}
}

// What is left of an error in a log is enough to know what went wrong and to open a support case.
func TestLogText(t *testing.T) {
	t.Parallel()
	id := "00000000-0000-4000-8000-000000000001"
	for want, err := range map[string]error{
		"StartReadSetImportJob: access denied: AccessDeniedException (status 403, request id " + id + ")": &Error{Op: opStart.String(), Code: "AccessDeniedException", Message: "x", RequestID: id, StatusCode: 403},
		"StartReadSetImportJob: too many requests: TooManyRequestsException (status 400)":                 &Error{Op: opStart.String(), Code: "TooManyRequestsException", StatusCode: 400},
		"StartReadSetImportJob: internal server error (status 500); the job may have started":             &Error{Op: opStart.String(), Code: "OddException", StatusCode: 500, MayHaveStarted: true},
		"GetReadSetImportJob: no credentials: not sent: connection refused":                               &Error{Op: opGet.String(), local: true, credentials: true, Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}},
		"GetReadSetImportJob: request timed out: no answer":                                               &Error{Op: opGet.String(), Err: fmt.Errorf("%w within 30s", wire.ErrNoAnswer)},
		"GetReadSetImportJob: the answer is not credible (status 200)":                                    &Error{Op: opGet.String(), StatusCode: 200, Err: fmt.Errorf("%w: x", wire.ErrNotCredible)},
		"it is unknown whether the source was imported: jobs 1 have some or all of these sources":         fmt.Errorf("%w: %w", ErrUnresolved, logtext.Harmless("jobs 1 have some or all of these sources")),
		"not every source was imported: context deadline exceeded":                                        fmt.Errorf("%w (1 of 2 were not): %w", ErrIncomplete, context.DeadlineExceeded),
		"*errors.errorString": errors.New("end of shift"),
		"3 invalid fields: uris[3] (duplicate); sources[7].sampleId (required); sources[8].tags (reserved)": &ValidationError{Fields: []*FieldError{
			{Path: "uris[3]", Rule: RuleDuplicate}, {Path: "sources[7].sampleId", Rule: RuleRequired}, {Path: `sources[8].tags["x"]`, Rule: RuleReserved},
		}},
		"4 invalid fields: id (length); a field (invalid); sourceFiles.source2 (enum); and 1 more": &ValidationError{Fields: []*FieldError{
			{Path: "id", Rule: RuleLength}, {Path: "Sample"}, {Path: "sourceFiles.source2", Rule: RuleEnum}, {},
		}},
		"import job failed: job 9876543210, 1 of 1 sources not imported": &JobError{Job{JobRef: testJobRef, Status: types.ReadSetImportJobStatusFailed, StatusMessage: "x", Sources: make([]JobSource, 1)}},
	} {
		require.Equal(t, want, logText(err))
	}
}
