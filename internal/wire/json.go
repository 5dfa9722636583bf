package wire

import (
	"iter"
	"slices"

	"github.com/readsetimport/readsetimport/internal/quote"
)

// SourcesJSON yields, in parts that are valid until the next one, what encoding/json writes of a list of n sources, in a
// fraction of the time. Client tokens are made of it, so that it may never change.
func SourcesJSON(n int, source func(i int) Source) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		const usual = 512 // bytes of a source at most
		part := append(make([]byte, 0, usual), '[')
		for i := range n {
			if i > 0 {
				part = append(part, ',')
			}
			if part = source(i).appendJSON(part); !yield(part) {
				return
			}
			part = part[:0]
		}
		yield(append(part, ']'))
	}
}

// appendJSON writes the fields in the order of the type.
func (s Source) appendJSON(b []byte) []byte {
	b = quote.Append(append(b, `{"sourceFiles":{"source1":`...), s.SourceFiles.Source1)
	b = appendOptional(b, `,"source2":`, s.SourceFiles.Source2)
	b = quote.Append(append(b, `},"sourceFileType":`...), string(s.SourceFileType))
	b = quote.Append(append(b, `,"subjectId":`...), s.SubjectID)
	b = quote.Append(append(b, `,"sampleId":`...), s.SampleID)
	b = appendOptional(b, `,"generatedFrom":`, s.GeneratedFrom)
	b = appendOptional(b, `,"referenceArn":`, s.ReferenceARN)
	b = appendOptional(b, `,"name":`, s.Name)
	b = appendOptional(b, `,"description":`, s.Description)
	b = appendTags(b, s.Tags)
	return append(b, '}')
}

func appendOptional(b []byte, key, value string) []byte {
	if value == "" {
		return b
	}
	return quote.Append(append(b, key...), value)
}

func appendTags(b []byte, tags map[string]string) []byte {
	if len(tags) == 0 {
		return b
	}
	var room [8]string
	keys := room[:0]
	for key := range tags {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	before := `,"tags":{`
	for _, key := range keys {
		b = quote.Append(append(b, before...), key)
		b = quote.Append(append(b, ':'), tags[key])
		before = ","
	}
	return append(b, '}')
}
