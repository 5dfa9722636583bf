package steps

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

// stepFrom takes the step that is due, and reads its state back.
func stepFrom(t *testing.T, client *readsetimport.Client, s State, b readsetimport.Batch) State {
	time.Sleep(time.Until(s.NextAt()))
	submission, err := s.With(b)
	require.NoError(t, err)
	submission, err = client.Advance(t.Context(), submission)
	require.NoError(t, err)
	next, _ := readBack(t, Of(submission))
	return next
}

// A batch that waits for a slot is in phase sending, and comes back to planned after each TokenWindow, when a search has found
// nothing. FullSince is the same all the time.
func TestFullQuota(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		service := omicstest.New(func(o *omicstest.Options) {
			o.Stores = []string{store}
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.QuotaExceeded(), r.Op == omicstest.OpStart && time.Since(begin) < 5*time.Hour
			}
		})
		client := newClient(t, service, func(o *readsetimport.Options) { o.TokenWindow = 2 * time.Hour })
		b := batch(t, sources(3))
		state := stepFrom(t, client, Of(readsetimport.Submission{Batch: b}), b)
		require.Zero(t, state.FullSince())
		planned := 0
		for state = stepFrom(t, client, state, b); state.Phase() != readsetimport.PhaseRunning; state = stepFrom(t, client, state, b) {
			require.Equal(t, begin, state.FullSince().Local())
			if state.Phase() == readsetimport.PhasePlanned {
				planned++
			}
		}
		require.Equal(t, 2, planned)
		require.Zero(t, state.FullSince())
		require.Len(t, service.Jobs(store), 1)
	})
}

// A worker whose lease has run out goes on, and so does another one, whose request starts the job and whose answer is lost. One
// job is the end of it if the first worker takes its steps from states that were read back. If it takes them from what it has in
// memory, which says that nobody has used the token, a full quota is a refusal to it, and the token's time begins anew.
func TestStepsFromMemory(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		memory bool
		jobs   int
	}{"read back": {false, 1}, "the owner's mistake": {true, 2}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) {
					o.Stores = []string{store}
					o.JobDuration = omicstest.FixedDuration(6 * time.Hour)
					o.TokenWindow, o.MaxActiveJobs, o.QuotaFirst = 2*time.Hour, 1, true
				})
				first, second := newClient(t, service), newClient(t, service)
				b := batch(t, sources(3))
				submission, err := first.Advance(t.Context(), readsetimport.Submission{Batch: b})
				require.NoError(t, err)
				state := Of(submission)

				service.Inject(omicstest.OpStart, omicstest.DropAfter())
				stepFrom(t, second, state, b) // and it is stopped before the state is saved

				for state.Phase() != readsetimport.PhaseRunning {
					if !tc.memory {
						state = stepFrom(t, first, state, b)
						continue
					}
					time.Sleep(time.Until(submission.NextAt))
					submission, err = first.Advance(t.Context(), submission)
					require.NoError(t, err)
					state = Of(submission)
				}
				require.Len(t, service.Jobs(store), tc.jobs)
			})
		})
	}
}

// After a refusal (403) and a search that found nothing, the batch has been started under another token. A state from before is
// delivered once more, within TokenWindow, and starts no second job.
func TestOldStateAfterARefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.Stores = []string{store} })
		service.Inject(omicstest.OpStart, omicstest.AccessDenied())
		client := newClient(t, service)
		b := batch(t, sources(3))
		old := stepFrom(t, client, Of(readsetimport.Submission{Batch: b}), b)

		submission, err := old.With(b)
		require.NoError(t, err)
		submission, err = client.Advance(t.Context(), submission)
		require.ErrorIs(t, err, readsetimport.ErrAccessDenied)
		for state := Of(submission); state.Phase() != readsetimport.PhaseRunning; {
			state = stepFrom(t, client, state, b)
		}
		stepFrom(t, client, old, b)
		require.Len(t, service.Jobs(store), 1)
	})
}
