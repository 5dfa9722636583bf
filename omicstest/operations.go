package omicstest

import (
	"container/heap"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// start starts a job, unless the client token has started one before.
func (s *Service) start(st *store, w *wireStart, now time.Time) answer {
	if s.slotsFull() && s.opts.QuotaFirst {
		return refuse(QuotaExceeded())
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
				return refuse(s.opts.TokenMismatch)
			}
			return s.started(known.job, now)
		}
	}
	if s.slotsFull() {
		return refuse(QuotaExceeded())
	}
	j := s.newJob(st, *w.roleARN, entry.token, sources, now)
	if entry.token != "" && s.opts.TokenWindow > 0 {
		entry.job = j
		s.tokens.add(entry)
	}
	return s.started(j, now)
}

// slotsFull reports whether as many jobs are active as may be.
func (s *Service) slotsFull() bool { return s.maxJobs > 0 && len(s.active) >= s.maxJobs }

func (s *Service) newJob(st *store, roleARN, token string, sources []Source, now time.Time) *job {
	s.created++
	j := &job{
		id: idOf(s.takeIDs(1)), number: s.created, store: st, roleARN: roleARN, token: token,
		sources: sources, created: now,
	}
	j.firstReadSet = s.takeIDs(uint64(len(sources)))
	j.plan(&s.opts)
	st.jobs = append(st.jobs, j)
	st.byID[j.id] = j
	heap.Push(&s.active, j)
	return j
}

// takeIDs takes the next n ids and returns the number of the first.
func (s *Service) takeIDs(n uint64) uint64 {
	first := s.ids + 1
	s.ids += n
	return first
}

func (s *Service) started(j *job, now time.Time) answer {
	v := j.json(now, s.opts.ClockSkew)
	v.CompletionTime = ""
	return ok(func() []byte { return encode(v) })
}

func (s *Service) get(st *store, id string, now time.Time) answer {
	j := st.byID[id]
	if j == nil || s.expired(j, now) {
		return refuse(NotFound().WithMessage("The import job does not exist"))
	}
	asIs := *j // a job that is discarded later loses its sources
	return ok(func() []byte { return encode(asIs.fullJSON(now, &s.opts)) })
}

func (s *Service) getSequenceStore(st *store) answer {
	family := s.opts.ETagFamilies[st.id]
	if family == "" {
		family = types.ETagAlgorithmFamilyMd5up
	}
	v := storeJSON{
		ID: st.id, ARN: arnPrefix + st.id, CreationTime: formatTime(st.created.Add(s.opts.ClockSkew)),
		ETagAlgorithmFamily: string(family), Status: string(types.SequenceStoreStatusActive),
	}
	return ok(func() []byte { return encode(v) })
}
