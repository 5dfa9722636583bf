package wire

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"

	"github.com/readsetimport/readsetimport/internal/rules"
)

var (
	// ErrNotCredible is an answer that was read and cannot be right.
	ErrNotCredible = errors.New("the answer is not credible")
	// ErrNoList is a list of jobs without even an empty list in it.
	ErrNoList  = fmt.Errorf("%w: it has no list", ErrNotCredible)
	errRepeats = fmt.Errorf("%w: the page token repeats", ErrNotCredible)
)

// PageSize is how many jobs a page of a list has at most. The service takes no larger one.
const PageSize = 100

// CheckStart refuses an answer without the id of a job, or of another store.
func CheckStart(out *omics.StartReadSetImportJobOutput, storeID string) error {
	return checkJob(out.SequenceStoreId, out.Id, storeID, aws.ToString(out.Id))
}

// CheckGet refuses an answer about another job, or with more sources than a job can have.
func CheckGet(out *omics.GetReadSetImportJobOutput, storeID, jobID string, most int) error {
	if err := checkJob(out.SequenceStoreId, out.Id, storeID, jobID); err != nil {
		return err
	}
	if n := len(out.Sources); n > most {
		return fmt.Errorf("%w: %d sources in one job", ErrNotCredible, n)
	}
	return nil
}

// CheckList refuses a page without a list, with more jobs than were asked for, with jobs that are none, or which says
// that it is followed by itself. asked is the token under which it was asked for.
func CheckList(out *omics.ListReadSetImportJobsOutput, storeID, asked string) error {
	for _, j := range out.ImportJobs {
		if err := checkJob(j.SequenceStoreId, j.Id, storeID, aws.ToString(j.Id)); err != nil {
			return err
		}
	}
	return checkPage(out.ImportJobs, "jobs", out.NextToken, asked)
}

// checkPage refuses a page without a list, with more items than were asked for, or which says that it is followed by itself.
func checkPage[T any](items []T, what string, nextToken *string, asked string) error {
	next := aws.ToString(nextToken)
	switch {
	case items == nil:
		return ErrNoList
	case len(items) > PageSize:
		return fmt.Errorf("%w: %d %s on one page", ErrNotCredible, len(items), what)
	case next != "" && next == asked:
		return errRepeats
	}
	return nil
}

// checkJob refuses an answer about another job or store than was asked for, or with a job id that is none. A store id
// may be missing.
func checkJob(gotStore, gotJob *string, storeID, jobID string) error {
	switch got := aws.ToString(gotStore); {
	case !rules.IsID(aws.ToString(gotJob)):
		return fmt.Errorf("%w: it has no valid job id", ErrNotCredible)
	case aws.ToString(gotJob) != jobID:
		return fmt.Errorf("%w: it is about another job", ErrNotCredible)
	case got != "" && got != storeID:
		return fmt.Errorf("%w: it is about another sequence store", ErrNotCredible)
	}
	return nil
}
