package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

var target = readsetimport.Target{SequenceStoreID: "1234567890", RoleARN: "arn:aws:iam::123456789012:role/import"}

// world is one seed at work.
type world struct {
	seed   uint64
	plan   plan
	limits limits

	service      *omicstest.Service
	disk         simulatedDisk
	orchestrator orchestrator
	begin        time.Time
	orphans      sync.WaitGroup // requests that outlive their process

	making sync.Mutex // held while a process makes its client

	wire  sync.Mutex // held while a request brings its fault to the service
	spoil omicstest.Fault
	letGo func()

	honest   bool   // the headers of the answers do not lie after all
	records  memory // what is in the journal
	claiming sync.Mutex
	claims   []claim

	impatient []impatience
	shared    bool            // a client had two imports at once, or somebody else imported the same sources
	deleted   map[string]bool // read sets
	forgotten bool            // the service may have forgotten jobs that should have been adopted: nobody can know of them
	mustAdopt bool            // there is something in the store that the journal cannot know: nothing is imported before it is adopted

	inStore  map[string]omicstest.ReadSet // as listed the last time
	listedAt time.Time

	mu       sync.Mutex
	counts   map[string]int
	happened []string
	noted    map[string]bool // what is in happened
	cells    map[cell]int
	trace    []string
	tried    map[string]int
	bodies   map[string][]byte  // by client token
	sends    map[string][]*send // of each client token
	broken   error              // a rule that was broken on the way
}

// What a seed and a run of its program may take. A hundred batches in the hands of an orchestrator, each of which tries
// for the one slot by itself, honestly take some 50,000 steps.
const (
	stepsMax = 200_000
	runMax   = 60 * day // of virtual time
)

// cell is a cell of the table of what was hit.
type cell struct{ Row, Column string }

func (w *world) roll(parts ...any) uint64     { return hashOf(w.seed, parts...) }
func (w *world) portion(parts ...any) float64 { return portionOf(w.seed, parts...) }

// count is how often it was called with the same parts before.
func (w *world) count(parts ...any) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := fmt.Sprintln(parts...)
	w.counts[key]++
	return w.counts[key]
}

// happens notes that something goes wrong, unless it is not to.
func (w *world) happens(what string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.limits.without[what] {
		return false
	}
	if !w.noted[what] {
		w.noted[what] = true
		w.happened = append(w.happened, what)
	}
	return true
}

func (w *world) hit(row, column string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cells[cell{row, column}]++
}

func (w *world) log(format string, args ...any) {
	line := fmt.Sprintf("%15.6fs  ", time.Since(w.begin).Seconds()) + fmt.Sprintf(format, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.trace = append(w.trace, line)
	if w.limits.show {
		fmt.Println(line)
	}
	if len(w.trace) > stepsMax {
		panic(fmt.Sprintf("seed %d takes more than %d steps, the last of them:\n%s", w.seed, stepsMax, strings.Join(w.trace[len(w.trace)-60:], "\n")))
	}
}

func eventName(p *process, n note, seq int) string {
	return fmt.Sprintf("run %d: %s %s #%d", p.number, n.phase, n.key, seq)
}

// carry brings a request and what goes wrong with it to the service.
func (w *world) carry(next http.RoundTripper, req *http.Request, body []byte, fault omicstest.Fault) (*http.Response, error) {
	req.Body = io.NopCloser(bytes.NewReader(body))
	w.wire.Lock()
	letGo := sync.OnceFunc(w.wire.Unlock) // of this request: after it, the wire is the next one's
	w.spoil, w.letGo = fault, letGo
	defer letGo() // if the request's context had ended
	return next.RoundTrip(req)
}

// oneBody notes that a start leaves, and under which client token: always one, and never with another body than before, since
// nobody knows what that is answered with.
func (w *world) oneBody(body []byte) *send {
	var start map[string]any
	err := json.Unmarshal(body, &start)
	token, _ := start["clientToken"].(string)
	body, _ = json.Marshal(start) // the order of tags is open
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.bodies[token]
	switch {
	case err != nil || token == "":
		w.breakLocked("token", "a start was sent without a client token")
	case before != nil && !bytes.Equal(before, body):
		w.breakLocked("token", "the client token %s was sent with two bodies", short(token))
	}
	w.bodies[token] = body
	s := &send{at: time.Now()}
	w.sends[token] = append(w.sends[token], s)
	return s
}

// send is a start that left.
type send struct {
	at      time.Time
	refused time.Time // when its client got to know for certain that it started nothing; zero: never
}

// violation is a promise that was not kept.
type violation struct{ rule, text string }

func (v violation) Error() string { return v.rule + ": " + v.text }

func breach(rule, format string, args ...any) error {
	return violation{rule, fmt.Sprintf(format, args...)}
}

// breaks notes that a promise was not kept. The first one counts.
func (w *world) breaks(rule, format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.breakLocked(rule, format, args...)
}

func (w *world) breakLocked(rule, format string, args ...any) {
	if w.broken == nil && !ignored(rule) {
		w.broken = breach(rule, format, args...)
	}
}

func ignored(rule string) bool {
	return slices.Contains(strings.Split(*flagIgnore, ","), rule)
}

func (w *world) brokenRule() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.broken
}

