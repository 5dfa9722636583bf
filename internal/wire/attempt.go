// Package wire stands between this module and the SDK's HealthOmics client. It makes each request safe (it is sent once, its
// answer is bounded, redirects are refused, nothing secret is logged), tells which answers are credible and what the SDK's
// error of a request means, and has the service's own shape of a source.
package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
)

// maxBody is how much of an answer is read. The largest honest one, a job of 100 sources whose fields and 50 tags are full, is
// below 9 MiB in UTF-8, and below 13 MiB if what is not ASCII is escaped.
const maxBody = 16 << 20

// Errors of requests that got no answer, or none that is read.
var (
	ErrNoAnswer     = errors.New("no answer") // wrap it for a request whose time is up: Kind knows it
	ErrRedirected   = errors.New("the request was redirected, which is refused")
	ErrBodyTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)
)

// Guard makes the requests of one client safe, and keeps what they share. The zero value is ready for use.
type Guard struct {
	// Skew is how far the service's clock is ahead of ours, in nanoseconds, by the last answer.
	Skew atomic.Int64

	clients httpClients
}

// Attempt is one request. Call Harden with its options, send it, and then ask what became of it.
type Attempt struct {
	// Err is why no answer came, or nil.
	Err error
	// NoCredentials is why there are no credentials to sign the request with, or nil.
	NoCredentials error

	guard   *Guard
	next    omics.HTTPClient
	watched bool // the API under us uses it; one that does not may have sent anything
	used    bool // it was asked to send
	sent    bool // the request may have reached the service
}

// Attempt returns a new request's Attempt.
func (g *Guard) Attempt() *Attempt { return &Attempt{guard: g} }

// Local reports whether the request did not get as far as the connection. A code or a status in its error is then
// another request's, one for credentials.
func (a *Attempt) Local() bool { return a.watched && !a.used }

// MayBeSent reports whether the request may have reached the service.
func (a *Attempt) MayBeSent() bool { return a.sent || !a.watched }

// Harden makes the SDK's client send once, and keeps a hostile answer from doing harm. It comes after all other changes
// of the options.
func (a *Attempt) Harden(o *omics.Options) {
	o.Retryer = aws.NopRetryer{}
	if o.ClientLogMode.IsSigning() {
		quietSigning(o)
	}
	o.ClientLogMode &^= aws.LogSigning | aws.LogRetries | aws.LogRequest | aws.LogRequestWithBody | aws.LogResponseWithBody
	a.watched = o.HTTPClient != nil // or this is no client of the SDK's
	a.next = a.guard.clients.noRedirects(o.HTTPClient)
	o.HTTPClient = httpClient{a}
	if o.Credentials != nil {
		o.Credentials = watchedCredentials{o.Credentials, a}
	}
}

// quietSigning makes requests be signed without a log of what is signed, which has the session token in it: whether to
// write one is settled when the SDK's client is made.
func quietSigning(o *omics.Options) {
	o.AuthSchemes = slices.Clone(o.AuthSchemes)
	for _, quiet := range omics.New(omics.Options{HTTPSignerV4: o.HTTPSignerV4}).Options().AuthSchemes {
		for i, scheme := range o.AuthSchemes {
			if scheme.SchemeID() == quiet.SchemeID() {
				o.AuthSchemes[i] = quiet
			}
		}
	}
}

// httpClient is the HTTP client of one request: it notes whether the request left, and caps the answer.
type httpClient struct{ *Attempt }

func (c httpClient) Do(req *http.Request) (*http.Response, error) {
	c.used, c.sent = true, true
	res, err := c.next.Do(req)
	if err != nil {
		var dial *net.OpError
		if errors.As(err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect") {
			c.sent = false
		}
		c.Err = cause(err)
		return res, err
	}
	if res.Request != nil && res.Request.Response != nil {
		// A client of the caller's own followed a redirect: what answered is not what was asked.
		res.Body.Close()
		c.Err = ErrRedirected
		return nil, c.Err
	}
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		c.guard.Skew.Store(int64(min(max(time.Until(date), -skewMax), skewMax)))
	}
	res.Body = &cappedBody{ReadCloser: res.Body, left: maxBody}
	return res, nil
}

// skewMax bounds how far an answer's Date is believed to be from our clock.
const skewMax = 366 * 24 * time.Hour

// cappedBody fails where more than the cap is read.
type cappedBody struct {
	io.ReadCloser
	left int64
}

func (b *cappedBody) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrBodyTooLarge
	}
	return n, err
}

// watchedCredentials notes that a request could not be signed, which the SDK's error does not tell.
type watchedCredentials struct {
	aws.CredentialsProvider
	attempt *Attempt
}

func (w watchedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := w.CredentialsProvider.Retrieve(ctx)
	w.attempt.NoCredentials = err
	return creds, err
}

// IsCredentialsProvider and ProviderSources say of the provider behind it what the SDK wants to know.
func (w watchedCredentials) IsCredentialsProvider(target aws.CredentialsProvider) bool {
	return aws.IsCredentialsProvider(w.CredentialsProvider, target)
}

func (w watchedCredentials) ProviderSources() []aws.CredentialSource {
	if p, ok := w.CredentialsProvider.(aws.CredentialProviderSource); ok {
		return p.ProviderSources()
	}
	return nil
}
