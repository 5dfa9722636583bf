package s3files_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/s3files"
)

// numbered yields n sources, each of a file of its own, and counts what was read of it.
func numbered(n int, read *atomic.Int64) iter.Seq2[readsetimport.Source, error] {
	return func(yield func(readsetimport.Source, error) bool) {
		for i := range n {
			read.Add(1)
			if !yield(sourceOf(types.FileTypeFastq, itoa(i)), nil) {
				return
			}
		}
	}
}

// anyFile returns a server on which every file of a bucket is the same, and each request takes a time of its own.
func anyFile(t *testing.T, delay func() time.Duration) *fakeS3 {
	var mu sync.Mutex
	file := &fakeObject{data: gzipped(reads(3, 1))}
	fake := inBucket(objects{})
	fake.before = func(r *http.Request) error {
		mu.Lock()
		d := delay()
		mu.Unlock()
		select {
		case <-time.After(d):
			return nil
		case <-r.Context().Done():
			return r.Context().Err()
		}
	}
	fake.any = file
	return fake
}

// TestCheckOrder shows that results come in the order of the input, with as many requests in flight as were asked for,
// and that the input is read no further ahead than promised.
func TestCheckOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(1, 2))
		fake := anyFile(t, func() time.Duration {
			if random.IntN(100) == 0 {
				return 20 * time.Second // slow, and within the timeout
			}
			return time.Duration(random.IntN(100)) * time.Millisecond
		})
		const n, atOnce = 800, 8
		var read atomic.Int64
		count := 0
		for checked, err := range s3files.Check(t.Context(), fake.client(), numbered(n, &read), func(o *s3files.CheckOptions) { o.Concurrency = atOnce }) {
			require.NoError(t, err)
			require.Equal(t, count, checked.Index)
			require.Equal(t, "s3://bucket/"+itoa(count), checked.Source.Source1)
			require.Empty(t, checked.Problems)
			count++
			require.LessOrEqual(t, read.Load()-int64(count), int64(16*atOnce+2))
		}
		require.Equal(t, n, count)
		require.Equal(t, atOnce, fake.most)
	})
}

// TestCheckStops shows that a check of 10,000 sources, 64 at once, ends within a second of its context, delivers what it
// has, and leaves nothing running: a bubble fails if a goroutine is left.
func TestCheckStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := anyFile(t, func() time.Duration { return 300 * time.Millisecond })
		cause := errors.New("the deadline of a person")
		ctx, cancel := context.WithCancelCause(t.Context())
		var ended time.Time
		time.AfterFunc(10*time.Second, func() {
			ended = time.Now()
			cancel(cause)
		})
		var read atomic.Int64
		var last error
		count := 0
		for checked, err := range s3files.Check(ctx, fake.client(), numbered(10_000, &read)) {
			require.NoError(t, last, "an error comes last")
			if last = err; err != nil {
				require.Zero(t, checked)
				continue
			}
			require.Equal(t, count, checked.Index)
			count++
		}
		require.ErrorIs(t, last, cause)
		require.Less(t, time.Since(ended), time.Second)
		require.Equal(t, 64, fake.most)
		require.Equal(t, 16*64, count, "two requests for each of 64 at once take 0.6 s, and 10 s were up in the 17th")
		require.Less(t, read.Load(), int64(3000))
	})
}

// TestCheckStopsBetween shows that the end of the context is reported if no request is under way, too, unless everything
// was checked before.
func TestCheckStopsBetween(t *testing.T) {
	fake := anyFile(t, func() time.Duration { return 0 })
	cause := errors.New("the deadline of a person")
	for _, more := range []bool{true, false} {
		ctx, cancel := cancelled(t)
		consumed := make(chan struct{})
		input := func(yield func(readsetimport.Source, error) bool) {
			yield(sourceOf(types.FileTypeFastq, "0"), nil)
			<-consumed
			cancel(cause)
			if more {
				yield(sourceOf(types.FileTypeFastq, "1"), nil)
			}
		}
		count := 0
		var last error
		for _, err := range s3files.Check(ctx, fake.client(), input) {
			if last = err; err == nil {
				count++
				close(consumed)
			}
		}
		require.Equal(t, 1, count)
		if more {
			require.ErrorIs(t, last, cause)
		} else {
			require.NoError(t, last)
		}
	}
}

// TestCheckBreak shows that breaking out of the loop ends the check.
func TestCheckBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := anyFile(t, func() time.Duration { return 300 * time.Millisecond })
		var read atomic.Int64
		var begin time.Time
		for _, err := range s3files.Check(t.Context(), fake.client(), numbered(10_000, &read)) {
			require.NoError(t, err)
			begin = time.Now()
			break
		}
		require.Less(t, time.Since(begin), time.Second)
		require.Zero(t, fake.running)
	})
}

// TestCheckInputError shows that the error of an input comes after the sources before it.
func TestCheckInputError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := anyFile(t, func() time.Duration { return time.Millisecond })
		torn := errors.New("sheet.csv:101: torn")
		input := func(yield func(readsetimport.Source, error) bool) {
			for i := range 100 {
				yield(sourceOf(types.FileTypeFastq, itoa(i)), nil)
			}
			yield(readsetimport.Source{}, torn)
		}
		count := 0
		var last error
		for _, err := range s3files.Check(t.Context(), fake.client(), input) {
			if last = err; err == nil {
				count++
			}
		}
		require.Equal(t, 100, count)
		require.ErrorIs(t, last, torn)
	})
	for range s3files.Check(t.Context(), inBucket(nil).client(), each()) {
		require.Fail(t, "nothing to check")
	}
}

