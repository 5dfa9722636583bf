package wire

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/readset"
)

const store, setID = "1234567890", "2345678901"

func TestReadSets(t *testing.T) {
	t.Parallel()
	created := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	want := readset.ReadSet{
		ID: setID, SequenceStoreID: store, SubjectID: "subject", SampleID: "sample", Name: "name", ReferenceARN: "arn:x",
		GeneratedFrom: "run", Type: types.FileTypeBam, Status: types.ReadSetStatusActive, StatusMessage: "message",
		CreationType: types.CreationTypeImport, CreationTime: created, ETag1: "1", ETag2: "2",
		ETagAlgorithm: types.ETagAlgorithmBamMd5up, Reads: 10, Bases: 1500,
	}
	info := &types.SequenceInformation{GeneratedFrom: aws.String("run"), TotalReadCount: aws.Int64(10), TotalBaseCount: aws.Int64(1500)}
	etag := &types.ETag{Algorithm: types.ETagAlgorithmBamMd5up, Source1: aws.String("1"), Source2: aws.String("2")}
	require.Equal(t, want, ReadSetFromList(store, types.ReadSetListItem{
		Id: aws.String(setID), SubjectId: aws.String("subject"), SampleId: aws.String("sample"), Name: aws.String("name"),
		ReferenceArn: aws.String("arn:x"), FileType: types.FileTypeBam, Status: types.ReadSetStatusActive, StatusMessage: aws.String("message"),
		CreationType: types.CreationTypeImport, CreationTime: aws.Time(created), SequenceInformation: info, Etag: etag,
	}))
	require.Equal(t, want, ReadSetFromMetadata(store, &omics.GetReadSetMetadataOutput{
		Id: aws.String(setID), SubjectId: aws.String("subject"), SampleId: aws.String("sample"), Name: aws.String("name"),
		ReferenceArn: aws.String("arn:x"), FileType: types.FileTypeBam, Status: types.ReadSetStatusActive, StatusMessage: aws.String("message"),
		CreationType: types.CreationTypeImport, CreationTime: aws.Time(created), SequenceInformation: info, Etag: etag,
	}))
	require.Equal(t, readset.ReadSet{SequenceStoreID: store}, ReadSetFromList(store, types.ReadSetListItem{}), "an answer with nothing in it")
	require.Equal(t, &types.ReadSetFilter{}, ReadSetFilter(readset.Filter{}))
	require.Equal(t, &types.ReadSetFilter{
		SubjectId: aws.String("a"), SampleId: aws.String("b"), Name: aws.String("c"), ReferenceArn: aws.String("d"), GeneratedFrom: aws.String("e"),
		Status: types.ReadSetStatusActive, CreationType: types.CreationTypeUpload, CreatedAfter: aws.Time(created), CreatedBefore: aws.Time(created),
	}, ReadSetFilter(readset.Filter{
		SubjectID: "a", SampleID: "b", Name: "c", ReferenceARN: "d", GeneratedFrom: "e", Status: types.ReadSetStatusActive,
		CreationType: types.CreationTypeUpload, CreatedAfter: created, CreatedBefore: created,
	}))
}

