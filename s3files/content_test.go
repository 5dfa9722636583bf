package s3files_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/s3files"
)

func itoa(n int) string { return strconv.Itoa(n) }

// flipped returns data with one byte changed.
func flipped(data []byte, at int) []byte {
	data = bytes.Clone(data)
	data[at] ^= 0x55
	return data
}

// long returns data with something before its last n bytes, so that it is longer than its head.
func long(data []byte, n int) []byte {
	return append(bytes.Clone(data[:len(data)-n]), append(make([]byte, 1<<17), data[len(data)-n:]...)...)
}

func without(data []byte, n int) []byte { return data[:len(data)-n] }

// TestCheckFASTQ is about what is in FASTQ files.
func TestCheckFASTQ(t *testing.T) {
	three := reads(3, 1)
	const longRead = 200_000
	for name, test := range map[string]struct {
		data []byte
		want []found
	}{
		"gzip":                        {gzipped(three), nil},
		"BGZF":                        {blocked(three), nil},
		"several members":             {append(gzipped(reads(2, 1)), gzipped(reads(2, 1))...), nil},
		"no newline at the end":       {gzipped(strings.TrimSuffix(three, "\n")), nil},
		"blank lines at the end":      {gzipped(three + "\n\n"), nil},
		"empty sequence":              {gzipped("@r\n\n+\n\n" + three), nil},
		"name after +":                {gzipped("@r\nAC.N-*\n+r\n!~II#,\n"), nil},
		"more than the head":          {gzipped(strings.Repeat(reads(2000, 1), 20)), nil},
		"more than is looked at":      {gzipped(strings.Repeat(reads(1000, 1), 2)), nil},
		"a read longer than the head": {gzipped("@r\n" + strings.Repeat("A", longRead) + "\n+\n" + strings.Repeat("I", longRead) + "\n"), nil},

		"second mate, alone":          {gzipped(reads(3, 2)), []found{isWarning(s3files.CodeMateNames, "f")}},
		"second mate by /2, alone":    {gzipped("@r/2\nA\n+\nI\n"), []found{isWarning(s3files.CodeMateNames, "f")}},
		"not compressed":              {[]byte(three), []found{isError(s3files.CodeNotGzip, "f")}},
		"bzip2":                       {[]byte("BZh91AY&SY"), []found{isError(s3files.CodeNotGzip, "f")}},
		"one byte":                    {[]byte("\x1f"), []found{isError(s3files.CodeNotGzip, "f")}},
		"BAM":                         {bamFile(t, header, 3), []found{isError(s3files.CodeWrongType, "f")}},
		"CRAM":                        {cramFile(t, "3.0"), []found{isError(s3files.CodeWrongType, "f")}},
		"SAM":                         {gzipped(header), []found{isError(s3files.CodeWrongType, "f")}},
		"SAM that is not compressed":  {[]byte(header), []found{isError(s3files.CodeWrongType, "f")}},
		"FASTA":                       {gzipped(">chr1\nACGT\n"), []found{isError(s3files.CodeNotFASTQ, "f")}},
		"text":                        {gzipped("sample,fastq_1\n"), []found{isError(s3files.CodeNotFASTQ, "f")}},
		"no reads":                    {gzipped(""), []found{isError(s3files.CodeEmpty, "f")}},
		"no reads in BGZF":            {blocked(""), []found{isError(s3files.CodeEmpty, "f")}},
		"name without anything":       {gzipped("@\nA\n+\nI\n"), []found{isError(s3files.CodeNotFASTQ, "f")}},
		"sequence of two lines":       {gzipped("@r\nACGT\nACGT\n+\nIIII\nIIII\n"), []found{isError(s3files.CodeNotFASTQ, "f")}},
		"qualities too short":         {gzipped(three + "@r\nACGT\n+\nIII\n"), []found{isError(s3files.CodeNotFASTQ, "f")}},
		"qualities too long":          {gzipped(three + "@r\nACGT\n+\nIIIII\n"), []found{isError(s3files.CodeNotFASTQ, "f")}},
		"qualities with a blank":      {gzipped(three + "@r\nACGT\n+\nII I\n"), []found{isError(s3files.CodeNotFASTQ, "f")}},
		"sequence with digits":        {gzipped(three + "@r\nAC1T\n+\nIIII\n"), []found{isError(s3files.CodeNotFASTQ, "f")}},
		"ends within a read":          {gzipped(three + "@r\nACGT\n+\n"), []found{isError(s3files.CodeNotFASTQ, "f")}},
		"byte order mark":             {gzipped("\ufeff" + three), []found{isError(s3files.CodeByteOrderMark, "f")}},
		"UTF-16":                      {gzipped("\xff\xfe@\x00"), []found{isError(s3files.CodeByteOrderMark, "f")}},
		"CRLF":                        {gzipped(strings.ReplaceAll(three, "\n", "\r\n")), []found{isError(s3files.CodeCRLF, "f")}},
		"byte order mark and CRLF":    {gzipped("\ufeff" + strings.ReplaceAll(three, "\n", "\r\n")), []found{isError(s3files.CodeByteOrderMark, "f"), isError(s3files.CodeCRLF, "f")}},
		"cut off":                     {without(gzipped(three), 12), []found{isError(s3files.CodeTruncated, "f")}},
		"cut off after much text":     {without(gzipped(strings.Repeat(reads(1000, 1), 2)), 12), []found{isError(s3files.CodeTruncated, "f")}},
		"cut off in the header":       {gzipped(three)[:5], []found{isError(s3files.CodeTruncated, "f")}},
		"BGZF without its end marker": {without(blocked(three), 28), []found{isWarning(s3files.CodeTruncated, "f")}},
		"damaged":                     {flipped(gzipped(three), len(gzipped(three))-7), []found{isError(s3files.CodeDamaged, "f")}},
		"something after it":          {append(gzipped(three), "something else"...), []found{isWarning(s3files.CodeDamaged, "f")}},
		"something after much text":   {append(gzipped(strings.Repeat(reads(1000, 1), 2)), "something else"...), []found{isWarning(s3files.CodeDamaged, "f")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := checkOne(t, inBucket(objects{"f": {data: test.data}}).client(), sourceOf(types.FileTypeFastq, "f"))
			require.Equal(t, test.want, got)
		})
	}
}

