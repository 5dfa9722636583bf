package manifest_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

// pairingTests are lists of names and what becomes of them: pairs as "first second", single files as one name.
var pairingTests = []struct {
	name string
	in   []string
	want []string
}{
	{"nothing", nil, nil},
	{
		"Illumina, with sample, lane, mate and part",
		[]string{"NA12878_S1_L001_R1_001.fastq.gz", "NA12878_S1_L001_R2_001.fastq.gz"},
		[]string{"NA12878_S1_L001_R1_001.fastq.gz NA12878_S1_L001_R2_001.fastq.gz"},
	},
	{
		"lanes are apart, and a pair stands where its first file stood",
		[]string{
			"NA12878_S1_L002_R2_001.fastq.gz", "NA12878_S1_L001_R2_001.fastq.gz",
			"NA12878_S1_L001_R1_001.fastq.gz", "NA12878_S1_L002_R1_001.fastq.gz",
		},
		[]string{
			"NA12878_S1_L002_R1_001.fastq.gz NA12878_S1_L002_R2_001.fastq.gz",
			"NA12878_S1_L001_R1_001.fastq.gz NA12878_S1_L001_R2_001.fastq.gz",
		},
	},
	{
		"parts are apart",
		[]string{"U0a_CGATGT_L001_R1_001.fastq.gz", "U0a_CGATGT_L001_R1_002.fastq.gz", "U0a_CGATGT_L001_R2_001.fastq.gz", "U0a_CGATGT_L001_R2_002.fastq.gz"},
		[]string{"U0a_CGATGT_L001_R1_001.fastq.gz U0a_CGATGT_L001_R2_001.fastq.gz", "U0a_CGATGT_L001_R1_002.fastq.gz U0a_CGATGT_L001_R2_002.fastq.gz"},
	},
	{
		"index reads are left out",
		[]string{"pbmc_S1_L001_I1_001.fastq.gz", "pbmc_S1_L001_I2_001.fastq.gz", "pbmc_S1_L001_R1_001.fastq.gz", "pbmc_S1_L001_R2_001.fastq.gz"},
		[]string{"pbmc_S1_L001_R1_001.fastq.gz pbmc_S1_L001_R2_001.fastq.gz"},
	},
	{
		"an index read of a single-end run",
		[]string{"run.R1.fq.gz", "run.I1.fq.gz"},
		[]string{"run.R1.fq.gz"},
	},
	{
		"R1 at the end, after any separator, in any case",
		[]string{
			"a_R1.fastq.gz", "a_R2.fastq.gz", "b.R1.fastq.gz", "b.R2.fastq.gz", "c-R1.fastq.gz", "c-R2.fastq.gz",
			"d_r1.fq.gz", "d_r2.fq.gz", "e_read1.fq.gz", "e_read2.fq.gz", "R1.fastq.gz", "R2.fastq.gz",
		},
		[]string{
			"a_R1.fastq.gz a_R2.fastq.gz", "b.R1.fastq.gz b.R2.fastq.gz", "c-R1.fastq.gz c-R2.fastq.gz",
			"d_r1.fq.gz d_r2.fq.gz", "e_read1.fq.gz e_read2.fq.gz", "R1.fastq.gz R2.fastq.gz",
		},
	},
	{
		"R1 with text after it",
		[]string{
			"HG002_R1_001-5x.fastq.gz", "HG002_R2_001-5x.fastq.gz", "HG002_R1_001-10x.fastq.gz", "HG002_R2_001-10x.fastq.gz",
			"HG003.R1.trimmed.fq.gz", "HG003.R2.trimmed.fq.gz", "NIST7035_TAAGGCGA_L001_R1_001_trimmed.fastq.gz", "NIST7035_TAAGGCGA_L001_R2_001_trimmed.fastq.gz",
		},
		[]string{
			"HG002_R1_001-5x.fastq.gz HG002_R2_001-5x.fastq.gz", "HG002_R1_001-10x.fastq.gz HG002_R2_001-10x.fastq.gz",
			"HG003.R1.trimmed.fq.gz HG003.R2.trimmed.fq.gz",
			"NIST7035_TAAGGCGA_L001_R1_001_trimmed.fastq.gz NIST7035_TAAGGCGA_L001_R2_001_trimmed.fastq.gz",
		},
	},
	{
		"archives: 1 and 2, and the reads that lost their mate",
		[]string{"ERR194147_1.fastq.gz", "ERR194147_2.fastq.gz", "SRR233106_1.filt.fastq.gz", "SRR233106_2.filt.fastq.gz", "SRR233106.filt.fastq.gz", "SRR062634.fastq.gz"},
		[]string{"ERR194147_1.fastq.gz ERR194147_2.fastq.gz", "SRR233106_1.filt.fastq.gz SRR233106_2.filt.fastq.gz", "SRR233106.filt.fastq.gz", "SRR062634.fastq.gz"},
	},
	{
		"merged, with a replicate before",
		[]string{"NA12878_1.merged.fastq.gz", "NA12878_2.merged.fastq.gz", "SRX1603629_T1_1.fastq.gz", "SRX1603629_T1_2.fastq.gz"},
		[]string{"NA12878_1.merged.fastq.gz NA12878_2.merged.fastq.gz", "SRX1603629_T1_1.fastq.gz SRX1603629_T1_2.fastq.gz"},
	},
	{
		"the last token decides",
		[]string{
			"V350_L01_1_1.fq.gz", "V350_L01_1_2.fq.gz", "V350_L01_2_1.fq.gz", "V350_L01_2_2.fq.gz",
			"plate_1_A_R1.fastq.gz", "plate_1_A_R2.fastq.gz", "rep_R1_1.fastq.gz", "rep_R1_2.fastq.gz", "R2_S1_L001_R1_001.fastq.gz",
			"T_2_R1_001.fastq.gz", "T_2_R2_001.fastq.gz", "T_1_R1_001.fastq.gz", "T_1_R2_001.fastq.gz",
		},
		[]string{
			"V350_L01_1_1.fq.gz V350_L01_1_2.fq.gz", "V350_L01_2_1.fq.gz V350_L01_2_2.fq.gz",
			"plate_1_A_R1.fastq.gz plate_1_A_R2.fastq.gz", "rep_R1_1.fastq.gz rep_R1_2.fastq.gz", "R2_S1_L001_R1_001.fastq.gz",
			"T_2_R1_001.fastq.gz T_2_R2_001.fastq.gz", "T_1_R1_001.fastq.gz T_1_R2_001.fastq.gz",
		},
	},
	{
		"Trim Galore repeats the token",
		[]string{"x_R1_val_1.fq.gz", "x_R2_val_2.fq.gz", "ERR1_1_val_1.fq.gz", "ERR1_2_val_2.fq.gz", "y_val_1.fq.gz", "y_val_2.fq.gz", "z_S1_L001_R1_001_val_1.fq.gz", "z_S1_L001_R2_001_val_2.fq.gz", "w-1_val_1.fq.gz", "w-2_val_2.fq.gz"},
		[]string{"x_R1_val_1.fq.gz x_R2_val_2.fq.gz", "ERR1_1_val_1.fq.gz ERR1_2_val_2.fq.gz", "y_val_1.fq.gz y_val_2.fq.gz", "z_S1_L001_R1_001_val_1.fq.gz z_S1_L001_R2_001_val_2.fq.gz", "w-1_val_1.fq.gz w-2_val_2.fq.gz"},
	},
	{
		"a dot and a number at the end, if there is no other token",
		[]string{"s.1.fq.gz", "s.2.fq.gz", "s_R1.1.fastq.gz", "s_R2.1.fastq.gz", "s_1.2.fastq.gz", "s_2.2.fastq.gz"},
		[]string{"s.1.fq.gz s.2.fq.gz", "s_R1.1.fastq.gz s_R2.1.fastq.gz", "s_1.2.fastq.gz s_2.2.fastq.gz"},
	},
	{
		"numbers in the middle are lanes and replicates",
		[]string{"Patient_1_tumor.fastq.gz", "Patient_2_tumor.fastq.gz", "tumor-1.fastq.gz", "tumor-2.fastq.gz", "1.fastq.gz", "2.fastq.gz", "v1.2_x.fq.gz"},
		[]string{"Patient_1_tumor.fastq.gz", "Patient_2_tumor.fastq.gz", "tumor-1.fastq.gz", "tumor-2.fastq.gz", "1.fastq.gz", "2.fastq.gz", "v1.2_x.fq.gz"},
	},
	{
		"what only looks like a token",
		[]string{"HEAR1.fastq.gz", "sampleR2.fastq.gz", "x_R12.fastq.gz", "x_12.fastq.gz", "BR1_x.fq.gz", "x_R.fq.gz", "x_I.fq.gz", "x_001.fq.gz", "x_0.fq.gz"},
		[]string{"HEAR1.fastq.gz", "sampleR2.fastq.gz", "x_R12.fastq.gz", "x_12.fastq.gz", "BR1_x.fq.gz", "x_R.fq.gz", "x_I.fq.gz", "x_001.fq.gz", "x_0.fq.gz"},
	},
	{
		"folders are apart",
		[]string{"run1/a_R1.fastq.gz", "run2/a_R1.fastq.gz", "run2/a_R2.fastq.gz", "run_R1/b.fastq.gz", "run_R2/b.fastq.gz"},
		[]string{"run1/a_R1.fastq.gz", "run2/a_R1.fastq.gz run2/a_R2.fastq.gz", "run_R1/b.fastq.gz", "run_R2/b.fastq.gz"},
	},
	{
		"a first mate alone is a single-end file, and a third file without the first two is one too",
		[]string{"a_R1.fastq.gz", "b_1.fastq.gz", "c_3.fastq.gz", "c_4.fastq.gz"},
		[]string{"a_R1.fastq.gz", "b_1.fastq.gz", "c_3.fastq.gz", "c_4.fastq.gz"},
	},
	{
		"files stand where they stood, whatever their names share",
		[]string{"c_3.fastq.gz", "d_S1_I1_001.fastq.gz", "x.fastq.gz", "c_4.fastq.gz", "d_S1_R1_001.fastq.gz"},
		[]string{"c_3.fastq.gz", "x.fastq.gz", "c_4.fastq.gz", "d_S1_R1_001.fastq.gz"},
	},
	{
		"endings may differ, in case too",
		[]string{"a_R1.fastq.gz", "a_R2.fq.gz", "b_R1.FASTQ.GZ", "b_R2.FASTQ.GZ"},
		[]string{"a_R1.fastq.gz a_R2.fq.gz", "b_R1.FASTQ.GZ b_R2.FASTQ.GZ"},
	},
}

