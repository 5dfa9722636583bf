package sim

import (
	"context"
	"errors"
	"fmt"
	"sync"
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
	report, err := c.Import(i.p.ctx, target, i.sheet)
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
	for res, err := range c.Stream(p.ctx, target, i.input.rows()) {
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
	if o := p.lastOutage(credentials); errors.Is(i.err, errNoCredentials) && time.Since(p.begin)-o.from < time.Minute {
		w.breaks("impatient", "%s: it ended after %s without credentials: %v", who, time.Since(p.begin)-o.from, i.err)
	}
	w.log("%s: %d results, %d of them not imported: %v", who, len(i.results), failed, i.err)
}

// onEvent is the OnEvent of the process's client.
func (p *process) onEvent() func(readsetimport.Event) {
	var one sync.Mutex // imports that run at once call it at once
	return func(e readsetimport.Event) {
		one.Lock()
		p.events = append(p.events, e)
		n := len(p.events)
		if p.over {
			p.world.breaks("events", "run %d: %q after the import had ended", p.number, e.Kind)
		}
		one.Unlock()
		if n == p.run.interruptAt && !p.calm && p.world.happens(fmt.Sprintf("run %d: interrupted at event %d", p.number, n)) {
			p.world.log("run %d: interrupted at event %d, %q", p.number, n, e.Kind)
			p.cancel(context.Canceled)
			p.pass(time.Second)
		}
		if p.slow && p.world.portion("slow event", p.number, n) < 0.1 {
			longest := pickBy(p.world.roll("slow events", p.number), time.Second, time.Minute, time.Hour)
			p.pass(time.Duration(p.world.roll("slowness", p.number, n) % uint64(longest)))
		}
	}
}

func pickBy[T any](roll uint64, from ...T) T { return from[roll%uint64(len(from))] }

// judgeEvents holds the events of all imports of the process, which share one OnEvent, against their results.
func (p *process) judgeEvents(all []*importing) {
	w := p.world
	type key struct {
		index  int
		source string
		what   string
	}
	keyOfResult := func(res readsetimport.Result) key {
		return key{res.Index, res.Source.Source1, fmt.Sprint(res.JobID, res.ReadSetID, res.Status, res.AlreadyImported, res.Err)}
	}
	results := make(map[key]int)
	unheard := make(map[key]int) // sources of a loop that was broken off, which may have any result
	for _, i := range all {
		if i.left {
			for n, s := range i.input.read {
				unheard[key{index: n, source: s.Source1}]++
			}
			continue
		}
		for _, res := range i.results {
			results[keyOfResult(res)]++
		}
	}
	var ends []readsetimport.Event
	var counts readsetimport.Counts
	for _, e := range p.events {
		switch {
		case e.Running < 0 || e.Submitted < e.Running:
			w.breaks("counts", "run %d: %+v at %q", p.number, e.Counts, e.Kind)
		case e.Kind == readsetimport.EventImportEnded:
			ends = append(ends, e)
		case len(ends) == len(all):
			w.breaks("events", "run %d: %q after the last event", p.number, e.Kind)
		}
		if e.Kind != readsetimport.EventSourceEnded {
			continue
		}
		if e.Result.Err == nil {
			counts.Imported++
		} else {
			counts.Failed++
		}
		k := keyOfResult(*e.Result)
		switch short := (key{index: k.index, source: k.source}); {
		case results[k] > 0:
			results[k]--
		case unheard[short] > 0:
			unheard[short]--
		default:
			w.breaks("events", "run %d: an event of %s has no result, or a second one: %v", p.number, keyOf(k.source), e.Result.Err)
		}
	}
	if len(ends) != len(all) {
		w.breaks("events", "run %d: %d imports, and %d events of their ends", p.number, len(all), len(ends))
		return
	}
	for _, i := range all {
		for _, res := range i.results {
			if k := keyOfResult(res); i.input != nil && !i.left && results[k] > 0 {
				w.breaks("events", "run %d: %s has a result, and no event: %v", p.number, keyOf(k.source), res.Err)
			}
		}
	}
	for _, n := range unheard {
		if n > 0 {
			w.breaks("events", "run %d: a source that was read has no event", p.number)
		}
	}
	var told readsetimport.Counts
	for _, e := range ends {
		told.Imported += e.Imported
		told.Failed += e.Failed
		told.Running += e.Running
	}
	if told != counts {
		w.breaks("counts", "run %d: %+v at the end, and the events come to %+v", p.number, told, counts)
	}
	if i := all[0]; len(all) == 1 && i.input != nil && !i.left && fmt.Sprint(i.err) != fmt.Sprint(ends[0].Err) {
		w.breaks("events", "run %d: the stream ended with %v, and its last event has %v", p.number, i.err, ends[0].Err)
	}
}
