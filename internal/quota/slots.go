package quota

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// Slots counts the import jobs of a client, and learns from refusals (402) how many the service admits at once. All
// imports of the client take their slots from here, first come first served.
type Slots struct {
	most   int           // of the client's own choice; 0: no such bound
	stale  time.Duration // after so long without a look, what runs is not known any more
	jitter func(time.Duration) time.Duration

	mu       sync.Mutex
	taken    int       // granted and not given back: jobs that run, or may
	starting int       // of these, the ones whose start is under way and has no clear answer yet
	doubtful int       // and those that an earlier import left in doubt; the jobs of the others are known to run
	learned  bool      // there was a refusal, and
	limit    int       // so many ran then
	probing  bool      // one slot above the limit is being tried
	probeAt  time.Time // when to try the next, at the earliest
	missed   int       // probes in a row that were refused
	seenAt   time.Time // when the client's jobs were last looked at
	grown    int       // probes that succeeded since that look, less the starts whose place they took
	rivalAt  time.Time // when others in the account were last seen to take or free a slot
	starved  time.Time // since when starts have been refused while no job of the client was known to run; or zero
	queue    list.List // of those who wait, first come first
	changed  chan struct{}
}

// Slot is a place for one job. Its start has no clear answer until one of Started, Refused and Release is called.
type Slot struct {
	of       *Slots
	starting bool
	doubtful bool
	probe    bool // it is one above the limit
	within   bool // it is within a limit that is known: if it is refused, somebody else took the place
}

// NewSlots returns the slots of a client that runs at most so many jobs at once, or as many as the service admits if most
// is 0, and that looks at each of its jobs at least every maxPoll. The function jitter varies the delay before a probe.
func NewSlots(most int, maxPoll time.Duration, jitter func(time.Duration) time.Duration) *Slots {
	return &Slots{most: most, stale: 2 * min(maxPoll, staleMax/2), jitter: jitter, changed: make(chan struct{})}
}

// MaxStarting is how many starts may be under way at once. It keeps a second's requests in flight however slow the answers
// are, and bounds how many batches are in doubt when the service goes away.
const MaxStarting = 5

const (
	freshness = time.Second // how long after a look it is known how many of the client's jobs run
	staleMax  = time.Hour

	// A full service is probed for one slot more after a delay that doubles with each probe in a row that is refused.
	probeDelay    = 30 * time.Second // the first, while jobs of the client run
	probeDelayMax = 11 * time.Minute

	// Where others in the account take and free slots, whoever tries first has them.
	contestedDelay = 10 * time.Second // and no less than
	contestedShare = 360              // this part of the time since that was last seen

	// Where none runs, a slot is worth more.
	starvedDelay    = 2 * time.Second
	starvedDelayMax = time.Minute
)

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

// admit grants a slot to the first in the queue if there is one, or returns how long until it is worth asking again; 0
// is when something changes.
func (s *Slots) admit(place *list.Element) (*Slot, time.Duration) {
	now := time.Now()
	switch delay := s.probeAt.Sub(now); {
	case s.queue.Front() != place, s.starting >= MaxStarting, s.most > 0 && s.taken >= s.most:
		return nil, 0
	case !s.learned || s.taken < s.limit:
		return s.grant(false), 0
	case s.probing:
		return nil, 0
	case delay > 0:
		return nil, delay
	case s.running() > 0 && now.Sub(s.seenAt) > freshness && now.Before(s.seenAt.Add(s.stale)):
		// A job may have ended unseen, and the slot that is tried would be that job's, not one more. Wait for a look.
		return nil, s.seenAt.Add(s.stale).Sub(now)
	}
	return s.grant(true), 0
}

func (s *Slots) grant(probe bool) *Slot {
	s.taken++
	s.starting++
	s.probing = s.probing || probe
	return &Slot{of: s, starting: true, probe: probe, within: s.learned && !probe}
}

// running is how many jobs of the client are known to run.
func (s *Slots) running() int { return s.taken - s.starting - s.doubtful }

// Hold returns the slot of a job that an earlier import started, whatever the limit is: one that is known to run, or one
// that may have been started. Neither counts among the MaxStarting.
func (s *Slots) Hold(running bool) *Slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken++
	if running {
		s.runs()
		return &Slot{of: s}
	}
	s.doubtful++
	return &Slot{of: s, doubtful: true}
}

// Seen notes that the client's jobs were looked at just now. Slots of those that have ended must have been released.
func (s *Slots) Seen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seenAt = time.Now()
	if s.grown > 0 && s.starting == 0 {
		s.grown, s.rivalAt = 0, s.seenAt // somebody else freed a slot, or the quota has been raised
	}
	if s.learned && !s.seenAt.Before(s.probeAt) {
		s.notify()
	}
}

