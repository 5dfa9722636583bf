package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

// The phases of the simulation's tables: what a request or a record is for.
const (
	phaseOpening    = "opening"
	phasePlanned    = "planned"
	phaseSending    = "sending"
	phaseLooking    = "running, Get"
	phaseSweeping   = "running, List"
	phaseListing    = "searching, List"
	phaseInspecting = "searching, Get"
	phaseAdopting   = "adopting"
)

var (
	requestPhases = []string{phaseSending, phaseLooking, phaseSweeping, phaseListing, phaseInspecting, phaseAdopting}
	// Records are written in these: a sending in planned; a start or a refusal in sending; an end in running; nothing
	// found after a list, or after a look at the last of the jobs on it; a job that a search found after a look at it.
	appendPhases = []string{phasePlanned, phaseSending, phaseLooking, phaseListing, phaseInspecting, phaseAdopting}
)

// crashPoint is a place in the program at which it can crash.
type crashPoint struct{ point, phase string }

var interrupt = crashPoint{"interrupt", ""}

var crashPoints = func() (all []crashPoint) {
	for _, point := range []string{"append before", "append torn", "append unsynced", "append after"} {
		for _, phase := range appendPhases {
			all = append(all, crashPoint{point, phase})
		}
	}
	for _, point := range []string{"request before", "request on its way", "request carried out", "answer received"} {
		for _, phase := range requestPhases {
			all = append(all, crashPoint{point, phase})
		}
	}
	return append(all, crashPoint{"open truncated", phaseOpening})
}()

// process is one run of the program. When it crashes, nothing of it reaches the service or the disk any more.
type process struct {
	world  *world
	number int
	run    runPlan
	calm   bool // nothing goes wrong
	ctx    context.Context
	cancel context.CancelCauseFunc
	gone   chan struct{}
	once   sync.Once

	begin   time.Time
	clock   time.Duration // how far its clock is ahead
	outages []outage
	imports int
	slow    bool // its OnEvent is
	adopted bool // in this run, to the end
	deaf    bool // its journal cannot be read to the end
	hearing sync.Mutex
	events  []readsetimport.Event
	over    bool // no event may come any more

	mu        sync.Mutex
	appending struct{ phase, key string }
	refused   map[journal.Fingerprint]bool // first sources of batches whose last request was refused
	searched  map[string]string
	last      string // phase of the last answer to a search
}

func (p *process) dead() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
}

// pass lets time pass for the process. Nothing takes time once it is dead, so that what is left of it in the bubble ends
// at the moment of the crash.
func (p *process) pass(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.gone:
	}
}

// crash ends the process here and now.
func (p *process) crash() {
	p.once.Do(func() { close(p.gone) })
	p.cancel(errCrashed)
}

// at reports whether the process is to crash at a point that it has reached.
func (p *process) at(point, phase, key string) bool {
	w := p.world
	if p.calm || p.dead() || p.run.crash != (crashPoint{point, phase}) {
		return false
	}
	n := w.count("chance", p.number, key)
	if w.roll("crash", p.number, key, n)%p.run.oneIn != 0 {
		return false
	}
	if !w.happens(fmt.Sprintf("run %d: crash: %s (%s %s #%d)", p.number, point, phase, key, n)) {
		return false
	}
	w.hit("crash: "+point, phase)
	return true
}

// diskFails reports whether an operation on the journal's file fails.
func (p *process) diskFails(op string) bool {
	w := p.world
	if p.calm || p.appending.phase == "" {
		return false
	}
	n := w.count("disk", p.number, op, p.appending.key)
	if w.portion("disk", p.number, op, p.appending.key, n) >= w.plan.diskFaults[p.appending.phase] {
		return false
	}
	if !w.happens(fmt.Sprintf("run %d: journal %s fails (%s %s #%d)", p.number, op, p.appending.phase, p.appending.key, n)) {
		return false
	}
	w.hit("journal "+op+" fails", p.appending.phase)
	return true
}

// processJournal is the journal of a process, which dies with it.
type processJournal struct {
	journal.Journal
	p *process
}

func (j processJournal) Replay(ctx context.Context) iter.Seq2[journal.Record, error] {
	if !j.p.deaf {
		return j.Journal.Replay(ctx)
	}
	j.p.world.hit("journal read fails", phaseOpening)
	return func(yield func(journal.Record, error) bool) {
		for r, err := range j.Journal.Replay(ctx) {
			if j.p.world.portion("unread", j.p.number, r.Time.UnixNano()) < 0.2 {
				break
			}
			if !yield(r, err) {
				return
			}
		}
		yield(journal.Record{}, errDisk)
	}
}