func TestPairFASTQ(t *testing.T) {
	names := map[string]bool{}
	for _, test := range pairingTests {
		t.Run(test.name, func(t *testing.T) {
			for _, prefix := range []string{"", "s3://reads/fastq_1/", "https://example.com/R1/"} {
				var in []string
				for _, name := range test.in {
					names[name] = true
					in = append(in, prefix+name)
				}
				want := []manifest.Pair{}
				for _, files := range test.want {
					first, second, two := strings.Cut(files, " ")
					pair := manifest.Pair{Source1: prefix + first}
					if two {
						pair.Source2 = prefix + second
					}
					require.NoError(t, pair.Validate())
					want = append(want, pair)
				}
				got, err := manifest.PairFASTQ(in)
				require.NoError(t, err)
				require.Equal(t, want, got)
			}
		})
	}
	require.GreaterOrEqual(t, len(names), 60)
}

// TestPairFASTQOrder shows that the pairs do not depend on the list's order.
func TestPairFASTQOrder(t *testing.T) {
	for _, test := range pairingTests {
		want, err := manifest.PairFASTQ(test.in)
		require.NoError(t, err)
		in := slices.Clone(test.in)
		slices.Reverse(in)
		got, err := manifest.PairFASTQ(in)
		require.NoError(t, err)
		require.ElementsMatch(t, want, got, test.name)
	}
}

