// Package steps is for programs that keep the state of an import themselves, between one step and the next: workflow
// engines, job queues and functions that run for minutes only. [readsetimport.Client.Advance] takes a step; a [State] is what is
// to be kept between two of them.
//
// The batch is stored once, where its owner likes: a bucket, a table, a sheet that is cut the same way each time. The engine
// carries the State, which is small, and the batch is put back at every step:
//
//	state := steps.Of(readsetimport.Submission{Batch: batch}) // once, in the beginning
//
//	submission, err := state.With(batch)
//	submission, err = client.Advance(ctx, submission)
//	if submission.Ended() {
//		// Write submission.Results() where they belong, and only then
//	}
//	state = steps.Of(submission) // save it, whether or not there is an error
//
// Then the engine calls again at [State.NextAt], until [State.Ended].
//
// # What a state has in it
//
// Its JSON has how far the batch is and since when, the ids of its job and of read sets, a digest of the batch, and the
// client token. It has no sources, and no messages of the service, since these can quote file names and ids of samples and subjects:
// log an error when Advance returns it. "packed" is compressed JSON: the search for a lost job, and which sources of a
// running job have an outcome. Whoever reads it can learn how many samples a batch has, and no id of them.
//
// A digest is a SHA-256. Who has a guess at the whole batch, each source of it, can check the guess.
//
// # Size
//
// A state is less than 32 KiB for every batch that is valid, and in most steps less than 1 KiB. It does not grow with the number
// of steps. A [readsetimport.Submission] has all sources twice when its job runs, once as they were sent and once as the service
// describes them: 64 KB for 100 pairs with short names and three tags, and 13 MB with the longest names and all the tags that are allowed.
//
// # Results
//
// Results are handed over once: by [readsetimport.Submission.Results], after the step in which the submission ended. A state
// that has ended has none, and With refuses it with [ErrEnded]. So write the results before the state is saved, to a place
// that has the batch's name, such that writing them again changes nothing. A program that is stopped between the two takes the last
// step again, which looks at the job again and gives the same results. If they were lost all the same, [readsetimport.Client.Get]
// with [State.Job] asks for the job again.
//
// # Restarts
//
// The process may be another one at every step. The step from planned to sending makes no request: when its state is saved, it is
// on record which client token may be used before a request leaves. A process that is stopped in the middle of a step, or
// whose state could not be saved, has done no harm: take the step again from the state before. Within
// TokenWindow ([readsetimport.Options]) it repeats the request under the same token, and after that it looks for the job first.
// The step after the one from planned to sending has to come within TokenWindow: a batch whose steps are always later ends as
// unresolved, since nothing is ever sent.
//
// # Two workers, one step
//
// Engines deliver a step twice, or late, and a lease can run out while its worker is still at work. What the library promises:
// whatever is sent from one state carries the same token, so that HealthOmics starts one job for it as long as it remembers the
// token; from a state that says sending and is older than TokenWindow, nothing is sent before the store's jobs have been searched;
// and a batch gets another token only when the one before has not been trusted for five minutes, whoever still has a state with
// it. So a step that is taken twice or late costs requests: it looks at the same job, or sends the same request.
// What the owner of the states does:
//
//   - Make batches with [readsetimport.Split] and a run id of their own, which gives them their tokens. A batch without a
//     token gets one in its first step, made from the client's RunID; if that is empty too, two clients give two tokens, and
//     two jobs can be started.
//   - Begin each step with the state as it is now, read from where it is kept, and use With. A worker that goes on with the
//     Submission that Advance returned assumes that nobody else has used its token. After a full quota it may start a second job.
//   - Save a state only if the one that it was made from is still the current one: a conditional write, a version, or the
//     engine's own history. A worker whose write is refused throws its state away. Without that, a late worker can set the
//     batch back to a state from before an attempt that failed.
//   - Let the results of two workers that both come to the end meet in one place. What they say is true, and the same for each source,
//     except that a worker whose search was refused may call unresolved what the other one could tell: do not write that over
//     what is known.
//   - Keep the workers' clocks together, within a minute. The clock of one is compared with times that another one wrote.
//
// # Waiting for a job slot
//
// An account may run only so many jobs at once; the service then answers 402, which is no error: NextAt grows to some minutes, and
// [State.FullSince] says since when. MaxActiveJobs and QuotaTimeout do not bind Advance: limit how many batches the engine has under way.
//
// A state that was read back stays in phase sending then, since it cannot tell whether another worker's request has started the
// job. Each time that TokenWindow is over, a search makes sure that nothing was started, and the batch is in phase planned for one
// step: the state in which it can be given up. An engine that knows that no other request was made from the state, as Temporal's
// history does (examples/temporal), may set the submission's Phase to planned, and its Search to the zero value, if MayHaveStarted is false.
//
// # Errors, and when to give up
//
// [Retry] tells which errors of Advance are worth a retry by the engine at once: those of a context that has ended, such as that of a
// function that has run for as long as it may. The others need a person: the batch is not valid, or the service refuses it. What
// passes by itself is no error, and NextAt says when to go on. Once the cause is fixed, go on with the state that was saved.
// An error in phase unresolved is the end: it is unknown what became of the batch, and its results say where to look.
//
// Give up in phase planned only. In phase sending there may be a job, and in phase running there is one: no operation cancels it.
package steps