// TestCheckMates is about pairs.
func TestCheckMates(t *testing.T) {
	named := func(names ...string) []byte {
		var b strings.Builder
		for i, name := range names {
			fmt.Fprintf(&b, "@%s\n%s\n+\n%s\n", name, strings.Repeat("ACGT"[i%4:i%4+1], 30), strings.Repeat("I", 30))
		}
		return gzipped(b.String())
	}
	other := func(name string) []byte { return gzipped("@" + name + "\nTTTT\n+\nIIII\n") }
	for name, test := range map[string]struct {
		first, second []byte
		want          []found
	}{
		"Illumina":                  {gzipped(reads(3, 1)), gzipped(reads(3, 2)), nil},
		"names alike":               {named("r1"), other("r1"), nil},
		"with /1 and /2":            {named("r/1"), other("r/2"), nil},
		"with _1 and _2":            {named("r_1"), other("r_2"), nil},
		"of fastq-dump -I":          {named("SRR1.1.1"), other("SRR1.1.2"), nil},
		"with descriptions":         {named("SRR1.1 1 length=30"), other("SRR1.1 2 length=4"), nil},
		"different names":           {named("r1"), other("r2"), []found{isError(s3files.CodeMateNames, "2")}},
		"different reads of a run":  {named("SRR1.1"), other("SRR1.2"), []found{isError(s3files.CodeMateNames, "2")}},
		"two first mates":           {gzipped(reads(3, 1)), gzipped(strings.ReplaceAll(reads(3, 1), "ACGT", "CCGT")), []found{isError(s3files.CodeMateNames, "2")}},
		"two second mates, by /2":   {named("r/2"), other("r/2"), []found{isError(s3files.CodeMateNames, "2")}},
		"exchanged":                 {gzipped(reads(3, 2)), gzipped(reads(3, 1)), []found{isError(s3files.CodeMateNames, "2")}},
		"exchanged, by /2 and /1":   {named("r/2"), other("r/1"), []found{isError(s3files.CodeMateNames, "2")}},
		"same content":              {gzipped(reads(3, 1)), gzipped(reads(3, 1)), []found{isError(s3files.CodeSameMates, "2")}},
		"same content, packed anew": {gzipped(reads(3, 1)), blocked(reads(3, 1)), []found{isError(s3files.CodeSameMates, "2")}},
		"same content, if long":     {gzipped(strings.Repeat(reads(2000, 1), 20)), blocked(strings.Repeat(reads(2000, 1), 20)), []found{isError(s3files.CodeSameMates, "2")}},
		"problems of both, each its own": {
			[]byte("x"), []byte("y"),
			[]found{isError(s3files.CodeNotGzip, "1"), isError(s3files.CodeNotGzip, "2")},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := inBucket(objects{"1": {data: test.first}, "2": {data: test.second}})
			got, checked := checkOne(t, fake.client(), sourceOf(types.FileTypeFastq, "1", "2"))
			require.Equal(t, test.want, got)
			require.EqualValues(t, len(test.first)+len(test.second), checked.Bytes)
		})
	}

	t.Run("same object", func(t *testing.T) {
		fake := inBucket(objects{"1": {data: gzipped(reads(3, 1))}})
		got, _ := checkOne(t, fake.client(), sourceOf(types.FileTypeFastq, "1", "1"))
		require.Equal(t, []found{isError(s3files.CodeSameMates, "1")}, got)
		got, _ = checkOne(t, fake.client(), sourceOf(types.FileTypeFastq, "missing", "missing"))
		require.Equal(t, []found{isError(s3files.CodeNoObject, "missing"), isError(s3files.CodeSameMates, "missing")}, got)
	})
	t.Run("same content, by ETag", func(t *testing.T) {
		data := bytes.Repeat([]byte{0x1f}, 10)
		fake := inBucket(objects{"1": {data: data}, "2": {data: data}})
		got, _ := checkOne(t, fake.client(), sourceOf(types.FileTypeFastq, "1", "2"))
		require.Contains(t, got, isError(s3files.CodeSameMates, "2"))
	})
}

