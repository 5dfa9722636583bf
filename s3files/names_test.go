package s3files_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/manifest"
	"github.com/readsetimport/readsetimport/s3files"
)

// TestSampleNames is about the conventions of names.
func TestSampleNames(t *testing.T) {
	for key, want := range map[string]string{
		"NA12878_S1_L001_R1_001.fastq.gz":           "NA12878",
		"NA12878_S12_R1_001.fastq.gz":               "NA12878",
		"P1_T_S1_L001_R1_001.fastq.gz":              "P1_T",
		"NA12878_L002_R1.fq.gz":                     "NA12878",
		"NA12878_R1.fastq.gz":                       "NA12878",
		"NA12878.R1.fastq.gz":                       "NA12878",
		"NA12878_read1.fastq.gz":                    "NA12878",
		"NA12878_1.fastq.gz":                        "NA12878",
		"NA12878.1.fastq.gz":                        "NA12878",
		"NA12878_S1_L001_R1_001_val_1.fq.gz":        "NA12878",
		"U5c_CCGTCC_L001_R1_001.fastq.gz":           "U5c",
		"NA12878_S1_L001_1.fastq.gz":                "NA12878",
		"NA12878_R1_val_1.fq.gz":                    "NA12878",
		"NA12878_R1_001-trimmed.fq.gz":              "NA12878",
		"NA12878.fastq.gz":                          "NA12878",
		"P1.tumor_1.fq.gz":                          "P1.tumor",
		"SRR062634_1.filt.fastq.gz":                 "SRR062634",
		"SRR062634.filt.fastq.gz":                   "SRR062634",
		"ERR1019034_1.fastq.gz":                     "ERR1019034",
		"SRR062634.cram":                            "SRR062634",
		"HG00096.chrom20.ILLUMINA.bwa.low_cov.bam":  "HG00096.chrom20.ILLUMINA.bwa.low_cov",
		"folder_R1/NA12878_S1_L001_R1_001.fastq.gz": "NA12878",
		"NA12878.unmapped.bam":                      "NA12878",
		"NA12878_R2_umi_R1.fastq.gz":                "NA12878_R2_umi",
		"NA12878_S1_L001_R1_001.dedup.fastq.gz":     "NA12878",
		"undetermined-virus_R1.fastq.gz":            "undetermined-virus",
	} {
		got := sort(t, named(key))
		require.Len(t, got.sources, 1, key)
		require.Equal(t, want, strings.Split(strings.Split(got.sources[0], " ")[1], "/")[0], key)
	}
}

// TestSourcesAsManifestFiles shows that a file is the same read set whether it is found in a bucket or in a list, by names as
// sequencers, archives and trimmers write them.
func TestSourcesAsManifestFiles(t *testing.T) {
	keys := strings.Fields(`
		NA12878_S1_L001_R1_001.FASTQ.GZ NA12878_S1_L001_R2_001.FASTQ.GZ NA1_S1_R1_001.fastq.gz NA1_S1_R2_001.fastq.gz
		S1_R1_001.fastq.gz S1_R2_001.fastq.gz S7_L001_R1_001.fastq.gz NA2_S2.fastq.gz NA3_S3_L001.fastq.gz NA4_L001.fastq.gz
		NA5_TTAGGC-ACGTAC_L001_R1_001.fastq.gz NA5_TTAGGC-ACGTAC_L001_R2_001.fastq.gz U5c_CCGTCC_L001_R1_002.fastq.gz U5c_CCGTCC_L001_R2_002.fastq.gz
		NA6_S6_L001_R1_001_val_1.fq.gz NA6_S6_L001_R2_001_val_2.fq.gz NA7_S7_L001_1.fastq.gz NA7_S7_L001_2.fastq.gz NA8.S8.R1.fastq.gz
		NA9_S9_L001_R1_001.dedup.v2.fastq.gz pbmc_1k_v3_S1_L001_R1_001.fastq.gz pbmc_1k_v3_S1_L001_R2_001.fastq.gz pbmc_1k_v3_S1_L001_I1_001.fastq.gz
		SRR062634_pass_1.fastq.gz SRR062634_pass_2.fastq.gz SRR062634.fastq.gz SRR12345_1.fastq.gz SRR12345_2.fastq.gz srr062635_1.fastq.gz
		V300014293_L01_read_1.fq.gz V300014293_L01_read_2.fq.gz V350012345_L01_123_1.fq.gz V350012345_L01_123_2.fq.gz
		E100_L01_UDB-1_1.fq.gz E100_L01_UDB-1_2.fq.gz A1_FKDL210123456-1a_H7V2DSX5_L1_1.fq.gz A1_FKDL210123456-1a_H7V2DSX5_L1_2.fq.gz
		H06HDADXX130110.1.ATCACGAT.20k_reads_1.fastq.gz H06HDADXX130110.1.ATCACGAT.20k_reads_2.fastq.gz P1.T.v2.R1.fastq.gz P1.T.v2.R2.fastq.gz
		a.R1.trimmed.fastq.gz a.R2.trimmed.fastq.gz b_1.clean.fq.gz b_2.clean.fq.gz c_R1_paired.fq.gz c_R2_paired.fq.gz c_R1_unpaired.fq.gz d-R1.fastq.gz
		ERR3240114_x.cram SRR062634abc.cram HG00096.final.cram NA12878.BAM NA12878.unmapped.bam x.ubam Undetermined_S0_L001_R1_001.fastq.gz x.bam.bai`)
	slices.Sort(keys)
	listed := func(yield func(string, error) bool) {
		for _, key := range keys {
			if !yield("s3://bucket/run/"+key, nil) {
				return
			}
		}
	}
	want, err := manifest.Collect(manifest.Files(listed, func(o *manifest.Options) { o.ReferenceARN = referenceARN }))
	require.NoError(t, err)
	o := objects{}
	for _, key := range keys {
		o["run/"+key] = &fakeObject{}
	}
	got, err := manifest.Collect(s3files.Sources(t.Context(), inBucket(o).client(), "s3://bucket/run/", func(o *s3files.Options) { o.ReferenceARN = referenceARN }))
	require.NoError(t, err)
	require.ElementsMatch(t, want, got)
	require.Len(t, got, 35)
}
