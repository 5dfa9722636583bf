package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/cells"
	"github.com/readsetimport/readsetimport/manifest"
	"github.com/readsetimport/readsetimport/s3files"
)

// bucket is how the files are reached, and the Region that they must be in; empty for a simulated store.
type bucket struct {
	api    s3files.API
	region string
}

// openBucket uses the credentials, the Region and the endpoint of the AWS environment. At an endpoint of its own, buckets are
// folders.
func openBucket(ctx context.Context, f flags) (bucket, error) {
	if f.prefix == "" && f.check == "" {
		return bucket{}, nil
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	b := bucket{api: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })}
	if !f.simulated {
		b.region = cfg.Region
	}
	return b, err
}

// noSource is the finding that a file with reads cannot be imported as it is, so that it is in no source.
const noSource = s3files.Code("no-source")

// findSources finds the sources under the prefix. Files of which none can be made are problems if there is a check, and an
// error if there is not.
func findSources(ctx context.Context, f flags, b bucket, stderr io.Writer) (sources []readsetimport.Source, problems []s3files.Problem, err error) {
	skipped := make(map[s3files.SkipReason]int)
	unknown := "" // the first of the files that nobody knows what to do with
	for s, err := range s3files.Sources(ctx, b.api, f.prefix, func(o *s3files.Options) {
		o.Pattern = f.pattern
		o.ReferenceARN = f.reference
		o.OnSkip = func(s s3files.Skipped) {
			skipped[s.Reason]++
			switch s.Reason {
			case s3files.SkipUnknown:
				unknown = cmp.Or(unknown, s.File.URI())
			case s3files.SkipInvalid:
				problems = append(problems, s3files.Problem{Severity: s3files.SeverityError, Code: noSource, File: s.File.URI(), Detail: asFlags.Replace(s.Detail)})
			}
		}
	}) {
		if err == nil {
			sources = append(sources, s)
			continue
		}
		if err = listingError(err, f.check != ""); err != nil {
			return nil, nil, err
		}
	}
	fmt.Fprintf(stderr, "%s: %d read sets%s\n", f.prefix, len(sources), listSkipped(skipped))
	if unknown != "" {
		fmt.Fprintf(stderr, "neither reads nor anything that goes with them: %d, the first is %s\n", skipped[s3files.SkipUnknown], cells.Printable(unknown))
	}
	if len(sources)+len(problems) == 0 {
		return nil, nil, fmt.Errorf("no read sets are under %s", f.prefix)
	}
	return sources, problems, writeSheet(f, sources, stderr)
}

// listingError returns what keeps the program from going on when a listing has ended with an error, which is not that files
// cannot be imported if the check is to report them.
func listingError(err error, checked bool) error {
	var invalid *s3files.Error
	switch {
	case !errors.As(err, &invalid):
		return &failedError{err}
	case invalid.Err != nil:
		return &failedError{invalid.Err}
	case checked:
		return nil
	}
	return errors.New(asFlags.Replace(err.Error()))
}

// asFlags calls options of package s3files as the flags that set them.
var asFlags = strings.NewReplacer("Options.Pattern or Options.IDs", "-pattern", "Options.Pattern", "-pattern", "Options.ReferenceARN", "-reference")

// listSkipped says how many files of which kind are in no source.
func listSkipped(skipped map[s3files.SkipReason]int) string {
	if len(skipped) == 0 {
		return ""
	}
	var parts []string
	for reason, n := range skipped {
		parts = append(parts, fmt.Sprintf("%s %d", reason, n))
	}
	slices.Sort(parts)
	return "; left out: " + strings.Join(parts, ", ")
}

// writeSheet keeps what was found as a sheet.
func writeSheet(f flags, sources []readsetimport.Source, stderr io.Writer) error {
	if f.write == "" {
		return nil
	}
	out, err := create(f.write, stderr)
	if err != nil {
		return err
	}
	err = manifest.Write(out.file, manifest.Format(extension(f.write)), slices.Values(sources))
	if err = errors.Join(err, out.file.Close()); err != nil {
		return &failedError{fmt.Errorf("%s is not complete: %w", f.write, err)}
	}
	return nil
}

// extension returns what a file's name ends in, without the dot.
func extension(path string) string { return strings.TrimPrefix(filepath.Ext(path), ".") }
