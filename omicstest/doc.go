// Package omicstest simulates the part of AWS HealthOmics that imports and lists read sets, for tests, demonstrations
// and clients in other languages.
//
// A [Service] is an [http.Handler] with state: sequence stores, import jobs with a life of their own, client tokens,
// quotas, pages, and the read sets that the jobs create. It validates requests against the published constraints of the
// service, independently of any client, so that it finds the mistakes of the client under test. It knows the operations
// StartReadSetImportJob, GetReadSetImportJob, ListReadSetImportJobs, ListReadSets, GetReadSetMetadata and
// GetSequenceStore.
//
//	service := omicstest.New(func(o *omicstest.Options) {
//		o.JobDuration = omicstest.FixedDuration(20 * time.Minute)
//		o.MaxActiveJobs = 5
//		o.RequestRate = 5
//	})
//	client := service.Client() // a real *omics.Client; nothing leaves the process
//
// [Service.Inject] and [Options.Fault] make requests fail: error statuses with or without a code, the HTML of a
// gateway, answers that are lost after the request was executed, broken connections, and bodies that are truncated,
// empty or endless. [Service.Unused] returns the faults that no request has met.
//
// [Service.Jobs] and [Service.ReadSets] return what really happened, to compare a client's report with.
//
// # Other users of the store
//
// A store can have other users than the client under test: people in the console, other programs.
// [Service.StartJob], [Service.Upload], [Service.DeleteReadSet] and [Service.SetReadSetStatus] simulate them.
//
// # Time
//
// On each request the service reads time.Now and computes the state of every job. It starts no goroutine, and uses a
// timer only to delay an answer for a fault. It can therefore be used in a [testing/synctest] bubble, where a job of 20
// minutes takes no time.
//
// # Undocumented behaviour
//
// Where the behaviour of HealthOmics is not documented, there is an option, or the simulation does what is harder for a
// client:
//
//   - Sources are answered in another order than they were sent ([Options.KeepOrder]).
//   - Lists have the newest job or read set first, and leave out what was created at exactly a time of their filter.
//   - Job and read set ids do not grow.
//   - The other fields of a filter select equal values, and case matters.
//   - A deleted read set is still listed, with the status DELETED ([Options.DeletedRetention]), and the job that created
//     it still names it.
//   - A read set appears, as ACTIVE, when its source is finished, before the end of its job; whether a list has it at
//     once is up to [Options.ReadSetListLag].
package omicstest