func TestPairFASTQFaults(t *testing.T) {
	type fault struct {
		path  string
		rule  readsetimport.Rule
		names []string // that the detail has
	}
	for name, test := range map[string]struct {
		in   []string
		want []fault
	}{
		"second mate without a first": {
			[]string{"f/a_R1.fastq.gz", "f/b_S1_L001_R2_001.fastq.gz"},
			[]fault{{"uris[1]", readsetimport.RuleCombination, []string{`"b_S1_L001_R2_001.fastq.gz"`, `"b_S1_L001_R1_001.fastq.gz"`}}},
		},
		"mates in two folders": {
			[]string{"f/a_1.fastq.gz", "g/a_2.fastq.gz"},
			[]fault{{"uris[1]", readsetimport.RuleCombination, []string{`"a_2.fastq.gz"`, `"a_1.fastq.gz"`}}},
		},
		"mates of two names": {
			[]string{"a_R1_001.fastq.gz", "a_R2_002.fastq.gz"},
			[]fault{{"uris[1]", readsetimport.RuleCombination, []string{`"a_R2_002.fastq.gz"`}}},
		},
		"mates of two styles": {
			[]string{"a_R1.fastq.gz", "a_2.fastq.gz"},
			[]fault{{"uris[1]", readsetimport.RuleCombination, []string{`"a_2.fastq.gz"`}}},
		},
		"second mate of Trim Galore": {
			[]string{"x_R2_val_2.fq.gz"},
			[]fault{{"uris[0]", readsetimport.RuleCombination, []string{`"x_R1_val_1.fq.gz"`}}},
		},
		"three files of one name": {
			[]string{"a_R1.fastq.gz", "a_R2.fastq.gz", "a_R1.fq.gz"},
			[]fault{{"uris[2]", readsetimport.RuleCombination, []string{`"a_R1.fastq.gz"`, `"a_R2.fastq.gz"`, `"a_R1.fq.gz"`, "more than two"}}},
		},
		"samples with numbers": {
			[]string{"Patient_1.fastq.gz", "Patient_2.fastq.gz", "Patient_3.fastq.gz", "Patient_4.fastq.gz", "Patient_5.fastq.gz"},
			[]fault{{"uris[2]", readsetimport.RuleCombination, []string{"Patient_1", "Patient_2", "Patient_3", "Patient_4", "1 more"}}},
		},
		"first and third": {
			[]string{"cells_R1.fastq.gz", "cells_R3.fastq.gz"},
			[]fault{{"uris[1]", readsetimport.RuleCombination, []string{"cells_R1", "cells_R3"}}},
		},
		"third read alone": {
			[]string{"cells_S1_L001_R3_001.fastq.gz"},
			[]fault{{"uris[0]", readsetimport.RuleCombination, []string{"third read"}}},
		},
		"two firsts": {
			[]string{"a_R1.fastq.gz", "a_R1.fq.gz"},
			[]fault{{"uris[1]", readsetimport.RuleCombination, []string{`"a_R1.fastq.gz"`, `"a_R1.fq.gz"`, "two first"}}},
		},
		"two seconds": {
			[]string{"a_R2.fastq.gz", "a_R2.fq.gz"},
			[]fault{{"uris[1]", readsetimport.RuleCombination, []string{"two second"}}},
		},
		"index reads without reads": {
			[]string{"a_S1_L001_I1_001.fastq.gz", "b_R1.fastq.gz"},
			[]fault{{"uris[0]", readsetimport.RuleCombination, []string{`"a_S1_L001_I1_001.fastq.gz"`, "index"}}},
		},
		"twice in the list": {
			[]string{"a_1.fastq.gz", "a_2.fastq.gz", "a_1.fastq.gz"},
			[]fault{{"uris[2]", readsetimport.RuleDuplicate, []string{"uris[0]"}}},
		},
		"files that are not FASTQ, and not compressed": {
			[]string{"a.bam", "a_R1.fastq", "a_R2.fq.bz2", "a.fastq.gz.md5", "", "f/", ".fastq.gz", "b_1.fastq.ora", "b.gz"},
			[]fault{
				{"uris[0]", readsetimport.RulePattern, []string{`"a.bam"`, ".fastq.gz or .fq.gz"}},
				{"uris[1]", readsetimport.RulePattern, []string{`"a_R1.fastq"`, "gzip"}},
				{"uris[2]", readsetimport.RulePattern, []string{"gzip"}},
				{"uris[3]", readsetimport.RulePattern, []string{"must be a FASTQ file"}},
				{"uris[4]", readsetimport.RulePattern, []string{"must be a FASTQ file"}},
				{"uris[5]", readsetimport.RulePattern, []string{"must be a FASTQ file"}},
				{"uris[6]", readsetimport.RulePattern, []string{"must be a FASTQ file"}},
				{"uris[7]", readsetimport.RulePattern, []string{"gzip"}},
				{"uris[8]", readsetimport.RulePattern, []string{"must be a FASTQ file"}},
			},
		},
		"faults in the order of the list": {
			[]string{"b_2.fastq.gz", "x.bam", "a_2.fastq.gz"},
			[]fault{{"uris[0]", readsetimport.RuleCombination, nil}, {"uris[1]", readsetimport.RulePattern, nil}, {"uris[2]", readsetimport.RuleCombination, nil}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			pairs, err := manifest.PairFASTQ(test.in)
			require.Nil(t, pairs)
			require.ErrorIs(t, err, readsetimport.ErrValidation)
			var invalid *readsetimport.ValidationError
			require.ErrorAs(t, err, &invalid)
			var got []fault
			for i, f := range invalid.Fields {
				g := fault{f.Path, f.Rule, nil}
				if i < len(test.want) {
					g.names = test.want[i].names
					for _, name := range g.names {
						require.Contains(t, f.Detail, name)
					}
				}
				got = append(got, g)
			}
			require.Equal(t, test.want, got)
		})
	}
}

