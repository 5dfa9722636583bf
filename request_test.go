package readsetimport

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/omicstest"
)

const testJobID = "9876543210"

// Which answers are credible is a matter of package wire. Here it counts what becomes of a request that has another.
func TestAnswersNotCredible(t *testing.T) {
	t.Parallel()
	job := func(id, store string, more ...string) string {
		return fmt.Sprintf(`{"id":%q,"sequenceStoreId":%q,"roleArn":"arn:r","status":"COMPLETED"%s}`, id, store, strings.Join(more, ""))
	}
	list := func(jobs ...string) string { return `{"importJobs":[` + strings.Join(jobs, ",") + `]}` }
	many := func(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	const store, other = "1234567890", "1234567891"
	source := `{"sourceFiles":{"source1":"s3://bucket/a"},"sourceFileType":"UBAM","status":"FINISHED","sampleId":"a","subjectId":"b","readSetId":"1234567890"}`
	tests := []struct {
		name string
		op   operation
		body string
		ok   bool
	}{
		{"a job", opStart, job(testJobID, store), true},
		{"empty object", opStart, `{}`, false},
		{"a path", opStart, job("../../../../x", store), false},
		{"the job", opGet, job(testJobID, store), true},
		{"101 sources", opGet, job(testJobID, store, `,"sources":[`+many(101, source)+`]`), false},
		{"another job", opGet, job("9876543211", store), false},
		{"no jobs", opList, list(), true},
		{"nothing", opList, `{}`, false},
		{"a path among jobs", opList, list(job(testJobID, store), job("../../x1234567", store)), false},
		{"a job of another store", opList, list(job(testJobID, other)), false},
		{"the same page again", opList, `{"importJobs":[],"nextToken":"page-token"}`, false},
	}
	for _, test := range tests {
		t.Run(fmt.Sprintf("%s/%s", test.op, test.name), func(t *testing.T) {
			require.True(t, json.Valid([]byte(test.body)), test.body)
			fault := jsonBody(200, test.body)
			if !test.ok {
				e := spoiled(t, test.op, fault)
				require.ErrorIs(t, e, wire.ErrNotCredible)
				require.Equal(t, test.op == opStart, e.MayHaveStarted)
				require.Equal(t, 200, e.StatusCode)
				return
			}
			service := omicstest.New()
			service.Inject("", fault)
			require.NoError(t, newTestClient(t, service).request(t.Context(), test.op))
		})
	}
}

func TestUnreadableAnswers(t *testing.T) {
	for name, fault := range map[string]omicstest.Fault{
		"cut short":       omicstest.Truncate(),
		"reset":           omicstest.Reset(),
		"huge":            omicstest.Huge(200, "", 64<<20),
		"HTML":            omicstest.HTML(200),
		"an array":        jsonBody(200, `[]`),
		"a number as id":  jsonBody(200, `{"id":1234567890}`),
		"a quoting time":  jsonBody(200, `{"id":"1234567890","creationTime":"sample-0"}`),
		"a quoting value": jsonBody(200, `{"id":"1234567890","creationTime":"2026-01-01T00:00:00Z","sources":"sample-0"} sample-0`),
	} {
		for _, op := range operations {
			t.Run(fmt.Sprintf("%s/%s", name, op), func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) { o.KeepOrder = true })
				service.Inject("", fault)
				err := newTestClient(t, service).request(t.Context(), op)
				var e *Error
				if !errors.As(err, &e) { // a field that this operation's answer does not have
					require.Contains(t, name, "a ")
					return
				}
				requireFitForLog(t, err)
				require.Equal(t, op == opStart && e.StatusCode < 300, e.MayHaveStarted)
				require.Equal(t, e.StatusCode < 300, e.passing())
			})
		}
	}
}

func TestRedirectsRefused(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, op := range operations {
			t.Run(fmt.Sprintf("%d/%s", status, op), func(t *testing.T) {
				service := omicstest.New()
				service.Inject("", omicstest.Raw(status, http.Header{"Location": {"https://elsewhere.example/sequencestore/1234567890/importjobs"}}, nil))
				err := newTestClient(t, service).request(t.Context(), op)
				requireRedirectRefused(t, err)
				require.Len(t, service.Requests(""), 1)
			})
		}
	}
}

func requireRedirectRefused(t *testing.T, err error) {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	requireKind(t, err, nil)
	requireFitForLog(t, err)
	require.Contains(t, err.Error(), "redirect")
	require.False(t, e.passing())
	require.False(t, e.MayHaveStarted)
}

// A client of the caller's own that follows redirects, whatever it is asked.
func TestRedirectsFollowedByOthers(t *testing.T) {
	service := omicstest.New()
	follower := http.Client{Transport: service.Client().Options().HTTPClient.(*http.Client).Transport}
	c, err := New(service.Client(withHTTP(doFunc(follower.Do))))
	require.NoError(t, err)
	for _, op := range operations {
		service.Inject("", omicstest.Raw(http.StatusSeeOther, http.Header{"Location": {"https://elsewhere.example/"}}, nil))
		err := c.request(t.Context(), op)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.ErrorIs(t, err, wire.ErrRedirected)
		require.False(t, e.passing())
		require.Equal(t, op == opStart, e.MayHaveStarted)
	}
}

