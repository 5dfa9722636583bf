package readsetimport_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for n, sizes := range map[int][]int{
		1:      {1},
		99:     {99},
		100:    {100},
		101:    {100, 1},
		199:    {100, 99},
		200:    {100, 100},
		201:    {100, 100, 1},
		12_345: append(slices.Repeat([]int{100}, 123), 45),
	} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			sources := validSources(n)
			batches, err := readsetimport.Split(validTarget, "run-1", sources)
			require.NoError(t, err)

			var gotSizes []int
			var got []readsetimport.Source
			tokens := map[string]bool{}
			for _, b := range batches {
				gotSizes = append(gotSizes, len(b.Sources))
				got = append(got, b.Sources...)
				tokens[b.ClientToken] = true
				require.Equal(t, validTarget, b.Target)
				require.Regexp(t, `^rsi1-[a-z2-7]{52}$`, b.ClientToken, "1 to 127 characters that the service takes")
			}
			require.Equal(t, sizes, gotSizes)
			require.Equal(t, validSources(n), got, "all of them, once each, in their order")
			require.Len(t, tokens, len(batches), "a token for each batch")

			again, err := readsetimport.Split(validTarget, "run-1", sources)
			require.NoError(t, err)
			require.Equal(t, batches, again)
		})
	}
}

func TestSplitRefuses(t *testing.T) {
	bad := validSources(250)
	bad[3].SampleID = tab
	bad[249].Source1 = bad[0].Source1
	for name, tc := range map[string]struct {
		target  readsetimport.Target
		sources []readsetimport.Source
		want    []fault
	}{
		"no sources": {validTarget, nil, one("sources", readsetimport.RuleRequired)},
		"no target": {readsetimport.Target{}, validSources(1), []fault{
			{"sequenceStoreId", readsetimport.RuleRequired},
			{"roleArn", readsetimport.RuleRequired},
		}},
		"two bad sources among 250": {validTarget, bad, []fault{
			{"sources[3].sampleId", readsetimport.RulePattern},
			{"sources[249].sourceFiles.source1", readsetimport.RuleDuplicate},
		}},
		"both": {readsetimport.Target{SequenceStoreID: "1234567890", RoleARN: "role"}, bad[:100], []fault{
			{"roleArn", readsetimport.RulePattern},
			{"sources[3].sampleId", readsetimport.RulePattern},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			batches, err := readsetimport.Split(tc.target, "run-1", tc.sources)
			require.Nil(t, batches)
			require.Equal(t, tc.want, faults(t, err))
		})
	}
}

// A token stands for its batch's body, so what a caller does to their own slices and maps later must not reach it.
func TestSplitSharesNothing(t *testing.T) {
	sources := validSources(101)
	for i := range sources {
		sources[i] = sources[i].WithTag("project", "p1")
	}
	batches, err := readsetimport.Split(validTarget, "run-1", sources)
	require.NoError(t, err)
	sources[0].SampleID = "other"
	sources[0].Tags["project"] = "other"
	sources[100].Tags["late"] = "change"
	batches[0].Sources = append(batches[0].Sources, sources[0])
	require.Equal(t, "sample-0", batches[0].Sources[0].SampleID)
	require.Equal(t, map[string]string{"project": "p1"}, batches[0].Sources[0].Tags)
	require.Equal(t, "s3://reads/100_R1.fastq.gz", batches[1].Sources[0].Source1)
	require.Equal(t, map[string]string{"project": "p1"}, batches[1].Sources[0].Tags)
}

// goldenSources have every kind of character that JSON writes in more than one way.
var goldenSources = []readsetimport.Source{
	readsetimport.PairedFASTQ("s3://reads/HG00096_R1.fastq.gz", "s3://reads/HG00096_R2.fastq.gz").
		WithSubject("HG00096").WithSample("sample é/1"),
	readsetimport.CRAM("s3://reads/run 7/a&b<c>\"d\"\\e.cram", referenceARN).WithSubject("試料").WithSample("b\u2028c🧬\ufffd").
		WithName("name").WithDescription("a 'description'").WithGeneratedFrom("run 7").
		WithTag("project", "p1").WithTag("Batch", "").WithTag("a/b", "=é"),
}

