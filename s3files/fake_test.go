package s3files_test

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/readsetimport/readsetimport/internal/gateway"
)

// fakeS3 is an S3 server in memory, for what the real server of the tests cannot do. The real client talks to it without
// a socket, so that it works in a synctest bubble.
type fakeS3 struct {
	buckets  map[string]*fakeBucket
	any      *fakeObject // what is there of every key that a bucket does not have
	pageSize int         // of listings; 0 is 1000

	mu       sync.Mutex
	requests []string // METHOD bucket/key range
	running  int
	most     int // requests that ran at once

	before func(*http.Request) error // called before each request; its error breaks the connection
}

type fakeBucket struct {
	region  string // of another Region if it is not us-east-1; "-" if nothing tells it
	refuse  int    // status of all requests, which come to the wrong Region
	moved   string // the Region that answers about objects name, unlike that about the bucket
	status  int    // of HEAD requests for the bucket; 0 is 200
	objects map[string]*fakeObject
}

type fakeObject struct {
	data       []byte
	size       int64             // 0: that of the data; else zeros follow them
	etag       string            // empty: the MD5 of the data; "-": none
	header     map[string]string // of the answers
	head       int               // status of HEAD requests, if they fail
	get        int               // status of GET requests, if they fail
	code       string            // of them
	noSize     bool              // answers do not tell the size
	noPart     bool              // GET requests for a part are answered with the whole
	breakAfter int               // GET answers break off after so many bytes, if it is not 0
	after      string            // the ETag of GET requests, if the object changes after the HEAD request
}

func (f *fakeS3) client() *s3.Client { return gateway.NewClient("http://s3.test", f) }

// sent returns the requests so far.
func (f *fakeS3) sent() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// Do answers a request of the client.
func (f *fakeS3) Do(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.requests = append(f.requests, strings.TrimSpace(r.Method+" "+strings.TrimPrefix(r.URL.Path, "/")+" "+r.Header.Get("Range")))
	f.running++
	f.most = max(f.most, f.running)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.running--
		f.mu.Unlock()
	}()
	if f.before != nil {
		if err := f.before(r); err != nil {
			return nil, &url.Error{Op: r.Method, URL: r.URL.String(), Err: err}
		}
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	f.serve(w, r)
	res := w.Result()
	if r.Method == http.MethodHead {
		res.Body = http.NoBody
		res.ContentLength, _ = strconv.ParseInt(res.Header.Get("Content-Length"), 10, 64)
	}
	if n := w.Header().Get("Test-Break"); n != "" {
		length, _ := strconv.ParseInt(n, 10, 64)
		res.Body = io.NopCloser(io.MultiReader(io.LimitReader(w.Body, length), brokenReader{}))
	}
	return res, nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errors.New("connection reset by peer") }

func (f *fakeS3) serve(w http.ResponseWriter, r *http.Request) {
	name, key, isObject := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	b := f.buckets[name]
	switch {
	case b == nil:
		fail(w, r, http.StatusNotFound, "NoSuchBucket")
		return
	case b.region == "-":
	case b.region != "":
		w.Header().Set("X-Amz-Bucket-Region", b.region)
	default:
		w.Header().Set("X-Amz-Bucket-Region", "us-east-1")
	}
	switch {
	case b.refuse == http.StatusBadRequest:
		fail(w, r, b.refuse, "AuthorizationHeaderMalformed")
		return
	case b.refuse != 0, b.region != "" && b.region != "us-east-1" && b.region != "-":
		fail(w, r, http.StatusMovedPermanently, "PermanentRedirect")
		return
	}
	switch {
	case isObject && b.moved != "":
		w.Header().Set("X-Amz-Bucket-Region", b.moved)
		fail(w, r, http.StatusMovedPermanently, "PermanentRedirect")
	case !isObject || key == "":
		if r.Method == http.MethodHead {
			if b.status != 0 {
				w.WriteHeader(b.status)
			}
			return
		}
		f.list(w, r, name, b)
	case b.objects[key] == nil && f.any != nil:
		f.any.serve(w, r)
	case b.objects[key] == nil && b.status == http.StatusForbidden:
		fail(w, r, http.StatusForbidden, "AccessDenied")
	case b.objects[key] == nil:
		fail(w, r, http.StatusNotFound, "NoSuchKey")
	default:
		b.objects[key].serve(w, r)
	}
}

