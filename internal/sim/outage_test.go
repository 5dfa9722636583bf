package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/readsetimport/readsetimport/internal/quota"
	"github.com/readsetimport/readsetimport/omicstest"
)

// outage is a time for which one operation is not permitted, or for which there are no credentials.
type outage struct {
	what  string
	from  time.Duration // since the run began
	lasts time.Duration
}

const credentials = "credentials"

var errNoCredentials = &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded} // the metadata service does not answer

func newOutages(random *rand.Rand) (all []outage) {
	if random.IntN(3) > 0 {
		return nil
	}
	for range 1 + random.IntN(3) {
		o := outage{
			what:  pick(random, omicstest.OpStart, omicstest.OpGet, omicstest.OpGet, omicstest.OpList, credentials, credentials),
			lasts: between(random, time.Second, 6*time.Hour),
		}
		if random.IntN(2) == 0 {
			o.from = between(random, time.Second, 3*time.Hour)
		}
		if random.IntN(4) == 0 {
			o.lasts = 1000 * day
		}
		all = append(all, o)
	}
	return all
}

// operations are the operations that the phases' requests are for.
var operations = map[string]string{
	phaseSending: omicstest.OpStart, phaseLooking: omicstest.OpGet, phaseInspecting: omicstest.OpGet,
	phaseSweeping: omicstest.OpList, phaseListing: omicstest.OpList,
}

// out is the outage that there is of an operation or of the credentials, if any.
func (p *process) out(what string) (outage, bool) {
	for _, o := range p.outages {
		if since := time.Since(p.begin) - o.from; o.what == what && since >= 0 && since < o.lasts {
			return o, true
		}
	}
	return outage{}, false
}

// longestOutage is how long an outage of this kind has lasted by now, at most. One that began while another lasted, of
// whatever kind, or before the next try after that, is a part of it.
func (p *process) longestOutage(what string) (longest time.Duration) {
	pause := p.world.plan.client.maxPoll
	if p.world.plan.service.liar.retryAfter != "" {
		pause = max(pause, quota.MaxPause)
	}
	now := time.Since(p.begin)
	for _, o := range p.outages {
		if o.what != what || o.from > now {
			continue
		}
		begin, end := o.from, min(now, o.from+o.lasts)
		for again := true; again; {
			again = false
			for _, o := range p.outages {
				if o.from < begin && o.from+o.lasts+pause >= begin {
					begin, again = o.from, true
				}
			}
		}
		longest = max(longest, end-begin)
	}
	return longest
}

// Retrieve makes the process a provider of credentials, which have to be got again for each request.
func (p *process) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if _, out := p.out(credentials); out {
		if n, ok := ctx.Value(noteKey{}).(note); ok {
			p.world.hit("no credentials", n.phase)
			p.world.log("run %d: %s %s: no credentials", p.number, n.phase, n.key)
		}
		return aws.Credentials{}, errNoCredentials
	}
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", CanExpire: true, Expires: time.Now()}, nil
}

// liar is how the headers of the answers lie.
type liar struct {
	date, retryAfter string
	portion          float64 // of the answers
}

// The service's own clock is known by nothing else than the header, so that one that lies by less than is plausible
// could not be told from a clock that is off.
func newLiar(random *rand.Rand) liar {
	if random.IntN(4) > 0 {
		return liar{}
	}
	return liar{
		date: pick(random, "", "Mon, 01 Jan 0001 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Sat, 01 Jan 2050 00:00:00 GMT",
			"Fri, 31 Dec 9999 23:59:59 GMT", "yesterday"),
		retryAfter: pick(random, "", "99999999999999999999", "9999999", "-1", "soon", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"),
		portion:    pick(random, 0.1, 0.5, 1),
	}
}

// lie changes the headers of an answer.
func (w *world) lie(res *http.Response, p *process, n note, seq int) {
	if l := w.plan.service.liar; !w.honest && w.portion("lie", p.number, n, seq) < l.portion {
		if l.date != "" {
			w.hit("Date lies", n.phase)
			res.Header.Set("Date", l.date)
		}
		if l.retryAfter != "" && res.StatusCode >= 400 {
			res.Header.Set("Retry-After", l.retryAfter)
		}
	}
}

// oddity is what the service says of a source for ever that is in the store: the status, and whether it tells the id.
type oddity struct {
	status string
	id     bool
}

// odd is the oddity of a source, or false: most have none.
func (w *world) odd(key string) (oddity, bool) {
	if w.portion("odd", key) >= w.plan.service.odd || !w.happens(fmt.Sprintf("%s is described oddly", key)) {
		return oddity{}, false
	}
	all := []oddity{{"FINISHED", false}, {"FAILED", true}, {"IN_PROGRESS", true}}
	return all[w.roll("oddity", key)%uint64(len(all))], true
}
