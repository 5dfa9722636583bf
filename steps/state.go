package steps

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/readsetimport/readsetimport"
)

// Errors of [State.With]. Test with errors.Is.
var (
	// ErrOtherBatch means that the batch is not the one that the state began with: another target, source or order, or
	// another client token.
	ErrOtherBatch = errors.New("the batch is not the one that the state began with")
	// ErrEnded means that nothing is left to do: the results were handed over in the step that ended the submission.
	ErrEnded = errors.New("the submission has ended")
)

// State is what is kept of one batch between two steps: a [readsetimport.Submission] without its sources and without the
// service's messages. It is plain JSON. [Of] makes one; the zero value is of no batch.
type State struct {
	digest     string
	submission readsetimport.Submission // its batch has the client token only
	outcomes   []outcome
}

// Of returns the state to keep of a submission that has its whole batch: a new one, or what Advance has returned. If that has
// ended, write its Results before the state is saved, which has none.
func Of(s readsetimport.Submission) State {
	state := State{digest: digest(s.Batch)}
	if !s.Ended() {
		state.outcomes = outcomesOf(s)
	}
	s.Batch = readsetimport.Batch{ClientToken: s.Batch.ClientToken}
	s.Job.Status = brief(s.Job.Status)
	s.Job.RoleARN, s.Job.StatusMessage, s.Job.Sources = "", "", nil
	s.LastError, s.StartError = withoutText(s.LastError), withoutText(s.StartError)
	if s.Ended() {
		s.Search = readsetimport.Search{}
	}
	state.submission = s
	return state
}

// withoutText returns what stands in a state for an error, which can quote the service.
func withoutText(text string) string {
	if text == "" {
		return ""
	}
	return "a request failed, and its error was not kept"
}

// With returns the submission to hand to Advance: the state, with its batch put back. The batch is the one that the state
// began with, and its client token may be empty if it was given by the first step. The error is [ErrOtherBatch] or [ErrEnded].
func (s State) With(b readsetimport.Batch) (readsetimport.Submission, error) {
	next := s.submission
	token := next.Batch.ClientToken
	switch {
	case s.Ended():
		return readsetimport.Submission{}, fmt.Errorf("steps: %w", ErrEnded)
	case digest(b) != s.digest:
		return readsetimport.Submission{}, fmt.Errorf("steps: %w", ErrOtherBatch)
	case b.ClientToken != "" && b.ClientToken != token:
		return readsetimport.Submission{}, fmt.Errorf("steps: %w: it has another client token", ErrOtherBatch)
	}
	next.Batch = b
	next.Batch.ClientToken = token
	if next.Job.ID != "" {
		next.Job.RoleARN = b.Target.RoleARN
	}
	for _, o := range s.outcomes {
		if o.Source < 0 || o.Source >= len(b.Sources) {
			return readsetimport.Submission{}, fmt.Errorf("steps: %w: it has no source %d", ErrOtherBatch, o.Source)
		}
		next.Job.Sources = append(next.Job.Sources, readsetimport.JobSource{Source: b.Sources[o.Source], ReadSetID: o.ReadSetID, Status: o.Status})
	}
	return next, nil
}

// Ended reports whether nothing is left to do, so that an engine takes no more steps: the batch is done, or unresolved.
func (s State) Ended() bool { return s.submission.Ended() }

// NextAt returns when to take the next step; the zero time means at once, if the state has not ended. An earlier step costs
// a request and does no harm.
func (s State) NextAt() time.Time { return s.submission.NextAt }

// Phase returns how far the batch is, for a Choice state or a query: see the phases of [readsetimport.Submission].
func (s State) Phase() readsetimport.Phase { return s.submission.Phase }

// Job returns the batch's job, by which events of the service name it. It is zero until the job is known.
func (s State) Job() readsetimport.JobRef { return s.submission.Job.JobRef }

// FullSince returns since when the service refuses to start the job because too many jobs run, or the zero time.
func (s State) FullSince() time.Time { return s.submission.FullSince }

// Retry reports whether an error of Advance is worth a retry by the engine: ctx, with which Advance was called, has ended.
// The state that Advance returned with it, and the one before, are equally good to go on with. Everything else that passes by
// itself is no error of Advance.
func Retry(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() != nil && !errors.Is(err, ErrOtherBatch) && !errors.Is(err, ErrEnded)
}

// digest identifies a batch by its target and its sources, in their order. States of years ago are compared with it.
func digest(b readsetimport.Batch) string {
	hash := sha256.New()
	// Nothing in it can fail to be written as JSON, and a hash takes everything.
	_ = json.NewEncoder(hash).Encode(b.Target)
	for _, source := range b.Sources {
		_ = json.NewEncoder(hash).Encode(source)
	}
	return hex.EncodeToString(hash.Sum(nil))
}
