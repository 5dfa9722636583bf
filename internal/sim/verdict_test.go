package sim

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

// endedJobs are the sources of which the journal knows how a job of theirs ended.
func (w *world) endedJobs() map[outcomeKey]bool {
	known := make(map[outcomeKey]bool)
	copied := &simulatedFile{&simulatedDisk{cached: w.disk.cached}, w.newProcess(0, runPlan{}, true)}
	file, err := openOn(copied)
	if err != nil {
		return known
	}
	for r, err := range file.Replay(context.Background()) {
		if err != nil || r.Kind != journal.Ended {
			continue
		}
		for _, s := range r.Sources {
			known[outcomeKey{r.JobID, s.Fingerprint}] = true
		}
	}
	return known
}

// verdict is what a seed that did not fail came to.
type verdict struct{ imported, failed, unresolved int }

// compare holds the last report against the store.
func (w *world) compare(report *readsetimport.Report, sheet []readsetimport.Source, known map[outcomeKey]bool) (verdict, error) {
	sets := make(map[string][]omicstest.ReadSet)
	for _, set := range w.service.ReadSets(target.SequenceStoreID) {
		if set.Status == types.ReadSetStatusActive {
			sets[set.Source1] = append(sets[set.Source1], set)
		}
	}
	for uri, same := range sets {
		if len(same) > 1 {
			return verdict{}, breach("twice", "%s is in the store %d times: jobs %s and %s", keyOf(uri), len(same), same[0].JobID, same[1].JobID)
		}
	}
	jobs := make(map[string]omicstest.Job)
	for _, job := range w.service.Jobs(target.SequenceStoreID) {
		jobs[job.ID] = job
	}
	if len(report.Results) != len(sheet) {
		return verdict{}, breach("no result", "%d results for %d sources", len(report.Results), len(sheet))
	}
	var v verdict
	for i, res := range report.Results {
		key, in := keyOf(sheet[i].Source1), sets[sheet[i].Source1]
		var failure *readsetimport.JobError
		switch {
		case res.Index != i || res.Source.Source1 != sheet[i].Source1:
			return v, breach("results", "result %d is of another source", i)
		case res.Err == nil:
			if len(in) == 0 || in[0].ID != res.ReadSetID || in[0].JobID != res.JobID {
				return v, breach("imported", "%s is reported as read set %s of job %s, and the store has %v", key, res.ReadSetID, res.JobID, in)
			}
			v.imported++
		case errors.Is(res.Err, readsetimport.ErrUnresolved):
			if !w.mayStayOpen(sheet[i], jobs) && !w.isTorn(sheet[i], sheet) && w.mustResolve() && !w.alwaysLate(res.Err) {
				return v, breach("unresolved", "%s is unresolved: %v", key, res.Err)
			}
			v.unresolved++
		case errors.As(res.Err, &failure):
			if len(in) > 0 {
				return v, breach("failed", "%s is reported as failed in job %s, and is in the store by job %s", key, res.JobID, in[0].JobID)
			}
			if known[outcomeKey{res.JobID, target.Fingerprint(sheet[i])}] {
				return v, breach("not tried again", "%s is reported as failed in job %s, which had ended before: it was not tried again", key, res.JobID)
			}
			want := messageOf(jobs[res.JobID], sheet[i].Source1)
			if want != res.StatusMessage && res.StatusMessage != settledMessage && (res.StatusMessage != "" || !w.plan.drivers.compact) {
				return v, breach("message", "%s is reported as failed with %q instead of %q", key, res.StatusMessage, want)
			}
			v.failed++
		default:
			return v, breach("not imported", "%s was not imported: %v", key, res.Err)
		}
	}
	return v, nil
}

// isTorn reports whether a source was sent in one batch with others that the sheet does not have any more. What became of an
// old one is then not asked of the read sets.
func (w *world) isTorn(s readsetimport.Source, sheet []readsetimport.Source) bool {
	has := make(map[journal.Fingerprint]bool, len(sheet))
	for _, s := range sheet {
		has[target.Fingerprint(s)] = true
	}
	for _, sources := range w.records.batches {
		mine := slices.ContainsFunc(sources, func(js journal.Source) bool { return js.Fingerprint == target.Fingerprint(s) })
		if mine && slices.ContainsFunc(sources, func(js journal.Source) bool { return !has[js.Fingerprint] }) {
			return true
		}
	}
	return false
}

// settledMessage is what the library says of a source that the read sets tell of, and not the job.
const settledMessage = "no read set of it is in the store"

// mayStayOpen reports whether it may never be told what became of a source, since the service describes it oddly. An
// orchestrator looks no more at a job of which some sources are told by then, and others are not.
func (w *world) mayStayOpen(s readsetimport.Source, jobs map[string]omicstest.Job) bool {
	_, odd := w.odd(keyOf(s.Source1))
	for _, job := range jobs {
		if _, ok := sourceIn(job, s); odd || !ok || !w.orchestrates() {
			continue
		}
		for _, other := range job.Sources {
			if _, is := w.odd(keyOf(other.Source1)); is {
				odd = true
			}
		}
	}
	return odd
}

// messageOf is what the service says of a source of a job that ended badly.
func messageOf(job omicstest.Job, uri string) string {
	at := slices.IndexFunc(job.Sources, func(s omicstest.JobSource) bool { return s.Source1 == uri })
	if at < 0 {
		return "(not in the job)"
	}
	if m := job.Sources[at].StatusMessage; m != "" {
		return m
	}
	return job.StatusMessage
}

// mustResolve is whether nothing may be unresolved: all of it happened within the time for which the service keeps the
// records of jobs.
func (w *world) mustResolve() bool {
	if w.orchestrates() { // a search that is refused leaves its batch unresolved for good
		for _, phase := range []string{phaseListing, phaseInspecting} {
			for _, refusal := range []string{"400", "403", "404"} {
				if w.cells[cell{"fault: " + refusal, phase}] > 0 {
					return false
				}
			}
		}
	}
	return time.Since(w.begin) < listed
}
