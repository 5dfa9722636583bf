package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
	"github.com/readsetimport/readsetimport/steps"
)

// keptState is the state of one batch where its owner keeps it. It is written only over the version that it was made from, and
// survives everything.
type keptState struct {
	batch   readsetimport.Batch
	compact bool // the text is a steps.State, and not a Submission

	mu      sync.Mutex
	current delivery
	old     delivery  // one that was delivered before, and may be once more
	leased  time.Time // until when
	results []readsetimport.Result
}

// delivery is a state as a driver gets it.
type delivery struct {
	version int
	text    string
}

func newKept(b readsetimport.Batch, plan driversPlan) *keptState {
	if plan.unnamed {
		b.ClientToken = ""
	}
	k := &keptState{batch: b, compact: plan.compact}
	k.current.text = k.write(readsetimport.Submission{Batch: b})
	return k
}

func (k *keptState) write(s readsetimport.Submission) string {
	var v any = s
	if k.compact {
		v = steps.Of(s)
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// glance is what a driver sees of a state before it takes a step.
type glance struct {
	phase  readsetimport.Phase
	nextAt time.Time
	ended  bool
	job    string
}

func (k *keptState) glance(text string) glance {
	if k.compact {
		var s steps.State
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			panic(err)
		}
		return glance{s.Phase(), s.NextAt(), s.Ended(), s.Job().ID}
	}
	var s readsetimport.Submission
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		panic(err)
	}
	return glance{s.Phase, s.NextAt, s.Ended(), s.Job.ID}
}

// read is the submission of a state.
func (k *keptState) read(text string) (s readsetimport.Submission, err error) {
	if !k.compact {
		return s, json.Unmarshal([]byte(text), &s)
	}
	var state steps.State
	if err := json.Unmarshal([]byte(text), &state); err != nil {
		return s, err
	}
	return state.With(k.batch)
}

// deliver returns the current state, and until when another driver has it.
func (k *keptState) deliver(remember bool) (now delivery, leased time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if remember {
		k.old = k.current
	}
	return k.current, k.leased
}

// save writes a state over the version that it was made from, and reports whether that was still there.
func (k *keptState) save(over delivery, text string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current.version != over.version {
		return false
	}
	k.current = delivery{version: over.version + 1, text: text}
	k.leased = time.Time{}
	return true
}

// driver is one process of one of the drivers that share the states.
type driver struct {
	p *process
	c *readsetimport.Client
}

// driveAll has all drivers take the batches as far as they go. A driver that crashes is followed by another process.
func (p *process) driveAll(sheet []readsetimport.Source) (*readsetimport.Report, error) {
	defer p.cancel(nil)
	w := p.world
	w.orchestrator.grow(w, sheet)
	var group sync.WaitGroup
	for i, clock := range w.plan.drivers.clocks {
		group.Go(func() {
			const lives = 3
			for life := range lives {
				number := p.number*100 + i*10 + life // of the process
				plan := w.newLife(number)
				d := &driver{p: w.newProcess(number, plan, p.calm)}
				if clock != 0 && w.happens(fmt.Sprintf("the clock of driver %d is ahead by %s", i, clock)) {
					d.p.clock = clock
				}
				d.p.pass(time.Duration(i) * 300 * time.Nanosecond) // what happens at one moment has no order
				if d.run(); !d.p.dead() {
					return
				}
				w.log("run %d: crashed", number)
				time.Sleep(plan.pause)
			}
		})
	}
	group.Wait()
	return w.orchestrator.report(w)
}

func (d *driver) run() {
	defer d.p.cancel(nil)
	stop := d.p.endLater()
	defer stop()
	w := d.p.world
	w.making.Lock()
	c, err := d.p.newClient(nil)
	w.making.Unlock()
	if err != nil {
		panic(err)
	}
	d.c = c
	var group sync.WaitGroup
	for i, k := range w.orchestrator.kept {
		group.Go(func() {
			d.p.pass(time.Duration(i) * time.Microsecond)
			d.drive(fmt.Sprint("batch ", i), k)
		})
	}
	group.Wait()
}

