package readsetimport

import (
	"context"
	"crypto/sha256"
	"iter"
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// chunk is a piece of an import's input.
type chunk struct {
	sources []Source // to be sent
	index   []int
	tries   int32     // how often one of them was tried before, at most
	results []Result  // of sources that are not to be sent
	resumed []*flight // batches that an earlier import began
	last    bool
	cut     bool  // the context ended before the input did
	err     error // the input's own
}

// feed reads a chunk of input each time that one is wanted: up to a batch of sources to send. It ends with the input or
// with the context, and its last chunk has what it still holds.
func (r *run) feed(ctx context.Context, input iter.Seq2[Source, error], chunks chan<- chunk) {
	next := func() bool {
		select {
		case <-r.wants:
			return true
		case <-ctx.Done():
			return false
		}
	}
	c := chunk{last: true}
	begun := make(resumption)
	defer func() {
		c.resumed = append(c.resumed, begun.rest(r.target)...)
		chunks <- c
	}()
	if !next() {
		c.cut = true
		return
	}
	index := 0
	seen := make(map[fileKey]struct{})
	for s, err := range input {
		if err != nil {
			c.err = err
			break
		}
		s.Tags = maps.Clone(s.Tags)
		if err := r.check(&s, index, seen); err != nil {
			c.results = append(c.results, Result{Index: index, Source: s, Err: err})
		} else {
			r.sort(&c, begun, s, index)
		}
		index++
		if c.cut = contextEnded(ctx) != nil; c.cut {
			break
		}
		if len(c.sources) < r.c.opts.SourcesPerJob && len(c.results) < r.c.opts.SourcesPerJob && len(c.resumed) == 0 {
			continue
		}
		// Sources to send wait for a full batch.
		full := chunk{results: c.results, resumed: c.resumed}
		c.results, c.resumed = nil, nil
		if len(c.sources) == r.c.opts.SourcesPerJob {
			full.sources, full.index, full.tries = c.sources, c.index, c.tries
			c.sources, c.index, c.tries = nil, nil, 0
		}
		chunks <- full
		if c.cut = !next(); c.cut {
			break
		}
	}
}

// sort puts a valid source where it belongs: to be sent, or with a result already, or back into the batch that carried
// it when an earlier import ended.
func (r *run) sort(c *chunk, begun resumption, s Source, index int) {
	if r.c.ledger == nil {
		c.sources, c.index = append(c.sources, s), append(c.index, index)
		return
	}
	f := r.target.Fingerprint(s)
	switch known := r.c.ledger.take(f, r); {
	case known.busy:
		c.results = append(c.results, Result{Index: index, Source: s, Err: errBusy})
	case known.readSetID != "":
		c.results = append(c.results, Result{
			Index: index, Source: s, JobID: known.jobID, ReadSetID: known.readSetID,
			Status: types.ReadSetImportJobItemStatusFinished, AlreadyImported: true,
		})
	case known.carrier != nil:
		if flight := begun.add(r.target, known.carrier, f, s, index); flight != nil {
			c.resumed = append(c.resumed, flight)
		}
	default:
		c.sources, c.index = append(c.sources, s), append(c.index, index)
		c.tries = max(c.tries, known.tries)
	}
}

// check validates a source, and that none of its files came before.
func (r *run) check(s *Source, index int, seen map[fileKey]struct{}) error {
	if r.valid {
		return nil
	}
	var c checker
	c.source(index, s)
	if len(c.faults) > 0 {
		return c.err()
	}
	first, second := keyOf(s.Source1), keyOf(s.Source2)
	if _, twice := seen[first]; twice {
		c.fault(place{index, "sourceFiles.source1"}, RuleDuplicate, s.Source1, "must not be in the import twice")
	}
	if _, twice := seen[second]; twice && s.Source2 != "" {
		c.fault(place{index, "sourceFiles.source2"}, RuleDuplicate, s.Source2, "must not be in the import twice")
	}
	if len(c.faults) > 0 {
		return c.err()
	}
	seen[first] = struct{}{}
	if s.Source2 != "" {
		seen[second] = struct{}{}
	}
	return nil
}

// fileKey stands for a file. A stream remembers it for every file, so it is as short as is safe: that two of ten million
// files have the same one has a chance below one in ten thousand million.
type fileKey [10]byte

func keyOf(uri string) fileKey {
	sum := sha256.Sum256([]byte(uri))
	return fileKey(sum[:len(fileKey{})])
}
