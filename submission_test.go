package readsetimport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// after is what one step must come to.
type after struct {
	phase      Phase
	err        error // and no other sentinel; nil: no error
	least      time.Duration
	most       time.Duration // of the delay to the next step; 0: no delay is asked for
	failures   int
	doubts     int
	searching  bool
	unresolved bool
	requests   int // that reach the service
}

var (
	errSunk  = errors.New("the ship sank")
	errNoKey = errors.New("no key in the safe")
)

// What a step can come to. A backoff after the first failure is half a second to a second.
var (
	again     = after{phase: PhasePlanned, least: time.Second / 2, most: time.Second, failures: 1, requests: 1}
	repeat    = after{phase: PhaseSending, least: time.Second / 2, most: time.Second, failures: 1, requests: 1}
	seek      = after{phase: PhaseSending, least: time.Second / 2, most: time.Second, failures: 1, requests: 1, searching: true}
	clear1    = after{phase: PhaseSending, least: settling, most: settling, requests: 1, searching: true}
	seekDoubt = after{phase: PhaseSending, least: time.Second / 2, most: time.Second, failures: 1, doubts: 1, requests: 1, searching: true}
	started   = after{phase: PhaseRunning, least: 2 * time.Second, most: 2 * time.Second, requests: 1}
	look      = after{phase: PhaseRunning, least: time.Second / 2, most: time.Second, failures: 1, requests: 1}
	doubted   = after{phase: PhaseRunning, least: time.Second / 2, most: time.Second, failures: 1, doubts: 1, requests: 1}
)

func (a after) with(err error) after {
	a.err = err
	return a
}

func (a after) unsent() after {
	a.requests = 0
	return a
}

func refused(err error) after { return after{phase: PhasePlanned, err: err, requests: 1} }
func lost(err error) after {
	a := seek.with(err)
	a.unresolved = true
	return a
}

func kept(p Phase, searching bool) after {
	return after{phase: p, err: errSunk, searching: searching, requests: 1}
}

