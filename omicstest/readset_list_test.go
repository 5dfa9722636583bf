package omicstest_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// readSets returns the read sets on all pages of size, or of the default size for 0.
func readSets(t *testing.T, c *omics.Client, filter *types.ReadSetFilter, size int32) []types.ReadSetListItem {
	t.Helper()
	in := &omics.ListReadSetsInput{SequenceStoreId: aws.String(store), Filter: filter}
	if size > 0 {
		in.MaxResults = aws.Int32(size)
	}
	var sets []types.ReadSetListItem
	for pages := omics.NewListReadSetsPaginator(c, in); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		if size > 0 {
			require.LessOrEqual(t, len(page.ReadSets), int(size))
		}
		sets = append(sets, page.ReadSets...)
	}
	return sets
}

func readSetIDs(sets []types.ReadSetListItem) []string {
	var ids []string
	for _, s := range sets {
		ids = append(ids, *s.Id)
	}
	return ids
}

// started starts a job as another program and returns it.
func started(t *testing.T, service *omicstest.Service, sources ...omicstest.Source) omicstest.Job {
	t.Helper()
	job, err := service.StartJob(store, role, sources...)
	require.NoError(t, err)
	return job
}

// ubams returns n sources.
func ubams(n int) []omicstest.Source {
	var list []omicstest.Source
	for i := range n {
		name := string(rune('a'+i/26)) + string(rune('a'+i%26))
		list = append(list, omicstest.Source{
			Type: types.FileTypeUbam, Source1: "s3://lab/" + name + ".bam", SubjectID: "subject", SampleID: name,
		})
	}
	return list
}

const (
	reference1 = "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1111111111"
	reference2 = "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/2222222222"
)

