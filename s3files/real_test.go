package s3files_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/readsetimport/readsetimport/s3files"
)

// upload puts objects into a bucket of the real server.
func upload(tb testing.TB, client *s3.Client, bucket string, files map[string][]byte) {
	g, ctx := errgroup.WithContext(tb.Context())
	g.SetLimit(16)
	for key, data := range files {
		g.Go(func() error {
			_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: aws.String(key), Body: bytes.NewReader(data)})
			return err
		})
	}
	require.NoError(tb, g.Wait())
}

// checkPrefix finds and checks what is under a prefix, and returns the number of sources and the problems by file.
func checkPrefix(t *testing.T, api s3files.API, uri string, optFns ...func(*s3files.Options)) (count int, problems map[string][]s3files.Code) {
	problems = make(map[string][]s3files.Code)
	sources := s3files.Sources(t.Context(), api, uri, append(optFns, func(o *s3files.Options) { o.ReferenceARN = referenceARN })...)
	for checked, err := range s3files.Check(t.Context(), api, sources, func(o *s3files.CheckOptions) { o.Region = "us-east-1" }) {
		require.NoError(t, err)
		for _, p := range checked.Problems {
			key := strings.TrimPrefix(p.File, uri)
			problems[key] = append(problems[key], p.Code)
		}
		count++
	}
	return count, problems
}

// TestRealBucket finds and checks a bucket of 450 read sets on a real server, with faults of every kind that it can
// hold, and finds exactly these.
func TestRealBucket(t *testing.T) {
	client, bucket, _ := realBucket(t)
	first, second := gzipped(reads(5, 1)), gzipped(reads(5, 2))
	aligned, unaligned, cram := bamFile(t, header, 5), bamFile(t, unalignedHeader, 5), cramFile(t, "3.0")
	// Samples are called NA12878 in the headers, so their files are in folders of their own.
	files := map[string][]byte{"run/report.html": []byte("x"), "run/": nil, "run/Undetermined_S0_L001_R1_001.fastq.gz": first}
	for i := range 150 {
		files[fmt.Sprintf("run/S%03d_S%d_L001_R1_001.fastq.gz", i, i)] = first
		files[fmt.Sprintf("run/S%03d_S%d_L001_R2_001.fastq.gz", i, i)] = second
		files[fmt.Sprintf("single/S%03d.fq.gz", i)] = first
	}
	for i := range 50 {
		files[fmt.Sprintf("bam/%03d/NA12878.bam", i)], files[fmt.Sprintf("bam/%03d/NA12878.bam.bai", i)] = aligned, []byte("BAI\x01")
		files[fmt.Sprintf("ubam/%03d/NA12878.unmapped.bam", i)] = unaligned
		files[fmt.Sprintf("cram/%03d/NA12878.cram", i)] = cram
	}
	faults := map[string]struct {
		data []byte
		want s3files.Code
	}{
		"run/S000_S0_L001_R2_001.fastq.gz": {first, s3files.CodeSameMates},
		"run/S001_S1_L001_R2_001.fastq.gz": {gzipped(strings.ReplaceAll(reads(5, 2), ":FC:", ":FD:")), s3files.CodeMateNames},
		"run/S002_S2_L001_R2_001.fastq.gz": {nil, s3files.CodeEmpty},
		"run/S003_S3_L001_R1_001.fastq.gz": {[]byte(reads(5, 1)), s3files.CodeNotGzip},
		"single/S000.fq.gz":                {aligned, s3files.CodeWrongType},
		"single/S001.fq.gz":                {gzipped("\ufeff" + reads(5, 1)), s3files.CodeByteOrderMark},
		"single/S002.fq.gz":                {gzipped(strings.ReplaceAll(reads(5, 1), "\n", "\r\n")), s3files.CodeCRLF},
		"single/S003.fq.gz":                {gzipped("a,b\n"), s3files.CodeNotFASTQ},
		"single/S004.fq.gz":                {first[:len(first)-10], s3files.CodeTruncated},
		"single/S005.fq.gz":                {flipped(first, len(first)-6), s3files.CodeDamaged},
		"bam/000/NA12878.bam":              {[]byte("x"), s3files.CodeNotBAM},
		"bam/001/NA12878.bam":              {aligned[:len(aligned)-28], s3files.CodeTruncated},
		"bam/002/NA12878.bam":              {rawBAM(header, 1000, 2), s3files.CodeHeader},
		"bam/003/NA12878.bam":              {unaligned, s3files.CodeUnaligned},
		"bam/004/NA12878.bam":              {bamFile(t, strings.ReplaceAll(header, "NA12878", "X"), 1), s3files.CodeSampleDiffers},
		"bam/005/NA12878.bam":              {bamFile(t, strings.Replace(header, "NA12878", "X", 1), 1), s3files.CodeManySamples},
		"bam/006/NA12878.bam":              {bamFile(t, strings.Replace(header, "coordinate", "unsorted", 1), 1), s3files.CodeUnsorted},
		"bam/007/NA12878.bam":              {long(aligned, 0), s3files.CodeTruncated},
		"ubam/000/NA12878.unmapped.bam":    {aligned, s3files.CodeAligned},
		"cram/000/NA12878.cram":            {[]byte("x"), s3files.CodeNotCRAM},
		"cram/001/NA12878.cram":            {cram[:len(cram)-38], s3files.CodeTruncated},
		"cram/002/NA12878.cram":            {cramFile(t, "3.1"), s3files.CodeCRAMVersion},
		"cram/003/NA12878.cram":            {cramWith(t, strings.ReplaceAll(header, "M5:", "XX:"), true), s3files.CodeNoM5},
		"cram/004/NA12878.cram":            {flipped(cram, 60), s3files.CodeDamaged},
		"cram/005/NA12878.cram":            {aligned, s3files.CodeWrongType},
	}
	want := make(map[string][]s3files.Code)
	for key, fault := range faults {
		files[key] = fault.data
		want[key] = []s3files.Code{fault.want}
	}
	upload(t, client, bucket, files)

	skipped := make(map[s3files.SkipReason]int)
	count, problems := checkPrefix(t, client, "s3://"+bucket+"/", func(o *s3files.Options) {
		o.OnSkip = func(s s3files.Skipped) { skipped[s.Reason]++ }
	})
	require.Equal(t, 150+150+50+50+50, count)
	require.Equal(t, want, problems)
	require.Equal(t, map[s3files.SkipReason]int{
		s3files.SkipReport: 1, s3files.SkipFolder: 1, s3files.SkipUndetermined: 1, s3files.SkipIndex: 50,
	}, skipped)
}

