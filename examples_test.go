package readsetimport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

var target = readsetimport.Target{
	SequenceStoreID: "1234567890",
	RoleARN:         "arn:aws:iam::123456789012:role/omics-import",
}

const reference = "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1234567890"

// simulated is a client of a simulated HealthOmics, whose jobs take milliseconds, and in which a source fails if its key
// has the word missing in it. For HealthOmics itself, see ExampleNew.
func simulated(optFns ...func(*readsetimport.Options)) *readsetimport.Client {
	service := omicstest.New(func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(5 * time.Millisecond)
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			if strings.Contains(s.Source1, "missing") {
				return omicstest.Failed("The source file was not found")
			}
			return omicstest.Outcome{}
		}
	})
	quick := func(o *readsetimport.Options) {
		o.RequestRate = 1000
		o.MinPollDelay, o.MaxPollDelay = 2*time.Millisecond, 10*time.Millisecond
	}
	client, err := readsetimport.New(service.Client(), append([]func(*readsetimport.Options){quick}, optFns...)...)
	if err != nil {
		log.Fatal(err)
	}
	return client
}

// files are n sources.
func files(n int) []readsetimport.Source {
	sources := make([]readsetimport.Source, n)
	for i := range sources {
		sources[i] = readsetimport.FASTQ(fmt.Sprintf("s3://bucket/run/%03d.fastq.gz", i)).
			WithSubject("NA12878").WithSample(fmt.Sprintf("lane-%d", i%8))
	}
	return sources
}

// Import three read sets and print what became of each.
func Example() {
	client := simulated() // for HealthOmics: readsetimport.New(omics.NewFromConfig(cfg))

	report, err := client.Import(context.Background(), target, []readsetimport.Source{
		readsetimport.PairedFASTQ("s3://bucket/SRR233106_1.fastq.gz", "s3://bucket/SRR233106_2.fastq.gz").
			WithSubject("NA12878").WithSample("SRR233106"),
		readsetimport.CRAM("s3://bucket/HG00096.cram", reference).
			WithSubject("HG00096").WithSample("HG00096").WithTag("project", "1000 Genomes"),
		readsetimport.UBAM("s3://bucket/missing.bam").
			WithSubject("HG00097").WithSample("HG00097"),
	})
	for _, r := range report.Results {
		if r.Err != nil {
			fmt.Println(r.Source.Source1, "failed:", r.StatusMessage)
			continue
		}
		fmt.Println(r.Source.Source1, "is read set", r.ReadSetID)
	}
	fmt.Println(err)
	// Output:
	// s3://bucket/SRR233106_1.fastq.gz is read set 3469135782
	// s3://bucket/HG00096.cram is read set 4703703673
	// s3://bucket/missing.bam failed: The source file was not found
	// not every source was imported (1 of 3 were not); the first, source 2: source failed: The source file was not found (job 2234567891)
}

// A client takes the SDK's own, made as for any other service. One client for an account and Region is the right number:
// imports that share it share its request rate and its job slots.
func ExampleNew() {
	// cfg, err := config.LoadDefaultConfig(ctx)
	// api := omics.NewFromConfig(cfg)
	api := omics.New(omics.Options{Region: "us-east-1"})

	client, err := readsetimport.New(api, func(o *readsetimport.Options) {
		o.RunID = "flowcell-HJ7V2DSX5"           // the same import again has the same client tokens
		o.MaxActiveJobs = 3                      // leave slots to others in the account
		o.RequestRate = 2                        // and requests
		o.QuotaTimeout = 6 * time.Hour           // wait so long for the first slot
		o.MaxPollDelay = 5 * time.Minute         // look at long jobs less often
		o.RequestTimeout = 20 * time.Second      // for each request
		o.TokenWindow = 30 * time.Minute         // trust a repeated token so long
		o.OnEvent = func(readsetimport.Event) {} // see LogEvents
	})
	fmt.Println(client != nil, err)

	_, err = readsetimport.New(api, func(o *readsetimport.Options) { o.MaxActiveJobs = -1 })
	fmt.Println(err)
	// Output:
	// true <nil>
	// readsetimport: MaxActiveJobs must not be negative
}