func TestListReadSetsFilters(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(0)
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		began := time.Now()
		at := func(seconds int) *time.Time { return aws.Time(began.Add(time.Duration(seconds) * time.Second)) }
		var ids []string // created at 0, 10, 20, 30, 40 and 50 s
		for _, source := range []omicstest.Source{
			{Type: "FASTQ", Source1: "s3://lab/a", SubjectID: "S1", SampleID: "X1", Name: "a", GeneratedFrom: "lab"},
			{Type: "BAM", Source1: "s3://lab/b", SubjectID: "S1", SampleID: "X2", Name: "b", ReferenceARN: reference1},
			{Type: "CRAM", Source1: "s3://lab/c", SubjectID: "S2", SampleID: "X1", Name: "a", ReferenceARN: reference2},
		} {
			started(t, service, source)
			ids = append(ids, service.ReadSets(store)[len(ids)].ID)
			time.Sleep(10 * time.Second)
		}
		for _, upload := range []omicstest.Upload{
			{Source: omicstest.Source{Type: "FASTQ", SubjectID: "S1", SampleID: "X1", Name: "a", GeneratedFrom: "lab"}, Duration: time.Hour},
			{Source: omicstest.Source{Type: "FASTQ", Name: "A"}, Failure: "Checksums differ"},
			{Source: omicstest.Source{Type: "BAM", SampleID: "x1", ReferenceARN: reference1}},
		} {
			id, err := service.Upload(store, upload)
			require.NoError(t, err)
			ids = append(ids, id)
			time.Sleep(10 * time.Second)
		}
		require.NoError(t, service.SetReadSetStatus(ids[0], types.ReadSetStatusArchived, ""))
		require.NoError(t, service.DeleteReadSet(ids[1]))

		tests := map[string]struct {
			filter *types.ReadSetFilter
			want   []int
		}{
			"all":                      {nil, []int{5, 4, 3, 2, 1, 0}},
			"empty filter":             {&types.ReadSetFilter{}, []int{5, 4, 3, 2, 1, 0}},
			"name":                     {&types.ReadSetFilter{Name: aws.String("a")}, []int{3, 2, 0}},
			"name has a case":          {&types.ReadSetFilter{Name: aws.String("A")}, []int{4}},
			"name is no prefix":        {&types.ReadSetFilter{Name: aws.String("aa")}, nil},
			"active":                   {&types.ReadSetFilter{Status: "ACTIVE"}, []int{5, 2}},
			"archived":                 {&types.ReadSetFilter{Status: "ARCHIVED"}, []int{0}},
			"deleted":                  {&types.ReadSetFilter{Status: "DELETED"}, []int{1}},
			"activating":               {&types.ReadSetFilter{Status: "ACTIVATING"}, nil},
			"uploading":                {&types.ReadSetFilter{Status: "PROCESSING_UPLOAD"}, []int{3}},
			"upload failed":            {&types.ReadSetFilter{Status: "UPLOAD_FAILED"}, []int{4}},
			"reference":                {&types.ReadSetFilter{ReferenceArn: aws.String(reference1)}, []int{5, 1}},
			"another reference":        {&types.ReadSetFilter{ReferenceArn: aws.String("arn:x")}, nil},
			"no reference":             {&types.ReadSetFilter{ReferenceArn: aws.String("")}, []int{4, 3, 0}},
			"sample":                   {&types.ReadSetFilter{SampleId: aws.String("X1")}, []int{3, 2, 0}},
			"subject":                  {&types.ReadSetFilter{SubjectId: aws.String("S1")}, []int{3, 1, 0}},
			"generated from":           {&types.ReadSetFilter{GeneratedFrom: aws.String("lab")}, []int{3, 0}},
			"imports":                  {&types.ReadSetFilter{CreationType: "IMPORT"}, []int{2, 1, 0}},
			"uploads":                  {&types.ReadSetFilter{CreationType: "UPLOAD"}, []int{5, 4, 3}},
			"after, not at":            {&types.ReadSetFilter{CreatedAfter: at(20)}, []int{5, 4, 3}},
			"before, not at":           {&types.ReadSetFilter{CreatedBefore: at(20)}, []int{1, 0}},
			"between":                  {&types.ReadSetFilter{CreatedAfter: at(5), CreatedBefore: at(35)}, []int{3, 2, 1}},
			"empty span":               {&types.ReadSetFilter{CreatedAfter: at(30), CreatedBefore: at(10)}, nil},
			"sample and subject":       {&types.ReadSetFilter{SampleId: aws.String("X1"), SubjectId: aws.String("S1")}, []int{3, 0}},
			"sample, subject and time": {&types.ReadSetFilter{SampleId: aws.String("X1"), SubjectId: aws.String("S1"), CreatedAfter: at(0)}, []int{3}},
			"all fields": {&types.ReadSetFilter{
				Name: aws.String("b"), Status: "DELETED", ReferenceArn: aws.String(reference1), SampleId: aws.String("X2"),
				SubjectId: aws.String("S1"), CreationType: "IMPORT", CreatedAfter: at(9), CreatedBefore: at(11),
			}, []int{1}},
		}
		for name, test := range tests {
			for _, size := range []int32{0, 1, 2, 3, 6, 100} {
				var want []string
				for _, i := range test.want {
					want = append(want, ids[i])
				}
				require.Equal(t, want, readSetIDs(readSets(t, c, test.filter, size)), "%s, %d to a page", name, size)
			}
		}
	})
}

func TestListReadSetsPages(t *testing.T) {
	for size, pages := range map[int]int{0: 3, 40: 7, 1000: 3} {
		bubble(t, func(o *omicstest.Options) { o.PageSize = size },
			func(t *testing.T, service *omicstest.Service, c *omics.Client) {
				for range 5 {
					started(t, service, ubams(50)...)
				}
				time.Sleep(time.Minute)
				ids := readSetIDs(readSets(t, c, nil, 100))
				require.Len(t, service.Requests(omicstest.OpListReadSets), pages)
				var want []string
				for _, s := range service.ReadSets(store) {
					want = append(want, s.ID)
				}
				require.ElementsMatch(t, want, ids)
				require.Len(t, ids, 250)
				require.Equal(t, ids, readSetIDs(readSets(t, c, nil, 0)))
				require.Len(t, service.Requests(omicstest.OpListReadSets), 2*pages)
			})
	}
}

