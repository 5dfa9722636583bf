package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

// claim is what a result said of a source, and when. It is compared with the store at once and, with all that the
// service has come to by then, in the end.
type claim struct {
	at     time.Time
	who    string
	result readsetimport.Result

	stopped bool // the import was: what it says to be open is in doubt still, and not given up
}

// memory is what the journal has been told, whether or not it is on the disk.
type memory struct {
	first   map[string]journal.Fingerprint // of each batch, by its client token
	batches map[string][]journal.Source    // by client token
	sending map[journal.Fingerprint]bool   // sources that are or were to be sent
	started map[string]time.Time           // by job
	ended   map[outcomeKey]ending          // outcomes of sources
	sets    map[journal.Fingerprint]string // read sets
	kept    map[journal.Fingerprint]string // those that are in the journal for certain
}

type outcomeKey struct {
	job    string
	source journal.Fingerprint
}

type ending struct {
	at      time.Time
	readSet string
}

func newMemory() memory {
	return memory{
		first: make(map[string]journal.Fingerprint), batches: make(map[string][]journal.Source), sending: make(map[journal.Fingerprint]bool),
		started: make(map[string]time.Time), ended: make(map[outcomeKey]ending), sets: make(map[journal.Fingerprint]string),
		kept: make(map[journal.Fingerprint]string),
	}
}

// add notes a record that is about to be written.
func (m *memory) add(r journal.Record) {
	switch r.Kind {
	case journal.Sending:
		m.first[r.ClientToken], m.batches[r.ClientToken] = r.Sources[0].Fingerprint, r.Sources
		for _, s := range r.Sources {
			m.sending[s.Fingerprint] = true
		}
	case journal.Ended:
		for _, s := range r.Sources {
			key := outcomeKey{r.JobID, s.Fingerprint}
			if _, known := m.ended[key]; !known {
				m.ended[key] = ending{time.Now(), s.ReadSetID}
			}
			if s.ReadSetID != "" {
				m.sets[s.Fingerprint] = s.ReadSetID
			}
		}
	case journal.Adopted:
		for _, s := range r.Sources {
			key := outcomeKey{r.JobID, s.Fingerprint}
			switch _, known := m.ended[key]; {
			case s.Status == "":
			case s.Status == types.ReadSetImportJobItemStatusInProgress:
				m.sending[s.Fingerprint] = true
			case !known:
				m.ended[key] = ending{time.Now(), s.ReadSetID}
			}
			if s.ReadSetID != "" {
				m.sets[s.Fingerprint] = s.ReadSetID
			}
		}
	}
}

// wrote notes a record that is in the journal for certain.
func (m *memory) wrote(r journal.Record) {
	running := r.Kind == journal.Started || r.Kind == journal.Adopted && slices.ContainsFunc(r.Sources, func(s journal.Source) bool {
		return s.Status == types.ReadSetImportJobItemStatusInProgress
	})
	if running && m.started[r.JobID].IsZero() {
		m.started[r.JobID] = time.Now()
	}
	for _, s := range r.Sources {
		switch {
		case r.Kind == journal.Gone:
			delete(m.kept, s.Fingerprint)
		case s.ReadSetID != "":
			m.kept[s.Fingerprint] = s.ReadSetID
		}
	}
}

// What a result says.
const (
	saysImported   = "imported"
	saysFailed     = "failed"
	saysUnresolved = "unresolved"
	saysRunning    = "running"  // its job had started
	saysInvalid    = "invalid"  // and was not sent
	saysBusy       = "busy"     // another import of the client has it
	saysNotSent    = "not sent" // or was refused
)

func said(res readsetimport.Result) string {
	var failed *readsetimport.JobError
	var invalid *readsetimport.ValidationError
	var request *readsetimport.Error
	switch {
	case res.Err == nil:
		return saysImported
	case errors.Is(res.Err, readsetimport.ErrUnresolved):
		return saysUnresolved
	case errors.As(res.Err, &failed):
		return saysFailed
	case res.JobID != "":
		return saysRunning
	case errors.As(res.Err, &invalid):
		return saysInvalid
	case errors.As(res.Err, &request) && request.MayHaveStarted:
		return saysUnresolved
	case strings.Contains(res.Err.Error(), "another import of this client"): // for which there is no sentinel
		return saysBusy
	}
	return saysNotSent
}

// claims notes what a result says, and holds it against what is known at this moment.
func (p *process) claim(who string, res readsetimport.Result) {
	w := p.world
	w.claiming.Lock() // imports that run at once
	defer w.claiming.Unlock()
	who = fmt.Sprintf("run %d, %s: %s", p.number, who, keyOf(res.Source.Source1))
	if !p.deaf || said(res) != saysNotSent { // whoever cannot read the journal cannot know
		w.claims = append(w.claims, claim{p.toldAt(res), who, res, p.ctx.Err() != nil})
	}
	f := target.Fingerprint(res.Source)
	switch said(res) {
	case saysImported:
		if res.AlreadyImported && w.deleted[res.ReadSetID] && !p.adopted {
			return // it cannot know
		}
		if set, ok := w.readSet(res.ReadSetID); !ok || !isOf(set, res) || w.deleted[res.ReadSetID] {
			w.breaks("imported", "%s is said to be read set %q of job %q, which is not in the store", who, res.ReadSetID, res.JobID)
		}
		if res.AlreadyImported && w.records.sets[f] != res.ReadSetID {
			w.breaks("already imported", "%s is said to have been in the store, as %s, and the journal has %q", who, res.ReadSetID, w.records.sets[f])
		}
		return
	case saysUnresolved:
		if !w.orchestrates() && !w.records.sending[f] {
			w.breaks("unresolved", "%s was never to be sent, and is said to be unresolved: %v", who, res.Err)
		}
	case saysBusy:
		if p.imports < 2 {
			w.breaks("busy", "%s: there is no other import: %v", who, res.Err)
		}
	}
	if res.AlreadyImported || res.ReadSetID != "" && said(res) == saysNotSent {
		w.breaks("already imported", "%s was not imported, and has a read set: %v", who, res.Err)
	}
	if errors.Is(res.Err, errInput) {
		w.breaks("input", "%s was read before the input broke, and is blamed for it: %v", who, res.Err)
	}
}

