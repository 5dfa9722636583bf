package readsetimport

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/token"
	"github.com/readsetimport/readsetimport/omicstest"
)

// driver is an orchestrator: it saves what Advance returns, sleeps until NextAt and calls it again.
type driver struct {
	client   *Client
	service  *omicstest.Service
	readBack bool                 // the state is read back before every step
	twice    func() bool          // the state is handed to Advance twice, as after a crash before it was saved
	late     func() time.Duration // how much later than NextAt the next step comes
	steps    int
}

// run advances a submission until it has ended. An error ends it too.
func (d *driver) run(t *testing.T, s Submission) (Submission, error) {
	for ; d.steps < 5000; d.steps++ {
		if d.readBack {
			s = readBack(t, s)
		}
		if d.twice != nil && d.twice() {
			s = readBack(t, s)
			_, _ = d.client.Advance(t.Context(), s)
		}
		before := len(d.service.Requests(""))
		next, err := d.client.Advance(t.Context(), s)
		require.LessOrEqual(t, len(d.service.Requests(""))-before, 1)
		if err != nil || next.Ended() {
			return next, err
		}
		if d.steps < 20 {
			requireRoundTrip(t, next)
		}
		wait := time.Until(next.NextAt)
		if d.late != nil {
			wait += d.late()
		}
		time.Sleep(wait)
		s = next
	}
	t.Fatalf("it has no end: %s, %s", s.Phase, s.LastError)
	return s, nil
}

// Whatever passes by itself, a batch ends as one job.
func TestAdvanceEndsWithOneJob(t *testing.T) {
	t.Parallel()
	faults := []omicstest.Fault{
		omicstest.DropBefore(), omicstest.DropAfter(), omicstest.Truncate(), omicstest.Reset(), omicstest.Empty(),
		omicstest.Status(500, "InternalServerException", "x"), omicstest.Status(500, "", "").AfterExecution(),
		omicstest.Status(429, "ThrottlingException", "x").WithRetryAfter(10 * time.Second), omicstest.Status(402, "", ""),
		omicstest.Status(408, "RequestTimeoutException", "x").AfterExecution(), omicstest.HTML(503), omicstest.HTML(502).AfterExecution(),
		omicstest.Delay(45 * time.Second), omicstest.Late(5 * time.Minute), omicstest.Late(20 * time.Second),
	}
	var searched, adopted, again int
	seeds := uint64(30)
	if underRace {
		seeds = 12
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				random := rand.New(rand.NewPCG(seed, 1))
				chance := func(p float64) bool { return random.Float64() < p }
				faulty := []float64{0.2, 0.5, 0.8}[random.IntN(3)]
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = omicstest.FixedDuration(time.Duration(random.IntN(7200)) * time.Second)
					o.TokenWindow = 48 * time.Hour
					o.ListLag = time.Duration(random.IntN(4)) * time.Minute
					o.ClockSkew = time.Duration(random.IntN(7)-3) * time.Hour
					o.PageSize = 1 + random.IntN(3)
					o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
						return faults[random.IntN(len(faults))], chance(faulty)
					}
				})
				c := newTestClient(t, service)
				if chance(0.3) {
					// Jobs of others.
					for i := range 5 {
						b := newBatch(testTarget, fmt.Sprint(i), testSources(9)[i+3:i+4])
						_, _ = c.start(t.Context(), b, 1, notTooLate)
					}
				}
				d := driver{client: c, service: service, readBack: chance(0.5)}
				if chance(0.3) {
					d.twice = func() bool { return chance(0.3) }
				}
				if chance(0.5) {
					d.late = func() time.Duration {
						if chance(0.1) {
							return time.Duration(random.IntN(180)) * time.Minute
						}
						return 0
					}
				}
				batch := newBatch(testTarget, "run", testSources(3))
				last, err := d.run(t, Submission{Batch: batch})
				require.NoError(t, err)
				require.Equal(t, PhaseDone, last.Phase, last.LastError)
				require.NoError(t, last.Job.Err())

				time.Sleep(time.Hour) // for requests that are carried out late
				jobs := jobsOf(service, batch)
				require.Len(t, jobs, 1)
				require.Equal(t, last.Job.ID, jobs[0].ID)
				require.Equal(t, token.Attempt(batch.ClientToken, last.Attempt), jobs[0].ClientToken)
				for _, r := range service.Requests(omicstest.OpStart) {
					require.NotEmpty(t, r.ClientToken)
				}
				if last.Attempt > 1 {
					again++
				} else if len(service.Requests(omicstest.OpList)) > 0 {
					adopted++
				}
				searched += len(service.Requests(omicstest.OpList))
			})
		})
	}
	if !underRace { // with so few seeds, not all of it happens
		require.NotZero(t, searched)
		require.NotZero(t, adopted)
		require.NotZero(t, again)
	}
}

