package readsetimport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/quota"
	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/internal/token"
	"github.com/readsetimport/readsetimport/internal/wire"
)

type operation int

const (
	opStart operation = iota
	opGet
	opList
	opListReadSets
	opReadSet
	opCount // how many operations there are
)

var operationNames = []string{"StartReadSetImportJob", "GetReadSetImportJob", "ListReadSetImportJobs", "ListReadSets", "GetReadSetMetadata"}

func (op operation) String() string { return operationNames[op] }

// call makes one request: it waits for the operation's turn, sends once, and bounds the answer in time and size. The
// error is an *Error, or the cause of the context's end where that came before anything was sent.
func (c *Client) call(ctx context.Context, op operation, send func(context.Context, func(*omics.Options)) error) error {
	pace := c.pacers[op]
	sentAt, err := pace.Wait(ctx)
	if err != nil {
		return err
	}
	inTime, cancel := context.WithTimeout(ctx, c.opts.RequestTimeout)
	defer cancel()
	attempt := c.guard.Attempt()
	err = send(inTime, func(o *omics.Options) {
		for _, fn := range c.opts.ClientOptions {
			fn(o)
		}
		attempt.Harden(o)
	})
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
	if attempt.Local() {
		e = &Error{Op: op.String(), Err: err, local: true}
		if why := attempt.NoCredentials; why != nil && ctx.Err() == nil {
			e.credentials, e.Err = true, why
			e.mayPass = inTime.Err() != nil || wire.CredentialsMayCome(why)
		}
	}
	switch {
	case ctx.Err() != nil:
		e.Err = context.Cause(ctx)
	case inTime.Err() != nil:
		e.Err = fmt.Errorf("%w within %s", wire.ErrNoAnswer, c.opts.RequestTimeout)
	case e.StatusCode == 0 && attempt.Err != nil:
		e.Err = attempt.Err
	}
	e.MayHaveStarted = op == opStart && attempt.MayBeSent() && !e.refused()
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

// request makes one request, and checks its answer. One that is not credible is an *Error.
func request[In, Out any](
	ctx context.Context, c *Client, op operation, in *In, send func(context.Context, *In, ...func(*omics.Options)) (*Out, error), check func(*Out) error,
) (out *Out, err error) {
	err = c.call(ctx, op, func(ctx context.Context, harden func(*omics.Options)) (err error) {
		out, err = send(ctx, in, harden)
		return err
	})
	if err == nil {
		err = op.wrong(check(out))
	}
	return out, err
}

// wrong returns the error of an answer that was read and is wrong, or nil if it is not.
func (op operation) wrong(why error) error {
	if why == nil {
		return nil
	}
	return &Error{Op: op.String(), StatusCode: http.StatusOK, MayHaveStarted: op == opStart, Err: why}
}

// errTooLate is a start that was not sent, since its client token may be forgotten by the time of its turn.
var errTooLate = errors.New("the client token is too old")

// start sends the batch's request under the token of an attempt, unless it is too late when its turn comes. A job it
// returns has a valid id.
func (c *Client) start(ctx context.Context, b Batch, attempt int, tooLate func() bool) (Job, error) {
	in := wire.StartInput(b.Target.SequenceStoreID, b.Target.RoleARN, token.Attempt(b.ClientToken, attempt), len(b.Sources), b.shape)
	send := func(ctx context.Context, in *omics.StartReadSetImportJobInput, fns ...func(*omics.Options)) (*omics.StartReadSetImportJobOutput, error) {
		if tooLate() {
			return nil, errTooLate
		}
		return c.api.StartReadSetImportJob(ctx, in, fns...)
	}
	out, err := request(ctx, c, opStart, in, send, func(out *omics.StartReadSetImportJobOutput) error {
		return wire.CheckStart(out, b.Target.SequenceStoreID)
	})
	if err != nil {
		return Job{}, err
	}
	return newJob(JobRef{b.Target.SequenceStoreID, aws.ToString(out.Id)}, out.RoleArn, out.Status, out.CreationTime, nil), nil
}

func newJob(ref JobRef, roleARN *string, status types.ReadSetImportJobStatus, created, completed *time.Time) Job {
	return Job{JobRef: ref, RoleARN: aws.ToString(roleARN), Status: status, CreationTime: aws.ToTime(created), CompletionTime: aws.ToTime(completed)}
}

// get looks at a job once.
func (c *Client) get(ctx context.Context, ref JobRef) (Job, error) {
	in := &omics.GetReadSetImportJobInput{SequenceStoreId: aws.String(ref.SequenceStoreID), Id: aws.String(ref.ID)}
	out, err := request(ctx, c, opGet, in, c.api.GetReadSetImportJob, func(out *omics.GetReadSetImportJobOutput) error {
		return wire.CheckGet(out, ref.SequenceStoreID, ref.ID, MaxSourcesPerJob)
	})
	if err != nil {
		return Job{}, err
	}
	job := newJob(ref, out.RoleArn, out.Status, out.CreationTime, out.CompletionTime)
	job.StatusMessage, job.Sources = aws.ToString(out.StatusMessage), make([]JobSource, len(out.Sources))
	for i, s := range out.Sources {
		job.Sources[i] = JobSource{Source: sourceFromShape(wire.SourceFromAnswer(s)), Status: s.Status, StatusMessage: aws.ToString(s.StatusMessage)}
		if id := aws.ToString(s.ReadSetId); rules.IsID(id) {
			job.Sources[i].ReadSetID = id
		}
	}
	return job, nil
}

// listPage is one page of the jobs created after a time, and the token of the next page or "".
func (c *Client) listPage(ctx context.Context, storeID string, createdAfter time.Time, nextToken string) ([]Job, string, error) {
	out, err := request(ctx, c, opList, wire.ListInput(storeID, createdAfter, nextToken), c.api.ListReadSetImportJobs, func(out *omics.ListReadSetImportJobsOutput) error {
		return wire.CheckList(out, storeID, nextToken)
	})
	if err != nil {
		return nil, "", err
	}
	jobs := make([]Job, len(out.ImportJobs))
	for i, j := range out.ImportJobs {
		jobs[i] = newJob(JobRef{storeID, aws.ToString(j.Id)}, j.RoleArn, j.Status, j.CreationTime, j.CompletionTime)
	}
	return jobs, aws.ToString(out.NextToken), nil
}

// readSetPage is one page of the read sets of a store, and the token of the next page or "".
func (c *Client) readSetPage(ctx context.Context, storeID string, f ReadSetFilter, nextToken string) ([]ReadSet, string, error) {
	in := wire.ListReadSetsInput(storeID, f, nextToken)
	out, err := request(ctx, c, opListReadSets, in, c.readSets.ListReadSets, func(out *omics.ListReadSetsOutput) error {
		return wire.CheckReadSets(out, storeID, nextToken)
	})
	if err != nil {
		return nil, "", err
	}
	return wire.ReadSetsFromList(storeID, out.ReadSets), aws.ToString(out.NextToken), nil
}

// readSetOf looks at a read set once, and returns which job created it, if that is known.
func (c *Client) readSetOf(ctx context.Context, storeID, id string) (set ReadSet, job string, err error) {
	in := &omics.GetReadSetMetadataInput{SequenceStoreId: aws.String(storeID), Id: aws.String(id)}
	out, err := request(ctx, c, opReadSet, in, c.readSets.GetReadSetMetadata, func(out *omics.GetReadSetMetadataOutput) error {
		return wire.CheckMetadata(out, storeID, id)
	})
	if err != nil {
		return ReadSet{}, "", err
	}
	if id := aws.ToString(out.CreationJobId); rules.IsID(id) {
		job = id
	}
	return wire.ReadSetFromMetadata(storeID, out), job, nil
}

// requestTries is how often a request of many is made, before trouble that passes ends them all: some ten minutes.
const requestTries = 10

func untold(*Error, time.Duration) {}

// retry makes a request until it succeeds, fails for good, or has failed so often; that something is not there is believed
// after absent answers. told is called with each failure that it is made again after, and the time until then.
func (c *Client) retry(ctx context.Context, tries, absent int, told func(*Error, time.Duration), request func() error) error {
	for try := 1; ; try++ {
		err := request()
		var e *Error
		if err == nil || !errors.As(err, &e) || ctx.Err() != nil {
			return err
		}
		again := try < tries && e.passing()
		if e.Code == wire.CodeNotFound {
			absent, again = absent-1, absent > 1
		}
		if !again {
			return err
		}
		wait := max(c.delays.Backoff(try), min(e.RetryAfter, quota.MaxPause))
		told(e, wait)
		if err := quota.Sleep(ctx, wait); err != nil {
			return fmt.Errorf("%w; the last try: %w", err, e)
		}
	}
}