// TestRealObjects is about objects and buckets that are not there, and names that are hard to encode.
func TestRealObjects(t *testing.T) {
	client, bucket, _ := realBucket(t)
	names := []string{"a b+c%20&d=é/x y_1.fq.gz", "a b+c%20&d=é/x y_2.fq.gz", "b-1.fq.gz", "b/1.fq.gz", "b1.fq.gz"}
	files := make(map[string][]byte)
	for i, name := range names {
		files[name] = gzipped(reads(2, 1))
		if i == 1 {
			files[name] = gzipped(reads(2, 2))
		}
	}
	upload(t, client, bucket, files)
	require.ElementsMatch(t, names, listed(t, client, "s3://"+bucket))
	require.Equal(t, names[:2], listed(t, client, "s3://"+bucket+"/a b+"))
	count, problems := checkPrefix(t, client, "s3://"+bucket+"/")
	require.Equal(t, 4, count)
	require.Empty(t, problems)

	s := sourceOf(types.FileTypeFastq, "x")
	s.Source1 = "s3://" + bucket + "/none"
	got, _ := checkOne(t, client, s)
	require.Equal(t, []found{isError(s3files.CodeNoObject, s.Source1)}, got)
	s.Source1 = "s3://no-such-bucket-here/none"
	got, _ = checkOne(t, client, s)
	require.Equal(t, []found{isError(s3files.CodeNoBucket, s.Source1)}, got)
	for _, err := range s3files.List(t.Context(), client, "s3://no-such-bucket-here") {
		require.ErrorContains(t, err, "no such bucket")
	}
}

// replacing is a client that replaces an object after each HEAD request.
type replacing struct {
	*s3.Client
	replace func()
}

