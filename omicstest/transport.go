package omicstest

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
)

// Client returns the SDK's own client, with the SDK's retries, invented credentials, and an *[http.Client] that hands
// requests for any host to the service within the process. To use the client in a [testing/synctest] bubble, call
// Client in the bubble.
func (s *Service) Client(optFns ...func(*omics.Options)) *omics.Client {
	return omics.New(omics.Options{
		Region: "us-east-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", Source: "omicstest"}, nil
		}),
		HTTPClient: &http.Client{Transport: transport{s}, CheckRedirect: checkRedirect},
	}, optFns...)
}

// checkRedirect follows what the SDK's own HTTP client follows: redirects that keep the method.
func checkRedirect(r *http.Request, via []*http.Request) error {
	if code := r.Response.StatusCode; (code == 307 || code == 308) && len(via) < 10 {
		return nil
	}
	return http.ErrUseLastResponse
}

// transport carries requests to the service without a connection.
type transport struct{ service *Service }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	var body []byte
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
		body = b
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	a := t.service.handle(r.Method, r.URL, body)
	defer t.service.finish(a)
	if err := sleep(ctx, a.delay); err != nil {
		return nil, err
	}
	if a.breaks == BreakRequest || a.breaks == BreakAnswer {
		return nil, reset()
	}

	answered := &answerBody{ctx: ctx, r: a.reader(), end: io.EOF}
	response := &http.Response{
		Status: strconv.Itoa(a.status) + " " + http.StatusText(a.status), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: a.header, Body: answered, ContentLength: -1, Request: r,
	}
	if a.lazy == nil {
		response.ContentLength = int64(len(a.body))
	}
	switch a.breaks {
	case BreakBody:
		answered.r, answered.end = a.half(), io.ErrUnexpectedEOF
	case BreakReset:
		answered.r, answered.end = a.half(), reset()
	}
	return response, nil
}

// answerBody is the body of an answer. Reading it fails when the request's context has ended.
type answerBody struct {
	ctx context.Context
	r   io.Reader
	end error // in place of io.EOF
}

func (b *answerBody) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	n, err := b.r.Read(p)
	if err == io.EOF {
		err = b.end
	}
	return n, err
}

func (b *answerBody) Close() error {
	b.r, b.end = bytes.NewReader(nil), http.ErrBodyReadAfterClose
	return nil
}

// reset returns the error for a connection that the other side has reset.
func reset() error {
	return &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
}

func (a answer) reader() io.Reader {
	if a.lazy != nil {
		return a.lazy()
	}
	return bytes.NewReader(a.body)
}

// half returns the first half of the body, or the beginning of one whose length is not known.
func (a answer) half() io.Reader {
	if a.lazy != nil {
		return io.LimitReader(a.lazy(), 16)
	}
	return bytes.NewReader(a.body[:len(a.body)/2])
}

// ServeHTTP answers a request over a connection.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		panic(http.ErrAbortHandler) // the client is gone, or sent less than it announced
	}
	a := s.handle(r.Method, r.URL, body)
	defer s.finish(a)
	if sleep(r.Context(), a.delay) != nil {
		panic(http.ErrAbortHandler)
	}
	if a.breaks == BreakRequest || a.breaks == BreakAnswer {
		panic(http.ErrAbortHandler)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.lazy == nil {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	if a.breaks == BreakNone {
		_, _ = io.Copy(w, a.reader()) // an error means that the client is gone
		return
	}
	_, _ = io.Copy(w, a.half())
	control := http.NewResponseController(w)
	_ = control.Flush()
	if a.breaks == BreakReset {
		if conn, _, err := control.Hijack(); err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			_ = conn.Close()
			return
		}
	}
	panic(http.ErrAbortHandler)
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
