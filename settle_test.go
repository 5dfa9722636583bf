package readsetimport

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// A batch of which the answer was lost long ago is settled by the read sets of its samples.
func TestDoubtOlderThanTheRecords(t *testing.T) {
	t.Parallel()
	const week = 8 * 24 * time.Hour
	for name, tc := range map[string]struct {
		started   bool
		retention time.Duration // of job records
		age       time.Duration
		change    func(*testing.T, *omicstest.Service, Batch)
		want      Phase
		jobs      int
	}{
		"it was not imported": {age: week, want: PhaseDone, jobs: 1},
		"its record is gone":  {started: true, retention: time.Hour, age: week, want: PhaseUnresolved, jobs: 1},
		"it was deleted since": {started: true, retention: time.Hour, age: week, want: PhaseDone, jobs: 2, change: func(t *testing.T, s *omicstest.Service, _ Batch) {
			for _, set := range s.ReadSets(testTarget.SequenceStoreID) {
				require.NoError(t, s.DeleteReadSet(set.ID))
			}
		}},
		"others were uploaded": {age: week, want: PhaseDone, jobs: 1, change: func(t *testing.T, s *omicstest.Service, b Batch) {
			_, err := s.Upload(testTarget.SequenceStoreID, omicstest.Upload{Source: sourceAsSent(b.Sources[0])})
			require.NoError(t, err)
		}},
		"other files of the sample came by a job": {age: week, want: PhaseDone, jobs: 2, change: func(t *testing.T, s *omicstest.Service, b Batch) {
			other := b.Sources[0]
			other.Source1 = "s3://bucket/other.bam"
			foreign(t, s, other)
			time.Sleep(time.Hour)
		}},
		"one of them came by another's job": {age: week, want: PhaseUnresolved, jobs: 1, change: func(t *testing.T, s *omicstest.Service, b Batch) {
			foreign(t, s, b.Sources[0])
			time.Sleep(time.Hour)
		}},
		"another type":                      {started: true, retention: time.Hour, age: week, want: PhaseUnresolved, jobs: 1},
		"within a week, its record is gone": {started: true, retention: time.Hour, age: 6 * 24 * time.Hour, want: PhaseUnresolved, jobs: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobRetention, o.TokenWindow = tc.retention, time.Hour
					o.JobDuration = omicstest.FixedDuration(time.Hour)
				})
				b := newBatch(testTarget, "run", testSources(4))
				s := lostAnswer(t, service, b, tc.started)
				if tc.change != nil && !tc.started {
					tc.change(t, service, b)
				}
				time.Sleep(2 * time.Hour)
				if tc.change != nil && tc.started {
					tc.change(t, service, b)
				}
				time.Sleep(tc.age)
				d := driver{client: newTestClient(t, service), service: service, readBack: true}
				last, err := d.run(t, s)
				require.Equal(t, tc.want, last.Phase)
				require.Len(t, service.Jobs(testTarget.SequenceStoreID), tc.jobs)
				if tc.want == PhaseDone {
					require.NoError(t, err)
					require.NoError(t, last.Err())
					return
				}
				for _, err := range []error{err, last.Err(), readBack(t, last).Err(), last.Results()[0].Err} {
					var doubt *DoubtError
					require.ErrorAs(t, err, &doubt)
					require.ErrorIs(t, err, ErrUnresolved)
					require.Equal(t, tc.started, len(doubt.ReadSetIDs) == 4)
					require.Equal(t, !tc.started, len(doubt.JobIDs) == 1)
				}
				requireFitForLog(t, err)
			})
		})
	}
}

func sourceAsSent(s Source) omicstest.Source {
	return omicstest.Source{Type: s.Type, Source1: s.Source1, SubjectID: s.SubjectID, SampleID: s.SampleID, Name: s.Name}
}

