package omicstest_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// list returns the ids on all pages.
func list(t *testing.T, c *omics.Client, in omics.ListReadSetImportJobsInput) []string {
	t.Helper()
	in.SequenceStoreId = aws.String(store)
	var ids []string
	for pages := omics.NewListReadSetImportJobsPaginator(c, &in); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, j := range page.ImportJobs {
			ids = append(ids, *j.Id)
		}
	}
	return ids
}

func filter(status types.ReadSetImportJobStatus, after, before time.Time) omics.ListReadSetImportJobsInput {
	f := &types.ImportReadSetFilter{Status: status}
	if !after.IsZero() {
		f.CreatedAfter = &after
	}
	if !before.IsZero() {
		f.CreatedBefore = &before
	}
	return omics.ListReadSetImportJobsInput{Filter: f}
}

func TestListFilters(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(25 * time.Second)
	}, func(t *testing.T, _ *omicstest.Service, c *omics.Client) {
		began := time.Now()
		at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
		var ids []string // started at 0, 10, 20, 30 and 40 s; asked for at 50 s
		for range 5 {
			ids = append(ids, start(t, c, "", 1))
			time.Sleep(10 * time.Second)
		}
		tests := map[string]struct {
			in   omics.ListReadSetImportJobsInput
			want []int
		}{
			"all":                     {omics.ListReadSetImportJobsInput{}, []int{4, 3, 2, 1, 0}},
			"ended":                   {filter("COMPLETED", time.Time{}, time.Time{}), []int{2, 1, 0}},
			"under way":               {filter("IN_PROGRESS", time.Time{}, time.Time{}), []int{4, 3}},
			"none":                    {filter("FAILED", time.Time{}, time.Time{}), nil},
			"after, not at":           {filter("", at(20), time.Time{}), []int{4, 3}},
			"before, not at":          {filter("", time.Time{}, at(20)), []int{1, 0}},
			"between":                 {filter("", at(5), at(25)), []int{2, 1}},
			"between, ended":          {filter("COMPLETED", at(15), at(35)), []int{2}},
			"from the future":         {filter("", at(100), time.Time{}), nil},
			"empty span":              {filter("", at(30), at(10)), nil},
			"before the beginning":    {filter("", time.Time{}, at(-100)), nil},
			"since before everything": {filter("", at(-100), time.Time{}), []int{4, 3, 2, 1, 0}},
		}
		for name, test := range tests {
			for _, size := range []int32{0, 1, 2, 3, 5, 100} {
				in := test.in
				if size > 0 {
					in.MaxResults = aws.Int32(size)
				}
				var want []string
				for _, i := range test.want {
					want = append(want, ids[i])
				}
				require.Equal(t, want, list(t, c, in), "%s, %d to a page", name, size)
			}
		}
	})
}

func TestListPagesStayWhenJobsAreAdded(t *testing.T) {
	bubble(t, nil, func(t *testing.T, _ *omicstest.Service, c *omics.Client) {
		var ids []string
		for range 4 {
			ids = append(ids, start(t, c, "", 1))
		}
		in := &omics.ListReadSetImportJobsInput{SequenceStoreId: aws.String(store), MaxResults: aws.Int32(2)}
		first, err := c.ListReadSetImportJobs(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, []string{ids[3], ids[2]}, []string{*first.ImportJobs[0].Id, *first.ImportJobs[1].Id})
		start(t, c, "", 1)
		in.NextToken = first.NextToken
		second, err := c.ListReadSetImportJobs(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, []string{ids[1], ids[0]}, []string{*second.ImportJobs[0].Id, *second.ImportJobs[1].Id})
		require.Nil(t, second.NextToken)
	})
}

