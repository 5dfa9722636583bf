package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/ledger"
	"github.com/readsetimport/readsetimport/internal/quota"
	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/internal/token"
)

// chunk is a piece of an import's input.
type chunk struct {
	sources []Source // to be sent
	index   []int
	tries   int       // how often one of them was tried before, at most
	results []Result  // of sources that are not to be sent
	resumed []*flight // batches that an earlier import began
	early   bool      // nobody asked for it
	last    bool
	cut     error // why the context ended before the input did; nil if it did not
	err     error // the input's own
}

// intake reads an import's input and sorts its sources: to be sent, or with a result already, or back into the batch
// that carried them when an earlier import ended.
type intake struct {
	r     *run
	chunk chunk
	begun map[string]*resumption // batches that an earlier import began, by token
	seen  token.Files
}

// feed reads a chunk of input each time that one is wanted: up to a batch of sources to send. It ends with the input,
// with the caller's context, or when reading does since no more is to be sent. Its last chunk has what it still holds.
func (r *run) feed(ctx, reading context.Context, input iter.Seq2[Source, error]) {
	in := &intake{r: r, begun: make(map[string]*resumption)}
	exited := true // the input has ended this goroutine, as a test that fails in it does
	defer func() {
		if exited {
			in.chunk.err = errInputExited
		}
		in.resumeAll(ctx)
		in.chunk.last = true
		r.chunks <- in.chunk
	}()
	if r.whole == nil {
		in.read(ctx, reading, input)
		in.chunk.cut = quota.Ended(ctx)
	} else if !in.readWhole(ctx, reading) {
		in.chunk.cut = quota.Ended(ctx)
	}
	exited = false
}

var errInputExited = errors.New("readsetimport: the input ended its goroutine")

// read reads a stream.
func (in *intake) read(ctx, reading context.Context, input iter.Seq2[Source, error]) {
	if !in.wanted(reading) {
		return
	}
	index := 0
	for s, err := range input {
		if err != nil {
			in.chunk.err = err
			return
		}
		s.Tags = maps.Clone(s.Tags)
		if err := in.check(&s, index); err != nil {
			in.result(Result{Index: index, Source: s, Err: err})
		} else {
			in.sort(ctx, s, index)
		}
		index++
		if !in.next(reading) {
			return
		}
	}
}

// readWhole reads the sources of an Import, and reports whether it read them all. What the journal knows comes first,
// whatever happens to the rest.
func (in *intake) readWhole(ctx, reading context.Context) bool {
	const most = 1000 // results at once
	l := in.r.c.ledger
	known := make([]bool, len(in.r.whole))
	if l != nil {
		for i, s := range in.r.whole {
			now := l.Source(in.r.target.Fingerprint(s))
			if known[i] = now.ReadSetID != "" || now.Batch != ""; known[i] {
				in.sort(ctx, s, i)
			}
			if len(in.chunk.results) >= most {
				in.send(true)
			}
		}
		in.resumeAll(ctx)
		in.send(true)
	}
	left := slices.IndexFunc(known, func(known bool) bool { return !known })
	if left < 0 {
		return true
	}
	if !in.wanted(reading) {
		return false
	}
	for i, s := range in.r.whole {
		if known[i] {
			continue
		}
		in.sort(ctx, s, i)
		if !in.next(reading) {
			return !slices.Contains(known[i+1:], false)
		}
	}
	return true
}

// wanted waits until the loop wants a chunk, and reports false if it wants none any more.
func (in *intake) wanted(reading context.Context) bool {
	select {
	case <-in.r.wants:
		return true
	case <-reading.Done():
		return false
	}
}

// next hands the chunk over if it is full, and reports whether to go on.
func (in *intake) next(reading context.Context) bool {
	c := &in.chunk
	switch size := in.r.opts.SourcesPerJob; {
	case quota.Ended(reading) != nil:
		return false
	case len(c.sources) < size && len(c.results) < size && len(c.resumed) == 0:
		return true
	}
	in.send(false)
	return in.wanted(reading)
}

// send hands over what is there. Sources to send wait for a full batch.
func (in *intake) send(early bool) {
	full := in.chunk
	full.early = early
	in.chunk = chunk{}
	if n := len(full.sources); n < in.r.opts.SourcesPerJob {
		in.chunk.sources, in.chunk.index, in.chunk.tries = full.sources, full.index, full.tries
		full.sources, full.index = nil, nil
	}
	in.r.chunks <- full
}

func (in *intake) result(res Result) { in.chunk.results = append(in.chunk.results, res) }

// sort puts a valid source where it belongs.
func (in *intake) sort(ctx context.Context, s Source, index int) {
	c, l := &in.chunk, in.r.c.ledger
	if l == nil {
		in.toSend(s, index)
		return
	}
	f := in.r.target.Fingerprint(s)
	switch now, err := l.Hold(f, in.r); {
	case err != nil:
		in.result(Result{Index: index, Source: s, Err: err})
	case now.ReadSetID != "":
		in.result(alreadyImported(s, index, now))
	case now.Batch != "":
		switch b, underWay := in.gather(now.Batch, f, s, index); {
		case !underWay:
			in.sort(ctx, s, index)
		case b != nil:
			in.resume(ctx, b)
		}
	default:
		in.toSend(s, index)
		c.tries = max(c.tries, now.Tries)
	}
}

// toSend adds a source to those of the chunk that are to be sent, which are as many as a job has.
func (in *intake) toSend(s Source, index int) {
	c, size := &in.chunk, in.r.opts.SourcesPerJob
	if c.sources == nil {
		c.sources, c.index = make([]Source, 0, size), make([]int, 0, size)
	}
	c.sources, c.index = append(c.sources, s), append(c.index, index)
}

func alreadyImported(s Source, index int, known ledger.Standing) Result {
	return Result{
		Index: index, Source: s, JobID: known.JobID, ReadSetID: known.ReadSetID,
		Status: types.ReadSetImportJobItemStatusFinished, AlreadyImported: true,
	}
}

// check validates a source, and that none of its files came before.
func (in *intake) check(s *Source, index int) error {
	var c checker
	c.source(index, s)
	if len(c.Findings) > 0 {
		return c.err()
	}
	keys := [...]token.FileKey{token.File(s.Source1), token.File(s.Source2)}
	for i, uri := range [...]string{s.Source1, s.Source2} {
		if uri != "" && in.seen.Has(keys[i]) {
			c.Fault(rules.Place{Index: index, Field: fmt.Sprintf("sourceFiles.source%d", i+1)}, rules.Duplicate, uri, "must not be in the import twice")
		}
	}
	if len(c.Findings) > 0 {
		return c.err()
	}
	in.seen.Add(keys[0])
	in.seen.Add(keys[1])
	return nil
}