// jobsOf is the service's jobs that have the first of a batch's sources.
func jobsOf(service *omicstest.Service, b Batch) []omicstest.Job {
	var jobs []omicstest.Job
	for _, job := range service.Jobs(b.Target.SequenceStoreID) {
		for _, s := range job.Sources {
			if s.Source1 == b.Sources[0].Source1 {
				jobs = append(jobs, job)
			}
		}
	}
	return jobs
}

// answered is a service whose Get answers are these, the last of them for ever.
func answered(t *testing.T, answers ...Job) *omicstest.Service {
	return omicstest.New(func(o *omicstest.Options) {
		o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
			if r.Op != omicstest.OpGet {
				return omicstest.Fault{}, false
			}
			job := answers[0]
			if len(answers) > 1 {
				answers = answers[1:]
			}
			job.JobRef = JobRef{r.StoreID, r.JobID}
			return jsonBody(200, getAnswer(t, job)), true
		}
	})
}

// getAnswer is a job as Get answers it.
func getAnswer(t *testing.T, job Job) string {
	sources := make([]map[string]any, len(job.Sources))
	for i, s := range job.Sources {
		data, err := json.Marshal(s.Source)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &sources[i]))
		sources[i]["status"], sources[i]["statusMessage"], sources[i]["readSetId"] = s.Status, s.StatusMessage, s.ReadSetID
	}
	answer := map[string]any{
		"id": job.ID, "sequenceStoreId": job.SequenceStoreID, "roleArn": testTarget.RoleARN,
		"status": job.Status, "statusMessage": job.StatusMessage, "sources": sources,
		"creationTime": time.Now().UTC().Format(time.RFC3339),
	}
	if !job.CompletionTime.IsZero() {
		answer["completionTime"] = job.CompletionTime.UTC().Format(time.RFC3339)
	}
	data, err := json.Marshal(answer)
	require.NoError(t, err)
	return string(data)
}

func TestStrangeJobs(t *testing.T) {
	t.Parallel()
	const (
		finished   = types.ReadSetImportJobItemStatusFinished
		failed     = types.ReadSetImportJobItemStatusFailed
		notStarted = types.ReadSetImportJobItemStatusNotStarted
		completed  = types.ReadSetImportJobStatusCompleted
	)
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	sources := testSources(3)
	job := func(status types.ReadSetImportJobStatus, each ...types.ReadSetImportJobItemStatus) Job {
		j := Job{Status: status}
		for i, s := range each {
			js := JobSource{Source: sources[i%3], Status: s}
			if s == finished {
				js.ReadSetID = fmt.Sprintf("%010d", i)
			}
			j.Sources = append(j.Sources, js)
		}
		return j
	}
	ended := func(j Job) Job { j.CompletionTime = now; return j }
	idless := job(completed, finished, finished, finished)
	idless.Sources[1].ReadSetID = "../../secrets"
	wellFinished := []types.ReadSetImportJobItemStatus{finished, finished, finished}
	tests := map[string]struct {
		answers []Job
		phase   Phase
		jobErr  error
		looks   int
	}{
		"completed":                     {[]Job{job(completed, wellFinished...)}, PhaseDone, nil, 1},
		"failed as a whole":             {[]Job{job(types.ReadSetImportJobStatusFailed, failed, failed, failed)}, PhaseDone, ErrJobFailed, 1},
		"failed without sources":        {[]Job{job(types.ReadSetImportJobStatusFailed)}, PhaseDone, ErrJobFailed, 1},
		"cancelled":                     {[]Job{job("CANCELLING", notStarted), job(types.ReadSetImportJobStatusCancelled, notStarted, notStarted, finished)}, PhaseDone, ErrJobCancelled, 2},
		"partly failed":                 {[]Job{job("COMPLETED_WITH_FAILURES", finished, failed, finished)}, PhaseDone, ErrPartialFailure, 1},
		"created, running, completed":   {[]Job{job("CREATED"), job("RUNNING", notStarted, notStarted, notStarted), job(completed, wellFinished...)}, PhaseDone, nil, 3},
		"unknown status for ever":       {[]Job{job("RUNNING", notStarted, notStarted, notStarted)}, PhaseUnresolved, nil, unknownPatience},
		"no status for ever":            {[]Job{job("")}, PhaseUnresolved, nil, doubtPatience},
		"unknown status, all ended":     {[]Job{ended(job("SUCCEEDED", wellFinished...))}, PhaseDone, nil, 1},
		"unknown status, not all ended": {[]Job{ended(job("SUCCEEDED", finished, notStarted, finished)), job(completed, wellFinished...)}, PhaseDone, nil, 2},
		"in progress, all ended":        {[]Job{ended(job("IN_PROGRESS", finished, failed, finished))}, PhaseDone, ErrPartialFailure, 1},
		"without a read set id":         {[]Job{idless}, PhaseDone, ErrUnresolved, doubtPatience},
		"read set id comes later":       {[]Job{idless, idless, job(completed, wellFinished...)}, PhaseDone, nil, 3},
		"completed, source not started": {[]Job{job(completed, finished, notStarted, finished)}, PhaseDone, ErrUnresolved, doubtPatience},
		"completed, sources missing":    {[]Job{job(completed, finished)}, PhaseDone, nil, doubtPatience},
		"completed, no sources":         {[]Job{job(completed)}, PhaseDone, nil, doubtPatience},
		"more sources than sent":        {[]Job{job(completed, finished, finished, finished, finished)}, PhaseUnresolved, nil, doubtPatience},
	}
	if underRace {
		delete(tests, "unknown status for ever") // a thousand looks
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := answered(t, test.answers...)
				d := driver{client: newJobsClient(t, service), service: service, readBack: test.looks < 100}
				last, err := d.run(t, Submission{Batch: newBatch(testTarget, "run", sources)})
				require.Equal(t, test.phase, last.Phase)
				require.Equal(t, test.looks, len(service.Requests(omicstest.OpGet)))
				if test.phase == PhaseUnresolved {
					require.ErrorIs(t, err, ErrUnresolved)
					require.NotEmpty(t, last.LastError)
					requireFitForLog(t, err)
					return
				}
				require.NoError(t, err)
				if test.jobErr == nil {
					require.NoError(t, last.Job.Err())
				} else {
					require.ErrorIs(t, last.Job.Err(), test.jobErr)
				}
				want := test.answers[len(test.answers)-1]
				require.Equal(t, want.Status, last.Job.Status)
				require.Len(t, last.Job.Sources, len(want.Sources))
				for i, s := range last.Job.Sources {
					require.Equal(t, want.Sources[i].Status, s.Status)
					require.Equal(t, want.Sources[i].Source, s.Source)
					require.NotContains(t, s.ReadSetID, ".")
				}
			})
		})
	}
}

