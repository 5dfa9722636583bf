package omicstest

import (
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// Service is a simulated HealthOmics import service. It is safe for concurrent use. [New] makes one.
type Service struct {
	opts Options

	mu       sync.Mutex // held for as long as a request is carried out, never while an answer is held back
	maxJobs  int
	stores   map[string]*store
	ids      uint64 // how many job and read set ids were given out
	created  uint64 // how many jobs were
	active   endHeap
	ended    []*job // in the order of their ends, until they are discarded; only with DiscardExpired
	tokens   tokenTable
	late     []lateCall // by time of arrival
	windows  map[string]*window
	injected map[string][]Fault
	requests []*Request
	answers  uint64 // how many request ids were given out
}

// New returns a service with stores and no jobs.
func New(optFns ...func(*Options)) *Service {
	var o Options
	for _, fn := range optFns {
		fn(&o)
	}
	o.Stores = slices.Clone(o.Stores)
	if len(o.Stores) == 0 {
		o.Stores = []string{defaultStore}
	}
	if o.TokenWindow == 0 {
		o.TokenWindow = defaultTokenWindow
	}
	if o.TokenMismatch.Status == 0 {
		o.TokenMismatch = Status(400, "ValidationException", "The client token was used with another request")
	}
	s := &Service{
		opts:     o,
		maxJobs:  o.MaxActiveJobs,
		stores:   make(map[string]*store),
		tokens:   tokenTable{byToken: make(map[string]*tokenEntry)},
		windows:  make(map[string]*window),
		injected: make(map[string][]Fault),
	}
	for _, id := range o.Stores {
		s.stores[id] = &store{id: id, byID: make(map[string]*job)}
	}
	for _, op := range []string{OpStart, OpGet, OpList} {
		s.windows[op] = newWindow(o.RequestRate)
	}
	return s
}

// Inject sets what goes wrong with the next requests of an operation, one fault each, first in first out, after
// those injected before. A zero [Fault] lets one pass. An empty op stands for the requests of any operation that
// have no fault of their own. It panics if there is no such operation.
func (s *Service) Inject(op string, faults ...Fault) {
	if op != "" && op != OpStart && op != OpGet && op != OpList {
		panic("omicstest: Inject: no operation " + op)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.injected[op] = append(s.injected[op], faults...)
}

// SetMaxActiveJobs changes [Options.MaxActiveJobs]. Jobs under way go on.
func (s *Service) SetMaxActiveJobs(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.maxJobs = n
}

// ActiveJobs returns how many jobs are under way, all stores together.
func (s *Service) ActiveJobs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(time.Now())
	return len(s.active)
}

// Jobs returns every job that was started in a store, in the order of creation, with its sources in the order of
// the request. The jobs that [Options.JobRetention] hides from clients are among them.
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

// ReadSets returns what is in a store by now, in the order of the jobs and their sources.
func (s *Service) ReadSets(storeID string) []ReadSet {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.advance(now)
	var sets []ReadSet
	for _, j := range s.jobs(storeID) {
		for i := range j.sources {
			if _, _, id := j.source(i, now); id != "" {
				sets = append(sets, ReadSet{ID: id, JobID: j.id, StoreID: storeID, Source: j.sources[i].clone()})
			}
		}
	}
	return sets
}

// CountReadSets returns how many read sets were imported into a store by now, those of [Options.DiscardExpired]
// too.
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

// Requests returns the requests of an operation in the order of arrival, or all for an empty op.
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

// count is how many read sets the job has brought by a time.
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