// TestCheckBAM is about BAM files, aligned and not.
func TestCheckBAM(t *testing.T) {
	good := bamFile(t, header, 5)
	unaligned := bamFile(t, unalignedHeader, 5)
	many := bamFile(t, header, 5000)
	require.Less(t, len(many), 65536)
	lines := strings.SplitAfter(header, "\n")
	bomb := blocked("BAM\x01\x00\x00\x00\x0f" + strings.Repeat("\n", 3<<20)) // says 240 MiB of text
	for name, test := range map[string]struct {
		fileType types.FileType
		data     []byte
		want     []found
	}{
		"aligned":                 {types.FileTypeBam, good, nil},
		"unaligned":               {types.FileTypeUbam, unaligned, nil},
		"longer than its head":    {types.FileTypeBam, long(good, 28), nil},
		"padded header":           {types.FileTypeBam, rawBAM(header+"\x00\x00\x00", int32(len(header)+3), 2), nil},
		"no newline at the end":   {types.FileTypeBam, rawBAM(strings.TrimSuffix(header, "\n"), int32(len(header)-1), 2), nil},
		"given as unaligned":      {types.FileTypeUbam, good, []found{isWarning(s3files.CodeAligned, "f")}},
		"given as aligned":        {types.FileTypeBam, unaligned, []found{isWarning(s3files.CodeUnaligned, "f")}},
		"references without text": {types.FileTypeUbam, rawBAM(unalignedHeader, int32(len(unalignedHeader)), 3), []found{isWarning(s3files.CodeAligned, "f")}},

		"no magic":              {types.FileTypeBam, blocked("BAI\x01" + header), []found{isError(s3files.CodeNotBAM, "f")}},
		"text":                  {types.FileTypeBam, []byte("hello"), []found{isError(s3files.CodeNotBAM, "f")}},
		"gzip that is not BGZF": {types.FileTypeBam, gzipped("BAM\x01\x00\x00\x00\x00\x00\x00\x00\x00"), []found{isError(s3files.CodeNotBAM, "f")}},
		"CRAM":                  {types.FileTypeBam, cramFile(t, "3.0"), []found{isError(s3files.CodeWrongType, "f")}},
		"SAM":                   {types.FileTypeBam, []byte(header), []found{isError(s3files.CodeWrongType, "f")}},
		"FASTQ":                 {types.FileTypeUbam, gzipped(reads(3, 1)), []found{isError(s3files.CodeWrongType, "f")}},

		"no end marker":                  {types.FileTypeBam, without(good, 28), []found{isError(s3files.CodeTruncated, "f")}},
		"no end marker, if long":         {types.FileTypeBam, long(good, 0), []found{isError(s3files.CodeTruncated, "f")}},
		"cut off within a block":         {types.FileTypeBam, without(good, 40), []found{isError(s3files.CodeTruncated, "f")}},
		"cut off within the header":      {types.FileTypeBam, good[:60], []found{isError(s3files.CodeTruncated, "f")}},
		"cut off between blocks":         {types.FileTypeBam, cutBAM(t), []found{isError(s3files.CodeTruncated, "f"), isError(s3files.CodeHeader, "f")}},
		"damaged header":                 {types.FileTypeBam, flipped(good, 100), []found{isError(s3files.CodeDamaged, "f")}},
		"header longer than the file":    {types.FileTypeBam, rawBAM(header, 1000, 2), []found{isError(s3files.CodeHeader, "f")}},
		"no header":                      {types.FileTypeBam, rawBAM("", 0, 0), []found{isError(s3files.CodeHeader, "f"), isWarning(s3files.CodeUnaligned, "f")}},
		"header of negative length":      {types.FileTypeBam, rawBAM(header, -1, 2), []found{isError(s3files.CodeHeader, "f")}},
		"header of 2 GiB in a long file": {types.FileTypeBam, long(rawBAM(header, 1<<31-1, 2), 28), []found{isError(s3files.CodeHeader, "f")}},
		"damaged after the header": {
			types.FileTypeBam, flipped(many, len(many)-28-6),
			[]found{isError(s3files.CodeDamaged, "f")},
		},
		"something between its blocks":     {types.FileTypeBam, slices.Concat(without(good, 28), make([]byte, 100), good[len(good)-28:]), []found{isError(s3files.CodeDamaged, "f")}},
		"header of 2 GiB":                  {types.FileTypeBam, rawBAM(header, 1<<31-1, 2), []found{isError(s3files.CodeHeader, "f")}},
		"bomb":                             {types.FileTypeBam, bomb, nil},
		"other sample":                     {types.FileTypeBam, bamFile(t, strings.ReplaceAll(header, "NA12878", "NA12891"), 5), []found{isWarning(s3files.CodeSampleDiffers, "f")}},
		"two samples":                      {types.FileTypeBam, bamFile(t, strings.Replace(header, "NA12878", "NA12891", 1), 5), []found{isWarning(s3files.CodeManySamples, "f")}},
		"no sample":                        {types.FileTypeBam, bamFile(t, strings.ReplaceAll(header, "\tSM:NA12878", ""), 5), nil},
		"other sample, behind 300 of them": {types.FileTypeBam, rawHeader(header + strings.Repeat("@RG\tID:x\tSM:NA12878\n", 300) + "@RG\tID:y\tSM:NA12891\n"), []found{isWarning(s3files.CodeManySamples, "f")}},
		"read group without an id":         {types.FileTypeBam, rawHeader(header + "@RG\tSM:NA12878\n"), []found{isWarning(s3files.CodeHeader, "f")}},
		"read group without a tab":         {types.FileTypeBam, rawHeader(header + "@RGID:x\tID:x\n"), []found{isWarning(s3files.CodeHeader, "f")}},
		"version after the order":          {types.FileTypeBam, rawHeader(strings.Replace(header, "VN:1.6\tSO:coordinate", "SO:coordinate\tSS:coordinate:queryname\tVN:1.6", 1)), nil},
		"second line of a version":         {types.FileTypeBam, rawHeader(header + lines[0]), []found{isWarning(s3files.CodeHeader, "f")}},
		"sorted by name":                   {types.FileTypeBam, bamFile(t, strings.Replace(header, "coordinate", "queryname", 1), 5), []found{isWarning(s3files.CodeUnsorted, "f")}},
		"no word on sorting":               {types.FileTypeBam, bamFile(t, strings.Join(lines[1:], ""), 5), []found{isWarning(s3files.CodeUnsorted, "f")}},
		"malformed line":                   {types.FileTypeBam, rawHeader(header + "@RG\tID:x\tSM\n"), []found{isWarning(s3files.CodeHeader, "f")}},
		"line that is none":                {types.FileTypeBam, rawHeader(header + "x\n"), []found{isWarning(s3files.CodeHeader, "f")}},
		"read group of a huge length":      {types.FileTypeBam, rawHeader(header + "@RG\tID:x\tDS:" + strings.Repeat("x", 1<<17) + "\tSM:y\n"), []found{isWarning(s3files.CodeHeader, "f")}},
		"comment of a huge length":         {types.FileTypeBam, rawHeader(header + "@CO\t" + strings.Repeat("x", 1<<17) + "\n@CO\n"), nil},
		"header longer than is looked":     {types.FileTypeBam, rawHeader(header + strings.Repeat("@CO\tabcdefgh\n", 100_000) + "@RG\tID:x\tSM:y\n"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := checkOne(t, inBucket(objects{"f": {data: test.data}}).client(), sourceOf(test.fileType, "f"))
			require.Equal(t, test.want, got)
		})
	}
}

