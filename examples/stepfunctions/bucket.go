package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
)

// objects is the part of S3 that is needed; *s3.Client satisfies it.
type objects interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
}

// bucket is where sheets, batches and results are. They have ids of persons: keep it as private as a sample sheet.
type bucket struct {
	objects
	name string
}

var errNoObject = errors.New("no such object")

func (b bucket) get(ctx context.Context, key string) ([]byte, error) {
	out, err := b.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.name, Key: &key})
	if missing := (*types.NoSuchKey)(nil); errors.As(err, &missing) {
		return nil, errNoObject
	}
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	return io.ReadAll(out.Body)
}

func (b bucket) read(ctx context.Context, key string, into any) error {
	data, err := b.get(ctx, key)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}

func (b bucket) write(ctx context.Context, key string, value any) error {
	return b.put(ctx, key, value, nil)
}

// writeFirst writes an object unless there is one already.
func (b bucket) writeFirst(ctx context.Context, key string, value any) error {
	err := b.put(ctx, key, value, aws.String("*"))
	if e := smithy.APIError(nil); errors.As(err, &e) && e.ErrorCode() == "PreconditionFailed" {
		return nil
	}
	return err
}

func (b bucket) put(ctx context.Context, key string, value any, ifNoneMatch *string) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_, err = b.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.name, Key: &key, Body: bytes.NewReader(data), ContentType: aws.String("application/json"), IfNoneMatch: ifNoneMatch,
	})
	return err
}

// sender is the part of Step Functions that is needed; *sfn.Client satisfies it.
type sender interface {
	SendTaskSuccess(context.Context, *sfn.SendTaskSuccessInput, ...func(*sfn.Options)) (*sfn.SendTaskSuccessOutput, error)
}

// tasks ends tasks that wait for their token.
type tasks struct{ sender }

// succeed ends a wait. One that has ended before is no error.
func (t tasks) succeed(ctx context.Context, token string) error {
	_, err := t.SendTaskSuccess(ctx, &sfn.SendTaskSuccessInput{TaskToken: &token, Output: aws.String("{}")})
	var over *sfntypes.TaskTimedOut
	var gone *sfntypes.TaskDoesNotExist
	if errors.As(err, &over) || errors.As(err, &gone) {
		return nil
	}
	return err
}