// A job whose record is gone ends as unresolved, but not while it is so young that the record may not be there yet.
func TestJobVanishes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		code  string
		phase Phase
	}{"404": {"ResourceNotFoundException", PhaseUnresolved}, "404 of a gateway": {"", PhaseDone}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begin := time.Now()
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = omicstest.FixedDuration(time.Hour)
					o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
						return omicstest.Status(404, test.code, ""), r.Op == omicstest.OpGet && time.Since(begin) < 2*time.Hour
					}
				})
				d := driver{client: newJobsClient(t, service, func(o *Options) { o.MaxPollDelay = time.Minute }), service: service}
				last, err := d.run(t, Submission{Batch: newBatch(testTarget, "run", testSources(3))})
				require.Equal(t, test.phase, last.Phase)
				require.GreaterOrEqual(t, time.Since(begin), settling)
				if test.phase == PhaseUnresolved {
					require.ErrorIs(t, err, ErrUnresolved)
					require.ErrorIs(t, err, ErrNotFound)
					require.Less(t, time.Since(begin), settling+15*time.Minute)
				}
			})
		})
	}
}

// Credentials that are being renewed are worth waiting for, where some were good before.
func TestCredentialsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		c := newTestClient(t, service)
		_, _, err := c.listPage(t.Context(), testTarget.SequenceStoreID, time.Now(), "")
		require.NoError(t, err)
		expired := omicstest.Status(403, "ExpiredTokenException", "x")
		service.Inject(omicstest.OpStart, expired, expired, expired)
		d := driver{client: c, service: service}
		last, err := d.run(t, Submission{Batch: newBatch(testTarget, "run", testSources(3))})
		require.NoError(t, err)
		require.Equal(t, PhaseDone, last.Phase)

		service.Inject(omicstest.OpStart, expired, expired, expired, expired, expired, expired, expired, expired, expired)
		last, err = d.run(t, Submission{Batch: newBatch(testTarget, "other", testSources(3))})
		require.ErrorIs(t, err, ErrAccessDenied)
		require.Equal(t, PhasePlanned, last.Phase)
		last, err = d.run(t, last) // mended
		require.NoError(t, err)
		require.Equal(t, PhaseDone, last.Phase)
	})
}

