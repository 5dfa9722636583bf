package steps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/search"
	"github.com/readsetimport/readsetimport/omicstest"
)

// end is what a batch came to, without ids, which depend on the number of requests.
type end struct {
	phase  readsetimport.Phase
	status types.ReadSetImportJobStatus
	jobs   int
	each   []string
}

// drive takes a batch to its end in a world that the seed makes.
func drive(t *testing.T, seed uint64, whole bool) (got end, requests int) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(seed, 2))
		chance := func(p float64) bool { return random.Float64() < p }
		const message = "sample-1 in s3://bucket/run"
		faults := []omicstest.Fault{
			omicstest.DropBefore(), omicstest.DropAfter(), omicstest.Truncate(), omicstest.Reset(), omicstest.Empty(), omicstest.HTML(502).AfterExecution(),
			omicstest.Internal().WithMessage(message), omicstest.Throttled().WithMessage(message), omicstest.QuotaExceeded().WithMessage(message),
			omicstest.RequestTimeout().AfterExecution().WithMessage(message), omicstest.Late(time.Minute),
		}
		faulty, forgets, fails := []float64{0, 0.3, 0.6}[random.IntN(3)], seed%3 == 0, seed%2 == 0
		var ended time.Time // of the job, which is forgotten then, so that the read sets and what was seen of it have to tell
		service := omicstest.New(func(o *omicstest.Options) {
			o.Stores = []string{store}
			o.JobDuration = func(job omicstest.Job) time.Duration {
				ended = job.CreationTime.Add(2 * time.Hour)
				return 2 * time.Hour
			}
			o.TokenWindow = 48 * time.Hour
			o.Outcome = func(s omicstest.Source) omicstest.Outcome {
				if fails && (s.SampleID == "sample-1" || s.SampleID == "sample-3") {
					return omicstest.Failed(message)
				}
				return omicstest.Outcome{}
			}
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				if forgets && r.Op == omicstest.OpGet && !ended.IsZero() && !time.Now().Before(ended) {
					return omicstest.NotFound(), true
				}
				return faults[random.IntN(len(faults))], chance(faulty)
			}
		})
		client := newClient(t, service)
		b := batch(t, sources(9))
		d := driver{client: client, whole: whole}
		if seed%4 == 1 {
			b.ClientToken = "" // it is given by the first step
		}
		if !whole {
			var old State
			d.before = func(step int, s State) { // a stale delivery, and two workers
				if step%3 == 0 {
					old = s
				}
				if stale, err := old.With(b); err == nil && b.ClientToken != "" && chance(0.3) {
					_, _ = client.Advance(t.Context(), stale)
				}
			}
		}
		results := d.run(t, b)
		got = end{d.last.Phase, d.last.Job.Status, 0, nil}
		for _, r := range results {
			got.each = append(got.each, fmt.Sprint(r.Source.SampleID, r.Status, r.ReadSetID != "", r.Err == nil, errors.Is(r.Err, readsetimport.ErrUnresolved)))
		}
		time.Sleep(time.Hour) // for requests that are carried out late
		got.jobs = len(service.Jobs(store))
		requests = len(service.Requests(""))
	})
	return got, requests
}

// Whatever happens, a batch comes to the same end, be it kept whole or as a State.
func TestSameEnd(t *testing.T) {
	t.Parallel()
	seen := make(map[types.ReadSetImportJobStatus]int)
	seeds := uint64(24)
	if underRace {
		seeds = 7
	}
	for seed := range seeds {
		whole, _ := drive(t, seed, true)
		kept, _ := drive(t, seed, false)
		require.Equal(t, whole, kept, "seed %d", seed)
		require.Equal(t, 1, kept.jobs, "seed %d", seed)
		require.Len(t, kept.each, 9)
		seen[kept.status]++
	}
	require.NotZero(t, seen[types.ReadSetImportJobStatusCompleted])
	require.NotZero(t, seen[types.ReadSetImportJobStatusCompletedWithFailures])
}

