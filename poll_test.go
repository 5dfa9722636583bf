package readsetimport

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/omicstest"
)

func TestStart(t *testing.T) {
	internal := omicstest.Status(500, "InternalServerException", "x")
	throttled := omicstest.Status(429, "ThrottlingException", "x")
	invalid := omicstest.Status(400, "ValidationException", "x")
	quota := omicstest.Status(402, "ServiceQuotaExceededException", "x")
	times := func(n int, f omicstest.Fault) []omicstest.Fault {
		out := make([]omicstest.Fault, n)
		for i := range out {
			out[i] = f
		}
		return out
	}
	for name, test := range map[string]struct {
		faults   []omicstest.Fault
		window   time.Duration
		requests int
		err      error // nil: it starts
		may      bool
		jobs     int
	}{
		"well":                        {requests: 1, jobs: 1},
		"one answer lost":             {faults: times(1, omicstest.DropAfter()), requests: 2, jobs: 1},
		"one request lost":            {faults: times(1, omicstest.DropBefore()), requests: 2, jobs: 1},
		"four errors":                 {faults: times(4, internal), requests: 5, jobs: 1},
		"four throttled":              {faults: times(4, throttled), requests: 5, jobs: 1},
		"five errors":                 {faults: times(5, internal), requests: 5, err: ErrInternal, may: true},
		"five errors after work":      {faults: times(5, internal.AfterExecution()), requests: 5, err: ErrInternal, may: true, jobs: 1},
		"five throttled":              {faults: times(5, throttled), requests: 5, err: ErrThrottled},
		"throttled after an error":    {faults: append(times(1, internal.AfterExecution()), times(4, throttled)...), requests: 5, err: ErrThrottled, may: true, jobs: 1},
		"refused":                     {faults: times(1, invalid), requests: 1, err: ErrValidation},
		"refused after an error":      {faults: []omicstest.Fault{internal, invalid}, requests: 2, err: ErrValidation, may: true},
		"refused after throttling":    {faults: []omicstest.Fault{throttled, invalid}, requests: 2, err: ErrValidation},
		"quota":                       {faults: times(1, quota), requests: 1, err: ErrQuotaExceeded},
		"quota after an error":        {faults: []omicstest.Fault{internal, quota}, requests: 2, err: ErrQuotaExceeded, may: true},
		"denied":                      {faults: times(1, omicstest.HTML(403)), requests: 1, err: ErrAccessDenied},
		"no id":                       {faults: times(5, omicstest.Empty()), requests: 5, err: wire.ErrNotCredible, may: true, jobs: 1},
		"redirected":                  {faults: times(1, omicstest.Redirect("https://x.example/")), requests: 1, err: errAny},
		"tokens not trusted, error":   {faults: times(1, internal.AfterExecution()), window: -1, requests: 1, err: ErrInternal, may: true, jobs: 1},
		"tokens not trusted, lost":    {faults: times(1, omicstest.DropAfter()), window: -1, requests: 1, err: errAny, may: true, jobs: 1},
		"tokens not trusted, 429":     {faults: times(2, throttled), window: -1, requests: 3, jobs: 1},
		"tokens trusted for a second": {faults: times(5, internal), window: time.Second, requests: 2, err: ErrInternal, may: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
				service.Inject(omicstest.OpStart, test.faults...)
				c := newTestClient(t, service, func(o *Options) { o.TokenWindow = test.window })
				c.delays.Random = func() float64 { return 0.5 }
				begin := time.Now()
				batch := newBatch(testTarget, "run", testSources(3))
				job, err := c.Start(t.Context(), batch)
				require.Less(t, time.Since(begin), 40*time.Second)
				starts := service.Requests(omicstest.OpStart)
				require.Len(t, starts, test.requests)
				require.Len(t, service.Requests(""), test.requests)
				for _, r := range starts {
					require.Equal(t, batch.ClientToken, r.ClientToken)
				}
				require.Len(t, service.Jobs(testTarget.SequenceStoreID), test.jobs)
				if test.err == nil {
					require.NoError(t, err)
					started := service.Jobs(testTarget.SequenceStoreID)[0]
					require.Equal(t, Job{
						JobRef: JobRef{testTarget.SequenceStoreID, started.ID}, RoleARN: testTarget.RoleARN,
						Status: types.ReadSetImportJobStatusSubmitted, CreationTime: started.CreationTime.Truncate(time.Millisecond).UTC(),
					}, job)
					return
				}
				var e *Error
				require.ErrorAs(t, err, &e)
				require.Zero(t, job)
				require.Equal(t, test.may, e.MayHaveStarted)
				if test.err != errAny {
					require.ErrorIs(t, err, test.err)
				}
				requireFitForLog(t, err)
			})
		})
	}
}

