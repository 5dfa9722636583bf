package s3files

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// bucket is what is known of a bucket.
type bucket struct {
	known    bool   // S3 has said what it says of it
	detail   string // why it is not known
	missing  bool   // there is none
	listable bool   // the caller has s3:ListBucket, so that S3 tells a missing object from one that may not be read
	refused  bool   // S3 takes no requests for it from this client
	region   string // empty if S3 did not tell
}

// maxBuckets bounds what is remembered. An import has a few.
const maxBuckets = 1000

// bucket asks for a bucket, or remembers it. Those who ask while another does share the answer; one that says nothing is not
// remembered, since the next may. Its error stops the whole check.
func (c *checker) bucket(ctx context.Context, name string) (bucket, error) {
	c.mu.Lock()
	b, found := c.buckets[name]
	c.mu.Unlock()
	if found {
		return b, nil
	}
	answer, err, _ := c.asking.Do(name, func() (any, error) {
		b, err := c.askBucket(ctx, name)
		if b.known {
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.buckets) >= maxBuckets {
				clear(c.buckets)
			}
			c.buckets[name] = b
		}
		return b, err
	})
	return answer.(bucket), err
}

func (c *checker) askBucket(ctx context.Context, name string) (b bucket, err error) {
	var out *s3.HeadBucketOutput
	failed, err := c.request(ctx, func(ctx context.Context) (err error) {
		out, err = c.api.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: aws.String(name)}, quiet)
		return err
	})
	switch {
	case err != nil:
		return b, err
	case failed == nil:
		return bucket{known: true, listable: true, region: aws.ToString(out.BucketRegion)}, nil
	}
	b = bucket{detail: failed.detail, region: failed.region}
	switch failed.status {
	case http.StatusNotFound:
		b.known, b.missing = true, true
	case http.StatusForbidden:
		b.known = true
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusBadRequest:
		b.known, b.refused = true, true
	}
	return b, nil
}
