package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/ledger"
	"github.com/readsetimport/readsetimport/internal/quota"
	"github.com/readsetimport/readsetimport/internal/search"
	"github.com/readsetimport/readsetimport/internal/token"
	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/journal"
)

// plan returns a batch of sources that are to be sent for the first time, or again after they failed.
func (r *run) plan(sources []Source, index []int, tries int) *flight {
	runID := r.opts.RunID
	if tries > 0 {
		// The same sources under the same token would answer the job in which they failed.
		runID += " " + strconv.Itoa(tries)
	}
	sub := Submission{Batch: newBatch(r.target, runID, sources), carried: fingerprints(r.target, sources), checked: true}
	return &flight{sources: sources, index: index, sub: sub}
}

// planAll makes batches of sources, which wait for slots.
func (r *run) planAll(sources []Source, index []int, tries int) {
	for len(sources) > 0 {
		n := min(len(sources), r.opts.SourcesPerJob)
		r.waiting = append(r.waiting, r.plan(sources[:n:n], index[:n:n], tries))
		sources, index = sources[n:], index[n:]
	}
}

func fingerprints(t Target, sources []Source) []Fingerprint {
	out := make([]Fingerprint, len(sources))
	for i, s := range sources {
		out[i] = t.Fingerprint(s)
	}
	return out
}

// remember writes the change from one state of a batch to the next to the journal.
func (r *run) remember(ctx context.Context, f *flight, before, after Submission) error {
	if r.c.ledger == nil {
		return nil
	}
	if after.Ended() {
		if err := r.c.ledger.Doubt(ctx, after.Batch.ClientToken, after.candidates(), after.Phase == PhaseUnresolved); err != nil {
			return err
		}
	}
	rec, ok := record(before, after)
	if !ok {
		return nil
	}
	switch rec.Kind {
	case journal.Sending:
		if f.written == rec.Attempt {
			return nil // it was refused and is tried again: that it may be sent is written already
		}
		f.written = rec.Attempt
	case journal.Released:
		if f.written == after.Attempt {
			return nil // it will be tried again, or fail
		}
		f.written = 0
	case journal.Ended:
		rec.Sources = r.c.ledger.Unknown(rec.ClientToken, rec.Sources)
	}
	return r.c.ledger.Append(ctx, rec, r)
}

// record returns the change from one state of a submission to the next as a record, or false if there is nothing to
// remember.
func record(before, after Submission) (journal.Record, bool) {
	r := journal.Record{
		Time:            time.Now(),
		SequenceStoreID: after.Batch.Target.SequenceStoreID,
		ClientToken:     after.Batch.ClientToken,
	}
	switch {
	case before.unplanned() && after.Phase == PhaseSending:
		r.Kind, r.Time, r.Attempt, r.Body = journal.Sending, after.SentAt, after.Attempt, bodyDigest(after.Batch)
		r.Sources = ledger.Sources(after.carried)
	case before.Phase == PhaseSending && after.unplanned():
		r.Kind = journal.Released
	case before.Phase == PhaseSending && after.Phase == PhaseRunning:
		r.Kind, r.JobID = journal.Started, after.Job.ID
	case before.Phase == PhaseRunning && after.Phase == PhaseDone:
		r.Kind, r.JobID = journal.Ended, after.Job.ID
		r.Sources = outcomes(after)
	default:
		return journal.Record{}, false
	}
	return r, true
}

// candidates returns which read sets the sources of an ended batch may be, where that is in doubt.
func (s Submission) candidates() map[Fingerprint][]string {
	out := make(map[Fingerprint][]string)
	if s.Phase == PhaseDone {
		for _, js := range s.Job.Sources {
			if len(js.CandidateIDs) > 0 {
				out[s.Batch.Target.Fingerprint(js.Source)] = js.CandidateIDs
			}
		}
	} else if sets := s.Search.Sets; sets != nil {
		for i, ids := range sets.Candidates(s.wants()) {
			out[s.Batch.Target.Fingerprint(s.Batch.Sources[i])] = ids
		}
	}
	return out
}

func (s Submission) unplanned() bool { return s.Phase == PhasePlanned || s.Phase == "" }

