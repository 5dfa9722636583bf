package s3files_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/internal/gateway"
	"github.com/readsetimport/readsetimport/manifest"
	"github.com/readsetimport/readsetimport/s3files"
)

func cancelled(t *testing.T) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(t.Context())
	t.Cleanup(func() { cancel(nil) })
	return ctx, cancel
}

// sorted is what Sources made of a listing, in short.
type sorted struct {
	sources []string // TYPE sample/subject key key
	skipped []string // reason key
	err     error
}

func sort(t *testing.T, o objects, optFns ...func(*s3files.Options)) sorted {
	t.Helper()
	var got sorted
	optFns = append([]func(*s3files.Options){func(o *s3files.Options) {
		o.ReferenceARN = referenceARN
		o.OnSkip = func(s s3files.Skipped) { got.skipped = append(got.skipped, string(s.Reason)+" "+s.File.Key) }
	}}, optFns...)
	fake := inBucket(o)
	fake.pageSize = 7
	for s, err := range s3files.Sources(t.Context(), fake.client(), "s3://bucket", optFns...) {
		require.NoError(t, got.err, "an error comes last")
		if err != nil {
			got.err = err
			continue
		}
		require.NoError(t, s.Validate())
		files := strings.ReplaceAll(strings.TrimSpace(s.Source1+" "+s.Source2), "s3://bucket/", "")
		got.sources = append(got.sources, fmt.Sprintf("%s %s/%s %s", s.Type, s.SampleID, s.SubjectID, files))
	}
	return got
}

func TestSources(t *testing.T) {
	got := sort(t, named(
		"run/",
		"run/NA1_S1_L001_R1_001.fastq.gz", "run/NA1_S1_L001_R2_001.fastq.gz", "run/NA1_S1_L001_I1_001.fastq.gz",
		"run/NA1_S1_L002_R1_001.fastq.gz", "run/NA1_S1_L002_R2_001.fastq.gz",
		"run/Undetermined_S0_L001_R1_001.fastq.gz", "run/Undetermined_S0_L001_R2_001.fastq.gz",
		"run/Reports/index.html", "run/SampleSheet.csv", "run/md5sum.txt", "run/NA1.md5",
		"sra/SRR062634_1.filt.fastq.gz", "sra/SRR062634_2.filt.fastq.gz", "sra/SRR062634.filt.fastq.gz",
		"aligned/NA12878.cram", "aligned/NA12878.cram.crai", "aligned/NA12878.final.bam", "aligned/NA12878.final.bam.bai",
		"aligned/NA12878.unmapped.bam", "aligned/notes.docx", "single/one.FQ.GZ",
	))
	require.NoError(t, got.err)
	require.Equal(t, []string{
		"CRAM NA12878/NA12878 aligned/NA12878.cram",
		"BAM NA12878.final/NA12878.final aligned/NA12878.final.bam",
		"UBAM NA12878/NA12878 aligned/NA12878.unmapped.bam",
		"FASTQ NA1/NA1 run/NA1_S1_L001_R1_001.fastq.gz run/NA1_S1_L001_R2_001.fastq.gz",
		"FASTQ NA1/NA1 run/NA1_S1_L002_R1_001.fastq.gz run/NA1_S1_L002_R2_001.fastq.gz",
		"FASTQ one/one single/one.FQ.GZ",
		"FASTQ SRR062634/SRR062634 sra/SRR062634.filt.fastq.gz",
		"FASTQ SRR062634/SRR062634 sra/SRR062634_1.filt.fastq.gz sra/SRR062634_2.filt.fastq.gz",
	}, got.sources)
	slices.Sort(got.skipped)
	require.Equal(t, []string{
		"checksum run/NA1.md5",
		"folder run/",
		"index aligned/NA12878.cram.crai",
		"index aligned/NA12878.final.bam.bai",
		"index reads run/NA1_S1_L001_I1_001.fastq.gz",
		"report run/Reports/index.html",
		"report run/SampleSheet.csv",
		"report run/md5sum.txt",
		"undetermined run/Undetermined_S0_L001_R1_001.fastq.gz",
		"undetermined run/Undetermined_S0_L001_R2_001.fastq.gz",
		"unknown aligned/notes.docx",
	}, got.skipped)
}

