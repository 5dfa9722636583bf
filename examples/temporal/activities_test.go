package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

// shop is a worker's activities with a simulated HealthOmics, and an import that was cut.
type shop struct {
	*activities
	service *omicstest.Service
	sheet   sheet
}

func newShop(t *testing.T, sources int, optFns ...func(*omicstest.Options)) *shop {
	service := omicstest.New(append([]func(*omicstest.Options){func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Minute) }}, optFns...)...)
	a, err := command{dir: t.TempDir(), rate: 1000, minPoll: time.Second, maxPoll: time.Minute}.newActivities(service.Client())
	require.NoError(t, err)
	require.NoError(t, a.folder.addSheet("monday", []byte(sheetOf(sources))))
	s := &shop{activities: a, service: service}
	s.sheet, err = do[sheet](a.Cut, cutInput{Name: "monday", Target: target})
	require.NoError(t, err)
	return s
}

// do calls an activity as a worker does, in its first attempt.
func do[Out, In any](activity func(context.Context, In) (Out, error), in In) (out Out, err error) {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(silent{})
	env := suite.NewTestActivityEnvironment()
	env.RegisterActivity(activity)
	value, err := env.ExecuteActivity(activity, in)
	if err != nil {
		return out, err
	}
	return out, value.Get(&out)
}

func (s *shop) ref(number int) batchRef { return batchRef{"monday", s.sheet.Digest, number} }

// step takes one step with a batch, as the workflow does.
func (s *shop) step(t *testing.T, b *batch) stepOutput {
	was := b.phase()
	out, err := do[stepOutput](s.Step, stepInput{b.batchRef, b.State, b.First, b.Stop})
	require.NoError(t, err)
	b.State = out.State
	b.First = was != readsetimport.PhaseSending && b.phase() == readsetimport.PhaseSending
	return out
}

// rows returns the results of a batch.
func (s *shop) rows(t *testing.T, number int) (rows []row) {
	data, err := os.ReadFile(s.folder.resultsFile("monday", number))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &rows))
	return rows
}

// A sheet is cut the same way each time, also by two workers at once, and every batch has its own token.
func TestCut(t *testing.T) {
	t.Parallel()
	s := newShop(t, 250)
	require.Equal(t, sheet{Digest: digestOf([]byte(sheetOf(250))), Sources: 250, Batches: 3}, s.sheet)
	files := func() (all []string) {
		for i := range s.sheet.Batches {
			data, err := os.ReadFile(s.folder.batchFile("monday", s.sheet.Digest, i))
			require.NoError(t, err)
			all = append(all, string(data))
		}
		return all
	}
	before := files()
	var twice sync.WaitGroup
	for range 2 {
		twice.Go(func() { _, _ = do[sheet](s.Cut, cutInput{Name: "monday", Target: target}) })
	}
	twice.Wait()
	require.Equal(t, before, files())
	parts, err := filepath.Glob(filepath.Join(string(s.folder), "monday", "batches", "*", ".part-*"))
	require.NoError(t, err)
	require.Empty(t, parts)
}

// What is wrong with a sheet is beside it, and not in the error.
func TestCutFaults(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a mate is missing": "sample,fastq_1,fastq_2\nPATIENT000001,PATIENT000001.fastq,\n",
		"twice the same":    sheetOf(1) + strings.SplitAfter(sheetOf(1), "\n")[1],
		"nothing":           "",
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t, 1)
			require.NoError(t, s.folder.addSheet("tuesday", []byte(text)))
			_, err := do[sheet](s.Cut, cutInput{Name: "tuesday", Target: target})
			var e *temporal.ApplicationError
			require.True(t, errors.As(err, &e), "%v", err)
			require.Equal(t, typeInvalid, e.Type())
			require.True(t, e.NonRetryable())
			require.Equal(t, "see faults.txt in the folder of the import", e.Message())
			faults, err := os.ReadFile(s.folder.faultsFile("tuesday"))
			require.NoError(t, err)
			require.NotEmpty(t, bytes.TrimSpace(faults))
		})
	}
}

// Two workers that take a step at once, from the same state, start one job. Of a step that was taken twice the engine keeps one
// state, and either is good to go on with.
func TestTwoWorkersOneStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, 5)
		b := &batch{batchRef: s.ref(0)}
		for b.State == nil || !b.State.Ended() { // each step is taken by two
			outs := make([]stepOutput, 2)
			var both sync.WaitGroup
			for i := range outs {
				both.Go(func() {
					var err error
					outs[i], err = do[stepOutput](s.Step, stepInput{b.batchRef, b.State, false, false})
					if err != nil {
						panic(err)
					}
				})
			}
			both.Wait()
			b.State = outs[len(s.service.Requests(""))%2].State
			time.Sleep(time.Until(b.State.NextAt()))
		}
		require.Len(t, s.service.Jobs(store), 1)
		require.Len(t, s.service.Requests(omicstest.OpStart), 2)
		require.Len(t, s.service.ReadSets(store), 5)
		require.Len(t, s.rows(t, 0), 5)
	})
}

