package readsetimport

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

var testTarget = Target{SequenceStoreID: "1234567890", RoleARN: "arn:aws:iam::123456789012:role/import"}

func testSources(n int) []Source {
	out := make([]Source, n)
	for i := range out {
		out[i] = UBAM(fmt.Sprintf("s3://bucket/run/%07d.bam", i)).WithSubject(fmt.Sprintf("subject-%d", i/3)).WithSample(fmt.Sprintf("sample-%d", i))
	}
	return out
}

func newTestClient(t testing.TB, service *omicstest.Service, optFns ...func(*Options)) *Client {
	c, err := New(service.Client(), optFns...)
	require.NoError(t, err)
	return c
}

func TestImportSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			o.JobDuration = omicstest.Lasting(20 * time.Minute)
			o.MaxActiveJobs = 5
			o.RequestRate = 5
			o.Outcome = func(s omicstest.Source) omicstest.Outcome {
				if s.Source1 == "s3://bucket/run/0000017.bam" {
					return omicstest.Failed("File validation failed")
				}
				return omicstest.Outcome{}
			}
		})
		c := newTestClient(t, service)
		start := time.Now()
		report, err := c.Import(context.Background(), testTarget, testSources(1234))
		require.ErrorIs(t, err, ErrIncomplete)
		require.Len(t, report.Failed(), 1)
		require.Len(t, report.Imported(), 1233)
		fmt.Println(err, report.Failed()[0].Err, time.Since(start))
		for _, op := range []string{"StartReadSetImportJob", "GetReadSetImportJob", "ListReadSetImportJobs"} {
			fmt.Println(op, len(service.Requests(op)))
		}
		_ = types.FileTypeBam
	})
}
