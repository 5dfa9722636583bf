package omicstest

import (
	"container/heap"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxBody is how long a request's body may be. A Start with 100 sources, all fields full, is a tenth of it.
const maxBody = 10 << 20

// call is a request, read but not judged.
type call struct {
	op             string // empty if there is no such operation
	storeID, jobID string
	query          url.Values
	start          *wireStart
	filter         wireFilter
	malformed      error
}

// answer is what the service sends.
type answer struct {
	status int
	header http.Header
	body   []byte
	encode func() []byte    // makes the body, off the lock
	lazy   func() io.Reader // makes the body when it is sent
	delay  time.Duration
	breaks Break
	record *Request
}

// handle takes a request in and says how to answer it.
func (s *Service) handle(method string, u *url.URL, body []byte) answer {
	c := readCall(method, u, body)
	a := s.decide(c, method, u, body)
	if a.encode != nil {
		a.body = a.encode()
	}
	return a
}

func (s *Service) decide(c *call, method string, u *url.URL, body []byte) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.advance(now)
	record := s.record(c, method, u, body, now)

	fault := s.nextFault(c.op, *record)
	var a answer
	switch {
	case fault.works():
		a = s.carryOut(c, now)
	default:
		if w := s.windows[c.op]; w != nil {
			w.admit(now)
		}
		if fault.Late > 0 {
			s.arriveLate(c, now.Add(fault.Late))
		}
	}
	a = fault.spoil(a)
	if a.breaks != BreakRequest && a.breaks != BreakAnswer {
		record.Status = a.status
	}
	s.answers++
	if a.header == nil {
		a.header = make(http.Header)
	}
	a.header.Set("X-Amzn-Requestid", fmt.Sprintf("%08x-0000-4000-8000-%012x", s.answers>>32, s.answers))
	a.header.Set("Date", now.Add(s.opts.ClockSkew).UTC().Format(http.TimeFormat))
	a.record = record
	return a
}

func (s *Service) nextFault(op string, r Request) Fault {
	for _, key := range []string{op, ""} {
		if queue := s.injected[key]; len(queue) > 0 {
			s.injected[key] = queue[1:]
			return queue[0]
		}
	}
	if s.opts.Fault != nil {
		if f, ok := s.opts.Fault(r); ok {
			return f
		}
	}
	return Fault{}
}

func (s *Service) record(c *call, method string, u *url.URL, body []byte, now time.Time) *Request {
	r := &Request{Op: c.op, Time: now, Method: method, Path: u.Path, StoreID: c.storeID, JobID: c.jobID}
	if c.start != nil {
		r.ClientToken, r.Sources = deref(c.start.clientToken), len(c.start.sources)
	}
	if s.opts.KeepBodies {
		r.Body = slices.Clone(body)
	}
	n := s.opts.MaxRequests
	if n >= 0 {
		s.requests = append(s.requests, r)
	}
	if n > 0 && len(s.requests) >= 2*n {
		s.requests = slices.Clone(s.requests[len(s.requests)-n:])
	}
	return r
}

// finish notes that a request has been answered.
func (s *Service) finish(a answer) {
	s.mu.Lock()
	a.record.Duration = time.Since(a.record.Time)
	r := *a.record
	s.mu.Unlock()
	if s.opts.OnRequest != nil {
		s.opts.OnRequest(r)
	}
}

// readCall finds out what a request asks for.
func readCall(method string, u *url.URL, body []byte) *call {
	c := &call{query: u.Query()}
	parts := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	for i, p := range parts {
		if unescaped, err := url.PathUnescape(p); err == nil {
			parts[i] = unescaped
		}
	}
	if len(parts) < 3 || parts[0] != "sequencestore" {
		return c
	}
	switch {
	case method == http.MethodPost && len(parts) == 3 && parts[2] == "importjob":
		c.op = OpStart
		c.start, c.malformed = parseStart(body)
	case method == http.MethodGet && len(parts) == 4 && parts[2] == "importjob":
		c.op, c.jobID = OpGet, parts[3]
	case method == http.MethodPost && len(parts) == 3 && parts[2] == "importjobs":
		c.op = OpList
		c.filter, c.malformed = parseFilter(body)
	default:
		return c
	}
	c.storeID = parts[1]
	if len(body) > maxBody {
		c.malformed = fmt.Errorf("the body is longer than %d bytes", maxBody)
	}
	return c
}

