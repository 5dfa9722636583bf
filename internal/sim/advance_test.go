package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/readsetimport/readsetimport"
)

// orchestrator is a program that keeps the state of each batch itself and hands it to Advance, without a journal.
// What it has saved survives a crash.
type orchestrator struct {
	batches []string // Submissions as JSON
	sheet   []readsetimport.Source
	known   map[string]bool // files that are in a batch
	kept    []*keptState    // of a program with several drivers, in the place of batches
}

// orchestrates is whether the world's program is such a one.
func (w *world) orchestrates() bool { return w.seed%10 == 9 || sharesStates(w.seed) }

// grow makes batches of the sources that are in none.
func (o *orchestrator) grow(w *world, sheet []readsetimport.Source) {
	var fresh []readsetimport.Source
	for _, s := range sheet {
		if !o.known[s.Source1] {
			o.known[s.Source1] = true
			fresh = append(fresh, s)
			o.sheet = append(o.sheet, s)
		}
	}
	for len(fresh) > 0 {
		n := min(len(fresh), w.plan.client.batchSize)
		b := batch("the import", fresh[:n])
		fresh = fresh[n:]
		if sharesStates(w.seed) {
			o.kept = append(o.kept, newKept(b, w.plan.drivers))
			continue
		}
		state, _ := json.Marshal(readsetimport.Submission{Batch: b})
		o.batches = append(o.batches, string(state))
	}
}

// advanceAll takes every batch as far as it goes. Its report is nil if the process crashed.
func (p *process) advanceAll(sheet []readsetimport.Source) (*readsetimport.Report, error) {
	defer p.cancel(nil)
	w, o := p.world, &p.world.orchestrator
	o.grow(w, sheet)
	stop := p.endLater()
	defer stop()
	c, err := p.newClient(nil)
	if err != nil {
		return nil, err
	}
	var group sync.WaitGroup
	for i := range o.batches {
		group.Go(func() {
			p.pass(time.Duration(i) * time.Microsecond)
			p.advance(c, i)
		})
	}
	group.Wait()
	if p.dead() {
		return nil, nil
	}
	return o.report(w)
}

// advance takes one batch to its end, or as far as it goes in this process.
func (p *process) advance(c *readsetimport.Client, i int) {
	w, o := p.world, &p.world.orchestrator
	var s readsetimport.Submission
	if err := json.Unmarshal([]byte(o.batches[i]), &s); err != nil {
		panic(err)
	}
	for {
		if s.Ended() || !p.sleep(time.Until(s.NextAt)) {
			return
		}
		next, err := c.Advance(p.ctx, s)
		key := fmt.Sprint("batch ", i)
		p.pass(time.Microsecond + time.Duration(w.roll("save", p.number, key, w.count("save", p.number, key))%1_000_000))
		phase := phaseOf(s)
		if !p.dead() && p.at("append before", phase, key) {
			p.crash()
		}
		if p.dead() {
			return
		}
		state, _ := json.Marshal(next)
		o.batches[i] = string(state)
		if next.Phase != s.Phase {
			w.log("run %d: %s is %s: %v", p.number, key, next.Phase, err)
		}
		if p.at("append after", phase, key) {
			p.crash()
		}
		if err != nil && !p.calm {
			return
		}
		s = next
	}
}

// sleep waits, and reports whether the process has not ended in between.
func (p *process) sleep(d time.Duration) bool {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return p.ctx.Err() == nil
	case <-p.ctx.Done():
		return false
	}
}

// batch is a batch of valid sources.
func batch(runID string, sources []readsetimport.Source) readsetimport.Batch {
	batches, err := readsetimport.Split(target, runID, sources)
	if err != nil || len(batches) != 1 {
		panic(fmt.Sprint(len(batches), " batches: ", err))
	}
	return batches[0]
}

// phaseOf is the column of the tables that a state belongs in.
func phaseOf(s readsetimport.Submission) string {
	switch search := !s.Search.Since.IsZero(); {
	case s.Phase == readsetimport.PhaseRunning:
		return phaseLooking
	case search && s.Search.Listed:
		return phaseInspecting
	case search:
		return phaseListing
	case s.Phase == readsetimport.PhaseSending:
		return phaseSending
	}
	return phasePlanned
}

// report is what the saved states say of the sources, in the order in which they came.
func (o *orchestrator) report(w *world) (*readsetimport.Report, error) {
	if sharesStates(w.seed) {
		return o.keptReport()
	}
	report := new(readsetimport.Report)
	for _, state := range o.batches {
		var s readsetimport.Submission
		if err := json.Unmarshal([]byte(state), &s); err != nil {
			return nil, err
		}
		results := s.Results()
		if !s.Ended() {
			results = openResults(s.Batch.Sources, s.Phase, s.Job.ID)
		}
		for _, res := range results {
			res.Index = len(report.Results)
			report.Results = append(report.Results, res)
		}
	}
	return report, nil
}

// openResults is what is known of the sources of a batch that has not ended.
func openResults(sources []readsetimport.Source, phase readsetimport.Phase, job string) (out []readsetimport.Result) {
	why := errors.New("still " + string(phase))
	if phase == readsetimport.PhaseSending {
		why = fmt.Errorf("%w: it is sending", readsetimport.ErrUnresolved)
	}
	for _, source := range sources {
		out = append(out, readsetimport.Result{Source: source, JobID: job, Err: why})
	}
	return out
}
