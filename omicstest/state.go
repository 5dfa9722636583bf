package omicstest

import (
	"container/heap"
	"crypto/sha256"
	"encoding/json"
	"math"
	"sort"
	"time"
)

// store is a sequence store.
type store struct {
	id        string
	created   time.Time
	jobs      []*job // in the order of creation; without the discarded ones at its beginning
	byID      map[string]*job
	discarded int // number of read sets of discarded jobs

	readSets        []*readSet // by creation time
	positions       uint64     // number of read sets ever added to readSets
	nextJob         int        // the first of jobs that may have read sets to add
	discardedInList int        // number of readSets that are discarded
}

// lateCall is a request that is still to be executed, although its client does not wait for it any more.
type lateCall struct {
	at   time.Time
	call *call
}

// advance brings the state up to a time: it executes late requests, ends jobs, and forgets jobs and tokens.
func (s *Service) advance(now time.Time) {
	for len(s.late) > 0 && !s.late[0].at.After(now) {
		next := s.late[0]
		s.late = s.late[1:]
		s.endAndForget(next.at)
		s.execute(next.call, next.at)
	}
	s.endAndForget(now)
}

func (s *Service) endAndForget(now time.Time) {
	for len(s.active) > 0 && s.active[0].ended(now) {
		j := heap.Pop(&s.active).(*job)
		if s.opts.DiscardExpired && s.opts.JobRetention > 0 {
			s.ended = append(s.ended, j)
		}
	}
	for len(s.ended) > 0 && s.expired(s.ended[0], now) {
		s.discard(s.ended[0], now)
		s.ended[0], s.ended = nil, s.ended[1:]
	}
	s.tokens.forget(now.Add(-s.opts.TokenWindow))
}

// expired reports whether Get and List do not know the job any more.
func (s *Service) expired(j *job, now time.Time) bool {
	return s.opts.JobRetention > 0 && !now.Before(j.ends.Add(s.opts.JobRetention))
}

// discard forgets a job and its read sets, except for their number.
func (s *Service) discard(j *job, now time.Time) {
	st := j.store
	st.discarded += j.count(now)
	delete(st.byID, j.id)
	s.discardReadSets(j)
	j.sources, j.outcomes, j.contents, j.failsWhole, j.listed = nil, nil, nil, false, 0
	for len(st.jobs) > 0 && st.jobs[0].sources == nil {
		st.jobs[0], st.jobs = nil, st.jobs[1:]
		st.nextJob = max(0, st.nextJob-1)
	}
}

// arriveLate queues a request to be executed at a time to come.
func (s *Service) arriveLate(c *call, at time.Time) {
	i := sort.Search(len(s.late), func(i int) bool { return s.late[i].at.After(at) })
	s.late = append(s.late, lateCall{})
	copy(s.late[i+1:], s.late[i:])
	s.late[i] = lateCall{at: at, call: c}
}

// endHeap holds the active jobs, with the next to end on top.
type endHeap []*job

func (h endHeap) Len() int           { return len(h) }
func (h endHeap) Less(a, b int) bool { return h[a].ends.Before(h[b].ends) }
func (h endHeap) Swap(a, b int)      { h[a], h[b] = h[b], h[a] }
func (h *endHeap) Push(x any)        { *h = append(*h, x.(*job)) }
func (h *endHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	old[len(old)-1], *h = nil, old[:len(old)-1]
	return last
}

// tokenTable remembers client tokens, and forgets them in the order in which they came.
type tokenTable struct {
	byToken map[string]*tokenEntry
	queue   []*tokenEntry
}

type tokenEntry struct {
	token   string
	request [sha256.Size]byte // the requestSum of the request with the token
	job     *job
}

func (t *tokenTable) add(e *tokenEntry) {
	t.byToken[e.token] = e
	t.queue = append(t.queue, e)
}

// forget removes the tokens that came at or before a time.
func (t *tokenTable) forget(until time.Time) {
	for len(t.queue) > 0 && !t.queue[0].job.created.After(until) {
		delete(t.byToken, t.queue[0].token)
		t.queue[0], t.queue = nil, t.queue[1:]
	}
}

// requestSum returns a hash of what a Start asks for, whatever the order of its JSON fields.
func requestSum(storeID, roleARN string, sources []Source) [sha256.Size]byte {
	b, err := json.Marshal([]any{storeID, roleARN, sources})
	if err != nil {
		panic(err) // there is nothing in it that JSON cannot hold
	}
	return sha256.Sum256(b)
}

// window limits the number of requests in any span of time.
type window struct {
	span time.Duration
	last []time.Time // a ring of the latest times at which a request was admitted
	next int         // the index of the oldest
}

func newWindow(rate float64) *window {
	switch {
	case rate <= 0:
		return &window{}
	case rate < 1:
		return &window{span: time.Duration(float64(time.Second) / rate), last: make([]time.Time, 1)}
	}
	return &window{span: time.Second, last: make([]time.Time, int(math.Floor(rate)))}
}

func (w *window) admit(now time.Time) bool {
	if len(w.last) == 0 {
		return true
	}
	if oldest := w.last[w.next]; !oldest.IsZero() && now.Before(oldest.Add(w.span)) {
		return false
	}
	w.last[w.next] = now
	w.next = (w.next + 1) % len(w.last)
	return true
}
