package readsetimport

import (
	"context"
	"crypto/sha256"
	"iter"
	"maps"
)

// chunk is a piece of an import's input.
type chunk struct {
	sources []Source
	index   []int
	invalid []Result
	last    bool
	err     error // the input's own
}

// feed reads a chunk of input each time that one is wanted: up to a batch of valid sources. It ends with the input or
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
	defer func() { chunks <- c }()
	if !next() {
		return
	}
	index := 0
	seen := make(map[[16]byte]struct{})
	for s, err := range input {
		if err != nil {
			c.err = err
			break
		}
		s.Tags = maps.Clone(s.Tags)
		if err := r.check(&s, index, seen); err != nil {
			c.invalid = append(c.invalid, Result{Index: index, Source: s, Err: err})
		} else {
			c.sources, c.index = append(c.sources, s), append(c.index, index)
		}
		index++
		if contextEnded(ctx) != nil {
			break
		}
		if len(c.sources) < r.c.batchSize && len(c.invalid) < r.c.batchSize {
			continue
		}
		// With a full chunk of invalid sources, the valid ones wait for a full batch.
		full := chunk{invalid: c.invalid}
		c.invalid = nil
		if len(c.sources) == r.c.batchSize {
			full.sources, full.index = c.sources, c.index
			c.sources, c.index = nil, nil
		}
		chunks <- full
		if !next() {
			break
		}
	}
}

// check validates a source, and that none of its files came before.
func (r *run) check(s *Source, index int, seen map[[16]byte]struct{}) error {
	if r.valid {
		return nil
	}
	var c checker
	c.source(index, s)
	if len(c.faults) > 0 {
		return c.err()
	}
	first, second := fileKey(s.Source1), fileKey(s.Source2)
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

func fileKey(uri string) [16]byte {
	sum := sha256.Sum256([]byte(uri))
	return [16]byte(sum[:16])
}
