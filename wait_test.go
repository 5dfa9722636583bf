package readsetimport

import (
	"context"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

func TestWait(t *testing.T) {
	t.Parallel()
	ending := func(status types.ReadSetImportJobStatus, message string) func(*omicstest.Options) {
		return func(o *omicstest.Options) {
			o.JobOutcome = func(omicstest.Job) (types.ReadSetImportJobStatus, string) { return status, message }
		}
	}
	failing := func(first, step int) func(*omicstest.Options) {
		return func(o *omicstest.Options) {
			i := 0
			o.Outcome = func(omicstest.Source) omicstest.Outcome {
				if i++; i >= first && (i-first)%step == 0 {
					return omicstest.Failed("File validation failed")
				}
				return omicstest.Outcome{}
			}
		}
	}
	for name, test := range map[string]struct {
		change func(*omicstest.Options)
		status types.ReadSetImportJobStatus
		err    error
		failed int // sources
	}{
		"all imported":    {func(*omicstest.Options) {}, types.ReadSetImportJobStatusCompleted, nil, 0},
		"one failed":      {failing(2, 100), types.ReadSetImportJobStatusCompletedWithFailures, ErrPartialFailure, 1},
		"all failed":      {failing(1, 1), types.ReadSetImportJobStatusFailed, ErrJobFailed, 5},
		"failed":          {ending(types.ReadSetImportJobStatusFailed, "no access to the bucket"), types.ReadSetImportJobStatusFailed, ErrJobFailed, 5},
		"cancelled":       {ending(types.ReadSetImportJobStatusCancelled, "by an operator"), types.ReadSetImportJobStatusCancelled, ErrJobCancelled, 5},
		"unknown, wholly": {ending("SUCCEEDED", ""), "SUCCEEDED", nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = omicstest.FixedDuration(time.Hour)
					test.change(o)
				})
				c := newTestClient(t, service, func(o *Options) { o.MaxPollDelay = time.Minute })
				begin := time.Now()
				started, err := c.Start(t.Context(), ours())
				require.NoError(t, err)
				job, err := c.Wait(t.Context(), started.JobRef)
				require.GreaterOrEqual(t, time.Since(begin), time.Hour)
				require.LessOrEqual(t, time.Since(begin), time.Hour+time.Minute+time.Second)
				require.Equal(t, test.status, job.Status)
				want := service.Jobs(testTarget.SequenceStoreID)[0]
				require.Equal(t, want.StatusMessage, job.StatusMessage)
				require.Len(t, job.Sources, len(want.Sources))
				failed := 0
				for _, s := range job.Sources {
					if s.Status != types.ReadSetImportJobItemStatusFinished {
						failed++
					}
					require.Equal(t, s.Status == types.ReadSetImportJobItemStatusFinished, s.ReadSetID != "")
				}
				require.Equal(t, test.failed, failed)
				if test.err == nil {
					require.NoError(t, err)
					return
				}
				require.ErrorIs(t, err, test.err)
				var e *JobError
				require.ErrorAs(t, err, &e)
				require.Equal(t, job, e.Job)
				require.Contains(t, err.Error(), fmt.Sprintf("%d of 5", test.failed))
				requireFitForLog(t, err)
			})
		})
	}
}

// What Wait cannot look at, it does not wait for.
func TestWaitRefused(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault omicstest.Fault
		err   error
		looks int
	}{
		"no such job":      {omicstest.Fault{}, ErrNotFound, 1},
		"404 of a gateway": {omicstest.HTML(404), ErrNotFound, 1},
		"no permission":    {omicstest.Status(403, "AccessDeniedException", "x"), ErrAccessDenied, 1},
		"invalid":          {omicstest.Status(400, "ValidationException", "x"), ErrValidation, 1},
		"redirected":       {omicstest.Redirect("https://x.example/"), errAny, 1},
		"another job":      {jsonBody(200, `{"id":"1111111111"}`), ErrUnresolved, doubtPatience},
		"no status":        {jsonBody(200, `{"id":"`+testJobID+`"}`), ErrUnresolved, doubtPatience},
		"unknown status":   {jsonBody(200, `{"id":"`+testJobID+`","status":"RUNNING"}`), ErrUnresolved, unknownPatience},
		"too many sources": {jsonBody(200, `{"id":"`+testJobID+`","status":"COMPLETED","sources":[`+manySources(101)+`]}`), ErrUnresolved, doubtPatience},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) {
					o.Fault = func(omicstest.Request) (omicstest.Fault, bool) { return test.fault, true }
				})
				_, err := newTestClient(t, service).Wait(t.Context(), testJobRef)
				if test.err == errAny {
					require.Error(t, err)
				} else {
					require.ErrorIs(t, err, test.err)
				}
				requireFitForLog(t, err)
				require.Len(t, service.Requests(""), test.looks)
			})
		})
	}
	service := omicstest.New()
	c, err := New(service.Client(withCredentials(errNoKey)))
	require.NoError(t, err)
	_, err = c.Wait(t.Context(), testJobRef)
	require.ErrorIs(t, err, errNoKey)
}