func TestCheckReadSets(t *testing.T) {
	t.Parallel()
	item := func(store, id string) types.ReadSetListItem {
		return types.ReadSetListItem{Id: aws.String(id), SequenceStoreId: aws.String(store)}
	}
	for name, tc := range map[string]struct {
		out  *omics.ListReadSetsOutput
		want error
	}{
		"empty list":       {&omics.ListReadSetsOutput{ReadSets: []types.ReadSetListItem{}}, nil},
		"one":              {&omics.ListReadSetsOutput{ReadSets: []types.ReadSetListItem{item(store, setID)}, NextToken: aws.String("b")}, nil},
		"no store":         {&omics.ListReadSetsOutput{ReadSets: []types.ReadSetListItem{{Id: aws.String(setID)}}}, nil},
		"no list":          {&omics.ListReadSetsOutput{}, ErrNoList},
		"no id":            {&omics.ListReadSetsOutput{ReadSets: []types.ReadSetListItem{{}}}, ErrNotCredible},
		"another store":    {&omics.ListReadSetsOutput{ReadSets: []types.ReadSetListItem{item("9999999999", setID)}}, ErrNotCredible},
		"too many":         {&omics.ListReadSetsOutput{ReadSets: repeat(item(store, setID), 101)}, ErrNotCredible},
		"followed by self": {&omics.ListReadSetsOutput{ReadSets: []types.ReadSetListItem{}, NextToken: aws.String("a")}, ErrNotCredible},
	} {
		require.ErrorIs(t, CheckReadSets(tc.out, store, "a"), tc.want, name)
	}
	require.NoError(t, CheckMetadata(&omics.GetReadSetMetadataOutput{Id: aws.String(setID), SequenceStoreId: aws.String(store)}, store, setID))
	require.ErrorIs(t, CheckMetadata(&omics.GetReadSetMetadataOutput{Id: aws.String(setID)}, store, "3456789012"), ErrNotCredible)
	require.ErrorIs(t, CheckMetadata(&omics.GetReadSetMetadataOutput{Id: aws.String(setID), SequenceStoreId: aws.String("9999999999")}, store, setID), ErrNotCredible)
}

func repeat(item types.ReadSetListItem, n int) (all []types.ReadSetListItem) {
	for range n {
		all = append(all, item)
	}
	return all
}

func TestCompare(t *testing.T) {
	t.Parallel()
	sent := Source{SourceFileType: types.FileTypeBam, SubjectID: "subject", SampleID: "sample", ReferenceARN: "arn:x"}
	same := readset.ReadSet{
		ID: setID, Type: types.FileTypeBam, SubjectID: "subject", SampleID: "sample", ReferenceARN: "arn:x",
		Status: types.ReadSetStatusActive, CreationType: types.CreationTypeImport, ETag1: "1",
	}
	for name, tc := range map[string]struct {
		change func(*readset.ReadSet)
		want   []string
	}{
		"the same":          {func(*readset.ReadSet) {}, nil},
		"missing":           {func(s *readset.ReadSet) { *s = readset.ReadSet{} }, []string{Missing}},
		"deleted":           {func(s *readset.ReadSet) { s.Status = types.ReadSetStatusDeleted }, []string{Deleted}},
		"being deleted":     {func(s *readset.ReadSet) { s.Status = types.ReadSetStatusDeleting }, []string{Deleted}},
		"archived":          {func(s *readset.ReadSet) { s.Status = types.ReadSetStatusArchived }, []string{NotActive}},
		"unknown status":    {func(s *readset.ReadSet) { s.Status = "LOST" }, []string{NotActive}},
		"another type":      {func(s *readset.ReadSet) { s.Type = types.FileTypeCram }, []string{OtherSource}},
		"another person":    {func(s *readset.ReadSet) { s.SubjectID, s.SampleID = "x", "y" }, []string{OtherSource, OtherSource}},
		"another reference": {func(s *readset.ReadSet) { s.ReferenceARN = "" }, []string{OtherSource}},
		"uploaded":          {func(s *readset.ReadSet) { s.CreationType = types.CreationTypeUpload }, []string{Uploaded}},
		"one mate twice":    {func(s *readset.ReadSet) { s.ETag2 = "1" }, []string{SameMates}},
		"no ETags":          {func(s *readset.ReadSet) { s.ETag1 = "" }, nil},
	} {
		set := same
		tc.change(&set)
		var got []string
		for _, d := range Compare(sent, set) {
			got = append(got, d.Kind)
			require.NotEmpty(t, d.Detail)
			require.False(t, strings.Contains(d.Detail, "subject ") && strings.Contains(d.Detail, "sample "), "no ids of persons")
		}
		require.Equal(t, tc.want, got, name)
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	errWrong := errors.New("wrong")
	wrong := func(err error) error { return fmt.Errorf("%w: %w", errWrong, err) }
	collect := func(next map[string]string, most int) (items []string, asked int, err error) {
		for item, e := range Pages(func(token string) ([]string, string, error) {
			asked++
			return []string{"a" + token, "b" + token}, next[token], nil
		}, wrong) {
			if e != nil {
				err = e
				continue
			}
			if items = append(items, item); len(items) == most {
				break
			}
		}
		return items, asked, err
	}
	items, asked, err := collect(map[string]string{"": "1", "1": "2"}, -1)
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "a1", "b1", "a2", "b2"}, items)
	require.Equal(t, 3, asked)

	items, asked, err = collect(map[string]string{"": "1", "1": "2"}, 3)
	require.NoError(t, err)
	require.Len(t, items, 3)
	require.Equal(t, 2, asked, "no page is asked for before its items are wanted")

	_, asked, err = collect(map[string]string{"": "1", "1": "2", "2": "1"}, -1)
	require.ErrorIs(t, err, errWrong)
	require.ErrorIs(t, err, ErrNotCredible)
	require.Equal(t, 3, asked)

	errPage := errors.New("no page")
	for _, err := range Pages(func(string) ([]string, string, error) { return nil, "", errPage }, wrong) {
		require.Equal(t, errPage, err)
	}
}

