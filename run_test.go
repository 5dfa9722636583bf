package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

var testTarget = Target{SequenceStoreID: "1234567890", RoleARN: "arn:aws:iam::123456789012:role/import"}

func testSources(n int) []Source {
	out := make([]Source, n)
	for i := range out {
		out[i] = UBAM(fmt.Sprintf("s3://bucket/run/%07d.bam", i)).WithSubject(fmt.Sprintf("subject-%d", i/3)).WithSample(fmt.Sprintf("sample-%d", i))
	}
	return out
}

func newTestClient(t testing.TB, service *omicstest.Service, optFns ...func(*Options)) *Client {
	c, err := New(service.Client(), optFns...)
	require.NoError(t, err)
	return c
}

// newJobsClient returns a client whose API knows jobs and no read sets, so that nothing but the jobs can settle a doubt.
func newJobsClient(t testing.TB, service *omicstest.Service, optFns ...func(*Options)) *Client {
	c, err := New(struct{ API }{service.Client()}, optFns...)
	require.NoError(t, err)
	return c
}

// watched is an OnEvent that keeps the events and checks what holds for all of them.
type watched struct {
	t      testing.TB
	events []Event
}

func (w *watched) see(e Event) {
	var last Event
	if len(w.events) > 0 {
		last = w.events[len(w.events)-1]
	}
	require.NotEqual(w.t, EventImportEnded, last.Kind, "an event after the last one: %+v", e)
	require.False(w.t, e.Time.Before(last.Time))
	require.Empty(w.t, e.Job.Sources)
	require.Equal(w.t, e.Kind == EventSourceEnded, e.Result != nil)
	require.GreaterOrEqual(w.t, e.Running, 0)
	require.GreaterOrEqual(w.t, e.Submitted, e.Running)
	require.GreaterOrEqual(w.t, e.Submitted, last.Submitted)
	require.GreaterOrEqual(w.t, e.Imported, last.Imported)
	require.GreaterOrEqual(w.t, e.Failed, last.Failed)
	require.LessOrEqual(w.t, e.Imported+e.Running, e.Submitted)
	w.events = append(w.events, e)
}

func (w *watched) of(kind EventKind) []Event {
	return slices.DeleteFunc(slices.Clone(w.events), func(e Event) bool { return e.Kind != kind })
}

func withEvents(fn func(Event)) func(*Options) { return func(o *Options) { o.OnEvent = fn } }

func TestEventsOfASmallImport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(10 * time.Minute)
			o.Outcome = func(s omicstest.Source) omicstest.Outcome {
				if s.Source1 == testSources(2)[1].Source1 {
					return omicstest.Failed("File validation failed")
				}
				return omicstest.Outcome{}
			}
		})
		w := &watched{t: t}
		report, err := newTestClient(t, service, withEvents(w.see)).Import(t.Context(), testTarget, testSources(3))
		require.ErrorIs(t, err, ErrIncomplete)

		type brief struct {
			kind   EventKind
			status types.ReadSetImportJobStatus
			index  int
			counts Counts
		}
		var got []brief
		for _, e := range w.events {
			b := brief{e.Kind, e.Job.Status, -1, e.Counts}
			if e.Result != nil {
				b.index = e.Result.Index
				require.Equal(t, report.Results[b.index], *e.Result)
			}
			require.Equal(t, b.index == 1 || b.status == types.ReadSetImportJobStatusCompletedWithFailures, e.Err != nil)
			require.Zero(t, e.Wait)
			if e.Kind != EventImportEnded {
				require.Equal(t, JobRef{testTarget.SequenceStoreID, report.Jobs[0].ID}, e.Job.JobRef)
			}
			got = append(got, b)
		}
		running := Counts{Submitted: 3, Running: 3}
		require.Equal(t, []brief{
			{EventJobStarted, types.ReadSetImportJobStatusSubmitted, -1, running},
			{EventJobStatus, types.ReadSetImportJobStatusInProgress, -1, running},
			{EventJobStatus, types.ReadSetImportJobStatusCompletedWithFailures, -1, running},
			{EventSourceEnded, "", 0, Counts{Submitted: 3, Imported: 1}},
			{EventSourceEnded, "", 1, Counts{Submitted: 3, Imported: 1, Failed: 1}},
			{EventSourceEnded, "", 2, Counts{Submitted: 3, Imported: 2, Failed: 1}},
			{EventImportEnded, "", -1, Counts{Submitted: 3, Imported: 2, Failed: 1}},
		}, got)
	})
}

