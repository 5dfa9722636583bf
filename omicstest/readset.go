package omicstest

import (
	"cmp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// arnPrefix begins the ARN of every store and read set. Region and account are invented.
const arnPrefix = "arn:aws:omics:us-east-1:123456789012:sequenceStore/"

// readSet is a read set that an import job or an upload created.
type readSet struct {
	id       string
	number   uint64 // the number of the id, so that the read sets of a job sort as its sources do
	position uint64 // in the list of the store's read sets, from 1
	store    *store
	jobID    string  // empty for an upload
	source   *Source // nil once the read set is discarded
	contents [2]string
	created  time.Time
	analysed time.Time      // when its ETag and counts are known; zero: never
	changes  []statusChange // each overrides those before it from its time on; until then it is ACTIVE
}

type statusChange struct {
	at      time.Time
	status  types.ReadSetStatus
	message string
}

// statusAt returns the status at a time, and since when the read set has it.
func (r *readSet) statusAt(now time.Time) statusChange {
	for _, c := range slices.Backward(r.changes) {
		if !c.at.After(now) {
			return c
		}
	}
	return statusChange{at: r.created, status: types.ReadSetStatusActive}
}

// hidden reports whether clients do not see the read set any more.
func (s *Service) hidden(r *readSet, now time.Time) bool {
	if r.source == nil {
		return true
	}
	c := r.statusAt(now)
	if c.status != types.ReadSetStatusDeleted || s.opts.DeletedRetention == 0 {
		return false
	}
	return !now.Before(c.at.Add(s.opts.DeletedRetention)) // at once if it is negative
}

// addImported adds the read sets that the jobs of a store have created by now to the store's list. It does so only when
// somebody asks for read sets: otherwise they take no memory.
func (s *Service) addImported(st *store, now time.Time) {
	var created []*readSet
	for i := st.nextJob; i < len(st.jobs); i++ {
		j := st.jobs[i]
		for ; j.listed < len(j.sources); j.listed++ {
			at, imported := j.importedAt(j.listed)
			if at.After(now) {
				break
			}
			if imported {
				created = append(created, s.imported(j, j.listed, at))
			}
		}
		if i == st.nextJob && j.listed == len(j.sources) {
			st.nextJob++
		}
	}
	slices.SortFunc(created, func(a, b *readSet) int {
		return cmp.Or(a.created.Compare(b.created), cmp.Compare(a.number, b.number))
	})
	for _, r := range created {
		s.addReadSet(r)
	}
}

func (s *Service) imported(j *job, i int, at time.Time) *readSet {
	r := &readSet{
		number: j.firstReadSet + uint64(i), store: j.store, jobID: j.id, source: &j.sources[i], created: at,
		analysed: at.Add(s.opts.ETagDelay), contents: [2]string{j.sources[i].Source1, j.sources[i].Source2},
	}
	if j.contents != nil {
		r.contents = j.contents[i]
	}
	return r
}

func (s *Service) addReadSet(r *readSet) {
	st := r.store
	st.positions++
	r.id, r.position = idOf(r.number), st.positions
	st.readSets = append(st.readSets, r)
	s.readSets[r.id] = r
}

// discardReadSets forgets the read sets of a job.
func (s *Service) discardReadSets(j *job) {
	st := j.store
	for i := range j.listed {
		id := idOf(j.firstReadSet + uint64(i))
		if r := s.readSets[id]; r != nil {
			r.source = nil
			st.discardedInList++
			delete(s.readSets, id)
		}
	}
	if st.discardedInList > len(st.readSets)/2 {
		st.readSets = slices.DeleteFunc(st.readSets, func(r *readSet) bool { return r.source == nil })
		st.discardedInList = 0
	}
}

func (s *Service) getReadSetMetadata(st *store, id string, now time.Time) answer {
	s.addImported(st, now)
	r := s.readSets[id]
	if r == nil || r.store != st || s.hidden(r, now) {
		return refuse(NotFound().WithMessage("The read set does not exist"))
	}
	v := s.readSetJSON(r, now)
	v.CreationJobID = r.jobID
	if v.ETag != nil {
		v.Files = &storedFilesJSON{Source1: fileOf(r.contents[0])}
		if r.source.Source2 != "" {
			v.Files.Source2 = fileOf(r.contents[1])
		}
	}
	return ok(func() []byte { return encode(v) })
}

// readSetJSON returns the read set as ListReadSets answers it, as of a time.
func (s *Service) readSetJSON(r *readSet, now time.Time) readSetJSON {
	status, source := r.statusAt(now), r.source
	v := readSetJSON{
		ID: r.id, ARN: arnPrefix + r.store.id + "/readSet/" + r.id, SequenceStoreID: r.store.id,
		SubjectID: source.SubjectID, SampleID: source.SampleID,
		Status: string(status.status), StatusMessage: status.message,
		Name: source.Name, Description: source.Description, ReferenceARN: source.ReferenceARN,
		FileType: string(source.Type), CreationTime: formatTime(r.created.Add(s.opts.ClockSkew)),
		CreationType:        string(r.creationType()),
		SequenceInformation: sequenceInformationJSON{GeneratedFrom: source.GeneratedFrom, Alignment: "UNALIGNED"},
	}
	if source.Type == types.FileTypeBam || source.Type == types.FileTypeCram {
		v.SequenceInformation.Alignment = "ALIGNED"
	}
	if !r.analysed.IsZero() && !now.Before(r.analysed) {
		v.ETag = etagOf(s.opts.ETagFamilies[r.store.id], source, r.contents)
		reads := readsIn(source, r.contents)
		v.SequenceInformation.TotalReadCount = reads
		v.SequenceInformation.TotalBaseCount = reads * basesPerRead
	}
	return v
}

func (r *readSet) creationType() types.CreationType {
	if r.jobID == "" {
		return types.CreationTypeUpload
	}
	return types.CreationTypeImport
}

// at returns the read set as of a time.
func (r *readSet) at(now time.Time, skew time.Duration) ReadSet {
	status := r.statusAt(now)
	return ReadSet{
		ID: r.id, StoreID: r.store.id, JobID: r.jobID, Status: status.status, StatusMessage: status.message,
		CreationTime: r.created.Add(skew), Source: r.source.clone(),
	}
}
