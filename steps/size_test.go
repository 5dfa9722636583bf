package steps

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

// stranger is a source that others import: of a person of the batch, but from another file.
func stranger(of readsetimport.Source, i int) omicstest.Source {
	return omicstest.Source{
		Type: of.Type, Source1: fmt.Sprintf("s3://elsewhere/%d.fastq.gz", i), SubjectID: of.SubjectID, SampleID: of.SampleID,
	}
}

// A state stays small with the longest names and ids, whatever happens to a batch.
func TestSize(t *testing.T) {
	t.Parallel()
	const lag = 30 * time.Hour // after which the service has forgotten the jobs of the test
	for name, tc := range map[string]struct {
		batch   func(*testing.T) readsetimport.Batch
		options func(*omicstest.Options)
		fault   func(*omicstest.Service)                            // before the first request
		others  func(*omicstest.Service, readsetimport.Batch) error // what others do, while the step after the lost answer is late
		late    time.Duration
		phase   readsetimport.Phase
		least   int // bytes of the largest state, so that the case has in it what it is for
	}{
		"a job of two hours": {batch: largest, phase: readsetimport.PhaseDone, least: 2000},
		"its answer is lost, and 100 jobs of others are on the list": {
			batch: ofOne, late: 2 * time.Hour, phase: readsetimport.PhaseDone, least: 6000,
			fault: func(s *omicstest.Service) { s.Inject(omicstest.OpStart, omicstest.DropBefore()) },
			others: func(s *omicstest.Service, b readsetimport.Batch) error {
				for i := range 150 {
					if _, err := s.StartJob(store, target.RoleARN, stranger(b.Sources[0], i)); err != nil {
						return err
					}
				}
				return nil
			},
		},
		"and 100 read sets of the same person, by jobs that are forgotten": {
			batch: ofOne, late: lag, phase: readsetimport.PhaseUnresolved, least: 7000,
			options: func(o *omicstest.Options) { o.JobRetention = 10 * time.Hour },
			fault:   func(s *omicstest.Service) { s.Inject(omicstest.OpStart, omicstest.DropBefore()) },
			others: func(s *omicstest.Service, b readsetimport.Batch) error {
				for i := range 100 {
					if _, err := s.StartJob(store, target.RoleARN, stranger(b.Sources[0], i)); err != nil {
						return err
					}
				}
				return nil
			},
		},
		"and its own job is forgotten": {
			batch: ofOne, late: lag, phase: readsetimport.PhaseDone, least: 8000,
			options: func(o *omicstest.Options) { o.JobRetention = 10 * time.Hour },
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) {
					o.Stores = []string{store}
					o.JobDuration = omicstest.FixedDuration(2 * time.Hour)
					o.PageSize = 99 // so that the token of a page comes with it
					if tc.options != nil {
						tc.options(o)
					}
				})
				if tc.fault != nil {
					tc.fault(service)
				}
				b := tc.batch(t)
				d := driver{client: newClient(t, service, func(o *readsetimport.Options) { o.MinPollDelay = 30 * time.Minute })}
				d.late = func(s State) time.Duration {
					if tc.late == 0 || len(service.Requests("")) != 2 && tc.fault == nil || tc.fault != nil && len(service.Requests("")) != 1 {
						return 0
					}
					if tc.others != nil {
						require.NoError(t, tc.others(service, b))
					}
					return tc.late
				}
				results := d.run(t, b)
				require.Equal(t, tc.phase, d.last.Phase, d.last.LastError)
				require.Len(t, results, len(b.Sources))
				most := d.largestSize()
				require.Greater(t, most, tc.least)
				whole, err := json.Marshal(d.last)
				require.NoError(t, err)
				t.Logf("%d steps; the largest state has %d bytes, the last Submission %d", d.steps, most, len(whole))
			})
		})
	}
}
