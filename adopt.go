package readsetimport

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/internal/adopt"
	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/journal"
)

// AdoptOptions are the options of [Client.Adopt]. With Since it neither reads older jobs nor looks whether what the journal knows is deleted.
type AdoptOptions struct {
	Since time.Time // jobs created since, by the service's clock; zero: all that the service still lists
}

// Adoption is what [Client.Adopt] found. Imported, Running, Failed and Gone count sources that the journal did not know as such.
type Adoption struct {
	Jobs, Known int // jobs on the list, and those of them that the journal knew, which cost no request
	Unread      int // jobs on the list that the service forgot before they were looked at, or that name no sources
	Imported    int // in the store: the next import skips them
	Running     int // on their way, described oddly, or of a batch in doubt: the next import waits for them
	Failed      int // to be imported again
	Gone        int // imported once and deleted since, so to be imported again
	// Doubles are sources that are in the store more than once, each as its read sets. The journal keeps the first, by the
	// creation of its job. [DoubleReadSets] finds the same content under other names.
	Doubles [][]JobSource
}

var errNoJournal = errors.New("readsetimport: it needs a client with a Journal: see Options")

// Adopt reads the import jobs of a store into the client's journal, whoever started them and by whatever means, so that the next
// import skips what is in the store, waits for what runs, and imports what failed or was deleted since. Use it when a journal
// was lost or there never was one, and when others import into the same store. It sends nothing. It can be interrupted and run
// again: what the journal knows costs no request beyond the lists. The role of the target is not used, but for its account.
//
// It cannot know jobs that the service no longer lists, which it does for a time that it does not publish, nor uploads: for
// those see [Client.ReadSets]. Run it before an import into the store, not during one: it leaves that one's sources alone.
//
// It lists the jobs and the store's read sets, and looks at each job that the journal does not know, and at each read set that
// is not on the list; each kind of request has a pace of its own (see [Options].RequestRate). Memory is some 150 bytes a read
// set. OnEvent is called with an [EventAdopted] for each job, and for requests that are made again.
//
// The Adoption is true as far as it goes if there is an error: a [*ValidationError], that the client has no journal or an API
// without read sets ([ReadSetAPI]), an [*Error] for a request that was refused or failed for some minutes, the cause of the
// context's end, or the journal's. The caller needs omics:ListReadSets and omics:GetReadSetMetadata besides what others need.
func (c *Client) Adopt(ctx context.Context, t Target, optFns ...func(*AdoptOptions)) (*Adoption, error) {
	var o AdoptOptions
	for _, fn := range optFns {
		fn(&o)
	}
	err := c.remembers(ctx, t, t.Validate())
	if err == nil && c.readSets == nil {
		err = errNoReadSetAPI
	}
	if err != nil {
		return &Adoption{}, err
	}
	found, err := adopt.Run(ctx, c.ledger, c.adoptable(ctx, t, o.Since))
	return (*Adoption)(&found), err
}

// remembers reads the journal, and reports what keeps it from being used for a store; invalid is what is wrong with the target.
func (c *Client) remembers(ctx context.Context, t Target, invalid error) error {
	switch {
	case invalid != nil:
		return invalid
	case !rules.IsID(t.SequenceStoreID):
		return errNoStoreID
	case c.ledger == nil:
		return errNoJournal
	}
	return c.openJournal(ctx, t)
}

