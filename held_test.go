package readsetimport

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// taggedSources are sources with a tag each.
func taggedSources(n int) []Source {
	out := testSources(n)
	for i := range out {
		out[i].Tags = map[string]string{"project": "p1"}
	}
	return out
}

// The source of a result is its consumer's. What is done to it does not change the job in an error: that of the other
// results, or one that OnEvent was given, which may be reading it.
func TestStreamResultsShareNoTagsWithJobs(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*omicstest.Options){
		"the job tells":      func(*omicstest.Options) {},
		"its read sets tell": func(o *omicstest.Options) { o.JobRetention = time.Second },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(change, failsFirst, func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
				var failures []*JobError
				note := func(err error) {
					var failure *JobError
					if errors.As(err, &failure) {
						failures = append(failures, failure)
					}
				}
				c := newTestClient(t, service, func(o *Options) { o.OnEvent = func(e Event) { note(e.Err) } })
				var results []Result
				for res, err := range c.Stream(t.Context(), testTarget, withoutErrors(taggedSources(4))) {
					require.NoError(t, err)
					res.Source.Tags["project"] = "mine"
					results = append(results, res)
				}
				require.Len(t, results, 4)
				note(results[0].Err)
				require.Len(t, failures, 3, "of the job's event, of the source's, and of the result")
				for _, failure := range failures {
					require.Len(t, failure.Job.Sources, 4)
					for _, s := range failure.Job.Sources {
						require.Equal(t, map[string]string{"project": "p1"}, s.Source.Tags)
					}
				}
			})
		})
	}
}

// failsFirst has the first of the test's sources fail.
func failsFirst(o *omicstest.Options) {
	o.Outcome = func(s omicstest.Source) omicstest.Outcome {
		if s.Source1 == testSources(1)[0].Source1 {
			return omicstest.Failed("no such file")
		}
		return omicstest.Outcome{}
	}
}