// carryOut does what a request asks for, as at a time.
func (s *Service) carryOut(c *call, now time.Time) answer {
	if c.op == "" {
		return refuse(http.StatusNotFound, "UnknownOperationException", "There is no such operation")
	}
	if !s.windows[c.op].admit(now) {
		a := refuse(http.StatusTooManyRequests, "ThrottlingException", "Rate exceeded")
		if s.opts.RetryAfter > 0 {
			a.header.Set("Retry-After", strconv.FormatInt(int64(s.opts.RetryAfter/time.Second), 10))
		}
		return a
	}
	if c.malformed != nil {
		return refuse(http.StatusBadRequest, "SerializationException", c.malformed.Error())
	}
	var f faults
	f.id("sequenceStoreId", c.storeID)
	switch c.op {
	case OpStart:
		f.start(c.start)
	case OpGet:
		f.id("id", c.jobID)
	case OpList:
		f.list(c)
	}
	if m := f.message(); m != "" {
		return invalid(m)
	}
	st := s.stores[c.storeID]
	if st == nil {
		return refuse(http.StatusNotFound, "ResourceNotFoundException", "The sequence store does not exist")
	}
	switch c.op {
	case OpStart:
		return s.start(st, c.start, now)
	case OpGet:
		return s.get(st, c.jobID, now)
	}
	return s.list(st, c, now)
}

func (s *Service) start(st *store, w *wireStart, now time.Time) answer {
	full := s.maxJobs > 0 && len(s.active) >= s.maxJobs
	exceeded := func() answer {
		return refuse(http.StatusPaymentRequired, "ServiceQuotaExceededException",
			"The maximum number of import jobs is running")
	}
	if full && s.opts.QuotaFirst {
		return exceeded()
	}
	sources := make([]Source, len(w.sources))
	for i := range w.sources {
		sources[i] = w.sources[i].source()
	}
	entry := &tokenEntry{token: deref(w.clientToken)}
	if entry.token != "" && s.opts.TokenWindow > 0 {
		entry.request = requestSum(st.id, *w.roleARN, sources)
		if known := s.tokens.byToken[entry.token]; known != nil {
			if known.request != entry.request {
				return s.opts.TokenMismatch.spoil(answer{})
			}
			return s.started(known.job, now)
		}
	}
	if full {
		return exceeded()
	}
	s.created++
	j := &job{
		id: s.takeIDs(1), number: s.created, store: st, roleARN: *w.roleARN, token: entry.token,
		sources: sources, created: now,
	}
	j.firstReadSet = s.ids + 1
	s.takeIDs(uint64(len(sources)))
	j.plan(&s.opts)
	st.jobs = append(st.jobs, j)
	st.byID[j.id] = j
	heap.Push(&s.active, j)
	if entry.token != "" && s.opts.TokenWindow > 0 {
		entry.job = j
		s.tokens.add(entry)
	}
	return s.started(j, now)
}

// takeIDs gives out ids and returns the last.
func (s *Service) takeIDs(n uint64) string {
	s.ids += n
	return idOf(s.ids)
}

func (s *Service) started(j *job, now time.Time) answer {
	v := j.json(now, s.opts.ClockSkew)
	v.CompletionTime = ""
	return ok(func() []byte { return encode(v) })
}

func (s *Service) get(st *store, id string, now time.Time) answer {
	j := st.byID[id]
	if j == nil || s.expired(j, now) {
		return refuse(http.StatusNotFound, "ResourceNotFoundException", "The import job does not exist")
	}
	asIs := *j // a job that is discarded later loses its sources
	return ok(func() []byte { return encode(asIs.fullJSON(now, &s.opts)) })
}

func ok(encode func() []byte) answer {
	return answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, encode: encode}
}

func refuse(status int, typed, message string) answer {
	return Status(status, typed, message).spoil(answer{})
}

func invalid(message string) answer {
	return refuse(http.StatusBadRequest, "ValidationException", message)
}
