package readsetimport

import (
	"net/http"
	"time"

	"github.com/readsetimport/readsetimport/omicstest"
)

// simFault is what goes wrong with a request.
type simFault struct {
	name string
	omicstest.Fault
}

// simFaults are the faults of every request, those of a start, and how often each comes in comparison.
var simFaults = []struct {
	name   string
	weight int
	start  bool // only of a start
	make   func(w *world, roll uint64) omicstest.Fault
}{
	{name: "500", weight: 2, make: answers(omicstest.Status(500, "InternalServerException", "oops"))},
	{name: "500 after work", weight: 3, make: answers(omicstest.Status(500, "InternalServerException", "oops").AfterWork())},
	{name: "503 plain", weight: 1, make: answers(omicstest.Status(503, "", ""))},
	{name: "502 HTML", weight: 1, make: answers(omicstest.HTML(502))},
	{name: "504 HTML after work", weight: 2, make: answers(omicstest.HTML(504).AfterWork())},
	{name: "408", weight: 1, make: answers(omicstest.Status(408, "RequestTimeoutException", "slow"))},
	{name: "408 after work", weight: 2, make: answers(omicstest.Status(408, "RequestTimeoutException", "slow").AfterWork())},
	{name: "429", weight: 1, make: answers(omicstest.Status(429, "ThrottlingException", "Rate exceeded"))},
	{name: "429 HTML, wait", weight: 1, make: answers(omicstest.HTML(429).WithRetryAfter(4 * time.Minute))},
	{name: "402", weight: 3, start: true, make: answers(omicstest.Status(402, "ServiceQuotaExceededException", "full"))},
	{name: "402 plain", weight: 1, start: true, make: answers(omicstest.Status(402, "", ""))},
	{name: "403", weight: 1, make: answers(omicstest.Status(403, "AccessDeniedException", "no"))},
	{name: "400", weight: 1, make: answers(omicstest.Status(400, "ValidationException", "no"))},
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
	{name: "empty body", weight: 1, make: answers(omicstest.Raw(http.StatusOK, nil, nil).AfterWork())},
	{name: "slow", weight: 2, make: func(_ *world, roll uint64) omicstest.Fault {
		return omicstest.Delay(time.Duration(roll % uint64(25*time.Second)))
	}},
	{name: "too slow", weight: 2, make: answers(omicstest.Delay(time.Hour))},
}

func answers(f omicstest.Fault) func(*world, uint64) omicstest.Fault {
	return func(*world, uint64) omicstest.Fault { return f }
}

// fault decides what goes wrong with a request.
func (w *world) fault(p *process, n note, seq int) simFault {
	if p.calm || w.portion("fault", p.number, n, seq) >= w.plan.faults[n.phase] {
		return simFault{}
	}
	sum := 0
	for _, f := range simFaults {
		if !f.start || n.phase == phaseSending {
			sum += f.weight
		}
	}
	at := int(w.roll("kind of fault", p.number, n, seq) % uint64(sum))
	for _, f := range simFaults {
		if f.start && n.phase != phaseSending {
			continue
		}
		if at -= f.weight; at >= 0 {
			continue
		}
		if !w.happens(simEvent(p, n, seq) + ": " + f.name) {
			return simFault{}
		}
		w.hit("fault: "+f.name, n.phase)
		return simFault{f.name, f.make(w, w.roll("detail of fault", p.number, n, seq))}
	}
	panic("unreachable")
}