// The state machine: every phase, every answer.
func TestAdvance(t *testing.T) {
	t.Parallel()
	type row struct {
		name  string
		fault omicstest.Fault
		// A batch that was never sent; one whose state was read back; one that was read back past the token window, so that
		// its job is looked for; one whose job runs.
		untried, readBack, late, running after
	}
	final := func(name string, f omicstest.Fault, err error) row {
		return row{name, f, refused(err), seek.with(err), lost(err), look}
	}
	passing := func(name string, f omicstest.Fault) row { return row{name, f, again, repeat, seek, look} }
	unknown := func(name string, f omicstest.Fault) row { return row{name, f, repeat, repeat, seek, look} }
	rows := []row{
		{"400", omicstest.Status(400, "ValidationException", "x"), refused(ErrValidation), seek.with(ErrValidation), lost(ErrValidation), doubted},
		final("403", omicstest.Status(403, "AccessDeniedException", "x"), ErrAccessDenied),
		{"404", omicstest.Status(404, "ResourceNotFoundException", "x"), refused(ErrNotFound), seek.with(ErrNotFound), seek, look},
		passing("402", omicstest.Status(402, "ServiceQuotaExceededException", "x")),
		passing("429", omicstest.Status(429, "ThrottlingException", "x")),
		passing("429 with 400", omicstest.Status(400, "ThrottlingException", "x")),
		unknown("408", omicstest.Status(408, "RequestTimeoutException", "x")),
		unknown("500", omicstest.Status(500, "InternalServerException", "x")),
		unknown("500 after work", omicstest.Status(500, "InternalServerException", "x").AfterExecution()),
		unknown("reset before work", omicstest.DropBefore()),
		unknown("reset after work", omicstest.DropAfter()),
		unknown("carried out late", omicstest.Late(time.Minute)),
		unknown("cut body", omicstest.Truncate()),
		unknown("reset body", omicstest.Reset()),
		unknown("200, HTML", omicstest.HTML(200)),
		{"200, empty", omicstest.Empty(), repeat, repeat, seekDoubt, doubted},
		{"200, another job", jsonBody(200, `{"id":"1111111111","sequenceStoreId":"2222222222"}`), repeat, repeat, seekDoubt, doubted},
		{"307", omicstest.Redirect("https://elsewhere.example/"), refused(nil), seek, lost(nil), look},
		{"418", omicstest.Status(418, "TeapotException", "x"), refused(nil), seek, lost(nil), look},
		{"well", omicstest.Fault{}, started, started, clear1, started},
	}
	for _, status := range []int{400, 402, 403, 404, 408, 429, 500, 502, 503, 504} {
		for name, f := range map[string]omicstest.Fault{"plain": omicstest.Status(status, "", ""), "HTML": omicstest.HTML(status)} {
			name = fmt.Sprintf("%d, %s", status, name)
			switch status {
			case 400:
				rows = append(rows, final(name, f, ErrValidation))
			case 403:
				rows = append(rows, final(name, f, ErrAccessDenied))
			case 404:
				rows = append(rows, final(name, f, ErrNotFound))
			case 402, 429:
				rows = append(rows, passing(name, f))
			default:
				rows = append(rows, unknown(name, f))
			}
		}
	}
	for _, row := range rows {
		for state, want := range map[string]after{"untried": row.untried, "read back": row.readBack, "late": row.late, "running": row.running} {
			t.Run(state+"/"+row.name, func(t *testing.T) {
				// An answer that is refused without a sentinel is an error still.
				failed := want.err != nil || (row.name == "307" || row.name == "418") && state != "running"
				advanceOnce(t, state, want, failed, func(service *omicstest.Service) { service.Inject("", row.fault) }, nil)
			})
		}
	}
	unconnected := func(o *omics.Options) {
		o.HTTPClient = doFunc(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
		})
	}
	for state, want := range map[string]after{"untried": again, "read back": repeat, "late": seek, "running": look} {
		t.Run(state+"/not connected", func(t *testing.T) { advanceOnce(t, state, want.unsent(), false, nil, unconnected) })
	}
	local := repeat.with(ErrCredentials)
	for state, want := range map[string]after{"untried": refused(ErrCredentials), "read back": local, "late": lost(ErrCredentials), "running": look.with(ErrCredentials)} {
		t.Run(state+"/no credentials", func(t *testing.T) {
			advanceOnce(t, state, want.unsent(), want.err != nil, nil, withCredentials(errNoKey))
		})
	}
	sinking := omicstest.Delay(20 * time.Second)
	for state, want := range map[string]after{
		"untried": kept(PhaseSending, false), "read back": kept(PhaseSending, false), "late": kept(PhaseSending, true), "running": kept(PhaseRunning, false),
	} {
		t.Run(state+"/context ends", func(t *testing.T) {
			advanceOnce(t, state, want, true, func(service *omicstest.Service) { service.Inject("", sinking) }, nil)
		})
	}
}

