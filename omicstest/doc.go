// Package omicstest simulates the part of AWS HealthOmics that imports read sets, for tests, demonstrations and
// clients in other languages.
//
// A [Service] is an [http.Handler] with state: sequence stores, import jobs that live by the clock, client tokens,
// quotas, pages, and the read sets that the jobs leave behind. It checks what it is sent on its own, against the
// published constraints of the service, so that it catches what a client under test gets wrong. Three operations
// are known: StartReadSetImportJob, GetReadSetImportJob and ListReadSetImportJobs.
//
//	service := omicstest.New(func(o *omicstest.Options) {
//		o.JobDuration = omicstest.Lasting(20 * time.Minute)
//		o.MaxActiveJobs = 5
//		o.RequestRate = 5
//	})
//	client := service.Client() // a real *omics.Client; nothing leaves the process
//
// [Service.Inject] and [Options.Fault] spoil answers: error statuses with or without a typed code, HTML from a
// gateway, answers lost after the work was done, broken connections, bodies that are cut short, empty or without
// end. [Service.ReadSets] is the truth to compare a client's report with.
//
// # Time
//
// The service reads time.Now when it is asked something and works out what has become of every job by then. It
// starts no goroutine, and no timer but to hold back the answer that a fault delays, so it can be used within a
// [testing/synctest] bubble, where jobs of 20 minutes pass at once.
//
// # What nobody has published
//
// Where the behaviour of HealthOmics is not documented there is an option, or the simulation does what is harder on
// a client: sources are answered in another order than they were sent ([Options.KeepOrder]), List shows the newest
// job first and leaves out what was created at exactly the times of its filter, and job and read set ids do not
// grow.
package omicstest
