package sim

import (
	"errors"
	"fmt"
	"time"

	"github.com/readsetimport/readsetimport"
)

// importing is one import of a process, and what it said.
type importing struct {
	p       *process
	name    string
	sheet   []readsetimport.Source
	input   *input // of a stream
	results []readsetimport.Result
	err     error
	events  []readsetimport.Event
	left    bool // the loop over the results was broken off
}

// streams reports whether a run of the program uses Stream, and not Import.
func (p *process) streams(name string) bool {
	return p.world.roll("stream", p.number, name)%2 == 0
}

// run runs the import to its end.
func (i *importing) run(c *readsetimport.Client) {
	if i.p.streams(i.name) {
		i.stream(c)
		return
	}
	report, err := c.Import(i.p.ctx, target, i.sheet, i.options)
	i.results, i.err = report.Results, err
	if i.p.dead() {
		return
	}
	for _, res := range i.results {
		i.p.claim(i.name, res)
	}
}

func (i *importing) stream(c *readsetimport.Client) {
	p, w := i.p, i.p.world
	i.input = p.newInput(i.name, i.sheet)
	most := -1 // results, before it is broken off
	if !p.calm && w.portion("break off", p.number, i.name) < 0.2 {
		most = int(w.roll("results", p.number, i.name) % uint64(len(i.sheet)+1))
	}
	slow := !p.calm && w.portion("slow consumer", p.number, i.name) < 0.2 && w.happens(fmt.Sprintf("run %d: who reads the results of %s is slow", p.number, i.name))
	seen := make(map[int]bool)
	for res, err := range c.Stream(p.ctx, target, i.input.rows(), i.options) {
		switch {
		case p.dead():
			return
		case i.err != nil:
			w.breaks("after the error", "run %d, %s: after %v came %v, %v", p.number, i.name, i.err, res, err)
			return
		case err != nil:
			i.err = err
			continue
		case seen[res.Index]:
			w.breaks("two results", "run %d, %s: %s has a second result: %v", p.number, i.name, keyOf(res.Source.Source1), res.Err)
		}
		seen[res.Index] = true
		i.results = append(i.results, res)
		p.claim(i.name, res)
		if slow && w.portion("slow", p.number, i.name, res.Index) < 0.2 {
			p.pass(time.Duration(w.roll("slowness", p.number, i.name, res.Index) % uint64(time.Hour)))
		}
		if most >= 0 && len(i.results) > most && w.happens(fmt.Sprintf("run %d: %s is broken off", p.number, i.name)) {
			w.log("run %d: %s is broken off", p.number, i.name)
			i.left = true
			return
		}
	}
}

// judge holds the results against what Import and Stream promise of them.
func (i *importing) judge() {
	p, w := i.p, i.p.world
	who := fmt.Sprintf("run %d, %s", p.number, i.name)
	read := i.sheet
	if i.input != nil {
		read = i.input.read
	}
	failed, unresolved := 0, 0
	for n, res := range i.results {
		what := said(res)
		switch {
		case res.Index < 0 || res.Index >= len(read) || read[res.Index].Source1 != res.Source.Source1:
			w.breaks("results", "%s: result %d is of another source than was read", who, res.Index)
			continue
		case i.input == nil && res.Index != n:
			w.breaks("results", "%s: result %d is of source %d", who, n, res.Index)
		case i.input == nil && what == saysInvalid, i.input != nil && (what == saysInvalid) != i.input.invalid(res.Index):
			w.breaks("results", "%s: %s is said to be %s: %v", who, keyOf(res.Source.Source1), what, res.Err)
		}
		if what != saysImported {
			failed++
		}
		if errors.Is(res.Err, readsetimport.ErrUnresolved) {
			unresolved++
		}
	}
	if !i.left && len(i.results) != len(read) {
		w.breaks("no result", "%s: %d results of %d sources that were read; the error is %v", who, len(i.results), len(read), i.err)
	}
	switch {
	case i.left:
	case i.input != nil && i.err == nil && !i.input.complete:
		w.breaks("silent end", "%s: the input was cut short, and there is no error", who)
	case i.input == nil && (i.err == nil) != (failed == 0):
		w.breaks("error", "%s: %d of %d were not imported, and the error is %v", who, failed, len(read), i.err)
	case i.input == nil && failed > 0 && !errors.Is(i.err, readsetimport.ErrIncomplete):
		w.breaks("error", "%s: the error is not ErrIncomplete: %v", who, i.err)
	case i.input == nil && unresolved > 0 && !errors.Is(i.err, readsetimport.ErrUnresolved):
		w.breaks("error", "%s: %d are unresolved, and the error does not say so: %v", who, unresolved, i.err)
	}
	p.gaveUp(who, i.err)
	if d := p.longestOutage(credentials); errors.Is(i.err, errNoCredentials) && d < time.Minute {
		w.breaks("impatient", "%s: it ended after %s without credentials: %v", who, d, i.err)
	}
	w.log("%s: %d results, %d of them not imported: %v", who, len(i.results), failed, i.err)
}