// TestListReadSetsPagesStay lists while jobs create read sets and others are deleted: a page continues where the one
// before ended.
func TestListReadSetsPagesStay(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(100 * time.Second)
		o.DeletedRetention = -1
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		started(t, service, ubams(9)...) // one in 10 s each, from 20 s on
		time.Sleep(50 * time.Second)
		started(t, service, ubams(9)...)
		created := service.ReadSets(store)
		require.Len(t, created, 4)

		in := &omics.ListReadSetsInput{SequenceStoreId: aws.String(store), MaxResults: aws.Int32(2)}
		first, err := c.ListReadSets(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, []string{created[3].ID, created[2].ID}, readSetIDs(first.ReadSets))
		time.Sleep(time.Hour)
		require.NoError(t, service.DeleteReadSet(created[2].ID)) // the one that the token names
		require.NoError(t, service.DeleteReadSet(created[1].ID))
		in.NextToken = first.NextToken
		second, err := c.ListReadSets(t.Context(), in)
		require.NoError(t, err)
		require.Equal(t, []string{created[0].ID}, readSetIDs(second.ReadSets))
		require.Nil(t, second.NextToken)

		all := readSets(t, c, nil, 5)
		require.Len(t, all, 16)
		require.True(t, slices.IsSortedFunc(all, func(a, b types.ReadSetListItem) int { return b.CreationTime.Compare(*a.CreationTime) }))
	})
}

func TestScanSize(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.ScanSize = 10
		o.JobDuration = omicstest.FixedDuration(0)
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		for range 25 {
			started(t, service, ubams(2)...)
		}
		sample := &types.ReadSetFilter{SampleId: aws.String("ab")}
		in := &omics.ListReadSetsInput{SequenceStoreId: aws.String(store), Filter: sample}
		page, err := c.ListReadSets(t.Context(), in)
		require.NoError(t, err)
		require.Len(t, page.ReadSets, 5)
		require.NotNil(t, page.NextToken)
		require.Len(t, readSets(t, c, sample, 0), 25)
		require.Len(t, readSets(t, c, sample, 3), 25)
		require.Len(t, readSets(t, c, nil, 0), 50)
		require.Len(t, service.Requests(omicstest.OpListReadSets), 1+5+9+5)

		in.Filter = &types.ReadSetFilter{SampleId: aws.String("none")}
		page, err = c.ListReadSets(t.Context(), in)
		require.NoError(t, err)
		require.Empty(t, page.ReadSets)
		require.NotNil(t, page.NextToken)
		require.Empty(t, readSets(t, c, in.Filter, 0))

		require.Len(t, list(t, c, omics.ListReadSetImportJobsInput{}), 25)
		require.Len(t, service.Requests(omicstest.OpList), 3)
		require.Empty(t, list(t, c, filter("FAILED", time.Time{}, time.Time{})))
		require.Len(t, service.Requests(omicstest.OpList), 6)
	})
}

