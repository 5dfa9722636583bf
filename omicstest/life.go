package omicstest

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// job is an import job. Its whole life is planned at Start, so that its state at any time follows from the clock.
type job struct {
	id, roleARN, token string
	number             uint64 // in the order of creation, from 1
	store              *store
	sources            []Source
	outcomes           map[int]Outcome // of the sources that have one of their own
	contents           [][2]string     // of the sources' files; nil: their URIs
	firstReadSet       uint64          // number of the id of the first source's read set; the others follow
	listed             int             // number of sources that addImported has dealt with

	created, begins, ends time.Time // until begins it is SUBMITTED
	final                 types.ReadSetImportJobStatus
	message               string
	failsWhole            bool // sources without an outcome of their own fail with the job
}

// plan decides how long the job takes and how it and its sources end.
func (j *job) plan(o *Options) {
	if o.Content != nil {
		for i := range j.sources {
			j.contents = append(j.contents, o.contents(&j.sources[i]))
		}
	}
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

// derive returns the status and message with which the job ends, as its sources have it.
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

// sourceEnd returns the status and message with which source i ends.
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

// turn returns when the import of source i begins. The sources of a job are imported one after the other, each in the
// same time.
func (j *job) turn(i int) time.Time {
	return j.begins.Add(j.ends.Sub(j.begins) / time.Duration(len(j.sources)) * time.Duration(i))
}

// importedAt returns when source i ends, and whether it is imported then.
func (j *job) importedAt(i int) (at time.Time, imported bool) {
	status, _ := j.sourceEnd(i)
	return j.turn(i + 1), status == types.ReadSetImportJobItemStatusFinished
}

// source returns the state of source i at a time. Sources that fail only because their job does, fail at its end.
func (j *job) source(i int, now time.Time) (status types.ReadSetImportJobItemStatus, message, readSetID string) {
	if !j.ended(now) {
		if now.Before(j.turn(i)) {
			return types.ReadSetImportJobItemStatusNotStarted, "", ""
		}
		if now.Before(j.turn(i+1)) || j.failsWhole && j.outcomes[i].Status == "" {
			return types.ReadSetImportJobItemStatusInProgress, "", ""
		}
	}
	status, message = j.sourceEnd(i)
	if status == types.ReadSetImportJobItemStatusFinished {
		readSetID = idOf(j.firstReadSet + uint64(i))
	}
	return status, message, readSetID
}

// fresh returns the job as it was submitted, with a copy of its sources.
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

// at returns the state of the job at a time.
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

// json returns the job as Start and List answer it. Get adds the sources.
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

// fullJSON returns the job as Get answers it.
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

// order returns the order in which Get answers with the sources: always the same for a job, and with none in its place
// (Sattolo's algorithm permutes them in a single cycle).
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

// idOf returns the n-th id. Ids have ten digits, are unique, and are in no order.
func idOf(n uint64) string {
	const first, count, step = 1_000_000_000, 9_000_000_000, 1_234_567_891 // step and count have no common divisor
	return strconv.FormatUint(first+n%count*step%count, 10)
}
