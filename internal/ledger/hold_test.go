package ledger

import (
	"context"
	"iter"
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
