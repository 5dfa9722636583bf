package omicstest

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"net/url"
	"sort"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// maxPage is the maximum that can be asked for on a page of a list, and the size of a page if nothing is asked for.
const maxPage = 100

// page checks which page of a list is asked for.
func (f *faults) page(query url.Values) {
	if query.Has("maxResults") {
		if n, err := strconv.Atoi(query.Get("maxResults")); err != nil || n < 1 || n > maxPage {
			f.unfit("maxResults", "be between 1 and 100")
		}
	}
	if query.Has("nextToken") {
		switch token := query.Get("nextToken"); {
		case !utf8.ValidString(token):
			f.unfit("nextToken", "be valid UTF-8")
		default:
			f.text("nextToken", &token, true, maxNextToken)
		}
	}
}

// jobFilter checks the filter of ListReadSetImportJobs.
func (f *faults) jobFilter(w jobFilter) {
	enum(f, "filter.status", w.status, types.ReadSetImportJobStatus("").Values())
}

// listJobs answers with the newest jobs first. A page continues where the one before ended, whatever was created in
// between.
func (s *Service) listJobs(st *store, c *call, now time.Time) answer {
	asOf := now.Add(-s.opts.ListLag)
	jobs, f := st.jobs, c.jobs
	from, to := s.between(len(jobs), func(i int) time.Time { return jobs[i].created }, asOf, f.after, f.before)
	list := listKey{OpList, st.id, deref(f.status) + formatTime(f.after) + "/" + formatTime(f.before)}
	if token := c.query.Get("nextToken"); token != "" {
		last, ok := list.readToken(token)
		if !ok {
			return refuse(strangeToken())
		}
		to = sort.Search(to, func(i int) bool { return jobs[i].number >= last })
	}

	page := jobListJSON{ImportJobs: []jobJSON{}}
	last, more := s.page(c, from, to, func(i int) bool {
		return !s.expired(jobs[i], now) && (f.status == nil || *f.status == string(jobs[i].status(asOf)))
	}, func(i int) {
		page.ImportJobs = append(page.ImportJobs, jobs[i].json(asOf, s.opts.ClockSkew))
	})
	if more {
		page.NextToken = list.token(jobs[last].number)
	}
	return ok(func() []byte { return encode(page) })
}

// between returns the range of the n items, sorted by creation, that a list as of a time has between the times of its
// filter. An item that was created at exactly one of these is left out.
func (s *Service) between(n int, created func(int) time.Time, asOf, after, before time.Time) (from, to int) {
	sent := func(i int) time.Time { return created(i).Add(s.opts.ClockSkew).Truncate(time.Millisecond) }
	to = sort.Search(n, func(i int) bool { return created(i).After(asOf) })
	if !after.IsZero() {
		from = sort.Search(to, func(i int) bool { return sent(i).After(after) })
	}
	if !before.IsZero() {
		to = sort.Search(to, func(i int) bool { return !sent(i).Before(before) })
	}
	return from, to
}

// page adds the items of a page, from the last of a range down. If more is true, further pages follow, and the next one
// begins below item last.
func (s *Service) page(c *call, from, to int, matches func(int) bool, add func(int)) (last int, more bool) {
	limit := maxPage
	if n, err := strconv.Atoi(c.query.Get("maxResults")); err == nil {
		limit = n
	}
	if s.opts.PageSize > 0 {
		limit = min(limit, s.opts.PageSize)
	}
	added := 0
	for i := to - 1; i >= from; i-- {
		if s.opts.ScanSize > 0 && to-1-i == s.opts.ScanSize {
			return i + 1, true
		}
		if !matches(i) {
			continue
		}
		if added == limit {
			return i + 1, true
		}
		add(i)
		added++
	}
	return 0, false
}

// listKey identifies a list, so that a page token of another one can be refused.
type listKey struct{ op, storeID, filter string }

// token returns the page token for what follows an item, named by a number that grows in the order of creation.
func (k listKey) token(last uint64) string {
	b := binary.BigEndian.AppendUint64(nil, last)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(b, k.sum(last)))
}

func (k listKey) readToken(token string) (last uint64, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 16 {
		return 0, false
	}
	last = binary.BigEndian.Uint64(b)
	return last, binary.BigEndian.Uint64(b[8:]) == k.sum(last)
}

func (k listKey) sum(last uint64) uint64 {
	h := fnv.New64a()
	for _, part := range []string{"omicstest", strconv.FormatUint(last, 10), k.op, k.storeID, k.filter} {
		_, _ = h.Write(append([]byte(part), 0))
	}
	return h.Sum64()
}

func strangeToken() Fault {
	return Validation().WithMessage("The nextToken is not one of this list")
}
