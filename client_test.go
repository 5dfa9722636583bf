package readsetimport

import (
	"context"

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
