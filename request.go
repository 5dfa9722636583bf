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

	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/internal/token"
	"github.com/readsetimport/readsetimport/internal/wire"
)

type operation int

const (
	opStart operation = iota
	opGet
	opList
)

var operationNames = []string{"StartReadSetImportJob", "GetReadSetImportJob", "ListReadSetImportJobs"}

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

// errTooLate is a start that was not sent, since its client token may be forgotten by the time of its turn.
var errTooLate = errors.New("the client token is too old")

// start sends the batch's request under the token of an attempt, unless it is too late when its turn comes. A job it
// returns has a valid id.
func (c *Client) start(ctx context.Context, b Batch, attempt int, tooLate func() bool) (Job, error) {
	in := &omics.StartReadSetImportJobInput{
		SequenceStoreId: aws.String(b.Target.SequenceStoreID),
		RoleArn:         aws.String(b.Target.RoleARN),
		ClientToken:     aws.String(token.Attempt(b.ClientToken, attempt)),
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
	if err := wire.CheckStart(out, b.Target.SequenceStoreID); err != nil {
		return Job{}, &Error{Op: opStart.String(), StatusCode: http.StatusOK, MayHaveStarted: true, Err: err}
	}
	return Job{
		JobRef:       JobRef{SequenceStoreID: b.Target.SequenceStoreID, ID: aws.ToString(out.Id)},
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
	if err := wire.CheckGet(out, ref.SequenceStoreID, ref.ID, MaxSourcesPerJob); err != nil {
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
			Source:        sourceFromShape(wire.SourceFromAnswer(s)),
			Status:        s.Status,
			StatusMessage: aws.ToString(s.StatusMessage),
		}
		if id := aws.ToString(s.ReadSetId); rules.IsID(id) {
			job.Sources[i].ReadSetID = id
		}
	}
	return job, nil
}

// listPage is one page of the jobs created after a time, and the token of the next page or "".
func (c *Client) listPage(ctx context.Context, storeID string, createdAfter time.Time, nextToken string) ([]Job, string, error) {
	in := &omics.ListReadSetImportJobsInput{
		SequenceStoreId: aws.String(storeID),
		MaxResults:      aws.Int32(wire.PageSize),
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
	if err := wire.CheckList(out, storeID, nextToken); err != nil {
		return nil, "", &Error{Op: opList.String(), StatusCode: http.StatusOK, Err: err}
	}
	jobs := make([]Job, len(out.ImportJobs))
	for i, j := range out.ImportJobs {
		jobs[i] = Job{
			JobRef:         JobRef{SequenceStoreID: storeID, ID: aws.ToString(j.Id)},
			RoleARN:        aws.ToString(j.RoleArn),
			Status:         j.Status,
			CreationTime:   aws.ToTime(j.CreationTime),
			CompletionTime: aws.ToTime(j.CompletionTime),
		}
	}
	return jobs, aws.ToString(out.NextToken), nil
}