// These values must never change between releases. A token that did would start every job of an import that is resumed
// after an upgrade a second time, and a fingerprint that did would no longer find its source in a journal.
func TestGoldenTokenAndFingerprints(t *testing.T) {
	batches, err := readsetimport.Split(validTarget, "run-1", goldenSources)
	require.NoError(t, err)
	require.Len(t, batches, 1)
	require.Equal(t, "rsi1-nax3ewlm3b4o3sszctrzowtmrrjzp47357ectrfwx5ejwnu327ha", batches[0].ClientToken)
	require.Equal(t, "aee3f0c48fbec5bad6fad6f3a90ac62a", validTarget.Fingerprint(goldenSources[0]).String())
	require.Equal(t, "c6a1939a981dcc500a1c1649642d8aa3", validTarget.Fingerprint(goldenSources[1]).String())
}

func TestTokenChangesWithEverything(t *testing.T) {
	type request struct {
		runID   string
		target  readsetimport.Target
		sources []readsetimport.Source
	}
	base := func() request {
		return request{"run-1", validTarget, []readsetimport.Source{
			validBAM().WithName("n").WithDescription("d").WithGeneratedFrom("g").WithTag("k", "v"),
			validFASTQ(),
		}}
	}
	first := func(change func(s *readsetimport.Source)) func(r *request) {
		return func(r *request) { change(&r.sources[0]) }
	}
	seen := map[string]string{}
	for name, change := range map[string]func(r *request){
		"nothing":          func(*request) {},
		"run id":           func(r *request) { r.runID = "run-2" },
		"no run id":        func(r *request) { r.runID = "" },
		"store":            func(r *request) { r.target.SequenceStoreID = "1234567891" },
		"role":             func(r *request) { r.target.RoleARN += "2" },
		"run id and store": func(r *request) { r.runID, r.target.SequenceStoreID = "run-", "1"+r.target.SequenceStoreID },
		"store and role":   func(r *request) { r.runID, r.target.SequenceStoreID = "run-11", "2345678900" },
		"fewer sources":    func(r *request) { r.sources = r.sources[:1] },
		"more sources": func(r *request) {
			r.sources = append(r.sources, readsetimport.UBAM("s3://reads/x").WithSubject("u").WithSample("a"))
		},
		"other order": func(r *request) { slices.Reverse(r.sources) },
		"type":        first(func(s *readsetimport.Source) { s.Type = "CRAM" }),
		"source1":     first(func(s *readsetimport.Source) { s.Source1 += "2" }),
		"source2":     func(r *request) { r.sources[1].Source2 += "2" },
		"no source2":  func(r *request) { r.sources[1].Source2 = "" },
		"mates swapped": func(r *request) {
			r.sources[1].Source1, r.sources[1].Source2 = r.sources[1].Source2, r.sources[1].Source1
		},
		"subject":           first(func(s *readsetimport.Source) { s.SubjectID += "2" }),
		"sample":            first(func(s *readsetimport.Source) { s.SampleID += "2" }),
		"ids swapped":       first(func(s *readsetimport.Source) { s.SubjectID, s.SampleID = s.SampleID, s.SubjectID }),
		"name":              first(func(s *readsetimport.Source) { s.Name += "2" }),
		"no name":           first(func(s *readsetimport.Source) { s.Name = "" }),
		"description":       first(func(s *readsetimport.Source) { s.Description += "2" }),
		"generated from":    first(func(s *readsetimport.Source) { s.GeneratedFrom += "2" }),
		"reference":         first(func(s *readsetimport.Source) { s.ReferenceARN += "2" }),
		"no tags":           first(func(s *readsetimport.Source) { s.Tags = nil }),
		"tag's value":       first(func(s *readsetimport.Source) { s.Tags = map[string]string{"k": "w"} }),
		"tag's key":         first(func(s *readsetimport.Source) { s.Tags = map[string]string{"l": "v"} }),
		"one tag more":      first(func(s *readsetimport.Source) { s.Tags = map[string]string{"k": "v", "l": "v"} }),
		"tag of the second": func(r *request) { r.sources[1].Tags = map[string]string{"k": "v"} },
	} {
		r := base()
		change(&r)
		batches, err := readsetimport.Split(r.target, r.runID, r.sources)
		require.NoError(t, err, name)
		require.Len(t, batches, 1, name)
		token := batches[0].ClientToken
		require.Emptyf(t, seen[token], "%s has the same token as %s", name, seen[token])
		seen[token] = name
	}
}

