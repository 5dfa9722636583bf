package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

// The program leaves three files behind, in which there is no id of a sample or a subject, whatever the service says.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-results", path("r.csv"), "-events", path("e.jsonl"), "-timeline", path("t.svg")}, nil, &stdout, &stderr)
	require.Equal(t, exitFailed, code, &stderr)

	results := readResults(t, path("r.csv"))
	require.Len(t, results, 10)
	require.Equal(t, "imported", results[0][3])
	require.Equal(t, []string{"not imported", "", "The source file was not found"}, []string{results[1][3], results[1][4], results[1][6]})

	events, err := os.ReadFile(path("e.jsonl"))
	require.NoError(t, err)
	kinds := make(map[string]int)
	sources := make(map[int]eventLine)
	for line := range strings.Lines(string(events)) {
		var e eventLine
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		kinds[e.Event]++
		if e.Index != nil {
			sources[*e.Index] = e
		}
	}
	require.Equal(t, map[string]int{"job started": 1, "job status changed": 2, "source ended": 10, "import ended": 1}, kinds)
	require.Equal(t, results[0][4], sources[0].ReadSet)
	require.Equal(t, "The source file was not found", sources[1].Error)

	svg, err := os.ReadFile(path("t.svg"))
	require.NoError(t, err)
	require.Contains(t, string(svg), "in the store: 9 of 10")
	for name, text := range map[string]string{"events": string(events), "timeline": string(svg), "progress": stderr.String()} {
		require.NotContains(t, text, "HG00096", name)
	}
}

// A file that is there is kept, and one that cannot be made ends the program before anything is sent.
func TestFilesThatAreThere(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.csv")
	for i := range 3 {
		var stdout, stderr bytes.Buffer
		run(t.Context(), []string{"-results", path}, nil, &stdout, &stderr)
		require.Contains(t, stdout.String(), "9 of 10")
		if i > 0 {
			require.Contains(t, stderr.String(), fmt.Sprintf("r.csv was there already, and is %s now\n", filepath.Join(dir, fmt.Sprintf("r.%d.csv", i))))
			require.Len(t, readResults(t, filepath.Join(dir, fmt.Sprintf("r.%d.csv", i))), 10)
		}
		require.Len(t, readResults(t, path), 10)
	}
	for args, want := range map[string]string{
		"-results no/such/r.csv":         "no such file",
		"-events " + dir:                 "is a directory",
		"-results a.csv -events a.csv":   "-results and -events are the same file",
		"-sheet a.csv -timeline ./a.csv": "-sheet and -timeline are the same file",
		"-dry-run -results a.csv":        "a dry run is none",
		"-progress=blue":                 `-progress must be auto, bar, plain, json or none, not "blue"`,
	} {
		var stdout, stderr bytes.Buffer
		require.Equal(t, exitInvalid, run(t.Context(), strings.Fields(args), nil, &stdout, &stderr), args)
		require.Contains(t, stderr.String(), want)
		require.NotContains(t, stderr.String(), "job ")
	}
}

// A file that cannot be written to its end does not end the import, and is said to be incomplete.
func TestFileThatCannotBeWritten(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("there is no device that is full")
	}
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"-sheet", "-", "-events", "/dev/full"}, strings.NewReader(header+rows("a", 3)), &stdout, &stderr)
	require.Equal(t, exitFailed, code)
	require.Contains(t, stdout.String(), "3 of 3 read sets are in the store\n")
	require.Contains(t, stderr.String(), "import: /dev/full is not complete: ")
}

// The rows of sources that the import did not come to are written in the end.
func TestResultsOfCutOffImport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.csv")
	out, err := create(path, io.Discard)
	require.NoError(t, err)
	results, err := newResults(out, 3)
	require.NoError(t, err)
	f := files{results: results}
	source := readsetimport.PairedFASTQ("s3://bucket/=1;=2", "s3://bucket/b").WithSample("NA1").WithSubject("Jo")
	failed := &readsetimport.JobError{Job: readsetimport.Job{Sources: []readsetimport.JobSource{{Source: source}}}}
	report := readsetimport.Report{Results: []readsetimport.Result{
		{Index: 0, Source: source, ReadSetID: "1111111111", JobID: "2222222222"},
		{Index: 1, Source: source, JobID: "2222222222", StatusMessage: "=NA1 of Jo", Err: failed},
		{Index: 2, Source: source, Err: errors.New("not sent: interrupted")},
	}}
	for _, i := range []int{1, 0} {
		f.event(readsetimport.Event{Kind: readsetimport.EventSourceEnded, Result: &report.Results[i]})
	}
	require.NoError(t, f.close(&report))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, `index,source1,source2,status,read_set_id,job_id,reason
1,s3://bucket/=1;'=2,s3://bucket/b,not imported,,2222222222,'=… of …
0,s3://bucket/=1;'=2,s3://bucket/b,imported,1111111111,2222222222,
2,s3://bucket/=1;'=2,s3://bucket/b,not imported,,,not sent: interrupted
`, string(text))
}

