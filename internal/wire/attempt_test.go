package wire

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/smithy-go/logging"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// operations make one request each, with what must not be logged in it.
var operations = map[string]func(ctx context.Context, api *omics.Client, optFns ...func(*omics.Options)) error{
	omicstest.OpStart: func(ctx context.Context, api *omics.Client, optFns ...func(*omics.Options)) error {
		_, err := api.StartReadSetImportJob(ctx, &omics.StartReadSetImportJobInput{
			SequenceStoreId: aws.String("1234567890"),
			RoleArn:         aws.String("arn:aws:iam::123456789012:role/OmicsImport"),
			ClientToken:     aws.String("token"),
			Sources: []types.StartReadSetImportJobSourceItem{{
				SourceFileType: types.FileTypeUbam,
				SourceFiles:    &types.SourceFiles{Source1: aws.String("s3://bucket/key")},
				SubjectId:      aws.String("subject-0"),
				SampleId:       aws.String("sample-0"),
			}},
		}, optFns...)
		return err
	},
	omicstest.OpGet: func(ctx context.Context, api *omics.Client, optFns ...func(*omics.Options)) error {
		_, err := api.GetReadSetImportJob(ctx, &omics.GetReadSetImportJobInput{
			SequenceStoreId: aws.String("1234567890"), Id: aws.String("9876543210"),
		}, optFns...)
		return err
	},
	omicstest.OpList: func(ctx context.Context, api *omics.Client, optFns ...func(*omics.Options)) error {
		_, err := api.ListReadSetImportJobs(ctx, &omics.ListReadSetImportJobsInput{
			SequenceStoreId: aws.String("1234567890"), NextToken: aws.String("page-token"),
		}, optFns...)
		return err
	},
}

// attempted makes one hardened request over a client, and returns what became of it and the SDK's error.
func attempted(t testing.TB, guard *Guard, api *omics.Client, op string) (*Attempt, error) {
	t.Helper()
	a := guard.Attempt()
	return a, operations[op](t.Context(), api, a.Harden)
}

// spoiled is what became of one request that is answered with a fault.
func spoiled(t testing.TB, op string, fault omicstest.Fault) (*Attempt, error) {
	t.Helper()
	service := omicstest.New()
	service.Inject("", fault)
	a, err := attempted(t, new(Guard), service.Client(), op)
	require.Error(t, err)
	require.Len(t, service.Requests(""), 1)
	return a, err
}

// endless is a body that begins like one, and repeats some text without an end.
func endless(begin, text string) func() io.Reader {
	return func() io.Reader { return io.MultiReader(strings.NewReader(begin), &repeated{text: text}) }
}

type repeated struct {
	text string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	for n := 0; n < len(p); {
		m := copy(p[n:], r.text[r.at:])
		n, r.at = n+m, (r.at+m)%len(r.text)
	}
	return len(p), nil
}

// However long an answer is, little of it is read and kept.
func TestHugeAnswers(t *testing.T) {
	if underRace {
		t.Skip("too slow under the race detector")
	}
	const size = 256 << 20
	defer debug.SetGCPercent(debug.SetGCPercent(20))
	var first runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&first)
	for name, test := range map[string]struct {
		op    string
		fault omicstest.Fault
	}{
		"200":               {omicstest.OpStart, omicstest.Huge(200, "", size)},
		"400":               {omicstest.OpStart, omicstest.Huge(400, "ValidationException", size)},
		"403 without code":  {omicstest.OpList, omicstest.Huge(403, "", size)},
		"500":               {omicstest.OpGet, omicstest.Huge(500, "InternalServerException", size)},
		"sources":           {omicstest.OpGet, omicstest.Raw(200, nil, endless(`{"sources":[{}`, `,{}`))},
		"jobs":              {omicstest.OpList, omicstest.Raw(200, nil, endless(`{"importJobs":[`, `{"id":"1"},`))},
		"a value, nested":   {omicstest.OpStart, omicstest.Raw(200, nil, endless("", `{"a":`))},
		"HTML":              {omicstest.OpStart, omicstest.Raw(502, nil, endless("<html>", "a"))},
		"body of redirects": {omicstest.OpStart, omicstest.Raw(307, http.Header{"Location": {"https://elsewhere.example/"}}, endless("", "a"))},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			a, err := spoiled(t, test.op, test.fault)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(96<<20), "bytes allocated, with those freed")
			require.Less(t, max(after.HeapSys, first.HeapSys)-first.HeapSys, uint64(64<<20), "growth of the heap")
			require.Equal(t, test.fault.Status, ReadFailure(err).StatusCode)
			require.True(t, a.MayBeSent())
			if name != "a value, nested" { // which the SDK gives up sooner
				require.ErrorIs(t, err, ErrBodyTooLarge)
			}
		})
	}
}