// bodyDigest tells whether a batch that is built again is the one that was sent. It says nothing of the sources.
func bodyDigest(b Batch) string {
	return token.Digest(b.ClientToken, b.Target.RoleARN, b.body())
}

// release writes that a batch that is given up was never sent, so that nobody looks for it.
func (r *run) release(f *flight) {
	if f.written == 0 || !f.sub.unsent() {
		return
	}
	f.written = 0
	rec, _ := record(Submission{Phase: PhaseSending}, Submission{Phase: PhasePlanned, Batch: f.sub.Batch})
	// If it cannot be written, the next import looks for the batch, and finds nothing.
	_ = r.c.ledger.Append(context.Background(), rec, nil)
}

// letGo lets other imports of this client have the batch and its sources.
func (r *run) letGo(f *flight) {
	if r.c.ledger != nil {
		r.c.ledger.LetGo(fingerprints(r.target, f.sources), r)
		r.c.ledger.LetGoOfBatch(f.sub.Batch.ClientToken, r)
	}
}

// resumption is a batch that an earlier import began, with those of its sources that have come up in the input.
type resumption = ledger.Gathering[Source]

// gather puts a source back in its batch, and returns the batch when it is whole again. It reports false if the batch is
// under way no more: its job may have ended since the journal was asked about the source.
func (in *intake) gather(token string, f Fingerprint, s Source, index int) (*resumption, bool) {
	b := in.begun[token]
	if b == nil {
		known, underWay := in.r.c.ledger.Batch(token)
		if !underWay {
			return nil, false
		}
		b = ledger.Gather[Source](known)
		in.begun[token] = b
	}
	if !b.Put(f, s, index) {
		in.r.c.ledger.LetGo([]Fingerprint{f}, in.r)
		in.result(Result{Index: index, Source: s, Err: fmt.Errorf("%w: the journal has two batches of one token", ErrUnresolved)})
		return nil, true
	}
	if b.Missing > 0 {
		return nil, true
	}
	return b, true
}

// resumeAll takes up the batches of which the input has only a part, in the order in which they were sent.
func (in *intake) resumeAll(ctx context.Context) {
	sentAt := func(b *resumption) ledger.Batch {
		known, _ := in.r.c.ledger.Batch(b.Token)
		return known
	}
	parts := slices.SortedFunc(maps.Values(in.begun), func(a, b *resumption) int { return ledger.BySentAt(sentAt(a), sentAt(b)) })
	for _, b := range parts {
		in.resume(ctx, b)
	}
}

// resume takes a batch in hand as the earlier import left it. If its job has ended in the meantime, its sources are
// sorted anew.
func (in *intake) resume(ctx context.Context, b *resumption) {
	delete(in.begun, b.Token)
	known, slot, err := in.r.claim(ctx, b.Token)
	if err == nil && known.ClientToken != "" {
		f := in.r.flightOf(known, slot)
		f.add(b, in.r.c.ledger)
		in.chunk.resumed = append(in.chunk.resumed, f)
		return
	}
	for i, s := range b.Sources {
		switch {
		case s.Source1 == "":
		case err != nil:
			in.r.c.ledger.LetGo([]Fingerprint{in.r.target.Fingerprint(s)}, in.r)
			res, ok := in.r.known(s, b.Index[i], err)
			if !ok || errors.Is(err, ledger.ErrHeld) {
				res = Result{Index: b.Index[i], Source: s, Err: err}
			}
			in.result(res)
		default:
			in.sort(ctx, s, b.Index[i])
		}
	}
}

// claim takes a batch in hand that an earlier import began, from the watcher if that has it, with its slot. The batch is
// zero if it is under way no more. The error is [ledger.ErrHeld] if another import has it, or the cause of the context's end.
func (r *run) claim(ctx context.Context, token string) (ledger.Batch, *quota.Slot, error) {
	var slot *quota.Slot
	for {
		holder := r.c.ledger.HoldBatch(token, r)
		known, _ := r.c.ledger.Batch(token)
		if holder == r {
			if slot == nil {
				slot = r.c.slots.Hold(known.JobID != "")
			}
			return known, slot, nil
		}
		if slot != nil {
			slot.Release() // another import was quicker
		}
		other, _ := holder.(*run)
		switch {
		case other == nil:
			return ledger.Batch{}, nil, nil
		case !other.watcher:
			return ledger.Batch{}, nil, ledger.ErrHeld
		}
		if err := quota.Ended(ctx); err != nil {
			return ledger.Batch{}, nil, err // and leaves it with the watcher
		}
		slot = other.yield(token)
	}
}