// A worker that comes back late, with a state of long ago, starts nothing either: it sends the same token, or looks for the job.
func TestLateWorker(t *testing.T) {
	t.Parallel()
	for _, late := range []time.Duration{time.Second, 3 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s := newShop(t, 5, func(o *omicstest.Options) { o.TokenWindow = 2 * time.Hour })
			b := &batch{batchRef: s.ref(0)}
			s.step(t, b)
			old := *b
			for !b.State.Ended() {
				s.step(t, b)
				time.Sleep(time.Until(b.State.NextAt()))
			}
			time.Sleep(late)
			_, err := do[stepOutput](s.Step, stepInput{old.batchRef, old.State, false, false})
			require.NoError(t, err)
			require.Len(t, s.service.Jobs(store), 1)
		})
	}
}

// A batch whose only request was refused has not started anything, and goes back to planned. After any other request it stays in
// sending, since that may have started a job.
func TestTakenBack(t *testing.T) {
	t.Parallel()
	full, denied := omicstest.QuotaExceeded(), omicstest.AccessDenied().WithMessage("PATIENT000001")
	for name, tc := range map[string]struct {
		answers []omicstest.Fault
		late    bool // an attempt of another worker was made before
		want    readsetimport.Phase
		full    bool
		trouble string
	}{
		"full":                {answers: []omicstest.Fault{full}, want: readsetimport.PhasePlanned, full: true},
		"full, second worker": {answers: []omicstest.Fault{full}, late: true, want: readsetimport.PhaseSending},
		"denied":              {answers: []omicstest.Fault{denied}, want: readsetimport.PhasePlanned, trouble: "AccessDenied"},
		"throttled":           {answers: []omicstest.Fault{omicstest.Throttled()}, want: readsetimport.PhasePlanned},
		"lost":                {answers: []omicstest.Fault{omicstest.DropAfter()}, want: readsetimport.PhaseSending},
		"lost, then full":     {answers: []omicstest.Fault{omicstest.DropBefore(), full}, want: readsetimport.PhaseSending},
		"lost, then denied":   {answers: []omicstest.Fault{omicstest.DropBefore(), denied}, want: readsetimport.PhaseSending, trouble: "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, 5)
				s.service.Inject(omicstest.OpStart, tc.answers...)
				b := &batch{batchRef: s.ref(0)}
				s.step(t, b)
				require.True(t, b.First)
				b.First = !tc.late
				var out stepOutput
				for range tc.answers {
					time.Sleep(time.Until(b.State.NextAt()))
					out = s.step(t, b)
				}
				require.Equal(t, tc.want, b.phase())
				require.Equal(t, tc.full, b.full())
				require.Equal(t, tc.trouble, out.Trouble)
				for !out.Over { // and goes on from there
					time.Sleep(time.Until(b.State.NextAt()))
					out = s.step(t, b)
				}
				require.Equal(t, counts{Imported: 5}, out.Counts)
				require.Len(t, s.service.Jobs(store), 1)
			})
		})
	}
}

// A request of an attempt that its worker did not live to report may have started the job: the next attempt does not take the batch back.
func TestSecondAttempt(t *testing.T) {
	t.Parallel()
	for _, dies := range []bool{false, true} {
		s := newShop(t, 5, func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(0) })
		s.service.Inject(omicstest.OpStart, omicstest.QuotaExceeded(), omicstest.QuotaExceeded())
		var suite testsuite.WorkflowTestSuite
		suite.SetLogger(silent{})
		env := suite.NewTestWorkflowEnvironment()
		register(env, s.activities)
		env.OnActivity(does.Step, mock.Anything, mock.Anything).Return(func(ctx context.Context, in stepInput) (stepOutput, error) {
			out, err := s.Step(ctx, in)
			if dies && in.First && activity.GetInfo(ctx).Attempt == 1 {
				return stepOutput{}, retried(typeInterrupted)
			}
			return out, err
		})
		env.SetTestTimeout(time.Minute)
		env.ExecuteWorkflow(Batch, batch{batchRef: s.ref(0), Settings: settings{StepTimeout: time.Minute, MaxEvents: 10_000}})
		require.NoError(t, env.GetWorkflowError())
		var out batchOutput
		require.NoError(t, env.GetWorkflowResult(&out))
		require.Equal(t, dies, out.Full == nil)
		if dies {
			require.Equal(t, counts{Imported: 5}, out.Counts)
			require.Len(t, s.service.Requests(omicstest.OpStart), 3)
		}
	}
}