func manySources(n int) string {
	out := "{}"
	for range n - 1 {
		out += ",{}"
	}
	return out
}

// A day without a service, and without permission and credentials in between, does not end the wait.
func TestWaitSurvivesADay(t *testing.T) {
	t.Parallel()
	faults := []omicstest.Fault{
		omicstest.Status(500, "InternalServerException", "x"), omicstest.DropBefore(), omicstest.DropAfter(), omicstest.Truncate(),
		omicstest.Status(429, "ThrottlingException", "x").WithRetryAfter(time.Hour), omicstest.HTML(503), omicstest.Status(408, "", ""),
		omicstest.Status(403, "ExpiredTokenException", "x"), omicstest.HTML(404), omicstest.Status(400, "", ""), omicstest.Delay(time.Hour),
	}
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(2 * time.Hour)
			i := 0
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				since := time.Since(begin)
				i++
				return faults[i%len(faults)], r.Op == omicstest.OpGet && since > time.Hour && since < 25*time.Hour
			}
		})
		c := newTestClient(t, service)
		started, err := c.Start(t.Context(), ours())
		require.NoError(t, err)
		job, err := c.Wait(t.Context(), started.JobRef)
		require.NoError(t, err)
		require.True(t, job.Done())
		require.Less(t, time.Since(begin), 25*time.Hour+6*time.Minute)
		requests := service.Requests(omicstest.OpGet)
		require.Less(t, len(requests), 3000, "a day of backoff is cheap")
		require.Greater(t, len(requests), 250)
	})
}

// Permission that is taken away after good looks ends the wait after half an hour in which nothing else came.
func TestWaitWhosePermissionIsTakenAway(t *testing.T) {
	t.Parallel()
	denied := omicstest.Status(403, "AccessDeniedException", "x")
	for name, tc := range map[string]struct {
		most  time.Duration // MaxPollDelay
		fault func(since time.Duration, look int) omicstest.Fault
		least time.Duration // until it ends
		limit time.Duration
		err   error
	}{
		"for good":        {0, func(time.Duration, int) omicstest.Fault { return denied }, deniedPatience, deniedPatience + 2*time.Minute, ErrAccessDenied},
		"looks are rare":  {5 * time.Minute, func(time.Duration, int) omicstest.Fault { return denied }, deniedPatience, deniedPatience + 6*time.Minute, ErrAccessDenied},
		"looks are quick": {time.Millisecond, func(time.Duration, int) omicstest.Fault { return denied }, deniedPatience, deniedPatience + time.Minute, ErrAccessDenied},
		"not valid":       {0, func(time.Duration, int) omicstest.Fault { return omicstest.Validation() }, time.Minute, time.Hour, ErrUnresolved},
		"not valid, once": {0, func(_ time.Duration, look int) omicstest.Fault { return only(look%9 > 0, omicstest.Validation()) }, 0, 3 * time.Hour, nil},
		"for a while":     {0, func(since time.Duration, _ int) omicstest.Fault { return only(since < 25*time.Minute, denied) }, 0, 3 * time.Hour, nil},
		"and an outage": {0, func(since time.Duration, look int) omicstest.Fault {
			return only(since < 10*time.Hour, []omicstest.Fault{denied, denied, omicstest.HTML(503)}[look%3])
		}, 10 * time.Hour, 11 * time.Hour, nil},
		"404s of a gateway": {0, func(since time.Duration, _ int) omicstest.Fault {
			return only(since < 2*time.Hour, omicstest.HTML(404))
		}, 2 * time.Hour, 3 * time.Hour, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = omicstest.FixedDuration(2 * time.Hour)
					looks := 0
					o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
						if r.Op != omicstest.OpGet || time.Since(began) < time.Minute {
							return omicstest.Fault{}, false
						}
						looks++
						return tc.fault(time.Since(began)-time.Minute, looks), true
					}
				})
				c := newTestClient(t, service, func(o *Options) { o.MaxPollDelay = tc.most; o.MinPollDelay = min(2*time.Second, max(tc.most, 1)) })
				if tc.most == 0 {
					c = newTestClient(t, service)
				}
				job, err := c.Start(t.Context(), ours())
				require.NoError(t, err)
				ctx, cancel := context.WithTimeout(t.Context(), 48*time.Hour)
				defer cancel()
				ended, err := c.Wait(ctx, job.JobRef)
				require.GreaterOrEqual(t, time.Since(began)-time.Minute, tc.least)
				require.LessOrEqual(t, time.Since(began)-time.Minute, tc.limit)
				if tc.err == nil {
					require.NoError(t, err)
					require.True(t, ended.Done())
					return
				}
				require.ErrorIs(t, err, tc.err)
				var e *Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, job.JobRef, ended.JobRef)
				require.NotEmpty(t, ended.Status, "as it was last seen")
			})
		})
	}
}

