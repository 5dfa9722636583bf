//go:build unix

package killtest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

type atomicInt struct{ n atomic.Int64 }

// next counts, from 1.
func (a *atomicInt) next() int { return int(a.n.Add(1)) }

// moment is when a child is killed.
type moment int

const (
	byClock      moment = iota
	beforeWork          // a request has come, and is never carried out
	afterWork           // a request has been carried out, and is never answered
	afterAnswer         // the answer has been written
	beforeLate          // a request has come, and is carried out when the process is dead
	beforeWrite         // a record is about to be written to the journal
	inWrite             // it is being written
	afterWrite          // it has been written and synced
	momentsCount = iota
)

func (m moment) String() string {
	return [...]string{
		"by the clock", "before a request was carried out", "after it, before the answer", "after the answer",
		"before it was carried out late", "before a journal write", "in a journal write", "after a journal write",
	}[m]
}

var target = readsetimport.Target{SequenceStoreID: "1234567890", RoleARN: "arn:aws:iam::123456789012:role/import"}

// sheet is the first n sources: a longer sheet begins like a shorter one.
func sheet(n int) []readsetimport.Source {
	sources := make([]readsetimport.Source, n)
	for i := range sources {
		sources[i] = readsetimport.PairedFASTQ(fmt.Sprintf("s3://reads/%05d_R1.fastq.gz", i), fmt.Sprintf("s3://reads/%05d_R2.fastq.gz", i)).
			WithSubject(fmt.Sprint("subject ", i/2)).WithSample(fmt.Sprint("sample ", i)).WithTag("run", "killed")
	}
	return sources
}

// store is the simulated service, which outlives the processes that use it, and the killer among its requests.
type store struct {
	service *omicstest.Service
	server  *httptest.Server
	late    sync.WaitGroup // requests that are carried out after their clients died

	mu   sync.Mutex
	trap trap
}

// trap is a request at which a child is to be killed.
type trap struct {
	op     string // empty: any
	n      int    // the n-th of them, from 1; 0: none
	moment moment
	delay  time.Duration // beforeLate: until it is carried out
	kill   func()        // returns when the process is dead
}

// newStore is a service on which some sources fail once or twice before they can be imported.
func newStore(random *rand.Rand) *store {
	tries := make(map[string]int)
	seed := random.Uint64()
	duration := time.Duration(5+random.IntN(40)) * time.Millisecond
	st := &store{service: omicstest.New(func(o *omicstest.Options) {
		o.Stores = []string{target.SequenceStoreID}
		o.MaxActiveJobs = 1 + random.IntN(6)
		o.QuotaFirst = random.IntN(2) == 0
		o.JobDuration = omicstest.FixedDuration(duration)
		o.MaxRequests = -1
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			tries[s.Source1]++
			own := rand.New(rand.NewPCG(seed, uint64(len(s.Source1))<<32+uint64(hash(s.Source1)))) //nolint:gosec // not for secrets
			if own.IntN(50) == 0 && tries[s.Source1] <= 1+own.IntN(2) {
				return omicstest.Failed("File validation failed")
			}
			return omicstest.Outcome{}
		}
	})}
	st.server = httptest.NewServer(st)
	return st
}

func hash(s string) (h uint32) {
	for _, c := range []byte(s) {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

func (st *store) close() {
	st.server.CloseClientConnections()
	st.server.Close()
	st.late.Wait()
}

// set lays the trap, or takes it away.
func (st *store) set(t trap) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.trap = t
}

// caught is the trap if this is the request that springs it.
func (st *store) caught(r *http.Request) (trap, bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.trap.n == 0 || st.trap.op != "" && st.trap.op != operation(r) {
		return trap{}, false
	}
	st.trap.n--
	return st.trap, st.trap.n == 0
}

func operation(r *http.Request) string {
	switch last := r.URL.Path[len(r.URL.Path)-1]; {
	case r.Method == http.MethodGet:
		return omicstest.OpGet
	case last == 's':
		return omicstest.OpList
	}
	return omicstest.OpStart
}

func (st *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, ok := st.caught(r)
	if !ok {
		st.service.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	work := func() *httptest.ResponseRecorder {
		again := r.Clone(r.Context())
		again.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		st.service.ServeHTTP(answer, again)
		return answer
	}
	switch t.moment {
	case afterWork:
		work()
	case afterAnswer:
		answer := work()
		for key, values := range answer.Header() {
			w.Header()[key] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
		_ = http.NewResponseController(w).Flush()
	case beforeLate:
		st.late.Add(1)
		defer func() {
			go func() {
				defer st.late.Done()
				time.Sleep(t.delay)
				work()
			}()
		}()
	}
	t.kill()
	panic(http.ErrAbortHandler)
}
