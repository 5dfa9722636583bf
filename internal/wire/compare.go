package wire

import (
	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport/readset"
)

// What a read set can have that a source which was imported as it has not.
const (
	Missing     = "missing"
	Deleted     = "deleted"
	NotActive   = "not active"
	OtherSource = "another source"
	Uploaded    = "uploaded"
	SameMates   = "both mates the same"

	ContentTwice = "content twice" // that of another
)

// Discrepancy is one of them, and says it in one line.
type Discrepancy struct{ Kind, Detail string }

// Compare returns what a read set has that a source which was imported as it has not. A read set without an id is missing.
func Compare(s Source, set readset.ReadSet) (out []Discrepancy) {
	add := func(kind, detail string) { out = append(out, Discrepancy{kind, detail}) }
	status := "its status is " + OneLine(string(set.Status))
	switch {
	case set.ID == "":
		return []Discrepancy{{Missing, "the store has no such read set"}}
	case !set.Present():
		return []Discrepancy{{Deleted, status}}
	case set.Status != types.ReadSetStatusActive:
		add(NotActive, status)
	}
	for _, field := range []struct{ name, sent, has string }{
		{"file type", string(s.SourceFileType), string(set.Type)},
		{"subject id", s.SubjectID, set.SubjectID},
		{"sample id", s.SampleID, set.SampleID},
		{"reference", s.ReferenceARN, set.ReferenceARN},
	} {
		if field.sent != field.has {
			add(OtherSource, "its "+field.name+" is not the one that was sent")
		}
	}
	if set.CreationType == types.CreationTypeUpload {
		add(Uploaded, "it was uploaded, and not imported by a job")
	}
	if set.ETag1 != "" && set.ETag1 == set.ETag2 {
		add(SameMates, "both files have the same content")
	}
	return out
}
