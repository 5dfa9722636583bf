package omicstest

import (
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// What a person in the console or another program does to a store. None of it is a request: it uses up no injected
// fault and no request quota, and [Service.Requests] does not have it.

// StartJob starts an import job as another program does. The sources are checked and the job takes a slot, as for any
// Start; it has no client token. It returns an error if the store does not exist, the input is invalid or
// [Options.MaxActiveJobs] is reached.
func (s *Service) StartJob(storeID, roleARN string, sources ...Source) (Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.advance(now)
	w := wireStart{roleARN: &roleARN, sources: make([]wireSource, len(sources))}
	own := make([]Source, len(sources))
	for i := range sources {
		own[i] = sources[i].clone()
		w.sources[i] = own[i].wire()
	}
	var f faults
	f.start(&w)
	st := s.stores[storeID]
	switch m := f.message(); {
	case st == nil:
		return Job{}, errors.New("omicstest: StartJob: there is no store " + storeID)
	case m != "":
		return Job{}, errors.New("omicstest: StartJob: " + m)
	case s.slotsFull():
		return Job{}, fmt.Errorf("omicstest: StartJob: %d jobs are active", len(s.active))
	}
	return s.newJob(st, roleARN, "", own, now).at(now, s.opts.ClockSkew), nil
}

// Upload adds a read set that no import job created, and returns its id. It returns an error if the store does not
// exist.
func (s *Service) Upload(storeID string, u Upload) (readSetID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.advance(now)
	st := s.stores[storeID]
	if st == nil {
		return "", errors.New("omicstest: Upload: there is no store " + storeID)
	}
	s.addImported(st, now) // before it, since the list is in the order of creation
	source, ends := u.clone(), now.Add(max(0, u.Duration))
	r := &readSet{
		number: s.takeIDs(1), store: st, source: &source, contents: s.opts.contents(&source), created: now,
		changes: []statusChange{{at: now, status: types.ReadSetStatusProcessingUpload}},
	}
	if u.Failure == "" {
		r.analysed = ends.Add(s.opts.ETagDelay)
		r.changes = append(r.changes, statusChange{at: ends, status: types.ReadSetStatusActive})
	} else {
		r.changes = append(r.changes, statusChange{at: ends, status: types.ReadSetStatusUploadFailed, message: u.Failure})
	}
	s.addReadSet(r)
	return r.id, nil
}

// DeleteReadSet deletes a read set: its status is DELETING for [Options.DeletionDuration], then DELETED. The job that
// created it still names it. DeleteReadSet returns an error if the read set does not exist or is DELETED.
func (s *Service) DeleteReadSet(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	r, err := s.existing("DeleteReadSet", id, now)
	if err != nil || r.statusAt(now).status == types.ReadSetStatusDeleting {
		return err
	}
	r.changes = append(r.changes,
		statusChange{at: now, status: types.ReadSetStatusDeleting},
		statusChange{at: now.Add(max(0, s.opts.DeletionDuration)), status: types.ReadSetStatusDeleted},
	)
	return nil
}

// SetReadSetStatus gives a read set a status of any kind from now on, for example ARCHIVED or one that no client knows,
// and a status message, which may be empty. It returns an error if the read set does not exist or is DELETED.
func (s *Service) SetReadSetStatus(id string, status types.ReadSetStatus, message string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	r, err := s.existing("SetReadSetStatus", id, now)
	if err != nil {
		return err
	}
	r.changes = append(r.changes, statusChange{at: now, status: status, message: message})
	return nil
}

// existing returns a read set that is not DELETED.
func (s *Service) existing(caller, id string, now time.Time) (*readSet, error) {
	s.advance(now)
	for _, st := range s.stores {
		s.addImported(st, now)
	}
	r := s.readSets[id]
	if r == nil || r.statusAt(now).status == types.ReadSetStatusDeleted {
		return nil, fmt.Errorf("omicstest: %s: there is no read set %s", caller, id)
	}
	return r, nil
}