// Tags have no order, and a missing map is an empty one.
func TestTokenIsOfWhatIsSent(t *testing.T) {
	token := func(tags map[string]string) string {
		source := validBAM()
		source.Tags = tags
		batches, err := readsetimport.Split(validTarget, "run-1", []readsetimport.Source{source})
		require.NoError(t, err)
		return batches[0].ClientToken
	}
	require.Equal(t, token(nil), token(map[string]string{}))
	many := map[string]string{}
	for i := range 50 {
		many[strconv.Itoa(i)] = "v"
	}
	want := token(many)
	for range 20 {
		require.Equal(t, want, token(many))
	}
}

func TestBatchJSON(t *testing.T) {
	batches, err := readsetimport.Split(validTarget, "run-1", goldenSources)
	require.NoError(t, err)
	text, err := json.Marshal(batches[0])
	require.NoError(t, err)
	var keys map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(text, &keys))
	require.JSONEq(t, `{"sequenceStoreId":"1234567890","roleArn":"arn:aws:iam::123456789012:role/OmicsImport"}`, string(keys["target"]))
	require.JSONEq(t, fmt.Sprintf("%q", batches[0].ClientToken), string(keys["clientToken"]))
	require.Len(t, keys, 3)

	var back readsetimport.Batch
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, batches[0], back)
}

