package readset_test

import (
	"errors"
	"iter"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/readset"
)

func set(store, id, etag1, etag2 string) readset.ReadSet {
	return readset.ReadSet{
		ID: id, SequenceStoreID: store, ETag1: etag1, ETag2: etag2, ETagAlgorithm: types.ETagAlgorithmFastqMd5up, Status: types.ReadSetStatusActive,
	}
}

func each(sets []readset.ReadSet, err error) iter.Seq2[readset.ReadSet, error] {
	return func(yield func(readset.ReadSet, error) bool) {
		for _, s := range sets {
			if !yield(s, nil) {
				return
			}
		}
		if err != nil {
			yield(readset.ReadSet{}, err)
		}
	}
}

func TestDoubles(t *testing.T) {
	t.Parallel()
	a, b := set("1", "10", "x", "y"), set("1", "11", "x", "y")
	elsewhere, swapped, single, other := set("2", "10", "x", "y"), set("1", "12", "y", "x"), set("1", "13", "x", ""), set("1", "14", "x", "y")
	other.ETagAlgorithm = types.ETagAlgorithmFastqSha256up
	deleted, uploaded := set("1", "15", "x", "y"), set("1", "16", "x", "y")
	deleted.Status, uploaded.Status = types.ReadSetStatusDeleted, types.ReadSetStatusUploadFailed
	archived := set("1", "17", "x", "y")
	archived.Status = types.ReadSetStatusArchived
	second, again := set("1", "18", "z", ""), set("1", "19", "z", "")
	for name, tc := range map[string]struct {
		sets []readset.ReadSet
		want [][]readset.ReadSet
	}{
		"none":                             {nil, nil},
		"two":                              {[]readset.ReadSet{a, b}, [][]readset.ReadSet{{a, b}}},
		"three, of two stores":             {[]readset.ReadSet{a, b, elsewhere}, [][]readset.ReadSet{{a, b, elsewhere}}},
		"one that is listed twice":         {[]readset.ReadSet{a, a}, nil},
		"other contents":                   {[]readset.ReadSet{a, swapped, single, other}, nil},
		"not in the store":                 {[]readset.ReadSet{a, deleted, uploaded}, nil},
		"archived":                         {[]readset.ReadSet{a, archived}, [][]readset.ReadSet{{a, archived}}},
		"no ETags":                         {[]readset.ReadSet{set("1", "20", "", ""), set("1", "21", "", "")}, nil},
		"in the order of the second reads": {[]readset.ReadSet{a, second, again, b}, [][]readset.ReadSet{{second, again}, {a, b}}},
	} {
		got, err := readset.Doubles(each(tc.sets, nil))
		require.NoError(t, err, name)
		require.Equal(t, tc.want, got, name)
	}
	errList := errors.New("no list")
	got, err := readset.Doubles(each([]readset.ReadSet{a, b}, errList))
	require.Equal(t, errList, err)
	require.Nil(t, got)
}