// doFunc is an HTTP client of the caller's own.
type doFunc func(*http.Request) (*http.Response, error)

func (f doFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }

// withHTTP makes a client send over another HTTP client.
func withHTTP(client omics.HTTPClient) func(*omics.Options) {
	return func(o *omics.Options) { o.HTTPClient = client }
}

// The SDK's own HTTP client, which follows redirects that keep the method, over a real connection.
func TestRedirectsRefusedByDefaultClient(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var paths []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		paths = append(paths, r.URL.Path)
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	addr := server.Listener.Addr()
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, addr.Network(), addr.String())
	}
	for name, client := range map[string]omics.HTTPClient{
		"SDK":      awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) { tr.DialContext = dial }),
		"net/http": &http.Client{Transport: &http.Transport{DialContext: dial}},
	} {
		t.Run(name, func(t *testing.T) {
			paths = nil
			api := omicstest.New().Client(withHTTP(client), func(o *omics.Options) { o.BaseEndpoint = aws.String("http://omics.example") })
			guard := new(Guard)
			for range 3 {
				_, err := attempted(t, guard, api, omicstest.OpGet)
				require.Equal(t, http.StatusTemporaryRedirect, ReadFailure(err).StatusCode)
			}
			path := "/sequencestore/1234567890/importjob/9876543210"
			require.Equal(t, []string{path, path, path}, paths)
		})
	}
}

// The twin that refuses redirects is made once for a client, since it has the connections.
func TestConnectionsArePooled(t *testing.T) {
	var clients httpClients
	first, second := awshttp.NewBuildableClient(), awshttp.NewBuildableClient()
	twin := clients.noRedirects(first)
	require.Same(t, twin, clients.noRedirects(first))
	require.NotSame(t, twin, clients.noRedirects(second))
	plain := new(http.Client)
	require.NotSame(t, plain, clients.noRedirects(plain))
	require.Nil(t, plain.CheckRedirect, "the caller's own client is left alone")
}

// A client of the caller's own that follows redirects, whatever it is asked.
func TestRedirectsFollowedByOthers(t *testing.T) {
	service := omicstest.New()
	follower := http.Client{Transport: service.Client().Options().HTTPClient.(*http.Client).Transport}
	for op := range operations {
		service.Inject("", omicstest.Raw(http.StatusSeeOther, http.Header{"Location": {"https://elsewhere.example/"}}, nil))
		a, err := attempted(t, new(Guard), service.Client(withHTTP(doFunc(follower.Do))), op)
		require.ErrorIs(t, err, ErrRedirected)
		require.Equal(t, ErrRedirected, a.Err)
		require.True(t, a.MayBeSent())
	}
}

func TestMayBeSent(t *testing.T) {
	reset := &url.Error{Op: "Post", URL: "https://x/?maxResults=1", Err: &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}}
	dial := &url.Error{Op: "Post", URL: "https://x/", Err: &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}}
	proxy := &url.Error{Op: "Post", URL: "https://x/", Err: &net.OpError{Op: "proxyconnect", Net: "tcp", Err: dial.Err}}
	for name, test := range map[string]struct{ err, cause error }{
		"reset":         {reset, reset.Err},
		"not connected": {dial, dial.Err},
		"no proxy":      {proxy, proxy.Err},
		"lost":          {io.EOF, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			api := omicstest.New().Client(withHTTP(doFunc(func(*http.Request) (*http.Response, error) { return nil, test.err })))
			a, err := attempted(t, new(Guard), api, omicstest.OpStart)
			require.ErrorIs(t, err, test.err)
			require.Equal(t, test.cause, a.Err, "without the URL")
			require.False(t, a.Local())
			require.Equal(t, name == "reset" || name == "lost", a.MayBeSent())
		})
	}
	t.Run("an API that ignores options", func(t *testing.T) {
		a := new(Guard).Attempt()
		require.True(t, a.MayBeSent())
		require.False(t, a.Local())
		a.Harden(&omics.Options{}) // of no client
		require.True(t, a.MayBeSent())
		require.False(t, a.Local())
	})
}