func TestPairValidate(t *testing.T) {
	const first, second = "sourceFiles.source1", "sourceFiles.source2"
	for _, test := range []struct{ source1, source2, path string }{
		{"a_R1.fastq.gz", "a_R2.fastq.gz", ""},
		{"a_R2.fastq.gz", "", ""},
		{"a.fastq.gz", "b.fastq.gz", ""},
		{"a_1.bam", "b_1.bam", ""},
		{"a_R1.fastq.gz", "b_R2.fastq.gz", ""},
		{"a_R1.fastq.gz", "a_R3.fastq.gz", ""},
		{"fwd/1_x.fastq.gz", "rev/1_x.fastq.gz", ""},
		{"a_R1.fastq.gz", "b_R1.fastq.gz", second},
		{"SRR1_1.filt.fastq.gz", "SRR2_1.filt.fastq.gz", second},
		{"a_R2.fastq.gz", "b_R2.fastq.gz", first},
		{"a_R2.fastq.gz", "a_R1.fastq.gz", first},
		{"a_I1.fastq.gz", "a_R2.fastq.gz", first},
		{"a_R1.fastq.gz", "a_I1.fastq.gz", second},
	} {
		err := manifest.Pair{Source1: test.source1, Source2: test.source2}.Validate()
		if test.path == "" {
			require.NoError(t, err, test)
			continue
		}
		var invalid *readsetimport.ValidationError
		require.ErrorAs(t, err, &invalid, test)
		require.Len(t, invalid.Fields, 1)
		require.Equal(t, test.path, invalid.Fields[0].Path, test)
		require.Equal(t, readsetimport.RuleCombination, invalid.Fields[0].Rule)
	}
}

