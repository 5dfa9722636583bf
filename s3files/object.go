package s3files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	omicstypes "github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/rules"
)

const (
	headSize = 64 << 10
	tailSize = 64
	// maxFileSize is the most that a source file may have, by the user guide.
	maxFileSize = 976_000_000_000
)

// object is what is known of a file.
type object struct {
	problems
	bucket, key string
	size        int64
	etag        string // empty if S3 gave none
	kms         bool   // it is encrypted with a KMS key
	head, tail  []byte // its first 64 KiB and its last 64 bytes, or less where it has less
	whole       bool   // the head is the whole file
	text        []byte // of a FASTQ file: what its head has, decompressed
}

// look looks at one file of a source. Its error stops the whole check.
func (c *checker) look(ctx context.Context, uri string, s *readsetimport.Source) (*object, error) {
	o := &object{problems: problems{file: uri}}
	if f := rules.S3URI(uri); f != nil {
		o.error(CodeURI, "it "+f.Detail)
		return o, nil
	}
	o.bucket, o.key, _ = splitURI(uri)
	if strings.HasSuffix(o.bucket, "--x-s3") {
		o.error(CodeUnchecked, "it was not checked: its bucket is a directory bucket, which takes other requests: copy it to a general purpose bucket")
		return o, nil
	}
	for _, step := range []func(context.Context, *object) (bool, error){c.region, c.headers, c.parts} {
		if ok, err := step(ctx, o); err != nil || !ok {
			return o, err
		}
	}
	o.inspect(s)
	return o, nil
}

// region compares the Region of the bucket with that of the store. Like the steps that follow, it reports whether there
// is more to look at.
func (c *checker) region(ctx context.Context, o *object) (bool, error) {
	if c.o.Region == "" {
		return true, nil
	}
	b, err := c.bucket(ctx, o.bucket)
	switch {
	case err != nil:
		return false, err
	case b.missing:
		o.error(CodeNoBucket, adviceNoBucket)
		return false, nil
	case !b.known:
		o.error(CodeUnchecked, "it was not checked, since the Region of its bucket is not known: "+b.detail)
		return false, nil
	case b.region == "" && b.refused:
		// The requests for the object will be refused, too, and say why.
	case b.region == "":
		o.warning(CodeUnchecked, "S3 does not tell the Region of its bucket, which must be "+c.o.Region)
	case b.region != c.o.Region:
		o.error(CodeRegion, fmt.Sprintf("its bucket is in %s, and the sequence store in %s: copy it to a bucket there", regionName(b.region), c.o.Region))
	}
	return true, nil
}

// headers looks at what S3 says of the object.
func (c *checker) headers(ctx context.Context, o *object) (bool, error) {
	var out *s3.HeadObjectOutput
	failed, err := c.request(ctx, func(ctx context.Context) (err error) {
		out, err = c.api.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &o.bucket, Key: &o.key}, quiet)
		return err
	})
	switch {
	case err != nil:
		return false, err
	case failed != nil:
		return false, c.explainHead(ctx, o, failed)
	case out.ContentLength == nil:
		o.error(CodeUnchecked, "it was not checked: S3 does not tell its size")
		return false, nil
	}
	o.size, o.etag = *out.ContentLength, unquoted(aws.ToString(out.ETag))
	if c.o.ETag != nil {
		if listed := unquoted(c.o.ETag(o.file)); listed != "" && o.etag != "" && listed != o.etag {
			o.warning(CodeChanged, "it has changed since it was listed: make sure that it is the file that is meant")
		}
	}
	if sse := out.ServerSideEncryption; sse == types.ServerSideEncryptionAwsKms || sse == types.ServerSideEncryptionAwsKmsDsse {
		o.kms = true
		o.warning(CodeKMSKey, "the role of the import needs kms:Decrypt on its KMS key "+oneLine(aws.ToString(out.SSEKMSKeyId)))
	}
	switch {
	case o.size <= 0:
		o.error(CodeEmpty, "it is empty: upload it again")
		return false, nil
	case o.size > maxFileSize:
		o.error(CodeTooLarge, fmt.Sprintf("it has %d GB, and HealthOmics imports up to 976 GB: split it", o.size/1_000_000_000))
	}
	return o.awake(out), nil
}

