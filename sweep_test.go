package readsetimport

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// lookCase is an import of 10 jobs, of 15 to 60 minutes, and what its looks may cost.
type lookCase struct {
	service func(o *omicstest.Options)
	most    time.Duration // from a job's end until its results are there
	gets    int           // at most
	lists   int           // at most
}

func listFault(f omicstest.Fault) func(o *omicstest.Options) {
	return func(o *omicstest.Options) {
		o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) { return f, r.Op == omicstest.OpList }
	}
}

func listBody(text string) func(o *omicstest.Options) {
	return listFault(omicstest.Raw(200, http.Header{"Content-Type": {"application/json"}}, func() io.Reader { return strings.NewReader(text) }))
}

func TestSweeps(t *testing.T) {
	late := 70 * time.Second // MaxPollDelay, and some
	tests := map[string]lookCase{
		"all is well":                           {func(*omicstest.Options) {}, late, 45, 200},
		"jobs come on the list late":            {func(o *omicstest.Options) { o.ListLag = 5 * time.Minute }, late + 5*time.Minute, 400, 200},
		"jobs come on the list after their end": {func(o *omicstest.Options) { o.ListLag = 3 * time.Hour }, late, 900, 300},
		"the list is forbidden":                 {listFault(omicstest.Status(403, "AccessDeniedException", "x")), late, 900, 12},
		"the list fails":                        {listFault(omicstest.Status(500, "InternalServerException", "x")), late, 900, 40},
		"the list is throttled":                 {listFault(omicstest.Status(429, "ThrottlingException", "x")), late, 900, 40},
		"the list is broken off":                {listFault(omicstest.Truncate()), late, 900, 12},
		"the list is HTML":                      {listFault(omicstest.HTML(200)), late, 900, 12},
		"the list does not answer":              {listFault(omicstest.Delay(time.Hour)), late + time.Minute, 900, 40},
		"pages of one":                          {func(o *omicstest.Options) { o.PageSize = 1 }, late, 900, 5000},
		"the list is empty":                     {listBody(`{"importJobs":[]}`), late, 900, 300},
		"the list is another's":                 {listBody(`{"importJobs":[{"id":"1111111111","sequenceStoreId":"1234567899","status":"COMPLETED"}]}`), late, 900, 12},
		"ids that are none":                     {listBody(`{"importJobs":[{"id":"../..","status":"COMPLETED"}]}`), late, 900, 12},
		"pages without end":                     {listBody(`{"importJobs":[],"nextToken":"again"}`), late, 900, 24},
		"too many on a page":                    {listBody(`{"importJobs":[` + strings.Repeat(`{"id":"1111111111","status":"COMPLETED"},`, 200) + `{"id":"1111111111"}]}`), late, 900, 12},
	}
	if underRace {
		maps.DeleteFunc(tests, func(name string, _ lookCase) bool { return name != "all is well" && name != "the list is throttled" })
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := 0
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = func(omicstest.Job) time.Duration { n++; return time.Duration(10+5*n) * time.Minute }
					tc.service(o)
				})
				c := newTestClient(t, service, func(o *Options) { o.MaxPollDelay = time.Minute })
				c.opts.SourcesPerJob = 1
				w := &watched{t: t}
				c.opts.OnEvent = w.see
				report, err := c.Import(t.Context(), testTarget, testSources(10))
				require.NoError(t, err)
				requireTruth(t, service, testSources(10), report)
				ends := make(map[string]time.Time)
				for _, job := range service.Jobs(testTarget.SequenceStoreID) {
					ends[job.ID] = job.CompletionTime
				}
				for _, e := range w.of(EventSourceEnded) {
					require.LessOrEqual(t, e.Time.Sub(ends[e.Job.ID]), tc.most)
				}
				gets, lists := len(service.Requests(omicstest.OpGet)), len(service.Requests(omicstest.OpList))
				t.Logf("%d gets, %d lists", gets, lists)
				require.LessOrEqual(t, gets, tc.gets)
				require.LessOrEqual(t, lists, tc.lists)
				require.Positive(t, lists)
				requireBelowQuota(t, service)
			})
		})
	}
}

// A list that calls jobs ended that are not costs looks, and no result comes of it.
func TestSweepsAreNotTheTruth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var service *omicstest.Service
		service = omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(30 * time.Minute) })
		c := newTestClient(t, service)
		c.opts.SourcesPerJob = 10
		c.opts.OnEvent = func(e Event) {
			if e.Kind != EventJobStarted || e.Submitted < 50 {
				return
			}
			var ids []string
			for _, job := range service.Jobs(testTarget.SequenceStoreID) {
				ids = append(ids, `{"id":"`+job.ID+`","status":"COMPLETED"}`)
			}
			lie := omicstest.Raw(200, http.Header{"Content-Type": {"application/json"}}, func() io.Reader {
				return strings.NewReader(`{"importJobs":[` + strings.Join(ids, ",") + `]}`)
			})
			for range 5 {
				service.Inject(omicstest.OpList, lie)
			}
		}
		report, err := c.Import(t.Context(), testTarget, testSources(50))
		require.NoError(t, err)
		requireTruth(t, service, testSources(50), report)
		for _, job := range report.Jobs {
			require.Equal(t, types.ReadSetImportJobStatusCompleted, job.Status)
		}
		require.LessOrEqual(t, len(service.Requests(omicstest.OpGet)), 5*5+10)
		require.Zero(t, c.slots.InUse())
	})
}

