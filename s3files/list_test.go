package s3files_test

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/gateway"
	"github.com/readsetimport/readsetimport/s3files"
)

// listed returns the keys of a listing.
func listed(t *testing.T, api s3files.API, uri string, optFns ...func(*s3files.Options)) []string {
	t.Helper()
	var keys []string
	for f, err := range s3files.List(t.Context(), api, uri, optFns...) {
		require.NoError(t, err)
		keys = append(keys, f.Key)
	}
	return keys
}

// named returns objects without content.
func named(keys ...string) objects {
	o := objects{}
	for _, key := range keys {
		o[key] = &fakeObject{data: []byte("x")}
	}
	return o
}

func TestList(t *testing.T) {
	fake := inBucket(named("a/1.bam", "a/2.BAM", "a/b/3.cram", "b/4.cram", "b/"))
	fake.pageSize = 2
	client := fake.client()
	for name, test := range map[string]struct {
		uri  string
		opts func(*s3files.Options)
		want []string
	}{
		"bucket":           {"s3://bucket", nil, []string{"a/1.bam", "a/2.BAM", "a/b/3.cram", "b/", "b/4.cram"}},
		"bucket and slash": {"s3://bucket/", nil, []string{"a/1.bam", "a/2.BAM", "a/b/3.cram", "b/", "b/4.cram"}},
		"prefix":           {"s3://bucket/a/", nil, []string{"a/1.bam", "a/2.BAM", "a/b/3.cram"}},
		"nothing there":    {"s3://bucket/c", nil, nil},
		"suffix": {
			"s3://bucket", func(o *s3files.Options) { o.Suffixes = []string{".bam", "4.CRAM"} },
			[]string{"a/1.bam", "a/2.BAM", "b/4.cram"},
		},
		"glob of names": {"s3://bucket", func(o *s3files.Options) { o.Glob = "[34].cram" }, []string{"a/b/3.cram", "b/4.cram"}},
		"glob of keys":  {"s3://bucket", func(o *s3files.Options) { o.Glob = "*/?.*" }, []string{"a/1.bam", "a/2.BAM", "b/4.cram"}},
		"since": {
			"s3://bucket/a", func(o *s3files.Options) { o.ModifiedSince = listEpoch.Add(time.Hour) },
			[]string{"a/2.BAM"}, // the fake server counts the hours of each page anew
		},
		"before": {
			"s3://bucket/a", func(o *s3files.Options) { o.ModifiedBefore = listEpoch.Add(time.Hour) },
			[]string{"a/1.bam", "a/b/3.cram"},
		},
		"function": {
			"s3://bucket", func(o *s3files.Options) { o.Filter = func(f s3files.File) bool { return f.Key > "a/b" } },
			[]string{"a/b/3.cram", "b/", "b/4.cram"},
		},
		"two filters": {
			"s3://bucket", func(o *s3files.Options) { o.Suffixes, o.Glob = []string{".cram"}, "3*" },
			[]string{"a/b/3.cram"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if test.opts == nil {
				test.opts = func(*s3files.Options) {}
			}
			require.Equal(t, test.want, listed(t, client, test.uri, test.opts))
		})
	}
}

func TestListFile(t *testing.T) {
	key := "run 1/a+b%é\x01.bam"
	o := named(key)
	o[key].header = map[string]string{"X-Amz-Storage-Class": "GLACIER_IR"}
	for f, err := range s3files.List(t.Context(), inBucket(o).client(), "s3://bucket/run 1/") {
		require.NoError(t, err)
		require.Equal(t, s3files.File{
			Bucket: "bucket", Key: key, Size: 1, ETag: "9dd4e461268c8034f5c8564e155c67a6",
			StorageClass: types.ObjectStorageClassGlacierIr, LastModified: listEpoch,
		}, f)
		require.Equal(t, "s3://bucket/"+key, f.URI())
	}
}