// FuzzPairFASTQ shows that no name breaks the pairing, and that every file is in one pair, is an index read, or is an
// error.
func FuzzPairFASTQ(f *testing.F) {
	for _, test := range pairingTests {
		f.Add(strings.Join(test.in, "\n"))
	}
	f.Add("a_I1.fastq.gz\na_R1.fastq.gz\n_val_1.fq.gz\n1_val_1.fq.gz")
	f.Fuzz(func(t *testing.T, list string) {
		uris := strings.Split(list, "\n")
		pairs, err := manifest.PairFASTQ(uris)
		if err != nil {
			require.Nil(t, pairs)
			return
		}
		found := map[string]bool{}
		for _, p := range pairs {
			require.NoError(t, p.Validate())
			for _, file := range []string{p.Source1, p.Source2} {
				require.False(t, file != "" && found[file], "%q is in two pairs", file)
				found[file] = true
			}
		}
		for _, uri := range uris {
			name := strings.ToLower(uri[strings.LastIndexByte(uri, '/')+1:])
			require.True(t, found[uri] || strings.Contains(name, "i"), "%q is lost", uri)
		}
	})
}

func BenchmarkPairFASTQ(b *testing.B) {
	var uris []string
	for i := range 50_000 {
		for mate := 1; mate <= 2; mate++ {
			uris = append(uris, fmt.Sprintf("s3://reads/run/sample-%06d_S%d_L001_R%d_001.fastq.gz", i, i, mate))
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		pairs, err := manifest.PairFASTQ(uris)
		if err != nil || len(pairs) != 50_000 {
			b.Fatal(len(pairs), err)
		}
	}
	b.ReportMetric(float64(len(uris))*float64(b.N)/b.Elapsed().Seconds(), "files/s")
}

func ExamplePairFASTQ() {
	pairs, err := manifest.PairFASTQ([]string{
		"s3://amzn-s3-demo-bucket/NA12878_S1_L001_I1_001.fastq.gz",
		"s3://amzn-s3-demo-bucket/NA12878_S1_L001_R1_001.fastq.gz",
		"s3://amzn-s3-demo-bucket/NA12878_S1_L001_R2_001.fastq.gz",
		"s3://amzn-s3-demo-bucket/SRR062634.fastq.gz",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range pairs {
		source := readsetimport.PairedFASTQ(p.Source1, p.Source2)
		fmt.Println(source.Source1, source.Source2)
	}
	// Output:
	// s3://amzn-s3-demo-bucket/NA12878_S1_L001_R1_001.fastq.gz s3://amzn-s3-demo-bucket/NA12878_S1_L001_R2_001.fastq.gz
	// s3://amzn-s3-demo-bucket/SRR062634.fastq.gz
}

func ExamplePairFASTQ_missingMate() {
	_, err := manifest.PairFASTQ([]string{
		"s3://amzn-s3-demo-bucket/ERR194147_1.fastq.gz",
		"s3://amzn-s3-demo-bucket/ERR194146_2.fastq.gz",
	})
	fmt.Println(err)
	// Output:
	// invalid field: uris[1]: "ERR194146_2.fastq.gz" is a second mate without its first, "ERR194146_1.fastq.gz"
}

func ExamplePair_Validate() {
	err := manifest.Pair{Source1: "s3://amzn-s3-demo-bucket/a_R1.fastq.gz", Source2: "s3://amzn-s3-demo-bucket/b_R1.fastq.gz"}.Validate()
	fmt.Println(err)
	// Output:
	// invalid field: sourceFiles.source2: must be a second mate: by their names both files are first mates
}
