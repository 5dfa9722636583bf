// Package readsetimport imports genomic read sets (FASTQ, BAM, CRAM and unaligned BAM files) from Amazon S3 into an AWS
// HealthOmics sequence store: all of them, once each, as fast as the quotas allow, with a typed reason for every one
// that did not make it.
//
// It is built on the HealthOmics client of the AWS SDK for Go, and adds what that client leaves to its users: valid
// sources, batches of up to [MaxSourcesPerJob], client tokens that keep a repeated request from starting a second job,
// requests below the quotas, waiting, and the outcome of every source.
//
//	memory, err := journal.Open("stores.journal")
//	...
//	client, err := readsetimport.New(omics.NewFromConfig(cfg), func(o *readsetimport.Options) { o.Journal = memory })
//	...
//	report, err := client.Import(ctx, target, []readsetimport.Source{
//		readsetimport.PairedFASTQ("s3://bucket/NA12878_R1.fastq.gz", "s3://bucket/NA12878_R2.fastq.gz").
//			WithSubject("NA12878").WithSample("NA12878"),
//	})
//
// # Importing
//
// [Client.Import] takes a slice of sources and returns when each has an outcome; [Client.Stream] is the same for
// inputs of any size. Package manifest reads sources from sample sheets and lists, and package s3files finds and checks
// the files in S3.
//
// Without a journal, an import knows nothing of those before it: running it twice imports twice. With one (package
// journal), run the same import again after a crash, or when the sheet has grown: sources that are in the store are
// skipped, those on their way are picked up, and the rest is sent. [Client.Adopt] makes a journal of what a store has.
//
// [Split], [Client.Start], [Client.Get] and [Client.Wait] are for callers that own the loop over jobs, and
// [Client.Advance] for orchestrators that keep the state of a batch themselves.
//
// # Errors
//
// A source that is not valid is a [*FieldError] in a [*ValidationError], and is not sent. A request that could not be made or was
// refused is an [*Error]. A job that ended badly is a [*JobError]. A source of which it stays unknown whether it was imported is a
// [*DoubtError]: see [Client.Settle]. Test all of them with errors.Is and the sentinels of this package.
//
// # What is promised
//
// Each source is imported once, or its result says that it was not, or that this is unknown ([ErrUnresolved]). A request whose
// outcome is not known is repeated under the same client token, which HealthOmics is trusted to recognise for TokenWindow (see
// [Options]). After that, the job is looked for among the store's jobs and read sets before anything is sent.
//
// # Permissions
//
// The caller needs omics:StartReadSetImportJob, omics:GetReadSetImportJob, omics:ListReadSetImportJobs and iam:PassRole for the
// role; omics:ListReadSets and omics:GetReadSetMetadata settle more doubts. The role needs s3:GetObject on the files and
// s3:ListBucket on the bucket: docs/permissions.md has whole policies.
//
// # Testing
//
// Package omicstest simulates the service behind the SDK's own client, with its quotas and faults, in virtual time.
package readsetimport

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics"

	"github.com/readsetimport/readsetimport/internal/jitter"
	"github.com/readsetimport/readsetimport/internal/ledger"
	"github.com/readsetimport/readsetimport/internal/quota"
	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/journal"
)

// MaxSourcesPerJob is the number of sources that one import job takes at most. HealthOmics fixes it: no quota raises it.
const MaxSourcesPerJob = 100

// API is the part of the HealthOmics client that this package uses. *omics.Client satisfies it. Accept it in your own code, so
// that its tests can pass the client of package omicstest.
type API interface {
	StartReadSetImportJob(context.Context, *omics.StartReadSetImportJobInput, ...func(*omics.Options)) (*omics.StartReadSetImportJobOutput, error)
	GetReadSetImportJob(context.Context, *omics.GetReadSetImportJobInput, ...func(*omics.Options)) (*omics.GetReadSetImportJobOutput, error)
	ListReadSetImportJobs(context.Context, *omics.ListReadSetImportJobsInput, ...func(*omics.Options)) (*omics.ListReadSetImportJobsOutput, error)
}

// ReadSetAPI is what [Client.Adopt], [Client.Settle], [Client.ReadSets] and [Client.Verify] need besides [API], and what settles
// doubts. *omics.Client satisfies both; [New] takes an API, and uses this where the API has it.
type ReadSetAPI interface {
	ListReadSets(context.Context, *omics.ListReadSetsInput, ...func(*omics.Options)) (*omics.ListReadSetsOutput, error)
	GetReadSetMetadata(context.Context, *omics.GetReadSetMetadataInput, ...func(*omics.Options)) (*omics.GetReadSetMetadataOutput, error)
}

