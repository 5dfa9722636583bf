package wire

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/readset"
)

// ReadSetFromList returns the read set of an item of a list.
func ReadSetFromList(storeID string, item types.ReadSetListItem) readset.ReadSet {
	s := readset.ReadSet{
		ID: aws.ToString(item.Id), SequenceStoreID: storeID,
		SubjectID: aws.ToString(item.SubjectId), SampleID: aws.ToString(item.SampleId), Name: aws.ToString(item.Name),
		ReferenceARN: aws.ToString(item.ReferenceArn), Type: item.FileType, Status: item.Status,
		StatusMessage: aws.ToString(item.StatusMessage), CreationType: item.CreationType, CreationTime: aws.ToTime(item.CreationTime),
	}
	describe(&s, item.SequenceInformation, item.Etag)
	return s
}

// ReadSetsFromList returns the read sets of a list.
func ReadSetsFromList(storeID string, items []types.ReadSetListItem) []readset.ReadSet {
	out := make([]readset.ReadSet, len(items))
	for i, item := range items {
		out[i] = ReadSetFromList(storeID, item)
	}
	return out
}

// ReadSetFromMetadata returns the read set that an answer describes.
func ReadSetFromMetadata(storeID string, out *omics.GetReadSetMetadataOutput) readset.ReadSet {
	s := readset.ReadSet{
		ID: aws.ToString(out.Id), SequenceStoreID: storeID,
		SubjectID: aws.ToString(out.SubjectId), SampleID: aws.ToString(out.SampleId), Name: aws.ToString(out.Name),
		ReferenceARN: aws.ToString(out.ReferenceArn), Type: out.FileType, Status: out.Status,
		StatusMessage: aws.ToString(out.StatusMessage), CreationType: out.CreationType, CreationTime: aws.ToTime(out.CreationTime),
	}
	describe(&s, out.SequenceInformation, out.Etag)
	return s
}

func describe(s *readset.ReadSet, info *types.SequenceInformation, etag *types.ETag) {
	if info != nil {
		s.GeneratedFrom = aws.ToString(info.GeneratedFrom)
		s.Reads, s.Bases = aws.ToInt64(info.TotalReadCount), aws.ToInt64(info.TotalBaseCount)
	}
	if etag != nil {
		s.ETag1, s.ETag2, s.ETagAlgorithm = aws.ToString(etag.Source1), aws.ToString(etag.Source2), etag.Algorithm
	}
}

// ReadSetFilter returns the filter in the service's shape.
func ReadSetFilter(f readset.Filter) *types.ReadSetFilter {
	shape := &types.ReadSetFilter{
		SubjectId: optional(&f.SubjectID), SampleId: optional(&f.SampleID), Name: optional(&f.Name), ReferenceArn: optional(&f.ReferenceARN),
		GeneratedFrom: optional(&f.GeneratedFrom), Status: f.Status, CreationType: f.CreationType,
	}
	if !f.CreatedAfter.IsZero() {
		shape.CreatedAfter = aws.Time(f.CreatedAfter)
	}
	if !f.CreatedBefore.IsZero() {
		shape.CreatedBefore = aws.Time(f.CreatedBefore)
	}
	return shape
}

// CheckReadSets refuses a page without a list, with more read sets than were asked for, with read sets that are none or of
// another store, or which says that it is followed by itself. asked is the token under which it was asked for.
func CheckReadSets(out *omics.ListReadSetsOutput, storeID, asked string) error {
	for _, item := range out.ReadSets {
		if err := checkReadSet(item.SequenceStoreId, item.Id, storeID); err != nil {
			return err
		}
	}
	return checkPage(out.ReadSets, "read sets", out.NextToken, asked)
}

// CheckMetadata refuses an answer about another read set or store than was asked for. A creating job whose id is none
// counts as none.
func CheckMetadata(out *omics.GetReadSetMetadataOutput, storeID, id string) error {
	if aws.ToString(out.Id) != id {
		return fmt.Errorf("%w: it is about another read set", ErrNotCredible)
	}
	return checkReadSet(out.SequenceStoreId, out.Id, storeID)
}

func checkReadSet(gotStore, id *string, storeID string) error {
	switch got := aws.ToString(gotStore); {
	case !rules.IsID(aws.ToString(id)):
		return fmt.Errorf("%w: it has no valid read set id", ErrNotCredible)
	case got != "" && got != storeID:
		return fmt.Errorf("%w: it is about another sequence store", ErrNotCredible)
	}
	return nil
}
