// Package quota keeps the requests and the jobs of a client below the quotas of the service: a [Pacer] spaces requests, and
// [Slots] learn how many import jobs may run at once.
package quota

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Pacer spaces the requests of one operation. One request at a time waits for its turn, so that a change of pace holds
// for everyone behind it, and a pause is not followed by a burst.
type Pacer struct {
	turn    chan struct{} // holds one value while a request waits for its turn
	limiter *rate.Limiter
	last    time.Time     // when the last request was sent; whoever has the turn may use it
	gap     time.Duration // from one request to the next at the full pace

	mu        sync.Mutex
	full      rate.Limit // the pace without trouble
	slowedAt  time.Time  // when the pace was last slowed
	notBefore time.Time  // no request before this
}

// NewPacer returns a Pacer of that many requests per second.
func NewPacer(perSecond float64) *Pacer {
	return &Pacer{
		turn:    make(chan struct{}, 1),
		limiter: rate.NewLimiter(rate.Limit(perSecond), 1),
		gap:     time.Duration(min(float64(time.Second)/perSecond, 1<<62)),
		full:    rate.Limit(perSecond),
	}
}

// Wait waits until a request may be sent and returns the time then. The error is the cause of the context's end.
func (p *Pacer) Wait(ctx context.Context) (time.Time, error) {
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

func (p *Pacer) pause() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.notBefore)
}

// MaxPause is the longest pause after a 429, however long its Retry-After is.
const MaxPause = 5 * time.Minute

const (
	defaultPause = time.Second // after a 429 that does not say how long to wait
	slowest      = 64          // the pace never falls below this part of the full one
)

// Throttled halves the pace and pauses, after a 429 for a request that was sent at sentAt. The pause is retryAfter, at most
// [MaxPause], or a second where that is zero. Requests that were under way when the pace was slowed do not slow it again.
func (p *Pacer) Throttled(sentAt time.Time, retryAfter time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	pause := defaultPause
	if retryAfter > 0 {
		pause = min(retryAfter, MaxPause)
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

// Answered takes the pace a twentieth of the full one back up.
func (p *Pacer) Answered() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.limiter.Limit(); now < p.full {
		p.limiter.SetLimit(min(p.full, now+p.full/20))
	}
}

// sleep waits for d, or until the context ends and then returns its cause.
func sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() == nil && d > 0 {
		wait(ctx, nil, d)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// wait returns when the channel is closed, the context ends or the time has passed. 0 is no time limit.
func wait(ctx context.Context, changed <-chan struct{}, d time.Duration) {
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
