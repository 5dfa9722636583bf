package sim

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/readsetimport/readsetimport/omicstest"
)

// fault is what goes wrong with a request.
type fault struct {
	name string
	omicstest.Fault
	change func(answer any) // to an answer of 200 in JSON; nil: none
}

// faults are the faults of requests, and how often each comes in comparison.
var faults = []struct {
	name   string
	weight int
	phases []string // nil: all
	make   func(w *world, roll uint64) omicstest.Fault
	change func(answer any)
}{
	{name: "500", weight: 2, make: answers(omicstest.Status(500, "InternalServerException", "oops"))},
	{name: "500 after work", weight: 3, make: answers(omicstest.Status(500, "InternalServerException", "oops").AfterExecution())},
	{name: "503 plain", weight: 1, make: answers(omicstest.Status(503, "", ""))},
	{name: "502 HTML", weight: 1, make: answers(omicstest.HTML(502))},
	{name: "504 HTML after work", weight: 2, make: answers(omicstest.HTML(504).AfterExecution())},
	{name: "408", weight: 1, make: answers(omicstest.Status(408, "RequestTimeoutException", "slow"))},
	{name: "408 after work", weight: 2, make: answers(omicstest.Status(408, "RequestTimeoutException", "slow").AfterExecution())},
	{name: "429", weight: 1, make: answers(omicstest.Status(429, "ThrottlingException", "Rate exceeded"))},
	{name: "429 HTML, wait", weight: 1, make: answers(omicstest.HTML(429).WithRetryAfter(4 * time.Minute))},
	{name: "402", weight: 3, phases: []string{phaseSending}, make: answers(omicstest.Status(402, "ServiceQuotaExceededException", "full"))},
	{name: "402 plain", weight: 1, phases: []string{phaseSending}, make: answers(omicstest.Status(402, "", ""))},
	{name: "403", weight: 1, make: answers(omicstest.Status(403, "AccessDeniedException", "no"))},
	{name: "400", weight: 1, make: answers(omicstest.Status(400, "ValidationException", "no"))},
	{name: "404", weight: 1, make: answers(omicstest.Status(404, "ResourceNotFoundException", "no"))},
	{name: "no read set ids", weight: 3, phases: []string{phaseLooking, phaseInspecting}, make: answers(omicstest.Fault{}), change: withoutReadSets},
	{name: "unknown status", weight: 2, phases: []string{phaseLooking, phaseSweeping}, make: answers(omicstest.Fault{}), change: withUnknownStatus},
	{name: "dropped before work", weight: 3, make: answers(omicstest.DropBefore())},
	{name: "dropped after work", weight: 4, make: answers(omicstest.DropAfter())},
	{name: "late", weight: 4, make: func(w *world, roll uint64) omicstest.Fault {
		return omicstest.Late(time.Millisecond + time.Duration(roll%uint64(w.plan.service.late)))
	}},
	{name: "late, timeout", weight: 4, make: func(w *world, roll uint64) omicstest.Fault {
		return omicstest.Late(time.Millisecond + time.Duration(roll%uint64(w.plan.service.late))).WithDelay(time.Hour)
	}},
	{name: "truncated", weight: 2, make: answers(omicstest.Truncate())},
	{name: "reset", weight: 2, make: answers(omicstest.Reset())},
	{name: "empty object", weight: 2, make: answers(omicstest.Empty())},
	{name: "empty body", weight: 1, make: answers(omicstest.Raw(http.StatusOK, nil, nil).AfterExecution())},
	{name: "slow", weight: 2, make: func(_ *world, roll uint64) omicstest.Fault {
		return omicstest.Delay(time.Duration(roll % uint64(25*time.Second)))
	}},
	{name: "too slow", weight: 2, make: answers(omicstest.Delay(time.Hour))},
}

func answers(f omicstest.Fault) func(*world, uint64) omicstest.Fault {
	return func(*world, uint64) omicstest.Fault { return f }
}

// withoutReadSets is the answer to a Get of a service that does not know yet which read sets a job has made.
func withoutReadSets(answer any) {
	job, _ := answer.(map[string]any)
	sources, _ := job["sources"].([]any)
	for _, source := range sources {
		if source, ok := source.(map[string]any); ok {
			delete(source, "readSetId")
		}
	}
}

// withUnknownStatus is the answer of a service that has another word for jobs that run.
func withUnknownStatus(answer any) {
	rename := func(job any) {
		if job, ok := job.(map[string]any); ok && job["status"] == "IN_PROGRESS" {
			job["status"] = "RUNNING"
		}
	}
	rename(answer)
	if list, ok := answer.(map[string]any); ok {
		jobs, _ := list["importJobs"].([]any)
		for _, job := range jobs {
			rename(job)
		}
	}
}

// notPermitted is what every request is answered with for which there is no permission.
var notPermitted = fault{name: "no permission", Fault: omicstest.Status(403, "AccessDeniedException", "no")}

// spoilSources makes the service describe some sources oddly.
func (w *world) spoilSources(res *http.Response, n note) error {
	if w.plan.service.odd == 0 || n.phase != phaseLooking && n.phase != phaseInspecting && n.phase != phaseAdopting {
		return nil
	}
	return fault{change: func(answer any) {
		job, _ := answer.(map[string]any)
		sources, _ := job["sources"].([]any)
		for _, source := range sources {
			source, _ := source.(map[string]any)
			files, _ := source["sourceFiles"].(map[string]any)
			first, _ := files["source1"].(string)
			if odd, ok := w.odd(keyOf(first)); ok && source["readSetId"] != nil {
				source["status"] = odd.status
				if !odd.id {
					delete(source, "readSetId")
				}
			}
		}
	}}.spoil(res)
}

// spoil changes the answer to a request.
func (f fault) spoil(res *http.Response) error {
	if f.change == nil || res.StatusCode != http.StatusOK {
		return nil
	}
	text, err := io.ReadAll(res.Body)
	res.Body.Close()
	var answer any
	if err != nil || json.Unmarshal(text, &answer) != nil { // it is spoilt already
		res.Body = io.NopCloser(io.MultiReader(bytes.NewReader(text), &failingReader{err}))
		return nil
	}
	f.change(answer)
	text, err = json.Marshal(answer)
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	res.Header.Del("Content-Length")
	return err
}

// failingReader is the end of an answer that was cut short.
type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	return 0, io.EOF
}

// fault decides what goes wrong with a request.
func (w *world) fault(p *process, n note, seq int) fault {
	if p.calm || w.portion("fault", p.number, n, seq) >= w.plan.faults[n.phase] {
		return fault{}
	}
	sum := 0
	for _, f := range faults {
		if f.phases == nil || slices.Contains(f.phases, n.phase) {
			sum += f.weight
		}
	}
	at := int(w.roll("kind of fault", p.number, n, seq) % uint64(sum))
	for _, f := range faults {
		if f.phases != nil && !slices.Contains(f.phases, n.phase) {
			continue
		}
		if at -= f.weight; at >= 0 {
			continue
		}
		if !w.happens(eventName(p, n, seq) + ": " + f.name) {
			return fault{}
		}
		w.hit("fault: "+f.name, n.phase)
		return fault{f.name, f.make(w, w.roll("detail of fault", p.number, n, seq)), f.change}
	}
	panic("unreachable")
}
