package wire

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/readset"
)

func TestInputs(t *testing.T) {
	t.Parallel()
	at := time.Unix(1, 0)
	sources := []Source{{SubjectID: "1"}, {SubjectID: "2", Name: "n"}}
	start := StartInput("store", "role", "token", len(sources), func(i int) Source { return sources[i] })
	require.Equal(t, []string{"store", "role", "token"}, []string{*start.SequenceStoreId, *start.RoleArn, *start.ClientToken})
	require.Equal(t, []types.StartReadSetImportJobSourceItem{sources[0].Item(), sources[1].Item()}, start.Sources)
	list := ListInput("store", at, "")
	require.Nil(t, list.NextToken, "an empty token is none")
	require.Equal(t, int32(PageSize), *list.MaxResults)
	require.Equal(t, at, *list.Filter.CreatedAfter)
	require.Equal(t, "page", *ListInput("store", at, "page").NextToken)
	sets := ListReadSetsInput("store", readset.Filter{SampleID: "s", CreatedAfter: at}, "page")
	require.Equal(t, []string{"store", "page", "s"}, []string{*sets.SequenceStoreId, *sets.NextToken, *sets.Filter.SampleId})
	require.Nil(t, sets.Filter.SubjectId)
}

func TestReadSetsFromList(t *testing.T) {
	t.Parallel()
	require.Empty(t, ReadSetsFromList("store", nil))
	got := ReadSetsFromList("store", []types.ReadSetListItem{{Id: aws.String("1")}, {Id: aws.String("2")}})
	require.Equal(t, []readset.ReadSet{{ID: "1", SequenceStoreID: "store"}, {ID: "2", SequenceStoreID: "store"}}, got)
}

func TestShape(t *testing.T) {
	t.Parallel()
	s := rules.Source{
		Type: types.FileTypeFastq, Source1: "1", Source2: "2", SubjectID: "subject", SampleID: "sample", Name: "name", Description: "text",
		GeneratedFrom: "origin", ReferenceARN: "arn", Tags: map[string]string{"k": "v"},
	}
	require.Equal(t, s, ShapeOf(s).Flat())
	require.Equal(t, "2", ShapeOf(s).SourceFiles.Source2)
}

func TestKnownStatus(t *testing.T) {
	t.Parallel()
	for _, status := range JobStatuses {
		require.True(t, KnownStatus(status))
	}
	require.False(t, KnownStatus(""))
	require.False(t, KnownStatus("RUNNING"))
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for want, tc := range map[string]struct {
		f     Failure
		kind  error
		local bool
	}{
		"Op: not sent: cause": {Failure{}, nil, true},
		"Op: too many requests: ThrottlingException: slow (status 429, request id r)": {
			Failure{Code: "ThrottlingException", Message: "slow", RequestID: "r", StatusCode: 429}, ErrThrottled, false,
		},
		"Op: invalid input: ValidationException (status 400)": {
			Failure{Code: "ValidationException", Message: "of sample x", StatusCode: 400}, ErrValidation, false,
		},
		"Op: redirects are refused (status 301)": {Failure{StatusCode: 301}, nil, false},
	} {
		require.Equal(t, want, tc.f.Describe("Op", tc.kind, tc.local, cause))
	}
}