// adoptable is the store as its jobs can be adopted.
func (c *Client) adoptable(ctx context.Context, t Target, since time.Time) adopt.Store[JobSource] {
	var telling sync.Mutex // OnEvent is called by one at a time
	tell := func(e Event) {
		if c.opts.OnEvent != nil {
			telling.Lock()
			defer telling.Unlock()
			e.Time = time.Now()
			c.opts.OnEvent(e)
		}
	}
	failed := func(e *Error, wait time.Duration) { tell(pollFailed(e, wait)) }
	after := since
	if since.IsZero() {
		after = time.Unix(0, 0)
	}
	return adopt.Store[JobSource]{
		ID:  t.SequenceStoreID,
		All: since.IsZero(),
		Jobs: wire.Pages(func(token string) (out []adopt.Job[JobSource], next string, err error) {
			var page []Job
			err = c.retry(ctx, requestTries, 1, failed, func() (err error) {
				page, next, err = c.listPage(ctx, t.SequenceStoreID, after, token)
				return err
			})
			for _, job := range page {
				out = append(out, t.adoptable(job))
			}
			return out, next, err
		}, opList.wrong),
		Job: func(ctx context.Context, id string) (adopt.Job[JobSource], bool, error) {
			var job Job
			err := c.retry(ctx, requestTries, 5, failed, func() (err error) {
				job, err = c.get(ctx, JobRef{t.SequenceStoreID, id})
				return err
			})
			var e *Error
			if errors.As(err, &e) && e.Code == wire.CodeNotFound {
				return adopt.Job[JobSource]{}, false, nil
			}
			return t.adoptable(job), true, err
		},
		ReadSets: func(ctx context.Context) iter.Seq2[ReadSet, error] {
			return c.ReadSets(ctx, t.SequenceStoreID, func(f *ReadSetFilter) { f.CreatedAfter = since })
		},
		ReadSet: func(ctx context.Context, id string) (ReadSet, string, error) {
			return c.findReadSet(ctx, t.SequenceStoreID, id)
		},
		Named: func(s JobSource, readSetID string) JobSource {
			s.Status, s.ReadSetID, s.StatusMessage = types.ReadSetImportJobItemStatusFinished, readSetID, ""
			return s
		},
		Told: func(f adopt.Found[JobSource], job adopt.Job[JobSource]) {
			counts := Counts{f.Running + f.Imported + f.Failed + f.Gone, f.Running, f.Imported, f.Failed + f.Gone}
			tell(Event{Kind: EventAdopted, Job: Job{JobRef: JobRef{t.SequenceStoreID, job.ID}, Status: job.Status, CreationTime: job.Created}, Counts: counts})
		},
	}
}

func (t Target) adoptable(job Job) adopt.Job[JobSource] {
	out := adopt.Job[JobSource]{ID: job.ID, Status: job.Status, Created: job.CreationTime}
	for _, s := range job.Sources {
		out.Sources = append(out.Sources, adopt.Source[JobSource]{Fingerprint: t.Fingerprint(s.Source), Status: s.Status, ReadSetID: s.ReadSetID, Is: s})
	}
	return out
}

// Doubt is a batch of which it is unknown what became of some of its sources: see [journal.Doubt].
type Doubt = journal.Doubt

// Doubts returns the batches of a store that the journal has in doubt: those of which it is unknown whether a job was started,
// and those whose job the service does not know any more, or does not tell what became of its sources. Use it when an import
// reports [ErrUnresolved] again and again; one that reports it for the first time may settle it in its next run. It costs a
// request for each job that the journal takes to be running. The error is that of [Client.Adopt].
func (c *Client) Doubts(ctx context.Context, t Target) ([]Doubt, error) {
	if err := c.remembers(ctx, t, t.Validate()); err != nil {
		return nil, err
	}
	return adopt.Doubts(ctx, c.ledger, c.adoptable(ctx, t, time.Time{}))
}

// Settle writes a person's decision on a doubt into the journal, so that the next import goes on: each source with an id was
// imported as that read set, and is skipped; each without one was not imported, and is sent again under a new token.
//
// Nothing is written that the store contradicts: an error says which read set is not in the store, is another source's, or was
// made of other files by a job that can still be read, or that the job runs. It also says if an import of this client has the
// batch in hand, or if the doubt is not what it was. What it cannot check is what the person is asked: that a read set without
// a job has the content of these files, and that no late job brings in what is said not to be imported.
func (c *Client) Settle(ctx context.Context, d Doubt, readSetIDs map[Fingerprint]string) error {
	t := Target{SequenceStoreID: d.SequenceStoreID}
	if err := c.remembers(ctx, t, nil); err != nil {
		return err
	}
	if c.readSets == nil {
		return errNoReadSetAPI
	}
	return adopt.Settle(ctx, c.ledger, c.adoptable(ctx, t, time.Time{}), d, readSetIDs)
}
