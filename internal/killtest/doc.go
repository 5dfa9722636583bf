// Package killtest kills imports. Its test runs an import in a process of its own, with a [journal.File]
// and the SDK's own client over loopback, ends the process with SIGKILL at a random moment, starts it again on the same
// journal, perhaps with a sheet that has grown, and so on until the import completes. Then what is in the simulated
// store is compared with the sheet and with the report: nothing lost, nothing doubled.
//
//	go test ./internal/killtest                         # a few kills
//	go test ./internal/killtest -kills 1000 -timeout 1h -v   # as many as one likes
//	go test ./internal/killtest -seed 7                 # other moments
//
// A kill comes at a moment by the clock, at a request of a kind (before it is carried out, after it and before the
// answer, after the answer, or before it although it is carried out later), or at a write of the journal (before it,
// somewhere in it, after it). After some kills the journal gets the beginning of one more line, as if the kill had cut
// a write short. It needs a system with SIGKILL, and has no test elsewhere.
package killtest