func TestPageSize(t *testing.T) {
	for size, pages := range map[int]int{0: 2, 30: 5, 1000: 2} {
		bubble(t, func(o *omicstest.Options) { o.PageSize = size },
			func(t *testing.T, service *omicstest.Service, c *omics.Client) {
				for range 150 {
					start(t, c, "", 1)
				}
				require.Len(t, list(t, c, omics.ListReadSetImportJobsInput{MaxResults: aws.Int32(100)}), 150)
				require.Len(t, service.Requests(omicstest.OpList), pages)
				require.Len(t, list(t, c, omics.ListReadSetImportJobsInput{}), 150)
				require.Len(t, service.Requests(omicstest.OpList), 2*pages)
			})
	}
}

func TestListRefusesStrangeTokens(t *testing.T) {
	bubble(t, func(o *omicstest.Options) { o.Stores = []string{store, "9999999999"} },
		func(t *testing.T, _ *omicstest.Service, c *omics.Client) {
			for range 3 {
				start(t, c, "", 1)
			}
			in := &omics.ListReadSetImportJobsInput{SequenceStoreId: aws.String(store), MaxResults: aws.Int32(1)}
			page, err := c.ListReadSetImportJobs(t.Context(), in)
			require.NoError(t, err)
			for name, in := range map[string]*omics.ListReadSetImportJobsInput{
				"not a token":    {SequenceStoreId: aws.String(store), NextToken: aws.String("not a token")},
				"changed":        {SequenceStoreId: aws.String(store), NextToken: aws.String("B" + (*page.NextToken)[1:])},
				"another store":  {SequenceStoreId: aws.String("9999999999"), NextToken: page.NextToken},
				"another filter": {SequenceStoreId: aws.String(store), NextToken: page.NextToken, Filter: filter("FAILED", time.Time{}, time.Time{}).Filter},
			} {
				_, err := c.ListReadSetImportJobs(t.Context(), in)
				require.Error(t, err, name)
				require.Equal(t, "ValidationException", code(t, err), name)
			}
		})
}

func TestListLag(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.ListLag = time.Minute
		o.JobDuration = omicstest.FixedDuration(10 * time.Second)
	}, func(t *testing.T, _ *omicstest.Service, c *omics.Client) {
		id := start(t, c, "", 1)
		time.Sleep(time.Minute - time.Millisecond)
		require.Empty(t, list(t, c, omics.ListReadSetImportJobsInput{}))
		out, err := get(t.Context(), c, id)
		require.NoError(t, err)
		require.EqualValues(t, "COMPLETED", out.Status)
		time.Sleep(time.Millisecond)
		require.Equal(t, []string{id}, list(t, c, filter("SUBMITTED", time.Time{}, time.Time{})))
		time.Sleep(10 * time.Second)
		require.Equal(t, []string{id}, list(t, c, filter("COMPLETED", time.Time{}, time.Time{})))
	})
}

// TestListAmongExpired lists after many jobs whose records expired, some of them in the middle.
func TestListAmongExpired(t *testing.T) {
	for _, discard := range []bool{false, true} {
		bubble(t, func(o *omicstest.Options) {
			o.JobRetention, o.DiscardExpired = time.Second, discard
			o.JobDuration = func(j omicstest.Job) time.Duration {
				n, _ := strconv.Atoi(j.ClientToken)
				return time.Duration(n%3) * time.Hour
			}
		}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
			var want []string
			for i := range 30 {
				id := start(t, c, strconv.Itoa(i), 2)
				if i%3 == 2 {
					want = append([]string{id}, want...)
				}
			}
			time.Sleep(time.Hour + 10*time.Minute)
			require.Equal(t, want, list(t, c, omics.ListReadSetImportJobsInput{MaxResults: aws.Int32(3)}))
			require.Equal(t, 50, service.CountReadSets(store)) // the jobs of two hours are half done: one of two sources
			time.Sleep(time.Hour)
			require.Empty(t, list(t, c, omics.ListReadSetImportJobsInput{}))
			require.Equal(t, 60, service.CountReadSets(store))
		})
	}
}