func (j processJournal) Append(ctx context.Context, r journal.Record) error {
	p := j.p
	key := fmt.Sprint(r.Kind, " ", r.ClientToken, " ", r.Attempt)
	n := p.world.count("append", p.number, key)
	p.pass(time.Microsecond + time.Duration(p.world.roll("append", p.number, key, n)%1_000_000))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.appending.key, p.appending.phase = key, p.phaseOf(r)
	switch {
	case p.dead():
		return errCrashed
	case p.at("append before", p.appending.phase, key):
		p.crash()
		return errCrashed
	}
	p.world.claiming.Lock()
	p.world.records.add(r)
	p.world.claiming.Unlock()
	err := j.Journal.Append(ctx, r)
	if p.dead() {
		return errCrashed
	}
	if err == nil {
		p.world.claiming.Lock()
		p.world.records.wrote(r)
		p.world.claiming.Unlock()
	}
	p.world.log("run %d: %s %s attempt %d job %s: %v", p.number, r.Kind, short(r.ClientToken), r.Attempt, r.JobID, err)
	if err == nil && p.at("append after", p.appending.phase, key) {
		p.crash()
		return errCrashed
	}
	return err
}

// phaseOf is what a record is written in. With p.mu held.
func (p *process) phaseOf(r journal.Record) string {
	switch r.Kind {
	case journal.Sending:
		return phasePlanned
	case journal.Ended:
		return phaseLooking
	case journal.Adopted, journal.Gone:
		return phaseAdopting
	case journal.Started:
		if p.searched[r.JobID] != "" {
			return phaseInspecting
		}
		return phaseSending
	}
	if p.refused[p.world.records.first[r.ClientToken]] {
		return phaseSending
	}
	return p.last
}

// processAPI is the SDK's client with a note for the transport of what each request is for.
type processAPI struct {
	*omics.Client
	p *process
}

type noteKey struct{}

// leaving is filled when a start leaves.
type leaving struct{ send *send }

type leavingKey struct{}

// note is what a request is for.
type note struct{ phase, key string }

// operation is the operation that the request is for.
func (n note) operation() string {
	if n.phase == phaseAdopting {
		op, _, _ := strings.Cut(n.key, " ")
		return op
	}
	return operations[n.phase]
}

func (n note) in(ctx context.Context) context.Context { return context.WithValue(ctx, noteKey{}, n) }

func (a processAPI) StartReadSetImportJob(ctx context.Context, in *omics.StartReadSetImportJobInput, fns ...func(*omics.Options)) (*omics.StartReadSetImportJobOutput, error) {
	n := note{phaseSending, keyOf(aws.ToString(in.Sources[0].SourceFiles.Source1))}
	left := new(leaving)
	out, err := a.Client.StartReadSetImportJob(context.WithValue(n.in(ctx), leavingKey{}, left), in, fns...)
	a.p.mu.Lock()
	a.p.refused[fingerprint(in.Sources[0])] = refused(err)
	a.p.mu.Unlock()
	received := a.p.received(n, err)
	if left.send != nil && refused(received) {
		left.send.refused = time.Now()
	}
	return out, received
}

func (a processAPI) GetReadSetImportJob(ctx context.Context, in *omics.GetReadSetImportJobInput, fns ...func(*omics.Options)) (*omics.GetReadSetImportJobOutput, error) {
	n := note{phaseLooking, aws.ToString(in.Id)}
	switch {
	case calledFrom("search"):
		n.phase = phaseInspecting
	case calledFrom("adoptable"):
		n = note{phaseAdopting, omicstest.OpGet + " " + n.key}
	}
	out, err := a.Client.GetReadSetImportJob(n.in(ctx), in, fns...)
	if n.phase == phaseInspecting {
		a.p.mu.Lock()
		a.p.searched[n.key], a.p.last = n.phase, n.phase
		a.p.mu.Unlock()
	}
	return out, a.p.received(n, err)
}