// One source of an import fails, the others do not. The error says that something is missing, the report says what.
func ExampleClient_Import() {
	client := simulated()
	sources := append(files(250), readsetimport.FASTQ("s3://bucket/missing.fastq.gz").WithSubject("NA12878").WithSample("lane-9"))

	report, err := client.Import(context.Background(), target, sources)
	fmt.Println("incomplete:", errors.Is(err, readsetimport.ErrIncomplete))
	fmt.Println("jobs:", len(report.Jobs))
	fmt.Println("imported:", len(report.Imported()))
	for _, r := range report.Failed() {
		fmt.Printf("sources[%d] %s: %s\n", r.Index, r.Source.Source1, r.StatusMessage)
		fmt.Println("failed with its job:", errors.Is(r.Err, readsetimport.ErrJobFailed))
		fmt.Println("failed alone:", errors.Is(r.Err, readsetimport.ErrPartialFailure))
	}
	// Output:
	// incomplete: true
	// jobs: 3
	// imported: 250
	// sources[250] s3://bucket/missing.fastq.gz: The source file was not found
	// failed with its job: false
	// failed alone: true
}

// Everything that is wrong with the input is reported at once, and nothing is sent.
func ExampleClient_Import_invalid() {
	client := simulated()

	_, err := client.Import(context.Background(), target, []readsetimport.Source{
		readsetimport.PairedFASTQ("s3://bucket/a_1.fastq.gz", "s3://bucket/a_2.fastq.gz").WithSubject("A").WithSample("A"),
		readsetimport.BAM("s3://Bucket/b.bam", "").WithSubject("B").WithTag("aws:project", "x"),
		readsetimport.FASTQ("s3://bucket/a_1.fastq.gz").WithSubject("C").WithSample("C\t1"),
	})
	var invalid *readsetimport.ValidationError
	if errors.As(err, &invalid) {
		for _, f := range invalid.Fields {
			fmt.Printf("%s (%s): %s\n", f.Path, f.Rule, f.Detail)
		}
	}
	// Output:
	// sources[1].sourceFiles.source1 (pattern): must name a bucket of 3 to 63 lower-case letters, digits, hyphens and dots, a letter or digit first and last
	// sources[1].sampleId (required): is required: 1 to 127 characters
	// sources[1].referenceArn (required): is required for BAM: arn:PARTITION:omics:REGION:ACCOUNT:referenceStore/ID/reference/ID
	// sources[1].tags["aws:project"] (reserved): must not have a key that begins with aws:, which AWS reserves
	// sources[2].sampleId (pattern): must have no control characters, such as tab and newline, nor other characters of Unicode category C
	// sources[2].sourceFiles.source1 (duplicate): must not be in the import twice: sources[0] has the same file
}

// Stream takes any number of sources, and gives their results as their jobs end. What is invalid or fails does not stop
// the rest.
func ExampleClient_Stream() {
	client := simulated()
	var sheet iter.Seq2[readsetimport.Source, error] = func(yield func(readsetimport.Source, error) bool) {
		for _, s := range append(files(1000), readsetimport.UBAM("s3://bucket/no-sample.bam").WithSubject("NA12878")) {
			if !yield(s, nil) { // manifest.Open reads such a sequence from a sample sheet
				return
			}
		}
	}

	imported := 0
	for r, err := range client.Stream(context.Background(), target, sheet) {
		switch {
		case err != nil: // comes once and last: the import could not go on
			log.Fatal(err)
		case r.Err != nil:
			fmt.Printf("sources[%d] failed: %v\n", r.Index, r.Err)
		default:
			imported++
		}
	}
	fmt.Println("imported:", imported)
	// Output:
	// sources[1000] failed: invalid field: sources[1000].sampleId: is required: 1 to 127 characters
	// imported: 1000
}

