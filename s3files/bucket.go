package s3files

import (
	"context"
	"net/http"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// bucket is what is known of a bucket, asked for once.
type bucket struct {
	once     sync.Once
	err      error  // stops the check
	missing  bool   // there is none
	listable bool   // the caller has s3:ListBucket, so that S3 tells a missing object from one that may not be read
	region   string // empty if S3 did not tell
}

// maxBuckets bounds what is remembered. An import has a few.
const maxBuckets = 1000

// bucket asks for a bucket, or remembers it. Its error stops the whole check.
func (c *checker) bucket(ctx context.Context, name string) (*bucket, error) {
	c.mu.Lock()
	b := c.buckets[name]
	if b == nil {
		if len(c.buckets) >= maxBuckets {
			clear(c.buckets)
		}
		b = &bucket{}
		c.buckets[name] = b
	}
	c.mu.Unlock()
	b.once.Do(func() {
		var out *s3.HeadBucketOutput
		failed, err := c.request(ctx, func(ctx context.Context) (err error) {
			out, err = c.api.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(name)}, quiet)
			return err
		})
		switch {
		case err != nil:
			b.err = err
		case failed == nil:
			b.listable, b.region = true, aws.ToString(out.BucketRegion)
		default:
			b.missing, b.region = failed.status == http.StatusNotFound, failed.region
		}
	})
	return b, b.err
}