// TestCheckReadGroups shows that the sample of a read group is found whatever else the group says, as platforms and programs do.
func TestCheckReadGroups(t *testing.T) {
	for _, field := range []string{
		"PL:ONT", "PL:illumina", "PL:DNBSEQ", "PL:ELEMENT", "PL:ULTIMA", "DT:Wed Aug 24", "DT:2020-01-01T10:00:00+01:00", "PI:300.5", "LB:", "SM:", "CN:é", "xy:z",
	} {
		text := header + "@RG\tID:x\t" + field + "\tSM:NA12878\n"
		got, _ := checkOne(t, inBucket(objects{"f": {data: rawHeader(text)}}).client(), sourceOf(types.FileTypeBam, "f"))
		require.Empty(t, got, field)
		got, _ = checkOne(t, inBucket(objects{"f": {data: rawHeader(text + "@RG\tID:y\t" + field + "\tSM:NA12891\n")}}).client(), sourceOf(types.FileTypeBam, "f"))
		require.Equal(t, []found{isWarning(s3files.CodeManySamples, "f")}, got, field)
	}
}

// cutBAM returns a BAM file that ends after the first block of its header.
func cutBAM(t *testing.T) []byte {
	data := bamFile(t, header+strings.Repeat("@CO\tabcdefgh\n", 10_000), 1)
	size := int(data[16]) | int(data[17])<<8 + 1
	return data[:size]
}