func TestFingerprintIsOfWhatTheReadSetIs(t *testing.T) {
	base := fullSource
	want := validTarget.Fingerprint(base)
	type change = func(t *readsetimport.Target, s *readsetimport.Source)
	for name, change := range map[string]change{
		"nothing":        func(*readsetimport.Target, *readsetimport.Source) {},
		"role":           func(t *readsetimport.Target, _ *readsetimport.Source) { t.RoleARN = "another" },
		"name":           func(_ *readsetimport.Target, s *readsetimport.Source) { s.Name = "another" },
		"description":    func(_ *readsetimport.Target, s *readsetimport.Source) { s.Description = "another" },
		"generated from": func(_ *readsetimport.Target, s *readsetimport.Source) { s.GeneratedFrom = "another" },
		"reference":      func(_ *readsetimport.Target, s *readsetimport.Source) { s.ReferenceARN = "another" },
		"tags":           func(_ *readsetimport.Target, s *readsetimport.Source) { s.Tags = map[string]string{"another": "x"} },
	} {
		target, source := validTarget, base
		change(&target, &source)
		require.Equal(t, want, target.Fingerprint(source), name)
	}

	seen := map[readsetimport.Fingerprint]string{want: "the base"}
	for name, change := range map[string]change{
		"store":         func(t *readsetimport.Target, _ *readsetimport.Source) { t.SequenceStoreID = "1234567891" },
		"type":          func(_ *readsetimport.Target, s *readsetimport.Source) { s.Type = "CRAM" },
		"source1":       func(_ *readsetimport.Target, s *readsetimport.Source) { s.Source1 += "2" },
		"source2":       func(_ *readsetimport.Target, s *readsetimport.Source) { s.Source2 += "2" },
		"subject":       func(_ *readsetimport.Target, s *readsetimport.Source) { s.SubjectID += "2" },
		"sample":        func(_ *readsetimport.Target, s *readsetimport.Source) { s.SampleID += "2" },
		"no source2":    func(_ *readsetimport.Target, s *readsetimport.Source) { s.Source2 = "" },
		"mates swapped": func(_ *readsetimport.Target, s *readsetimport.Source) { s.Source1, s.Source2 = s.Source2, s.Source1 },
		"ids swapped": func(_ *readsetimport.Target, s *readsetimport.Source) {
			s.SubjectID, s.SampleID = s.SampleID, s.SubjectID
		},
		"files joined":        func(_ *readsetimport.Target, s *readsetimport.Source) { s.Source1, s.Source2 = s.Source1+s.Source2, "" },
		"files joined second": func(_ *readsetimport.Target, s *readsetimport.Source) { s.Source1, s.Source2 = "", s.Source1+s.Source2 },
		"ids joined": func(_ *readsetimport.Target, s *readsetimport.Source) {
			s.SubjectID, s.SampleID = s.SubjectID+s.SampleID, ""
		},
		"file and subject": func(_ *readsetimport.Target, s *readsetimport.Source) {
			s.Source2, s.SubjectID = s.Source2+s.SubjectID, ""
		},
		"moved by one": func(_ *readsetimport.Target, s *readsetimport.Source) {
			s.SubjectID, s.SampleID = s.SubjectID+s.SampleID[:1], s.SampleID[1:]
		},
		"store and type": func(t *readsetimport.Target, s *readsetimport.Source) {
			t.SequenceStoreID, s.Type = "1234567890B", "AM"
		},
		"a NUL between": func(_ *readsetimport.Target, s *readsetimport.Source) {
			s.SubjectID, s.SampleID = s.SubjectID+"\x00"+s.SampleID, ""
		},
	} {
		target, source := validTarget, base
		change(&target, &source)
		got := target.Fingerprint(source)
		require.Emptyf(t, seen[got], "%s has the same fingerprint as %s", name, seen[got])
		seen[got] = name
	}
}

func TestFingerprintText(t *testing.T) {
	want := validTarget.Fingerprint(fullSource)
	text, err := want.MarshalText()
	require.NoError(t, err)
	require.Equal(t, want.String(), string(text))
	require.Regexp(t, "^[0-9a-f]{32}$", string(text))
	var got readsetimport.Fingerprint
	require.NoError(t, got.UnmarshalText(text))
	require.Equal(t, want, got)

	// In JSON it is a string, and can be a key.
	kept, err := json.Marshal(map[readsetimport.Fingerprint]readsetimport.Fingerprint{want: want})
	require.NoError(t, err)
	require.JSONEq(t, `{"`+want.String()+`":"`+want.String()+`"}`, string(kept))
	var back map[readsetimport.Fingerprint]readsetimport.Fingerprint
	require.NoError(t, json.Unmarshal(kept, &back))
	require.Equal(t, map[readsetimport.Fingerprint]readsetimport.Fingerprint{want: want}, back)

	for name, text := range map[string]string{
		"empty":            "",
		"a digit short":    want.String()[1:],
		"a digit more":     want.String() + "0",
		"a byte short":     want.String()[2:],
		"a byte more":      want.String() + "00",
		"no digits":        strings.Repeat("x", 32),
		"a digit not one":  "g" + want.String()[1:],
		"blanks around it": " " + want.String()[2:] + " ",
	} {
		require.Error(t, got.UnmarshalText([]byte(text)), name)
	}
}

func BenchmarkSplit(b *testing.B) {
	sources := validSources(12_345)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readsetimport.Split(validTarget, "run-1", sources); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(sources)*b.N)/b.Elapsed().Seconds(), "sources/s")
}