func fail(w http.ResponseWriter, r *http.Request, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>what S3 says</Message></Error>", code)
	}
}

func (o *fakeObject) serve(w http.ResponseWriter, r *http.Request) {
	status := o.get
	if r.Method == http.MethodHead {
		status = o.head
	}
	if status != 0 {
		fail(w, r, status, o.code)
		return
	}
	etag := o.entityTag()
	if o.after != "" && r.Method == http.MethodGet {
		etag = o.after
	}
	if etag != "-" {
		w.Header().Set("ETag", `"`+etag+`"`)
	}
	for name, value := range o.header {
		w.Header().Set(name, value)
	}
	size := max(o.size, int64(len(o.data)))
	if r.Method == http.MethodHead {
		if !o.noSize {
			w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		}
		return
	}
	if o.breakAfter != 0 {
		w.Header().Set("Test-Break", strconv.Itoa(o.breakAfter))
	}
	var from, to int64
	if _, err := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &from, &to); err != nil || o.noPart {
		w.Write(o.part(0, min(size, 1<<20)))
		return
	}
	if from >= size {
		fail(w, r, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
		return
	}
	to = min(to, size-1)
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to, size))
	w.WriteHeader(http.StatusPartialContent)
	w.Write(o.part(from, to+1))
}

func (o *fakeObject) entityTag() string {
	if o.etag != "" {
		return o.etag
	}
	sum := md5.Sum(o.data)
	return hex.EncodeToString(sum[:])
}

// part returns some of the content.
func (o *fakeObject) part(from, to int64) []byte {
	data := bytes.Clone(o.data[min(from, int64(len(o.data))):min(to, int64(len(o.data)))])
	return append(data, make([]byte, to-from-int64(len(data)))...)
}

type listAnswer struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	EncodingType          string
	Contents              []listedObject
}

type listedObject struct {
	Key, ETag, StorageClass string
	Size                    int64
	LastModified            time.Time
}

// list answers with a page of the keys in order.
func (f *fakeS3) list(w http.ResponseWriter, r *http.Request, name string, b *fakeBucket) {
	if b.status == http.StatusForbidden {
		fail(w, r, http.StatusForbidden, "AccessDenied")
		return
	}
	var keys []string
	for key := range b.objects {
		if strings.HasPrefix(key, r.URL.Query().Get("prefix")) && key > r.URL.Query().Get("continuation-token") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	answer := listAnswer{EncodingType: "url"}
	size := f.pageSize
	if size == 0 {
		size = 1000
	}
	if len(keys) > size {
		keys = keys[:size]
		answer.IsTruncated, answer.NextContinuationToken = true, keys[size-1]
	}
	for i, key := range keys {
		o := b.objects[key]
		class := o.header["X-Amz-Storage-Class"]
		if class == "" {
			class = "STANDARD"
		}
		answer.Contents = append(answer.Contents, listedObject{
			Key: strings.ReplaceAll(url.QueryEscape(key), "%2F", "/"), ETag: `"` + o.entityTag() + `"`, StorageClass: class,
			Size: max(o.size, int64(len(o.data))), LastModified: listEpoch.Add(time.Duration(i) * time.Hour),
		})
	}
	w.Header().Set("Content-Type", "application/xml")
	xml.NewEncoder(w).Encode(answer)
}

var listEpoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// doFunc is an HTTP client of the caller's own.
type doFunc func(*http.Request) (*http.Response, error)

func (f doFunc) Do(r *http.Request) (*http.Response, error) { return f(r) }

func answerXML(text string) *http.Response {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/xml"}},
		Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text)),
	}
}