// TestSourcesFolders shows that mates are looked for within a folder, wherever its subfolders come in the listing.
func TestSourcesFolders(t *testing.T) {
	got := sort(t, named(
		"s-_R1.fq.gz", "s/x_R1.fq.gz", "s/x/x_R1.fq.gz", "s/x/x_R2.fq.gz", "s/x_R2.fq.gz", "s-_R2.fq.gz", "a_R1.fq.gz", "z_1.fq.gz", "z_2.fq.gz",
		"a_R2.fq.gz",
	))
	require.NoError(t, got.err)
	slices.Sort(got.sources)
	require.Equal(t, []string{
		"FASTQ a/a a_R1.fq.gz a_R2.fq.gz",
		"FASTQ s-/s- s-_R1.fq.gz s-_R2.fq.gz",
		"FASTQ x/x s/x/x_R1.fq.gz s/x/x_R2.fq.gz",
		"FASTQ x/x s/x_R1.fq.gz s/x_R2.fq.gz",
		"FASTQ z/z z_1.fq.gz z_2.fq.gz",
	}, got.sources)
}

// TestSourcesInvalid shows that reads which cannot be imported as they are keep nothing else from being imported, and
// are not forgotten.
func TestSourcesInvalid(t *testing.T) {
	o := named(
		"good_R1.fq.gz", "good_R2.fq.gz", "orphan_R2.fq.gz", "three_R1.fq.gz", "three_R2.fq.gz", "three_R3.fq.gz",
		"twice_R1.fq.gz", "twice_R1.fastq.gz", "twice_R2.fq.gz", "plain.fastq", "old_R1.fq.bz2", "text.sam", "run.sra",
		"R1.fq.gz", strings.Repeat("x", 200)+".cram",
	)
	got := sort(t, o)
	require.Equal(t, []string{"FASTQ good/good good_R1.fq.gz good_R2.fq.gz"}, got.sources)
	slices.Sort(got.skipped)
	want := []string{
		"invalid R1.fq.gz", "invalid old_R1.fq.bz2", "invalid orphan_R2.fq.gz", "invalid plain.fastq", "invalid run.sra", "invalid text.sam",
		"invalid three_R1.fq.gz", "invalid three_R2.fq.gz", "invalid three_R3.fq.gz",
		"invalid twice_R1.fastq.gz", "invalid twice_R1.fq.gz", "invalid twice_R2.fq.gz", "invalid " + strings.Repeat("x", 200) + ".cram",
	}
	require.Equal(t, want, got.skipped)

	var e *s3files.Error
	require.ErrorAs(t, got.err, &e)
	require.ErrorIs(t, got.err, readsetimport.ErrValidation)
	require.NotContains(t, e.Error(), "\n")
	require.Equal(t, len(want), e.Count)
	require.Len(t, e.Invalid, len(want))
	require.NoError(t, e.Err)
	details := map[string]string{}
	for _, s := range e.Invalid {
		require.NotEmpty(t, s.Detail)
		details[s.File.Key] = s.Detail
	}
	require.Contains(t, details["orphan_R2.fq.gz"], `second mate without its first, "orphan_R1.fq.gz"`)
	require.Contains(t, details["twice_R1.fq.gz"], "more than two files of one name")
	require.Contains(t, details["plain.fastq"], "compress it")
	require.Contains(t, details["R1.fq.gz"], "no sample")
}

// TestSourcesOtherForms shows that no mate is imported alone because the other is not compressed with gzip.
func TestSourcesOtherForms(t *testing.T) {
	o := named(
		"a_R1.fq.gz", "a_R2.fastq", "b_1.fastq.bz2", "b_2.fastq.gz", "c_R1.fastq", "c_R1.fastq.gz", "c_R2.fastq", "c_R2.fastq.gz",
		"d_R1.fq.gz", "d_R2.fq.gz", "d_I1.fq", "e.fastq.gz", "e.fastq", "f_R1_001.fastq.ora", "g_R1.FASTQ.GZ", "g_R2.FQ", "undetermined_R1.fastq",
	)
	got := sort(t, o)
	slices.Sort(got.sources)
	require.Equal(t, []string{"FASTQ c/c c_R1.fastq.gz c_R2.fastq.gz", "FASTQ d/d d_R1.fq.gz d_R2.fq.gz", "FASTQ e/e e.fastq.gz"}, got.sources)
	slices.Sort(got.skipped)
	require.Equal(t, []string{
		"index reads d_I1.fq", "invalid a_R1.fq.gz", "invalid a_R2.fastq", "invalid b_1.fastq.bz2", "invalid b_2.fastq.gz", "invalid c_R1.fastq",
		"invalid c_R2.fastq", "invalid e.fastq", "invalid f_R1_001.fastq.ora", "invalid g_R1.FASTQ.GZ", "invalid g_R2.FQ", "undetermined undetermined_R1.fastq",
	}, got.skipped)
	require.ErrorContains(t, got.err, `s3://bucket/a_R1.fq.gz: its mate cannot be imported in the form that it has: "a_R2.fastq"`)

	got = sort(t, o, func(o *s3files.Options) { o.Suffixes = []string{"a_R1.fq.gz"} })
	require.Empty(t, got.sources)
	require.Equal(t, []string{"invalid a_R1.fq.gz"}, got.skipped)
}

