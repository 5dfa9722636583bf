package steps

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

const store = "123456789012345678901234567890123456"

var target = readsetimport.Target{SequenceStoreID: store, RoleARN: "arn:aws:iam::123456789012:role/omics-import"}

// sources are of different persons, whose ids no state may have.
func sources(n int) []readsetimport.Source {
	out := make([]readsetimport.Source, n)
	for i := range out {
		out[i] = readsetimport.UBAM(fmt.Sprintf("s3://bucket/run/%04d.bam", i)).
			WithSubject(fmt.Sprintf("subject-%d", i)).WithSample(fmt.Sprintf("sample-%d", i))
	}
	return out
}

func batch(t *testing.T, sources []readsetimport.Source) readsetimport.Batch {
	batches, err := readsetimport.Split(target, "run", sources)
	require.NoError(t, err)
	require.Len(t, batches, 1)
	return batches[0]
}

// largest is the largest batch that is valid.
func largest(t *testing.T) readsetimport.Batch {
	long := func(n, i int) string { return fmt.Sprintf("%03d", i) + strings.Repeat("\u754c", n-3) }
	out := make([]readsetimport.Source, readsetimport.MaxSourcesPerJob)
	for i := range out {
		// The key counts in characters, as the ids do.
		key := func(mate int) string {
			return "s3://" + strings.Repeat("b", 63) + "/" + long(1021, i) + fmt.Sprint("_R", mate)
		}
		out[i] = readsetimport.PairedFASTQ(key(1), key(2)).WithSubject(long(127, i)).WithSample(long(127, i)).
			WithName(long(127, i)).WithDescription(long(255, i)).WithGeneratedFrom(long(127, i))
		for tag := range 50 {
			out[i] = out[i].WithTag(long(128, tag), long(256, tag))
		}
	}
	return batch(t, out)
}

// ofOne is a batch of one person.
func ofOne(t *testing.T) readsetimport.Batch {
	out := sources(readsetimport.MaxSourcesPerJob)
	for i := range out {
		out[i].SubjectID, out[i].SampleID, out[i].Name = "subject-1", "sample-1", fmt.Sprint("lane ", i)
	}
	return batch(t, out)
}

// wide is a service whose ids have 36 digits, as many as they may have, and whose page tokens are as long as they may be.
type wide struct{ *omics.Client }

func (wide) out(id *string) *string {
	if aws.ToString(id) == "" {
		return id
	}
	hash := sha256.Sum256([]byte(*id))
	digits := new(big.Int).SetBytes(hash[:]).String()
	return aws.String(digits[len(digits)-26:] + *id)
}

func (wide) in(id *string) *string { return aws.String((*id)[26:]) }

const tokenLength = 6144

func (w wide) outToken(token *string) *string {
	if token == nil {
		return nil
	}
	var b strings.Builder
	for i := 0; b.Len() < tokenLength; i++ {
		hash := sha256.Sum256([]byte(*token + fmt.Sprint(i)))
		b.WriteString(base64.RawURLEncoding.EncodeToString(hash[:]))
	}
	return aws.String(*token + "|" + b.String()[:tokenLength-len(*token)-1])
}

func (wide) inToken(token *string) *string {
	if token == nil {
		return nil
	}
	short, _, _ := strings.Cut(*token, "|")
	return &short
}

func (w wide) StartReadSetImportJob(ctx context.Context, in *omics.StartReadSetImportJobInput, optFns ...func(*omics.Options)) (*omics.StartReadSetImportJobOutput, error) {
	out, err := w.Client.StartReadSetImportJob(ctx, in, optFns...)
	if err == nil {
		out.Id = w.out(out.Id)
	}
	return out, err
}

func (w wide) GetReadSetImportJob(ctx context.Context, in *omics.GetReadSetImportJobInput, optFns ...func(*omics.Options)) (*omics.GetReadSetImportJobOutput, error) {
	asked := *in
	asked.Id = w.in(in.Id)
	out, err := w.Client.GetReadSetImportJob(ctx, &asked, optFns...)
	if err == nil {
		out.Id = w.out(out.Id)
		for i := range out.Sources {
			out.Sources[i].ReadSetId = w.out(out.Sources[i].ReadSetId)
		}
	}
	return out, err
}

