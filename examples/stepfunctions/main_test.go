package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/aws"
	omicstypes "github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

var target = readsetimport.Target{SequenceStoreID: "1234567890", RoleARN: "arn:aws:iam::123456789012:role/omics-import"}

const input = `{"sheet":"sheets/run7.json","target":{"sequenceStoreId":"1234567890","roleArn":"arn:aws:iam::123456789012:role/omics-import"}}`

// memory is a bucket.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (m *memory) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, ok := m.objects[*in.Key]
	if !ok {
		return nil, &types.NoSuchKey{}
	}
	return &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(data))}, nil
}

func (m *memory) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	data, err := io.ReadAll(in.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects[*in.Key] != nil && aws.ToString(in.IfNoneMatch) == "*" {
		return nil, &smithy.GenericAPIError{Code: "PreconditionFailed"}
	}
	m.objects[*in.Key] = data
	return &s3.PutObjectOutput{}, err
}

// SendTaskSuccess is Step Functions'.
func (w *world) SendTaskSuccess(_ context.Context, in *sfn.SendTaskSuccessInput, _ ...func(*sfn.Options)) (*sfn.SendTaskSuccessOutput, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	woken, ok := w.tokens[*in.TaskToken]
	if !ok {
		return nil, &sfntypes.TaskTimedOut{}
	}
	delete(w.tokens, *in.TaskToken)
	w.woken++
	woken <- struct{}{}
	return &sfn.SendTaskSuccessOutput{}, nil
}

// bench is a state machine with its functions, a bucket and a simulated HealthOmics.
type bench struct {
	*world
	service  *omicstest.Service
	bucket   *memory
	handlers handlers
	machine  machine
	timeout  time.Duration // of the functions
	again    func() bool   // an invocation is repeated, and so is one whose answer is lost
}

// functions are the names that the definition gets for its ARNs.
var functions = strings.NewReplacer("${plan}", "plan", "${step}", "step", "${count}", "count", "${park}", "park", "${Bucket}", "the-bucket")

func newBench(t *testing.T, sources []readsetimport.Source, optFns ...func(*omicstest.Options)) *bench {
	b := &bench{service: omicstest.New(optFns...), bucket: &memory{objects: make(map[string][]byte)}, again: func() bool { return false }, timeout: 90 * time.Second}
	b.world = &world{tokens: make(map[string]chan struct{}), visited: make(map[string]int), errors: make(map[string]int), retried: make(map[string]int)}
	sheet, err := json.Marshal(sources)
	require.NoError(t, err)
	b.bucket.objects["sheets/run7.json"] = sheet
	client, err := readsetimport.New(b.service.Client(), options(4))
	require.NoError(t, err)
	b.handlers = handlers{client, bucket{b.bucket, "the-bucket"}, tasks{b.world}}
	b.world.read = func(bucket, key string) ([]byte, error) {
		require.Equal(t, "the-bucket", bucket)
		return b.handlers.bucket.get(t.Context(), key)
	}
	byName := map[string]any{"plan": b.handlers.plan, "step": b.handlers.step, "count": b.handlers.count, "park": b.handlers.park}
	invoke := func(ctx context.Context, function string, payload []byte) ([]byte, error) {
		return lambda.NewHandler(byName[function]).Invoke(ctx, payload) // an instance of its own
	}
	b.world.invoke = func(ctx context.Context, function string, payload []byte) ([]byte, error) {
		ctx, cancel := context.WithTimeout(ctx, b.timeout)
		defer cancel()
		if b.again() {
			var twice sync.WaitGroup
			twice.Go(func() { _, _ = invoke(ctx, function, payload) })
			defer twice.Wait()
		}
		out, err := invoke(ctx, function, payload)
		if err == nil && b.again() {
			return nil, messages.InvokeResponse_Error{Type: "Lambda.ServiceException"}
		}
		return out, err
	}
	definition, err := os.ReadFile("definition.json")
	require.NoError(t, err)
	decoder := json.NewDecoder(strings.NewReader(functions.Replace(string(definition))))
	decoder.DisallowUnknownFields()
	top := struct {
		Comment string
		machine
	}{}
	require.NoError(t, decoder.Decode(&top))
	b.machine = top.machine
	return b
}

