package wire

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// checked is what is to be said of the answer to one request.
func checked(t *testing.T, op, body string) error {
	t.Helper()
	const storeID, jobID = "1234567890", "9876543210"
	service := omicstest.New()
	service.Inject("", omicstest.Raw(200, http.Header{"Content-Type": {"application/json"}}, func() io.Reader { return strings.NewReader(body) }))
	api := service.Client()
	switch op {
	case omicstest.OpStart:
		out, err := api.StartReadSetImportJob(t.Context(), &omics.StartReadSetImportJobInput{
			SequenceStoreId: aws.String(storeID), RoleArn: aws.String("arn:r"), ClientToken: aws.String("token"), Sources: []types.StartReadSetImportJobSourceItem{},
		})
		require.NoError(t, err)
		return CheckStart(out, storeID)
	case omicstest.OpGet:
		out, err := api.GetReadSetImportJob(t.Context(), &omics.GetReadSetImportJobInput{SequenceStoreId: aws.String(storeID), Id: aws.String(jobID)})
		require.NoError(t, err)
		return CheckGet(out, storeID, jobID, 100)
	}
	out, err := api.ListReadSetImportJobs(t.Context(), &omics.ListReadSetImportJobsInput{SequenceStoreId: aws.String(storeID), NextToken: aws.String("page-token")})
	require.NoError(t, err)
	return CheckList(out, storeID, "page-token")
}

// answers are JSON bodies of status 200 that nobody should believe, with what one would believe first.
func TestAnswersNotCredible(t *testing.T) {
	job := func(id, store string, more ...string) string {
		return fmt.Sprintf(`{"id":%q,"sequenceStoreId":%q,"roleArn":"arn:r","status":"COMPLETED"%s}`, id, store, strings.Join(more, ""))
	}
	list := func(jobs ...string) string { return `{"importJobs":[` + strings.Join(jobs, ",") + `]}` }
	many := func(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	const jobID, store, other = "9876543210", "1234567890", "1234567891"
	source := `{"sourceFiles":{"source1":"s3://bucket/a"},"sourceFileType":"UBAM","status":"FINISHED","sampleId":"a","subjectId":"b","readSetId":"1234567890"}`
	for _, test := range []struct {
		name string
		op   string
		body string
		ok   bool
	}{
		{"a job", omicstest.OpStart, job(jobID, store), true},
		{"without its store", omicstest.OpStart, fmt.Sprintf(`{"id":%q}`, jobID), true},
		{"of 36 digits", omicstest.OpStart, job(strings.Repeat("7", 36), store), true},
		{"empty object", omicstest.OpStart, `{}`, false},
		{"null id", omicstest.OpStart, `{"id":null}`, false},
		{"empty id", omicstest.OpStart, job("", store), false},
		{"short id", omicstest.OpStart, job("123456789", store), false},
		{"long id", omicstest.OpStart, job(strings.Repeat("7", 37), store), false},
		{"a path", omicstest.OpStart, job("../../../../x", store), false},
		{"a query", omicstest.OpStart, job("1234567890?a=b", store), false},
		{"a line break", omicstest.OpStart, job("1234567890\n", store), false},
		{"other digits", omicstest.OpStart, job("１２３４５６７８９０", store), false},
		{"another store", omicstest.OpStart, job(jobID, other), false},
		{"a path as store", omicstest.OpStart, job(jobID, "../.."), false},

		{"the job", omicstest.OpGet, job(jobID, store), true},
		{"100 sources", omicstest.OpGet, job(jobID, store, `,"sources":[`+many(100, source)+`]`), true},
		{"101 sources", omicstest.OpGet, job(jobID, store, `,"sources":[`+many(101, source)+`]`), false},
		{"10,000 sources", omicstest.OpGet, job(jobID, store, `,"sources":[`+many(10_000, source)+`]`), false},
		{"another job", omicstest.OpGet, job("9876543211", store), false},
		{"no id", omicstest.OpGet, `{"status":"COMPLETED"}`, false},
		{"another store", omicstest.OpGet, job(jobID, other), false},

		{"no jobs", omicstest.OpList, list(), true},
		{"nothing", omicstest.OpList, `{}`, false},
		{"null", omicstest.OpList, `{"importJobs":null}`, false},
		{"100 jobs", omicstest.OpList, list(many(100, job(jobID, store))), true},
		{"101 jobs", omicstest.OpList, list(many(101, job(jobID, store))), false},
		{"a path among jobs", omicstest.OpList, list(job(jobID, store), job("../../x1234567", store)), false},
		{"a job of another store", omicstest.OpList, list(job(jobID, other)), false},
		{"another page", omicstest.OpList, `{"importJobs":[],"nextToken":"page-tokem"}`, true},
		{"the same page again", omicstest.OpList, `{"importJobs":[],"nextToken":"page-token"}`, false},
	} {
		t.Run(fmt.Sprintf("%s/%s", test.op, test.name), func(t *testing.T) {
			require.True(t, json.Valid([]byte(test.body)), test.body)
			err := checked(t, test.op, test.body)
			if test.ok {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ErrNotCredible)
		})
	}
	require.ErrorIs(t, checked(t, omicstest.OpList, `{}`), ErrNoList)
}
