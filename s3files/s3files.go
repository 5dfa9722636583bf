// Package s3files finds sequencing files in Amazon S3, and checks them before they are imported.
//
//   - [List] lists the objects under a prefix.
//   - [Sources] makes sources of them: FASTQ mates paired, BAM and CRAM files by their suffix, each with its sample and
//     subject.
//   - [Check] looks at the files of sources, many at once, and reports what would make their import fail: files that are
//     missing, archived, in another Region, empty, cut off, or not what they are said to be.
//
// HealthOmics reports such files hours later, in one line for each. A check costs one HEAD request and at most two GET
// requests of a part of each file, and one HEAD request for each bucket. It reads no more of a file than its first 64 KiB
// and its last 64 bytes, so it cannot tell that a larger FASTQ file is cut off: gzip has no end marker. It is advice: only
// HealthOmics decides what it imports.
//
// # Permissions
//
// List and Sources need s3:ListBucket on the bucket. Check needs s3:GetObject on the files, and kms:Decrypt on the key of
// those that are encrypted with a customer key. With s3:ListBucket on the bucket, S3 also tells a missing file from one
// that the caller may not read. The role that HealthOmics assumes has permissions of its own, which Check cannot see.
package s3files

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// API is the part of the S3 client that this package uses. *s3.Client satisfies it. The client must be in the Region of
// the buckets.
type API interface {
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	HeadBucket(context.Context, *s3.HeadBucketInput, ...func(*s3.Options)) (*s3.HeadBucketOutput, error)
}

var _ API = (*s3.Client)(nil)

// File is an object as S3 lists it: what [List] yields, and what the functions of [Options] decide on.
type File struct {
	Bucket, Key  string
	Size         int64  // in bytes
	ETag         string // without quotation marks; it changes with the content
	StorageClass types.ObjectStorageClass
	LastModified time.Time
}

// URI returns s3://bucket/key with the key as it is, not URL-encoded: what a source's Source1 and Source2 take.
func (f File) URI() string { return "s3://" + f.Bucket + "/" + f.Key }

// folder returns the key up to its last slash, which it includes.
func (f File) folder() string { return f.Key[:strings.LastIndexByte(f.Key, '/')+1] }

// name returns what follows the folder.
func (f File) name() string { return f.Key[strings.LastIndexByte(f.Key, '/')+1:] }

var errURI = errors.New("s3files: must be s3://bucket/prefix")

// splitURI returns the bucket and the key of a URI. The key may be empty.
func splitURI(uri string) (bucket, key string, err error) {
	rest, isS3 := strings.CutPrefix(uri, "s3://")
	bucket, key, _ = strings.Cut(rest, "/")
	if !isS3 || bucket == "" {
		return "", "", errURI
	}
	return bucket, key, nil
}
