package readsetimport

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// simOrchestrator is a program that keeps the state of each batch itself and hands it to Advance, without a journal.
// What it has saved survives a crash.
type simOrchestrator struct {
	batches []string // Submission as JSON
	sheet   []Source
	known   map[string]bool // files that are in a batch
}

// orchestrates is whether the world's program is such a one.
func (w *world) orchestrates() bool { return w.seed%10 == 9 }

// grow makes batches of the sources that are in none.
func (o *simOrchestrator) grow(w *world, sheet []Source) {
	var fresh []Source
	for _, s := range sheet {
		if !o.known[s.Source1] {
			o.known[s.Source1] = true
			fresh = append(fresh, s)
			o.sheet = append(o.sheet, s)
		}
	}
	for len(fresh) > 0 {
		n := min(len(fresh), w.plan.client.batchSize)
		b := newBatch(testTarget, "the import", fresh[:n])
		fresh = fresh[n:]
		state, _ := json.Marshal(Submission{Batch: b})
		o.batches = append(o.batches, string(state))
	}
}

// advanceAll takes every batch as far as it goes. Its report is nil if the process crashed.
func (p *process) advanceAll(sheet []Source) (*Report, error) {
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
			time.Sleep(time.Duration(i) * time.Microsecond)
			p.advance(c, i)
		})
	}
	group.Wait()
	if p.dead() {
		return nil, nil
	}
	return o.report()
}

// advance takes one batch to its end, or as far as it goes in this process.
func (p *process) advance(c *Client, i int) {
	w, o := p.world, &p.world.orchestrator
	var s Submission
	if err := json.Unmarshal([]byte(o.batches[i]), &s); err != nil {
		panic(err)
	}
	for {
		if s.Ended() || sleep(p.ctx, time.Until(s.NextAt)) != nil {
			return
		}
		next, err := c.Advance(p.ctx, s)
		key := fmt.Sprint("batch ", i)
		time.Sleep(time.Microsecond + time.Duration(w.roll("save", p.number, key, w.count("save", p.number, key))%1_000_000))
		phase := s.phase()
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

// phase is the column of the tables that a state belongs in.
func (s Submission) phase() string {
	switch {
	case s.Phase == PhaseRunning:
		return phaseLooking
	case s.Search.on() && s.Search.Listed:
		return phaseInspecting
	case s.Search.on():
		return phaseListing
	case s.Phase == PhaseSending:
		return phaseSending
	}
	return phasePlanned
}

// report is what the saved states say of the sources, in the order in which they came.
func (o *simOrchestrator) report() (*Report, error) {
	report := new(Report)
	for _, state := range o.batches {
		var s Submission
		if err := json.Unmarshal([]byte(state), &s); err != nil {
			return nil, err
		}
		index := make([]int, len(s.Batch.Sources))
		for i := range index {
			index[i] = len(report.Results) + i
		}
		switch s.Phase {
		case PhaseDone:
			report.Results = append(report.Results, results(testTarget, s.Batch.Sources, index, s.Job)...)
		default:
			why := ErrUnresolved
			if s.Phase != PhaseUnresolved {
				why = errors.New("still " + string(s.Phase))
			}
			for i, source := range s.Batch.Sources {
				report.Results = append(report.Results, Result{Index: index[i], Source: source, Err: why})
			}
		}
	}
	return report, nil
}
