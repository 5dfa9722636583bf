package s3files

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/readsetimport/readsetimport"
)

// CheckOptions are the options of [Check]. The zero value of each is its documented default; set Region, since files in another
// one than the store's cannot be imported.
type CheckOptions struct {
	// Region of the sequence store. Files in buckets of other Regions cannot be imported. By default, the Region is not
	// compared.
	Region string

	// Concurrency is how many sources are checked at once, each with one request at a time. The default is 64.
	Concurrency int

	// RequestTimeout bounds each request, its answer and the client's retries included. The default is 30 s.
	RequestTimeout time.Duration

	// ETag returns the ETag that a file had when it was listed, as [File] has it, or nothing if that is not known. It is
	// called by several goroutines at once. By default, only changes during the check are found.
	ETag func(uri string) string
}

// Checked is a source with what [Check] found. A program imports those without a problem of [SeverityError], and shows the
// others to a person.
type Checked struct {
	Index    int // in the input, from 0
	Source   readsetimport.Source
	Bytes    int64 // size of its files together, as far as S3 told it
	Problems []Problem
}

// Check looks at the files of each source and yields every source with its problems, in the order of the input. It is
// advice: a source without problems can still fail to be imported.
//
// A request that fails for one file only is a [CodeUnchecked] problem of that file, and an error: what could not be looked at
// does not pass. The error of the iteration comes once and last: the end of the context, missing or invalid credentials, or
// the error of the input, after the sources before it.
//
// Check reads ahead in the input, up to 16 sources for each that is checked at once. Breaking out of the loop or the end
// of the context cancels the requests under way and waits for them; an input that blocks delays this.
func Check(ctx context.Context, api API, sources iter.Seq2[readsetimport.Source, error], optFns ...func(*CheckOptions)) iter.Seq2[Checked, error] {
	var o CheckOptions
	for _, fn := range optFns {
		fn(&o)
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 64
	}
	if o.RequestTimeout <= 0 {
		o.RequestTimeout = 30 * time.Second
	}
	return func(yield func(Checked, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		c := &checker{api: api, o: o, buckets: make(map[string]bucket)}
		queue := make(chan chan Checked, aheadFactor*o.Concurrency)
		var err error
		var reading sync.WaitGroup
		reading.Go(func() { err = c.run(ctx, sources, queue) })
		defer func() {
			cancel(errBrokenOff)
			for range queue { // until the input is read no more
			}
			reading.Wait()
		}()
		for result := range queue {
			checked, ok := <-result
			if !ok {
				break // the check has stopped
			}
			if !yield(checked, nil) {
				return
			}
		}
		reading.Wait()
		if err != nil {
			yield(Checked{}, err)
		}
	}
}

// aheadFactor is how many sources are read ahead for each that is checked at once, so that the others go on while one is
// slow.
const aheadFactor = 16

var errBrokenOff = errors.New("the loop over the results was broken off")

// checker is one Check.
type checker struct {
	api API
	o   CheckOptions

	asking  singleflight.Group // for buckets
	mu      sync.Mutex
	buckets map[string]bucket
}

// run checks the sources and puts a channel for the result of each into the queue, in their order. It closes the channel
// of a source that could not be checked because the check stops.
func (c *checker) run(ctx context.Context, sources iter.Seq2[readsetimport.Source, error], queue chan<- chan Checked) error {
	defer close(queue)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(c.o.Concurrency)
	var inputErr error
	index := 0
	for s, err := range sources {
		if err != nil {
			inputErr = err
			break
		}
		result := make(chan Checked, 1)
		select {
		case queue <- result:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			close(result)
			inputErr = context.Cause(ctx)
			break
		}
		checked := Checked{Index: index, Source: s}
		index++
		g.Go(func() error {
			defer close(result)
			if err := c.check(ctx, &checked); err != nil {
				return err
			}
			result <- checked
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return inputErr
}

// check looks at the files of one source. Its error stops the whole check.
func (c *checker) check(ctx context.Context, checked *Checked) error {
	s := &checked.Source
	first, err := c.look(ctx, s.Source1, s)
	if err != nil {
		return err
	}
	if s.Source2 == "" && s.Type == types.FileTypeFastq {
		inspectAlone(first)
	}
	checked.Bytes, checked.Problems = first.size, first.found
	if s.Source2 == "" {
		return nil
	}
	if s.Source2 == s.Source1 {
		p := problems{file: s.Source2, found: checked.Problems}
		p.error(CodeSameMates, "both mates are this object: give the other mate's URI")
		checked.Problems = p.found
		return nil
	}
	second, err := c.look(ctx, s.Source2, s)
	if err != nil {
		return err
	}
	if s.Type == types.FileTypeFastq {
		compareMates(first, second)
	}
	checked.Bytes += second.size
	checked.Problems = append(checked.Problems, second.found...)
	return nil
}
