package s3files

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// List yields every object under s3://bucket/prefix that passes the filters of the options, in the order of S3, which is
// that of the keys' bytes. It holds two pages of up to 1,000 objects: the next one is fetched while one is used.
//
// An error comes once and last. Breaking out of the loop cancels the request under way and waits for it. Each range over
// the iterator lists anew.
func List(ctx context.Context, api API, uri string, optFns ...func(*Options)) iter.Seq2[File, error] {
	o, optErr := newOptions(optFns)
	return func(yield func(File, error) bool) {
		if optErr != nil {
			yield(File{}, optErr)
			return
		}
		for f, err := range objects(ctx, api, uri) {
			if (err != nil || o.wants(f)) && !yield(f, err) {
				return
			}
		}
	}
}

// objects yields every object under a URI.
func objects(ctx context.Context, api API, uri string) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		bucket, prefix, err := splitURI(uri)
		if err != nil {
			yield(File{}, err)
			return
		}
		for page, err := range pages(ctx, api, bucket, prefix) {
			if err != nil {
				yield(File{}, fmt.Errorf("s3files: cannot list %s: %w", uri, err))
				return
			}
			for _, f := range page {
				if !yield(f, nil) {
					return
				}
			}
		}
	}
}

// wants reports whether a file passes the filters.
func (o *Options) wants(f File) bool {
	return (len(o.Suffixes) == 0 || hasSuffix(f.Key, o.Suffixes)) && o.matchesGlob(f) &&
		(o.ModifiedSince.IsZero() || !f.LastModified.Before(o.ModifiedSince)) &&
		(o.ModifiedBefore.IsZero() || f.LastModified.Before(o.ModifiedBefore)) &&
		(o.Filter == nil || o.Filter(f))
}

func (o *Options) matchesGlob(f File) bool {
	if o.Glob == "" {
		return true
	}
	name := f.Key
	if !strings.Contains(o.Glob, "/") {
		name = f.name()
	}
	ok, _ := path.Match(o.Glob, name) // newOptions has tried the pattern
	return ok
}

// hasSuffix reports whether a name has one of the suffixes, in any case.
func hasSuffix(name string, suffixes []string) bool {
	_, ok := cutSuffix(name, suffixes)
	return ok
}

// cutSuffix returns a name without the one of the suffixes that it has, in any case.
func cutSuffix(name string, suffixes []string) (before string, ok bool) {
	for _, s := range suffixes {
		if n := len(name) - len(s); n >= 0 && strings.EqualFold(name[n:], s) {
			return name[:n], true
		}
	}
	return name, false
}

type page struct {
	files []File
	err   error
}

// pages yields the pages of a listing. The next one is fetched while one is used.
func pages(ctx context.Context, api API, bucket, prefix string) iter.Seq2[[]File, error] {
	return func(yield func([]File, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		fetched := make(chan page)
		go func() {
			defer close(fetched)
			fetchPages(ctx, api, bucket, prefix, fetched)
		}()
		defer func() {
			cancel()
			for range fetched { // until the goroutine has ended
			}
		}()
		for p := range fetched {
			if !yield(p.files, p.err) {
				return
			}
		}
	}
}

// fetchPages sends the pages of a listing, an error last. What it sends must be received, whatever happens.
func fetchPages(ctx context.Context, api API, bucket, prefix string, fetched chan<- page) {
	in := &s3.ListObjectsV2Input{
		Bucket: aws.String(bucket), Prefix: aws.String(prefix),
		EncodingType: types.EncodingTypeUrl, // keys can have characters that XML cannot
	}
	for {
		out, err := api.ListObjectsV2(ctx, in, quiet)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			fetched <- page{err: listError(err)}
			return
		}
		files, err := filesOf(bucket, out)
		next := aws.ToString(out.NextContinuationToken)
		more := aws.ToBool(out.IsTruncated)
		if err == nil && more && (next == "" || next == aws.ToString(in.ContinuationToken)) {
			err = errors.New("S3 says that there is more, and not where it begins")
		}
		fetched <- page{files, err}
		if err != nil || !more {
			return
		}
		in.ContinuationToken = &next
	}
}

// filesOf returns the objects of a page.
func filesOf(bucket string, out *s3.ListObjectsV2Output) ([]File, error) {
	files := make([]File, 0, len(out.Contents))
	for _, o := range out.Contents {
		key := aws.ToString(o.Key)
		if out.EncodingType == types.EncodingTypeUrl {
			var err error
			if key, err = url.QueryUnescape(key); err != nil {
				return nil, fmt.Errorf("S3 sent a key that cannot be decoded: %w", err)
			}
		}
		files = append(files, File{
			Bucket: bucket, Key: key, Size: aws.ToInt64(o.Size), ETag: unquoted(aws.ToString(o.ETag)),
			StorageClass: o.StorageClass, LastModified: aws.ToTime(o.LastModified),
		})
	}
	return files, nil
}

// unquoted returns an ETag without its quotation marks.
func unquoted(etag string) string { return strings.Trim(etag, `"`) }
