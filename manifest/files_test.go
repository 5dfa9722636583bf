package manifest_test

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

// listing yields names as the URIs of a bucket.
func listing(names ...string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, name := range names {
			if !yield(bucket+name, nil) {
				return
			}
		}
	}
}

func TestFiles(t *testing.T) {
	withReference := func(o *manifest.Options) { o.ReferenceARN = reference }
	for name, test := range map[string]struct {
		in      []string
		opt     func(*manifest.Options)
		want    sources
		skipped []string
	}{
		"nothing": {},
		"mates, lanes, a single file": {
			in: []string{"r/A_S1_L001_R1_001.fastq.gz", "r/A_S1_L001_R2_001.fastq.gz", "r/A_S1_L002_R1_001.fastq.gz", "r/A_S1_L002_R2_001.fastq.gz", "r/B.fq.gz"},
			want: sources{
				pair("A", "r/A_S1_L001_R1_001.fastq.gz", "r/A_S1_L001_R2_001.fastq.gz"),
				pair("A", "r/A_S1_L002_R1_001.fastq.gz", "r/A_S1_L002_R2_001.fastq.gz"),
				single("B", "r/B.fq.gz"),
			},
		},
		"folders within folders": {
			in: []string{"a_R1.fq.gz", "r/a_R1.fq.gz", "r/q/a_R1.fq.gz", "r/q/a_R2.fq.gz", "r/z_R1.fq.gz", "r/z_R2.fq.gz", "ra/z_R1.fq.gz", "z_R1.fq.gz"},
			want: sources{
				pair("a", "r/q/a_R1.fq.gz", "r/q/a_R2.fq.gz"),
				single("a", "r/a_R1.fq.gz"), pair("z", "r/z_R1.fq.gz", "r/z_R2.fq.gz"),
				single("z", "ra/z_R1.fq.gz"),
				single("a", "a_R1.fq.gz"), single("z", "z_R1.fq.gz"),
			},
		},
		"all types": {
			in:  []string{"A.BAM", "B.cram", "C.unmapped.bam", "D.unaligned.bam", "E.fastq.gz"},
			opt: withReference,
			want: sources{
				readsetimport.BAM(bucket+"A.BAM", reference).WithSample("A").WithSubject("A"),
				readsetimport.CRAM(bucket+"B.cram", reference).WithSample("B").WithSubject("B"),
				readsetimport.UBAM(bucket + "C.unmapped.bam").WithSample("C").WithSubject("C"),
				readsetimport.UBAM(bucket + "D.unaligned.bam").WithSample("D").WithSubject("D"),
				single("E", "E.fastq.gz"),
			},
		},
		"unaligned BAM by option": {
			in:   []string{"A.bam"},
			opt:  func(o *manifest.Options) { o.FileType = types.FileTypeUbam },
			want: sources{readsetimport.UBAM(bucket + "A.bam").WithSample("A").WithSubject("A")},
		},
		"what accompanies reads": {
			in: []string{
				"r/", "r/A_S1_I1_001.fastq.gz", "r/A_S1_R1_001.fastq.gz", "r/A_S1_R1_001.fastq.gz.md5", "r/A_S1_R1_001_fastqc.zip",
				"r/B.cram", "r/B.cram.crai", "r/Undetermined_S0_L001_R1_001.fastq.gz", "r/multiqc_report.HTML", "r/undetermined.bam",
			},
			opt: withReference,
			want: sources{
				readsetimport.CRAM(bucket+"r/B.cram", reference).WithSample("B").WithSubject("B"),
				single("A", "r/A_S1_R1_001.fastq.gz"),
			},
			skipped: []string{
				"folder s3://reads/r/", "checksum s3://reads/r/A_S1_R1_001.fastq.gz.md5", "report s3://reads/r/A_S1_R1_001_fastqc.zip",
				"index s3://reads/r/B.cram.crai", "undetermined s3://reads/r/Undetermined_S0_L001_R1_001.fastq.gz",
				"report s3://reads/r/multiqc_report.HTML", "undetermined s3://reads/r/undetermined.bam",
				"index reads s3://reads/r/A_S1_I1_001.fastq.gz",
			},
		},
		"unsupported files by option": {
			in:   []string{"A.fastq", "A.vcf.gz", "B.fq.gz", "README"},
			opt:  func(o *manifest.Options) { o.SkipUnsupported = true },
			want: sources{single("B", "B.fq.gz")},
			skipped: []string{
				"unsupported s3://reads/A.fastq", "unsupported s3://reads/A.vcf.gz", "unsupported s3://reads/README",
			},
		},
		"copies that are not compressed with gzip": {
			in:      []string{"A.fastq", "A.fastq.gz", "B_R1.fq", "B_R1.fq.gz", "C_I2.fq", "C_R1.fq.gz"},
			opt:     func(o *manifest.Options) { o.SkipUnsupported = true },
			want:    sources{single("A", "A.fastq.gz"), single("B", "B_R1.fq.gz"), single("C", "C_R1.fq.gz")},
			skipped: []string{"unsupported s3://reads/A.fastq", "unsupported s3://reads/B_R1.fq", "unsupported s3://reads/C_I2.fq"},
		},
		"a pattern with a subject": {
			in:   []string{"P1/T7_x_R1.fq.gz", "P1/T7_x_R2.fq.gz"},
			opt:  func(o *manifest.Options) { o.Pattern = regexp.MustCompile(`(?P<subject>[^/]+)/(?P<sample>[^/_]+)_`) },
			want: sources{pair("T7", "P1/T7_x_R1.fq.gz", "P1/T7_x_R2.fq.gz").WithSubject("P1")},
		},
		"a pattern, and the subject by the sample": {
			in: []string{"x-T7.fq.gz"},
			opt: func(o *manifest.Options) {
				o.Pattern = regexp.MustCompile(`-(?P<sample>\w+)`)
				o.Subject = func(sample string) string { return "of " + sample }
			},
			want: sources{single("T7", "x-T7.fq.gz").WithSubject("of T7")},
		},
		"ids": {
			in: []string{"a_R1.fq.gz", "a_R2.fq.gz", "b.fq.gz"},
			opt: func(o *manifest.Options) {
				o.Pattern = regexp.MustCompile(`(?P<sample>not used)`)
				o.IDs = func(uri string) (string, string, error) {
					if uri == bucket+"a_R1.fq.gz" {
						return "P", "S", nil
					}
					return "", "T", nil
				}
			},
			want: sources{pair("S", "a_R1.fq.gz", "a_R2.fq.gz").WithSubject("P"), single("T", "b.fq.gz")},
		},
		"paths that are rewritten": {
			in: []string{"mirror/a_1.fq.gz", "mirror/a_2.fq.gz"},
			opt: func(o *manifest.Options) {
				o.RewriteURI = func(uri string) (string, error) { return strings.Replace(uri, "mirror/", "", 1), nil }
			},
			want: sources{pair("a", "a_1.fq.gz", "a_2.fq.gz")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var skipped []string
			got, err := collect(t, manifest.Files(listing(test.in...), append(options(test.opt), recordSkips(&skipped))...))
			require.NoError(t, err)
			require.Equal(t, test.want, got)
			require.Equal(t, test.skipped, skipped)
		})
	}
}