func (b *bench) execute(t *testing.T) (sum, error) {
	var in any
	require.NoError(t, json.Unmarshal([]byte(input), &in))
	out, err := b.run(t.Context(), b.machine, in, "run7")
	if err != nil {
		return sum{}, err
	}
	data, err := json.Marshal(out)
	require.NoError(t, err)
	var s sum
	require.NoError(t, json.Unmarshal(data, &s))
	return s, nil
}

func sources(n int) []readsetimport.Source {
	out := make([]readsetimport.Source, n)
	for i := range out {
		out[i] = readsetimport.UBAM(fmt.Sprintf("s3://lab/%04d.bam", i)).WithSubject(fmt.Sprint("subject-", i)).WithSample(fmt.Sprint("sample-", i))
	}
	return out
}

// A sheet of three batches, over lost answers, throttling, functions that run for too long and invocations that are repeated.
func TestImport(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 3))
			var mu sync.Mutex
			chance := func(p float64) bool {
				mu.Lock()
				defer mu.Unlock()
				return random.Float64() < p
			}
			faults := []omicstest.Fault{
				omicstest.DropBefore(), omicstest.DropAfter(), omicstest.Internal().AfterExecution(), omicstest.Throttled(),
				omicstest.Delay(25 * time.Second), omicstest.Truncate(), omicstest.QuotaExceeded(),
			}
			b := newBench(t, sources(250), func(o *omicstest.Options) {
				o.MaxActiveJobs = 2
				o.JobDuration = omicstest.FixedDuration(time.Hour)
				o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
					return faults[int(seed+uint64(time.Now().UnixMilli()))%len(faults)], chance(0.3)
				}
			})
			b.again = func() bool { return chance(0.2) }
			if seed == 0 { // the function's time is up before the request's
				b.timeout = 20 * time.Second
				b.service.Inject(omicstest.OpGet, omicstest.Delay(25*time.Second), omicstest.Delay(25*time.Second)) // an invocation may be two
			}
			got, err := b.execute(t)
			require.NoError(t, err)
			require.Equal(t, sum{Run: "run7", Imported: 250, Complete: true}, got)
			time.Sleep(time.Hour)
			require.Len(t, b.service.Jobs("1234567890"), 3)
			for _, r := range b.service.Requests("") {
				require.Contains(t, allowed(t, "policies/step.json"), "omics:"+r.Op)
			}
			require.NotZero(t, b.visited["Wait"])
			require.NotZero(t, b.visited["Wait for an event"])
			require.NotZero(t, b.retried["Lambda.ServiceException"])
			require.True(t, seed != 0 || b.retried[interrupted] > 0)
			require.Less(t, b.largest, 32<<10)
		})
	}
}

// An event ends the wait for a job, whose next look would be minutes later.
func TestEventShortensTheWait(t *testing.T) {
	t.Parallel()
	template, err := os.ReadFile("testdata/event.json")
	require.NoError(t, err)
	synctest.Test(t, func(t *testing.T) {
		const lasts = 101 * time.Minute
		b := newBench(t, sources(3), func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(lasts) })
		var ended time.Time
		timer := time.AfterFunc(lasts/2, func() {
			job := b.service.Jobs("1234567890")[0]
			ended = job.CreationTime.Add(lasts)
			time.Sleep(time.Until(ended) + time.Millisecond) // before any look, as good as always
			event := bytes.ReplaceAll(template, []byte("JOB"), []byte(job.ID))
			for range 2 { // it may come twice
				_, err := lambda.NewHandler(b.handlers.wake).Invoke(t.Context(), event)
				assert.NoError(t, err)
			}
		})
		defer timer.Stop()
		got, err := b.execute(t)
		require.NoError(t, err)
		require.True(t, got.Complete)
		require.Equal(t, 1, b.woken)
		require.Less(t, time.Since(ended), 5*time.Second)
	})
}

