package quota

import (
	"math"
	"time"
)

// Delays are how long to wait before a request: between Min and Max, give or take a tenth.
type Delays struct {
	Min, Max time.Duration
	Random   func() float64 // in [0, 1)
}

// Jittered is d give or take a tenth.
func (d Delays) Jittered(about time.Duration) time.Duration {
	about = min(about, math.MaxInt64/2)
	return time.Duration(float64(about) * (0.9 + 0.2*d.Random()))
}

// Backoff is the delay after the n-th failure in a row, from 1: doubling from a second to Max, with jitter.
func (d Delays) Backoff(n int) time.Duration {
	most := max(d.Max, time.Second)
	delay := most
	if n < 30 {
		delay = min(most, time.Second<<max(0, n-1))
	}
	return delay/2 + time.Duration(float64(delay/2)*d.Random())
}

// Poll returns about that many seconds, within the bounds.
func (d Delays) Poll(seconds float64) time.Duration {
	const most = 1e9 // some 30 years
	return min(max(d.Jittered(time.Duration(min(seconds, most)*float64(time.Second))), d.Min), d.Max)
}

// Look returns how long to wait before the next look at a job of that age, of whose like nothing is known.
func (d Delays) Look(age time.Duration) time.Duration { return d.Poll(age.Seconds() / 10) }

// Patience is how long there has been no slot.
type Patience struct{ since time.Time }

// Renew begins it anew, since there is a slot.
func (p *Patience) Renew() { p.since = time.Time{} }

// Over reports whether none came free for that long, and none is going to by the end of a job of this client. since is when
// the service began to refuse while none ran; zero: one runs.
func (p *Patience) Over(since time.Time, most time.Duration) bool {
	if since.IsZero() {
		p.Renew()
		return false
	}
	if p.since.IsZero() {
		p.since = time.Now()
	}
	if p.since.Before(since) {
		p.since = since
	}
	return time.Since(p.since) >= most
}
