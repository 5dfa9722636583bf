package s3files

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// quiet keeps what is read out of the client's log. A part of an object has no checksum, which the client would warn of.
func quiet(o *s3.Options) {
	o.ClientLogMode &^= aws.LogResponseWithBody
	o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
}

// failure is what S3 says of a request that it did not carry out.
type failure struct {
	status int    // 0 if there was no answer
	code   string // of S3; the answer to a HEAD request has none
	region string // of the bucket, where S3 tells
	detail string // for a person
}

func failureOf(err error) failure {
	var f failure
	var api smithy.APIError
	if errors.As(err, &api) {
		f.code = api.ErrorCode()
	}
	var res *smithyhttp.ResponseError
	if errors.As(err, &res) && res.Response != nil && res.Response.Response != nil && res.Response.StatusCode > 0 {
		f.status = res.Response.StatusCode
		f.region = res.Response.Header.Get("X-Amz-Bucket-Region")
		f.detail = oneLine(fmt.Sprintf("S3 answered %d %s", f.status, f.code))
		return f
	}
	// Without the URL, and without the operation that the SDK puts before it.
	var cause *url.Error
	if errors.As(err, &cause) {
		err = cause.Err
	}
	f.detail = oneLine(err.Error())
	return f
}

// elsewhere reports whether the bucket is in another Region than the client.
func (f failure) elsewhere() bool {
	return f.status == http.StatusMovedPermanently || f.status == http.StatusTemporaryRedirect || f.code == "AuthorizationHeaderMalformed"
}

// credentialCodes are of requests that fail for every file alike.
var credentialCodes = map[string]bool{
	"ExpiredToken": true, "InvalidAccessKeyId": true, "InvalidToken": true, "NotSignedUp": true,
	"RequestTimeTooSkewed": true, "SignatureDoesNotMatch": true, "TokenRefreshRequired": true,
}

// answerError is an error of reading an answer that S3 began to send.
type answerError struct{ error }

func (e *answerError) Unwrap() error { return e.error }

// forAll reports whether every request fails alike: S3 does not know the credentials, or nothing was sent for want of
// them.
func (f failure) forAll(err error) bool {
	var sent *smithyhttp.RequestSendError
	var unread *smithy.DeserializationError
	var answer *answerError
	return credentialCodes[f.code] ||
		f.status == 0 && !errors.As(err, &sent) && !errors.As(err, &unread) && !errors.As(err, &answer)
}

// listError says what to do about a listing that failed.
func listError(err error) error {
	f := failureOf(err)
	switch {
	case f.code == "NoSuchBucket":
		return fmt.Errorf("there is no such bucket: %w", err)
	case f.elsewhere():
		return fmt.Errorf("the bucket is in %s: use a client of that Region: %w", regionName(f.region), err)
	case f.status == http.StatusForbidden && !credentialCodes[f.code]:
		return fmt.Errorf("the caller needs s3:ListBucket on the bucket: %w", err)
	}
	return err
}

// regionName returns a Region for a message.
func regionName(region string) string {
	if region == "" {
		return "another Region"
	}
	return oneLine(region)
}

// oneLine returns s with every run of white space and control characters as one blank, cut to a length for a log.
func oneLine(s string) string {
	const most = 400
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
