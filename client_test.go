package readsetimport

import (
	"context"
	"iter"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
)

// withCredentials makes a client fail for want of credentials, unless the error is nil.
func withCredentials(err error) func(*omics.Options) {
	return func(o *omics.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "the-token"}, err
		})
	}
}

// fakeAPI is an API that is none of the SDK's: it ignores option functions.
type fakeAPI struct {
	API
	err error
}

func (f fakeAPI) StartReadSetImportJob(context.Context, *omics.StartReadSetImportJobInput, ...func(*omics.Options)) (*omics.StartReadSetImportJobOutput, error) {
	return nil, f.err
}

func (f fakeAPI) GetReadSetImportJob(context.Context, *omics.GetReadSetImportJobInput, ...func(*omics.Options)) (*omics.GetReadSetImportJobOutput, error) {
	return nil, f.err
}

func (f fakeAPI) ListReadSetImportJobs(context.Context, *omics.ListReadSetImportJobsInput, ...func(*omics.Options)) (*omics.ListReadSetImportJobsOutput, error) {
	return nil, f.err
}

// applyingAPI applies the option functions to options that are no client's.
type applyingAPI struct{ fakeAPI }

func (f applyingAPI) StartReadSetImportJob(_ context.Context, _ *omics.StartReadSetImportJobInput, optFns ...func(*omics.Options)) (*omics.StartReadSetImportJobOutput, error) {
	for _, fn := range optFns {
		fn(&omics.Options{})
	}
	return nil, f.err
}

// doFunc is an HTTP client of the caller's own.
type doFunc func(*http.Request) (*http.Response, error)

func (f doFunc) Do(req *http.Request) (*http.Response, error) { return f(req) }

// withHTTP makes a client send over another HTTP client.
func withHTTP(client omics.HTTPClient) func(*omics.Options) {
	return func(o *omics.Options) { o.HTTPClient = client }
}

// withoutErrors is an input of these sources.
func withoutErrors(sources []Source) iter.Seq2[Source, error] {
	return func(yield func(Source, error) bool) {
		for _, s := range sources {
			if !yield(s, nil) {
				return
			}
		}
	}
}