var _ interface {
	API
	ReadSetAPI
} = (*omics.Client)(nil)

// Options of a [Client]. The zero value of each is its documented default. [New] returns an error for a value out of its
// documented range.
type Options struct {
	// RunID names an import: the same RunID and the same sources give the same client tokens, so that HealthOmics
	// recognises a request that was sent before. If it is empty, every import has a random one of its own.
	//
	// As long as HealthOmics remembers a token it returns the earlier job, even a failed one; to retry what failed, use a
	// new RunID or a Journal. Without a Journal, the same RunID finds only jobs under the token that a batch is first sent
	// with: after an outage of more than TokenWindow, a batch may have been imported under another.
	RunID string

	// SourcesPerJob is how many sources an import puts into one job: 1 to [MaxSourcesPerJob], which is the default. Fewer
	// make smaller jobs, spread over more slots. With a RunID, it is part of what makes two imports the same, since it
	// decides which sources share a request.
	SourcesPerJob int

	// MaxActiveJobs is how many import jobs the imports of this client have running at once, at most; those that earlier imports
	// began, as its Journal knows, count and can be more. 0, the default: as many as the service admits. It binds [Client.Import] and
	// [Client.Stream], and neither [Client.Start] nor [Client.Advance], whose callers decide themselves when to start a job.
	MaxActiveJobs int

	// RequestRate is the number of requests per second and operation, 0.001 to 1e9. The default is 4.5, just below the
	// quota of 5 per account and Region; use less if others share that quota.
	RequestRate float64

	// RequestTimeout is how long each request may take, its answer included: at most 1 h. The default is 30 s.
	RequestTimeout time.Duration

	// MinPollDelay and MaxPollDelay bound the time between two looks at a job, of which the first has not failed. Both are at most
	// 24 h, and MaxPollDelay is not less than MinPollDelay. The defaults are 2 s, and 2 min or MinPollDelay if that is more.
	MinPollDelay, MaxPollDelay time.Duration

	// QuotaTimeout is how long an import waits for a job slot while no job of this client runs, at most 365 days. After
	// it, what was not sent is reported with [ErrQuotaExceeded]. The default is 1 h. It binds [Client.Import] and
	// [Client.Stream]. [Client.Start] does not wait for a slot; for [Client.Advance], see FullSince in [Submission].
	QuotaTimeout time.Duration

	// TokenWindow is how long HealthOmics is trusted to recognise a repeated client token, at most 7 days. After it, a
	// request whose outcome is not known is looked for among the store's jobs before anything is sent again. HealthOmics
	// does not publish the time; elsewhere in AWS it is 8 to 36 hours. The default is 1 h.
	//
	// Negative: tokens are not trusted at all. Then do not restart between two steps of [Client.Advance]: a state "sending"
	// reloaded from JSON is never sent, only searched for.
	TokenWindow time.Duration

	// Journal is the memory of the stores that the client imports into, across imports and crashes: see package journal.
	// Sources that it knows to be in the store are skipped, those on their way are picked up, and those that failed are
	// tried again. Without one, every import begins from nothing, so that importing twice imports twice.
	//
	// A journal knows the Region, the endpoint and, by the role, the account of each store. An import with a journal that
	// knows the store elsewhere ends with an error and sends nothing. Of an API that is not an *omics.Client, only the
	// account is known.
	Journal journal.Journal

	// OnEvent is called with everything that happens in an import. Calls for one import are sequential; concurrent imports
	// may call it concurrently. A slow function holds back its own import, which starts no more jobs while 64 events wait,
	// and no other. Import returns, and Stream yields its error, after the last call.
	OnEvent func(Event)

	// ClientOptions change the options of the HealthOmics client for each request. Retries are this package's own, and
	// logging of requests and signatures, which hold credentials and ids of persons, is switched off.
	ClientOptions []func(*omics.Options)
}

const (
	rateMin, rateMax  = 0.001, 1e9
	requestTimeoutMax = time.Hour
	pollDelayMax      = 24 * time.Hour
	quotaTimeoutMax   = 365 * 24 * time.Hour
	tokenWindowMax    = recordsKept // a token that is trusted for longer than jobs are listed would never be looked for
)

