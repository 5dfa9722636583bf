package s3files_test

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/s3files"
)

const referenceARN = "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1234567890"

// found is a problem without its text.
type found struct {
	severity s3files.Severity
	code     s3files.Code
	file     string // its key
}

func isError(code s3files.Code, file string) found { return found{s3files.SeverityError, code, file} }

func isWarning(code s3files.Code, file string) found {
	return found{s3files.SeverityWarning, code, file}
}

// each yields sources as an input of a check.
func each(sources ...readsetimport.Source) iter.Seq2[readsetimport.Source, error] {
	return func(yield func(readsetimport.Source, error) bool) {
		for _, s := range sources {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// checkOne checks one source, and returns its problems.
func checkOne(t *testing.T, api s3files.API, s readsetimport.Source, optFns ...func(*s3files.CheckOptions)) ([]found, s3files.Checked) {
	t.Helper()
	var results []s3files.Checked
	for checked, err := range s3files.Check(context.Background(), api, each(s), optFns...) {
		require.NoError(t, err)
		results = append(results, checked)
	}
	require.Len(t, results, 1)
	require.Equal(t, s, results[0].Source)
	var all []found
	for _, p := range results[0].Problems {
		require.NotEmpty(t, p.Detail)
		require.NotContains(t, p.Detail, "\n")
		require.NotContains(t, p.Detail, "NA12878", "no ids")
		require.Equal(t, string(p.Severity)+" "+string(p.Code)+" "+p.File+": "+p.Detail, p.String())
		file := strings.TrimPrefix(p.File, "s3://bucket/")
		all = append(all, found{p.Severity, p.Code, file})
	}
	return all, results[0]
}

// objects are those of one bucket.
type objects map[string]*fakeObject

func inBucket(o objects) *fakeS3 {
	return &fakeS3{buckets: map[string]*fakeBucket{"bucket": {objects: o}}}
}

// sourceOf returns a source of one file of a type.
func sourceOf(t types.FileType, files ...string) readsetimport.Source {
	s := readsetimport.Source{Type: t, Source1: "s3://bucket/" + files[0], SubjectID: "NA12878", SampleID: "NA12878"}
	if len(files) > 1 {
		s.Source2 = "s3://bucket/" + files[1]
	}
	if t == types.FileTypeBam || t == types.FileTypeCram {
		s.ReferenceARN = referenceARN
	}
	return s
}

// TestCheckObject is about what S3 says of an object, whatever is in it.
func TestCheckObject(t *testing.T) {
	good, big := gzipped(reads(3, 1)), gzipped(strings.Repeat(reads(2000, 1), 20))
	with := func(name, value string, more ...string) *fakeObject {
		o := &fakeObject{data: good, header: map[string]string{name: value}}
		for i := 0; i+1 < len(more); i += 2 {
			o.header[more[i]] = more[i+1]
		}
		return o
	}
	const key = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
	for name, test := range map[string]struct {
		object *fakeObject
		want   []found
	}{
		"good":                {&fakeObject{data: good}, nil},
		"no ETag":             {&fakeObject{data: good, etag: "-"}, nil},
		"missing":             {nil, []found{isError(s3files.CodeNoObject, "f")}},
		"access denied":       {&fakeObject{head: 403, get: 403, code: "AccessDenied"}, []found{isError(s3files.CodeAccessDenied, "f")}},
		"empty":               {&fakeObject{}, []found{isError(s3files.CodeEmpty, "f")}},
		"as large as can be":  {&fakeObject{data: big, size: 976_000_000_000}, nil},
		"too large":           {&fakeObject{data: big, size: 976_000_000_001}, []found{isError(s3files.CodeTooLarge, "f")}},
		"infrequent access":   {with("X-Amz-Storage-Class", "STANDARD_IA"), nil},
		"instant retrieval":   {with("X-Amz-Storage-Class", "GLACIER_IR"), nil},
		"intelligent tiering": {with("X-Amz-Storage-Class", "INTELLIGENT_TIERING"), nil},
		"archived":            {with("X-Amz-Storage-Class", "GLACIER"), []found{isError(s3files.CodeArchived, "f")}},
		"archived deep":       {with("X-Amz-Storage-Class", "DEEP_ARCHIVE"), []found{isError(s3files.CodeArchived, "f")}},
		"archived by intelligent tiering": {
			with("X-Amz-Storage-Class", "INTELLIGENT_TIERING", "X-Amz-Archive-Status", "ARCHIVE_ACCESS"),
			[]found{isError(s3files.CodeArchived, "f")},
		},
		"archived deep by intelligent tiering": {
			with("X-Amz-Storage-Class", "INTELLIGENT_TIERING", "X-Amz-Archive-Status", "DEEP_ARCHIVE_ACCESS"),
			[]found{isError(s3files.CodeArchived, "f")},
		},
		"being restored": {
			with("X-Amz-Storage-Class", "GLACIER", "X-Amz-Restore", `ongoing-request="true"`),
			[]found{isError(s3files.CodeArchived, "f")},
		},
		"restored": {
			with("X-Amz-Storage-Class", "GLACIER", "X-Amz-Restore", `ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"`),
			[]found{isWarning(s3files.CodeRestored, "f")},
		},
		"archived, as GET says": {&fakeObject{data: good, get: 403, code: "InvalidObjectState"}, []found{isError(s3files.CodeArchived, "f")}},
		"KMS key": {
			with("X-Amz-Server-Side-Encryption", "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", key),
			[]found{isWarning(s3files.CodeKMSKey, "f")},
		},
		"two layers with a KMS key": {
			with("X-Amz-Server-Side-Encryption", "aws:kms:dsse", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", key),
			[]found{isWarning(s3files.CodeKMSKey, "f")},
		},
		"key of S3": {with("X-Amz-Server-Side-Encryption", "AES256"), nil},
		"KMS key that the caller may not use": {
			&fakeObject{data: good, get: 403, code: "AccessDenied", header: map[string]string{"X-Amz-Server-Side-Encryption": "aws:kms"}},
			[]found{isWarning(s3files.CodeKMSKey, "f"), isError(s3files.CodeUnchecked, "f")},
		},
		"key that requests must bring":    {&fakeObject{head: 400, get: 400, code: "InvalidRequest"}, []found{isError(s3files.CodeCustomerKey, "f")}},
		"replaced between two looks":      {&fakeObject{data: good, after: "0123"}, []found{isError(s3files.CodeChanged, "f")}},
		"deleted between two looks":       {&fakeObject{data: good, get: 404, code: "NoSuchKey"}, []found{isError(s3files.CodeChanged, "f")}},
		"made shorter between two looks":  {&fakeObject{data: good, get: 416, code: "InvalidRange"}, []found{isError(s3files.CodeChanged, "f")}},
		"refused for another reason":      {&fakeObject{head: 405, code: "MethodNotAllowed"}, []found{isError(s3files.CodeUnchecked, "f")}},
		"readable, but HEAD is forbidden": {&fakeObject{data: good, head: 400}, []found{isError(s3files.CodeUnchecked, "f")}},
		"connection that breaks":          {&fakeObject{data: good, breakAfter: 10}, []found{isError(s3files.CodeUnchecked, "f")}},
		"size that S3 does not tell":      {&fakeObject{data: nil, noSize: true}, []found{isError(s3files.CodeUnchecked, "f")}},
		"whole object for a part":         {&fakeObject{data: good, noPart: true}, nil},
		"whole object for its tail": {
			&fakeObject{data: blocked(reads(3, 1)), size: 1 << 20, noPart: true},
			[]found{isError(s3files.CodeUnchecked, "f")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := objects{}
			if test.object != nil {
				o["f"] = test.object
			}
			got, checked := checkOne(t, inBucket(o).client(), sourceOf(types.FileTypeFastq, "f"))
			require.Equal(t, test.want, got)
			if test.object != nil && test.object.head == 0 {
				require.Equal(t, max(test.object.size, int64(len(test.object.data))), checked.Bytes)
			}
		})
	}
}

// TestCheckBucket is about buckets: what is said of one of its objects, and of one that is missing.
func TestCheckBucket(t *testing.T) {
	good := &fakeObject{data: gzipped(reads(3, 1))}
	for name, test := range map[string]struct {
		bucket       *fakeBucket
		region       string
		object, miss []found
	}{
		"good":        {&fakeBucket{}, "", nil, []found{isError(s3files.CodeNoObject, "missing")}},
		"good Region": {&fakeBucket{}, "us-east-1", nil, []found{isError(s3files.CodeNoObject, "missing")}},
		"no bucket": {
			nil, "",
			[]found{isError(s3files.CodeNoBucket, "f")},
			[]found{isError(s3files.CodeNoBucket, "missing")},
		},
		"no bucket, Region known": {
			nil, "us-east-1",
			[]found{isError(s3files.CodeNoBucket, "f")},
			[]found{isError(s3files.CodeNoBucket, "missing")},
		},
		"not listable": { // so S3 does not tell that an object is missing
			&fakeBucket{status: 403}, "",
			nil,
			[]found{isError(s3files.CodeAccessDenied, "missing")},
		},
		"Region of the store is another": {
			&fakeBucket{}, "eu-west-1",
			[]found{isError(s3files.CodeRegion, "f")},
			[]found{isError(s3files.CodeRegion, "missing"), isError(s3files.CodeNoObject, "missing")},
		},
		"bucket is in another Region than client and store": {
			&fakeBucket{region: "eu-west-1"}, "us-east-1",
			[]found{isError(s3files.CodeRegion, "f")},
			[]found{isError(s3files.CodeRegion, "missing")},
		},
		"bucket is in another Region than the client": {
			&fakeBucket{region: "eu-west-1"}, "",
			[]found{isError(s3files.CodeRegion, "f")},
			[]found{isError(s3files.CodeRegion, "missing")},
		},
		"Region that S3 does not tell": {
			&fakeBucket{region: "-"}, "us-east-1",
			[]found{isWarning(s3files.CodeUnchecked, "f")},
			[]found{isWarning(s3files.CodeUnchecked, "missing"), isError(s3files.CodeNoObject, "missing")},
		},
		"client of another Region, and S3 tells of no Region": {
			&fakeBucket{region: "-", refuse: 400}, "us-east-1",
			[]found{isError(s3files.CodeUnchecked, "f")},
			[]found{isError(s3files.CodeUnchecked, "missing")},
		},
		"redirect that tells of no Region": {
			&fakeBucket{region: "-", refuse: 301}, "us-east-1",
			[]found{isError(s3files.CodeUnchecked, "f")},
			[]found{isError(s3files.CodeUnchecked, "missing")},
		},
		"answers that contradict each other": {
			&fakeBucket{moved: "eu-west-1"}, "us-east-1",
			[]found{isError(s3files.CodeUnchecked, "f")},
			[]found{isError(s3files.CodeUnchecked, "missing")},
		},
		"bucket is with the store, and not with the client": {
			&fakeBucket{region: "eu-west-1"}, "eu-west-1",
			[]found{isError(s3files.CodeUnchecked, "f")},
			[]found{isError(s3files.CodeUnchecked, "missing")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := &fakeS3{buckets: map[string]*fakeBucket{}}
			if test.bucket != nil {
				test.bucket.objects = objects{"f": good}
				fake.buckets["bucket"] = test.bucket
			}
			region := func(o *s3files.CheckOptions) { o.Region = test.region }
			got, _ := checkOne(t, fake.client(), sourceOf(types.FileTypeFastq, "f"), region)
			require.Equal(t, test.object, got)
			got, _ = checkOne(t, fake.client(), sourceOf(types.FileTypeFastq, "missing"), region)
			require.Equal(t, test.miss, got)
		})
	}
}

// TestCheckAccess shows that a file that may not be read is told from a missing one where S3 allows it.
func TestCheckAccess(t *testing.T) {
	denied := &fakeObject{head: 403, get: 403, code: "AccessDenied"}
	fake := &fakeS3{buckets: map[string]*fakeBucket{
		"bucket": {objects: objects{"denied": denied}},
		"closed": {objects: objects{}, status: http.StatusForbidden},
	}}
	_, known := checkOne(t, fake.client(), sourceOf(types.FileTypeFastq, "denied"))
	require.NotContains(t, known.Problems[0].Detail, "or there is no such object")
	s := sourceOf(types.FileTypeFastq, "x")
	s.Source1 = "s3://closed/x"
	_, open := checkOne(t, fake.client(), s)
	require.Contains(t, open.Problems[0].Detail, "or there is no such object")
}

// TestCheckRestore shows that a file that is on its way out of an archive is waited for, and not asked for again.
func TestCheckRestore(t *testing.T) {
	header := map[string]string{"X-Amz-Storage-Class": "GLACIER", "X-Amz-Restore": `ongoing-request="true"`}
	_, checked := checkOne(t, inBucket(objects{"f": {data: []byte("x"), header: header}}).client(), sourceOf(types.FileTypeFastq, "f"))
	require.Contains(t, checked.Problems[0].Detail, "wait")
	require.NotContains(t, checked.Problems[0].Detail, ": restore it")
	header["X-Amz-Restore"] = `ongoing-request="false", expiry-date="Fri, 21 Dec 2029 00:00:00 GMT"`
	_, checked = checkOne(t, inBucket(objects{"f": {data: []byte("x"), header: header}}).client(), sourceOf(types.FileTypeFastq, "f"))
	require.Contains(t, checked.Problems[0].Detail, "Fri, 21 Dec 2029 00:00:00 GMT")
}

func TestCheckURI(t *testing.T) {
	for _, uri := range []string{"", "s3://bucket", "s3://bucket/", "s3:///key", "https://bucket/key", "/key"} {
		s := sourceOf(types.FileTypeFastq, "f")
		s.Source1 = uri
		got, _ := checkOne(t, inBucket(nil).client(), s)
		require.Equal(t, s3files.CodeURI, got[0].code, uri)
		require.Len(t, got, 1)
	}
}

// TestCheckOtherBuckets shows that a source of which S3's client makes no request keeps no other from being checked.
func TestCheckOtherBuckets(t *testing.T) {
	fake := inBucket(objects{"f": {data: gzipped(reads(3, 1))}})
	input := []readsetimport.Source{sourceOf(types.FileTypeFastq, "f")}
	for _, bucket := range []string{"arn:aws:s3:us-east-1:123456789012:accesspoint:ap", "b\x01d", "run--use1-az4--x-s3"} {
		s := sourceOf(types.FileTypeFastq, "f")
		s.Source1 = "s3://" + bucket + "/f"
		input = append(input, s)
	}
	var codes []s3files.Code
	for checked, err := range s3files.Check(t.Context(), fake.client(), each(input...)) {
		require.NoError(t, err)
		for _, p := range checked.Problems {
			require.Equal(t, s3files.SeverityError, p.Severity)
			codes = append(codes, p.Code)
		}
	}
	require.Equal(t, []s3files.Code{s3files.CodeURI, s3files.CodeURI, s3files.CodeUnchecked}, codes)
}

// TestCheckListedETag shows that a file that has changed since it was listed is found.
func TestCheckListedETag(t *testing.T) {
	fake := inBucket(objects{"f": {data: gzipped(reads(3, 1))}})
	var listed string
	for f, err := range s3files.List(t.Context(), fake.client(), "s3://bucket") {
		require.NoError(t, err)
		listed = f.ETag
	}
	etag := func(o *s3files.CheckOptions) {
		o.ETag = func(uri string) string {
			require.Equal(t, "s3://bucket/f", uri)
			return listed
		}
	}
	got, _ := checkOne(t, fake.client(), sourceOf(types.FileTypeFastq, "f"), etag)
	require.Empty(t, got)
	fake.buckets["bucket"].objects["f"].data = gzipped(reads(4, 1))
	got, _ = checkOne(t, fake.client(), sourceOf(types.FileTypeFastq, "f"), etag)
	require.Equal(t, []found{isWarning(s3files.CodeChanged, "f")}, got)
}

// TestCheckRequests shows what a check costs.
func TestCheckRequests(t *testing.T) {
	small, big := bamFile(t, header, 10), bamFile(t, header, 10)
	big = append(big[:len(big)-28:len(big)-28], append(make([]byte, 1<<20), big[len(big)-28:]...)...)
	fastq := gzipped(strings.Repeat(reads(2000, 1), 20))
	require.Greater(t, len(fastq), 65536)
	fake := inBucket(objects{"small.bam": {data: small}, "big.bam": {data: big}, "big.fq.gz": {data: fastq}})
	for _, test := range []struct {
		source readsetimport.Source
		want   []string
	}{
		{sourceOf(types.FileTypeBam, "small.bam"), []string{"HEAD bucket/small.bam", "GET bucket/small.bam bytes=0-" + itoa(len(small)-1)}},
		{sourceOf(types.FileTypeBam, "big.bam"), []string{
			"HEAD bucket/big.bam", "GET bucket/big.bam bytes=0-65535",
			"GET bucket/big.bam bytes=" + itoa(len(big)-64) + "-" + itoa(len(big)-1),
		}},
		{sourceOf(types.FileTypeFastq, "big.fq.gz"), []string{"HEAD bucket/big.fq.gz", "GET bucket/big.fq.gz bytes=0-65535"}},
	} {
		fake.requests = nil
		got, _ := checkOne(t, fake.client(), test.source)
		require.Empty(t, got)
		require.Equal(t, test.want, fake.sent())
	}
	// A bucket is asked for once.
	fake.requests = nil
	s := slices.Repeat([]readsetimport.Source{sourceOf(types.FileTypeFastq, "missing")}, 10)
	for _, err := range s3files.Check(t.Context(), fake.client(), each(s...), func(o *s3files.CheckOptions) { o.Region = "us-east-1" }) {
		require.NoError(t, err)
	}
	require.Len(t, fake.sent(), 11)
}

// TestCheckSizes shows that files of all sizes about those of a head and a tail are read to their end.
func TestCheckSizes(t *testing.T) {
	const head = 64 << 10
	good := bamFile(t, header, 5)
	for _, size := range []int{head - 1, head, head + 1, head + 28, head + 63, head + 64, head + 65, 2 * head} {
		data := slices.Concat(good[:len(good)-28], storedBlocks(size-len(good)), good[len(good)-28:])
		require.Len(t, data, size)
		fake := inBucket(objects{"f": {data: data}, "cut": {data: data[:size-1]}})
		got, checked := checkOne(t, fake.client(), sourceOf(types.FileTypeBam, "f"))
		require.Empty(t, got, size)
		require.EqualValues(t, size, checked.Bytes)
		got, _ = checkOne(t, fake.client(), sourceOf(types.FileTypeBam, "cut"))
		require.Equal(t, []found{isError(s3files.CodeTruncated, "cut")}, got, size)
	}
}

// TestCheckLog shows that nothing that was read gets into a log, and no warning for each file.
func TestCheckLog(t *testing.T) {
	var log strings.Builder
	fake := inBucket(objects{"f": {data: []byte("the reads of a patient")}})
	client := s3.New(fake.client().Options(), func(o *s3.Options) {
		o.ClientLogMode = aws.LogResponse | aws.LogResponseWithBody
		o.Logger = logging.NewStandardLogger(&log)
	})
	got, _ := checkOne(t, client, sourceOf(types.FileTypeFastq, "f"))
	require.Len(t, got, 1)
	require.Contains(t, log.String(), "206")
	require.NotContains(t, log.String(), "patient")
	require.NotContains(t, log.String(), "WARN")
}
