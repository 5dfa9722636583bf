package omicstest

import (
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"sort"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// maxPage is the most jobs that can be asked for on a page of List, and what is given if nothing is asked for.
const maxPage = 100

// list checks the input of List.
func (f *faults) list(c *call) {
	if c.query.Has("maxResults") {
		if n, err := strconv.Atoi(c.query.Get("maxResults")); err != nil || n < 1 || n > maxPage {
			f.unfit("maxResults", "be between 1 and 100")
		}
	}
	if c.query.Has("nextToken") {
		switch token := c.query.Get("nextToken"); {
		case !utf8.ValidString(token):
			f.unfit("nextToken", "be valid UTF-8")
		default:
			f.text("nextToken", &token, true, maxNextToken)
		}
	}
	if c.filter.status != "" && !isJobStatus(c.filter.status) {
		f.unfit("filter.status", "satisfy enum value set")
	}
}

func isJobStatus(s string) bool {
	for _, known := range types.ReadSetImportJobStatus("").Values() {
		if s == string(known) {
			return true
		}
	}
	return false
}

// list answers with the newest jobs first. A page goes on where the one before ended, whatever was created in
// between.
func (s *Service) list(st *store, c *call, now time.Time) answer {
	asOf := now.Add(-s.opts.ListLag)
	seen := func(j *job) time.Time { return j.created.Add(s.opts.ClockSkew).Truncate(time.Millisecond) }
	from, to := 0, sort.Search(len(st.jobs), func(i int) bool { return st.jobs[i].created.After(asOf) })
	if after := c.filter.after; !after.IsZero() {
		from = sort.Search(to, func(i int) bool { return seen(st.jobs[i]).After(after) })
	}
	if before := c.filter.before; !before.IsZero() {
		to = sort.Search(to, func(i int) bool { return !seen(st.jobs[i]).Before(before) })
	}
	if token := c.query.Get("nextToken"); token != "" {
		last, ok := readPageToken(token, st.id, c.filter)
		if !ok {
			return invalid("The nextToken is not one of this list")
		}
		to = sort.Search(to, func(i int) bool { return st.jobs[i].number >= last })
	}
	limit := maxPage
	if n, err := strconv.Atoi(c.query.Get("maxResults")); err == nil {
		limit = n
	}
	if s.opts.PageSize > 0 {
		limit = min(limit, s.opts.PageSize)
	}

	page := listJSON{ImportJobs: []jobJSON{}}
	last := uint64(0)
	for i := to - 1; i >= from; i-- {
		j := st.jobs[i]
		if s.expired(j, now) {
			continue
		}
		if c.filter.status != "" && c.filter.status != string(j.status(asOf)) {
			continue
		}
		if len(page.ImportJobs) == limit {
			page.NextToken = pageToken(last, st.id, c.filter)
			break
		}
		page.ImportJobs = append(page.ImportJobs, j.json(asOf, s.opts.ClockSkew))
		last = j.number
	}
	return ok(func() []byte { return encode(page) })
}

// pageToken names the last job of a page and the list that it is a page of.
func pageToken(last uint64, storeID string, f wireFilter) string {
	b := binary.BigEndian.AppendUint64(nil, last)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(b, pageSum(last, storeID, f)))
}

func readPageToken(token, storeID string, f wireFilter) (last uint64, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 16 {
		return 0, false
	}
	last = binary.BigEndian.Uint64(b)
	return last, binary.BigEndian.Uint64(b[8:]) == pageSum(last, storeID, f)
}

func pageSum(last uint64, storeID string, f wireFilter) uint64 {
	h := fnv.New64a()
	for _, part := range []string{
		"omicstest", strconv.FormatUint(last, 10), storeID, f.status, formatTime(f.after), formatTime(f.before),
	} {
		_, _ = h.Write(append([]byte(part), 0))
	}
	return h.Sum64()
}