func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	const completed, failed = types.ReadSetImportJobStatusCompleted, types.ReadSetImportJobStatusFailed
	for _, row := range []struct {
		job    types.ReadSetImportJobStatus
		source types.ReadSetImportJobItemStatus
		named  bool
		want   Outcome
	}{
		{completed, "FINISHED", true, Imported},
		{failed, "FINISHED", true, Imported},
		{completed, "FINISHED", false, Unclear},
		{completed, "FAILED", false, NotImported},
		{completed, "FAILED", true, Unclear},
		{failed, "NOT_STARTED", false, NotImported},
		{types.ReadSetImportJobStatusCancelled, "", false, NotImported},
		{completed, "IN_PROGRESS", false, Unclear},
		{failed, "IN_PROGRESS", true, Unclear},
		{failed, "ODD", false, Unclear},
	} {
		require.Equal(t, row.want, OutcomeOf(row.job, row.source, row.named), "%+v", row)
	}
	for _, row := range []struct {
		source types.ReadSetImportJobItemStatus
		id     string
		want   string
	}{
		{"FAILED", setID, `the source has status "FAILED" and a read set id, ` + setID},
		{"FINISHED", "", "the source is finished without a valid read set id"},
		{"", "", "its answer does not say what became of the source"},
		{"IN_PROGRESS", "", `the source still has status "IN_PROGRESS"`},
	} {
		require.Equal(t, row.want, Contradiction(row.source, row.id))
	}
}

func TestPlace(t *testing.T) {
	t.Parallel()
	const role = "arn:aws:iam::123456789012:role/import"
	client := func(endpoint string) *omics.Client {
		return omics.New(omics.Options{Region: "us-east-1", BaseEndpoint: aws.String(endpoint)})
	}
	require.Equal(t, journal.Place{Region: "us-east-1", Account: "123456789012"}, Place(role, client("https://omics.us-east-1.amazonaws.com"), nil))
	require.Equal(t, journal.Place{Region: "us-east-1", Endpoint: "omics.test:8080"}, Place("x", client("http://omics.test:8080"), nil))
	require.Equal(t, journal.Place{Region: "eu-west-1", Account: "123456789012"}, Place(role, client(""), []func(*omics.Options){
		func(o *omics.Options) { o.Region = "eu-west-1" },
	}))
	require.Equal(t, journal.Place{Account: "123456789012"}, Place(role, "no client", nil))
}

func TestParseEvent(t *testing.T) {
	t.Parallel()
	gotStore, job, status, err := ParseEvent([]byte(`{"source":"aws.omics","detail-type":"Read Set Import Job Status Change",` +
		`"detail":{"sequenceStoreId":"1234567890","id":"2345678901","status":"COMPLETED"}}`))
	require.NoError(t, err)
	require.Equal(t, []string{store, setID, "COMPLETED"}, []string{gotStore, job, string(status)})
	for _, text := range []string{"", "[]", `{"source":"aws.s3"}`, `{"source":"aws.omics","detail-type":"Read Set Status Change"}`} {
		_, _, _, err := ParseEvent([]byte(text))
		require.Error(t, err, text)
	}
}
