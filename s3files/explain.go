package s3files

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// request makes one request, in the time that it has. It returns what S3 says if it was not carried out. Its error stops
// the whole check.
func (c *checker) request(ctx context.Context, do func(context.Context) error) (*failure, error) {
	attempt, cancel := context.WithTimeout(ctx, c.o.RequestTimeout)
	defer cancel()
	err := do(attempt)
	switch {
	case err == nil:
		return nil, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case attempt.Err() != nil:
		return &failure{detail: "S3 did not answer within " + c.o.RequestTimeout.String()}, nil
	}
	f := failureOf(err)
	if f.forAll(err) {
		return nil, fmt.Errorf("s3files: no file can be checked: %w", err)
	}
	return &f, nil
}

// explainHead reports why a HEAD request failed. Its answer has no words, so a GET request has to ask for them. Its error
// stops the whole check.
func (c *checker) explainHead(ctx context.Context, o *object, f *failure) error {
	if f.status == http.StatusBadRequest || f.status == http.StatusForbidden {
		in := &s3.GetObjectInput{Bucket: &o.bucket, Key: &o.key, Range: aws.String("bytes=0-0")}
		said, err := c.request(ctx, func(ctx context.Context) error {
			out, err := c.api.GetObject(ctx, in, quiet)
			if err == nil {
				out.Body.Close()
			}
			return err
		})
		if err != nil {
			return err
		}
		if said != nil {
			f = said
		}
	}
	if f.status == http.StatusBadRequest && f.code == "InvalidRequest" {
		o.error(CodeCustomerKey, "S3 does not read it without more than permission: it seems to be encrypted with a key that each request must bring (SSE-C), which HealthOmics does not have: copy it without")
		return nil
	}
	return c.explain(ctx, o, f)
}

// explainGet reports why a GET request failed after a HEAD request succeeded. Its error stops the whole check.
func (c *checker) explainGet(ctx context.Context, o *object, f *failure) error {
	switch {
	case f.status == http.StatusRequestedRangeNotSatisfiable || f.status == http.StatusNotFound:
		o.error(CodeChanged, adviceChanged)
	case f.status == http.StatusForbidden && f.code != "InvalidObjectState" && o.kms:
		o.error(CodeUnchecked, "it was not checked: the caller may not read it, probably for want of kms:Decrypt on its KMS key")
	default:
		return c.explain(ctx, o, f)
	}
	return nil
}

// explain reports what S3 says of an object. Its error stops the whole check.
func (c *checker) explain(ctx context.Context, o *object, f *failure) error {
	switch {
	case f.elsewhere():
		c.explainElsewhere(o, f)
	case f.code == "InvalidObjectState":
		o.error(CodeArchived, adviceArchived)
	case f.code == "NoSuchBucket":
		o.error(CodeNoBucket, adviceNoBucket)
	case f.status == http.StatusNotFound, f.status == http.StatusForbidden:
		b, err := c.bucket(ctx, o.bucket)
		switch {
		case err != nil:
			return err
		case b.missing:
			o.error(CodeNoBucket, adviceNoBucket)
		case f.status == http.StatusNotFound:
			o.error(CodeNoObject, adviceNoObject)
		case b.listable:
			o.error(CodeAccessDenied, "the caller may not read it: grant s3:GetObject on it")
		default:
			o.error(CodeAccessDenied, "the caller may not read it, or there is no such object, which S3 tells with s3:ListBucket on the bucket only: grant s3:GetObject on it")
		}
	default:
		o.error(CodeUnchecked, "it was not checked: "+f.detail)
	}
	return nil
}

// explainElsewhere reports that the client is not in the bucket's Region, unless that is said already.
func (c *checker) explainElsewhere(o *object, f *failure) {
	region := regionName(f.region)
	switch {
	case o.has(CodeRegion):
	case c.o.Region == "":
		o.error(CodeRegion, "its bucket is in "+region+", and the client is not: the bucket, the sequence store and the client must be in one Region")
	default:
		o.error(CodeUnchecked, "it was not checked: its bucket is in "+region+", and the client is not: use a client of that Region")
	}
}