// withCredentials makes a client fail for want of credentials, unless the error is nil.
func withCredentials(err error) func(*omics.Options) {
	return func(o *omics.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "the-token"}, err
		})
	}
}

func TestNoCredentials(t *testing.T) {
	service := omicstest.New()
	a, err := attempted(t, new(Guard), service.Client(withCredentials(io.EOF)), omicstest.OpStart)
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, io.EOF, a.NoCredentials)
	require.True(t, a.Local())
	require.False(t, a.MayBeSent())
	require.Empty(t, service.Requests(""))
}

// Whatever the caller's client is set to log, no credentials and no ids of persons get there.
func TestLogsMasked(t *testing.T) {
	var mu sync.Mutex
	var log strings.Builder
	loud := func(o *omics.Options) {
		o.ClientLogMode = ^aws.ClientLogMode(0)
		o.Logger = logging.LoggerFunc(func(_ logging.Classification, format string, v ...any) {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(&log, format+"\n", v...)
		})
	}
	service := omicstest.New()
	api := service.Client(loud, withCredentials(nil))
	for _, fault := range []omicstest.Fault{
		{},
		omicstest.Status(400, "ValidationException", "sample-0"),
		omicstest.Status(500, "InternalServerException", "sample-0"),
		omicstest.Raw(200, nil, func() io.Reader {
			return strings.NewReader(`{"sources":[{"sampleId":"sample-0","subjectId":"subject-0"}]}`)
		}),
	} {
		for _, send := range operations {
			service.Inject("", fault)
			_ = send(t.Context(), api, loud, new(Guard).Attempt().Harden)
		}
	}
	require.NotEmpty(t, log.String(), "heads of answers are logged")
	for _, secret := range []string{"sample-0", "subject-0", "s3://", "the-token", "AKIDEXAMPLE", "Signature", "page-token"} {
		require.NotContains(t, log.String(), secret)
	}
}

// The provider that is watched is to the SDK what it was: anonymous credentials sign nothing.
func TestCredentialsKeepTheirKind(t *testing.T) {
	anonymous := watchedCredentials{aws.AnonymousCredentials{}, new(Attempt)}
	require.True(t, aws.IsCredentialsProvider(anonymous, (*aws.AnonymousCredentials)(nil)))
	require.Empty(t, anonymous.ProviderSources())
	traced := watchedCredentials{tracedCredentials{}, new(Attempt)}
	require.False(t, aws.IsCredentialsProvider(traced, (*aws.AnonymousCredentials)(nil)))
	require.Equal(t, []aws.CredentialSource{aws.CredentialSourceIMDS}, traced.ProviderSources())
}

// tracedCredentials says where its credentials are from, which the SDK puts into the user agent.
type tracedCredentials struct{ aws.CredentialsProvider }

func (tracedCredentials) ProviderSources() []aws.CredentialSource {
	return []aws.CredentialSource{aws.CredentialSourceIMDS}
}

// What an answer's Date says of the service's clock is believed within bounds.
func TestSkew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
		guard, service := new(Guard), omicstest.New()
		for _, test := range []struct {
			date string
			want time.Duration
		}{
			{in(-3 * time.Hour), -3 * time.Hour},
			{in(300 * 24 * time.Hour), 300 * 24 * time.Hour},
			{"soon", 300 * 24 * time.Hour}, // as before
			{"Mon, 01 Jan 0001 00:00:00 GMT", -skewMax},
			{"Fri, 31 Dec 9999 23:59:59 GMT", skewMax},
		} {
			api := service.Client(func(o *omics.Options) {
				next := o.HTTPClient
				o.HTTPClient = doFunc(func(req *http.Request) (*http.Response, error) {
					res, err := next.Do(req)
					if err == nil {
						res.Header.Set("Date", test.date)
					}
					return res, err
				})
			})
			_, _ = attempted(t, guard, api, omicstest.OpList) // the answer may be a refusal
			require.Equal(t, test.want, time.Duration(guard.Skew.Load()).Round(time.Second), test.date)
		}
	})
}
