package steps_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
	"github.com/readsetimport/readsetimport/steps"
)

var target = readsetimport.Target{SequenceStoreID: "1234567890", RoleARN: "arn:aws:iam::123456789012:role/omics-import"}

// table is a table of a database: the state of each batch, written only over the version that it was made from.
type table struct {
	state   []byte
	version int
}

var errConflict = errors.New("another worker was faster")

func (t *table) save(state []byte, version int) error {
	if version != t.version {
		return errConflict
	}
	t.state, t.version = state, version+1
	return nil
}

// step is what a worker does each time that the engine calls it.
func step(ctx context.Context, client *readsetimport.Client, t *table, batch readsetimport.Batch, report func([]readsetimport.Result)) (next time.Time, err error) {
	version := t.version
	var state steps.State
	if err := json.Unmarshal(t.state, &state); err != nil || state.Ended() {
		return time.Time{}, err
	}
	submission, err := state.With(batch)
	if err != nil {
		return time.Time{}, err
	}
	submission, failure := client.Advance(ctx, submission)
	if submission.Ended() {
		report(submission.Results()) // before the state is saved
	}
	state = steps.Of(submission)
	text, err := json.Marshal(state)
	if err != nil {
		return time.Time{}, err
	}
	if err := t.save(text, version); err != nil {
		return time.Time{}, err
	}
	if steps.Retry(ctx, failure) {
		failure = nil
	}
	return state.NextAt(), failure
}

func Example() {
	service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Second) })
	client, err := readsetimport.New(service.Client())
	if err != nil {
		log.Fatal(err)
	}
	// The batch is kept apart. Its run id gives it its client token.
	batches, err := readsetimport.Split(target, "monday", []readsetimport.Source{
		readsetimport.UBAM("s3://lab/NA12878.bam").WithSubject("NA12878").WithSample("NA12878"),
		readsetimport.UBAM("s3://lab/NA12891.bam").WithSubject("NA12891").WithSample("NA12891"),
	})
	if err != nil {
		log.Fatal(err)
	}
	first, err := json.Marshal(steps.Of(readsetimport.Submission{Batch: batches[0]}))
	if err != nil {
		log.Fatal(err)
	}
	states := &table{state: first}
	for {
		next, err := step(context.Background(), client, states, batches[0], func(results []readsetimport.Result) {
			for _, r := range results {
				fmt.Println(r.Source.SampleID, r.Status)
			}
		})
		if err != nil {
			log.Fatal(err)
		}
		if next.IsZero() {
			break
		}
		time.Sleep(time.Until(next)) // the engine's timer
	}
	// Output:
	// NA12878 FINISHED
	// NA12891 FINISHED
}

// A batch is given up where nothing has been started.
func ExampleState_FullSince() {
	giveUp := func(s steps.State) bool {
		return s.Phase() == readsetimport.PhasePlanned && !s.FullSince().IsZero() && time.Since(s.FullSince()) > 24*time.Hour
	}
	batch := readsetimport.Batch{Target: target}
	fmt.Println(giveUp(steps.Of(readsetimport.Submission{Batch: batch, Phase: readsetimport.PhasePlanned, FullSince: time.Now().Add(-25 * time.Hour)})))
	fmt.Println(giveUp(steps.Of(readsetimport.Submission{Batch: batch, Phase: readsetimport.PhaseSending, FullSince: time.Now().Add(-25 * time.Hour)})))
	// Output:
	// true
	// false
}

// An event of EventBridge names a job: the engine wakes up the batch that has it.
func ExampleState_Job() {
	state := steps.Of(readsetimport.Submission{
		Phase: readsetimport.PhaseRunning,
		Job:   readsetimport.Job{JobRef: readsetimport.JobRef{SequenceStoreID: "1234567890", ID: "2234567891"}},
	})
	job, _, err := readsetimport.ParseEvent([]byte(`{"source":"aws.omics","detail-type":"Read Set Import Job Status Change",
		"detail":{"sequenceStoreId":"1234567890","id":"2234567891","status":"COMPLETED"}}`))
	fmt.Println(job == state.Job(), err)
	// Output: true <nil>
}