// flightOf returns a batch that an earlier import began, without any of its sources: it cannot be sent as it was.
func (r *run) flightOf(known ledger.Batch, slot *quota.Slot) *flight {
	t := r.target
	t.SequenceStoreID = known.SequenceStoreID
	f := &flight{written: known.Attempt, body: known.Body, changed: true, slot: slot}
	f.sub = Submission{
		Batch:   Batch{Target: t, ClientToken: known.ClientToken},
		Phase:   PhaseSending,
		Attempt: known.Attempt,
		SentAt:  known.SentAt,
		NextAt:  time.Now(),
		carried: known.Sources,

		MayHaveStarted: known.JobID == "", // as far as anybody knows
	}
	if known.JobID != "" {
		f.sub.Phase = PhaseRunning
		f.sub.Job.JobRef = JobRef{SequenceStoreID: t.SequenceStoreID, ID: known.JobID}
		return f
	}
	f.sub.Search = search.New(known.SentAt)
	return f
}

// add gives the batch those of its sources that the input has. A request whose outcome is not known is repeated only if
// it can be repeated exactly, and otherwise looked for.
func (f *flight) add(b *resumption, l *ledger.Ledger) {
	for i, s := range b.Sources {
		if s.Source1 != "" {
			f.sources, f.index = append(f.sources, s), append(f.index, b.Index[i])
		}
	}
	if b.Missing > 0 {
		return
	}
	f.sub.Batch.Sources = slices.Clone(f.sources)
	if f.changed = bodyDigest(f.sub.Batch) != f.body || l.AnySpare(f.sub.carried); !f.changed {
		f.sub.Search = Search{}
		return
	}
	for i := range f.sub.Batch.Sources {
		f.sub.Batch.Sources[i].Name = "" // that it was sent with is not known
	}
}

// resume takes up a batch that an earlier import began, or left behind.
func (r *run) resume(ctx context.Context, f *flight) {
	r.flights = append(r.flights, f)
	if f.sub.Job.ID != "" {
		r.jobs[f.sub.Job.ID] = true
		r.counts.Submitted += len(f.index)
		r.counts.Running += len(f.index)
	}
	if ctx.Err() != nil {
		r.leave(ctx, f)
	}
}

// replan makes new batches, which wait for slots, of what the input has of one that was begun and never sent, and of what is
// not in the store by other ways.
func (r *run) replan(f *flight) {
	r.release(f)
	var known, left flight
	var results []Result
	for i, s := range f.sources {
		to := &left
		if now := r.c.ledger.Source(r.target.Fingerprint(s)); now.ReadSetID != "" {
			to, results = &known, append(results, alreadyImported(s, f.index[i], now))
		}
		to.sources, to.index = append(to.sources, s), append(to.index, f.index[i])
	}
	f.sources, f.index = known.sources, known.index
	r.end(f, results)
	r.planAll(left.sources, left.index, r.c.ledger.Tries(fingerprints(r.target, left.sources)))
}

// outcomes returns what became of the sources that an ended job carried, where that is clear. Of the others nothing is
// written, so that the job is looked at again.
func outcomes(s Submission) []journal.Source {
	answers := s.Job.answers(s.Batch.Target)
	var out []journal.Source
	for i, f := range s.carried {
		if slices.Contains(s.carried[:i], f) {
			continue // another program's job can have a source twice
		}
		js := answers.Of(f) // or that of a source that the job does not name
		switch s.Job.outcome(js) {
		case wire.Imported:
			out = append(out, journal.Source{Fingerprint: f, Status: js.Status, ReadSetID: js.ReadSetID})
		case wire.NotImported:
			out = append(out, journal.Source{Fingerprint: f, Status: types.ReadSetImportJobItemStatusFailed})
		}
	}
	return out
}
