package readsetimport

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

// What the simulation found, in as few steps as it takes.

// left is an import that is cut off while its one request is under way, and how the request fares.
func left(t *testing.T, service *omicstest.Service, mem journal.Journal, sources []Source, fault omicstest.Fault, optFns ...func(*Options)) {
	service.Inject(omicstest.OpStart, fault.WithDelay(time.Minute))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	report, err := newTestClient(t, service, append(optFns, journaled(mem))...).Import(ctx, testTarget, sources)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Empty(t, report.Imported())
}

func untrusted(o *Options) { o.TokenWindow = -1 }

// A search that finds nothing ends although that cannot be written down. It went on for ever.
func TestFoundJournalFailsWhileSearching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service, mem := omicstest.New(), new(memoryJournal)
		left(t, service, mem, testSources(3), omicstest.DropBefore())
		mem.failAt = len(mem.records) + 1
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := newTestClient(t, service, journaled(mem), untrusted).Import(ctx, testTarget, testSources(3))
		require.ErrorIs(t, err, errDiskFull)
		require.NoError(t, ctx.Err(), "it ended by itself")
		mem.failAt = 0
		_, err = newTestClient(t, service, journaled(mem), untrusted).Import(t.Context(), testTarget, testSources(3))
		require.NoError(t, err)
		requireOnceEach(t, service, testSources(3))
	})
}

// failing is a service in which every source fails while *fails is true.
func failing(fails *bool) *omicstest.Service {
	return omicstest.New(func(o *omicstest.Options) {
		o.Outcome = func(omicstest.Source) omicstest.Outcome {
			if *fails {
				return omicstest.Failed("missing")
			}
			return omicstest.Outcome{}
		}
	})
}

// A search for sources that failed and were sent again does not take the job in which they failed for the new one.
func TestFoundSearchAfterFailure(t *testing.T) {
	for name, fault := range map[string]omicstest.Fault{"not sent": omicstest.DropBefore(), "sent": omicstest.DropAfter()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fails := true
				service := failing(&fails)
				mem := new(memoryJournal)
				_, err := newTestClient(t, service, journaled(mem)).Import(t.Context(), testTarget, testSources(3))
				require.ErrorIs(t, err, ErrIncomplete)
				fails = false
				left(t, service, mem, testSources(3), fault)
				_, err = newTestClient(t, service, journaled(mem), untrusted).Import(t.Context(), testTarget, testSources(3))
				require.NoError(t, err)
				requireOnceEach(t, service, testSources(3))
			})
		})
	}
}

// What is left of a batch of failed sources is not sent under the token of the job in which it failed.
func TestFoundPartOfFailedBatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := true
		service := failing(&fails)
		mem := new(memoryJournal)
		named := func(o *Options) { o.RunID = "fixed" }
		_, err := newTestClient(t, service, journaled(mem), named).Import(t.Context(), testTarget, testSources(1))
		require.ErrorIs(t, err, ErrIncomplete)
		fails = false
		left(t, service, mem, testSources(2), omicstest.DropBefore(), named)
		_, err = newTestClient(t, service, journaled(mem), named).Import(t.Context(), testTarget, testSources(1))
		require.NoError(t, err)
		requireOnceEach(t, service, testSources(1))
	})
}

// A request that waits for its turn until its token can be forgotten is not sent.
func TestFoundTokenForgottenWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.TokenWindow = 2 * time.Minute })
		service.Inject(omicstest.OpStart, omicstest.DropAfter())
		c := newTestClient(t, service, func(o *Options) { o.TokenWindow, o.RequestRate = 2*time.Minute, 0.005 })
		_, err := c.Import(t.Context(), testTarget, testSources(3))
		require.NoError(t, err)
		requireOnceEach(t, service, testSources(3))
	})
}

// The attempts of imports that were cut off are no reason to give up in the next one.
func TestFoundAttemptsOfEarlierImports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service, mem := omicstest.New(), new(memoryJournal)
		for range attemptMax {
			service.Inject(omicstest.OpStart, omicstest.DropBefore().WithDelay(time.Hour))
			ctx, cancel := context.WithTimeout(t.Context(), settling+20*time.Second)
			_, err := newTestClient(t, service, journaled(mem), untrusted).Import(ctx, testTarget, testSources(3))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			cancel()
		}
		_, err := newTestClient(t, service, journaled(mem), untrusted).Import(t.Context(), testTarget, testSources(3))
		require.NoError(t, err)
		require.Len(t, service.Requests(omicstest.OpStart), attemptMax+1)
		requireOnceEach(t, service, testSources(3))
	})
}

// A batch that was given up and begun again, and of which the input says something else by now, goes out under a token
// of its own: those of its attempts were used with another body.
func TestFoundTokenOfAnotherBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service, mem := omicstest.New(func(o *omicstest.Options) { o.KeepBodies = true }), new(memoryJournal)
		fixed := func(o *Options) { o.RunID = "run" }
		for range attemptMax {
			service.Inject(omicstest.OpStart, omicstest.DropBefore())
		}
		report, _ := newTestClient(t, service, journaled(mem), untrusted, fixed).Import(t.Context(), testTarget, testSources(3))
		require.ErrorIs(t, report.Results[0].Err, errGivenUp)
		left(t, service, mem, testSources(3), omicstest.DropBefore(), untrusted, fixed)
		changed := testSources(3)
		changed[1] = changed[1].WithName("another")
		_, err := newTestClient(t, service, journaled(mem), untrusted, fixed).Import(t.Context(), testTarget, changed)
		require.NoError(t, err)
		requireOnceEach(t, service, changed)
		bodies := make(map[string]string)
		for _, r := range service.Requests(omicstest.OpStart) {
			if body, ok := bodies[r.ClientToken]; ok {
				require.JSONEq(t, body, string(r.Body))
			}
			bodies[r.ClientToken] = string(r.Body)
		}
		require.Len(t, bodies, attemptMax+1)
	})
}
