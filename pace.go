package readsetimport

import (
	"container/list"
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// pacer spaces the requests of one operation. One request at a time waits for its turn, so that a change of pace holds
// for everyone behind it, and a pause is not followed by a burst.
type pacer struct {
	turn    chan struct{} // holds one value while a request waits for its turn
	limiter *rate.Limiter
	last    time.Time     // when the last request was sent; whoever has the turn may use it
	gap     time.Duration // from one request to the next at the full pace

	mu        sync.Mutex
	full      rate.Limit // the pace without trouble
	slowedAt  time.Time  // when the pace was last slowed
	notBefore time.Time  // no request before this
}

func newPacer(perSecond float64) *pacer {
	return &pacer{
		turn:    make(chan struct{}, 1),
		limiter: rate.NewLimiter(rate.Limit(perSecond), 1),
		gap:     time.Duration(float64(time.Second) / perSecond),
		full:    rate.Limit(perSecond),
	}
}

// wait returns when a request may be sent, and the time then; or the cause of the context's end.
func (p *pacer) wait(ctx context.Context) (time.Time, error) {
	select {
	case p.turn <- struct{}{}:
		defer func() { <-p.turn }()
	case <-ctx.Done():
		return time.Time{}, context.Cause(ctx)
	}
	for {
		if err := sleep(ctx, p.pause()); err != nil {
			return time.Time{}, err
		}
		turn := p.limiter.Reserve()
		// While a request waits by the slower pace that was, the limiter gains by the one that is.
		delay := max(turn.Delay(), time.Until(p.last.Add(p.gap)))
		if err := sleep(ctx, delay); err != nil {
			turn.Cancel()
			return time.Time{}, err
		}
		if p.pause() <= 0 { // none has begun in the meantime
			p.last = time.Now()
			return p.last, nil
		}
	}
}

func (p *pacer) pause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.notBefore)
}

const (
	throttlePause    = time.Second     // after a 429 that does not say how long to wait
	throttlePauseMax = 5 * time.Minute // however long it says
	slowest          = 64              // the pace never falls below this part of the full one
)

// throttled halves the pace and pauses. Requests that were under way when the pace was slowed do not slow it again.
func (p *pacer) throttled(sentAt time.Time, retryAfter time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	pause := throttlePause
	if retryAfter > 0 {
		pause = min(retryAfter, throttlePauseMax)
	}
	if until := now.Add(pause); until.After(p.notBefore) {
		p.notBefore = until
	}
	if sentAt.Before(p.slowedAt) {
		return
	}
	p.slowedAt = now
	p.limiter.SetLimit(max(p.limiter.Limit()/2, p.full/slowest))
}

// answered takes the pace a twentieth of the full one back up.
func (p *pacer) answered() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.limiter.Limit(); now < p.full {
		p.limiter.SetLimit(min(p.full, now+p.full/20))
	}
}

// slots counts the import jobs that run, and learns from refusals (402) how many may. Every import of a client takes
// its slots from here, first come first served.
type slots struct {
	most    int           // MaxActiveJobs, 0: no bound of our own
	maxPoll time.Duration // MaxPollDelay

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

// slot is a place for one job.
type slot struct {
	open  bool // its start has no clear answer yet
	probe bool // it is one above the limit
}

func newSlots(most int, maxPoll time.Duration) *slots {
	return &slots{most: most, maxPoll: maxPoll, changed: make(chan struct{})}
}

// acquire waits for a slot, behind those who came before.
func (s *slots) acquire(ctx context.Context) (*slot, error) {
	s.mu.Lock()
	place := s.queue.PushBack(nil)
	for {
		var granted *slot
		var wait time.Duration
		err := contextEnded(ctx)
		if err == nil {
			granted, wait = s.admit(place)
		}
		if granted != nil || err != nil {
			s.queue.Remove(place)
			s.notify()
			s.mu.Unlock()
			return granted, err
		}
		changed := s.changed
		s.mu.Unlock()
		await(ctx, changed, wait)
		s.mu.Lock()
	}
}

// await returns when the channel is closed, the context ends or the time has passed. 0 is no time limit.
func await(ctx context.Context, changed <-chan struct{}, d time.Duration) {
	var timeout <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		timeout = timer.C
	}
	select {
	case <-changed:
	case <-timeout:
	case <-ctx.Done():
	}
}

// openMax is how many starts may be under way at once. It keeps a second's requests in flight however slow the answers
// are, and bounds how many batches are in doubt when the service goes away.
const openMax = 5

// freshness is how long after a look it is known how many jobs of ours run.
const freshness = 5 * time.Second

// admit grants a slot to the first in the queue if there is one, or says how long until it is worth asking again; 0 is
// when something changes.
func (s *slots) admit(place *list.Element) (*slot, time.Duration) {
	now := time.Now()
	switch wait := s.probeAt.Sub(now); {
	case s.queue.Front() != place, s.open >= openMax, s.most > 0 && s.taken >= s.most:
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

func (s *slots) grant(probe bool) *slot {
	s.taken++
	s.open++
	s.probing = s.probing || probe
	return &slot{open: true, probe: probe}
}

// resumed is the slot of a job that runs already, or may.
func (s *slots) resumed(running bool) *slot {
	s.mu.Lock()
	defer s.mu.Unlock()
	sl := s.grant(false)
	if running {
		s.settle(sl)
		s.limit = max(s.limit, s.taken)
	}
	return sl
}

// started notes that the job of a slot runs. A job above the limit raises it, and the next one is tried at once.
func (s *slots) started(sl *slot) {
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

// refused takes back a slot that the service did not grant. What runs now is the limit. It returns since when there are
// refusals while nothing of ours runs, or the zero time if something does or may.
func (s *slots) refused(sl *slot, jitter func(time.Duration) time.Duration) (since time.Time) {
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
	s.probeAt = time.Now().Add(jitter(next))
	s.notify()
	return s.since
}

// seen notes that jobs of ours were looked at just now, and the ends among them have been noted.
func (s *slots) seen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seenAt = time.Now()
	if s.learned && !s.seenAt.Before(s.probeAt) {
		s.notify()
	}
}

// released gives back the slot of a job that has ended, or that was not started.
func (s *slots) released(sl *slot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.settle(sl)
	s.taken--
	s.notify()
}

func (s *slots) settle(sl *slot) {
	if sl.open {
		sl.open = false
		s.open--
	}
	if sl.probe {
		sl.probe, s.probing = false, false
	}
}

// notify wakes everyone who waits.
func (s *slots) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}