// One call is one request, whatever retries the caller's client is set to.
func TestOneRequestPerCall(t *testing.T) {
	standard := func() aws.Retryer { return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = 10 }) }
	eager := func(o *omics.Options) {
		o.Retryer, o.RetryMaxAttempts, o.RetryMode = standard(), 7, aws.RetryModeAdaptive
	}
	for _, fault := range []omicstest.Fault{
		omicstest.Status(500, "InternalServerException", "x"), omicstest.Status(429, "ThrottlingException", "x"),
		omicstest.Status(408, "RequestTimeoutException", "x"), omicstest.HTML(503),
		omicstest.DropBefore(), omicstest.DropAfter(), omicstest.Reset(),
	} {
		for _, op := range operations {
			service := omicstest.New(func(o *omicstest.Options) {
				o.Fault = func(omicstest.Request) (omicstest.Fault, bool) { return fault, true }
			})
			c, err := New(service.Client(eager), func(o *Options) { o.ClientOptions = []func(*omics.Options){eager} })
			require.NoError(t, err)
			require.Error(t, c.request(t.Context(), op))
			require.Len(t, service.Requests(""), 1)
		}
	}
}

func TestMayHaveStarted(t *testing.T) {
	reset := &url.Error{Op: "Post", URL: "https://x/?maxResults=1", Err: &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}}
	dial := &url.Error{Op: "Post", URL: "https://x/", Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
	proxy := &url.Error{Op: "Post", URL: "https://x/", Err: &net.OpError{Op: "proxyconnect", Net: "tcp", Err: dial.Err}}
	failing := func(err error) API {
		return omicstest.New().Client(withHTTP(doFunc(func(*http.Request) (*http.Response, error) { return nil, err })))
	}
	for name, test := range map[string]struct {
		api   API
		cause error
		want  bool
	}{
		"reset":                    {failing(reset), syscall.ECONNRESET, true},
		"not connected":            {failing(dial), syscall.ECONNREFUSED, false},
		"no proxy":                 {failing(proxy), syscall.ECONNREFUSED, false},
		"lost":                     {failing(io.EOF), io.EOF, true},
		"an API of another make":   {fakeAPI{err: io.EOF}, io.EOF, true},
		"one that applies options": {applyingAPI{fakeAPI{err: io.EOF}}, io.EOF, true},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := New(test.api)
			require.NoError(t, err)
			var e *Error
			require.ErrorAs(t, c.request(t.Context(), opStart), &e)
			require.ErrorIs(t, e, test.cause)
			require.Equal(t, test.want, e.MayHaveStarted)
			require.True(t, e.passing())
			requireFitForLog(t, e)
			require.ErrorAs(t, c.request(t.Context(), opGet), &e)
			require.False(t, e.MayHaveStarted)
		})
	}
}

// The sequence store id is part of the path, which the SDK does not escape.
func TestIDsNeverReachAPath(t *testing.T) {
	service := omicstest.New()
	c := newTestClient(t, service)
	for _, id := range []string{"", "..", "../..", "1234567890/..", "123456789", "1234567890?x=1", "１２３４５６７８９０", strings.Repeat("1", 37)} {
		ref := JobRef{SequenceStoreID: id, ID: testJobID}
		batch := Batch{Target: Target{id, testTarget.RoleARN}, ClientToken: "token", Sources: testSources(1)}
		for name, call := range map[string]func() error{
			"Get":      func() error { _, err := c.Get(t.Context(), ref); return err },
			"Get, job": func() error { _, err := c.Get(t.Context(), JobRef{testTarget.SequenceStoreID, id}); return err },
			"Wait":     func() error { _, err := c.Wait(t.Context(), ref); return err },
			"Start":    func() error { _, err := c.Start(t.Context(), batch); return err },
			"planned":  func() error { _, err := c.Advance(t.Context(), Submission{Batch: batch}); return err },
			"sending": func() error {
				_, err := c.Advance(t.Context(), Submission{Batch: batch, Phase: PhaseSending})
				return err
			},
			"searching": func() error {
				_, err := c.Advance(t.Context(), Submission{Batch: batch, Phase: PhaseSending, Search: Search{Since: time.Now()}})
				return err
			},
			"running": func() error {
				_, err := c.Advance(t.Context(), Submission{Phase: PhaseRunning, Job: Job{JobRef: ref}})
				return err
			},
			"token empty": func() error {
				_, err := c.Advance(t.Context(), Submission{Batch: Batch{Target: testTarget, Sources: testSources(1)}, Phase: PhaseSending, SentAt: time.Now()})
				return err
			},
		} {
			require.Error(t, call(), "%s %q", name, id)
		}
	}
	require.Empty(t, service.Requests(""))
}
