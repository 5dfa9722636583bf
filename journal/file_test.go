package journal

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"
)

// memFile is a file in memory, with a disk below it that has what was synced.
type memFile struct {
	mu                sync.Mutex
	data, disk        []byte
	writeErr, syncErr error
	short             int // how much of a failing write gets through
	closed            bool
}

func (f *memFile) ReadAt(p []byte, at int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return bytes.NewReader(f.data).ReadAt(p, at)
}

func (f *memFile) WriteAt(p []byte, at int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writeErr != nil {
		p = p[:min(f.short, len(p))]
	}
	if grown := int(at) + len(p); grown > len(f.data) {
		f.data = append(f.data, make([]byte, grown-len(f.data))...)
	}
	return copy(f.data[at:], p), f.writeErr
}

func (f *memFile) Truncate(size int64) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.data = f.data[:size]
	return nil
}

func (f *memFile) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.syncErr == nil {
		f.disk = bytes.Clone(f.data)
	}
	return f.syncErr
}

func (f *memFile) Close() error { f.closed = true; return nil }

// newMemJournal is a journal on a copy of data.
func newMemJournal(data []byte) (*File, *memFile, error) {
	f := &memFile{data: bytes.Clone(data)}
	j, err := recoverFile(f, int64(len(data)))
	return j, f, err
}

func openJournal(t testing.TB, path string) *File {
	t.Helper()
	j, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { j.Close() })
	return j
}

func replay(ctx context.Context, j Journal) ([]Record, error) {
	var records []Record
	var failed error
	for r, err := range j.Replay(ctx) {
		if failed != nil {
			panic("something comes after an error")
		}
		if failed = err; err == nil {
			records = append(records, r)
		}
	}
	return records, failed
}

// lifeOfBatches is a journal with every kind of record and every field.
func lifeOfBatches(batches, sources int) []Record {
	at := time.Date(2030, 1, 2, 3, 4, 5, 678_901_234, time.UTC)
	var records []Record
	for i := range batches {
		life := batchHistory(i, sources, at.Add(time.Duration(i)*time.Minute))
		released := life[0]
		released.Kind, released.Attempt, released.Body, released.Sources = Released, 0, "", nil
		ended := &life[2]
		ended.Sources[sources-1].Status, ended.Sources[sources-1].ReadSetID = types.ReadSetImportJobItemStatusFailed, ""
		records = append(records, life[0], released)
		records = append(records, life...)
	}
	return records
}

func encodeJournal(t testing.TB, records []Record) []byte {
	t.Helper()
	var data []byte
	for i, r := range records {
		line, err := encodeLine(uint64(i), r)
		require.NoError(t, err)
		data = append(data, line...)
	}
	return data
}

func TestJournalRoundTrip(t *testing.T) {
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "journal.jsonl")
	want := lifeOfBatches(2, 3)
	strange := want[0]
	strange.Time = strange.Time.In(time.FixedZone("old Amsterdam", 19*60+32)) // RFC 3339 has no zones with seconds
	strange.ClientToken = "<\"\\\u2028é,\"sources\":[{\"crc32c\":\"00000000\"}"
	strange.Sources = []Source{{Status: "NEW \"STATUS\"", ReadSetID: "\\é"}}
	j := openJournal(t, path)
	for i, r := range append(want, strange) {
		require.NoError(t, j.Append(ctx, r))
		got, err := replay(ctx, j)
		require.NoError(t, err)
		require.Len(t, got, i+1)
	}
	strange.Time = strange.Time.UTC()
	want = append(want, strange)
	for range 2 { // the second time, in the file as the first left it
		got, err := replay(ctx, j)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.NoError(t, j.Close())
		require.NoError(t, j.Close(), "a second time")
		j = openJournal(t, path)
	}

	data, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	require.Len(t, lines, len(want))
	for i, line := range lines {
		var got struct {
			Seq    int
			Record struct {
				Kind, Time, SequenceStoreID, ClientToken, Body, JobID string
				Sources                                               []struct{ Fingerprint, Status, ReadSetID string }
			}
			CRC32C string
		}
		require.NoError(t, json.Unmarshal(line, &got))
		require.Equal(t, i, got.Seq)
		require.Equal(t, string(want[i].Kind), got.Record.Kind)
		require.Equal(t, want[i].Time.Format(time.RFC3339Nano), got.Record.Time)
		require.Equal(t, want[i].ClientToken, got.Record.ClientToken)
		require.Equal(t, want[i].JobID, got.Record.JobID)
		require.Len(t, got.Record.Sources, len(want[i].Sources))
		for k, s := range want[i].Sources {
			require.Equal(t, s.Fingerprint.String(), got.Record.Sources[k].Fingerprint)
		}
		require.Len(t, got.CRC32C, 8)
	}
}

