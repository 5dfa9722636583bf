package ledger

import (
	"context"
	"iter"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/journal"
)

// none is a journal that remembers nothing.
type none struct{}

func (none) Replay(context.Context) iter.Seq2[journal.Record, error] {
	return func(func(journal.Record, error) bool) {}
}

func (none) Append(context.Context, journal.Record) error { return nil }

// A source that an import took in hand, and that was brought into the store by the job of another batch owner since, is in
// nobody's hands.
func TestHoldOfWhatIsInTheStore(t *testing.T) {
	l := New(none{})
	require.NoError(t, l.Open(t.Context()))
	f := journal.Fingerprint{1}
	r := journal.Record{Kind: journal.Sending, SequenceStoreID: "1234567890", ClientToken: "token", Sources: []journal.Source{{Fingerprint: f}}}
	require.NoError(t, l.Append(t.Context(), r, nil))
	r.Kind, r.JobID = journal.Started, "1234567890"
	require.NoError(t, l.Append(t.Context(), r, nil))
	got, err := l.Hold(f, t)
	require.NoError(t, err)
	require.Equal(t, Standing{Batch: "token", JobID: "1234567890"}, got)
	require.Len(t, l.holders, 1)
	r.Kind, r.Sources = journal.Ended, []journal.Source{{Fingerprint: f, Status: types.ReadSetImportJobItemStatusFinished, ReadSetID: "1111111111"}}
	require.NoError(t, l.Append(t.Context(), r, nil))
	got, err = l.Hold(f, t)
	require.NoError(t, err)
	require.Equal(t, Standing{JobID: "1234567890", ReadSetID: "1111111111", Tries: 1}, got)
	require.Empty(t, l.holders)
}

// Read sets of a job are found whether their ids have one length, as usual, or several.
func TestReadSetIDs(t *testing.T) {
	t.Parallel()
	for name, ids := range map[string][]string{
		"none":          nil,
		"one":           {"1234567890"},
		"one length":    {"1234567890", "1234567891", "1234567892"},
		"the last long": {"1234567890", "1234567891", "12345678920"},
		"the last, too": {"123456789012", "1234567890", "123456789013"},
	} {
		l := New(none{})
		require.NoError(t, l.Open(t.Context()))
		sending := journal.Record{Kind: journal.Sending, SequenceStoreID: "1234567890", ClientToken: "token", Attempt: 1}
		for i := range ids {
			sending.Sources = append(sending.Sources, journal.Source{Fingerprint: journal.Fingerprint{byte(i)}})
		}
		ended := sending
		ended.Kind, ended.Attempt, ended.JobID, ended.Sources = journal.Ended, 0, "2345678901", slices.Clone(sending.Sources)
		for i, id := range ids {
			ended.Sources[i].Status, ended.Sources[i].ReadSetID = types.ReadSetImportJobItemStatusFinished, id
		}
		require.NoError(t, l.Append(t.Context(), sending, nil))
		require.NoError(t, l.Append(t.Context(), ended, nil))
		for i, id := range ids {
			require.Equal(t, id, l.Source(journal.Fingerprint{byte(i)}).ReadSetID, name)
		}
	}
}