// The state has all that a Submission has but what is left out by intent.
func TestNothingIsForgotten(t *testing.T) {
	t.Parallel()
	b := batch(t, sources(3))
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	want := readsetimport.Submission{
		Batch: b, Phase: readsetimport.PhaseRunning, Attempt: 2, SentAt: now, NextAt: now.Add(1), MayHaveStarted: true, FullSince: now.Add(2),
		Failures: 3, LastError: "x", StartError: "y", DeniedSince: now.Add(3), Doubts: 4, Unsent: 5, FailedAttempts: 6,
		Search: readsetimport.Search{
			Since: now, After: now.Add(-1), Page: "p", Pages: 2, Listed: true, Candidates: []string{"1234567890"}, Found: []string{"1234567891"},
			Carries: "1234567891", Lost: 1, Gone: 2, ClearAt: now.Add(1), Sets: &search.Sets{Pages: 3},
		},
		Job: readsetimport.Job{
			JobRef: readsetimport.JobRef{SequenceStoreID: store, ID: "2234567890"}, RoleARN: target.RoleARN, Status: "COMPLETED", StatusMessage: "of sample-1",
			CreationTime: now, CompletionTime: now.Add(4), Sources: []readsetimport.JobSource{
				{Source: b.Sources[2], Status: "FINISHED", ReadSetID: "3234567890"},
				{Source: b.Sources[0], Status: "FAILED", StatusMessage: "of sample-0"},
				{Source: b.Sources[1], Status: "A_STATUS_THAT_NOBODY_KNOWS_AND_IS_LONG"},
			},
		},
	}
	for _, v := range []any{want, want.Job, want.Search} {
		for i := range reflect.TypeOf(v).NumField() {
			if f := reflect.TypeOf(v).Field(i); f.IsExported() {
				require.False(t, reflect.ValueOf(v).Field(i).IsZero(), "the test must set %s", f.Name)
			}
		}
	}
	state, _ := readBack(t, Of(want))
	got, err := state.With(b)
	require.NoError(t, err)
	want.LastError, want.StartError, want.Job.StatusMessage = withoutText("x"), withoutText("y"), ""
	want.Job.Sources[1].StatusMessage, want.Job.Sources[2].Status = "", "A_STATUS_THAT_NOBODY_KNO…"
	require.Equal(t, want, got)

	require.Equal(t, want.NextAt, state.NextAt())
	require.Equal(t, want.FullSince, state.FullSince())
	require.Equal(t, want.Job.JobRef, state.Job())
	require.False(t, state.Ended())
}

func TestOtherBatch(t *testing.T) {
	t.Parallel()
	b := batch(t, sources(3))
	state := Of(readsetimport.Submission{Batch: b})
	for name, change := range map[string]func(*readsetimport.Batch){
		"store":  func(b *readsetimport.Batch) { b.Target.SequenceStoreID = "1234567890" },
		"role":   func(b *readsetimport.Batch) { b.Target.RoleARN += "2" },
		"token":  func(b *readsetimport.Batch) { b.ClientToken += "2" },
		"fewer":  func(b *readsetimport.Batch) { b.Sources = b.Sources[:2] },
		"order":  func(b *readsetimport.Batch) { b.Sources[0], b.Sources[1] = b.Sources[1], b.Sources[0] },
		"a name": func(b *readsetimport.Batch) { b.Sources[0].Name = "x" },
		"a tag":  func(b *readsetimport.Batch) { b.Sources[0] = b.Sources[0].WithTag("a", "b") },
		"none":   func(b *readsetimport.Batch) { *b = readsetimport.Batch{} },
	} {
		changed := batch(t, sources(3))
		change(&changed)
		got, err := state.With(changed)
		require.ErrorIs(t, err, ErrOtherBatch, name)
		require.Zero(t, got)
	}
	same := b
	same.ClientToken = ""
	got, err := state.With(same)
	require.NoError(t, err)
	require.Equal(t, b, got.Batch)

	got.Phase = readsetimport.PhaseDone
	_, err = Of(got).With(b)
	require.ErrorIs(t, err, ErrEnded)

	// States of other versions of this package are compared with it.
	require.Equal(t, "089e0d0055d7839ceba37c4287c245e66bb2030fbfb41b0de19137592f251943", state.digest)
}

