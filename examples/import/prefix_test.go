package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/biogo/hts/bam"
	"github.com/biogo/hts/bgzf"
	"github.com/biogo/hts/sam"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/readsetimport/readsetimport/internal/gateway"
	"github.com/readsetimport/readsetimport/omicstest"
)

// realBucket returns the real S3 server with a bucket of these files.
func realBucket(t *testing.T, files map[string][]byte) (server *gateway.Server, bucket string) {
	path := gateway.Find()
	if path == "" {
		t.Skip("needs a real S3 server: " + gateway.Install)
	}
	server, err := gateway.Start(path)
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	bucket, err = server.NewBucket()
	require.NoError(t, err)
	client := server.Client()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(16)
	for key, data := range files {
		group.Go(func() error {
			_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: aws.String(key), Body: bytes.NewReader(data)})
			return err
		})
	}
	require.NoError(t, group.Wait())
	return server, bucket
}

func fastq(mate int) string {
	bases := strings.Repeat("ACGTT", 15) + strings.Repeat([]string{"A", "T", "G"}[mate], 5)
	return fmt.Sprintf("@M01:7:FC:1:1101:1000:2000 %d:N:0:ACGT\n%s\n+\n%s\n", mate, bases, strings.Repeat("I", len(bases)))
}

func gzipped(text string) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.Bytes()
}

const bamHeader = "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:1000\tM5:6aef897c3d6ff0c78aff06ac189178dd\n@RG\tID:rg1\tSM:NA12878\n"

func bamFile(t *testing.T, header string) []byte {
	var h sam.Header
	require.NoError(t, h.UnmarshalText([]byte(header)))
	var b bytes.Buffer
	w, err := bam.NewWriter(&b, &h, 1)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// runInBucket runs the program against a real S3 server, in a Region or in that of the server, and returns what it writes and
// how it ends.
func runInBucket(t *testing.T, server *gateway.Server, region string, service *omicstest.Service, args ...string) (output string, code int) {
	t.Helper()
	cmd := program(t, service, append(args, "-progress=none")...)
	cmd.Env = append(cmd.Env, "AWS_ENDPOINT_URL_S3="+server.URL, "AWS_ACCESS_KEY_ID="+gateway.Key, "AWS_SECRET_ACCESS_KEY="+gateway.Key,
		"AWS_REGION="+cmp.Or(region, gateway.Region))
	text, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(text), exit.ExitCode()
	}
	require.NoError(t, err, string(text))
	return string(text), exitImported
}

// fault is what is wrong with a file of the bucket, and how the check calls it.
type fault struct {
	data     []byte
	severity string
	code     string
}

// cutHeader returns a BAM file whose header is shorter than it says.
func cutHeader() []byte {
	var b bytes.Buffer
	w := bgzf.NewWriter(&b, 1)
	_, _ = w.Write(binary.LittleEndian.AppendUint32([]byte("BAM\x01"), 1000))
	_, _ = w.Write([]byte(bamHeader))
	_ = w.Close()
	return b.Bytes()
}

