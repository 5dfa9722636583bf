package recall

import (
	"context"
	"errors"
	"iter"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/journal"
)

// records is a journal that has these.
type records []journal.Record

func (r records) Replay(context.Context) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for _, record := range r {
			if !yield(record, nil) {
				return
			}
		}
	}
}

func (records) Append(context.Context, journal.Record) error { return errors.ErrUnsupported }

func source(name byte, readSetID string) journal.Source {
	return journal.Source{Fingerprint: journal.Fingerprint{name}, ReadSetID: readSetID}
}

func TestRead(t *testing.T) {
	known, err := Read(t.Context(), records{
		{Kind: journal.Sending, ClientToken: "1", Sources: []journal.Source{source('a', ""), source('b', ""), source('c', "")}},
		{Kind: journal.Sending, ClientToken: "2", Sources: []journal.Source{source('d', "")}},
		{Kind: journal.Sending, ClientToken: "3", Sources: []journal.Source{source('e', "")}},
		{Kind: journal.Sending, ClientToken: "4", Sources: []journal.Source{source('f', "")}},
		{Kind: journal.Started, ClientToken: "1", JobID: "1111111111"},
		{Kind: journal.Started, ClientToken: "4", JobID: "4444444444"},
		{Kind: journal.Released, ClientToken: "2"},
		// b failed, and what became of c is not said.
		{Kind: journal.Ended, ClientToken: "1", JobID: "1111111111", Sources: []journal.Source{
			{Fingerprint: journal.Fingerprint{'b'}, Status: types.ReadSetImportJobItemStatusFailed},
			{Fingerprint: journal.Fingerprint{'a'}, Status: types.ReadSetImportJobItemStatusFinished, ReadSetID: "2222222222"},
		}},
	})
	require.NoError(t, err)
	require.Equal(t, Memory{
		{'a'}: {State: InStore, JobID: "1111111111", ReadSetID: "2222222222"},
		{'b'}: {State: Failed, JobID: "1111111111"},
		{'c'}: {State: UnderWay, JobID: "1111111111"},
		{'d'}: {},
		{'e'}: {State: UnderWay},
		{'f'}: {State: UnderWay, JobID: "4444444444"},
	}, known)
}

// What was adopted, by another job too, and what is gone since, once imported again.
func TestReadAdopted(t *testing.T) {
	with := func(s journal.Source, status types.ReadSetImportJobItemStatus) journal.Source {
		s.Status = status
		return s
	}
	const finished, failed, running = types.ReadSetImportJobItemStatusFinished, types.ReadSetImportJobItemStatusFailed, types.ReadSetImportJobItemStatusInProgress
	known, err := Read(t.Context(), records{
		{Kind: journal.Adopted, ClientToken: "1", JobID: "1111111111", Sources: []journal.Source{
			with(source('a', "3333333333"), finished), with(source('b', ""), failed), with(source('c', ""), running), with(source('d', "4444444444"), finished),
		}},
		{Kind: journal.Adopted, ClientToken: "2", JobID: "2222222222", Sources: []journal.Source{
			source('a', "6666666666"), with(source('b', "5555555555"), finished), source('d', "7777777777"), with(source('d', ""), running), source('e', "8888888888"), source('f', "9999999999"),
		}},
		{Kind: journal.Gone, Sources: []journal.Source{source('a', "6666666666"), source('f', "9999999999")}},
		{Kind: journal.Gone, Sources: []journal.Source{source('a', "3333333333"), source('d', "4444444444")}},
		{Kind: journal.Sending, ClientToken: "3", Sources: []journal.Source{source('a', "")}},
	})
	require.NoError(t, err)
	require.Equal(t, Memory{
		{'a'}: {State: UnderWay, Spares: []string{}},
		{'b'}: {State: InStore, JobID: "2222222222", ReadSetID: "5555555555"},
		{'c'}: {State: UnderWay, JobID: "1111111111"},
		{'d'}: {State: InStore, JobID: "1111111111", ReadSetID: "7777777777", Spares: []string{}},
		{'e'}: {State: InStore, ReadSetID: "8888888888", Spares: []string{}},
		{'f'}: {State: Gone, ReadSetID: "9999999999", Spares: []string{}},
	}, known)
}