// drive takes one batch to its end, or as far as it goes in this process.
func (d *driver) drive(key string, k *keptState) {
	p, w := d.p, d.p.world
	for {
		n := w.count("delivery", p.number, key)
		chance := func(what string, portion float64) bool {
			return !p.calm && w.portion(what, p.number, key, n) < portion && w.happens(fmt.Sprintf("run %d: %s #%d: %s", p.number, key, n, what))
		}
		now, leased := k.deliver(!p.calm && w.portion("remember", p.number, key, n) < 0.2)
		seen := k.glance(now.text)
		if seen.ended {
			return
		}
		tick := time.Microsecond + time.Duration(w.roll("tick", p.number, key, n)%1_000_000)
		if wait := time.Until(seen.nextAt.Add(-p.clock)); wait > 0 {
			if !p.sleep(wait + tick) {
				return
			}
			continue
		}
		if wait := time.Until(leased); wait > 0 && !chance("delivered twice", w.plan.drivers.twice) {
			if !p.sleep(wait + tick) {
				return
			}
			continue
		}
		k.mu.Lock()
		k.leased = time.Now().Add(w.plan.drivers.lease)
		late := k.old
		k.mu.Unlock()
		if late.text != "" && !k.glance(late.text).ended && chance("an old state is delivered", w.plan.drivers.late) {
			d.step(key, n, k, late)
		}
		if !d.step(key, n, k, now) || !p.sleep(tick) {
			return
		}
	}
}

// step takes one step from a state, and reports whether the driver goes on with the batch.
func (d *driver) step(key string, n int, k *keptState, from delivery) bool {
	p, w := d.p, d.p.world
	plan := w.plan.drivers
	who := fmt.Sprintf("run %d, %s version %d", p.number, key, from.version)
	s, err := k.read(from.text)
	if err != nil {
		w.breaks("state", "%s: it cannot be read: %v", who, err)
		return false
	}
	s = moved(s, -p.clock)
	ctx, stop := d.limited(key, n, from)
	d.stall("before the step", key, n, from.version, plan.hold)
	next, err := d.c.Advance(ctx, s)
	again := steps.Retry(ctx, err)
	stop()
	p.pass(time.Microsecond + time.Duration(w.roll("save", p.number, key, n, from.version)%1_000_000))
	if p.dead() {
		return false
	}
	if known := new(readsetimport.Error); err != nil && !again && !errors.As(err, &known) && !errors.Is(err, readsetimport.ErrUnresolved) && p.ctx.Err() == nil {
		w.breaks("advance", "%s: %v", who, err)
	}
	if next.Ended() {
		d.handOver(who, k, next)
	}
	phase := phaseOf(s)
	if p.at("append before", phase, key) {
		p.crash()
	}
	d.stall("before the state is saved", key, n, from.version, plan.save)
	if p.dead() {
		return false
	}
	saved := k.save(from, k.write(moved(next, p.clock)))
	if next.Phase != s.Phase || !saved {
		w.log("%s is %s, saved: %t: %v", who, next.Phase, saved, err)
	}
	if p.at("append after", phase, key) {
		p.crash()
	}
	return err == nil || again && p.ctx.Err() == nil || p.calm
}

// stall lets time pass for a driver: a machine that is busy, or stands still.
func (d *driver) stall(when, key string, n, version int, most time.Duration) {
	p, w := d.p, d.p.world
	if p.calm || most <= 0 || w.portion("stall", when, p.number, key, n, version) >= w.plan.drivers.stalls {
		return
	}
	if w.happens(fmt.Sprintf("run %d: %s #%d version %d: a pause %s", p.number, key, n, version, when)) {
		p.pass(time.Duration(w.roll("pause", when, p.number, key, n, version) % uint64(most)))
	}
}