// bucketOf2000 returns files of which all are good, and 40 of them with a fault.
func bucketOf2000(t *testing.T) (files map[string][]byte, faults map[string]fault) {
	first, second := gzipped(fastq(1)), gzipped(fastq(2))
	aligned, unaligned := bamFile(t, bamHeader), bamFile(t, "@HD\tVN:1.6\tSO:unsorted\n@RG\tID:rg1\tSM:NA12878\n")
	fromSamtools := func(name string) []byte {
		data, err := os.ReadFile(filepath.Join("..", "..", "s3files", "testdata", name))
		require.NoError(t, err)
		return data
	}
	cram := fromSamtools("v3.0.cram")
	files = make(map[string][]byte)
	for i := range 500 {
		files[fmt.Sprintf("run/S%03d_S%d_L001_R1_001.fastq.gz", i, i)] = first
		files[fmt.Sprintf("run/S%03d_S%d_L001_R2_001.fastq.gz", i, i)] = second
		files[fmt.Sprintf("single/S%03d.fq.gz", i)] = first
	}
	for i := range 200 {
		files[fmt.Sprintf("bam/%03d/NA12878.bam", i)] = aligned
	}
	for i := range 150 {
		files[fmt.Sprintf("ubam/%03d/NA12878.unmapped.bam", i)] = unaligned
		files[fmt.Sprintf("cram/%03d/NA12878.cram", i)] = cram
	}
	require.Len(t, files, 2000)

	flipped := func(data []byte, at int) []byte {
		data = bytes.Clone(data)
		data[at] ^= 0x55
		return data
	}
	mate2 := func(i int) string { return fmt.Sprintf("run/S%03d_S%d_L001_R2_001.fastq.gz", i, i) }
	single := func(i int) string { return fmt.Sprintf("single/S%03d.fq.gz", i) }
	at := func(form string, i int) string { return fmt.Sprintf(form, i) }
	const bam, ubam, cramKey = "bam/%03d/NA12878.bam", "ubam/%03d/NA12878.unmapped.bam", "cram/%03d/NA12878.cram"
	changed := func(old, new string) []byte { return bamFile(t, strings.ReplaceAll(bamHeader, old, new)) }
	faults = map[string]fault{
		mate2(0): {first, "error", "same-mates"},
		mate2(1): {gzipped(strings.ReplaceAll(fastq(2), ":FC:", ":FD:")), "error", "mate-names"},
		mate2(2): {nil, "error", "empty"},
		mate2(3): {[]byte(fastq(2)), "error", "not-gzip"},
		mate2(4): {aligned, "error", "wrong-type"},

		single(0): {gzipped("\ufeff" + fastq(1)), "error", "byte-order-mark"},
		single(1): {gzipped(strings.ReplaceAll(fastq(1), "\n", "\r\n")), "error", "crlf"},
		single(2): {gzipped("a,b\n"), "error", "not-fastq"},
		single(3): {first[:len(first)-10], "error", "truncated"},
		single(4): {flipped(first, len(first)-6), "error", "damaged"},

		at(bam, 0):     {[]byte("x"), "error", "not-bam"},
		at(bam, 1):     {aligned[:len(aligned)-28], "error", "truncated"},
		at(bam, 2):     {unaligned, "warning", "unaligned"},
		at(bam, 3):     {changed("NA12878", "X"), "warning", "sample-differs"},
		at(bam, 4):     {bamFile(t, bamHeader+"@RG\tID:rg2\tSM:X\n"), "warning", "many-samples"},
		at(bam, 5):     {changed("coordinate", "unsorted"), "warning", "unsorted"},
		at(ubam, 0):    {aligned, "warning", "aligned"},
		at(cramKey, 0): {[]byte("x"), "error", "not-cram"},
		at(cramKey, 1): {cram[:len(cram)-38], "error", "truncated"},
		at(cramKey, 2): {fromSamtools("v3.1.cram"), "warning", "cram-version"},
		at(cramKey, 3): {fromSamtools("no-m5.cram"), "warning", "no-m5"},
		at(bam, 7):     {cutHeader(), "error", "header"},
	}
	kinds := make(map[string]bool)
	for key, f := range faults { // each of them twice, but for those of which there is another like it
		kinds[f.code] = true
		if slices.Contains([]string{at(bam, 1), at(cramKey, 0), at(cramKey, 1), single(3)}, key) {
			continue
		}
		again := strings.NewReplacer("S00", "S10", "_S0_", "_S100_", "_S1_", "_S101_", "_S2_", "_S102_", "_S3_", "_S103_", "_S4_", "_S104_", "/00", "/10").Replace(key)
		faults[again] = f
	}
	require.Len(t, faults, 40)
	require.Len(t, kinds, 20)
	for key, f := range faults {
		require.Contains(t, files, key)
		files[key] = f.data
	}
	return files, faults
}

