package sim

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/jitter"
	"github.com/readsetimport/readsetimport/journal"
)

// newProcess starts the program.
func (w *world) newProcess(number int, run runPlan, calm bool) *process {
	ctx, cancel := context.WithCancelCause(context.Background())
	p := &process{
		world: w, number: number, run: run, calm: calm, ctx: ctx, cancel: cancel, gone: make(chan struct{}), begin: time.Now(),
		refused: make(map[journal.Fingerprint]bool), searched: make(map[string]string),
	}
	if calm {
		return p
	}
	for _, o := range run.outages {
		if w.happens(fmt.Sprintf("run %d: no %s after %s, for %s", number, o.what, o.from, o.lasts)) {
			p.outages = append(p.outages, o)
		}
	}
	p.slow = run.slow && w.happens(fmt.Sprintf("run %d: OnEvent is slow", number))
	p.deaf = run.unreadable && w.happens(fmt.Sprintf("run %d: the journal cannot be read", number))
	return p
}

// newClient is a client of the process with the journal on the disk.
func (p *process) newClient(mem journal.Journal) (*readsetimport.Client, error) {
	w, o := p.world, p.world.plan.client
	var inner http.RoundTripper
	api := w.service.Client(func(o *omics.Options) {
		inner = o.HTTPClient.(*http.Client).Transport
		o.HTTPClient = &http.Client{Transport: wireTransport{p, inner}}
		o.Credentials = p
	})
	real := jitter.Float64
	defer func() { jitter.Float64 = real }()
	jitter.Float64 = func() float64 { return w.portion("jitter", p.number, time.Now().UnixNano()) }
	var seen readsetimport.API = processAPI{api, p}
	if *flagCompare == "jobs" {
		seen = struct{ readsetimport.API }{seen}
	}
	return readsetimport.New(seen, func(opts *readsetimport.Options) {
		opts.RunID = "the import"
		if !o.fixedRunID {
			opts.RunID = fmt.Sprintf("import %d", p.number) // a random one cannot be replayed
		}
		opts.TokenWindow, opts.RequestRate, opts.MaxActiveJobs = o.tokenWindow, o.requestRate, o.maxActive
		opts.SourcesPerJob = o.batchSize
		opts.MinPollDelay, opts.MaxPollDelay = o.minPoll, o.maxPoll
		opts.QuotaTimeout = p.patience()
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
	if ready, err := p.adopt(c); err != nil || !ready {
		return &readsetimport.Report{}, err
	}
	if p.dead() {
		return nil, nil
	}
	all := []*importing{{p: p, name: "the import", sheet: sheet}}
	if !p.calm && w.portion("two imports", p.number) < 0.2 {
		all = append(all, &importing{p: p, name: "the other import", sheet: another})
	}
	p.imports = len(all)
	w.shared = w.shared || p.imports > 1
	var group sync.WaitGroup
	for n, i := range all {
		group.Go(func() {
			if n > 0 {
				p.pass(time.Duration(w.roll("second", p.number) % uint64(time.Minute)))
			}
			i.run(c)
		})
	}
	group.Wait()
	if p.dead() {
		return nil, nil
	}
	p.over = true
	for _, i := range all {
		i.judge()
	}
	for _, i := range all {
		i.judgeEvents()
	}
	return all[0].report(), nil
}

// report is the results in the order of the sheet.
func (i *importing) report() *readsetimport.Report {
	slices.SortFunc(i.results, func(a, b readsetimport.Result) int { return cmp.Compare(a.Index, b.Index) })
	return &readsetimport.Report{Results: i.results}
}

// patience is how long the process waits for a slot.
func (p *process) patience() time.Duration {
	if p.calm {
		return 2 * day
	}
	return p.run.patience
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
	if sharesStates(p.world.seed) {
		return p.driveAll(sheet)
	}
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
		}
		if w.orchestrates() {
			saved, err := w.orchestrator.report(w) // whether or not it crashed
			if err != nil {
				return verdict{}, err
			}
			for _, res := range saved.Results {
				p.claim("the saved states", res)
			}
		}
		if err := w.brokenRule(); err != nil {
			return verdict{}, err
		}
		w.foreigners(number)
		time.Sleep(run.pause)
		w.others(number, sheets[i+1])
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
	sheet := sheets[len(sheets)-1]
	if w.orchestrates() {
		sheet = w.orchestrator.sheet
	}
	if w.forgotten {
		return verdict{}, w.brokenRule()
	}
	v, err := w.compare(report, sheet, known)
	if broken := w.brokenRule(); broken != nil {
		return v, broken
	}
	if err == nil || ignored(ruleOf(err)) {
		w.judge()
		w.judgeJobs()
		spans := w.spans()
		w.judgeSlots(spans)
		w.judgePatience(spans)
		err = w.brokenRule()
	}
	return v, err
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