// Whatever ends Start, the error says that a job may have been started if one of its requests may have started one.
func TestStartKeepsItsDoubt(t *testing.T) {
	t.Parallel()
	slow := func(o *Options) { o.RequestRate = 0.1 }
	internal := omicstest.Status(500, "InternalServerException", "x").AfterExecution()
	for name, tc := range map[string]struct {
		options func(*Options)
		faults  []omicstest.Fault // of the starts
		after   time.Duration     // the context ends
		may     bool
		want    error
	}{
		"between two tries":              {slow, []omicstest.Fault{omicstest.DropAfter()}, 200 * time.Millisecond, true, errSunk},
		"waiting for its turn":           {slow, []omicstest.Fault{omicstest.DropAfter()}, 5 * time.Second, true, errSunk},
		"waiting after a 429":            {slow, []omicstest.Fault{omicstest.DropAfter(), omicstest.Status(429, "ThrottlingException", "x").WithRetryAfter(time.Minute)}, 15 * time.Second, true, errSunk},
		"on its way":                     {slow, []omicstest.Fault{internal, omicstest.Delay(time.Minute)}, 15 * time.Second, true, errSunk},
		"in the end":                     {slow, []omicstest.Fault{internal, omicstest.Status(403, "AccessDeniedException", "x")}, time.Hour, true, ErrAccessDenied},
		"the token is too old":           {func(o *Options) { o.RequestRate, o.TokenWindow = 0.01, 10*time.Second }, []omicstest.Fault{internal}, time.Hour, true, ErrInternal},
		"nothing was started":            {slow, []omicstest.Fault{omicstest.Status(429, "ThrottlingException", "x")}, 5 * time.Second, false, errSunk},
		"nothing was started, in a rush": {slow, []omicstest.Fault{omicstest.DropBefore()}, 0, false, errSunk},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
				service.Inject(omicstest.OpStart, tc.faults...)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer time.AfterFunc(tc.after, func() { cancel(errSunk) }).Stop()
				if tc.after == 0 {
					cancel(errSunk)
				}
				_, err := newTestClient(t, service, tc.options).Start(ctx, newBatch(testTarget, "run", testSources(3)))
				require.ErrorIs(t, err, tc.want)
				requireFitForLog(t, err)
				var e *Error
				require.Equal(t, tc.may, errors.As(err, &e) && e.MayHaveStarted)
				require.Len(t, service.Jobs(testTarget.SequenceStoreID), map[bool]int{true: 1}[tc.may])
			})
		})
	}
}

// Another request's Retry-After holds up the repeat of one whose answer was lost.
func TestStartKeepsItsDoubtBehindOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
		service.Inject(omicstest.OpStart, omicstest.DropAfter(), omicstest.Status(429, "ThrottlingException", "x").WithRetryAfter(2*time.Minute))
		c := newTestClient(t, service)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		go func() {
			time.Sleep(300 * time.Millisecond)
			_, _ = c.Start(ctx, newBatch(testTarget, "run", testSources(5)[3:]))
		}()
		_, err := c.Start(ctx, newBatch(testTarget, "run", testSources(3)))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.True(t, e.MayHaveStarted)
	})
}

var errAny = errors.New("an error that is no sentinel")

func TestStartFillsToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		c := newTestClient(t, service)
		batch := Batch{Target: testTarget, Sources: testSources(3)}
		first, err := c.Start(t.Context(), batch)
		require.NoError(t, err)
		require.Empty(t, batch.ClientToken)
		second, err := c.Start(t.Context(), batch)
		require.NoError(t, err)
		require.Equal(t, first.ID, second.ID, "the same batch of the same client has the same token")
		_, err = newTestClient(t, service).Start(t.Context(), batch)
		require.NoError(t, err)
		require.Len(t, service.Jobs(testTarget.SequenceStoreID), 2)

		_, err = c.Start(t.Context(), Batch{Target: testTarget, Sources: testSources(101)})
		var invalid *ValidationError
		require.ErrorAs(t, err, &invalid)
		require.Len(t, service.Requests(""), 3)
	})
}