// A job whose status on the list is not known may run, and keeps its slot.
func TestSweepsWithUnknownStatuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
		api := service.Client(func(o *omics.Options) {
			next := o.HTTPClient
			o.HTTPClient = doFunc(func(req *http.Request) (*http.Response, error) {
				res, err := next.Do(req)
				if err != nil || !strings.HasSuffix(req.URL.Path, "/importjobs") {
					return res, err
				}
				text, err := io.ReadAll(res.Body)
				text = bytes.ReplaceAll(text, []byte(`"IN_PROGRESS"`), []byte(`"RUNNING"`))
				res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
				return res, err
			})
		})
		c, err := New(api, atMost(4), withJobSize(5))
		require.NoError(t, err)
		report, err := c.Import(t.Context(), testTarget, testSources(60))
		require.NoError(t, err)
		requireTruth(t, service, testSources(60), report)
		jobs := service.Jobs(testTarget.SequenceStoreID)
		require.Len(t, jobs, 12)
		for i, job := range jobs[4:] {
			require.False(t, job.CreationTime.Before(jobs[i].CompletionTime), "job %d", i+4)
		}
	})
}

// Only a list that was read to its end tells that no job has ended unseen, so that a slot more than the limit can be tried.
func TestSweepsThatTellOfAllJobs(t *testing.T) {
	t.Parallel()
	failed := &Error{Op: opList.String(), StatusCode: http.StatusInternalServerError}
	for name, tc := range map[string]struct {
		complete bool
		err      error
		tells    bool
	}{
		"all of it":    {complete: true, tells: true},
		"a part of it": {complete: false},
		"none of it":   {err: failed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newTestClient(t, omicstest.New(), func(o *Options) { o.MaxPollDelay = 10 * time.Minute })
				r := c.newRun(testTarget, ImportOptions{})
				running := Job{JobRef: testJobRef, Status: types.ReadSetImportJobStatusInProgress}
				for range sweepMin {
					slot, err := c.slots.Acquire(t.Context())
					require.NoError(t, err)
					slot.Started()
					r.flights = append(r.flights, &flight{slot: slot, busy: true, sub: Submission{Phase: PhaseRunning, Job: running, SentAt: time.Now()}})
				}
				full, err := c.slots.Acquire(t.Context())
				require.NoError(t, err)
				full.Refused()
				c.slots.Seen()
				time.Sleep(5 * time.Minute)
				r.swept(t.Context(), sweepAnswer{r.flights, map[string]Job{running.ID: running}, tc.complete, tc.err})
				began := time.Now()
				_, err = c.slots.Acquire(t.Context())
				require.NoError(t, err)
				require.Equal(t, tc.tells, time.Since(began) == 0)
			})
		})
	}
}

// A list that is long with the jobs of others is not worth its requests.
func TestSweepsThatCostTooMuch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(2 * time.Hour)
			o.PageSize = 1
		})
		c := newTestClient(t, service, func(o *Options) { o.MaxPollDelay = time.Minute })
		c.opts.SourcesPerJob = 1
		time.AfterFunc(3*time.Second, func() { otherJobs(t, service, 20) })
		_, err := c.Import(t.Context(), testTarget, testSources(4))
		require.NoError(t, err)
		require.InDelta(t, 4*120/10, len(service.Requests(omicstest.OpList)), 8, "4 pages in each 10 minutes")
		require.Greater(t, len(service.Requests(omicstest.OpGet)), 4*120)
	})
}

// A job whose looks fail keeps its own time for the next, although sweeps for the others go on.
func TestSweepsLeaveFailingLooksAlone(t *testing.T) {
	if underRace {
		t.Skip("too slow under the race detector")
	}
	synctest.Test(t, func(t *testing.T) {
		n := 0
		var sick string
		began := time.Now()
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = func(omicstest.Job) time.Duration {
				n++
				if n == 1 {
					return time.Minute
				}
				return 10 * time.Hour
			}
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.Status(500, "InternalServerException", "x"), r.Op == omicstest.OpGet && r.JobID == sick && time.Since(began) < 9*time.Hour
			}
		})
		c := newTestClient(t, service, func(o *Options) {
			o.MaxPollDelay = 2 * time.Minute
			o.OnEvent = func(e Event) {
				if e.Kind == EventJobStarted && sick == "" {
					sick = e.Job.ID
				}
			}
		})
		c.opts.SourcesPerJob = 10
		_, err := c.Import(t.Context(), testTarget, testSources(100))
		require.NoError(t, err)
		var last time.Time
		gets := 0
		for _, r := range service.Requests(omicstest.OpGet) {
			if r.JobID != sick {
				continue
			}
			if gets++; gets > 10 {
				require.GreaterOrEqual(t, r.Time.Sub(last), time.Minute)
			}
			last = r.Time
		}
		require.Greater(t, gets, 300)
	})
}
