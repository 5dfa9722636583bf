package readsetimport

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/readsetimport/readsetimport/internal/adopt"
	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/readset"
)

// ReadSet is a read set as the service lists it, deleted ones included: package readset tells which are there.
type ReadSet = readset.ReadSet

// ReadSetFilter says which read sets of a store [Client.ReadSets] returns, by default all: see package readset.
type ReadSetFilter = readset.Filter

var (
	errNoReadSetAPI = errors.New("readsetimport: the API that New was given does not list read sets: see ReadSetAPI")
	errNoStoreID    = errors.New("readsetimport: the id of a sequence store has 10 to 36 decimal digits")
)

// ReadSets returns the read sets of a store, deleted ones included for as long as the service lists them. It asks for a page
// of 100 when the one before is used up, so that a store of any size passes through in bounded memory. Trouble that passes by
// itself is waited out for some minutes. The service may list a read set some minutes late.
//
// The iterator's error comes once, and last: an [*Error] for a request that was refused or could not be made, the cause of the
// context's end, or that the API does not have the operation (see [ReadSetAPI]). The caller needs omics:ListReadSets.
func (c *Client) ReadSets(ctx context.Context, sequenceStoreID string, optFns ...func(*ReadSetFilter)) iter.Seq2[ReadSet, error] {
	var f ReadSetFilter
	for _, fn := range optFns {
		fn(&f)
	}
	return wire.Pages(func(token string) (page []ReadSet, next string, err error) {
		switch {
		case c.readSets == nil:
			return nil, "", errNoReadSetAPI
		case !rules.IsID(sequenceStoreID):
			return nil, "", errNoStoreID
		}
		err = c.retry(ctx, requestTries, 1, untold, func() (err error) {
			page, next, err = c.readSetPage(ctx, sequenceStoreID, f, token)
			return err
		})
		return page, next, err
	}, opListReadSets.wrong)
}

// DoubleReadSets returns the read sets with the same content, grouped: see [readset.Doubles]. Chain the iterators of
// [Client.ReadSets] to compare several stores.
func DoubleReadSets(sets iter.Seq2[ReadSet, error]) ([][]ReadSet, error) {
	return readset.Doubles(sets)
}

// DiscrepancyKind says what does not agree with a result, so that a program can decide what to do about it.
type DiscrepancyKind string

// The kinds of discrepancies.
const (
	ReadSetMissing     DiscrepancyKind = wire.Missing      // the store has no such read set
	ReadSetDeleted     DiscrepancyKind = wire.Deleted      // it is deleted, or about to be
	ReadSetNotActive   DiscrepancyKind = wire.NotActive    // it is archived, being activated, or has a status that is not known
	ReadSetOtherSource DiscrepancyKind = wire.OtherSource  // its type, subject, sample or reference is not the one that was sent
	ReadSetUploaded    DiscrepancyKind = wire.Uploaded     // no import job created it
	ReadSetSameMates   DiscrepancyKind = wire.SameMates    // both files of the pair have the same content
	ReadSetSameContent DiscrepancyKind = wire.ContentTwice // an earlier one of the results has the same content, or is the same read set
)

// Discrepancy is something in the store that does not agree with a result. Look into it before deleting files in S3.
type Discrepancy struct {
	Kind    DiscrepancyKind
	Result  Result
	ReadSet ReadSet // as the service describes it; zero if it is missing
	Detail  string  // in one line, without ids of samples and subjects
}

// Verify holds the results of an import against the store, and returns what does not agree. It looks at results without an
// error: those that say that the source is in the store. It reads no files: by the ETags that the service has computed it tells
// that both mates, or two of the results, have the same content.
//
// Up to 200 results cost a request each and one more, and more of them the list of the whole store, a hundred read sets a request. Memory
// is that of the results. A read set that is not on the list, which may lag, is asked for by its id. The error is that of
// [Client.ReadSets]. The caller needs omics:ListReadSets and omics:GetReadSetMetadata.
func (c *Client) Verify(ctx context.Context, t Target, results []Result) ([]Discrepancy, error) {
	var imported []adopt.Imported
	var of []Result
	for _, res := range results {
		if res.Err == nil {
			imported = append(imported, adopt.Imported{Index: res.Index, ReadSetID: res.ReadSetID, Source: res.Source.shape()})
			of = append(of, res)
		}
	}
	found, err := adopt.Verify(ctx, c.adoptable(ctx, t, time.Time{}), imported)
	var out []Discrepancy
	for _, d := range found {
		out = append(out, Discrepancy{DiscrepancyKind(d.Kind), of[d.At], d.Set, d.Detail})
	}
	return out, err
}

// findReadSet returns a read set and the job that created it, as far as that is told, or zero if the store has none of that id.
func (c *Client) findReadSet(ctx context.Context, storeID, id string) (set ReadSet, job string, err error) {
	err = c.retry(ctx, requestTries, 3, untold, func() (err error) {
		set, job, err = c.readSetOf(ctx, storeID, id)
		return err
	})
	var e *Error
	if errors.As(err, &e) && e.Code == wire.CodeNotFound {
		return ReadSet{}, "", nil
	}
	return set, job, err
}