// The largest batch that is valid passes less than 32 KiB between two states.
func TestLargestBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		long := func(n, i int) string { return fmt.Sprintf("%03d", i) + strings.Repeat("x", n-3) }
		large := sources(100)
		for i := range large {
			large[i] = readsetimport.PairedFASTQ("s3://lab/"+long(1021, i)+"_R1", "s3://lab/"+long(1021, i)+"_R2").WithSubject(long(127, i)).
				WithSample(long(127, i)).WithName(long(127, i)).WithDescription(long(255, i)).WithGeneratedFrom(long(127, i))
			for tag := range 50 {
				large[i] = large[i].WithTag(long(128, tag), long(256, tag))
			}
		}
		b := newBench(t, large, func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(3 * time.Minute) })
		got, err := b.execute(t)
		require.NoError(t, err)
		require.Equal(t, 100, got.Imported)
		t.Logf("the batch has %d bytes; the largest input of a state has %d", len(b.bucket.objects[item{Run: "run7", Plan: digest(target, b.bucket.objects["sheets/run7.json"])}.batchKey()]), b.largest)
		require.Less(t, b.largest, 32<<10)
		require.Greater(t, b.largest, 1000)
	})
}

// Whatever cannot be imported ends the execution by its name, and no text of it has an id of a person.
func TestEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		options func(*omicstest.Options)
		change  func(*bench)
		want    string
		count   sum
	}{
		"sources fail": {
			options: func(o *omicstest.Options) {
				o.Outcome = func(s omicstest.Source) omicstest.Outcome { return omicstest.Failed("of " + s.SampleID) }
			},
			want: "ReadSetImport.Incomplete",
		},
		"refused": {
			options: func(o *omicstest.Options) {
				o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
					return omicstest.AccessDenied().WithMessage("sample-1"), true
				}
			},
			want: refused,
		},
		"unresolved": {
			options: func(o *omicstest.Options) {
				o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
					return omicstest.NotFound(), r.Op == omicstest.OpGet || r.Op == omicstest.OpListReadSets
				}
			},
			want: "ReadSetImport.Incomplete",
		},
		"not a sheet": {change: func(b *bench) { b.bucket.objects["sheets/run7.json"] = []byte(`[{"sampleId":"sample-1"}]`) }, want: invalid},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, sources(3), func(o *omicstest.Options) {
					o.JobDuration = omicstest.FixedDuration(time.Minute)
					if tc.options != nil {
						tc.options(o)
					}
				})
				if tc.change != nil {
					tc.change(b)
				}
				_, err := b.execute(t)
				var e messages.InvokeResponse_Error
				require.True(t, errors.As(err, &e), "%v", err)
				require.Equal(t, tc.want, e.Type)
				require.NotContains(t, err.Error(), "sample-")
				require.Equal(t, name == "unresolved", b.errors[unresolved] == 1)
			})
		})
	}
}

// A run is of one sheet. Another sheet under its name is refused, also if it comes while the first is being cut.
func TestAnotherSheet(t *testing.T) {
	t.Parallel()
	all := sources(450)
	first, err := json.Marshal(all[:250])
	require.NoError(t, err)
	second, err := json.Marshal(all[100:])
	require.NoError(t, err)
	for name, meanwhile := range map[string]bool{"afterwards": false, "meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, nil)
			request := planRequest{Run: "run7", Sheet: "sheets/run7.json", Target: target}
			plan := func(sheet []byte) (planned, error) {
				b.bucket.objects[request.Sheet] = sheet
				return b.handlers.plan(t.Context(), request)
			}
			var other error
			if meanwhile {
				b.handlers.bucket.objects = &slow{memory: b.bucket, before: func() { _, other = plan(second) }}
			}
			out, err := plan(first)
			if !meanwhile {
				require.NoError(t, err)
				_, other = plan(second)
				require.ErrorContains(t, other, "another sheet")
			} else {
				require.NoError(t, other)
				require.ErrorContains(t, err, "another sheet")
				out, err = plan(second)
				require.NoError(t, err)
			}
			var items []item
			require.NoError(t, b.handlers.bucket.read(t.Context(), out.Index, &items))
			require.Len(t, items, out.Batches)
			var got []readsetimport.Source
			for _, i := range items {
				var batch readsetimport.Batch
				require.NoError(t, b.handlers.bucket.read(t.Context(), i.batchKey(), &batch))
				got = append(got, batch.Sources...)
			}
			if meanwhile {
				require.Equal(t, all[100:], got)
			} else {
				require.Equal(t, all[:250], got)
			}
		})
	}
	b := newBench(t, all)
	request := planRequest{Run: "run7", Sheet: "sheets/run7.json", Target: target}
	_, err = b.handlers.plan(t.Context(), request)
	require.NoError(t, err)
	request.Target.SequenceStoreID = "2345678901"
	_, err = b.handlers.plan(t.Context(), request)
	require.ErrorContains(t, err, "another sheet or target")
}