// TestSourcesManyInvalid shows that the error has a bound.
func TestSourcesManyInvalid(t *testing.T) {
	o := objects{}
	for i := range 150 {
		o[fmt.Sprintf("%03d.fastq", i)] = &fakeObject{}
	}
	got := sort(t, o)
	var e *s3files.Error
	require.ErrorAs(t, got.err, &e)
	require.Equal(t, 150, e.Count)
	require.Len(t, e.Invalid, 100)
	require.Less(t, len(e.Error()), 1000)
}

// TestSourcesFilters shows that no filter makes a single file of a mate.
func TestSourcesFilters(t *testing.T) {
	o := named("a_R1.fq.gz", "a_R2.fq.gz", "b_R1.fq.gz", "b_R2.fq.gz", "c.cram", "d.cram", "orphan_R2.fq.gz", "n.txt", "m.docx")
	got := sort(t, o, func(o *s3files.Options) { o.Glob = "a_*" })
	require.Equal(t, sorted{sources: []string{"FASTQ a/a a_R1.fq.gz a_R2.fq.gz"}}, got)
	o["a_I1.fq.gz"] = &fakeObject{}
	got = sort(t, o, func(o *s3files.Options) { o.Glob = "a_R*" })
	require.Equal(t, sorted{sources: []string{"FASTQ a/a a_R1.fq.gz a_R2.fq.gz"}}, got)
	got = sort(t, o, func(o *s3files.Options) { o.Suffixes = []string{"d.cram"} })
	require.Equal(t, sorted{sources: []string{"CRAM d/d d.cram"}}, got)
	got = sort(t, o, func(o *s3files.Options) { o.Glob = "*_R1.*" })
	require.Empty(t, got.sources)
	require.Equal(t, []string{"invalid a_R1.fq.gz", "invalid b_R1.fq.gz"}, got.skipped)
	require.ErrorIs(t, got.err, readsetimport.ErrValidation)
}

func TestSourcesIDs(t *testing.T) {
	o := named("P1/T/a_R1.fq.gz", "P1/T/a_R2.fq.gz", "P1/N.bam", "top.bam")
	pattern := func(text string) func(*s3files.Options) {
		return func(o *s3files.Options) { o.Pattern = regexp.MustCompile(text) }
	}
	got := sort(t, o, pattern(`^(?P<subject>[^/]+)/(?P<sample>[^/.]+)`))
	require.Equal(t, []string{"BAM N/P1 P1/N.bam", "FASTQ T/P1 P1/T/a_R1.fq.gz P1/T/a_R2.fq.gz"}, got.sources)
	require.Equal(t, []string{"invalid top.bam"}, got.skipped)
	require.ErrorContains(t, got.err, "Options.Pattern")

	got = sort(t, o, pattern(`(?P<sample>[^/.]+)\.bam$`))
	require.Equal(t, []string{"BAM N/N P1/N.bam", "BAM top/top top.bam"}, got.sources)
	require.Equal(t, []string{"invalid P1/T/a_R1.fq.gz", "invalid P1/T/a_R2.fq.gz"}, got.skipped)

	got = sort(t, o, pattern(`(?:(?P<subject>P1)/)?(?P<sample>[^/.]+)\.bam$`), func(o *s3files.Options) { o.Suffixes = []string{".bam"} })
	require.Equal(t, []string{"BAM N/P1 P1/N.bam"}, got.sources)
	require.ErrorContains(t, got.err, "empty subject")

	got = sort(t, o, func(o *s3files.Options) {
		o.IDs = func(f s3files.File) (subjectID, sampleID string, err error) {
			if f.Key == "top.bam" {
				return "", "", errors.New("not in the\nLIMS")
			}
			return "subject", f.Key[:4], nil
		}
	})
	require.Equal(t, []string{"BAM P1/N/subject P1/N.bam", "FASTQ P1/T/subject P1/T/a_R1.fq.gz P1/T/a_R2.fq.gz"}, got.sources)
	require.ErrorContains(t, got.err, "top.bam: not in the LIMS")
}