// simulatedTimeline is the picture of an import of so many jobs in so many slots, in which some fail and some requests are
// refused, as its rectangles and as a file.
func simulatedTimeline(t *testing.T, jobs, slots int) (pieces []rectangle, svg []byte) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		service := omicstest.New(func(o *omicstest.Options) {
			o.MaxActiveJobs = slots
			o.JobDuration = omicstest.FixedDuration(20 * time.Minute)
			o.JobOutcome = func(omicstest.Job) (types.ReadSetImportJobStatus, string) {
				if n++; n%5 == 0 {
					return types.ReadSetImportJobStatusFailed, ""
				}
				return "", ""
			}
		})
		service.Inject(omicstest.OpStart, omicstest.Status(429, "ThrottlingException", ""))
		sources := make([]readsetimport.Source, jobs)
		for i := range sources {
			sources[i] = readsetimport.UBAM(fmt.Sprintf("s3://bucket/%d.bam", i)).WithSample("a").WithSubject("a")
		}
		timeline := newTimeline(jobs)
		client, err := readsetimport.New(service.Client(), func(o *readsetimport.Options) {
			o.SourcesPerJob = 1
			o.OnEvent = timeline.event
		})
		require.NoError(t, err)
		_, err = client.Import(t.Context(), simulatedTarget, sources)
		require.ErrorIs(t, err, readsetimport.ErrIncomplete)
		pieces, svg = timeline.rectangles(), timeline.svg()
		require.Equal(t, float64(jobs-jobs/5), timeline.imported[len(timeline.imported)-1].Y)
	})
	return pieces, svg
}

func TestTimeline(t *testing.T) {
	for _, size := range []struct{ jobs, slots int }{{5, 2}, {500, 20}} {
		t.Run(fmt.Sprintf("%d jobs", size.jobs), func(t *testing.T) {
			pieces, svg := simulatedTimeline(t, size.jobs, size.slots)
			colors := make(map[any]int)
			for i, a := range pieces {
				colors[a.color]++
				require.LessOrEqual(t, a.x0, a.x1)
				for _, b := range pieces[:i] { // no job covers another
					apart := a.x1 <= b.x0 || b.x1 <= a.x0 || a.y1 <= b.y0 || b.y1 <= a.y0 || a.color == purple || b.color == purple
					require.True(t, apart, "%v %v", a, b)
				}
			}
			require.Equal(t, []int{size.jobs * 4 / 5, size.jobs / 5, 1}, []int{colors[blue], colors[red], colors[purple]})
			require.Positive(t, colors[yellow])
			require.Zero(t, colors[gray])

			// The first thing drawn is a white ground for all of it, so that the picture can be read on a dark page, too.
			var width, height string
			_, err := fmt.Sscanf(string(svg[bytes.Index(svg, []byte("viewBox=")):]), `viewBox="0 0 %s %s`, &width, &height)
			require.NoError(t, err)
			height = strings.TrimSuffix(height, `"`)
			drawn := svg[bytes.Index(svg, []byte("<path")):]
			ground := fmt.Sprintf(`<path d="M0,0L%[1]s,0L%[1]s,%[2]sL0,%[2]sZ" style="fill:#FFFFFF" />`, width, height)
			require.Equal(t, ground, string(drawn[:len(ground)]))

			texts := svgTexts(t, svg)
			require.Contains(t, texts, "job slot")
			require.Contains(t, texts, "0s")
			require.Contains(t, texts, fmt.Sprintf("in the store: %d of %d", size.jobs*4/5, size.jobs))
			require.Less(t, len(svg), 200_000)
		})
	}
}

func svgTexts(t *testing.T, svg []byte) (texts []string) {
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			return texts
		}
		require.NoError(t, err)
		if text, ok := token.(xml.CharData); ok {
			texts = append(texts, string(text))
		}
	}
}