// advanceOnce takes one step from a state, and checks what it comes to. The context ends after 10 seconds.
func advanceOnce(t *testing.T, state string, want after, failed bool, prepare func(*omicstest.Service), change func(*omics.Options)) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
		s := stateOf(t, service, state)
		if prepare != nil {
			prepare(service)
		}
		if change == nil {
			change = func(*omics.Options) {}
		}
		c, err := New(service.Client(change))
		require.NoError(t, err)
		ctx, cancel := context.WithCancelCause(t.Context())
		defer time.AfterFunc(10*time.Second, func() { cancel(errSunk) }).Stop()
		before := len(service.Requests(""))
		next, err := c.Advance(ctx, s)

		require.Equal(t, failed, err != nil, "%v", err)
		for _, sentinel := range append([]error{errSunk}, sentinels...) {
			require.Equal(t, sentinel == want.err, errors.Is(err, sentinel), "%v is %v", err, sentinel)
		}
		require.Equal(t, want.unresolved, errors.Is(err, ErrUnresolved))
		if err != nil {
			requireFitForLog(t, err)
		}
		require.Equal(t, want.phase, next.Phase)
		require.Equal(t, want.failures, next.Failures)
		require.Equal(t, want.doubts, next.Doubts)
		require.Equal(t, want.failures > 0, next.LastError != "")
		require.Equal(t, want.requests, len(service.Requests(""))-before)
		require.Equal(t, want.searching, next.Search.On())
		if delay := time.Until(next.NextAt); want.most == 0 {
			require.LessOrEqual(t, delay, time.Duration(0))
		} else {
			require.GreaterOrEqual(t, delay, want.least)
			require.LessOrEqual(t, delay, want.most)
		}
		require.Equal(t, s.Batch, next.Batch)
		require.Equal(t, 1, next.Attempt)
		requireRoundTrip(t, next)
	})
}

// stateOf is a submission in some state, of a batch that no request has left for unless its job runs.
func stateOf(t *testing.T, service *omicstest.Service, state string) Submission {
	c := newTestClient(t, service)
	s, err := c.Advance(t.Context(), Submission{Batch: newBatch(testTarget, "run", testSources(3))})
	require.NoError(t, err)
	switch state {
	case "read back":
		s = readBack(t, s)
	case "late":
		s = readBack(t, s)
		time.Sleep(time.Hour)
	case "running":
		s, err = c.Advance(t.Context(), s)
		require.NoError(t, err)
	}
	return s
}

// readBack is the submission as it comes back from where it was saved.
func readBack(t *testing.T, s Submission) Submission {
	t.Helper()
	data, err := json.Marshal(s)
	require.NoError(t, err)
	var back Submission
	require.NoError(t, json.Unmarshal(data, &back))
	return back
}

func requireRoundTrip(t *testing.T, s Submission) {
	t.Helper()
	back := readBack(t, s)
	want, err := json.Marshal(s)
	require.NoError(t, err)
	got, err := json.Marshal(back)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
	require.Equal(t, s.Batch, back.Batch)
	if len(s.Job.Sources) > 0 {
		require.Equal(t, s.Job.Sources, back.Job.Sources)
	}
	require.True(t, s.NextAt.Equal(back.NextAt) && s.SentAt.Equal(back.SentAt) && s.Search.Since.Equal(back.Search.Since))
}

// Steps that make no request.
func TestAdvanceWithoutRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		c := newTestClient(t, service)
		batch := newBatch(testTarget, "run", testSources(3))
		ended, cancel := context.WithCancelCause(t.Context())
		cancel(errSunk)
		for _, phase := range []Phase{"", PhasePlanned, PhaseSending, PhaseRunning, PhaseDone, PhaseUnresolved} {
			s := Submission{Batch: batch, Phase: phase, Job: Job{JobRef: testJobRef}}
			next, err := c.Advance(ended, s)
			require.Equal(t, errSunk, err)
			require.Equal(t, s, next)
		}
		for _, phase := range []Phase{PhaseDone, PhaseUnresolved} {
			s := Submission{Batch: batch, Phase: phase, Attempt: 2, Job: Job{JobRef: testJobRef, Status: types.ReadSetImportJobStatusFailed}}
			next, err := c.Advance(t.Context(), s)
			require.NoError(t, err)
			require.Equal(t, s, next)
			require.True(t, next.Ended())
		}
		for _, phase := range []Phase{"", PhasePlanned} {
			next, err := c.Advance(t.Context(), Submission{Batch: batch, Phase: phase})
			require.NoError(t, err)
			require.Equal(t, PhaseSending, next.Phase)
			require.Equal(t, batch, next.Batch)
			require.Equal(t, 1, next.Attempt)
			require.False(t, next.Ended())
			require.Equal(t, time.Now(), next.SentAt)
			require.LessOrEqual(t, time.Until(next.NextAt), time.Duration(0))
		}
		batch.ClientToken = ""
		first, err := c.Advance(t.Context(), Submission{Batch: batch})
		require.NoError(t, err)
		second, err := c.Advance(t.Context(), Submission{Batch: batch})
		require.NoError(t, err)
		require.NotEmpty(t, first.Batch.ClientToken)
		require.Equal(t, first.Batch, second.Batch)

		batch.Sources[1].SampleID = ""
		next, err := c.Advance(t.Context(), Submission{Batch: batch})
		require.ErrorIs(t, err, ErrValidation)
		require.Zero(t, next.Phase)
		_, err = c.Advance(t.Context(), Submission{Batch: batch, Phase: "nonsense"})
		require.Error(t, err)
		require.Empty(t, service.Requests(""))
	})
}