func TestSourcesTypes(t *testing.T) {
	o := named("a.bam", "b.cram", "c.ubam", "d.unaligned.bam")
	got := sort(t, o, func(o *s3files.Options) { o.UBAM = true })
	require.Equal(t, []string{"UBAM a/a a.bam", "CRAM b/b b.cram", "UBAM c/c c.ubam", "UBAM d/d d.unaligned.bam"}, got.sources)
	got = sort(t, o, func(o *s3files.Options) { o.ReferenceARN = "" })
	require.Equal(t, []string{"UBAM c/c c.ubam", "UBAM d/d d.unaligned.bam"}, got.sources)
	require.ErrorContains(t, got.err, "Options.ReferenceARN")
	got = sort(t, o, func(o *s3files.Options) { o.ReferenceARN, o.Pattern = "", regexp.MustCompile(`(?P<sample>q)`) })
	require.NotContains(t, got.err.Error(), "Options.ReferenceARN", "nothing is known of the reference")
}

// TestSourcesUnordered shows that mates are not taken for single files where the order of the keys cannot be relied on.
func TestSourcesUnordered(t *testing.T) {
	page := func(keys ...string) string {
		text := "<ListBucketResult>"
		for _, key := range keys {
			text += "<Contents><Key>" + key + "</Key></Contents>"
		}
		return text + "</ListBucketResult>"
	}
	api := gateway.NewClient("http://s3.test", doFunc(func(*http.Request) (*http.Response, error) {
		return answerXML(page("b/x_R1.fq.gz", "a/x_R1.fq.gz", "b/x_R2.fq.gz")), nil
	}))
	var last error
	for s, err := range s3files.Sources(t.Context(), api, "s3://bucket") {
		require.Empty(t, s)
		last = err
	}
	require.ErrorContains(t, last, "order of its keys")
}

// TestSourcesCutShort shows that a first mate is not imported as a single file because the listing ended before its mate
// was listed.
func TestSourcesCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the client waits before it tries again
		fake := inBucket(named("a/x_R1.fq.gz", "a/x_R2.fq.gz", "b/y_R1.fq.gz", "b/y_R2.fq.gz", "c.fastq"))
		fake.pageSize = 3
		fake.before = func(r *http.Request) error {
			if r.URL.Query().Has("continuation-token") {
				return errors.New("no route to host")
			}
			return nil
		}
		var sources []string
		var last error
		for s, err := range s3files.Sources(t.Context(), fake.client(), "s3://bucket") {
			if last = err; err == nil {
				sources = append(sources, s.Source1)
			}
		}
		require.ErrorContains(t, last, "no route to host")
		require.Equal(t, []string{"s3://bucket/a/x_R1.fq.gz"}, sources)
	})
}

// TestSourcesBreak shows that a loop can be broken off at any source.
func TestSourcesBreak(t *testing.T) {
	fake := inBucket(named("a.fastq", "a.ubam", "b/1_R1.fq.gz", "b/1_R2.fq.gz", "b/2.fq.gz", "c.fq.gz"))
	for n := 1; n <= 4; n++ {
		count := 0
		for _, err := range s3files.Sources(t.Context(), fake.client(), "s3://bucket") {
			require.NoError(t, err)
			if count++; count == n {
				break
			}
		}
		require.Equal(t, n, count)
	}
}

// TestSourcesPairAsPairFASTQ shows that looking for mates in groups finds the same pairs as looking at all names at once.
func TestSourcesPairAsPairFASTQ(t *testing.T) {
	tokens := []string{"a", "R1", "R2", "r1", "r2", "read1", "read2", "1", "2", "3", "I1", "val", "S1", "L001", "001"}
	other := strings.NewReplacer("R1", "R2", "r1", "r2", "1", "2")
	random := rand.New(rand.NewPCG(1, 2))
	anyID := func(o *s3files.Options) {
		o.IDs = func(s3files.File) (string, string, error) { return "x", "x", nil }
	}
	paired := 0
	for range 3000 {
		o := objects{}
		for range 1 + random.IntN(3) {
			name := "s"
			for range 1 + random.IntN(4) {
				name += string("_.-"[random.IntN(3)]) + tokens[random.IntN(len(tokens))]
			}
			name += ".fq.gz"
			o[name], o[other.Replace(name)] = &fakeObject{}, &fakeObject{}
			if at := strings.LastIndexByte(name, '1'); at > 0 {
				o[name[:at]+"2"+name[at+1:]] = &fakeObject{}
			}
		}
		var uris []string
		for key := range o {
			uris = append(uris, "s3://bucket/"+key)
		}
		slices.Sort(uris)
		want, err := manifest.PairFASTQ(uris)
		if err != nil {
			continue
		}
		var got []manifest.Pair
		for s, err := range s3files.Sources(t.Context(), inBucket(o).client(), "s3://bucket", anyID) {
			require.NoError(t, err, uris)
			got = append(got, manifest.Pair{Source1: s.Source1, Source2: s.Source2})
			if s.Source2 != "" {
				paired++
			}
		}
		require.ElementsMatch(t, want, got, uris)
	}
	require.Greater(t, paired, 300)
}