// The context's end, in the middle of everything.
func TestContextEnds(t *testing.T) {
	internal := omicstest.Status(500, "InternalServerException", "x").AfterExecution()
	for name, test := range map[string]struct {
		call  func(context.Context, *Client) error
		fault omicstest.Fault
		may   bool
		last  error
	}{
		"Start, waiting to try again":    {start3, internal, true, ErrInternal},
		"Start, waiting, not started":    {start3, omicstest.Status(429, "", "").WithRetryAfter(time.Minute), false, ErrThrottled},
		"Start, waiting for an answer":   {start3, omicstest.Delay(20 * time.Second), true, nil},
		"Get, waiting to try again":      {get1, internal, false, ErrInternal},
		"Get, waiting for an answer":     {get1, omicstest.Delay(20 * time.Second), false, nil},
		"Wait, waiting to look again":    {wait1, omicstest.Fault{}, false, nil},
		"Wait, after a look that failed": {wait1, internal, false, ErrInternal},
		"Wait, waiting for an answer":    {wait1, omicstest.Delay(20 * time.Second), false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = omicstest.FixedDuration(time.Hour)
					o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) { return test.fault, r.ClientToken != "first" }
				})
				startJob(t, service, "first", testSources(1)...)
				c := newTestClient(t, service)
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(100*time.Millisecond, func() { cancel(errSunk) })
				begin := time.Now()
				err := test.call(ctx, c)
				require.Equal(t, 100*time.Millisecond, time.Since(begin), "at once")
				require.ErrorIs(t, err, errSunk)
				requireFitForLog(t, err)
				if test.last != nil {
					require.ErrorIs(t, err, test.last)
				}
				var e *Error
				if errors.As(err, &e) {
					require.Equal(t, test.may, e.MayHaveStarted)
				}
				require.False(t, test.may && e == nil)
			})
		})
	}
}

func start3(ctx context.Context, c *Client) error {
	_, err := c.Start(ctx, newBatch(testTarget, "run", testSources(3)))
	return err
}

// firstJob is the id of the first job that a service starts.
const firstJob = "2234567891"

func get1(ctx context.Context, c *Client) error {
	_, err := c.Get(ctx, JobRef{testTarget.SequenceStoreID, firstJob})
	return err
}

func wait1(ctx context.Context, c *Client) error {
	_, err := c.Wait(ctx, JobRef{testTarget.SequenceStoreID, firstJob})
	return err
}

func TestGet(t *testing.T) {
	internal := omicstest.Status(500, "InternalServerException", "x")
	for name, test := range map[string]struct {
		faults   []omicstest.Fault
		requests int
		err      error
	}{
		"well":         {nil, 1, nil},
		"in trouble":   {[]omicstest.Fault{internal, omicstest.DropAfter(), omicstest.Truncate(), omicstest.HTML(429)}, 5, nil},
		"in distress":  {[]omicstest.Fault{internal, internal, internal, internal, internal}, 5, ErrInternal},
		"not found":    {[]omicstest.Fault{omicstest.Status(404, "ResourceNotFoundException", "x")}, 1, ErrNotFound},
		"no access":    {[]omicstest.Fault{omicstest.Status(403, "AccessDeniedException", "x")}, 1, ErrAccessDenied},
		"a wrong job":  {[]omicstest.Fault{jsonBody(200, `{"id":"1234567890"}`)}, 2, nil},
		"a redirect":   {[]omicstest.Fault{omicstest.Redirect("https://x.example/")}, 1, errAny},
		"unknown code": {[]omicstest.Fault{omicstest.Status(400, "SerializationException", "x")}, 1, ErrValidation},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
				c := newTestClient(t, service) // which has made a request that succeeded
				started, err := c.start(t.Context(), ours(), 1, notTooLate)
				require.NoError(t, err)
				service.Inject(omicstest.OpGet, test.faults...)
				begin := time.Now()
				job, err := c.Get(t.Context(), started.JobRef)
				require.Less(t, time.Since(begin), 40*time.Second)
				require.Len(t, service.Requests(omicstest.OpGet), test.requests)
				if test.err == nil {
					require.NoError(t, err)
					require.Equal(t, started.JobRef, job.JobRef)
					var got []Source
					for _, s := range job.Sources {
						got = append(got, s.Source)
						require.Equal(t, types.ReadSetImportJobItemStatusNotStarted, s.Status)
						require.Empty(t, s.ReadSetID)
					}
					require.ElementsMatch(t, ours().Sources, got)
					return
				}
				var e *Error
				require.ErrorAs(t, err, &e)
				if test.err != errAny {
					require.ErrorIs(t, err, test.err)
				}
				require.Zero(t, job)
			})
		})
	}
}