// What is unknown of a source that the answer about the job does not name is in Err as it is in Results.
func TestErrTellsOfSourcesThatTheJobDoesNotName(t *testing.T) {
	t.Parallel()
	const (
		finished = types.ReadSetImportJobItemStatusFinished
		failed   = types.ReadSetImportJobItemStatusFailed
	)
	sources := testSources(3)
	for name, tc := range map[string]struct {
		status types.ReadSetImportJobStatus
		named  []types.ReadSetImportJobItemStatus
	}{
		"completed, one is named":      {types.ReadSetImportJobStatusCompleted, []types.ReadSetImportJobItemStatus{finished}},
		"completed, none is named":     {types.ReadSetImportJobStatusCompleted, nil},
		"with failures, two are named": {types.ReadSetImportJobStatusCompletedWithFailures, []types.ReadSetImportJobItemStatus{finished, failed}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				job := Job{Status: tc.status}
				for i, status := range tc.named {
					js := JobSource{Source: sources[i], Status: status}
					if status == finished {
						js.ReadSetID = "1000000000"
					}
					job.Sources = append(job.Sources, js)
				}
				service := omicstest.New(func(o *omicstest.Options) {
					o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
						if r.Op == omicstest.OpListReadSets {
							return omicstest.AccessDenied(), true // so that they tell nothing
						}
						if r.Op != omicstest.OpGet {
							return omicstest.Fault{}, false
						}
						answer := job
						answer.JobRef = JobRef{r.StoreID, r.JobID}
						return jsonBody(200, getAnswer(t, answer)), true
					}
				})
				d := driver{client: newTestClient(t, service), service: service, readBack: true}
				last, err := d.run(t, Submission{Batch: newBatch(testTarget, "run", sources)})
				require.NoError(t, err)
				require.Equal(t, PhaseDone, last.Phase)
				var each []error
				for _, r := range last.Results() {
					each = append(each, r.Err)
				}
				require.ErrorIs(t, errors.Join(each...), ErrUnresolved)
				require.ErrorIs(t, last.Err(), ErrUnresolved)
			})
		})
	}
}

// A client that trusts no tokens sends no state that was read back, whatever the clock of whoever wrote it said.
func TestNeverSentWithoutTrust(t *testing.T) {
	t.Parallel()
	for _, ahead := range []time.Duration{0, time.Second, 10 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			service := omicstest.New()
			s := lostAnswer(t, service, newBatch(testTarget, "run", testSources(3)), false)
			s.SentAt = time.Now().Add(ahead)
			before := len(service.Requests(omicstest.OpStart))
			c := newTestClient(t, service, func(o *Options) { o.TokenWindow = -1 })
			next, err := c.Advance(t.Context(), readBack(t, s))
			require.NoError(t, err)
			require.Equal(t, PhaseSending, next.Phase)
			require.Len(t, service.Requests(omicstest.OpStart), before, "it is never sent, only searched for: %s ahead", ahead)
		})
	}
}
