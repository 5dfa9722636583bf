// Package readset describes the read sets of a HealthOmics sequence store, as the service lists them, and finds those with the
// same content. The client of package readsetimport lists them.
package readset

import (
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// ReadSet is a read set as the service lists it. Fields that the service leaves out are empty. A deleted one is listed, too:
// ask [ReadSet.Present] before counting on it.
type ReadSet struct {
	ID, SequenceStoreID, SubjectID, SampleID, Name, ReferenceARN, GeneratedFrom string

	Type          types.FileType
	Status        types.ReadSetStatus
	StatusMessage string             // the service's message, verbatim
	CreationType  types.CreationType // IMPORT by a job, or UPLOAD
	CreationTime  time.Time          // by the service's clock

	// ETag1 and ETag2 are hashes of the content of source1 and source2, whatever their compression: equal content has equal
	// hashes by the same ETagAlgorithm. They are empty until the service has computed them.
	ETag1, ETag2  string
	ETagAlgorithm types.ETagAlgorithm
	Reads, Bases  int64 // 0 until counted
}

// Present reports whether the read set is in the store: it is not deleted or about to be, nor an upload that failed.
// One that is archived is there, and must be activated before it is read.
func (s ReadSet) Present() bool {
	switch s.Status {
	case types.ReadSetStatusDeleted, types.ReadSetStatusDeleting, types.ReadSetStatusUploadFailed:
		return false
	}
	return true
}

// Content stands for what the files of a read set contain. Two of them are equal if the contents are.
type Content struct {
	algorithm    types.ETagAlgorithm
	etag1, etag2 string
}

// Content returns what the read set contains, or false if that cannot be told: it is not present, or has no ETag yet.
func (s ReadSet) Content() (Content, bool) {
	return Content{s.ETagAlgorithm, s.ETag1, s.ETag2}, s.ETag1 != "" && s.Present()
}

// Filter says which read sets of a store are wanted. A field with its zero value asks for all.
type Filter struct {
	SubjectID, SampleID, Name, ReferenceARN, GeneratedFrom string

	Status                      types.ReadSetStatus
	CreationType                types.CreationType
	CreatedAfter, CreatedBefore time.Time // by the service's clock
}

// Doubles returns the read sets with the same content, by ETag and its algorithm, grouped: of FASTQ pairs, both files are the
// same. Read sets whose [ReadSet.Content] cannot be told are left out. They can be those of one store or of several. Doubles
// keeps one read set of each content in memory, some 500 bytes. Groups come in the order of their second read sets. The error
// is the iterator's.
func Doubles(sets iter.Seq2[ReadSet, error]) ([][]ReadSet, error) {
	first := make(map[Content]ReadSet)
	group := make(map[Content]int) // its place in out, from 1
	var out [][]ReadSet
	for set, err := range sets {
		if err != nil {
			return nil, err
		}
		content, ok := set.Content()
		if !ok {
			continue
		}
		before, known := first[content]
		switch {
		case !known:
			first[content] = set
		case before.ID == set.ID && before.SequenceStoreID == set.SequenceStoreID:
			// It was listed twice, since the store has changed between two pages.
		case group[content] == 0:
			out = append(out, []ReadSet{before, set})
			group[content] = len(out)
		default:
			out[group[content]-1] = append(out[group[content]-1], set)
		}
	}
	return out, nil
}