func (r replacing) HeadObject(ctx context.Context, in *s3.HeadObjectInput, optFns ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	out, err := r.Client.HeadObject(ctx, in, optFns...)
	r.replace()
	return out, err
}

func TestRealChanged(t *testing.T) {
	client, bucket, _ := realBucket(t)
	upload(t, client, bucket, map[string][]byte{"f.fq.gz": gzipped(reads(3, 1))})
	s := sourceOf(types.FileTypeFastq, "x")
	s.Source1 = "s3://" + bucket + "/f.fq.gz"
	got, _ := checkOne(t, client, s)
	require.Empty(t, got)
	var once sync.Once
	got, _ = checkOne(t, replacing{client, func() {
		once.Do(func() { upload(t, client, bucket, map[string][]byte{"f.fq.gz": gzipped(reads(4, 1))}) })
	}}, s)
	require.Equal(t, []found{isError(s3files.CodeChanged, s.Source1)}, got)
}

// TestSamtools checks files that samtools writes here and now: large headers, and every format of CRAM that it knows.
func TestSamtools(t *testing.T) {
	samtools, err := exec.LookPath("samtools")
	if err != nil {
		t.Skip("needs samtools: apt-get install samtools")
	}
	folder := t.TempDir()
	var text strings.Builder
	text.WriteString("@HD\tVN:1.6\tSO:coordinate\n")
	for i := range 4000 {
		fmt.Fprintf(&text, "@SQ\tSN:chrUn_%05d\tLN:%d\tM5:%032x\tUR:ref.fa\n", i, 1000+i, i*7919*65537)
	}
	text.WriteString("@RG\tID:1\tSM:NA12878\n")
	small := strings.ReplaceAll(header, "\n@RG\tID:rg2", "\n@RG\tID:rg3")
	for i := range 50 {
		fmt.Fprintf(&text, "r%d\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII\n", i)
		small += fmt.Sprintf("r%d\t4\t*\t0\t0\t*\t*\t0\t0\tACGT\tIIII\n", i)
	}
	for _, input := range []string{text.String(), small} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "in.sam"), []byte(input), 0o600))
		for _, test := range []struct {
			fileType types.FileType
			format   string
			want     []found
		}{
			{types.FileTypeBam, "bam", nil},
			{types.FileTypeUbam, "bam", []found{isWarning(s3files.CodeAligned, "f")}},
			{types.FileTypeBam, "bam,level=0", nil},
			{types.FileTypeCram, "cram,version=3.0,no_ref=1", nil},
			{types.FileTypeCram, "cram,version=3.0,level=9,use_bzip2=1,use_lzma=1,no_ref=1", nil},
			{types.FileTypeCram, "cram,version=3.1,no_ref=1", []found{isWarning(s3files.CodeCRAMVersion, "f")}},
			{types.FileTypeCram, "cram,version=3.1,archive=1,level=9,no_ref=1", []found{isWarning(s3files.CodeCRAMVersion, "f")}},
			{types.FileTypeCram, "cram,version=2.1,no_ref=1", []found{isWarning(s3files.CodeCRAMVersion, "f")}},
			{types.FileTypeBam, "cram,version=3.0,no_ref=1", []found{isError(s3files.CodeWrongType, "f")}},
			{types.FileTypeCram, "bam", []found{isError(s3files.CodeWrongType, "f")}},
		} {
			output := filepath.Join(folder, "out")
			command := exec.Command(samtools, "view", "--output-fmt", test.format, "-o", output, filepath.Join(folder, "in.sam"))
			said, err := command.CombinedOutput()
			require.NoError(t, err, string(said))
			data, err := os.ReadFile(output)
			require.NoError(t, err)
			got, _ := checkOne(t, inBucket(objects{"f": {data: data}}).client(), sourceOf(test.fileType, "f"))
			require.Equal(t, test.want, got, test.format)
			got, _ = checkOne(t, inBucket(objects{"f": {data: data[:len(data)-1]}}).client(), sourceOf(test.fileType, "f"))
			if test.want == nil {
				require.Equal(t, []found{isError(s3files.CodeTruncated, "f")}, got, test.format)
			}
		}
	}
}