// toldAt is when an event told of a result, which may wait for long to be read, or now.
func (p *process) toldAt(res readsetimport.Result) time.Time {
	p.hearing.Lock()
	defer p.hearing.Unlock()
	for _, e := range p.events {
		if r := e.Result; r != nil && r.Index == res.Index && r.Source.Source1 == res.Source.Source1 && said(*r) == said(res) {
			return e.Time
		}
	}
	return time.Now()
}

func isOf(set omicstest.ReadSet, res readsetimport.Result) bool {
	return set.Source1 == res.Source.Source1 && set.SampleID == res.Source.SampleID && set.SubjectID == res.Source.SubjectID && set.JobID == res.JobID
}

// readSet finds what is in the store at this moment.
func (w *world) readSet(id string) (omicstest.ReadSet, bool) {
	if now := time.Now(); !now.Equal(w.listedAt) {
		w.listedAt = now
		w.inStore = make(map[string]omicstest.ReadSet)
		for _, set := range w.service.ReadSets(target.SequenceStoreID) {
			w.inStore[set.ID] = set
		}
	}
	set, ok := w.inStore[id]
	return set, ok
}

// judge holds all that was said against what has become of everything.
func (w *world) judge() {
	byID := make(map[string]omicstest.Job)
	bySource := make(map[string][]omicstest.Job)
	for _, job := range w.service.Jobs(target.SequenceStoreID) {
		byID[job.ID] = job
		for _, s := range job.Sources {
			bySource[s.Source1] = append(bySource[s.Source1], job)
		}
	}
	for _, c := range w.claims {
		res := c.result
		job, exists := byID[res.JobID]
		source, carried := sourceIn(job, res.Source)
		switch what := said(res); {
		case res.JobID != "" && (!exists || !carried):
			w.breaks("job", "%s: %s in job %s, which does not have it: %v", c.who, what, res.JobID, res.Err)
		case what == saysFailed && source.ReadSetID != "" && !w.deleted[source.ReadSetID]: // what is deleted may be told by the read sets
			w.breaks("failed", "%s: failed in job %s, which brought it into the store as %s: %v", c.who, res.JobID, source.ReadSetID, res.Err)
		case what == saysNotSent:
			if job := w.sentBefore(c, bySource[res.Source.Source1]); job != "" {
				w.breaks("not sent", "%s: job %s has it, whose request had left: %v", c.who, job, res.Err)
			}
		}
	}
}

func sourceIn(job omicstest.Job, s readsetimport.Source) (omicstest.JobSource, bool) {
	at := slices.IndexFunc(job.Sources, func(js omicstest.JobSource) bool {
		return js.Source1 == s.Source1 && js.SampleID == s.SampleID && js.SubjectID == s.SubjectID
	})
	if at < 0 {
		return omicstest.JobSource{}, false
	}
	return job.Sources[at], true
}

// settledBySets is the age of a request from which on the read sets of its samples may tell that nothing came of it.
const settledBySets = 15 * time.Minute

// sentBefore is a job that has the source of a claim, whose request had left by then without having been refused, and
// whose end with that source was not known.
func (w *world) sentBefore(c claim, jobs []omicstest.Job) string {
	for _, job := range jobs {
		source, ok := sourceIn(job, c.result.Source)
		ended := job.CompletionTime.Add(-w.plan.service.skew)
		if !ok || !job.CompletionTime.IsZero() && ended.Before(c.at) && (source.ReadSetID == "" || w.deleted[source.ReadSetID]) && c.at.Sub(ended) > settledBySets {
			continue // that it brought nothing in was told by the store's read sets
		}
		key := outcomeKey{job.ID, target.Fingerprint(c.result.Source)}
		if end, ok := w.records.ended[key]; ok && !end.at.After(c.at) && (end.readSet == "" || w.deleted[end.readSet]) {
			continue // it failed there, or is gone
		}
		sends := w.sends[job.ClientToken]
		created := job.CreationTime.Add(-w.plan.service.skew)
		if created.After(c.at) && slices.ContainsFunc(sends, func(s *send) bool { return s.at.After(c.at) && !s.at.After(created) }) {
			continue // by a request that was sent later, under the same token
		}
		for _, s := range sends {
			if !s.at.After(c.at) && (s.refused.IsZero() || s.refused.After(c.at)) {
				return job.ID
			}
		}
	}
	return ""
}