func only(now bool, f omicstest.Fault) omicstest.Fault {
	if now {
		return f
	}
	return omicstest.Fault{}
}

// Whoever may list jobs and not look at them has not looked at one: the end comes after minutes, for an import of many
// jobs too, and for a driver whose state is read back.
func TestLooksDeniedAndListsAllowed(t *testing.T) {
	t.Parallel()
	denied := func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(10 * time.Hour)
		o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
			return omicstest.Status(403, "AccessDeniedException", "x"), r.Op == omicstest.OpGet
		}
	}
	t.Run("Advance", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			service := omicstest.New(denied)
			c := newTestClient(t, service)
			_, _, err := c.listPage(t.Context(), testTarget.SequenceStoreID, time.Now(), "")
			require.NoError(t, err)
			d := driver{client: c, service: service, readBack: true}
			began := time.Now()
			last, err := d.run(t, Submission{Batch: ours()})
			require.ErrorIs(t, err, ErrAccessDenied)
			require.Equal(t, PhaseRunning, last.Phase)
			require.InDelta(t, grantPatience, time.Since(began), float64(2*time.Minute))
		})
	})
	for _, jobs := range []int{2, 3, 8} {
		t.Run(fmt.Sprint(jobs), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(denied, func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(10 * time.Minute) })
				c := newTestClient(t, service, func(o *Options) { o.SourcesPerJob = 1 })
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 48*time.Hour)
				defer cancel()
				_, err := c.Import(ctx, testTarget, testSources(jobs))
				require.ErrorIs(t, err, ErrAccessDenied)
				require.Less(t, time.Since(began), time.Hour)
			})
		})
	}
}

// Looks come at once, then less and less often, between the bounds.
func TestWaitDelays(t *testing.T) {
	t.Parallel()
	const least, most = 5 * time.Second, 90 * time.Second
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(3 * time.Hour) })
		c := newTestClient(t, service, func(o *Options) { o.MinPollDelay, o.MaxPollDelay = least, most })
		c.delays.Random = func() float64 { return 0.5 }
		started, err := c.Start(t.Context(), ours())
		require.NoError(t, err)
		begin := time.Now()
		_, err = c.Wait(t.Context(), started.JobRef)
		require.NoError(t, err)
		looks := service.Requests(omicstest.OpGet)
		require.Equal(t, begin, looks[0].Time)
		last := time.Duration(0)
		for i, r := range looks[1:] {
			delay := r.Time.Sub(looks[i].Time)
			require.GreaterOrEqual(t, delay, max(least, last))
			require.LessOrEqual(t, delay, most)
			last = delay
		}
		require.Equal(t, most, last)
		require.Equal(t, least, looks[1].Time.Sub(looks[0].Time))
	})
}

func TestLookDelay(t *testing.T) {
	for _, test := range []struct {
		age    time.Duration
		random float64
		want   time.Duration
	}{
		{0, 0.5, 2 * time.Second},
		{-time.Hour, 0.5, 2 * time.Second},
		{20 * time.Second, 0.5, 2 * time.Second},
		{5 * time.Minute, 0.5, 30 * time.Second},
		{5 * time.Minute, 0, 27 * time.Second},
		{5 * time.Minute, 1, 33 * time.Second},
		{20 * time.Minute, 1, 2 * time.Minute},
		{100 * time.Hour, 0, 2 * time.Minute},
		{math.MaxInt64, 1, 2 * time.Minute},
	} {
		t.Run(fmt.Sprint(test.age, test.random), func(t *testing.T) {
			c := newTestClient(t, omicstest.New())
			c.delays.Random = func() float64 { return test.random }
			got := c.delays.Look(test.age)
			require.InDelta(t, test.want, got, float64(time.Microsecond))
		})
	}
}