// A job of which the record is gone, and one that completed without naming its read sets, are settled by the read sets that
// it created.
func TestJobSettledByItsReadSets(t *testing.T) {
	t.Parallel()
	gone := func(o *omicstest.Options) { o.JobRetention = time.Minute }
	silent := func(o *omicstest.Options) {
		o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
			return jsonBody(200, `{"id":"`+r.JobID+`","status":"COMPLETED","completionTime":"2000-01-01T05:00:00Z","sources":[]}`), r.Op == omicstest.OpGet
		}
	}
	fails := func(o *omicstest.Options) {
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			if s.Source1 == testSources(1)[0].Source1 {
				return omicstest.Failed("no such file")
			}
			return omicstest.Outcome{}
		}
	}
	for name, tc := range map[string]struct {
		change  []func(*omicstest.Options)
		sources func([]Source)
		age     time.Duration
		want    []string // of the four sources: "in", "out", "?"
	}{
		"gone":                      {change: []func(*omicstest.Options){gone}, age: time.Hour, want: []string{"in", "in", "in", "in"}},
		"gone, one failed":          {change: []func(*omicstest.Options){gone, fails}, age: 8 * 24 * time.Hour, want: []string{"out", "in", "in", "in"}},
		"gone, one failed, young":   {change: []func(*omicstest.Options){gone, fails}, age: time.Hour, want: []string{"?", "in", "in", "in"}},
		"silent":                    {change: []func(*omicstest.Options){silent}, age: time.Hour, want: []string{"in", "in", "in", "in"}},
		"silent, one failed":        {change: []func(*omicstest.Options){silent, fails}, age: time.Hour, want: []string{"out", "in", "in", "in"}},
		"one sample, without names": {change: []func(*omicstest.Options){gone}, age: time.Hour, sources: oneSample(false), want: []string{"?", "?", "?", "?"}},
		"silent, one sample":        {change: []func(*omicstest.Options){silent}, age: time.Hour, sources: oneSample(false), want: []string{"?", "?", "?", "?"}},
		"one sample, with names":    {change: []func(*omicstest.Options){gone}, age: time.Hour, sources: oneSample(true), want: []string{"in", "in", "in", "in"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(append(tc.change, func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })...)
				sources := testSources(4)
				if tc.sources != nil {
					tc.sources(sources)
				}
				job := Job{}
				mem := new(memoryJournal)
				for _, read := range []bool{false, true} { // a driver's own state, and a journal's
					if !read {
						var err error
						job, err = newTestClient(t, service).Start(t.Context(), newBatch(testTarget, "run", sources))
						require.NoError(t, err)
						s := Submission{Batch: newBatch(testTarget, "run", sources), Phase: PhaseRunning, Job: job, SentAt: time.Now()}
						time.Sleep(time.Hour + tc.age)
						d := driver{client: newTestClient(t, service), service: service, readBack: true}
						last, err := d.run(t, s)
						requireSettled(t, service, job.ID, tc.want, last.Results(), err)
						continue
					}
					found := journaledRun(t, service, mem, job.ID, sources)
					report, err := newTestClient(t, service, journaled(found)).Import(t.Context(), testTarget, sources)
					if !slices.Contains(tc.want, "?") && !slices.Contains(tc.want, "out") {
						require.NoError(t, err)
					}
					requireSettled(t, service, job.ID, tc.want, report.Results, nil)
				}
			})
		})
	}
}

// Of a job of which a list told no more than that it was cancelled, the read sets tell, and not that status: what was finished
// before is in the store.
func TestSettledByMoreThanAStatus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cancelled := types.ReadSetImportJobStatusCancelled
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobRetention, o.JobDuration = time.Minute, omicstest.FixedDuration(time.Hour)
			o.JobOutcome = func(omicstest.Job) (types.ReadSetImportJobStatus, string) { return cancelled, "" }
			o.Outcome = func(s omicstest.Source) omicstest.Outcome {
				if s.Source1 == testSources(1)[0].Source1 {
					return omicstest.Outcome{Status: types.ReadSetImportJobItemStatusFinished}
				}
				return omicstest.Outcome{}
			}
		})
		c := newTestClient(t, service)
		batch := newBatch(testTarget, "run", testSources(2))
		job, err := c.Start(t.Context(), batch)
		require.NoError(t, err)
		s := Submission{Batch: batch, Phase: PhaseRunning, Job: job, SentAt: time.Now()}
		time.Sleep(3 * time.Hour)
		s.Job.Status = cancelled
		d := driver{client: c, service: service, readBack: true}
		last, err := d.run(t, s)
		require.NoError(t, err)
		results := last.Results()
		require.NoError(t, results[0].Err)
		require.Equal(t, service.ReadSets(testTarget.SequenceStoreID)[0].ID, results[0].ReadSetID)
		require.ErrorIs(t, results[1].Err, ErrJobCancelled)
		require.NotErrorIs(t, results[1].Err, ErrUnresolved)
	})
}

func oneSample(named bool) func([]Source) {
	return func(sources []Source) {
		for i := range sources {
			sources[i].SampleID, sources[i].SubjectID = "sample", "subject"
			if named {
				sources[i].Name = "lane " + string(rune('1'+i))
			}
		}
	}
}

// requireSettled checks what is said of each source against the store.
func requireSettled(t *testing.T, service *omicstest.Service, job string, want []string, results []Result, err error) {
	t.Helper()
	if err != nil {
		require.ErrorIs(t, err, ErrUnresolved)
	}
	sets := make(map[string]omicstest.ReadSet)
	for _, set := range service.ReadSets(testTarget.SequenceStoreID) {
		sets[set.ID] = set
	}
	for i, res := range results {
		var doubt *DoubtError
		switch want[i] {
		case "in":
			require.NoError(t, res.Err, i)
			require.Equal(t, res.Source.Source1, sets[res.ReadSetID].Source.Source1)
		case "out":
			require.ErrorIs(t, res.Err, ErrPartialFailure)
			require.NotErrorIs(t, res.Err, ErrUnresolved)
			require.Empty(t, res.ReadSetID)
		default:
			require.ErrorAs(t, res.Err, &doubt)
			require.Equal(t, []string{job}, doubt.JobIDs)
			require.Equal(t, !slices.Contains(want, "in"), len(doubt.ReadSetIDs) == 4)
			for _, id := range doubt.ReadSetIDs {
				require.Equal(t, job, sets[id].JobID)
			}
		}
	}
	require.Len(t, service.Jobs(testTarget.SequenceStoreID), 1, "nothing is sent")
}

