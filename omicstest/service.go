package omicstest

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// Service is a simulated HealthOmics service for import jobs and read sets. Create one with [New]. It is safe for
// concurrent use.
type Service struct {
	opts Options

	mu       sync.Mutex // held while a request is executed, never while an answer is held back
	maxJobs  int
	stores   map[string]*store
	readSets map[string]*readSet // those that addImported and Upload have added to their stores' lists
	ids      uint64              // number of job and read set ids given out
	created  uint64              // number of jobs created
	active   endHeap
	ended    []*job // in the order of their ends, until they are discarded; only with DiscardExpired
	tokens   tokenTable
	late     []lateCall // by time of arrival
	windows  map[string]*window
	injected map[string][]Fault
	requests []*Request
	answers  uint64 // number of request ids given out
}

// New returns a service whose stores are empty. It listens nowhere: take a client from [Service.Client], or serve it with
// net/http/httptest for clients of other languages.
func New(optFns ...func(*Options)) *Service {
	var o Options
	for _, fn := range optFns {
		fn(&o)
	}
	o.Stores, o.ETagFamilies = slices.Clone(o.Stores), maps.Clone(o.ETagFamilies)
	if len(o.Stores) == 0 {
		o.Stores = []string{defaultStore}
	}
	if o.TokenWindow == 0 {
		o.TokenWindow = defaultTokenWindow
	}
	if o.TokenMismatch.Status == 0 {
		o.TokenMismatch = Validation().WithMessage("The client token was used with another request")
	}
	s := &Service{
		opts:     o,
		maxJobs:  o.MaxActiveJobs,
		stores:   make(map[string]*store),
		readSets: make(map[string]*readSet),
		tokens:   tokenTable{byToken: make(map[string]*tokenEntry)},
		windows:  make(map[string]*window),
		injected: make(map[string][]Fault),
	}
	for _, id := range o.Stores {
		s.stores[id] = &store{id: id, created: time.Now(), byID: make(map[string]*job)}
	}
	for _, op := range operations {
		s.windows[op] = newWindow(o.RequestRate)
	}
	return s
}

// Inject queues faults for the next requests of an operation, one for each request, after those injected before. A zero
// [Fault] lets one request pass. Faults for the empty op meet requests of any operation that has none of its own in the
// queue. Inject panics if there is no such operation. See [Service.Unused].
func (s *Service) Inject(op string, faults ...Fault) {
	if op != "" && !slices.Contains(operations, op) {
		panic("omicstest: Inject: no operation " + op)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.injected[op] = append(s.injected[op], faults...)
}

// Unused returns the injected faults that no request has met yet, by the op given to [Service.Inject]. It is empty if
// all were used: a test that injects faults can make sure that it tested them.
func (s *Service) Unused() map[string][]Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	unused := make(map[string][]Fault)
	for op, faults := range s.injected {
		if len(faults) > 0 {
			unused[op] = slices.Clone(faults)
		}
	}
	return unused
}

// SetMaxActiveJobs changes [Options.MaxActiveJobs], as AWS does when it grants an increase. Active jobs continue.
func (s *Service) SetMaxActiveJobs(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.maxJobs = n
}

// ActiveJobs returns the number of active jobs, all stores together: how many slots a client uses at this moment.
func (s *Service) ActiveJobs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(time.Now())
	return len(s.active)
}

// Jobs returns every job that was started in a store, in the order of creation, with its sources in the order of the
// request. It includes the jobs that [Options.JobRetention] hides from clients.
func (s *Service) Jobs(storeID string) []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.advance(now)
	var jobs []Job
	for _, j := range s.jobs(storeID) {
		jobs = append(jobs, j.at(now, s.opts.ClockSkew))
	}
	return jobs
}

// ReadSets returns the read sets in a store, whatever their status, without those that are DELETED. Their order is that
// of the jobs and of the sources within a job; an upload counts as a job.
func (s *Service) ReadSets(storeID string) []ReadSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.advance(now)
	st := s.stores[storeID]
	if st == nil {
		return nil
	}
	s.addImported(st, now)
	sorted := slices.Clone(st.readSets)
	slices.SortFunc(sorted, func(a, b *readSet) int { return cmp.Compare(a.number, b.number) })
	var sets []ReadSet
	for _, r := range sorted {
		if r.source != nil && r.statusAt(now).status != types.ReadSetStatusDeleted {
			sets = append(sets, r.at(now, s.opts.ClockSkew))
		}
	}
	return sets
}

// CountReadSets returns how many read sets were imported into a store, including those that were deleted or discarded
// ([Options.DiscardExpired]) since. Uploads do not count.
func (s *Service) CountReadSets(storeID string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.advance(now)
	st := s.stores[storeID]
	if st == nil {
		return 0
	}
	n := st.discarded
	for _, j := range st.jobs {
		n += j.count(now)
	}
	return n
}

// Requests returns the requests of an operation, or all for an empty op, in the order of arrival. Use
// it to test how often a client asks, and under which client tokens.
func (s *Service) Requests(op string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Request
	from := 0
	if n := s.opts.MaxRequests; n > 0 {
		from = max(0, len(s.requests)-n)
	}
	for _, r := range s.requests[from:] {
		if op == "" || r.Op == op {
			list = append(list, *r)
		}
	}
	return list
}

func (s *Service) jobs(storeID string) []*job {
	if st := s.stores[storeID]; st != nil {
		return st.jobs
	}
	return nil
}

// count returns how many read sets the job has created by a time.
func (j *job) count(now time.Time) int {
	if j.ended(now) && !j.failsWhole && len(j.outcomes) == 0 {
		return len(j.sources)
	}
	n := 0
	for i := range j.sources {
		if status, _, _ := j.source(i, now); status == types.ReadSetImportJobItemStatusFinished {
			n++
		}
	}
	return n
}