// Start one job, and wait for it.
func ExampleClient_Wait() {
	ctx := context.Background()
	client := simulated()
	batches, err := readsetimport.Split(target, "monday", files(50))
	if err != nil {
		log.Fatal(err)
	}

	job, err := client.Start(ctx, batches[0])
	if err != nil {
		log.Fatal(err)
	}
	job, err = client.Wait(ctx, job.JobRef)
	fmt.Println(job.Status, len(job.Sources), err)
	// Output: COMPLETED 50 <nil>
}

// Read which sources of a job failed. A *JobError has the whole job.
func ExampleJobError() {
	ctx := context.Background()
	client := simulated()
	batches, err := readsetimport.Split(target, "tuesday", append(files(2),
		readsetimport.UBAM("s3://bucket/missing.bam").WithSubject("NA12878").WithSample("lane-9")))
	if err != nil {
		log.Fatal(err)
	}
	job, err := client.Start(ctx, batches[0])
	if err != nil {
		log.Fatal(err)
	}

	_, err = client.Wait(ctx, job.JobRef)
	var failed *readsetimport.JobError
	if errors.As(err, &failed) {
		switch {
		case errors.Is(err, readsetimport.ErrPartialFailure):
			fmt.Println("some sources failed")
		case errors.Is(err, readsetimport.ErrJobFailed), errors.Is(err, readsetimport.ErrJobCancelled):
			fmt.Println("the job ended as a whole:", failed.Job.StatusMessage)
		}
		for _, s := range failed.Job.Sources {
			if s.ReadSetID == "" {
				fmt.Println(s.Source.Source1, s.Status, s.StatusMessage)
			}
		}
	}
	// Output:
	// some sources failed
	// s3://bucket/missing.bam FAILED The source file was not found
}

