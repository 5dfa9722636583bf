package quota

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Slots counts the import jobs that run, and learns from refusals (402) how many may. Every import of a client takes
// its slots from here, first come first served.
type Slots struct {
	most    int           // MaxActiveJobs, 0: no bound of our own
	maxPoll time.Duration // MaxPollDelay
	jitter  func(time.Duration) time.Duration

	mu      sync.Mutex
	taken   int       // granted and not given back: jobs that run, or may
	open    int       // of these, the ones whose start has no clear answer yet
	learned bool      // there was a refusal, and
	limit   int       // so many ran then
	probing bool      // one slot above the limit is being tried
	probeAt time.Time // when to try the next, at the earliest
	seenAt  time.Time // when jobs of ours were last looked at
	refusal int       // refusals in a row while no job of ours ran
	since   time.Time // when the first of them came
	queue   list.List // of those who wait, first come first
	changed chan struct{}
}

// Slot is a place for one job.
type Slot struct {
	of    *Slots
	open  bool // its start has no clear answer yet
	probe bool // it is one above the limit
}

// NewSlots returns the slots of a client that has at most so many jobs running at once, or as many as the service admits if
// that is 0, and looks at each at least every maxPoll. jitter varies the time to the next try of a full service.
func NewSlots(most int, maxPoll time.Duration, jitter func(time.Duration) time.Duration) *Slots {
	return &Slots{most: most, maxPoll: maxPoll, jitter: jitter, changed: make(chan struct{})}
}

// Acquire waits for a slot, behind those who came before. The error is the cause of the context's end.
func (s *Slots) Acquire(ctx context.Context) (*Slot, error) {
	s.mu.Lock()
	place := s.queue.PushBack(nil)
	for {
		var granted *Slot
		var delay time.Duration
		err := sleep(ctx, 0)
		if err == nil {
			granted, delay = s.admit(place)
		}
		if granted != nil || err != nil {
			s.queue.Remove(place)
			s.notify()
			s.mu.Unlock()
			return granted, err
		}
		changed := s.changed
		s.mu.Unlock()
		wait(ctx, changed, delay)
		s.mu.Lock()
	}
}

// MaxStarting is how many starts may be under way at once. It keeps a second's requests in flight however slow the answers
// are, and bounds how many batches are in doubt when the service goes away.
const MaxStarting = 5

// freshness is how long after a look it is known how many jobs of ours run.
const freshness = 5 * time.Second

// admit grants a slot to the first in the queue if there is one, or says how long until it is worth asking again; 0 is
// when something changes.
func (s *Slots) admit(place *list.Element) (*Slot, time.Duration) {
	now := time.Now()
	switch wait := s.probeAt.Sub(now); {
	case s.queue.Front() != place, s.open >= MaxStarting, s.most > 0 && s.taken >= s.most:
		return nil, 0
	case !s.learned || s.taken < s.limit:
		return s.grant(false), 0
	case s.probing:
		return nil, 0
	case wait > 0:
		return nil, wait
	case s.taken > 0 && now.Sub(s.seenAt) > freshness && now.Before(s.seenAt.Add(2*s.maxPoll)):
		// A job may have ended unseen, and the slot that is tried would be that job's, not one more. Wait for a look.
		return nil, s.seenAt.Add(2 * s.maxPoll).Sub(now)
	}
	return s.grant(true), 0
}

func (s *Slots) grant(probe bool) *Slot {
	s.taken++
	s.open++
	s.probing = s.probing || probe
	return &Slot{of: s, open: true, probe: probe}
}

// Hold returns the slot of a job that runs already, or may, whatever the limit is.
func (s *Slots) Hold(running bool) *Slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.grant(false)
	if running {
		s.settle(sl)
		s.limit = max(s.limit, s.taken)
	}
	return sl
}

// Started notes that the job of the slot runs. A job above the limit raises it, and the next one is tried at once.
func (sl *Slot) Started() {
	s := sl.of
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(sl)
	s.refusal, s.since = 0, time.Time{}
	if s.learned && s.taken > s.limit {
		s.limit = s.taken
		s.probeAt = time.Now()
		s.seenAt = s.probeAt // where one more fits, the next is worth trying before the next look
	}
	s.notify()
}

// Refused gives back a slot that the service did not grant (402). What runs now is the limit. It returns since when there are
// refusals while nothing of ours runs, or the zero time if something does or may.
func (sl *Slot) Refused() (since time.Time) {
	s := sl.of
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(sl)
	s.taken--
	s.learned, s.limit = true, s.taken
	var next time.Duration
	if s.taken > 0 {
		// One slot more is worth less where there are many, so it is tried less often.
		next = s.maxPoll * time.Duration(min(max(s.limit, 2), 20)) / 4
		s.refusal, s.since = 0, time.Time{}
	} else {
		if s.refusal++; s.refusal == 1 {
			s.since = time.Now()
		}
		next = min(s.maxPoll, 2*time.Second<<min(s.refusal-1, 10))
	}
	s.probeAt = time.Now().Add(s.jitter(next))
	s.notify()
	return s.since
}

// Seen notes that jobs of ours were looked at just now, and the ends among them have been noted.
func (s *Slots) Seen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seenAt = time.Now()
	if s.learned && !s.seenAt.Before(s.probeAt) {
		s.notify()
	}
}

// Release gives back the slot of a job that has ended, or that was not started.
func (sl *Slot) Release() {
	s := sl.of
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(sl)
	s.taken--
	s.notify()
}

func (s *Slots) settle(sl *Slot) {
	if sl.open {
		sl.open = false
		s.open--
	}
	if sl.probe {
		sl.probe, s.probing = false, false
	}
}

// notify wakes everyone who waits.
func (s *Slots) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// InUse returns the number of slots that are taken.
func (s *Slots) InUse() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}
