package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/jitter"
	"github.com/readsetimport/readsetimport/journal"
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

	wire  sync.Mutex // held while a request brings its fault to the service
	spoil omicstest.Fault
	letGo func()

	mu       sync.Mutex
	counts   map[string]int
	happened []string
	cells    map[cell]int
	trace    []string
	tried    map[string]int
	bodies   map[string][]byte              // by client token
	sent     map[string]journal.Fingerprint // the first source of each batch in the journal, by its client token
	broken   error                          // a rule that was broken on the way
}

// What a seed and a run of its program may take. The most that an honest one took in 100,000 is a fifth of it.
const (
	stepsMax = 100_000
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
	w.happened = append(w.happened, what)
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

// oneBody notes under which client token a start is sent: always one, and never with another body than before, since
// nobody knows what that is answered with.
func (w *world) oneBody(body []byte) {
	var start map[string]any
	err := json.Unmarshal(body, &start)
	token, _ := start["clientToken"].(string)
	body, _ = json.Marshal(start) // the order of tags is open
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.bodies[token]
	switch {
	case w.broken != nil:
	case err != nil || token == "":
		w.broken = errors.New("a start was sent without a client token")
	case before != nil && !bytes.Equal(before, body):
		w.broken = fmt.Errorf("the client token %s was sent with two bodies", short(token))
	}
	w.bodies[token] = body
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
		counts: make(map[string]int), cells: make(map[cell]int), tried: make(map[string]int), bodies: make(map[string][]byte), sent: make(map[string]journal.Fingerprint),
	}
	w.orchestrator.known = make(map[string]bool)
	s := w.plan.service
	w.service = omicstest.New(func(o *omicstest.Options) {
		o.TokenWindow, o.ListLag, o.JobRetention, o.ClockSkew = s.tokenWindow, s.listLag, s.retention, s.skew
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

// newProcess starts the program.
func (w *world) newProcess(number int, run runPlan, calm bool) *process {
	ctx, cancel := context.WithCancelCause(context.Background())
	return &process{
		world: w, number: number, run: run, calm: calm, ctx: ctx, cancel: cancel, gone: make(chan struct{}),
		refused: make(map[journal.Fingerprint]bool), searched: make(map[string]string),
	}
}

// newClient is a client of the process with the journal on the disk.
func (p *process) newClient(mem journal.Journal) (*readsetimport.Client, error) {
	w, o := p.world, p.world.plan.client
	var inner http.RoundTripper
	api := w.service.Client(func(o *omics.Options) {
		inner = o.HTTPClient.(*http.Client).Transport
		o.HTTPClient = &http.Client{Transport: wireTransport{p, inner}}
	})
	real := jitter.Float64
	defer func() { jitter.Float64 = real }()
	jitter.Float64 = func() float64 { return w.portion("jitter", p.number, time.Now().UnixNano()) }
	return readsetimport.New(processAPI{api, p}, func(opts *readsetimport.Options) {
		opts.RunID = "the import"
		if !o.fixedRunID {
			opts.RunID = fmt.Sprintf("import %d", p.number) // a random one cannot be replayed
		}
		opts.TokenWindow, opts.RequestRate, opts.MaxActiveJobs = o.tokenWindow, o.requestRate, o.maxActive
		opts.SourcesPerJob = o.batchSize
		opts.MinPollDelay, opts.MaxPollDelay = o.minPoll, o.maxPoll
		opts.QuotaPatience = 2 * day
		if mem != nil {
			opts.Journal = processJournal{mem, p}
		}
	})
}

// importSheet is the whole program. Its report is nil if it crashed. A program that is not calm may import another sheet
// at the same time.
func (p *process) importSheet(sheet, another []readsetimport.Source) (*readsetimport.Report, error) {
	defer p.cancel(nil)
	w := p.world
	mem, err := openOn(&simulatedFile{&w.disk, p})
	if p.dead() {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the journal does not open: %w", err)
	}
	stop := p.endLater()
	defer stop()
	c, err := p.newClient(mem)
	if err != nil {
		return nil, err
	}
	var group sync.WaitGroup
	var other *readsetimport.Report
	if !p.calm && w.portion("two imports", p.number) < 0.2 {
		group.Go(func() {
			p.pass(time.Duration(w.roll("second", p.number) % uint64(time.Minute)))
			other, _ = c.Import(p.ctx, target, another)
		})
	}
	var report *readsetimport.Report
	if !p.calm && w.portion("break off", p.number) < 0.15 {
		report, err = p.breakOff(c, sheet)
	} else {
		report, err = c.Import(p.ctx, target, sheet)
	}
	group.Wait()
	if p.dead() {
		return nil, nil
	}
	if other != nil {
		w.log("run %d: of the other sheet, %d imported, %d not", p.number, len(other.Imported()), len(other.Failed()))
		if err := w.plausible(other); err != nil {
			return nil, err
		}
	}
	w.log("run %d: %d imported, %d not: %v", p.number, len(report.Imported()), len(report.Failed()), err)
	return report, nil
}

// endLater has the process killed or interrupted at its time.
func (p *process) endLater() (stop func()) {
	w := p.world
	if p.run.after <= 0 || p.calm {
		return func() {}
	}
	what := "killed"
	if p.run.crash == interrupt {
		what = "interrupted"
	}
	timer := time.AfterFunc(p.run.after, func() {
		if !w.happens(fmt.Sprintf("run %d: %s after %s", p.number, what, p.run.after)) {
			return
		}
		w.log("run %d: %s", p.number, what)
		if p.run.crash == interrupt {
			p.cancel(context.Canceled)
		} else {
			p.crash()
		}
	})
	return func() { timer.Stop() }
}

// breakOff streams a sheet and stops after some of the results.
func (p *process) breakOff(c *readsetimport.Client, sheet []readsetimport.Source) (*readsetimport.Report, error) {
	left := int(p.world.roll("results", p.number) % uint64(len(sheet)+1))
	report := new(readsetimport.Report)
	for res, err := range c.Stream(p.ctx, target, rows(sheet)) {
		if err != nil {
			return report, err
		}
		report.Results = append(report.Results, res)
		if left--; left < 0 && p.world.happens(fmt.Sprintf("run %d: broken off", p.number)) {
			p.world.log("run %d: broken off", p.number)
			break
		}
	}
	return report, nil
}

// rows is a sheet as an input.
func rows(sheet []readsetimport.Source) iter.Seq2[readsetimport.Source, error] {
	return func(yield func(readsetimport.Source, error) bool) {
		for _, s := range sheet {
			if !yield(s, nil) {
				return
			}
		}
	}
}

// mustEnd panics if the run takes longer than any honest one.
func (p *process) mustEnd() (ended func()) {
	timer := time.AfterFunc(runMax, func() {
		panic(fmt.Sprintf("seed %d: run %d takes more than %s", p.world.seed, p.number, runMax))
	})
	return func() { timer.Stop() }
}

// work is one run of the program.
func (p *process) work(sheet, another []readsetimport.Source) (*readsetimport.Report, error) {
	defer p.mustEnd()()
	if p.world.orchestrates() {
		return p.advanceAll(sheet)
	}
	return p.importSheet(sheet, another)
}

// live runs the program, again and again, and at last without trouble. It returns what is wrong with the result.
func (w *world) live() (verdict, error) {
	sheets := w.sheets()
	number := 0
	for i, run := range w.plan.runs {
		number++
		if i < w.limits.runs {
			continue
		}
		w.log("run %d: %d sources", number, len(sheets[i]))
		p := w.newProcess(number, run, false)
		report, err := p.work(sheets[i], sheets[i+1])
		if err != nil {
			return verdict{}, fmt.Errorf("run %d: %w", number, err)
		}
		if report == nil {
			w.log("run %d: crashed", number)
			if run.power {
				w.disk.powerCut(func(n int) int { return int(w.roll("power", number, n, len(w.disk.cached)) % uint64(n)) })
			}
		} else if err := w.plausible(report); err != nil {
			return verdict{}, fmt.Errorf("run %d: %w", number, err)
		}
		w.foreigners(number)
		time.Sleep(run.pause)
	}
	number++
	w.log("the last run: %d sources", len(sheets[len(sheets)-1]))
	known := w.endedJobs()
	report, err := w.newProcess(number, runPlan{}, true).work(sheets[len(sheets)-1], nil)
	if err != nil {
		return verdict{}, fmt.Errorf("the last run: %w", err)
	}
	w.orphans.Wait()
	time.Sleep(day) // whatever is on its way arrives, and what runs ends
	if w.broken != nil {
		return verdict{}, w.broken
	}
	if w.orchestrates() {
		return w.compare(report, w.orchestrator.sheet, known)
	}
	return w.compare(report, sheets[len(sheets)-1], known)
}

// sheets is the sheet of each run.
func (w *world) sheets() [][]readsetimport.Source {
	if w.limits.sources == 0 {
		return w.plan.sheets
	}
	var small [][]readsetimport.Source
	for _, sheet := range w.plan.sheets {
		small = append(small, slices.DeleteFunc(slices.Clone(sheet), func(s readsetimport.Source) bool {
			return keyOf(s.Source1) >= keyFor(w.limits.sources)
		}))
	}
	return small
}

func (w *world) traceText() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	lines := slices.Clone(w.trace)
	slices.Sort(lines) // what happens at one moment has no order
	return strings.Join(lines, "\n") + "\n"
}