// Start sends one batch. Get looks at its job once, whether it still runs or not.
func ExampleClient_Start() {
	ctx := context.Background()
	client := simulated()

	job, err := client.Start(ctx, readsetimport.Batch{Target: target, Sources: files(3)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(job.Status, job.Done())

	time.Sleep(20 * time.Millisecond)
	job, err = client.Get(ctx, job.JobRef)
	fmt.Println(job.Status, job.Done(), job.Err(), err)
	// Output:
	// SUBMITTED false
	// COMPLETED true <nil> <nil>
}

// Get takes the store and the id of any job, and answers with what became of each source.
func ExampleClient_Get() {
	client := simulated()
	_, err := client.Get(context.Background(), readsetimport.JobRef{SequenceStoreID: "1234567890", ID: "9999999999"})
	fmt.Println(errors.Is(err, readsetimport.ErrNotFound))
	// Output: true
}

// An orchestrator keeps the state of a batch as JSON: a row of a table, a workflow's variable. It saves what Advance
// returns, sleeps until NextAt, and calls it again, in whatever process.
func ExampleClient_Advance() {
	ctx := context.Background()
	batches, err := readsetimport.Split(target, "wednesday", files(100))
	if err != nil {
		log.Fatal(err)
	}
	saved, err := json.Marshal(readsetimport.Submission{Batch: batches[0]})
	if err != nil {
		log.Fatal(err)
	}

	client := simulated()
	var phases []readsetimport.Phase
	for {
		var s readsetimport.Submission
		if err := json.Unmarshal(saved, &s); err != nil {
			log.Fatal(err)
		}
		if s.Ended() {
			if s.Phase == readsetimport.PhaseUnresolved {
				log.Fatal(s.LastError) // it is unknown whether the job was started
			}
			fmt.Println(s.Job.Status, len(s.Job.Sources), s.Job.Err())
			break
		}
		time.Sleep(time.Until(s.NextAt))
		s, err = client.Advance(ctx, s)
		if saved, _ = json.Marshal(s); err != nil {
			log.Fatal(err)
		}
		phases = append(phases, s.Phase)
	}
	fmt.Println(slices.Compact(phases))
	// Output:
	// COMPLETED 100 <nil>
	// [sending running done]
}

// With a journal, an import that crashed, and a sheet that has grown since, are imported by running the same import
// again: what is in the store is skipped, what runs is picked up, the rest is sent.
func Example_journal() {
	folder, err := os.MkdirTemp("", "journal")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	memory, err := journal.Open(filepath.Join(folder, "flowcell-HJ7V2DSX5.journal"))
	if err != nil {
		log.Fatal(err)
	}
	defer memory.Close()

	client := simulated(func(o *readsetimport.Options) { o.Journal = memory })
	for _, n := range []int{3, 5} {
		report, err := client.Import(context.Background(), target, files(n))
		if err != nil {
			log.Fatal(err)
		}
		already := 0
		for _, r := range report.Imported() {
			if r.AlreadyImported {
				already++
			}
		}
		fmt.Printf("%d in the store, %d of them already\n", len(report.Imported()), already)
	}
	// Output:
	// 3 in the store, 0 of them already
	// 5 in the store, 3 of them already
}

// What a request came to, and what to do about it.
func ExampleError() {
	service := omicstest.New()
	client, err := readsetimport.New(service.Client())
	if err != nil {
		log.Fatal(err)
	}
	service.Inject(omicstest.OpStart, omicstest.Status(403, "AccessDeniedException", "User is not authorized"))
	_, err = client.Import(context.Background(), target, files(1))

	for _, err := range []error{
		err,
		&readsetimport.Error{Op: "GetReadSetImportJob", StatusCode: 429, RetryAfter: 3 * time.Second}, // from a gateway
	} {
		var e *readsetimport.Error
		switch {
		case errors.Is(err, readsetimport.ErrAccessDenied):
			fmt.Println("fix the permissions, then import again")
		case errors.Is(err, readsetimport.ErrThrottled) && errors.As(err, &e):
			fmt.Println("try again later, in", e.RetryAfter)
		case errors.Is(err, readsetimport.ErrQuotaExceeded):
			fmt.Println("try again when other jobs have ended")
		case errors.Is(err, readsetimport.ErrInternal), errors.Is(err, readsetimport.ErrRequestTimeout):
			fmt.Println("it may have been carried out: send the same batch with the same token again")
		}
	}
	// Output:
	// fix the permissions, then import again
	// try again later, in 3s
}

// A report has what became of every source, and the jobs.
func ExampleReport() {
	client := simulated()
	sources := append(files(2), readsetimport.FASTQ("s3://bucket/missing.fastq.gz").WithSubject("NA12878").WithSample("lane-9"))
	report, _ := client.Import(context.Background(), target, sources)
	fmt.Println(len(report.Imported()), "in the store,", len(report.Failed()), "not, in", len(report.Jobs), "job")
	for _, r := range report.Failed() {
		fmt.Println(r.Index, r.Source.Source1, r.Status, r.StatusMessage)
	}
	// Output:
	// 2 in the store, 1 not, in 1 job
	// 2 s3://bucket/missing.fastq.gz FAILED The source file was not found
}

// One client serves many imports, each with options of its own.
func ExampleImportOptions() {
	client := simulated()
	report, err := client.Import(context.Background(), target, files(100), func(o *readsetimport.ImportOptions) {
		o.RunID = "flowcell-HJ7V2DSX5"
		o.SourcesPerJob = 25 // smaller jobs, spread over more slots
	})
	fmt.Println(report.RunID, len(report.Jobs), err)
	// Output: flowcell-HJ7V2DSX5 4 <nil>
}

// A submission that has ended has a result for each source, and an error unless all were imported.
func ExampleSubmission() {
	client := simulated()
	batches, err := readsetimport.Split(target, "saturday", append(files(1),
		readsetimport.FASTQ("s3://bucket/missing.fastq.gz").WithSubject("NA12878").WithSample("lane-9")))
	if err != nil {
		log.Fatal(err)
	}
	s := readsetimport.Submission{Batch: batches[0]}
	for !s.Ended() {
		time.Sleep(time.Until(s.NextAt))
		if s, err = client.Advance(context.Background(), s); err != nil { // save s here
			log.Fatal(err)
		}
	}
	for _, r := range s.Results() {
		fmt.Println(r.Source.Source1, r.Err == nil)
	}
	fmt.Println(errors.Is(s.Err(), readsetimport.ErrPartialFailure))
	// Output:
	// s3://bucket/run/000.fastq.gz true
	// s3://bucket/missing.fastq.gz false
	// true
}

// A job knows whether it has ended, and how.
func ExampleJob() {
	client := simulated()
	ctx := context.Background()
	job, err := client.Start(ctx, readsetimport.Batch{Target: target, Sources: files(3)})
	if err != nil {
		log.Fatal(err)
	}
	for !job.Done() {
		time.Sleep(5 * time.Millisecond) // Client.Wait does this, and knows how often to look
		if job, err = client.Get(ctx, job.JobRef); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(job.Status, len(job.Sources), job.Err())
	// Output: COMPLETED 3 <nil>
}

// A program shows each fault beside the field that it is of.
func ExampleValidationError() {
	err := readsetimport.UBAM("s3://bucket/NA12878.bam").WithSubject("NA12878").Validate()
	var faults *readsetimport.ValidationError
	if errors.As(err, &faults) {
		for _, f := range faults.Fields {
			fmt.Println(f.Path, f.Rule)
		}
	}
	// Output: sampleId required
}

// The counts of an event are enough for a progress bar.
func ExampleOptions_progress() {
	client := simulated(func(o *readsetimport.Options) {
		o.MaxActiveJobs = 1
		o.OnEvent = func(e readsetimport.Event) {
			switch e.Kind {
			case readsetimport.EventSourceEnded:
				// e.Result has what became of it.
			case readsetimport.EventJobStarted, readsetimport.EventImportEnded:
				fmt.Printf("%s: %d running, %d imported, %d failed\n", e.Kind, e.Running, e.Imported, e.Failed)
			}
		}
	})
	if _, err := client.Import(context.Background(), target, files(250)); err != nil {
		log.Fatal(err)
	}
	// Output:
	// job started: 100 running, 0 imported, 0 failed
	// job started: 100 running, 100 imported, 0 failed
	// job started: 50 running, 200 imported, 0 failed
	// import ended: 0 running, 250 imported, 0 failed
}

// LogEvents writes what happens to a log, with no ids of samples or subjects.
func ExampleLogEvents() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelWarn, // failures only; LevelInfo has jobs too, and LevelDebug every read set
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
	client := simulated(func(o *readsetimport.Options) { o.OnEvent = readsetimport.LogEvents(logger) })
	sources := []readsetimport.Source{
		readsetimport.UBAM("s3://bucket/missing.bam").WithSubject("NA12878").WithSample("NA12878"),
	}
	_, _ = client.Import(context.Background(), target, sources, func(o *readsetimport.ImportOptions) { o.RunID = "monday" })
	// Output:
	// level=WARN msg="job status changed" run=monday store=1234567890 job=2234567891 status=FAILED error="import job failed: job 2234567891, 1 of 1 sources not imported" submitted=1 running=1 imported=0 failed=0
	// level=WARN msg="source ended" run=monday store=1234567890 job=2234567891 index=0 sourceStatus=FAILED error="source not imported (job 2234567891)" submitted=1 running=0 imported=0 failed=1
}

// ParseEvent reads the events that HealthOmics sends to EventBridge, and Notify makes the imports of this process look
// at the job at once instead of at the next poll.
func ExampleClient_Notify() {
	client := simulated()
	message := []byte(`{
		"source": "aws.omics",
		"detail-type": "Read Set Import Job Status Change",
		"detail": {
			"omicsVersion": "1.0.0",
			"sequenceStoreId": "1234567890",
			"id": "2345678901",
			"status": "COMPLETED"
		}
	}`)

	ref, status, err := readsetimport.ParseEvent(message)
	if err != nil {
		log.Fatal(err)
	}
	client.Notify(ref)
	fmt.Println(ref.ID, status)
	// Output: 2345678901 COMPLETED
}

// An event of another kind is an error, and no reason to look at anything.
func ExampleParseEvent() {
	_, _, err := readsetimport.ParseEvent([]byte(`{"source": "aws.s3", "detail-type": "Object Created", "detail": {}}`))
	fmt.Println(err)
	// Output: readsetimport: event is "Object Created" from "aws.s3", not "Read Set Import Job Status Change" from "aws.omics"
}
