package sim

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/readsetimport/readsetimport"
)

// span is the time for which a job was under way.
type span struct {
	job        string
	begin, end time.Time
}

// spans are the times of the jobs of the sheets' sources.
func (w *world) spans() (all []span) {
	for _, job := range w.service.Jobs(target.SequenceStoreID) {
		if !strings.HasPrefix(job.Sources[0].Source1, bucket) {
			continue // somebody else's
		}
		s := span{job.ID, job.CreationTime.Add(-w.plan.service.skew), job.CompletionTime.Add(-w.plan.service.skew)}
		if job.CompletionTime.IsZero() {
			s.end = time.Now()
		}
		all = append(all, s)
	}
	return all
}

// judgeSlots checks that no more jobs ran at once than may. A batch that was given up as unresolved has no slot any
// more, and its job can run. Nor has that of an import that ended before its job, if the client has another import.
func (w *world) judgeSlots(all []span) {
	most := w.plan.client.maxActive
	if most == 0 || w.orchestrates() || w.shared || w.searchRefused() || slices.ContainsFunc(w.claims, func(c claim) bool { return said(c.result) == saysUnresolved && !c.stopped }) {
		return
	}
	for _, s := range all {
		n := 0
		for _, other := range all {
			if !other.begin.After(s.begin) && other.end.After(s.begin) {
				n++
			}
		}
		if n > most {
			w.breaks("slots", "%d jobs run at once, of at most %d, when job %s begins, %s after the begin", n, most, s.job, s.begin.Sub(w.begin))
			return
		}
	}
}

// searchRefused reports whether a search was refused, for which a batch is given up as unresolved, though a crash may keep
// that from being told.
func (w *world) searchRefused() bool {
	for _, phase := range []string{phaseListing, phaseInspecting} {
		for _, why := range []string{"no permission", "no credentials", "fault: 400", "fault: 403", "fault: 404"} {
			if w.cells[cell{why, phase}] > 0 {
				return true
			}
		}
	}
	return false
}

// impatience is the end of an import for want of a slot.
type impatience struct {
	at       time.Time
	patience time.Duration
	who      string
}

// judgePatience checks that no import gave up waiting for a slot while a job ran that its journal knew.
func (w *world) judgePatience(all []span) {
	for _, i := range w.impatient {
		from := i.at.Add(-i.patience)
		for _, s := range all {
			if at, known := w.records.started[s.job]; known && at.Before(from) && s.begin.Before(i.at) && s.end.After(from) {
				w.breaks("patience", "%s: it waited %s for a slot, and gave up at %s, although job %s ran until %s", i.who, i.patience,
					i.at.Sub(w.begin), s.job, s.end.Sub(w.begin))
			}
		}
	}
}

// gaveUp notes an import that ended for want of a slot.
func (p *process) gaveUp(who string, err error) {
	if errors.Is(err, readsetimport.ErrQuotaExceeded) && p.imports == 1 {
		at := time.Now()
		p.hearing.Lock()
		defer p.hearing.Unlock()
		for _, e := range p.events {
			if e.Result != nil && errors.Is(e.Result.Err, readsetimport.ErrQuotaExceeded) && e.Time.Before(at) {
				at = e.Time // and then it waited for the jobs that ran
			}
		}
		refused := func(e readsetimport.Event) bool { return e.Kind == readsetimport.EventSlotWait && e.Time.Equal(at) }
		if !slices.ContainsFunc(p.events, refused) {
			return // it gave up before, while all that was left of it was in doubt
		}
		p.world.impatient = append(p.world.impatient, impatience{at, p.patience(), who})
	}
}
