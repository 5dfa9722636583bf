package omicstest

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// job is an import job. All that will become of it is settled at Start, and read off the clock later.
type job struct {
	id, roleARN, token string
	number             uint64 // position in the order of creation, from 1
	store              *store
	sources            []Source
	outcomes           map[int]Outcome // of the sources that have one of their own
	firstReadSet       uint64          // number of the first source's read set; the others follow

	created, begins, ends time.Time // begins: SUBMITTED until then
	final                 types.ReadSetImportJobStatus
	message               string
	failsWhole            bool // sources without an outcome of their own share the job's
}

// plan settles how long the job takes and how it and its sources end.
func (j *job) plan(o *Options) {
	for i := range j.sources {
		if o.Outcome == nil {
			break
		}
		if outcome := o.Outcome(j.sources[i].clone()); outcome != (Outcome{}) {
			if j.outcomes == nil {
				j.outcomes = make(map[int]Outcome)
			}
			j.outcomes[i] = outcome
		}
	}
	duration := defaultJobDuration
	if o.JobDuration != nil {
		duration = max(0, o.JobDuration(j.fresh(o.ClockSkew)))
	}
	if o.JobOutcome != nil {
		j.final, j.message = o.JobOutcome(j.fresh(o.ClockSkew))
	}
	j.begins, j.ends = j.created.Add(duration/10), j.created.Add(duration)
	j.failsWhole = j.final == types.ReadSetImportJobStatusFailed || j.final == types.ReadSetImportJobStatusCancelled
	if j.final == "" {
		j.final, j.message = j.derive()
	}
}

// derive is the job's end as its sources make it.
func (j *job) derive() (types.ReadSetImportJobStatus, string) {
	failed := 0
	for i := range j.outcomes {
		if s, _ := j.sourceEnd(i); s != types.ReadSetImportJobItemStatusFinished {
			failed++
		}
	}
	switch failed {
	case 0:
		return types.ReadSetImportJobStatusCompleted, ""
	case len(j.sources):
		return types.ReadSetImportJobStatusFailed, "No read set was imported"
	}
	return types.ReadSetImportJobStatusCompletedWithFailures,
		strconv.Itoa(failed) + " of " + strconv.Itoa(len(j.sources)) + " read sets were not imported"
}

func (j *job) ended(now time.Time) bool { return !now.Before(j.ends) }

func (j *job) status(now time.Time) types.ReadSetImportJobStatus {
	switch {
	case j.ended(now):
		return j.final
	case now.Before(j.begins):
		return types.ReadSetImportJobStatusSubmitted
	case j.final == types.ReadSetImportJobStatusCancelled && !now.Before(j.ends.Add(-j.ends.Sub(j.begins)/10)):
		return types.ReadSetImportJobStatusCancelling
	}
	return types.ReadSetImportJobStatusInProgress
}

// sourceEnd is what becomes of source i.
func (j *job) sourceEnd(i int) (types.ReadSetImportJobItemStatus, string) {
	outcome := j.outcomes[i]
	switch {
	case outcome.Status != "":
	case !j.failsWhole:
		outcome.Status = types.ReadSetImportJobItemStatusFinished
	case j.final == types.ReadSetImportJobStatusCancelled:
		outcome.Status = types.ReadSetImportJobItemStatusNotStarted
	default:
		outcome.Status = types.ReadSetImportJobItemStatusFailed
	}
	return outcome.Status, outcome.Message
}

// source is source i at a time. The sources of a job are imported one after the other, each in the same time; those
// that fail only because their job does, fail at its end.
func (j *job) source(i int, now time.Time) (status types.ReadSetImportJobItemStatus, message, readSetID string) {
	if !j.ended(now) {
		n, span := time.Duration(len(j.sources)), j.ends.Sub(j.begins)
		if now.Before(j.begins.Add(span / n * time.Duration(i))) {
			return types.ReadSetImportJobItemStatusNotStarted, "", ""
		}
		over := !now.Before(j.begins.Add(span / n * time.Duration(i+1)))
		if !over || j.failsWhole && j.outcomes[i].Status == "" {
			return types.ReadSetImportJobItemStatusInProgress, "", ""
		}
	}
	status, message = j.sourceEnd(i)
	if status == types.ReadSetImportJobItemStatusFinished {
		readSetID = idOf(j.firstReadSet + uint64(i))
	}
	return status, message, readSetID
}

// fresh is the job as it was submitted, with a copy of its sources.
func (j *job) fresh(skew time.Duration) Job {
	v := Job{
		ID: j.id, StoreID: j.store.id, RoleARN: j.roleARN, ClientToken: j.token,
		Status: types.ReadSetImportJobStatusSubmitted, CreationTime: j.created.Add(skew),
		Sources: make([]JobSource, len(j.sources)),
	}
	for i := range j.sources {
		v.Sources[i] = JobSource{Source: j.sources[i].clone(), Status: types.ReadSetImportJobItemStatusNotStarted}
	}
	return v
}

// at is the job at a time.
func (j *job) at(now time.Time, skew time.Duration) Job {
	v := j.fresh(skew)
	v.Status = j.status(now)
	if j.ended(now) {
		v.CompletionTime, v.StatusMessage = j.ends.Add(skew), j.message
	}
	for i := range v.Sources {
		s := &v.Sources[i]
		s.Status, s.StatusMessage, s.ReadSetID = j.source(i, now)
	}
	return v
}

// json is the job as Start and List answer it; Get adds the sources.
func (j *job) json(now time.Time, skew time.Duration) jobJSON {
	v := jobJSON{
		ID: j.id, SequenceStoreID: j.store.id, RoleARN: j.roleARN,
		Status: string(j.status(now)), CreationTime: formatTime(j.created.Add(skew)),
	}
	if j.ended(now) {
		v.CompletionTime = formatTime(j.ends.Add(skew))
	}
	return v
}

// fullJSON is the job as Get answers it.
func (j *job) fullJSON(now time.Time, o *Options) jobJSON {
	v := j.json(now, o.ClockSkew)
	if j.ended(now) {
		v.StatusMessage = j.message
	}
	v.Sources = make([]sourceJSON, len(j.sources))
	for to, from := range j.order(o.KeepOrder) {
		s := JobSource{Source: j.sources[from]}
		s.Status, s.StatusMessage, s.ReadSetID = j.source(from, now)
		v.Sources[to] = sourceToJSON(&s)
	}
	return v
}

// order is the order in which the sources are answered: always the same for a job, and with none in its place
// (Sattolo's algorithm makes a single cycle of them all).
func (j *job) order(keep bool) []int {
	order := make([]int, len(j.sources))
	for i := range order {
		order[i] = i
	}
	if keep {
		return order
	}
	random := rand.New(rand.NewPCG(j.number, uint64(len(order))))
	for i := len(order) - 1; i > 0; i-- {
		k := random.IntN(i)
		order[i], order[k] = order[k], order[i]
	}
	return order
}

// idOf is the n-th id: ten digits, each once, in no order.
func idOf(n uint64) string {
	const first, count, step = 1_000_000_000, 9_000_000_000, 1_234_567_891 // step and count have no common divisor
	return strconv.FormatUint(first+n%count*step%count, 10)
}
