package rules

import (
	"strings"
	"unicode/utf8"
)

var (
	noURI     = Fault{Required, "is required: s3://bucket/key"}
	notS3     = Fault{Pattern, "must be s3://bucket/key"}
	notBucket = Fault{Pattern, "must name a bucket of 3 to 63 lower-case letters, digits, hyphens and dots, a letter or digit first and last"}
	noKey     = Fault{Pattern, "must name an object: s3://bucket/key"}
	longKey   = Fault{Length, "must have a key of at most 1024 characters"}
	lineInKey = Fault{Pattern, "must have no line break in its key"}
)

// S3URI checks the URI of an object: ^s3://([a-z0-9][a-z0-9-.]{1,61}[a-z0-9])/(.{1,1024})$ of the service model, fault
// by fault.
func S3URI(uri string) *Fault {
	if uri == "" {
		return &noURI
	}
	rest, isS3 := strings.CutPrefix(uri, "s3://")
	bucket, key, _ := strings.Cut(rest, "/")
	switch {
	case isS3 && isBucket(bucket) && isPrintable(key, 1, 1024):
		return nil
	case !utf8.ValidString(uri):
		return &notUTF8
	case !isS3:
		return &notS3
	case !isBucket(bucket):
		return &notBucket
	case key == "":
		return &noKey
	case !within(key, 1, 1024):
		return &longKey
	case !singleLine(key):
		return &lineInKey
	}
	return nil
}

func isBucket(bucket string) bool {
	if len(bucket) < 3 || len(bucket) > 63 {
		return false
	}
	for i := range len(bucket) {
		if !bucketASCII[bucket[i]] {
			return false
		}
	}
	first, last := bucket[0], bucket[len(bucket)-1]
	return first != '-' && first != '.' && last != '-' && last != '.'
}

// bucketASCII has the characters of the names of buckets.
var bucketASCII = setOf("abcdefghijklmnopqrstuvwxyz0123456789-.")

// RoleARN checks the ARN of a role.
func RoleARN(arn string) *Fault {
	switch {
	case !utf8.ValidString(arn):
		return &notUTF8
	case !strings.HasPrefix(arn, "arn:") || !singleLine(arn):
		return Allowed(arn, Pattern, "the ARN of the service role, like arn:aws:iam::123456789012:role/NAME")
	case !within(arn, 20, 2048):
		return fault(Length, "must have 20 to 2048 characters")
	}
	return nil
}

// ReferenceForm is the form of a reference's ARN.
const ReferenceForm = "arn:PARTITION:omics:REGION:ACCOUNT:referenceStore/ID/reference/ID"

// ReferenceARN checks the ARN of a reference. The service model takes every ARN of up to 127 characters, ^arn:.+$; for
// aligned reads it must be that of a reference in a reference store, as the user guide says.
func ReferenceARN(arn string, aligned bool) *Fault {
	switch {
	case isPrintable(arn, 1, 127) && isReferenceARN(arn):
		return nil
	case arn == "":
		return fault(Required, "is required: "+ReferenceForm)
	case !utf8.ValidString(arn):
		return &notUTF8
	case !within(arn, 1, 127):
		return fault(Length, "must have at most 127 characters")
	case aligned && !(isReferenceARN(arn) && isText(arn)):
		return fault(Pattern, "must be "+ReferenceForm)
	case !strings.HasPrefix(arn, "arn:") || arn == "arn:" || !singleLine(arn):
		return fault(Pattern, "must be an ARN, like "+ReferenceForm)
	}
	return nil
}

func isReferenceARN(arn string) bool {
	rest, isARN := strings.CutPrefix(arn, "arn:")
	partition, rest, _ := strings.Cut(rest, ":")
	rest, isOmics := strings.CutPrefix(rest, "omics:")
	region, rest, _ := strings.Cut(rest, ":")
	account, rest, _ := strings.Cut(rest, ":")
	if !isARN || partition == "" || !isOmics || region == "" || !IsAccount(account) {
		return false
	}
	rest, inStore := strings.CutPrefix(rest, "referenceStore/")
	store, rest, _ := strings.Cut(rest, "/")
	reference, isReference := strings.CutPrefix(rest, "reference/")
	return inStore && IsID(store) && isReference && IsID(reference)
}