var restoreExpiry = regexp.MustCompile(`expiry-date="([^"]*)"`)

// awake reports whether the object can be read: that it is in no archive, or restored from it.
func (o *object) awake(out *s3.HeadObjectOutput) bool {
	class := string(out.StorageClass)
	if out.ArchiveStatus != "" {
		class = string(out.ArchiveStatus)
	} else if out.StorageClass != types.StorageClassGlacier && out.StorageClass != types.StorageClassDeepArchive {
		return true
	}
	restore := aws.ToString(out.Restore)
	switch {
	case strings.Contains(restore, `ongoing-request="true"`):
		o.error(CodeArchived, "it is being restored from "+class+": wait until it is")
		return false
	case strings.Contains(restore, `ongoing-request="false"`):
		until := "some time"
		if date := restoreExpiry.FindStringSubmatch(restore); date != nil {
			until = oneLine(date[1])
		}
		o.warning(CodeRestored, "it is restored from "+class+" until "+until+": the import must have read it by then")
		return true
	}
	o.error(CodeArchived, "it is archived in "+class+": restore it, and wait until it is restored")
	return false
}

// parts reads the head of the object, and its tail where that says something.
func (c *checker) parts(ctx context.Context, o *object) (bool, error) {
	n := min(o.size, headSize)
	var ok bool
	var err error
	if o.head, ok, err = c.part(ctx, o, 0, n); err != nil || !ok {
		return false, err
	}
	if o.whole = n == o.size; o.whole {
		o.tail = o.head[max(0, n-tailSize):]
		return true, nil
	}
	if isBGZF(o.head) || isCRAM(o.head) {
		o.tail, ok, err = c.part(ctx, o, o.size-tailSize, tailSize)
	}
	return ok, err
}

var errOtherPart = errors.New("S3 sent another part of the object than it was asked for")

// part reads n bytes of an object. It reports false if there was a problem.
func (c *checker) part(ctx context.Context, o *object, from, n int64) ([]byte, bool, error) {
	in := &s3.GetObjectInput{Bucket: &o.bucket, Key: &o.key, Range: aws.String(fmt.Sprintf("bytes=%d-%d", from, from+n-1))}
	part := make([]byte, n)
	etag := o.etag
	failed, err := c.request(ctx, func(ctx context.Context) error {
		out, err := c.api.GetObject(ctx, in, quiet)
		if err != nil {
			return err
		}
		defer out.Body.Close()
		if got := unquoted(aws.ToString(out.ETag)); got != "" {
			etag = got
		}
		if out.ContentRange != nil && !strings.HasPrefix(*out.ContentRange, fmt.Sprintf("bytes %d-", from)) || out.ContentRange == nil && from > 0 {
			return &answerError{errOtherPart}
		}
		if _, err = io.ReadFull(out.Body, part); err != nil {
			return &answerError{fmt.Errorf("the answer of S3 cannot be read: %w", err)}
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, false, err
	case failed != nil:
		return nil, false, c.explainGet(ctx, o, failed)
	case o.etag != "" && etag != o.etag:
		o.error(CodeChanged, adviceChanged)
		return nil, false, nil
	}
	return part, true, nil
}

// inspect looks at what was read of the file, by what the source says it is.
func (o *object) inspect(s *readsetimport.Source) {
	switch s.Type {
	case omicstypes.FileTypeFastq:
		o.inspectFASTQ()
	case omicstypes.FileTypeBam, omicstypes.FileTypeUbam:
		o.inspectBAM(s)
	case omicstypes.FileTypeCram:
		o.inspectCRAM(s)
	}
}