// Demand reports whether somebody waits for a slot, and how long it is since others in the account were seen to take or
// free one: then a slot that is not used at once may be lost.
func (s *Slots) Demand() (wanted bool, rivals time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.Len() > 0, s.rivals()
}

func (s *Slots) rivals() time.Duration {
	return time.Since(s.rivalAt) // some 292 years, if never
}

// InUse returns the number of slots that are taken.
func (s *Slots) InUse() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// Started notes that the job of the slot runs. After one above the limit, the next is tried at once.
func (sl *Slot) Started() {
	s := sl.of
	s.mu.Lock()
	defer s.mu.Unlock()
	probe := sl.probe
	s.answered(sl)
	s.runs()
	if probe {
		s.limit = max(s.limit, s.taken)
		s.missed = 0
		s.grown++
		s.probeAt = time.Now()
		s.seenAt = s.probeAt // where one more fits, the next is worth trying before the next look
	}
	s.notify()
}

// runs notes that one more job of the client is known to run.
func (s *Slots) runs() {
	s.starved = time.Time{}
	if s.learned {
		s.limit = max(s.limit, s.running())
	}
}

// Refused gives back a slot that the service did not grant (402): what is left is the limit for now.
//
// It returns since when starts have been refused while no job of the client was known to run, or the zero time if one
// is. That time begins anew after a job has started or was taken up as running (see Hold), and with nothing else: a
// slot whose start is in doubt neither stops it nor, when it is granted or given back, sets it to zero.
func (sl *Slot) Refused() (since time.Time) {
	s := sl.of
	s.mu.Lock()
	defer s.mu.Unlock()
	probe := sl.probe
	s.answered(sl)
	s.taken--
	switch {
	case sl.within && (s.probing || s.grown > 0):
		s.grown-- // the probe took the place
	case sl.within, probe && s.grown < 0:
		s.grown, s.rivalAt = 0, time.Now() // somebody else took it
	}
	s.full(s.taken, probe)
	s.notify()
	return s.starved
}

// RefusedInDoubt is [Slot.Refused] for a batch that an earlier request may have started: the service is full (402), and
// the slot is kept, since one of the jobs that fill it may be the batch's.
func (sl *Slot) RefusedInDoubt() (since time.Time) {
	s := sl.of
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case sl.probe:
		s.endProbe(sl)
		s.grown = max(s.grown, 0)
		s.full(s.limit, true)
	case !s.learned:
		s.full(s.taken, false)
	default:
		// It is repeated again and again, and must not put off the probes of others.
		s.starve()
	}
	s.notify()
	return s.starved
}

// full notes a refusal while so many slots were taken, and when to try again.
func (s *Slots) full(limit int, probe bool) {
	if probe {
		s.missed++
	} else {
		s.missed = 0 // somebody else took the place
	}
	s.learned, s.limit = true, limit
	s.starve()
	delay, most := probeDelay, probeDelayMax
	if s.running() == 0 {
		delay, most = starvedDelay, starvedDelayMax
	}
	delay = min(most, delay<<min(s.missed, 10))
	delay = min(delay, max(contestedDelay, s.rivals()/contestedShare))
	s.probeAt = time.Now().Add(s.jitter(delay))
}

func (s *Slots) starve() {
	if s.running() == 0 && s.starved.IsZero() {
		s.starved = time.Now()
	}
}

// Release gives back the slot of a job that has ended, or that was not started.
func (sl *Slot) Release() {
	s := sl.of
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case sl.probe:
		s.grown = max(s.grown, 0)
	case !sl.starting && s.grown > 0:
		// The job may have ended before the probe, which then took its place, and there is no slot more than before.
		s.grown--
		s.limit--
	}
	s.answered(sl)
	s.taken--
	s.notify()
}

// GiveBack gives back the slot of a job that an earlier import may have started, since it did not, and reports whether it is one.
func (sl *Slot) GiveBack() bool {
	sl.of.mu.Lock()
	doubtful := sl.doubtful
	sl.of.mu.Unlock()
	if doubtful {
		sl.Release()
	}
	return doubtful
}

// answered notes that the start of the slot's job has a clear answer.
func (s *Slots) answered(sl *Slot) {
	if sl.starting {
		sl.starting = false
		s.starting--
	}
	if sl.doubtful {
		sl.doubtful = false
		s.doubtful--
	}
	s.endProbe(sl)
}

func (s *Slots) endProbe(sl *Slot) {
	if sl.probe {
		sl.probe, s.probing = false, false
	}
}

// notify wakes everyone who waits.
func (s *Slots) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}