// limited is a context for one step, which may end soon.
func (d *driver) limited(key string, n int, from delivery) (context.Context, context.CancelFunc) {
	p, w := d.p, d.p.world
	if !p.calm && w.portion("cut", p.number, key, n, from.version) < w.plan.drivers.cut &&
		w.happens(fmt.Sprintf("run %d: %s #%d version %d: the time for the step is up", p.number, key, n, from.version)) {
		return context.WithTimeout(p.ctx, time.Millisecond+time.Duration(w.roll("limit", p.number, key, n, from.version)%uint64(time.Minute)))
	}
	return context.WithCancel(p.ctx)
}

// handOver takes the results of a step that ended its batch, before its state is saved: each is true at this moment, and whoever
// else comes to the end has the same.
func (d *driver) handOver(who string, k *keptState, ended readsetimport.Submission) {
	results := ended.Results()
	for _, res := range results {
		d.p.claim(who, res)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.results == nil {
		k.results = results
	}
	for i, res := range results {
		before := k.results[i]
		open, still := said(before) == saysUnresolved, said(res) == saysUnresolved
		switch {
		case open && still:
		case told(before) == told(res) && (before.StatusMessage == res.StatusMessage || k.compact): // a State keeps no messages
		case open != still && d.p.world.mayDoubt(res.Source):
			if open { // to one of the drivers only
				k.results[i] = res
			}
		default:
			d.p.world.breaks("two ends", "%s: it comes to %q, and before it came to %q", who, told(res), told(before))
		}
	}
}

// mayDoubt reports whether one driver may call unresolved what another one could tell, since what it asked was refused or is
// described oddly.
func (w *world) mayDoubt(s readsetimport.Source) bool {
	jobs := make(map[string]omicstest.Job)
	for _, job := range w.service.Jobs(target.SequenceStoreID) {
		jobs[job.ID] = job
	}
	return w.mayStayOpen(s, jobs) || !w.mustResolve()
}

func told(res readsetimport.Result) string {
	return fmt.Sprint(keyOf(res.Source.Source1), " ", said(res), " ", res.JobID, " ", res.ReadSetID)
}

// keptReport is what the states that are kept say of the sources, in the order in which they came.
func (o *orchestrator) keptReport() (*readsetimport.Report, error) {
	report := new(readsetimport.Report)
	for i, k := range o.kept {
		now, _ := k.deliver(false)
		seen, results := k.glance(now.text), k.results
		switch {
		case seen.ended && len(results) == 0:
			return nil, breach("no results", "batch %d has ended, and its results were not handed over", i)
		case !seen.ended:
			results = openResults(k.batch.Sources, seen.phase, seen.job)
		}
		for _, res := range results {
			res.Index = len(report.Results)
			report.Results = append(report.Results, res)
		}
	}
	return report, nil
}

// judgeJobs checks that no batch has two jobs. One that failed, and that the service has forgotten, cannot be known of.
func (w *world) judgeJobs() {
	for i, k := range w.orchestrator.kept {
		var last omicstest.Job
		for _, job := range w.service.Jobs(target.SequenceStoreID) { // in the order in which they began
			carried := func(s readsetimport.Source) bool { _, ok := sourceIn(job, s); return ok }
			if !slices.ContainsFunc(k.batch.Sources, carried) {
				continue
			}
			if last.ID != "" && job.CreationTime.Sub(last.CreationTime) < listed {
				w.breaks("two jobs", "batch %d has the jobs %s and %s", i, last.ID, job.ID)
			}
			last = job
		}
	}
}

// alwaysLate reports whether a batch was never sent since its drivers paused for longer than a client token is trusted.
func (w *world) alwaysLate(err error) bool {
	d := w.plan.drivers
	return d.stalls > 0 && max(d.hold, d.save) >= w.plan.client.tokenWindow && strings.Contains(err.Error(), "comes back too late")
}
