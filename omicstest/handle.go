package omicstest

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxBody is how long a request's body may be. A Start with 100 sources, all fields full of characters of four bytes, has less.
const maxBody = 10 << 20

// call is a request as it was read, not validated yet.
type call struct {
	op                        string // empty if there is no such operation
	storeID, jobID, readSetID string
	query                     url.Values
	start                     *wireStart
	jobs                      jobFilter
	readSets                  readSetFilter
	malformed                 error
}

// answer is what the service sends.
type answer struct {
	status int
	header http.Header
	body   []byte
	encode func() []byte    // returns the body; called without the lock
	lazy   func() io.Reader // returns the body when it is sent
	delay  time.Duration
	breaks Break
	record *Request
}

// handle executes a request, unless a fault prevents it, and returns the answer.
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
	case fault.executes():
		a = s.execute(c, now)
	default:
		if w := s.windows[c.op]; w != nil {
			w.admit(now)
		}
		if fault.Late > 0 {
			s.arriveLate(c, now.Add(fault.Late))
		}
	}
	a = fault.apply(a)
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
	r := &Request{
		Op: c.op, Time: now, Method: method, Path: u.Path, StoreID: c.storeID, JobID: c.jobID, ReadSetID: c.readSetID,
	}
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

// finish records that a request has been answered.
func (s *Service) finish(a answer) {
	s.mu.Lock()
	a.record.Duration = time.Since(a.record.Time)
	r := *a.record
	s.mu.Unlock()
	if s.opts.OnRequest != nil {
		s.opts.OnRequest(r)
	}
}

// readCall reads a request: its operation, and what the path and the body say.
func readCall(method string, u *url.URL, body []byte) *call {
	c := &call{query: u.Query()}
	parts := strings.Split(strings.TrimPrefix(u.EscapedPath(), "/"), "/")
	for i, p := range parts {
		if unescaped, err := url.PathUnescape(p); err == nil {
			parts[i] = unescaped
		}
	}
	if len(parts) < 2 || parts[0] != "sequencestore" {
		return c
	}
	get, post := method == http.MethodGet, method == http.MethodPost
	switch resource := parts[2:]; {
	case post && slices.Equal(resource, []string{"importjob"}):
		c.op = OpStart
		c.start, c.malformed = parseStart(body)
	case get && len(resource) == 2 && resource[0] == "importjob":
		c.op, c.jobID = OpGet, resource[1]
	case post && slices.Equal(resource, []string{"importjobs"}):
		c.op = OpList
		c.jobs, c.malformed = parseJobFilter(body)
	case post && slices.Equal(resource, []string{"readsets"}):
		c.op = OpListReadSets
		c.readSets, c.malformed = parseReadSetFilter(body)
	case get && len(resource) == 3 && resource[0] == "readset" && resource[2] == "metadata":
		c.op, c.readSetID = OpGetReadSetMetadata, resource[1]
	case get && len(resource) == 0:
		c.op = OpGetSequenceStore
	default:
		return c
	}
	c.storeID = parts[1]
	if len(body) > maxBody {
		c.malformed = fmt.Errorf("the body is longer than %d bytes", maxBody)
	}
	return c
}

// execute does what a request asks for, as of a time.
func (s *Service) execute(c *call, now time.Time) answer {
	if c.op == "" {
		return refuse(Status(http.StatusNotFound, "UnknownOperationException", "There is no such operation"))
	}
	if !s.windows[c.op].admit(now) {
		throttled := Throttled()
		if s.opts.RetryAfter > 0 {
			throttled = throttled.WithRetryAfter(s.opts.RetryAfter)
		}
		return refuse(throttled)
	}
	if c.malformed != nil {
		return refuse(Status(http.StatusBadRequest, "SerializationException", c.malformed.Error()))
	}
	if m := c.validate().message(); m != "" {
		return refuse(Validation().WithMessage(m))
	}
	st := s.stores[c.storeID]
	if st == nil {
		return refuse(NotFound().WithMessage("The sequence store does not exist"))
	}
	switch c.op {
	case OpStart:
		return s.start(st, c.start, now)
	case OpGet:
		return s.get(st, c.jobID, now)
	case OpList:
		return s.listJobs(st, c, now)
	case OpListReadSets:
		return s.listReadSets(st, c, now)
	case OpGetReadSetMetadata:
		return s.getReadSetMetadata(st, c.readSetID, now)
	}
	return s.getSequenceStore(st)
}

// validate returns the constraints that the request violates.
func (c *call) validate() (f faults) {
	if c.op == OpGetSequenceStore {
		f.id("id", c.storeID)
		return f
	}
	f.id("sequenceStoreId", c.storeID)
	switch c.op {
	case OpStart:
		f.start(c.start)
	case OpGet:
		f.id("id", c.jobID)
	case OpList:
		f.page(c.query)
		f.jobFilter(c.jobs)
	case OpListReadSets:
		f.page(c.query)
		f.readSetFilter(c.readSets)
	case OpGetReadSetMetadata:
		f.id("id", c.readSetID)
	}
	return f
}

func ok(encode func() []byte) answer {
	return answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/json"}}, encode: encode}
}

// refuse returns an error answer.
func refuse(f Fault) answer { return f.apply(answer{}) }