// journaledRun returns a journal in which the job was started long ago.
func journaledRun(t *testing.T, service *omicstest.Service, mem *memoryJournal, job string, sources []Source) *memoryJournal {
	begun := Submission{Batch: newBatch(testTarget, "run", sources), Phase: PhasePlanned, carried: fingerprints(testTarget, sources)}
	sending, running := begun, begun
	sending.Phase, sending.Attempt, sending.SentAt = PhaseSending, 1, service.Jobs(testTarget.SequenceStoreID)[0].CreationTime
	running.Phase, running.Job.ID = PhaseRunning, job
	for _, states := range [][2]Submission{{begun, sending}, {sending, running}} {
		rec, ok := record(states[0], states[1])
		require.True(t, ok)
		require.NoError(t, mem.Append(t.Context(), rec))
	}
	return mem
}

// Whoever may not list read sets is told what was told without them.
func TestDoubtWithoutPermission(t *testing.T) {
	t.Parallel()
	for _, op := range []string{omicstest.OpListReadSets, omicstest.OpGetReadSetMetadata} {
		synctest.Test(t, func(t *testing.T) { // a request that is not that old is sent anew, as it is without read sets
			service := omicstest.New(func(o *omicstest.Options) {
				o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
					return omicstest.AccessDenied(), r.Op == omicstest.OpListReadSets
				}
			})
			s := lostAnswer(t, service, newBatch(testTarget, "run", testSources(2)), false)
			time.Sleep(2 * 24 * time.Hour)
			d := driver{client: newTestClient(t, service), service: service}
			last, err := d.run(t, s)
			require.NoError(t, err)
			require.Equal(t, PhaseDone, last.Phase)
		})
		synctest.Test(t, func(t *testing.T) {
			service := omicstest.New(func(o *omicstest.Options) {
				o.JobRetention = time.Hour
				o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) { return omicstest.AccessDenied(), r.Op == op }
			})
			b := newBatch(testTarget, "run", testSources(2))
			s := lostAnswer(t, service, b, true)
			time.Sleep(8 * 24 * time.Hour)
			d := driver{client: newTestClient(t, service), service: service}
			last, err := d.run(t, s)
			require.Equal(t, PhaseUnresolved, last.Phase)
			require.ErrorIs(t, err, ErrUnresolved)
			require.Len(t, service.Jobs(testTarget.SequenceStoreID), 1)
		})
	}
}

// A step that is taken too early says nothing about read sets that are not listed yet.
func TestSettleWaitsForTheList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.ReadSetListLag = 10 * time.Minute
			o.JobDuration = omicstest.FixedDuration(time.Hour)
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return jsonBody(200, `{"id":"`+r.JobID+`","status":"COMPLETED","sources":[]}`), r.Op == omicstest.OpGet
			}
		})
		b := newBatch(testTarget, "run", testSources(3))
		c := newTestClient(t, service)
		s := Submission{Batch: b}
		var err error
		for !s.Ended() {
			s, err = c.Advance(t.Context(), s)
			require.NoError(t, err)
			wait := time.Until(s.NextAt)
			if s.Phase == PhaseRunning && s.Search.On() {
				wait = min(wait, time.Minute)
			} else if s.Phase == PhaseRunning {
				wait = max(wait, time.Until(s.SentAt.Add(time.Hour)))
			}
			time.Sleep(max(wait, 0))
		}
		for _, res := range s.Results() {
			require.NoError(t, res.Err)
		}
		require.Equal(t, types.ReadSetImportJobStatusCompleted, s.Job.Status)
		require.NoError(t, errors.Join(s.Err()))
	})
}

// The service's clock is behind, and each step is taken by a client that has heard nothing of it yet.
func TestSettleByAClockThatIsBehind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobRetention, o.ClockSkew = time.Hour, -3*time.Hour })
		b := newBatch(testTarget, "run", testSources(2))
		job, err := newTestClient(t, service).Start(t.Context(), b)
		require.NoError(t, err)
		s := Submission{Batch: b, Phase: PhaseRunning, Job: job, SentAt: time.Now()}
		time.Sleep(8 * 24 * time.Hour)
		for range 100 {
			s, err = newTestClient(t, service).Advance(t.Context(), readBack(t, s))
			require.NoError(t, err)
			if s.Ended() {
				break
			}
			time.Sleep(time.Until(s.NextAt))
		}
		for _, res := range s.Results() {
			require.NoError(t, res.Err)
		}
	})
}
