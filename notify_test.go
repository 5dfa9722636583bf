package readsetimport

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// requestsBetween is how many requests of an operation came within a time.
func requestsBetween(service *omicstest.Service, op string, from, to time.Time) (n int) {
	for _, r := range service.Requests(op) {
		if !r.Time.Before(from) && r.Time.Before(to) {
			n++
		}
	}
	return n
}

func TestNotify(t *testing.T) {
	t.Parallel()
	for _, jobs := range []int{1, 2, 20} {
		t.Run(fmt.Sprintf("%d jobs", jobs), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = func(omicstest.Job) time.Duration {
						if n++; n == 1 {
							return 5*time.Hour + 7*time.Second
						}
						return 20 * time.Hour
					}
				})
				c := newTestClient(t, service, func(o *Options) { o.MaxPollDelay = time.Hour })
				c.opts.SourcesPerJob = 10
				var first omicstest.Job
				go func() {
					time.Sleep(time.Second)
					first = service.Jobs(testTarget.SequenceStoreID)[0]
					time.AfterFunc(time.Until(first.CreationTime.Add(5*time.Hour+8*time.Second)), func() {
						c.Notify(JobRef{testTarget.SequenceStoreID, first.ID})
					})
				}()
				began := time.Now()
				for res, err := range c.Stream(t.Context(), testTarget, withoutErrors(testSources(10*jobs))) {
					require.NoError(t, err)
					require.Equal(t, first.ID, res.JobID)
					require.Less(t, time.Since(began), 5*time.Hour+13*time.Second, "it was looked at when it was named")
					break
				}
			})
		})
	}
}

// An event that comes while a look is under way is not lost: the look may have been answered before.
func TestNotifyWhileALookIsUnderWay(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		jobs int
		op   string
	}{
		"of its own": {1, omicstest.OpGet},
		"a sweep":    {5, omicstest.OpList},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var c *Client
				var jobs []JobRef
				var asked time.Time
				began := time.Now()
				service := omicstest.New(func(o *omicstest.Options) {
					o.JobDuration = omicstest.FixedDuration(10 * time.Hour)
					o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
						if r.Op != tc.op || time.Since(began) < 5*time.Hour || !asked.IsZero() {
							return omicstest.Fault{}, false
						}
						asked = time.Now()
						for _, ref := range jobs {
							c.Notify(ref)
						}
						return omicstest.Delay(20 * time.Second), true
					}
				})
				c = newTestClient(t, service, func(o *Options) {
					o.MinPollDelay, o.MaxPollDelay = time.Minute, 3*time.Hour
					o.OnEvent = func(e Event) {
						if e.Kind == EventJobStarted {
							jobs = append(jobs, e.Job.JobRef)
						}
					}
				})
				c.opts.SourcesPerJob = 10
				_, err := c.Import(t.Context(), testTarget, testSources(10*tc.jobs))
				require.NoError(t, err)
				require.Equal(t, tc.jobs, requestsBetween(service, omicstest.OpGet, asked.Add(time.Minute), asked.Add(time.Minute+22*time.Second)))
			})
		})
	}
}

// Forged and repeated events cost at most a look in each MinPollDelay, and those about other jobs nothing.
func TestNotifyFloods(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(10 * time.Hour) })
		c := newTestClient(t, service, func(o *Options) { o.MinPollDelay, o.MaxPollDelay = 10*time.Second, time.Hour })
		began := time.Now()
		flood := func(ref JobRef, d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				for range 3 {
					c.Notify(ref)
				}
			}
		}
		go func() {
			time.Sleep(2 * time.Hour)
			id := service.Jobs(testTarget.SequenceStoreID)[0].ID
			for _, ref := range []JobRef{{testTarget.SequenceStoreID, "1111111111"}, {"9999999999", id}, {testTarget.SequenceStoreID, ""}, {}} {
				flood(ref, time.Minute)
			}
			quiet := requestsBetween(service, "", began.Add(2*time.Hour), time.Now())
			require.LessOrEqual(t, quiet, 1, "the look that was due anyway")
			from := time.Now()
			flood(JobRef{testTarget.SequenceStoreID, id}, 10*time.Minute)
			require.InDelta(t, 60, requestsBetween(service, "", from, time.Now()), 2)
		}()
		_, err := c.Import(t.Context(), testTarget, testSources(30))
		require.NoError(t, err)
		c.Notify(JobRef{testTarget.SequenceStoreID, service.Jobs(testTarget.SequenceStoreID)[0].ID}) // nobody waits for it any more
	})
}

// However many events come between two turns of an import, it remembers a bounded number of them.
func TestNotifyFlood(t *testing.T) {
	c := newTestClient(t, omicstest.New())
	r := c.newRun(testTarget, ImportOptions{})
	c.runs[r] = struct{}{}
	for i := range 50_000 {
		c.Notify(JobRef{testTarget.SequenceStoreID, fmt.Sprintf("%010d", i)})
	}
	require.Len(t, r.noted, 10_000)
}