// options are those of the import.
func (i *importing) options(o *readsetimport.ImportOptions) {
	o.OnEvent = func(e readsetimport.Event) {
		i.events = append(i.events, e)
		i.p.hear(e)
	}
}

// hear is told of the events of all imports of the process. Imports that run at once call it at once.
func (p *process) hear(e readsetimport.Event) {
	p.hearing.Lock()
	p.events = append(p.events, e)
	n, over := len(p.events), p.over
	p.hearing.Unlock()
	if over {
		p.world.breaks("events", "run %d: %q after the import had ended", p.number, e.Kind)
	}
	// Thousands of events can wait for it, after an outage of hours: it must not take them longer than a run may.
	if p.slow && n <= slowEventsMax && p.world.portion("slow event", p.number, n) < 0.1 {
		longest := pickBy(p.world.roll("slow events", p.number), time.Second, time.Minute, time.Hour)
		p.pass(time.Duration(p.world.roll("slowness", p.number, n) % uint64(longest)))
	}
}

// slowEventsMax is how many of the events of a run OnEvent may be slow for: some ten days, at most.
const slowEventsMax = 5000

func pickBy[T any](roll uint64, from ...T) T { return from[roll%uint64(len(from))] }

// judgeEvents holds the events of an import against its results.
func (i *importing) judgeEvents() {
	w := i.p.world
	who := fmt.Sprintf("run %d, %s", i.p.number, i.name)
	what := func(res readsetimport.Result) string {
		return fmt.Sprint(res.Source.Source1, res.JobID, res.ReadSetID, res.Status, res.AlreadyImported, res.Err)
	}
	results := make(map[int]readsetimport.Result)
	for _, res := range i.results {
		results[res.Index] = res
	}
	var counts readsetimport.Counts
	heard := make(map[int]bool)
	for n, e := range i.events {
		switch {
		case e.Running < 0 || e.Submitted < e.Running:
			w.breaks("counts", "%s: %+v at %q", who, e.Counts, e.Kind)
		case (e.Kind == readsetimport.EventImportEnded) != (n == len(i.events)-1):
			w.breaks("events", "%s: %q is event %d of %d", who, e.Kind, n+1, len(i.events))
		case e.RunID != i.events[0].RunID || e.RunID == "":
			w.breaks("events", "%s: an event of import %q", who, e.RunID)
		}
		if e.Kind != readsetimport.EventSourceEnded {
			continue
		}
		if e.Result.Err == nil {
			counts.Imported++
		} else {
			counts.Failed++
		}
		res, ok := results[e.Result.Index]
		switch {
		case heard[e.Result.Index]:
			w.breaks("events", "%s: a second event of source %d: %v", who, e.Result.Index, e.Result.Err)
		case ok && what(res) != what(*e.Result), !ok && !i.left:
			w.breaks("events", "%s: the event of source %d says %v, and its result %v", who, e.Result.Index, e.Result.Err, res.Err)
		case (e.Err == nil) != (e.Result.Err == nil):
			w.breaks("events", "%s: the event of source %d has the error %v, and its result %v", who, e.Result.Index, e.Err, e.Result.Err)
		}
		heard[e.Result.Index] = true
	}
	if len(i.events) == 0 {
		w.breaks("events", "%s: no event of its end", who)
		return
	}
	if i.input != nil && len(heard) != len(i.input.read) {
		w.breaks("events", "%s: %d sources were read, and %d have an event", who, len(i.input.read), len(heard))
	}
	last := i.events[len(i.events)-1]
	counts.Submitted = last.Submitted
	if last.Counts != counts {
		w.breaks("counts", "%s: %+v at the end, and the events come to %+v", who, last.Counts, counts)
	}
	if i.input != nil && !i.left && fmt.Sprint(i.err) != fmt.Sprint(last.Err) {
		w.breaks("events", "%s: the stream ended with %v, and its last event has %v", who, i.err, last.Err)
	}
}