// What a journal of an earlier version says must be read for ever.
func TestJournalFormat(t *testing.T) {
	const data = `{"seq":0,"record":{"kind":"sending","time":"2030-01-02T03:04:05.678901234Z","sequenceStoreId":"1234567890","clientToken":"rsi1-0000000000000000000000000000000000000000000000000000","attempt":1,"body":"00000000000000000000000000000000","sources":[{"fingerprint":"00000000000000000000000000000000"},{"fingerprint":"00000000000000009e3779b97f4a7c15"}]},"crc32c":"9e36bc1a"}
{"seq":1,"record":{"kind":"released","time":"2030-01-02T03:04:05.678901234Z","sequenceStoreId":"1234567890","clientToken":"rsi1-0000000000000000000000000000000000000000000000000000"},"crc32c":"353e9fc4"}
{"seq":2,"record":{"kind":"started","time":"2030-01-02T03:04:06.678901234Z","sequenceStoreId":"1234567890","clientToken":"rsi1-0000000000000000000000000000000000000000000000000000","jobId":"0000000000"},"crc32c":"82c3a401"}
{"seq":3,"record":{"kind":"ended","time":"2030-01-02T04:04:05.678901234Z","sequenceStoreId":"1234567890","clientToken":"rsi1-0000000000000000000000000000000000000000000000000000","jobId":"0000000000","sources":[{"fingerprint":"00000000000000000000000000000000","status":"FINISHED","readSetId":"0000000000"},{"fingerprint":"00000000000000009e3779b97f4a7c15","status":"FAILED"}]},"crc32c":"05ba5200"}
`
	life := lifeOfBatches(1, 2)
	want := []Record{life[0], life[1], life[3], life[4]}
	require.Equal(t, data, string(encodeJournal(t, want)))
	j, _, err := newMemJournal([]byte(data))
	require.NoError(t, err)
	got, err := replay(t.Context(), j)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestJournalJQ(t *testing.T) {
	jq, err := exec.LookPath("jq")
	if err != nil {
		t.Skip("jq is not installed")
	}
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	require.NoError(t, os.WriteFile(path, encodeJournal(t, lifeOfBatches(2, 3)), 0o600))
	out, err := exec.Command(jq, "-r", `.record | select(.kind == "ended") | .jobId as $job | .sources[] | [$job, .status, .readSetId] | @tsv`, path).Output()
	require.NoError(t, err)
	require.Equal(t, "0000000000\tFINISHED\t0000000000\n0000000000\tFINISHED\t0000000001\n0000000000\tFAILED\t\n"+
		"0000000001\tFINISHED\t0000000003\n0000000001\tFINISHED\t0000000004\n0000000001\tFAILED\t\n", string(out))
}

func TestJournalReplay(t *testing.T) {
	want := lifeOfBatches(3, 2)
	ctx := t.Context()
	j, file, err := newMemJournal(encodeJournal(t, want))
	require.NoError(t, err)

	for n := range len(want) {
		var got []Record
		for r, err := range j.Replay(ctx) {
			require.NoError(t, err)
			if got = append(got, r); len(got) > n {
				break
			}
		}
		require.Equal(t, want[:n+1], got, "broken off")
	}

	cause := errors.New("the cause")
	ended, end := context.WithCancelCause(ctx)
	defer end(nil)
	var got []Record
	for r, err := range j.Replay(ended) {
		if err != nil {
			require.ErrorIs(t, err, cause)
			break
		}
		got = append(got, r)
		if len(got) == 2 {
			end(cause)
		}
	}
	require.Equal(t, want[:2], got)
	got, err = replay(ended, j)
	require.ErrorIs(t, err, cause)
	require.Empty(t, got)

	seen := 0
	for r, err := range j.Replay(ctx) { // what is appended meanwhile is for the next replay
		require.NoError(t, err)
		require.NoError(t, j.Append(ctx, r))
		seen++
	}
	require.Equal(t, len(want), seen)
	got, err = replay(ctx, j)
	require.NoError(t, err)
	require.Equal(t, append(want, want...), got)

	for _, size := range []int64{j.size - 1, j.size / 2, int64(bytes.IndexByte(file.data, '\n')) + 1, 0} {
		require.NoError(t, file.Truncate(size))
		_, err = replay(ctx, j)
		require.Error(t, err, "somebody has cut the file to %d bytes", size)
	}
	require.NoError(t, j.Close())
	_, err = replay(ctx, j)
	require.ErrorIs(t, err, errClosed)
}

func TestJournalAppend(t *testing.T) {
	t.Parallel()
	records := lifeOfBatches(1, 2)
	ctx := t.Context()
	j, file, err := newMemJournal(nil)
	require.NoError(t, err)
	for _, r := range records {
		require.NoError(t, j.Append(ctx, r))
		require.Equal(t, file.data, file.disk, "durable before Append returns")
	}
	before := bytes.Clone(file.data)

	cause := errors.New("the cause")
	ended, end := context.WithCancelCause(ctx)
	defer end(nil)
	end(cause)
	require.ErrorIs(t, j.Append(ended, records[0]), cause)
	require.Error(t, j.Append(ctx, Record{Time: records[0].Time}), "a record of no kind")
	require.Error(t, j.Append(ctx, Record{Kind: "later", Time: records[0].Time}), "a kind that cannot be read back")
	require.Error(t, j.Append(ctx, Record{Kind: Started, Time: time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC)}), "a time that is no JSON")
	require.Equal(t, before, file.data, "nothing was written")

	large := Record{Kind: Started}
	line, err := encodeLine(j.next, large)
	require.NoError(t, err)
	large.JobID = strings.Repeat("1", lineMax-len(line)-len(`,"jobId":""`)+1)
	require.Error(t, j.Append(ctx, large), "a record too large")
	require.Equal(t, before, file.data)
	large.JobID = large.JobID[1:]
	require.NoError(t, j.Append(ctx, large), "the largest record, and it was none of these errors that is final")
	j, file, err = newMemJournal(file.data)
	require.NoError(t, err)
	got, err := replay(ctx, j)
	require.NoError(t, err)
	require.Equal(t, append(records, large), got)

	require.NoError(t, j.Close())
	require.True(t, file.closed)
	require.ErrorIs(t, j.Append(ctx, large), errClosed)
}

