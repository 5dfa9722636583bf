package wire

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// Outcome is what became of a source of a job that has ended.
type Outcome int

// The outcomes, from the best to the worst.
const (
	Imported    Outcome = iota // it is in the store
	NotImported                // it is not in the store
	Unclear                    // the job is looked at again; if that does not help, the source is unresolved
)

// OutcomeOf returns what became of one of a job's sources, once the job has ended; named is whether the source has a read
// set id. Everything that depends on it uses this table: the results of an import, what the journal keeps, whether an
// answer is believed at once, and what is adopted.
//
//	the source's status          read set id   in a job that   outcome
//	FINISHED                     yes           ended           imported
//	FINISHED                     no            ended           unclear
//	FAILED                       yes           ended           unclear
//	FAILED                       no            ended           not imported
//	NOT_STARTED, IN_PROGRESS,    yes           ended           unclear
//	  none, or not named         no            failed          not imported (FAILED and CANCELLED)
//	                             no            completed       unclear (COMPLETED and COMPLETED_WITH_FAILURES)
//	any other                    either        ended           unclear
//
// An answer that contradicts itself is never taken for a failure, since what failed is sent again.
func OutcomeOf(job types.ReadSetImportJobStatus, source types.ReadSetImportJobItemStatus, named bool) Outcome {
	switch source {
	case types.ReadSetImportJobItemStatusFinished:
		if named {
			return Imported
		}
	case types.ReadSetImportJobItemStatusFailed:
		if !named {
			return NotImported
		}
	case types.ReadSetImportJobItemStatusNotStarted, types.ReadSetImportJobItemStatusInProgress, "":
		if !named && Failed(job) {
			return NotImported
		}
	}
	return Unclear
}

// Completed reports whether a job of this status has ended and may have imported sources.
func Completed(job types.ReadSetImportJobStatus) bool {
	return job == types.ReadSetImportJobStatusCompleted || job == types.ReadSetImportJobStatusCompletedWithFailures
}

// Ended reports whether a job of this status has ended, well or badly.
func Ended(job types.ReadSetImportJobStatus) bool { return Completed(job) || Failed(job) }

// KnownStatus reports whether this package knows the status of a job.
func KnownStatus(job types.ReadSetImportJobStatus) bool { return slices.Contains(JobStatuses, job) }

// JobStatuses are the statuses of jobs.
var JobStatuses = types.ReadSetImportJobStatus("").Values()

// Failed reports whether a job of this status has ended without having been completed.
func Failed(job types.ReadSetImportJobStatus) bool {
	return job == types.ReadSetImportJobStatusFailed || job == types.ReadSetImportJobStatusCancelled
}

// Contradiction says what keeps the outcome of a source from being clear.
func Contradiction(source types.ReadSetImportJobItemStatus, readSetID string) string {
	status := OneLine(string(source))
	switch {
	case readSetID != "":
		return fmt.Sprintf("the source has status %q and a read set id, %s", status, readSetID)
	case source == types.ReadSetImportJobItemStatusFinished:
		return "the source is finished without a valid read set id"
	case source == "":
		return "its answer does not say what became of the source"
	}
	return fmt.Sprintf("the source still has status %q", status)
}