func TestEventsOfTrouble(t *testing.T) {
	t.Parallel()
	throttled := omicstest.Status(429, "ThrottlingException", "slow down")
	internal := omicstest.Status(500, "InternalServerException", "x")
	for name, tc := range map[string]struct {
		op    string
		fault omicstest.Fault
		kind  EventKind
		is    error
	}{
		"start throttled":        {omicstest.OpStart, throttled, EventThrottled, ErrThrottled},
		"start fails":            {omicstest.OpStart, internal, EventStartFailed, ErrInternal},
		"no slot":                {omicstest.OpStart, omicstest.Status(402, "ServiceQuotaExceededException", "x"), EventSlotWait, ErrQuotaExceeded},
		"look throttled":         {omicstest.OpGet, throttled, EventThrottled, ErrThrottled},
		"look fails":             {omicstest.OpGet, internal, EventPollFailed, ErrInternal},
		"look not permitted":     {omicstest.OpGet, omicstest.Status(403, "AccessDeniedException", "x"), EventPollFailed, ErrAccessDenied},
		"list throttled":         {omicstest.OpList, throttled, EventThrottled, ErrThrottled},
		"list fails":             {omicstest.OpList, internal, EventPollFailed, ErrInternal},
		"list without a meaning": {omicstest.OpList, omicstest.HTML(200), EventPollFailed, nil},
		"list not permitted":     {omicstest.OpList, omicstest.AccessDenied(), EventPollFailed, ErrAccessDenied},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(10 * time.Minute) })
				service.Inject(tc.op, tc.fault)
				w := &watched{t: t}
				c := newTestClient(t, service, withEvents(w.see))
				c.opts.SourcesPerJob = 1
				_, err := c.Import(t.Context(), testTarget, testSources(4))
				require.NoError(t, err)
				var trouble []Event
				for _, e := range w.events {
					if e.Err != nil {
						trouble = append(trouble, e)
					}
				}
				require.Len(t, trouble, 1)
				require.Equal(t, tc.kind, trouble[0].Kind)
				var e *Error
				require.ErrorAs(t, trouble[0].Err, &e)
				require.Equal(t, tc.op, e.Op)
				if tc.is != nil {
					require.ErrorIs(t, e, tc.is)
				}
				// When a slot comes free is not known, and lists that are not permitted rest.
				known := tc.kind != EventSlotWait && (tc.op != omicstest.OpList || tc.is != ErrAccessDenied)
				require.Equal(t, known, trouble[0].Wait > 0)
			})
		})
	}
}

// Counts hold whatever happens, and at the end they are the report's.
func TestEventCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := roughService(11)
		sources := testSources(300)
		sources[5].SampleID = "" // never submitted
		w := &watched{t: t}
		c := newTestClient(t, service, withEvents(w.see))
		c.opts.SourcesPerJob = 7
		imported, failed := 0, 0
		for res, err := range c.Stream(t.Context(), testTarget, withoutErrors(sources)) {
			require.NoError(t, err)
			if res.Err == nil {
				imported++
			} else {
				failed++
			}
		}
		last := w.events[len(w.events)-1]
		require.Equal(t, EventImportEnded, last.Kind)
		require.Equal(t, Counts{Submitted: 299, Imported: imported, Failed: failed}, last.Counts)
		require.Equal(t, 300, imported+failed)
		require.Len(t, w.of(EventSourceEnded), 300)
		require.Len(t, w.of(EventJobStarted), (299+6)/7)
	})
}

// A slow callback holds up its import, and neither another import of the client nor the requests under way.
func TestEventsThatAreSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(10 * time.Minute)
			o.MaxActiveJobs = 10
		})
		slow := testSources(40)[:20]
		c := newTestClient(t, service, withEvents(func(e Event) {
			if e.Result != nil && e.Result.Index < 20 && e.Result.Source.Source1 < slow[19].Source1 {
				time.Sleep(time.Hour)
			}
		}))
		c.opts.SourcesPerJob = 5
		began := time.Now()
		done := make(chan time.Duration)
		go func() {
			_, err := c.Import(t.Context(), testTarget, slow)
			require.NoError(t, err)
			done <- time.Since(began)
		}()
		_, err := c.Import(t.Context(), testTarget, testSources(40)[20:])
		require.NoError(t, err)
		require.Less(t, time.Since(began), 12*time.Minute)
		require.Greater(t, <-done, 19*time.Hour)
	})
}

func TestEventsMayCallTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(10 * time.Minute) })
		var c *Client
		nested := false
		looks := 0
		c = newTestClient(t, service, func(o *Options) {
			o.MaxActiveJobs = 3
			o.OnEvent = func(e Event) {
				c.Notify(e.Job.JobRef)
				if e.Kind == EventJobStarted {
					job, err := c.Get(t.Context(), e.Job.JobRef)
					require.NoError(t, err)
					require.Equal(t, e.Job.ID, job.ID)
					looks++
				}
				if e.Kind == EventJobStarted && !nested {
					nested = true
					_, err := c.Import(t.Context(), testTarget, testSources(101)[100:])
					require.NoError(t, err)
				}
			}
		})
		_, err := c.Import(t.Context(), testTarget, testSources(100))
		require.NoError(t, err)
		require.Equal(t, 2, looks)
		require.Equal(t, 101, service.CountReadSets(testTarget.SequenceStoreID))
	})
}

func TestEventsTellWhyAnImportEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(10 * time.Hour) })
		w := &watched{t: t}
		c := newTestClient(t, service, withEvents(w.see))
		why := errors.New("end of shift")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, why)
		defer cancel()
		_, err := c.Import(ctx, testTarget, testSources(250))
		require.ErrorIs(t, err, why)
		last := w.events[len(w.events)-1]
		require.Equal(t, EventImportEnded, last.Kind)
		require.Equal(t, why, last.Err)
		require.Equal(t, Counts{Submitted: 250, Failed: 250}, last.Counts)
	})
}

// One import's slow OnEvent does not hold back the other imports of the client.
func TestEventsThatAreSlowForOneImport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(time.Minute)
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.Delay(3 * time.Second), r.Op == omicstest.OpStart
			}
		})
		c := newTestClient(t, service, withJobSize(1), atMost(8))
		slow := make(chan error)
		go func() {
			_, err := c.Import(t.Context(), testTarget, testSources(20), func(o *ImportOptions) {
				o.OnEvent = func(Event) { time.Sleep(time.Hour) }
			})
			slow <- err
		}()
		time.Sleep(10 * time.Second)
		began := time.Now()
		_, err := c.Import(t.Context(), testTarget, testSources(30)[20:])
		require.NoError(t, err)
		require.Less(t, time.Since(began), 5*time.Minute)
		require.NoError(t, <-slow)
	})
}

// An OnEvent that is slow holds back the beginning of more jobs of its own import, and nothing that was begun.
func TestEventsThatAreSlowHoldBackTheirImport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Minute) })
		c := newTestClient(t, service, withJobSize(1))
		held := make(chan struct{})
		ended := make(chan error)
		go func() {
			_, err := c.Import(t.Context(), testTarget, testSources(1000), func(o *ImportOptions) {
				o.OnEvent = func(Event) { <-held }
			})
			ended <- err
		}()
		time.Sleep(24 * time.Hour)
		begun := len(service.Jobs(testTarget.SequenceStoreID))
		require.Less(t, begun, untoldMax+10)
		require.Greater(t, begun, 10)
		require.Zero(t, c.slots.InUse(), "what was begun is looked at to its end")
		close(held)
		require.NoError(t, <-ended)
	})
}

// Where an event tells how long it is until the next try, the next request of that kind comes then, and not before.
func TestEventsTellWhenTheNextTryIs(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]omicstest.Fault{
		"no slot":     omicstest.Status(402, "ServiceQuotaExceededException", "x"),
		"start fails": omicstest.Status(500, "InternalServerException", "x"),
		"throttled":   omicstest.Status(429, "ThrottlingException", "x").WithRetryAfter(90 * time.Second),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New()
				service.Inject(omicstest.OpStart, fault, fault, fault, fault)
				w := &watched{t: t}
				_, err := newTestClient(t, service, withEvents(w.see)).Import(t.Context(), testTarget, testSources(1))
				require.NoError(t, err)
				starts := service.Requests(omicstest.OpStart)
				require.Len(t, starts, 5)
				said := 0
				for _, e := range w.events {
					if e.Kind != EventSlotWait && e.Kind != EventStartFailed && e.Kind != EventThrottled {
						continue
					}
					said++
					if e.Wait > 0 {
						require.InDelta(t, e.Wait, starts[said].Time.Sub(e.Time), float64(time.Second))
					}
				}
				require.Equal(t, 4, said)
			})
		})
	}
}