func TestNotAState(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{}`, `[]`, `"x"`, `{"batch":"x","packed":"AAAA"}`, `{"batch":"x","packed":"%"}`, `{"batch":{}}`} {
		var s State
		require.ErrorContains(t, json.Unmarshal([]byte(text), &s), "not a state", text)
		require.Zero(t, s)
	}
	b := batch(t, sources(3))
	s := Of(readsetimport.Submission{Batch: b, Phase: readsetimport.PhaseRunning})
	s.outcomes = []outcome{{Source: 3}}
	_, err := s.With(b)
	require.ErrorIs(t, err, ErrOtherBatch)
}

// Only the end of the context is worth a retry at once.
func TestRetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.Stores = []string{store} })
		client := newClient(t, service)
		b := batch(t, sources(3))
		step := func(s State, timeout time.Duration) (State, bool, error) {
			ctx, cancel := context.WithTimeoutCause(t.Context(), timeout, errors.New("the function has run for too long"))
			defer cancel()
			submission, err := s.With(b)
			require.NoError(t, err)
			submission, err = client.Advance(ctx, submission)
			return Of(submission), Retry(ctx, err), err
		}
		planned, retry, err := step(Of(readsetimport.Submission{Batch: b}), time.Second)
		require.NoError(t, err)
		require.False(t, retry)

		service.Inject(omicstest.OpStart, omicstest.Delay(10*time.Second))
		_, retry, err = step(planned, time.Second)
		require.Error(t, err)
		require.True(t, retry)

		service.Inject(omicstest.OpStart, omicstest.AccessDenied())
		refused, retry, err := step(planned, time.Minute)
		require.ErrorIs(t, err, readsetimport.ErrAccessDenied)
		require.False(t, retry)

		running, _, err := step(refused, time.Minute) // the permission was given
		for err == nil && running.Phase() != readsetimport.PhaseRunning {
			time.Sleep(time.Until(running.NextAt()))
			running, _, err = step(running, time.Minute)
		}
		require.NoError(t, err)
		require.Len(t, service.Jobs(store), 1)

		over, cancel := context.WithCancel(t.Context())
		cancel()
		require.True(t, Retry(over, context.Cause(over)))
		for _, why := range []error{nil, ErrOtherBatch, ErrEnded, fmt.Errorf("batch 7: %w", ErrOtherBatch)} {
			require.False(t, Retry(over, why), "%v", why)
		}
	})
}

// Two workers take one step at once, time and again, and the engine keeps what the first of them returns. There is one job, also
// where answers are lost and the batch has to be sent again or looked for.
func TestTwoWorkers(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]omicstest.Fault{
		"well":               nil,
		"answers are lost":   {omicstest.DropAfter(), omicstest.DropAfter(), omicstest.DropAfter()},
		"requests are lost":  {omicstest.DropBefore(), omicstest.DropBefore()},
		"one is without end": {omicstest.Late(20 * time.Second), omicstest.Internal()},
	} {
		for _, late := range []time.Duration{0, 2 * time.Hour} { // within TokenWindow, and after it
			t.Run(fmt.Sprint(name, ", ", late), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					service := omicstest.New(func(o *omicstest.Options) {
						o.Stores = []string{store}
						o.JobDuration = omicstest.FixedDuration(time.Hour)
						o.TokenWindow = time.Hour
					})
					service.Inject(omicstest.OpStart, faults...)
					workers := []*readsetimport.Client{newClient(t, service), newClient(t, service)}
					b := batch(t, sources(3))
					state := Of(readsetimport.Submission{Batch: b})
					for !state.Ended() {
						time.Sleep(time.Until(state.NextAt()))
						if len(service.Requests(omicstest.OpStart)) > 0 {
							time.Sleep(late)
							late = 0
						}
						current, _ := readBack(t, state)
						next := make(chan State, len(workers))
						for _, client := range workers {
							go func() {
								s, err := current.With(b)
								if err == nil {
									s, err = client.Advance(t.Context(), s)
								}
								assert.NoError(t, err)
								next <- Of(s)
							}()
						}
						state = <-next // the other one's write is refused
						<-next
					}
					require.Equal(t, readsetimport.PhaseDone, state.Phase())
					time.Sleep(time.Hour) // for requests that are carried out late
					require.Len(t, service.Jobs(store), 1)
					require.Equal(t, service.Jobs(store)[0].ID, *wide{}.in(aws.String(state.Job().ID)))
				})
			})
		}
	}
}
