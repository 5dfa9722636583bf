package sim

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

// adopts reports whether the program adopts what is in the store before it imports, in some of its runs. An orchestrator has
// no journal.
func (w *world) adopts() bool {
	return *flagCompare == "" && !w.orchestrates() && (w.seed%5 == 4 || w.portion("adopts") < 0.1)
}

// adopt has the program adopt, and reports whether it may import then.
func (p *process) adopt(c *readsetimport.Client) (ready bool, err error) {
	w := p.world
	if !w.adopts() || !p.calm && !w.mustAdopt && w.portion("adopt", p.number) < 0.4 {
		return true, nil
	}
	found, err := c.Adopt(p.ctx, target)
	w.log("run %d: adopts %+v: %v", p.number, *found, err)
	switch {
	case p.dead():
		return true, nil
	case err == nil:
		r := w.plan.service.retention
		w.forgotten = w.forgotten || w.mustAdopt && r > 0 && time.Since(w.begin) > r
		w.mustAdopt, p.adopted = false, true
		return true, nil
	case p.calm:
		return false, breach("adopt", "it fails although nothing goes wrong: %v", err)
	}
	return !w.mustAdopt, nil
}

// others is what others do to the store and to the journal between two runs.
func (w *world) others(number int, sheet []readsetimport.Source) {
	if !w.adopts() {
		return
	}
	if w.portion("lost", number) < 0.3 && w.remembers() && w.happens(fmt.Sprintf("after run %d: the journal is lost", number)) {
		time.Sleep(time.Hour) // whatever is on its way arrives, and is on the lists
		w.log("the journal is lost")
		w.disk, w.mustAdopt = simulatedDisk{}, true
		clear(w.records.kept)
	}
	for _, f := range slices.SortedFunc(maps.Keys(w.records.kept), func(a, b journal.Fingerprint) int { return bytes.Compare(a[:], b[:]) }) {
		id := w.records.kept[f]
		if w.portion("deleted", number, f) < 0.1 && w.happens(fmt.Sprintf("after run %d: read set %s is deleted", number, id)) {
			if w.service.DeleteReadSet(id) == nil {
				w.log("read set %s is deleted", id)
				w.deleted[id] = true
				delete(w.records.kept, f)
			}
		}
	}
	if len(w.deleted) > 0 {
		time.Sleep(time.Hour) // until the lists tell
	}
	carried := make(map[string]bool)
	for _, job := range w.service.Jobs(target.SequenceStoreID) {
		for _, s := range job.Sources {
			carried[s.Source1] = true
		}
	}
	var strangers []omicstest.Source
	for _, s := range sheet {
		if len(strangers) < 3 && !carried[s.Source1] && !w.records.sending[target.Fingerprint(s)] && w.portion("stranger", number, keyOf(s.Source1)) < 0.1 {
			strangers = append(strangers, omicstest.Source{Type: s.Type, Source1: s.Source1, Source2: s.Source2, SubjectID: s.SubjectID, SampleID: s.SampleID, ReferenceARN: s.ReferenceARN})
		}
	}
	if len(strangers) > 0 && w.remembers() && w.happens(fmt.Sprintf("after run %d: somebody else imports some of the sources", number)) {
		job, err := w.service.StartJob(target.SequenceStoreID, target.RoleARN, strangers...)
		w.log("somebody else starts job %s of %d sources: %v", job.ID, len(strangers), err)
		if err == nil {
			w.shared, w.mustAdopt = true, true
			time.Sleep(time.Hour) // until it is on the list
		}
	}
}

// remembers reports whether the service still has all jobs on its list.
func (w *world) remembers() bool {
	r := w.plan.service.retention
	return r == 0 || time.Since(w.begin) < r-2*day
}