// Events of two imports of one client at once can be told apart, and events about a failure have its error.
func TestEventsOfTwoImports(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.Outcome = func(s omicstest.Source) omicstest.Outcome {
				if s.Source1 == testSources(1)[0].Source1 {
					return omicstest.Failed("missing")
				}
				return omicstest.Outcome{}
			}
		})
		c := newTestClient(t, service)
		done := make(chan struct{})
		seen := make([][]Event, 2)
		for i, name := range []string{"monday", "tuesday"} {
			go func() {
				report, _ := c.Import(t.Context(), testTarget, testSources(6)[3*i:3*i+3], func(o *ImportOptions) {
					o.RunID = name
					o.OnEvent = func(e Event) { seen[i] = append(seen[i], e) }
				})
				require.Equal(t, name, report.RunID)
				done <- struct{}{}
			}()
		}
		<-done
		<-done
		for i, name := range []string{"monday", "tuesday"} {
			require.NotEmpty(t, seen[i])
			for _, e := range seen[i] {
				require.Equal(t, name, e.RunID)
				failed := i == 0 && (e.Result != nil && e.Result.Index == 0 || e.Job.Status == types.ReadSetImportJobStatusCompletedWithFailures)
				require.Equal(t, failed, e.Err != nil, "%+v", e)
				require.Equal(t, e.Job.ID == "", e.Job.SequenceStoreID == "")
			}
		}
	})
}

// The options of an import have the client's as their defaults.
func TestImportOptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		c := newTestClient(t, service, func(o *Options) { o.RunID, o.SourcesPerJob = "monday", 2 })
		report, err := c.Import(t.Context(), testTarget, testSources(4))
		require.NoError(t, err)
		require.Equal(t, "monday", report.RunID)
		require.Len(t, report.Jobs, 2)
		report, err = c.Import(t.Context(), testTarget, testSources(4), func(o *ImportOptions) { o.SourcesPerJob, o.RunID = 1, "tuesday" })
		require.NoError(t, err)
		require.Equal(t, "tuesday", report.RunID)
		require.Len(t, report.Jobs, 4)
		requests := len(service.Requests(""))
		for _, n := range []int{-1, 101} {
			w := &watched{t: t}
			report, err = c.Import(t.Context(), testTarget, testSources(4), func(o *ImportOptions) { o.SourcesPerJob, o.OnEvent = n, w.see })
			require.ErrorContains(t, err, "SourcesPerJob must be 1 to 100")
			require.Len(t, report.Failed(), 4)
			require.Len(t, w.of(EventImportEnded), 1)
			for _, err := range c.Stream(t.Context(), testTarget, withoutErrors(testSources(4)), func(o *ImportOptions) { o.SourcesPerJob = n }) {
				require.ErrorContains(t, err, "SourcesPerJob must be 1 to 100")
			}
		}
		require.Len(t, service.Requests(""), requests)
		_, err = New(service.Client(), func(o *Options) { o.SourcesPerJob = 101 })
		require.ErrorContains(t, err, "SourcesPerJob must be 1 to 100")
	})
}

// A list tells the status of a job and nothing of its sources, and no event says anything of them before they are known.
func TestEventsOfJobsOnAList(t *testing.T) {
	t.Parallel()
	for status, fails := range map[types.ReadSetImportJobStatus]bool{
		types.ReadSetImportJobStatusCompleted: false, types.ReadSetImportJobStatusFailed: true,
	} {
		synctest.Test(t, func(t *testing.T) {
			service := omicstest.New(func(o *omicstest.Options) {
				o.JobDuration = omicstest.FixedDuration(time.Hour)
				o.JobOutcome = func(omicstest.Job) (types.ReadSetImportJobStatus, string) { return status, "" }
			})
			w := &watched{t: t}
			c := newTestClient(t, service, withJobSize(2), withEvents(w.see))
			go func() {
				time.Sleep(10 * time.Minute)
				for _, job := range service.Jobs(testTarget.SequenceStoreID) {
					c.Notify(JobRef{testTarget.SequenceStoreID, job.ID}) // a look at each, which tells of its sources
				}
			}()
			_, _ = c.Import(t.Context(), testTarget, testSources(10))
			ended := 0
			for _, e := range w.of(EventJobStatus) {
				require.NotErrorIs(t, e.Err, ErrUnresolved)
				if e.Job.Status != status {
					require.NoError(t, e.Err)
					continue
				}
				ended++
				require.Equal(t, fails, errors.Is(e.Err, ErrJobFailed))
			}
			require.Equal(t, 5, ended)
			require.NotEmpty(t, service.Requests(omicstest.OpList))
		})
	}
}