// TestSampleOfName shows the sample ids that files have by their names.
func TestSampleOfName(t *testing.T) {
	for name, want := range map[string]string{
		"NA12878_S1_L001_R1_001.fastq.gz":                "NA12878",
		"NA12878_S12_R1_001.fastq.gz":                    "NA12878",
		"Tumor_A_S1_L001_R1_001.fastq.gz":                "Tumor_A",
		"U0a_CGATGT_L001_R1_001.fastq.gz":                "U0a",
		"U0a_CGATGTAC-TTGACCAA_L001_R1_001.fastq.gz":     "U0a",
		"NIST7035_TAAGGCGA_L001_R1_001_trimmed.fastq.gz": "NIST7035",
		"NA12878_L002_R1.fq.gz":                          "NA12878",
		"GATTACA_R1.fastq.gz":                            "GATTACA",
		"x_GATTACA_R1.fastq.gz":                          "x_GATTACA",
		"sample.R1.trimmed.fq.gz":                        "sample",
		"x_R1_val_1.fq.gz":                               "x",
		"x_read1_val_1.fq.gz":                            "x",
		"SRR062634_1.filt.fastq.gz":                      "SRR062634",
		"SRR233106.filt.fastq.gz":                        "SRR233106",
		"x_S1_L001_R1_001_val_1.fq.gz":                   "x",
		"ERR194147_1_val_1.fq.gz":                        "ERR194147",
		"DRR000001.fastq.gz":                             "DRR000001",
		"SRR0626340x.fastq.gz":                           "SRR0626340x",
		"SRX1603629_T1_1.fastq.gz":                       "SRX1603629_T1",
		"no.token.fastq.gz":                              "no.token",
		"HG00096.chrom20.bam":                            "HG00096.chrom20",
		"SRR062634.bam":                                  "SRR062634",
		"NA12878_A.unmapped.bam":                         "NA12878_A",
		"s 1.cram":                                       "s 1",
	} {
		got, err := collect(t, manifest.Files(listing("folder_S1_L001/"+name), func(o *manifest.Options) { o.ReferenceARN = reference }))
		require.NoError(t, err, name)
		require.Len(t, got, 1, name)
		require.Equal(t, want, got[0].SampleID, name)
		require.Equal(t, want, got[0].SubjectID, name)
	}
}