func TestListReadSetsRefusesStrangeTokens(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.Stores = []string{store, "9999999999"}
		o.JobDuration = omicstest.FixedDuration(0)
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		started(t, service, ubams(3)...)
		started(t, service, ubams(3)...)
		page, err := c.ListReadSets(t.Context(), &omics.ListReadSetsInput{SequenceStoreId: aws.String(store), MaxResults: aws.Int32(1)})
		require.NoError(t, err)
		token := page.NextToken
		jobs, err := c.ListReadSetImportJobs(t.Context(),
			&omics.ListReadSetImportJobsInput{SequenceStoreId: aws.String(store), MaxResults: aws.Int32(1)})
		require.NoError(t, err)
		for name, in := range map[string]*omics.ListReadSetsInput{
			"garbage":           {SequenceStoreId: aws.String(store), NextToken: aws.String("garbage")},
			"base64":            {SequenceStoreId: aws.String(store), NextToken: aws.String("AAAAAAAAAAAAAAAAAAAAAA")},
			"changed":           {SequenceStoreId: aws.String(store), NextToken: aws.String("B" + (*token)[1:])},
			"cut":               {SequenceStoreId: aws.String(store), NextToken: aws.String((*token)[1:])},
			"of a list of jobs": {SequenceStoreId: aws.String(store), NextToken: jobs.NextToken},
			"another store":     {SequenceStoreId: aws.String("9999999999"), NextToken: token},
			"another filter":    {SequenceStoreId: aws.String(store), NextToken: token, Filter: &types.ReadSetFilter{Name: aws.String("a")}},
		} {
			_, err := c.ListReadSets(t.Context(), in)
			require.Error(t, err, name)
			require.Equal(t, "ValidationException", code(t, err), name)
		}
		_, err = c.ListReadSetImportJobs(t.Context(), &omics.ListReadSetImportJobsInput{SequenceStoreId: aws.String(store), NextToken: token})
		require.Equal(t, "ValidationException", code(t, err), "a token of read sets for jobs")
		_, err = c.ListReadSets(t.Context(), &omics.ListReadSetsInput{SequenceStoreId: aws.String(store), NextToken: token, MaxResults: aws.Int32(50)})
		require.NoError(t, err, "another size is no other list")
	})
}

// The filter fields that a token is bound to must not be mixed up.
func TestTokensOfSimilarFilters(t *testing.T) {
	service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(0) })
	sources := ubams(4)
	for i := range sources {
		sources[i].SampleID, sources[i].SubjectID = "same", "same"
		sources[i].Name, sources[i].GeneratedFrom = "same", "same"
	}
	started(t, service, sources...)
	filters := []*types.ReadSetFilter{
		{},
		{Name: aws.String("same")},
		{SampleId: aws.String("same")},
		{SubjectId: aws.String("same")},
		{GeneratedFrom: aws.String("same")},
		{ReferenceArn: aws.String("")},
		{Status: "ACTIVE"},
		{CreationType: "IMPORT"},
		{CreatedAfter: aws.Time(time.Unix(0, 0))},
		{CreatedBefore: aws.Time(time.Now().Add(time.Hour))},
	}
	c := service.Client()
	for i, of := range filters {
		page, err := c.ListReadSets(t.Context(), &omics.ListReadSetsInput{SequenceStoreId: aws.String(store), Filter: of, MaxResults: aws.Int32(2)})
		require.NoError(t, err)
		require.NotNil(t, page.NextToken)
		for k, with := range filters {
			rest, err := c.ListReadSets(t.Context(), &omics.ListReadSetsInput{SequenceStoreId: aws.String(store), Filter: with, NextToken: page.NextToken})
			if i == k {
				require.NoError(t, err)
				require.Len(t, rest.ReadSets, 2)
			} else {
				require.Equal(t, "ValidationException", code(t, err), "%d with %d", i, k)
			}
		}
	}
}

func TestReadSetListLag(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.ReadSetListLag = time.Minute
		o.JobDuration = omicstest.FixedDuration(0)
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		started(t, service, ubams(1)...)
		id := service.ReadSets(store)[0].ID
		time.Sleep(time.Minute - time.Millisecond)
		require.Empty(t, readSets(t, c, nil, 0))
		require.Len(t, list(t, c, omics.ListReadSetImportJobsInput{}), 1, "jobs have a lag of their own")
		_, err := metadata(t, c, id)
		require.NoError(t, err)
		time.Sleep(time.Millisecond)
		require.Equal(t, []string{id}, readSetIDs(readSets(t, c, nil, 0)))

		require.NoError(t, service.DeleteReadSet(id))
		require.EqualValues(t, "ACTIVE", readSets(t, c, nil, 0)[0].Status)
		require.Empty(t, readSets(t, c, &types.ReadSetFilter{Status: "DELETED"}, 0))
		out, err := metadata(t, c, id)
		require.NoError(t, err)
		require.EqualValues(t, "DELETED", out.Status)
		time.Sleep(time.Minute)
		require.EqualValues(t, "DELETED", readSets(t, c, nil, 0)[0].Status)
	})
}