// rawHeader returns a BAM file with a header that the library would not write.
func rawHeader(text string) []byte { return rawBAM(text, int32(len(text)), 2) }

// TestCheckCRAM is about CRAM files: those of samtools in testdata, and such as it would not write.
func TestCheckCRAM(t *testing.T) {
	good := cramFile(t, "3.0")
	for name, test := range map[string]struct {
		data []byte
		want []found
	}{
		"version 3.0":               {good, nil},
		"longer than its head":      {long(good, 38), nil},
		"header as it is":           {cramWith(t, header, false), nil},
		"compressed header":         {cramWith(t, header, true), nil},
		"header beyond the head":    {long(cramWith(t, header+strings.Repeat("@CO\tabcdefgh\n", 10_000), false), 38), nil},
		"version 3.1":               {cramFile(t, "3.1"), []found{isWarning(s3files.CodeCRAMVersion, "f")}},
		"version 2.1":               {cramFile(t, "2.1"), []found{isWarning(s3files.CodeCRAMVersion, "f")}},
		"version 4.0":               {append([]byte("CRAM\x04\x00"), good[6:]...), []found{isError(s3files.CodeCRAMVersion, "f")}},
		"no magic":                  {[]byte("MARC\x03\x00"), []found{isError(s3files.CodeNotCRAM, "f")}},
		"BAM":                       {bamFile(t, header, 2), []found{isError(s3files.CodeWrongType, "f")}},
		"SAM":                       {[]byte(header), []found{isError(s3files.CodeWrongType, "f")}},
		"FASTQ":                     {gzipped(reads(1, 1)), []found{isError(s3files.CodeWrongType, "f")}},
		"no end marker":             {without(good, 38), []found{isError(s3files.CodeTruncated, "f")}},
		"no end marker, if long":    {long(good, 0), []found{isError(s3files.CodeTruncated, "f")}},
		"no end marker in 2.1":      {without(cramFile(t, "2.1"), 30), []found{isWarning(s3files.CodeCRAMVersion, "f"), isError(s3files.CodeTruncated, "f")}},
		"cut off in its header":     {good[:30], []found{isError(s3files.CodeTruncated, "f"), isError(s3files.CodeHeader, "f")}},
		"damaged container":         {flipped(good, 40), []found{isError(s3files.CodeDamaged, "f")}},
		"damaged block":             {flipped(good, 100), []found{isError(s3files.CodeDamaged, "f")}},
		"no header":                 {cramWith(t, "", false), []found{isError(s3files.CodeHeader, "f"), isWarning(s3files.CodeUnaligned, "f")}},
		"header longer than said":   {append(cramHeader(0, 0, append([]byte{0xff, 0x7f, 0, 0}, header...), len(header)+4), cramEnd(t)...), []found{isError(s3files.CodeHeader, "f")}},
		"header without its length": {append(cramHeader(0, 0, nil, 0), cramEnd(t)...), []found{isError(s3files.CodeHeader, "f")}},
		"header of negative length": {append(cramHeader(0, 0, []byte("\xff\xff\xff\xff@HD"), 8), cramEnd(t)...), []found{isError(s3files.CodeHeader, "f")}},
		"text longer than its block, if the file is longer": {
			long(append(cramHeader(0, 0, append([]byte{0xff, 0x7f, 0, 0}, header...), len(header)+4), cramEnd(t)...), 38),
			[]found{isError(s3files.CodeHeader, "f")},
		},
		"no length, if the file is longer": {
			long(append(cramHeader(0, 0, nil, 0), cramEnd(t)...), 38),
			[]found{isError(s3files.CodeHeader, "f")},
		},
		"damaged text":          {flipped(cramWith(t, header, false), 150), []found{isError(s3files.CodeDamaged, "f")}},
		"block of another kind": {append(cramHeader(0, 1, []byte(header), len(header)), cramEnd(t)...), []found{isError(s3files.CodeHeader, "f")}},
		"unaligned":             {cramWith(t, unalignedHeader, false), []found{isWarning(s3files.CodeUnaligned, "f")}},
		"no M5":                 {cramWith(t, strings.ReplaceAll(header, "M5:", "XX:"), false), []found{isWarning(s3files.CodeNoM5, "f")}},
		"other sample":          {cramWith(t, strings.ReplaceAll(header, "NA12878", "NA12891"), false), []found{isWarning(s3files.CodeSampleDiffers, "f")}},
		"not sorted":            {cramWith(t, strings.ReplaceAll(header, "coordinate", "unsorted"), false), []found{isWarning(s3files.CodeUnsorted, "f")}},
		"unknown compression":   {append(cramHeader(4, 0, []byte("abcdefgh"), 8), cramEnd(t)...), []found{isWarning(s3files.CodeUnchecked, "f")}},
		"header of 2 GiB":       {append(cramHeader(0, 0, []byte{0xff, 0xff, 0xff, 0x7f}, 1<<31-1), cramEnd(t)...), []found{isError(s3files.CodeHeader, "f")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _ := checkOne(t, inBucket(objects{"f": {data: test.data}}).client(), sourceOf(types.FileTypeCram, "f"))
			require.Equal(t, test.want, got)
		})
	}
}