// orphan carries a request out although its process is gone.
func (w *world) orphan(next http.RoundTripper, req *http.Request, body []byte, late time.Duration) {
	req = req.Clone(context.Background())
	w.orphans.Go(func() {
		time.Sleep(late)
		w.log("an orphan arrives")
		if res, err := w.carry(next, req, body, omicstest.Fault{}); err == nil {
			res.Body.Close()
		}
	})
}

func newWorld(seed uint64, limits limits) *world {
	w := &world{
		seed: seed, plan: newPlan(seed), limits: limits, begin: time.Now(),
		counts: make(map[string]int), cells: make(map[cell]int), tried: make(map[string]int), bodies: make(map[string][]byte),
		noted: make(map[string]bool), deleted: make(map[string]bool), sends: make(map[string][]*send),
	}
	w.records = newMemory()
	w.honest = w.plan.service.liar == liar{} || !w.happens("the headers of the answers lie")
	w.orchestrator.known = make(map[string]bool)
	s := w.plan.service
	w.service = omicstest.New(func(o *omicstest.Options) {
		o.TokenWindow, o.ListLag, o.JobRetention, o.ClockSkew = s.tokenWindow, s.listLag, s.retention, s.skew
		o.ReadSetListLag, o.DeletedRetention = s.listLag, time.Duration(w.roll("deleted")%2)*-1 // listed as deleted, or not at all
		o.QuotaFirst, o.KeepOrder, o.MaxActiveJobs, o.PageSize, o.RequestRate = s.quotaFirst, s.keepOrder, s.maxActive, s.pageSize, s.requestRate
		o.MaxRequests = -1
		o.Outcome, o.JobOutcome, o.JobDuration = w.outcome, w.jobOutcome, w.duration
		o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
			fault := w.spoil
			w.letGo()
			return fault, true
		}
	})
	return w
}

// outcome is what becomes of a source: it fails always, or for the first time or two, or never.
func (w *world) outcome(s omicstest.Source) omicstest.Outcome {
	key := keyOf(s.Source1)
	w.tried[key]++
	always := w.portion("fails", key) < w.plan.service.failing
	if always || w.portion("fails once", key) < w.plan.service.failingOnce && w.tried[key] <= 1+int(w.roll("tries", key)%2) {
		return omicstest.Failed(fmt.Sprintf("File validation failed: %s, try %d", key, w.tried[key]))
	}
	if w.portion("sure", key) < 0.3 {
		return omicstest.Outcome{Status: types.ReadSetImportJobItemStatusFinished} // even if its job fails
	}
	return omicstest.Outcome{}
}

func (w *world) jobOutcome(job omicstest.Job) (types.ReadSetImportJobStatus, string) {
	key := keyOf(job.Sources[0].Source1)
	if w.portion("bad job", key, w.tried[key]) >= w.plan.service.badJobs {
		return "", ""
	}
	if w.roll("how bad", key, w.tried[key])%2 == 0 {
		return types.ReadSetImportJobStatusFailed, "The job failed"
	}
	return types.ReadSetImportJobStatusCancelled, "The job was cancelled"
}

func (w *world) duration(job omicstest.Job) time.Duration {
	key := keyOf(job.Sources[0].Source1)
	part := w.portion("duration", key, w.tried[key])
	return time.Second + time.Duration(part*part*part*float64(w.plan.service.longest))
}

func (w *world) traceText() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := slices.Clone(w.trace)
	slices.Sort(lines) // what happens at one moment has no order
	return strings.Join(lines, "\n") + "\n"
}