// A batch that the service does not take is reported, and so is one of which it stays unknown what became of it.
func TestEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options func(*omicstest.Options)
		want    counts
		outcome string
	}{
		"refused": {func(o *omicstest.Options) {
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.Validation().WithMessage("PATIENT000001"), r.Op == omicstest.OpStart
			}
		}, counts{Refused: 3}, refused},
		"unresolved": {func(o *omicstest.Options) {
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.NotFound(), r.Op == omicstest.OpGet || r.Op == omicstest.OpListReadSets
			}
		}, counts{Unresolved: 3}, unresolved},
		"failed": {func(o *omicstest.Options) {
			o.Outcome = func(s omicstest.Source) omicstest.Outcome { return omicstest.Failed("of " + s.SampleID) }
		}, counts{Failed: 3}, failed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, 3, tc.options)
				b := &batch{batchRef: s.ref(0)}
				var out stepOutput
				for !out.Over {
					out = s.step(t, b)
					text, err := json.Marshal(out)
					require.NoError(t, err)
					require.NotContains(t, string(text), "PATIENT")
					time.Sleep(time.Until(b.State.NextAt()))
				}
				require.Equal(t, tc.want, out.Counts)
				for _, r := range s.rows(t, 0) {
					require.Equal(t, tc.outcome, r.Outcome)
					require.NotEmpty(t, r.Error)
				}
			})
		})
	}
}

// What one attempt of a step could tell is not lost because another, which came later, could not.
func TestUnresolvedIsNotWrittenOverResults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, 3, func(o *omicstest.Options) {
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.NotFound(), r.Op == omicstest.OpGet || r.Op == omicstest.OpListReadSets
			}
		})
		b := &batch{batchRef: s.ref(0)}
		known := []row{{Outcome: imported, ReadSetID: "1"}, {Outcome: failed}, {Outcome: imported, ReadSetID: "3"}}
		require.NoError(t, writeJSON(s.folder.resultsFile("monday", 0), known))
		var out stepOutput
		for !out.Over {
			out = s.step(t, b)
			time.Sleep(time.Until(b.State.NextAt()))
		}
		require.Equal(t, readsetimport.PhaseUnresolved, b.phase())
		require.Equal(t, counts{Imported: 2, Failed: 1}, out.Counts)
		require.Equal(t, known, s.rows(t, 0))
	})
}

// A batch that is stopped when it may have been sent sends nothing: it finds the job, or that there is none.
func TestStop(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer omicstest.Fault
		want   readsetimport.Phase
	}{
		"started":     {omicstest.DropAfter(), readsetimport.PhaseRunning},
		"not started": {omicstest.DropBefore(), readsetimport.PhasePlanned},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShop(t, 100)
				s.service.Inject(omicstest.OpStart, tc.answer)
				b := &batch{batchRef: s.ref(0)}
				s.step(t, b)
				s.step(t, b)
				require.False(t, b.mayLeave())
				b.Stop = true
				began := time.Now()
				for !b.mayLeave() {
					time.Sleep(time.Until(b.State.NextAt()))
					s.step(t, b)
				}
				require.Equal(t, tc.want, b.phase())
				require.Len(t, s.service.Requests(omicstest.OpStart), 1)
				require.Less(t, time.Since(began), 10*time.Minute)
			})
		})
	}
}

// Files that are away for a while are waited for, and a batch that was changed is refused.
func TestFiles(t *testing.T) {
	t.Parallel()
	s := newShop(t, 100)
	b := &batch{batchRef: s.ref(0)}
	s.step(t, b)
	for name, tc := range map[string]struct {
		change       func() error
		want         string
		nonRetryable bool
	}{
		"away":    {func() error { return os.Remove(s.folder.batchFile("monday", s.sheet.Digest, 0)) }, typeFiles, false},
		"changed": {func() error { return writeJSON(s.folder.batchFile("monday", s.sheet.Digest, 0), readsetimport.Batch{}) }, typeInvalid, true},
	} {
		require.NoError(t, tc.change())
		_, err := do[stepOutput](s.Step, stepInput{b.batchRef, b.State, true, false})
		var e *temporal.ApplicationError
		require.True(t, errors.As(err, &e), "%s: %v", name, err)
		require.Equal(t, tc.want, e.Type())
		require.Equal(t, tc.nonRetryable, e.NonRetryable())
		require.NotContains(t, err.Error(), fmt.Sprint(s.folder))
	}
	require.ErrorIs(t, s.folder.addSheet("monday", []byte(sheetOf(99))), errOtherSheet)
	require.NoError(t, s.folder.addSheet("monday", []byte(sheetOf(100))))
	require.Error(t, s.folder.addSheet("../monday", nil))
}

// Of two sheets that come under one name at once, one is taken and the other refused.
func TestTwoSheetsAtOnce(t *testing.T) {
	t.Parallel()
	for range 50 {
		f := folder(t.TempDir())
		errs := make(chan error, 4)
		for i := range cap(errs) {
			go func() { errs <- f.addSheet("monday", []byte(sheetOf(i+1))) }()
		}
		taken := 0
		for range cap(errs) {
			if err := <-errs; err == nil {
				taken++
			} else {
				require.ErrorIs(t, err, errOtherSheet)
			}
		}
		require.Equal(t, 1, taken)
	}
}