// Of a bucket of 2,000 files on a real server, of which 40 have a fault, the check names exactly these, and imports the rest.
func TestPrefix(t *testing.T) {
	files, faults := bucketOf2000(t)
	server, bucket := realBucket(t, files)
	prefix := "s3://" + bucket + "/"
	dir := t.TempDir()
	service := omicstest.New()
	start := func(args ...string) (string, int) {
		return runInBucket(t, server, "", service, append([]string{"-prefix", prefix, "-store", "1234567890", "-reference", reference}, args...)...)
	}

	sheet, findings := filepath.Join(dir, "sheet.csv"), filepath.Join(dir, "findings.csv")
	output, code := start("-check", "-findings", findings, "-write", sheet)
	require.Equal(t, exitFailed, code, output)
	require.Empty(t, service.Requests(""), "nothing is sent")
	got := readFindings(t, findings)
	want := make(map[string]fault)
	errorsWanted := 0
	for key, f := range faults {
		f.data = nil
		want[prefix+key] = f
		if f.severity == "error" {
			errorsWanted++
		}
	}
	require.Equal(t, want, got)
	require.Contains(t, output, fmt.Sprintf("read sets 1500, without an error %d; errors %d, warnings %d\n", 1500-errorsWanted, errorsWanted, 40-errorsWanted))
	require.Less(t, strings.Index(output, "\nerror"), strings.Index(output, "\nwarning"))

	output, code = start("-check=warn", "-results", filepath.Join(dir, "results.csv"))
	require.Equal(t, exitFailed, code, "what was left out was not imported")
	require.Contains(t, output, fmt.Sprintf("%d of %d read sets are in the store\n", 1500-errorsWanted, 1500-errorsWanted))
	sets := service.ReadSets("1234567890")
	require.Len(t, sets, 1500-errorsWanted)
	for _, set := range sets {
		for _, uri := range []string{set.Source1, set.Source2} {
			require.NotEqual(t, "error", want[uri].severity, uri)
		}
	}

	// What was written as a sheet is the same import.
	cmd := program(t, nil, "-sheet", sheet, "-dry-run", "-progress=none")
	text, err := cmd.CombinedOutput()
	require.NoError(t, err, string(text))
	require.Contains(t, string(text), "jobs 15, read sets 1500\n")
}

func readFindings(t *testing.T, path string) map[string]fault {
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"severity", "code", "file", "detail"}, rows[0])
	got := make(map[string]fault)
	for _, row := range rows[1:] {
		require.NotContains(t, got, row[2])
		require.NotEmpty(t, row[3])
		require.NotContains(t, row[3], "NA12878", "no ids of samples")
		got[row[2]] = fault{severity: row[0], code: row[1]}
	}
	return got
}

// Without a mate, a second mate is a finding of the check, and the end without one.
func TestPrefixWithoutMate(t *testing.T) {
	server, bucket := realBucket(t, map[string][]byte{
		"a/S1_R1.fastq.gz": gzipped(fastq(1)), "a/S1_R2.fastq.gz": gzipped(fastq(2)), "a/S2_R2.fastq.gz": gzipped(fastq(2)), "a/S1.md5": []byte("x"),
		"a/S3.fastq.gz.gpg": []byte("x"), "a/S4.tar": []byte("x"),
	})
	for args, want := range map[string]struct {
		code int
		text string
	}{
		"":            {exitInvalid, "1 file cannot be imported"},
		"-check":      {exitFailed, "no-source"},
		"-check=warn": {exitFailed, "1 of 1 read sets are in the store"},
		"-pattern=(?P<subject>[a-z])/(?P<sample>S[0-9]) -check=warn": {exitFailed, "left out: checksum 1, invalid 1, unknown 2\nneither reads nor anything that goes with them: 2, the first is s3://" + bucket + "/a/S3.fastq.gz.gpg\n"},
	} {
		output, code := runInBucket(t, server, "", nil, append([]string{"-prefix", "s3://" + bucket}, strings.Fields(args)...)...)
		require.Equal(t, want.code, code, "%s: %s", args, output)
		require.Contains(t, output, want.text, args)
	}
}
