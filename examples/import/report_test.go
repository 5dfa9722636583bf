package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
)

// The same end for the same reason is counted as one, whatever files, jobs and read sets it names.
func TestPrintReport(t *testing.T) {
	job := &readsetimport.JobError{Job: readsetimport.Job{JobRef: readsetimport.JobRef{ID: "1111111111"}}}
	var report readsetimport.Report
	add := func(n int, r func(i int) readsetimport.Result) {
		for i := range n {
			res := r(i)
			res.Source.Source1 = fmt.Sprintf("s3://bucket/%d.bam", len(report.Results))
			report.Results = append(report.Results, res)
		}
	}
	add(1, func(int) readsetimport.Result { return readsetimport.Result{Err: errors.New("not sent: interrupted")} })
	add(2, func(i int) readsetimport.Result {
		return readsetimport.Result{JobID: "1111111111", StatusMessage: fmt.Sprintf("No file s3://bucket/%d.bam", i), Err: job}
	})
	add(2, func(i int) readsetimport.Result {
		return readsetimport.Result{JobID: "2222222222", Err: fmt.Errorf("job 222222222%d was still running: interrupted", i)}
	})
	add(3, func(int) readsetimport.Result { return readsetimport.Result{ReadSetID: "3333333333"} })
	add(4, func(int) readsetimport.Result {
		return readsetimport.Result{ReadSetID: "3333333333", AlreadyImported: true}
	})
	report.Results[11].Source.Source1 = "s3://bucket/\x1b[2J.bam"
	var out strings.Builder
	printReport(&out, &report)
	require.Equal(t, `not imported  s3://bucket/0.bam: not sent: interrupted
not imported  s3://bucket/1.bam: "No file s3://bucket/0.bam"
not imported  s3://bucket/2.bam: "No file s3://bucket/1.bam"
not known     s3://bucket/3.bam: job 2222222220 was still running: interrupted
not known     s3://bucket/4.bam: job 2222222221 was still running: interrupted
imported      3333333333  s3://bucket/5.bam
imported      3333333333  s3://bucket/6.bam
imported      3333333333  s3://bucket/7.bam
in already    3333333333  s3://bucket/8.bam
in already    3333333333  s3://bucket/9.bam
in already    3333333333  s3://bucket/10.bam
in already    3333333333  s3://bucket/?[2J.bam

       3 imported
       4 in already
       2 not imported: "No file …"
       1 not imported: not sent: interrupted
       2 not known: job … was still running: interrupted
7 of 12 read sets are in the store
`, out.String())
}

// How an import can go on is said in the end, and what to do where running it again does not help.
func TestFinishInDoubt(t *testing.T) {
	const again = "import: the same command again imports what is not in the store\n"
	const person = "import: what stays in doubt is for a person to decide: audit -doubts lists it, and docs/doubts.md says how\n"
	ended, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("interrupted"))
	for name, test := range map[string]struct {
		ctx     context.Context
		journal string
		err     error
		want    string
	}{
		"in doubt":          {t.Context(), "stores.journal", readsetimport.ErrUnresolved, "import: " + readsetimport.ErrUnresolved.Error() + "\n" + again + person},
		"failed":            {t.Context(), "stores.journal", readsetimport.ErrIncomplete, "import: " + readsetimport.ErrIncomplete.Error() + "\n" + again},
		"cut off":           {ended, "stores.journal", readsetimport.ErrUnresolved, "import: cut off: interrupted\n" + again},
		"without a journal": {t.Context(), "", readsetimport.ErrUnresolved, "import: " + readsetimport.ErrUnresolved.Error() + "\n"},
	} {
		t.Run(name, func(t *testing.T) {
			report := &readsetimport.Report{Results: []readsetimport.Result{{Err: test.err}}}
			var stderr strings.Builder
			require.Equal(t, exitFailed, finish(test.ctx, flags{journal: test.journal}, new(files), report, test.err, io.Discard, &stderr))
			require.Equal(t, test.want, stderr.String())
		})
	}
}
