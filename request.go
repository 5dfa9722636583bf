package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

type operation int

const (
	opStart operation = iota
	opGet
	opList
)

var operationNames = []string{"StartReadSetImportJob", "GetReadSetImportJob", "ListReadSetImportJobs"}

func (op operation) String() string { return operationNames[op] }

// maxBody is how much of an answer is read. The largest honest one, a job of 100 sources with 50 long tags each, is
// below 5 MiB.
const maxBody = 8 << 20

var errBodyTooLarge = fmt.Errorf("the answer is larger than %d MiB", maxBody>>20)

// call makes one request: it waits for the operation's turn, sends once, and bounds the answer in time and size. The
// error is an *Error, or the cause of the context's end where that came before anything was sent.
func (c *Client) call(ctx context.Context, op operation, send func(context.Context, func(*omics.Options)) error) error {
	pace := c.pacers[op]
	sentAt, err := pace.Wait(ctx)
	if err != nil {
		return err
	}
	attempt, cancel := context.WithTimeout(ctx, c.opts.RequestTimeout)
	defer cancel()
	var wire wireAttempt
	err = send(attempt, func(o *omics.Options) { c.harden(o, &wire) })
	if errors.Is(err, errTooLate) {
		return err
	}
	if err == nil {
		c.succeeded.Store(true)
		if op == opGet {
			c.looked.Store(true)
		}
		c.answered.Store(true)
		pace.Answered()
		return nil
	}
	e := newError(op.String(), err)
	if wire.watched && !wire.used {
		// A code or a status in it is another request's, one for credentials.
		e = &Error{Op: op.String(), Err: err, local: true}
		if wire.noCredentials != nil && ctx.Err() == nil {
			e.credentials, e.Err = true, wire.noCredentials
			e.mayPass = attempt.Err() != nil || credentialsMayCome(wire.noCredentials)
		}
	}
	switch {
	case ctx.Err() != nil:
		e.Err = context.Cause(ctx)
	case attempt.Err() != nil:
		e.Err = fmt.Errorf("%w within %s", errNoAnswer, c.opts.RequestTimeout)
	case e.StatusCode == 0 && wire.err != nil:
		e.Err = wire.err
	}
	e.MayHaveStarted = op == opStart && (wire.sent || !wire.watched) && !e.refused()
	if e.kind() == ErrThrottled {
		pace.Throttled(sentAt, e.RetryAfter)
	} else if e.StatusCode != 0 {
		pace.Answered()
	}
	if e.StatusCode != 0 {
		c.answered.Store(true)
	}
	return e
}

var (
	errNoAnswer   = errors.New("no answer")
	errRedirected = errors.New("the request was redirected, which is refused")
	// errTooLate is a start that was not sent, since its client token may be forgotten by the time of its turn.
	errTooLate = errors.New("the client token is too old")
)

