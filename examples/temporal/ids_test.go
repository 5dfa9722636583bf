package main

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"

	"github.com/readsetimport/readsetimport/omicstest"
)

// recorder keeps all that is written into histories.
type recorder struct {
	converter.DataConverter
	mu  sync.Mutex
	all bytes.Buffer
}

func (r *recorder) ToPayload(value any) (*commonpb.Payload, error) {
	p, err := r.DataConverter.ToPayload(value)
	r.note(p)
	return p, err
}

func (r *recorder) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	p, err := r.DataConverter.ToPayloads(values...)
	for _, one := range p.GetPayloads() {
		r.note(one)
	}
	return p, err
}

func (r *recorder) note(p *commonpb.Payload) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all.Write(p.GetData())
	r.all.WriteByte('\n')
}

// No payload has an id of a person or the name of a file, whatever the service says of them; nor has an error.
func TestNoIDs(t *testing.T) {
	t.Parallel()
	starts := 0
	s := newShop(t, 950, func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(50 * time.Millisecond)
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			if s.SampleID < "PATIENT000010" {
				return omicstest.Failed(fmt.Sprintf("the mates of %s in %s differ", s.SampleID, s.Source1))
			}
			return omicstest.Outcome{}
		}
		o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
			if r.Op == omicstest.OpStart {
				starts++
			}
			switch {
			case r.Op != omicstest.OpStart:
			case starts == 1: // later, it would be forgiven
				return omicstest.AccessDenied().WithMessage("no reads of PATIENT000100"), true
			case starts == 4:
				return omicstest.Validation().WithMessage("PATIENT000200 is not valid"), true
			case starts == 6:
				return omicstest.QuotaExceeded().WithMessage("PATIENT000300 has to wait"), true
			}
			return omicstest.Fault{}, false
		}
	})
	var suite testsuite.WorkflowTestSuite
	var log lines
	suite.SetLogger(&log)
	env := suite.NewTestWorkflowEnvironment()
	payloads := &recorder{DataConverter: converter.GetDefaultDataConverter()}
	env.SetDataConverter(payloads)
	env.SetStartWorkflowOptions(client.StartWorkflowOptions{ID: "monday"})
	env.SetTestTimeout(time.Minute)
	register(env, s.activities)
	env.ExecuteWorkflow(Import, importInput{
		Target: target, MaxJobs: 3, Settings: settings{StepTimeout: time.Minute, RaiseEvery: time.Minute, MaxEvents: 10_000},
	})
	require.NoError(t, env.GetWorkflowError())
	var p progress
	require.NoError(t, env.GetWorkflowResult(&p))
	require.Equal(t, counts{Imported: 840, Failed: 10, Refused: 100}, p.Counts)
	require.Len(t, s.service.Jobs(store), 9)
	seen := payloads.all.String() + log.String()
	require.Contains(t, seen, "AccessDenied")
	require.Contains(t, seen, s.sheet.Digest)
	for _, word := range []string{"PATIENT", "s3://", "fastq", string(s.folder)} {
		require.NotContains(t, seen, word)
	}
}

// lines is a log.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) add(message string, pairs ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(&l.all, append([]any{message}, pairs...)...)
}

func (l *lines) Debug(message string, pairs ...any) { l.add(message, pairs...) }
func (l *lines) Info(message string, pairs ...any)  { l.add(message, pairs...) }
func (l *lines) Warn(message string, pairs ...any)  { l.add(message, pairs...) }
func (l *lines) Error(message string, pairs ...any) { l.add(message, pairs...) }

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}