// The context that ends between two steps leaves a state that goes on elsewhere.
func TestAdvanceElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
		s := Submission{Batch: newBatch(testTarget, "run", testSources(3))}
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			next, err := newTestClient(t, service).Advance(ctx, readBack(t, s)) // a process of its own
			cancel()
			require.NoError(t, err)
			time.Sleep(time.Until(next.NextAt))
			if s = next; s.Ended() {
				break
			}
		}
		require.Equal(t, PhaseDone, s.Phase)
		require.Len(t, service.Jobs(testTarget.SequenceStoreID), 1)
	})
}

// Credentials that are late on the first day of a client are waited for. Those that cannot come are not.
func TestCredentialsOfAFreshClient(t *testing.T) {
	t.Parallel()
	outage := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ETIMEDOUT}
	for name, tc := range map[string]struct {
		err   error
		lasts time.Duration
		least time.Duration // until it ends
		most  time.Duration
		want  error
	}{
		"a moment":    {outage, 30 * time.Second, 30 * time.Second, 2 * time.Minute, nil},
		"minutes":     {outage, 2 * time.Minute, 2 * time.Minute, 4 * time.Minute, nil},
		"for ever":    {outage, 1000 * time.Hour, 2 * time.Minute, 15 * time.Minute, ErrCredentials},
		"no provider": {errNoKey, 1000 * time.Hour, 0, time.Second, ErrCredentials},
	} {
		for state, start := range map[string]func(t *testing.T, service *omicstest.Service, c *Client) error{
			"Import": func(t *testing.T, _ *omicstest.Service, c *Client) error {
				_, err := c.Import(t.Context(), testTarget, testSources(250))
				return err
			},
			"running": func(t *testing.T, service *omicstest.Service, c *Client) error {
				d := driver{client: c, service: service, readBack: true}
				_, err := d.run(t, stateOf(t, service, "running"))
				return err
			},
			"sending": func(t *testing.T, service *omicstest.Service, c *Client) error {
				d := driver{client: c, service: service, readBack: true}
				_, err := d.run(t, stateOf(t, service, "read back"))
				return err
			},
			"searching": func(t *testing.T, service *omicstest.Service, c *Client) error {
				d := driver{client: c, service: service, readBack: true}
				_, err := d.run(t, stateOf(t, service, "late"))
				return err
			},
		} {
			t.Run(name+", "+state, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Second) })
					var began time.Time
					c, err := New(service.Client(func(o *omics.Options) {
						o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
							if began.IsZero() {
								began = time.Now()
							}
							if time.Since(began) < tc.lasts {
								return aws.Credentials{}, tc.err
							}
							return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "key"}, nil
						})
					}))
					require.NoError(t, err)
					err = start(t, service, c)
					took := time.Since(began)
					require.GreaterOrEqual(t, took, tc.least)
					if tc.want == nil {
						require.NoError(t, err)
						require.Less(t, took, tc.most+settling)
						return
					}
					require.Less(t, took, tc.most)
					require.ErrorIs(t, err, tc.want)
					require.ErrorIs(t, err, tc.err)
				})
			})
		}
	}
}

// A driver is told since when there is no slot, across a state that is read back, until anything else is said of it.
func TestFullSince(t *testing.T) {
	t.Parallel()
	full := omicstest.Status(402, "ServiceQuotaExceededException", "x")
	for name, tc := range map[string]struct {
		then  omicstest.Fault // after three refusals for want of a slot
		since bool            // it is still so
	}{
		"again":               {full, true},
		"throttled":           {omicstest.Status(429, "ThrottlingException", "x"), true},
		"started":             {omicstest.Fault{}, false},
		"invalid":             {omicstest.Status(400, "ValidationException", "x"), false},
		"forbidden":           {omicstest.Status(403, "AccessDeniedException", "x"), false},
		"internal":            {omicstest.Status(500, "InternalServerException", "x"), false},
		"it may have started": {omicstest.DropAfter(), false},
	} {
		for _, saved := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, %t", name, saved), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
					service.Inject(omicstest.OpStart, full, full, full, tc.then)
					c := newTestClient(t, service)
					s := Submission{Batch: ours()}
					var since time.Time
					for len(service.Requests(omicstest.OpStart)) < 4 {
						if saved {
							s = readBack(t, s)
						}
						time.Sleep(time.Until(s.NextAt))
						at := time.Now() // of the next step, which makes the first request
						s, _ = c.Advance(t.Context(), s)
						switch n := len(service.Requests(omicstest.OpStart)); {
						case n == 0:
							since = at
						case n < 4:
							require.True(t, since.Equal(s.FullSince))
						}
					}
					require.Equal(t, tc.since, !s.FullSince.IsZero())
					if tc.since {
						require.True(t, since.Equal(s.FullSince))
					}
					requireRoundTrip(t, s)
				})
			})
		}
	}
}
