package steps

import (
	"bytes"
	"compress/flate"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
)

// outcome is what a job that runs says of one of the batch's sources. It counts if the service forgets the job.
type outcome struct {
	Source    int                              `json:"source"` // its place in the batch
	ReadSetID string                           `json:"readSetId,omitempty"`
	Status    types.ReadSetImportJobItemStatus `json:"status,omitempty"`
}

// outcomesOf returns what the job says of the batch's sources, which are found by what they are.
func outcomesOf(s readsetimport.Submission) []outcome {
	if len(s.Job.Sources) == 0 {
		return nil
	}
	places := make(map[readsetimport.Fingerprint]int, len(s.Batch.Sources))
	for i, source := range s.Batch.Sources {
		places[s.Batch.Target.Fingerprint(source)] = i
	}
	var out []outcome
	for _, js := range s.Job.Sources {
		if i, ok := places[s.Batch.Target.Fingerprint(js.Source)]; ok {
			out = append(out, outcome{i, js.ReadSetID, brief(js.Status)})
		}
	}
	return out
}

// brief returns a status as it is, or the beginning of one that is longer than all that are known.
func brief[S ~string](status S) S {
	const most = 24
	if len(status) <= most {
		return status
	}
	return S(bytes.ToValidUTF8([]byte(status[:most]), nil)) + "…"
}

// saved is the JSON of a state: of a submission, with other things in the place of those that are large. A field here hides
// the submission's own with the same name.
type saved struct {
	readsetimport.Submission
	Batch       string `json:"batch"` // its digest
	ClientToken string `json:"clientToken,omitempty"`
	Search      *byte  `json:"search,omitempty"` // never: it is packed
	Packed      []byte `json:"packed,omitempty"`
}

// packed is the part of a state that can be large.
type packed struct {
	Search   readsetimport.Search `json:"search,omitzero"`
	Outcomes []outcome            `json:"outcomes,omitempty"`
}

// MarshalJSON writes the state as an engine carries it: in less than 32 KiB, and without ids of subjects and samples.
func (s State) MarshalJSON() ([]byte, error) {
	out := saved{Submission: s.submission, Batch: s.digest, ClientToken: s.submission.Batch.ClientToken}
	if s.submission.Search.On() || len(s.outcomes) > 0 {
		var err error
		if out.Packed, err = pack(packed{s.submission.Search, s.outcomes}); err != nil {
			return nil, err
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads a state that MarshalJSON wrote, by this version or an earlier one. The error says if the text is none, and
// the state stays as it was.
func (s *State) UnmarshalJSON(data []byte) error {
	var in saved
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("steps: not a state: %w", err)
	}
	if in.Batch == "" {
		return errors.New("steps: not a state: it has no digest of its batch")
	}
	next := State{digest: in.Batch, submission: in.Submission}
	next.submission.Batch.ClientToken = in.ClientToken
	if len(in.Packed) > 0 {
		p, err := unpack(in.Packed)
		if err != nil {
			return fmt.Errorf("steps: not a state: %w", err)
		}
		next.submission.Search, next.outcomes = p.Search, p.Outcomes
	}
	*s = next
	return nil
}

func pack(p packed) ([]byte, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	err = w.Close()
	return out.Bytes(), err
}

func unpack(data []byte) (p packed, err error) {
	const most = 1 << 20 // many times what a state can have
	text, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), most))
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	return p, err
}