func TestFilesFaults(t *testing.T) {
	const good = "ok/ok_R1.fastq.gz"
	want := sources{single("ok", good)}
	errUnknown := errors.New("no such sample")
	for name, test := range map[string]struct {
		in     []string
		opt    func(*manifest.Options)
		faults []fault
	}{
		"a second mate alone, and its folder's other files are read": {
			in:     []string{"ok/a_R2.fastq.gz", good},
			faults: []fault{{1, 1, "", readsetimport.RuleCombination, `"a_R2.fastq.gz" is a second mate without its first, "a_R1.fastq.gz"`}},
		},
		"samples with numbers": {
			in:     []string{good, "p/Patient_1.fq.gz", "p/Patient_2.fq.gz", "p/Patient_3.fq.gz"},
			faults: []fault{{4, 1, "", readsetimport.RuleCombination, "more than two files of one name"}},
		},
		"a file twice": {
			in:     []string{good, good},
			faults: []fault{{2, 1, "", readsetimport.RuleDuplicate, "line 1"}},
		},
		"a BAM twice": {
			in:     []string{"A.bam", "A.bam", good},
			opt:    func(o *manifest.Options) { o.FileType = types.FileTypeUbam },
			faults: []fault{{2, 1, "", readsetimport.RuleDuplicate, "line 1"}},
		},
		"a folder that comes again": {
			in:     []string{good, "p/c.fq.gz", "ok/ok_R2.fastq.gz", "ok/p/d.fq.gz", "ok/b_R1.fastq.gz"},
			faults: []fault{{3, 1, "", readsetimport.RuleCombination, "sort"}, {5, 1, "", readsetimport.RuleCombination, "sort"}},
		},
		"a file that comes again after its folder": {
			in:     []string{good, "p/c.fq.gz", good},
			faults: []fault{{3, 1, "", readsetimport.RuleCombination, "sort"}},
		},
		"unsupported files, once for each ending": {
			in: []string{"A.fastq", "A.fq.bz2", "B.FASTQ", good, "README", "c.fastq", "noreads", "x.\x01"},
			faults: []fault{
				{1, 1, "", readsetimport.RulePattern, "this file and 2 more with the ending .fastq cannot be imported; Options.SkipUnsupported"},
				{2, 1, "", readsetimport.RulePattern, "this file with the ending .fq.bz2 cannot"},
				{5, 1, "", readsetimport.RulePattern, "this file and 1 more without an ending cannot"},
				{8, 1, "", readsetimport.RulePattern, `with the ending ".\x01" cannot`},
			},
		},
		"mates that are not compressed with gzip": {
			in:  []string{"A_R1.fastq.gz", "A_R2.fastq", "B_1.fq.bz2", "B_2.fq.gz", good},
			opt: func(o *manifest.Options) { o.SkipUnsupported = true },
			faults: []fault{
				{1, 1, "", readsetimport.RuleCombination, `"A_R2.fastq", is not compressed with gzip`},
				{4, 1, "", readsetimport.RuleCombination, "without its first"},
			},
		},
		"no reference": {
			in:     []string{"A.cram", good},
			faults: []fault{{1, 1, "referenceArn", readsetimport.RuleRequired, "Options.ReferenceARN"}},
		},
		"no sample": {
			in:     []string{"ok/R1.fastq.gz", "ok/R2.fastq.gz", good},
			faults: []fault{{1, 1, "", readsetimport.RulePattern, "Options.Pattern or Options.IDs"}},
		},
		"no match": {
			in:     []string{"ok/a_R1.fastq.gz", good},
			opt:    func(o *manifest.Options) { o.Pattern = regexp.MustCompile(`/(?P<sample>o.)_`) },
			faults: []fault{{1, 1, "", readsetimport.RulePattern, "Options.Pattern"}},
		},
		"an empty subject": {
			in:     []string{"ok/a_R1.fastq.gz", good},
			opt:    func(o *manifest.Options) { o.Pattern = regexp.MustCompile(`/(?P<sample>(?P<subject>(?:ok)?)a?)_`) },
			faults: []fault{{1, 1, "", readsetimport.RulePattern, "no group of it be empty"}},
		},
		"an error of IDs": {
			in: []string{"ok/a_R1.fastq.gz", good},
			opt: func(o *manifest.Options) {
				o.IDs = func(uri string) (string, string, error) {
					if strings.Contains(uri, "a_R1") {
						return "", "", errUnknown
					}
					return "ok", "ok", nil
				}
			},
			faults: []fault{{1, 1, "", readsetimport.RulePattern, "no such sample"}},
		},
		"a sample that is too long": {
			in:     []string{"ok/" + strings.Repeat("s", 128) + "_R1.fastq.gz", good},
			faults: []fault{{1, 1, "subjectId", readsetimport.RuleLength, "127"}, {1, 1, "sampleId", readsetimport.RuleLength, "127"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := collect(t, manifest.Files(listing(test.in...), options(test.opt)...))
			requireFaults(t, err, test.faults...)
			require.Equal(t, want, slices.DeleteFunc(got, func(s readsetimport.Source) bool { return s.Source1 != bucket+good }))
			if strings.HasPrefix(name, "an error of IDs") {
				require.ErrorIs(t, err, errUnknown)
			}
		})
	}
}

// TestFilesPatternWithoutSample shows that nothing is listed with a pattern that cannot do.
func TestFilesPatternWithoutSample(t *testing.T) {
	never := func(func(string, error) bool) { t.Fatal("the listing has begun") }
	got, err := collect(t, manifest.Files(never, func(o *manifest.Options) { o.Pattern = regexp.MustCompile(`(?P<name>.)`) }))
	require.Empty(t, got)
	require.ErrorContains(t, err, "group named sample")
	require.NotErrorIs(t, err, readsetimport.ErrValidation)
}

// TestFilesEndsEarly shows that a folder that was not listed to its end is in no source.
func TestFilesEndsEarly(t *testing.T) {
	uris := func(yield func(string, error) bool) {
		_ = yield(bucket+"a/a_R1.fq.gz", nil) && yield(bucket+"a/a_R2.fq.gz", nil) && yield(bucket+"b/b_R1.fq.gz", nil) && yield("", errBroken)
	}
	got, err := collect(t, manifest.Files(uris))
	require.Equal(t, sources{pair("a", "a/a_R1.fq.gz", "a/a_R2.fq.gz")}, got)
	require.ErrorIs(t, err, errBroken)
	require.NotErrorIs(t, err, readsetimport.ErrValidation)
}

// TestFilesStreams shows that a folder's sources come when the listing has left it, and that no more is listed than is
// asked for.
func TestFilesStreams(t *testing.T) {
	listed := 0
	uris := func(yield func(string, error) bool) {
		for _, name := range []string{"a/a_R1.fq.gz", "a/a_R2.fq.gz", "b/b.fq.gz", "c/c.fq.gz", "d/d.fq.gz"} {
			if listed++; !yield(bucket+name, nil) {
				return
			}
		}
	}
	for s, err := range manifest.Files(uris) {
		require.NoError(t, err)
		require.Equal(t, pair("a", "a/a_R1.fq.gz", "a/a_R2.fq.gz"), s)
		require.Equal(t, 3, listed)
		break
	}
	require.Equal(t, 3, listed)
}

// FuzzFiles shows that every file of a listing is in one source, skipped, or a fault's.
func FuzzFiles(f *testing.F) {
	for _, test := range pairingTests {
		f.Add(strings.Join(test.in, "\n"), true)
	}
	f.Add("r/a_R1.fq.gz\nr/q/x.bam\nr/a_R2.fq.gz\nr/a.bai\nq/b\nr/c_I1.fq.gz\n", false)
	f.Fuzz(func(t *testing.T, list string, sorted bool) {
		names := strings.Split(list, "\n")
		if sorted {
			slices.Sort(names)
		}
		found := map[string]int{}
		got, err := collect(t, manifest.Files(listing(names...), func(o *manifest.Options) {
			o.MaxErrors = 1 << 30
			o.ReferenceARN = reference
			o.OnSkip = func(uri string, _ manifest.SkipReason) { found[uri]++ }
		}))
		for _, s := range got {
			found[s.Source1]++
			if s.Source2 != "" {
				found[s.Source2]++
			}
		}
		listed := map[string]int{}
		for _, name := range names {
			listed[bucket+name]++
		}
		for uri, n := range found {
			require.LessOrEqual(t, n, listed[uri], uri)
		}
		if err == nil {
			require.Equal(t, listed, found)
		}
	})
}

func BenchmarkFiles(b *testing.B) {
	const folders, each = 1000, 100
	uris := func(yield func(string, error) bool) {
		for i := range folders {
			for j := range each / 2 {
				for mate := 1; mate <= 2; mate++ {
					if !yield(fmt.Sprintf("s3://reads/run-%04d/sample-%04d_S%d_L001_R%d_001.fastq.gz", i, j, j, mate), nil) {
						return
					}
				}
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range manifest.Files(uris) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != folders*each/2 {
			b.Fatal(n)
		}
	}
	b.ReportMetric(folders*each*float64(b.N)/b.Elapsed().Seconds(), "files/s")
}