// harden makes the SDK's client send once, and keeps a hostile answer from doing harm.
func (c *Client) harden(o *omics.Options, wire *wireAttempt) {
	for _, fn := range c.opts.ClientOptions {
		fn(o)
	}
	o.Retryer = aws.NopRetryer{}
	if o.ClientLogMode.IsSigning() {
		quietSigning(o)
	}
	o.ClientLogMode &^= aws.LogSigning | aws.LogRetries | aws.LogRequest | aws.LogRequestWithBody | aws.LogResponseWithBody
	wire.watched = o.HTTPClient != nil // or this is no client of the SDK's
	wire.skew = &c.skew
	wire.next = c.hidden.noRedirects(o.HTTPClient)
	o.HTTPClient = wire
	if o.Credentials != nil {
		o.Credentials = watchedCredentials{o.Credentials, wire}
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

// wireAttempt is the HTTP client of one request: it notes whether the request left, and caps the answer.
type wireAttempt struct {
	next    omics.HTTPClient
	watched bool  // the API under us uses it; one that does not may have sent anything
	used    bool  // it was asked to send
	sent    bool  // the request may have reached the service
	err     error // what the connection came to
	skew    *atomic.Int64

	noCredentials error // why there are none to sign the request with
}

// watchedCredentials notes that a request could not be signed, which the SDK's error does not tell.
type watchedCredentials struct {
	aws.CredentialsProvider
	wire *wireAttempt
}

func (w watchedCredentials) Retrieve(ctx context.Context) (aws.Credentials, error) {
	creds, err := w.CredentialsProvider.Retrieve(ctx)
	w.wire.noCredentials = err
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

func (w *wireAttempt) Do(req *http.Request) (*http.Response, error) {
	w.used, w.sent = true, true
	res, err := w.next.Do(req)
	if err != nil {
		var dial *net.OpError
		if errors.As(err, &dial) && (dial.Op == "dial" || dial.Op == "proxyconnect") {
			w.sent = false
		}
		w.err = cause(err)
		return res, err
	}
	if res.Request != nil && res.Request.Response != nil {
		// A client of the caller's own followed a redirect: what answered is not what was asked.
		res.Body.Close()
		w.err = errRedirected
		return nil, w.err
	}
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		w.skew.Store(int64(min(max(time.Until(date), -skewMax), skewMax)))
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
		return 0, errBodyTooLarge
	}
	return n, err
}

// httpClients keeps the redirect-refusing twin of an HTTP client, so that connections are pooled.
type httpClients struct {
	mu    sync.Mutex
	plain *awshttp.BuildableClient
	twin  omics.HTTPClient
}

// noRedirects is the client with redirects refused: a 3xx is an answer like another. A type that is neither the SDK's
// nor net/http's own is left as it is.
func (h *httpClients) noRedirects(client omics.HTTPClient) omics.HTTPClient {
	if b, ok := client.(*awshttp.BuildableClient); ok {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.plain != b {
			h.plain, h.twin = b, refuseRedirects(b.Freeze())
		}
		return h.twin
	}
	return refuseRedirects(client)
}

func refuseRedirects(client omics.HTTPClient) omics.HTTPClient {
	plain, ok := client.(*http.Client)
	if !ok {
		return client
	}
	twin := *plain
	twin.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &twin
}

// start sends the batch's request under the token of an attempt, unless it is too late when its turn comes. A job it
// returns has a valid id.
func (c *Client) start(ctx context.Context, b Batch, attempt int, tooLate func() bool) (Job, error) {
	in := &omics.StartReadSetImportJobInput{
		SequenceStoreId: aws.String(b.Target.SequenceStoreID),
		RoleArn:         aws.String(b.Target.RoleARN),
		ClientToken:     aws.String(attemptToken(b, attempt)),
	}
	for _, s := range b.Sources {
		in.Sources = append(in.Sources, s.Item())
	}
	var out *omics.StartReadSetImportJobOutput
	err := c.call(ctx, opStart, func(ctx context.Context, harden func(*omics.Options)) (err error) {
		if tooLate() {
			return errTooLate
		}
		out, err = c.api.StartReadSetImportJob(ctx, in, harden)
		return err
	})
	if err != nil {
		return Job{}, err
	}
	ref := JobRef{SequenceStoreID: b.Target.SequenceStoreID, ID: aws.ToString(out.Id)}
	if err := checkAnswer(ref, aws.ToString(out.SequenceStoreId), ref.ID); err != nil {
		return Job{}, &Error{Op: opStart.String(), StatusCode: http.StatusOK, MayHaveStarted: true, Err: err}
	}
	return Job{
		JobRef:       ref,
		RoleARN:      aws.ToString(out.RoleArn),
		Status:       out.Status,
		CreationTime: aws.ToTime(out.CreationTime),
	}, nil
}

// get looks at a job once.
func (c *Client) get(ctx context.Context, ref JobRef) (Job, error) {
	var out *omics.GetReadSetImportJobOutput
	err := c.call(ctx, opGet, func(ctx context.Context, harden func(*omics.Options)) (err error) {
		out, err = c.api.GetReadSetImportJob(ctx, &omics.GetReadSetImportJobInput{
			SequenceStoreId: aws.String(ref.SequenceStoreID),
			Id:              aws.String(ref.ID),
		}, harden)
		return err
	})
	if err != nil {
		return Job{}, err
	}
	err = checkAnswer(ref, aws.ToString(out.SequenceStoreId), aws.ToString(out.Id))
	if err == nil && len(out.Sources) > MaxSourcesPerJob {
		err = fmt.Errorf("%w: %d sources in one job", errNotCredible, len(out.Sources))
	}
	if err != nil {
		return Job{}, &Error{Op: opGet.String(), StatusCode: http.StatusOK, Err: err}
	}
	job := Job{
		JobRef:         ref,
		RoleARN:        aws.ToString(out.RoleArn),
		Status:         out.Status,
		StatusMessage:  aws.ToString(out.StatusMessage),
		CreationTime:   aws.ToTime(out.CreationTime),
		CompletionTime: aws.ToTime(out.CompletionTime),
		Sources:        make([]JobSource, len(out.Sources)),
	}
	for i, s := range out.Sources {
		job.Sources[i] = JobSource{
			Source:        sourceFromAnswer(s),
			Status:        s.Status,
			StatusMessage: aws.ToString(s.StatusMessage),
		}
		if id := aws.ToString(s.ReadSetId); validID(id) {
			job.Sources[i].ReadSetID = id
		}
	}
	return job, nil
}

var (
	// errNotCredible is an answer that was read and cannot be right.
	errNotCredible = errors.New("the answer is not credible")
	// errNoList is a list of jobs without even an empty list in it.
	errNoList = fmt.Errorf("%w: it has no list", errNotCredible)
)

// checkAnswer refuses an answer about another job or store than was asked for, or with a job id that is none. A store
// id may be missing.
func checkAnswer(asked JobRef, storeID, jobID string) error {
	switch {
	case !validID(jobID):
		return fmt.Errorf("%w: it has no valid job id", errNotCredible)
	case jobID != asked.ID:
		return fmt.Errorf("%w: it is about another job", errNotCredible)
	case storeID != "" && storeID != asked.SequenceStoreID:
		return fmt.Errorf("%w: it is about another sequence store", errNotCredible)
	}
	return nil
}

const listPageSize = 100 // the most that the service takes

// listPage is one page of the jobs created after a time, and the token of the next page or "".
func (c *Client) listPage(ctx context.Context, storeID string, createdAfter time.Time, nextToken string) ([]Job, string, error) {
	in := &omics.ListReadSetImportJobsInput{
		SequenceStoreId: aws.String(storeID),
		MaxResults:      aws.Int32(listPageSize),
		Filter:          &types.ImportReadSetFilter{CreatedAfter: aws.Time(createdAfter)},
	}
	if nextToken != "" {
		in.NextToken = aws.String(nextToken)
	}
	var out *omics.ListReadSetImportJobsOutput
	err := c.call(ctx, opList, func(ctx context.Context, harden func(*omics.Options)) (err error) {
		out, err = c.api.ListReadSetImportJobs(ctx, in, harden)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	next := aws.ToString(out.NextToken)
	jobs := make([]Job, 0, len(out.ImportJobs))
	for _, j := range out.ImportJobs {
		job := Job{
			JobRef:         JobRef{SequenceStoreID: storeID, ID: aws.ToString(j.Id)},
			RoleARN:        aws.ToString(j.RoleArn),
			Status:         j.Status,
			CreationTime:   aws.ToTime(j.CreationTime),
			CompletionTime: aws.ToTime(j.CompletionTime),
		}
		err = checkAnswer(job.JobRef, aws.ToString(j.SequenceStoreId), job.ID)
		if err != nil {
			break
		}
		jobs = append(jobs, job)
	}
	switch {
	case err != nil:
	case out.ImportJobs == nil:
		err = errNoList
	case len(out.ImportJobs) > listPageSize:
		err = fmt.Errorf("%w: %d jobs on one page", errNotCredible, len(out.ImportJobs))
	case next != "" && next == nextToken:
		err = fmt.Errorf("%w: the page token repeats", errNotCredible)
	}
	if err != nil {
		return nil, "", &Error{Op: opList.String(), StatusCode: http.StatusOK, Err: err}
	}
	return jobs, next, nil
}
