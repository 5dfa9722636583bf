package omicstest_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// calls makes one request of each operation.
func calls(t *testing.T, c *omics.Client) map[string]func() error {
	return map[string]func() error{
		omicstest.OpStart: func() error {
			_, err := c.StartReadSetImportJob(t.Context(), input("", 1))
			return err
		},
		omicstest.OpGet: func() error {
			_, err := get(t.Context(), c, "1000000000")
			return err
		},
		omicstest.OpList: func() error {
			_, err := c.ListReadSetImportJobs(t.Context(), &omics.ListReadSetImportJobsInput{SequenceStoreId: aws.String(store)})
			return err
		},
		omicstest.OpListReadSets: func() error {
			_, err := c.ListReadSets(t.Context(), &omics.ListReadSetsInput{SequenceStoreId: aws.String(store)})
			return err
		},
		omicstest.OpGetReadSetMetadata: func() error {
			_, err := metadata(t, c, "1000000000")
			return err
		},
		omicstest.OpGetSequenceStore: func() error {
			_, err := c.GetSequenceStore(t.Context(), &omics.GetSequenceStoreInput{Id: aws.String(store)})
			return err
		},
	}
}

// TestErrorAnswers holds every error answer against the SDK's own type, for every operation.
func TestErrorAnswers(t *testing.T) {
	is := func(target any) func(*testing.T, error) {
		return func(t *testing.T, err error) { require.ErrorAs(t, err, target) }
	}
	hasCode := func(want string) func(*testing.T, error) {
		return func(t *testing.T, err error) { require.Equal(t, want, code(t, err)) }
	}
	for name, test := range map[string]struct {
		fault  omicstest.Fault
		status int
		check  func(*testing.T, error)
	}{
		"validation":      {omicstest.Validation(), 400, is(new(*types.ValidationException))},
		"quota exceeded":  {omicstest.QuotaExceeded(), 402, hasCode("ServiceQuotaExceededException")},
		"access denied":   {omicstest.AccessDenied(), 403, is(new(*types.AccessDeniedException))},
		"expired token":   {omicstest.ExpiredToken(), 403, hasCode("ExpiredTokenException")},
		"not found":       {omicstest.NotFound(), 404, is(new(*types.ResourceNotFoundException))},
		"request timeout": {omicstest.RequestTimeout(), 408, is(new(*types.RequestTimeoutException))},
		"throttled":       {omicstest.Throttled(), 429, is(new(*types.ThrottlingException))},
		"internal":        {omicstest.Internal(), 500, is(new(*types.InternalServerException))},
		"unavailable":     {omicstest.Unavailable(), 503, hasCode("")},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nil, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
				for op, call := range calls(t, c) {
					service.Inject(op, test.fault, test.fault.WithMessage("in other words"))
					err := call()
					var response *awshttp.ResponseError
					require.ErrorAs(t, err, &response, op)
					require.Equal(t, test.status, response.HTTPStatusCode(), op)
					if name != "unavailable" {
						test.check(t, err)
						require.ErrorContains(t, call(), "in other words")
					} else {
						require.Error(t, call())
					}
				}
				require.Empty(t, service.Unused())
				require.Empty(t, service.Jobs(store))
			})
		})
	}
	var quota *types.ServiceQuotaExceededException // a type of Start only
	service := omicstest.New()
	service.Inject(omicstest.OpStart, omicstest.QuotaExceeded())
	_, err := service.Client().StartReadSetImportJob(t.Context(), input("", 1))
	require.ErrorAs(t, err, &quota)
}

// TestBrokenAnswers breaks the answers about read sets.
func TestBrokenAnswers(t *testing.T) {
	bubble(t, nil, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		for _, fault := range []omicstest.Fault{
			omicstest.DropBefore(), omicstest.DropAfter(), omicstest.Truncate(), omicstest.Reset(), omicstest.HTML(502),
		} {
			for _, op := range []string{omicstest.OpListReadSets, omicstest.OpGetSequenceStore} {
				service.Inject(op, fault)
				require.Error(t, calls(t, c)[op]())
				require.NoError(t, calls(t, c)[op](), "the next one passes")
			}
		}
		require.Empty(t, service.Unused())
	})
}

func TestUnused(t *testing.T) {
	bubble(t, nil, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		require.Empty(t, service.Unused())
		service.Inject(omicstest.OpGet, omicstest.Status(500, "A", ""), omicstest.Fault{}, omicstest.Status(500, "B", ""))
		service.Inject("", omicstest.Status(500, "C", ""))
		want := map[string][]omicstest.Fault{
			omicstest.OpGet: {{Status: 500, Type: "A"}, {}, {Status: 500, Type: "B"}},
			"":              {{Status: 500, Type: "C"}},
		}
		require.Equal(t, want, service.Unused())
		service.Unused()[omicstest.OpGet][0].Type = "changed by the caller"

		require.Equal(t, "A", code(t, calls(t, c)[omicstest.OpGet]()))
		want[omicstest.OpGet] = want[omicstest.OpGet][1:]
		require.Equal(t, want, service.Unused())
		require.Error(t, calls(t, c)[omicstest.OpListReadSets]())
		delete(want, "")
		require.Equal(t, want, service.Unused())
		require.Error(t, calls(t, c)[omicstest.OpGet]())
		require.Error(t, calls(t, c)[omicstest.OpGet]())
		require.Empty(t, service.Unused())
	})
}
