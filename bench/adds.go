package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/ledger"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

// benchAdds shows what each step of this library costs beside what the SDK needs for the same sources.
func benchAdds(ctx context.Context) ([]table, error) {
	steps, clean, err := steps(ctx)
	defer clean()
	if err != nil {
		return nil, err
	}
	sides := make([]side, len(steps))
	for i, s := range steps {
		sides[i] = side{s.name, repeat(readsetimport.MaxSourcesPerJob, s.work)}
	}
	costs, err := alternate(ctx, 7, sides)
	if err != nil {
		return nil, err
	}
	sdk := make([]cost, len(costs[0]))
	for i := range sdk {
		sdk[i] = cost{cpu: costs[0][i].cpu + costs[1][i].cpu, allocs: costs[0][i].allocs + costs[1][i].allocs}
	}
	t := table{
		Title: "What the library adds to the SDK",
		Notes: []string{
			"For each source of a job of 100 pairs of FASTQ files. The SDK serialises, signs and sends the request that starts the job,",
			"and reads one answer about it; no connection and no service is in these figures. \"With a journal\" is CPU time: the disk is",
			"waited for twice or three times a job besides.",
		},
		Columns: []column{{"step", ""}, {"CPU, ns", "%.0f"}, {"allocations", "%.1f"}, {"CPU / the SDK's", "%.3f"}},
	}
	add := func(name string, c []cost) {
		t.Rows = append(t.Rows, row{name, []*figure{overRounds(c, cpu, 1), overRounds(c, allocs, 1), ratio(c, sdk, cpu)}})
	}
	for i, s := range steps {
		add(s.name, costs[i])
	}
	sum := func(which []int) []cost {
		total := make([]cost, len(sdk))
		for _, i := range which {
			for round, c := range costs[i] {
				total[round].cpu += c.cpu
				total[round].allocs += c.allocs
			}
		}
		return total
	}
	add("SDK: both", sdk)
	add("library without a journal: validate, split, match", sum([]int{4, 5}))
	add("library with a journal: the same, a fingerprint, the journal", sum([]int{3, 4, 5, 6}))
	return []table{t}, nil
}

// step is something that is done with 100 sources.
type step struct {
	name string
	work func()
}

func steps(ctx context.Context) (all []step, clean func(), err error) {
	clean = func() {}
	sources := pairs(readsetimport.MaxSourcesPerJob)
	job, answers, err := answeredJob(ctx, sources)
	if err != nil {
		return nil, clean, err
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, clean, err
	}
	clean = func() { os.RemoveAll(dir) }
	written, err := journal.Open(filepath.Join(dir, "written"))
	if err != nil {
		return nil, clean, err
	}
	clean = func() { written.Close(); os.RemoveAll(dir) }

	client := omics.New(omics.Options{Region: "us-east-1", Credentials: credentials, HTTPClient: answers})
	done := readsetimport.Submission{
		Batch: readsetimport.Batch{Target: target, Sources: sources}, Phase: readsetimport.PhaseDone, Job: job,
	}
	memory := ledger.New(written)
	must(memory.Open(ctx))
	recorded := records(readsetimport.MaxSourcesPerJob)
	batch := 0
	return []step{
		{"SDK: start a job", func() {
			in := &omics.StartReadSetImportJobInput{
				SequenceStoreId: aws.String(target.SequenceStoreID), RoleArn: aws.String(target.RoleARN), ClientToken: aws.String("token"),
			}
			for i := range sources {
				in.Sources = append(in.Sources, sources[i].Item())
			}
			_, err := client.StartReadSetImportJob(ctx, in)
			must(err)
		}},
		{"SDK: read what became of it", func() {
			_, err := client.GetReadSetImportJob(ctx, &omics.GetReadSetImportJobInput{SequenceStoreId: aws.String(target.SequenceStoreID), Id: aws.String(job.ID)})
			must(err)
		}},
		{"validate, and find files that come twice", func() { must(readsetimport.ValidateSources(sources)) }},
		{"fingerprint", func() {
			for i := range sources {
				_ = target.Fingerprint(sources[i])
			}
		}},
		{"validate, split into jobs with tokens", func() {
			_, err := readsetimport.Split(target, "a run", sources)
			must(err)
		}},
		{"match the job's answer with the sources", func() {
			if results := done.Results(); results[0].Err != nil {
				panic(results[0].Err)
			}
		}},
		{"journal: three records, of the disk's time only the CPU's", func() {
			batch++
			ofJob(recorded, batch)
			for _, r := range recorded {
				must(memory.Append(ctx, r, nil))
			}
		}},
	}, clean, nil
}

// records is what a journal has of a job that went well.
func records(sources int) []journal.Record {
	r := journal.Record{Time: time.Date(2030, 1, 2, 3, 4, 5, 678_901_234, time.UTC), SequenceStoreID: target.SequenceStoreID}
	sending, started, ended := r, r, r
	sending.Kind, sending.Attempt, sending.Body = journal.Sending, 1, "0123456789abcdef0123456789abcdef"
	started.Kind, ended.Kind = journal.Started, journal.Ended
	for i := range sources {
		sending.Sources = append(sending.Sources, journal.Source{})
		ended.Sources = append(ended.Sources, journal.Source{
			Status: types.ReadSetImportJobItemStatusFinished, ReadSetID: fmt.Sprintf("%010d", i),
		})
	}
	return []journal.Record{sending, started, ended}
}

// ofJob makes the records those of another job, with other sources.
func ofJob(records []journal.Record, job int) {
	token, id := fmt.Sprintf("rsi1-%052d", job), fmt.Sprintf("%010d", job)
	for i := range records {
		r := &records[i]
		r.ClientToken = token
		if r.Kind != journal.Sending {
			r.JobID = id
		}
		for n := range r.Sources {
			r.Sources[n].Fingerprint = journal.Fingerprint{byte(n), byte(job), byte(job >> 8), byte(job >> 16)}
		}
	}
}

var credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", Source: "bench"}, nil
})

// answeredJob imports the sources as one job, and returns it, and an HTTP client that answers every request with what was
// answered then.
func answeredJob(ctx context.Context, sources []readsetimport.Source) (readsetimport.Job, *replay, error) {
	service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(0) })
	client, err := readsetimport.New(service.Client())
	if err != nil {
		return readsetimport.Job{}, nil, err
	}
	batches, err := readsetimport.Split(target, "a run", sources)
	if err != nil {
		return readsetimport.Job{}, nil, err
	}
	started, err := client.Start(ctx, batches[0])
	if err != nil {
		return readsetimport.Job{}, nil, err
	}
	job, err := client.Get(ctx, started.JobRef)
	if err != nil {
		return readsetimport.Job{}, nil, err
	}
	start, err := json.Marshal(map[string]any{
		"id": job.ID, "sequenceStoreId": target.SequenceStoreID, "roleArn": target.RoleARN, "status": "SUBMITTED", "creationTime": job.CreationTime,
	})
	if err != nil {
		return readsetimport.Job{}, nil, err
	}
	w := httptest.NewRecorder()
	service.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/sequencestore/"+target.SequenceStoreID+"/importjob/"+job.ID, nil))
	return job, &replay{start: start, get: w.Body.Bytes()}, nil
}

// replay is an HTTP client that answers at once, whatever it is asked.
type replay struct{ start, get []byte }

func (r *replay) Do(req *http.Request) (*http.Response, error) {
	answer := r.get
	if req.Method == http.MethodPost {
		answer = r.start
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(answer)), ContentLength: int64(len(answer)), Request: req,
	}, nil
}

// must panics on an error that work which was tried before cannot have.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