func (w wide) ListReadSetImportJobs(ctx context.Context, in *omics.ListReadSetImportJobsInput, optFns ...func(*omics.Options)) (*omics.ListReadSetImportJobsOutput, error) {
	asked := *in
	asked.NextToken = w.inToken(in.NextToken)
	out, err := w.Client.ListReadSetImportJobs(ctx, &asked, optFns...)
	if err == nil {
		out.NextToken = w.outToken(out.NextToken)
		for i := range out.ImportJobs {
			out.ImportJobs[i].Id = w.out(out.ImportJobs[i].Id)
		}
	}
	return out, err
}

func (w wide) ListReadSets(ctx context.Context, in *omics.ListReadSetsInput, optFns ...func(*omics.Options)) (*omics.ListReadSetsOutput, error) {
	asked := *in
	asked.NextToken = w.inToken(in.NextToken)
	out, err := w.Client.ListReadSets(ctx, &asked, optFns...)
	if err == nil {
		out.NextToken = w.outToken(out.NextToken)
		for i := range out.ReadSets {
			out.ReadSets[i].Id = w.out(out.ReadSets[i].Id)
		}
	}
	return out, err
}

func (w wide) GetReadSetMetadata(ctx context.Context, in *omics.GetReadSetMetadataInput, optFns ...func(*omics.Options)) (*omics.GetReadSetMetadataOutput, error) {
	asked := *in
	asked.Id = w.in(in.Id)
	out, err := w.Client.GetReadSetMetadata(ctx, &asked, optFns...)
	if err == nil {
		out.Id, out.CreationJobId = w.out(out.Id), w.out(out.CreationJobId)
	}
	return out, err
}

func newClient(t *testing.T, service *omicstest.Service, optFns ...func(*readsetimport.Options)) *readsetimport.Client {
	c, err := readsetimport.New(wide{service.Client()}, optFns...)
	require.NoError(t, err)
	return c
}

// readBack writes a state and reads it, as an engine does between any two steps, and returns its length too.
func readBack(t *testing.T, s State) (State, int) {
	data, err := json.Marshal(s)
	require.NoError(t, err)
	require.Less(t, len(data), 32<<10, "%s", s.Phase())
	text, err := json.Marshal(packed{s.submission.Search, s.outcomes})
	require.NoError(t, err)
	for _, person := range []string{"subject-", "sample-", "s3://", "\u754c"} {
		require.NotContains(t, string(data)+string(text), person)
	}
	var back State
	require.NoError(t, json.Unmarshal(data, &back))
	return back, len(data)
}

// driver is an engine.
type driver struct {
	client *readsetimport.Client
	steps  int
	whole  bool                             // it keeps whole Submissions
	before func(step int, s State)          // called before each step
	sizes  map[readsetimport.Phase][]int    // of the states
	last   readsetimport.Submission         // as Advance returned it
	late   func(s State) (by time.Duration) // than NextAt
}

// run takes the steps of a batch until it has ended, and returns the results that were handed over.
func (d *driver) run(t *testing.T, b readsetimport.Batch) []readsetimport.Result {
	d.sizes = make(map[readsetimport.Phase][]int)
	s := readsetimport.Submission{Batch: b}
	state := Of(s)
	for step := range 5000 {
		d.steps++
		var size int
		state, size = readBack(t, state)
		if state.Phase() == readsetimport.PhaseRunning && !state.submission.Search.On() {
			require.Less(t, size, 1000+32*len(state.outcomes), "step %d", step) // the number of steps is not in it
		}
		d.sizes[state.Phase()] = append(d.sizes[state.Phase()], size)
		if d.before != nil {
			d.before(step, state)
		}
		wait := time.Until(state.NextAt())
		if d.late != nil {
			wait += d.late(state)
		}
		time.Sleep(wait)

		var err error
		if d.whole {
			data, err := json.Marshal(s)
			require.NoError(t, err)
			s = readsetimport.Submission{}
			require.NoError(t, json.Unmarshal(data, &s))
		} else {
			s, err = state.With(b)
			require.NoError(t, err)
		}
		s, err = d.client.Advance(t.Context(), s)
		state = Of(s)
		if d.last = s; s.Ended() {
			return s.Results()
		}
		require.NoError(t, err)
	}
	require.Fail(t, "it has no end")
	return nil
}

// largestSize is the longest state that the driver has kept.
func (d *driver) largestSize() int {
	return slices.Max(slices.Concat(slices.Collect(maps.Values(d.sizes))...))
}