// TestCheckTimeout shows that a server that does not answer costs one file its check, and not the others.
func TestCheckTimeout(t *testing.T) {
	for _, method := range []string{http.MethodHead, http.MethodGet} {
		synctest.Test(t, func(t *testing.T) {
			fake := anyFile(t, func() time.Duration { return 0 })
			fake.before = func(r *http.Request) error {
				if r.Method == method && strings.HasSuffix(r.URL.Path, "/1") {
					<-r.Context().Done()
					return r.Context().Err()
				}
				return nil
			}
			var got []int
			begin := time.Now()
			for checked, err := range s3files.Check(t.Context(), fake.client(), numbered(3, new(atomic.Int64)), func(o *s3files.CheckOptions) { o.RequestTimeout = 5 * time.Second }) {
				require.NoError(t, err)
				got = append(got, len(checked.Problems))
				for _, p := range checked.Problems {
					require.Equal(t, s3files.CodeUnchecked, p.Code)
					require.Contains(t, p.Detail, "did not answer within 5s")
				}
			}
			require.Equal(t, []int{0, 1, 0}, got)
			require.Equal(t, 5*time.Second, time.Since(begin))
		})
	}
}

// TestCheckTrouble shows that what happens to one request is a problem of its file.
func TestCheckTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fake := anyFile(t, func() time.Duration { return 0 })
		fake.before = func(r *http.Request) error {
			if strings.HasSuffix(r.URL.Path, "/1") {
				return errors.New("connection reset by peer")
			}
			return nil
		}
		fake.buckets["bucket"].objects["2"] = &fakeObject{head: http.StatusServiceUnavailable}
		var details []string
		for checked, err := range s3files.Check(t.Context(), fake.client(), numbered(4, new(atomic.Int64))) {
			require.NoError(t, err)
			for _, p := range checked.Problems {
				require.Equal(t, s3files.CodeUnchecked, p.Code)
				details = append(details, p.Detail)
			}
		}
		require.Len(t, details, 2)
		require.Contains(t, details[0], "connection reset by peer")
		require.Contains(t, details[1], "503")
	})
}

// TestCheckBucketTrouble shows that a bucket of which S3 says nothing keeps the files from passing that ask for it together,
// and not those that come later.
func TestCheckBucketTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const atOnce, attempts = 8, 3 // of the client, for each request
		fake := anyFile(t, func() time.Duration { return 0 })
		var asked atomic.Int64
		fake.before = func(r *http.Request) error {
			time.Sleep(time.Millisecond)
			if strings.Trim(r.URL.Path, "/") == "bucket" && asked.Add(1) <= attempts {
				return errors.New("connection reset by peer")
			}
			return nil
		}
		var wrong []int
		for checked, err := range s3files.Check(t.Context(), fake.client(), numbered(100, new(atomic.Int64)), func(o *s3files.CheckOptions) {
			o.Region, o.Concurrency = "us-east-1", atOnce
		}) {
			require.NoError(t, err)
			for _, p := range checked.Problems {
				require.Equal(t, []any{s3files.CodeUnchecked, s3files.SeverityError}, []any{p.Code, p.Severity})
				require.Contains(t, p.Detail, "connection reset by peer")
				wrong = append(wrong, checked.Index)
			}
		}
		require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7}, wrong)
		require.EqualValues(t, attempts+1, asked.Load())
	})
}

// TestCheckCredentials shows that a check ends if nothing can be checked for want of credentials.
func TestCheckCredentials(t *testing.T) {
	check := func(api s3files.API) (count int, last error) {
		for _, err := range s3files.Check(t.Context(), api, numbered(1000, new(atomic.Int64))) {
			if last = err; err == nil {
				count++
			}
		}
		return count, last
	}
	for _, code := range []string{"ExpiredToken", "InvalidAccessKeyId", "SignatureDoesNotMatch"} {
		fake := inBucket(objects{})
		fake.any = &fakeObject{head: http.StatusForbidden, get: http.StatusForbidden, code: code}
		count, err := check(fake.client())
		require.Zero(t, count)
		require.ErrorContains(t, err, code)
		require.ErrorContains(t, err, "no file can be checked")
	}
	fake := inBucket(objects{})
	none := s3.New(fake.client().Options(), func(o *s3.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("no credentials on this machine")
		})
	})
	count, err := check(none)
	require.Zero(t, count)
	require.ErrorContains(t, err, "no credentials on this machine")
	require.Empty(t, fake.sent())
}

// TestCheckBuckets shows that what is remembered of buckets has a bound, and holds.
func TestCheckBuckets(t *testing.T) {
	fake := &fakeS3{}
	input := func(yield func(readsetimport.Source, error) bool) {
		for i := range 1200 {
			s := sourceOf(types.FileTypeFastq, "f")
			s.Source1 = fmt.Sprintf("s3://bucket-%d/f", i)
			if !yield(s, nil) {
				return
			}
		}
	}
	for checked, err := range s3files.Check(t.Context(), fake.client(), input) {
		require.NoError(t, err)
		require.Len(t, checked.Problems, 1)
		require.Equal(t, s3files.CodeNoBucket, checked.Problems[0].Code)
	}
}