func TestListErrors(t *testing.T) {
	fake := inBucket(named("a"))
	fake.buckets["closed"] = &fakeBucket{status: http.StatusForbidden}
	fake.buckets["far"] = &fakeBucket{region: "eu-west-1"}
	for uri, want := range map[string]string{
		"bucket":      "s3files: must be s3://bucket/prefix",
		"s3://":       "s3files: must be s3://bucket/prefix",
		"s3:///a":     "s3files: must be s3://bucket/prefix",
		"s3://none/a": "s3files: cannot list s3://none/a: there is no such bucket: ",
		"s3://closed": "s3files: cannot list s3://closed: the caller needs s3:ListBucket on the bucket: ",
		"s3://far":    "s3files: cannot list s3://far: the bucket is in eu-west-1: use a client of that Region: ",
	} {
		count := 0
		for _, err := range s3files.List(t.Context(), fake.client(), uri) {
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "\n")
			count++
		}
		require.Equal(t, 1, count, uri)
	}
	var missing *types.NoSuchBucket
	for _, err := range s3files.List(t.Context(), fake.client(), "s3://none/a") {
		require.ErrorAs(t, err, &missing)
	}

	for _, opts := range []func(*s3files.Options){
		func(o *s3files.Options) { o.Glob = "[" },
		func(o *s3files.Options) { o.Pattern = regexp.MustCompile(`(?P<subject>.)`) },
	} {
		for _, err := range s3files.List(t.Context(), fake.client(), "s3://bucket", opts) {
			require.Error(t, err)
		}
		for _, err := range s3files.Sources(t.Context(), fake.client(), "s3://bucket", opts) {
			require.Error(t, err)
		}
	}
	for _, err := range s3files.List(t.Context(), fake.client(), "s3://bucket", func(o *s3files.Options) { o.Glob = "[" }) {
		require.ErrorIs(t, err, path.ErrBadPattern)
	}
}

// TestListStops shows that a listing ends with its context and with the loop, and that the second page is fetched while
// the first is used.
func TestListStops(t *testing.T) {
	var keys []string
	for i := range 100 {
		keys = append(keys, fmt.Sprintf("%03d", i))
	}
	fake := inBucket(named(keys...))
	fake.pageSize = 10

	count := 0
	for _, err := range s3files.List(t.Context(), fake.client(), "s3://bucket") {
		require.NoError(t, err)
		if count++; count == 15 {
			break
		}
	}
	require.LessOrEqual(t, len(fake.sent()), 4)
	require.GreaterOrEqual(t, len(fake.sent()), 2)

	cause := errors.New("the deadline of a person")
	ctx, cancel := cancelled(t)
	var last error
	count = 0
	for _, err := range s3files.List(ctx, fake.client(), "s3://bucket") {
		if last = err; err == nil {
			count++
		}
		if count == 5 {
			cancel(cause)
		}
	}
	require.ErrorIs(t, last, cause)
	require.Less(t, count, 100)
}

// TestListEndless shows that an answer without an end is not believed.
func TestListEndless(t *testing.T) {
	for _, token := range []string{"", "<NextContinuationToken>same</NextContinuationToken>"} {
		api := gateway.NewClient("http://s3.test", doFunc(func(r *http.Request) (*http.Response, error) {
			return answerXML("<ListBucketResult><IsTruncated>true</IsTruncated>" + token + "</ListBucketResult>"), nil
		}))
		var last error
		for _, err := range s3files.List(t.Context(), api, "s3://bucket") {
			last = err
		}
		require.ErrorContains(t, last, "where it begins")
	}
	api := gateway.NewClient("http://s3.test", doFunc(func(r *http.Request) (*http.Response, error) {
		return answerXML("<ListBucketResult><EncodingType>url</EncodingType><Contents><Key>%zz</Key></Contents></ListBucketResult>"), nil
	}))
	for _, err := range s3files.List(t.Context(), api, "s3://bucket") {
		require.ErrorContains(t, err, "cannot be decoded")
	}
}