// resolve fills in the defaults and returns an error for an option out of its range.
func (o *Options) resolve() error {
	if o.RunID == "" {
		o.RunID = rand.Text()
	}
	o.SourcesPerJob = cmp.Or(o.SourcesPerJob, MaxSourcesPerJob)
	o.RequestRate = cmp.Or(o.RequestRate, 4.5)
	o.RequestTimeout = cmp.Or(o.RequestTimeout, 30*time.Second)
	o.MinPollDelay = cmp.Or(o.MinPollDelay, 2*time.Second)
	o.MaxPollDelay = cmp.Or(o.MaxPollDelay, max(2*time.Minute, o.MinPollDelay))
	o.QuotaTimeout = cmp.Or(o.QuotaTimeout, time.Hour)
	o.TokenWindow = cmp.Or(o.TokenWindow, time.Hour)
	switch {
	case o.MaxActiveJobs < 0:
		return errors.New("readsetimport: MaxActiveJobs must not be negative")
	case !(o.RequestRate >= rateMin && o.RequestRate <= rateMax): // nor if it is not a number
		return fmt.Errorf("readsetimport: RequestRate must be %g to %g requests per second, not %g", rateMin, rateMax, o.RequestRate)
	case o.TokenWindow > tokenWindowMax:
		return fmt.Errorf("readsetimport: TokenWindow must be at most %s, not %s", tokenWindowMax, o.TokenWindow)
	}
	if err := rules.Durations(
		rules.Duration{Option: "RequestTimeout", Value: o.RequestTimeout, Most: requestTimeoutMax},
		rules.Duration{Option: "MinPollDelay", Value: o.MinPollDelay, Most: pollDelayMax},
		rules.Duration{Option: "MaxPollDelay", Value: o.MaxPollDelay, Most: pollDelayMax},
		rules.Duration{Option: "QuotaTimeout", Value: o.QuotaTimeout, Most: quotaTimeoutMax},
	); err != nil {
		return err
	}
	if o.MaxPollDelay < o.MinPollDelay {
		return fmt.Errorf("readsetimport: MaxPollDelay (%s) must not be less than MinPollDelay (%s)", o.MaxPollDelay, o.MinPollDelay)
	}
	return rules.PerJob(o.SourcesPerJob, MaxSourcesPerJob)
}

// Client imports read sets. It is safe for concurrent use: imports that share a client share its request rate and its
// job slots, so one client for an account and Region is the right number.
type Client struct {
	api        API
	readSets   ReadSetAPI // nil if the API has no such operations
	opts       Options
	fixedRunID bool // the run id is the caller's
	pacers     [opCount]*quota.Pacer
	slots      *quota.Slots
	ledger     *ledger.Ledger // nil without a journal
	guard      wire.Guard
	delays     quota.Delays

	succeeded atomic.Bool // a request of this client has succeeded
	looked    atomic.Bool // and a look at a job
	answered  atomic.Bool // a request of this client was answered, whatever the answer

	door     chan struct{} // has room for one: an import that enters or leaves
	mu       sync.Mutex
	runs     map[*run]struct{} // the imports under way
	watchers map[string]*run   // by sequence store, while there are imports
}

// New returns a Client that sends its requests through api, usually an *omics.Client in the sequence store's Region. It
// does no I/O. The error names an option that is out of its range.
func New(api API, optFns ...func(*Options)) (*Client, error) {
	if api == nil {
		return nil, errors.New("readsetimport: New needs a HealthOmics client")
	}
	var o Options
	for _, fn := range optFns {
		fn(&o)
	}
	fixedRunID := o.RunID != ""
	if err := o.resolve(); err != nil {
		return nil, err
	}
	c := &Client{
		api:        api,
		opts:       o,
		fixedRunID: fixedRunID,
		delays:     quota.Delays{Min: o.MinPollDelay, Max: o.MaxPollDelay, Random: jitter.Float64},
		door:       make(chan struct{}, 1),
		runs:       make(map[*run]struct{}),
		watchers:   make(map[string]*run),
	}
	c.readSets, _ = api.(ReadSetAPI)
	c.slots = quota.NewSlots(o.MaxActiveJobs, o.MaxPollDelay, c.delays.Jittered)
	if o.Journal != nil {
		c.ledger = ledger.New(o.Journal)
	}
	for i := range c.pacers {
		c.pacers[i] = quota.NewPacer(o.RequestRate)
	}
	return c, nil
}