// slow is a bucket that takes its time over the first batch.
type slow struct {
	*memory
	before func()
}

func (s *slow) PutObject(ctx context.Context, in *s3.PutObjectInput, fns ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	return s.memory.PutObject(ctx, in, fns...)
}

// A bucket that does not answer is no fault of the sheet.
func TestBucketIsAway(t *testing.T) {
	t.Parallel()
	b := newBench(t, sources(3))
	request := planRequest{Run: "run7", Sheet: "sheets/run7.json", Target: target}
	b.handlers.bucket.objects = away{b.bucket}
	_, err := b.handlers.plan(t.Context(), request)
	require.Equal(t, named(interrupted, "the sheet cannot be read"), err)
	b.handlers.bucket.objects = b.bucket
	request.Sheet = "sheets/run8.json"
	_, err = b.handlers.plan(t.Context(), request)
	require.Equal(t, named(invalid, "there is no such sheet"), err)
}

type away struct{ *memory }

func (away) GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	return nil, &smithy.GenericAPIError{Code: "SlowDown"}
}

// An outage that is longer than Advance has patience for does not keep a batch from going on once it is over.
func TestLongOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		const lasts = 12 * time.Hour
		b := newBench(t, sources(3), func(o *omicstest.Options) {
			o.JobDuration = omicstest.FixedDuration(time.Minute)
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.Internal(), r.Op == omicstest.OpStart && time.Since(begin) < lasts
			}
		})
		got, err := b.execute(t)
		require.NoError(t, err)
		require.Equal(t, sum{Run: "run7", Imported: 3, Complete: true}, got)
		require.Less(t, time.Since(begin), lasts+time.Hour)
		require.Len(t, b.service.Jobs("1234567890"), 1)
	})
}

// What one invocation of a step could tell is not lost because another, which came later, could not.
func TestUnresolvedIsNotWrittenOverResults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, sources(3), func(o *omicstest.Options) {
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.NotFound(), r.Op == omicstest.OpGet || r.Op == omicstest.OpListReadSets
			}
		})
		results := item{Run: "run7"}.key("results")
		known, err := json.Marshal([]row{{ReadSetID: "1"}, {ReadSetID: "2"}, {ReadSetID: "3"}})
		require.NoError(t, err)
		b.bucket.objects[results] = known
		got, err := b.execute(t)
		require.NoError(t, err)
		require.Equal(t, 1, b.errors[unresolved])
		require.Equal(t, sum{Run: "run7", Imported: 3, Complete: true}, got)
		require.Equal(t, known, b.bucket.objects[results])
	})
}

// allowed are the actions of a policy.
func allowed(t *testing.T, file string) (actions []string) {
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var policy struct {
		Statement []struct{ Action []string }
	}
	require.NoError(t, json.Unmarshal(data, &policy))
	for _, s := range policy.Statement {
		actions = append(actions, s.Action...)
	}
	return actions
}

// The rule takes the events that the function understands, of jobs that have ended.
func TestRule(t *testing.T) {
	t.Parallel()
	var rule struct{ EventPattern string }
	var pattern struct {
		Source     []string
		DetailType []string `json:"detail-type"`
		Detail     struct{ Status []string }
	}
	var event struct {
		Source     string
		DetailType string `json:"detail-type"`
		Detail     struct{ Status string }
	}
	for file, into := range map[string]any{"rule.json": &rule, "testdata/event.json": &event} {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, into))
	}
	require.NoError(t, json.Unmarshal([]byte(rule.EventPattern), &pattern))
	require.Equal(t, []string{event.Source}, pattern.Source)
	require.Equal(t, []string{event.DetailType}, pattern.DetailType)
	require.Contains(t, pattern.Detail.Status, event.Detail.Status)
	for _, status := range omicstypes.ReadSetImportJobStatus("").Values() {
		require.Equal(t, readsetimport.Job{Status: status}.Done(), slices.Contains(pattern.Detail.Status, string(status)), status)
	}
}