func TestJournalErrorIsFinal(t *testing.T) {
	records := lifeOfBatches(1, 2)
	line, err := encodeLine(0, records[0])
	require.NoError(t, err)
	for name, fail := range map[string]func(f *memFile, err error){
		"nothing is written":  func(f *memFile, err error) { f.writeErr = err },
		"a part is written":   func(f *memFile, err error) { f.writeErr, f.short = err, len(line)/2 },
		"it is all written":   func(f *memFile, err error) { f.writeErr, f.short = err, len(line) },
		"it cannot be synced": func(f *memFile, err error) { f.syncErr = err },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cause := t.Context(), errors.New("the disk is on fire")
			j, file, err := newMemJournal(nil)
			require.NoError(t, err)
			fail(file, cause)
			require.ErrorIs(t, j.Append(ctx, records[0]), cause)
			fail(file, nil)
			require.ErrorIs(t, j.Append(ctx, records[0]), cause, "although the disk is well again")
			_, err = replay(ctx, j)
			require.ErrorIs(t, err, cause)

			// A record of which nobody knows whether it is on the disk must not be read as if it were.
			j, _, err = newMemJournal(file.data)
			require.NoError(t, err)
			got, err := replay(ctx, j)
			require.NoError(t, err)
			require.Empty(t, got)
		})
	}
	_, err = recoverFile(&memFile{syncErr: io.ErrShortWrite}, 0)
	require.ErrorIs(t, err, io.ErrShortWrite, "what is read must be durable too")
}

func TestJournalConcurrency(t *testing.T) {
	const writers, each = 8, 25
	ctx := t.Context()
	j, file, err := newMemJournal(nil)
	require.NoError(t, err)
	// check that the records are all whole, and each writer's in order.
	check := func(j *File) int {
		next := make(map[string]int)
		records, err := replay(ctx, j)
		require.NoError(t, err)
		for _, r := range records {
			next[r.ClientToken]++
			require.Equal(t, next[r.ClientToken], r.Attempt, r.ClientToken)
		}
		return len(records)
	}
	var wg sync.WaitGroup
	errs := make(chan error, writers*each)
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				errs <- j.Append(ctx, Record{Kind: Sending, ClientToken: fmt.Sprint(w), Attempt: i + 1})
			}
		})
	}
	for seen := 0; seen < writers*each; {
		n := check(j)
		require.GreaterOrEqual(t, n, seen)
		seen = n
		if n == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	wg.Wait()
	for range writers * each {
		require.NoError(t, <-errs)
	}
	j, _, err = newMemJournal(file.data)
	require.NoError(t, err)
	require.Equal(t, writers*each, check(j))
}

// batchHistory is what is remembered of a batch.
func batchHistory(batch, sources int, at time.Time) []Record {
	r := Record{Kind: Sending, Time: at, SequenceStoreID: "1234567890", ClientToken: fmt.Sprintf("rsi1-%052d", batch)}
	sending, started, ended := r, r, r
	sending.Attempt, sending.Body = 1, fmt.Sprintf("%032x", batch)
	started.Kind, started.Time, started.JobID = Started, at.Add(time.Second), fmt.Sprintf("%010d", batch)
	ended.Kind, ended.Time, ended.JobID = Ended, at.Add(time.Hour), started.JobID
	for i := range sources {
		s := Source{}
		binary.BigEndian.PutUint64(s.Fingerprint[8:], uint64(batch*sources+i)*0x9e3779b97f4a7c15)
		sending.Sources = append(sending.Sources, s)
		s.Status, s.ReadSetID = types.ReadSetImportJobItemStatusFinished, fmt.Sprintf("%010d", batch*sources+i)
		ended.Sources = append(ended.Sources, s)
	}
	return []Record{sending, started, ended}
}

// A journal written before records said where they belong is read like any other.
func TestJournalOfAnEarlierVersion(t *testing.T) {
	data, err := os.ReadFile("testdata/unmarked.jsonl")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "unmarked.jsonl")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	records, err := replay(t.Context(), openJournal(t, path))
	require.NoError(t, err)
	var kinds []Kind
	for _, r := range records {
		kinds = append(kinds, r.Kind)
	}
	require.Equal(t, []Kind{Sending, Sending, Started, Started, Ended, Ended, Sending, Sending, Started, Started}, kinds)
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, data, after)
}