func (a processAPI) ListReadSetImportJobs(ctx context.Context, in *omics.ListReadSetImportJobsInput, fns ...func(*omics.Options)) (*omics.ListReadSetImportJobsOutput, error) {
	n := note{phaseSweeping, "list"}
	switch {
	case calledFrom("search"):
		n.phase = phaseListing
	case calledFrom("adoptable"):
		n = note{phaseAdopting, omicstest.OpList}
	}
	out, err := a.Client.ListReadSetImportJobs(n.in(ctx), in, fns...)
	if n.phase == phaseListing {
		a.p.mu.Lock()
		a.p.last = n.phase
		a.p.mu.Unlock()
	}
	return out, a.p.received(n, err)
}

func (a processAPI) ListReadSets(ctx context.Context, in *omics.ListReadSetsInput, fns ...func(*omics.Options)) (*omics.ListReadSetsOutput, error) {
	n := note{phaseAdopting, omicstest.OpListReadSets}
	out, err := a.Client.ListReadSets(n.in(ctx), in, fns...)
	return out, a.p.received(n, err)
}

func (a processAPI) GetReadSetMetadata(ctx context.Context, in *omics.GetReadSetMetadataInput, fns ...func(*omics.Options)) (*omics.GetReadSetMetadataOutput, error) {
	n := note{phaseAdopting, omicstest.OpGetReadSetMetadata + " " + aws.ToString(in.Id)}
	out, err := a.Client.GetReadSetMetadata(n.in(ctx), in, fns...)
	return out, a.p.received(n, err)
}

// refused reports whether an answer says that nothing was started.
func refused(err error) bool {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.HTTPStatusCode() {
	case http.StatusBadRequest, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests:
		return true
	}
	return false
}

// fingerprint is the fingerprint of a source as it is sent.
func fingerprint(s types.StartReadSetImportJobSourceItem) journal.Fingerprint {
	return target.Fingerprint(readsetimport.Source{
		Type: s.SourceFileType, Source1: aws.ToString(s.SourceFiles.Source1), Source2: aws.ToString(s.SourceFiles.Source2),
		SubjectID: aws.ToString(s.SubjectId), SampleID: aws.ToString(s.SampleId),
	})
}

func short(s string) string { return s[:min(len(s), 12)] }

// received is the last moment of a request.
func (p *process) received(n note, err error) error {
	if p.at("answer received", n.phase, n.key) {
		p.crash()
	}
	if p.dead() {
		return errCrashed
	}
	return err
}

// calledFrom reports whether a method whose name begins so is among the callers.
func calledFrom(method string) bool {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		frame, more := frames.Next()
		if strings.Contains(frame.Function, ")."+method) {
			return true
		}
		if !more {
			return false
		}
	}
}

// wireTransport carries the requests of a process to the service.
type wireTransport struct {
	p    *process
	next http.RoundTripper
}

func (t wireTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	p, w := t.p, t.p.world
	n, _ := req.Context().Value(noteKey{}).(note)
	if p.at("request before", n.phase, n.key) {
		p.crash()
	}
	if p.dead() {
		return nil, errCrashed
	}
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		req.Body.Close()
	}
	if n.phase == phaseSending {
		req.Context().Value(leavingKey{}).(*leaving).send = w.oneBody(body)
	}
	seq := w.count("request", p.number, n.phase, n.key)
	latency := time.Millisecond + time.Duration(w.roll("latency", p.number, n, seq)%50_000_000)
	body = p.ask(n, body)
	p.pass(latency / 2)
	if p.at("request on its way", n.phase, n.key) {
		p.crash()
	}
	if p.dead() {
		if late := w.roll("orphan", p.number, n, seq); late%3 > 0 {
			w.orphan(t.next, req, body, time.Duration(late%uint64(w.plan.service.late)))
		}
		return nil, errCrashed
	}
	fault := w.fault(p, n, seq)
	if _, out := p.out(n.operation()); out {
		w.hit("no permission", n.phase)
		fault = notPermitted
	}
	res, err := w.carry(t.next, req.Clone(req.Context()), body, fault.Fault)
	if err == nil {
		err = p.hearTimes(res)
		w.lie(res, p, n, seq)
		err = errors.Join(err, fault.spoil(res), w.spoilSources(res, n))
	}
	if p.at("request carried out", n.phase, n.key) {
		p.crash()
	}
	if p.dead() {
		return nil, errCrashed
	}
	status := 0
	if res != nil {
		status = res.StatusCode
	}
	w.log("run %d: %s %s #%d %s: %d %v", p.number, n.phase, n.key, seq, fault.name, status, errors.Unwrap(err))
	if err == nil && req.Context().Err() == nil {
		p.pass(latency - latency/2)
	}
	return res, err
}
