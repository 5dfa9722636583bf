package manifest_test

import (
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

const inventoryColumns = "Bucket, Key, IsLatest, IsDeleteMarker"

// TestLists are lists of every kind that hold the files a.fastq.gz and b.fastq.gz.
func TestLists(t *testing.T) {
	inBucket := func(o *manifest.Options) { o.Bucket = "reads" }
	rewrite := func(o *manifest.Options) {
		o.RewriteURI = func(uri string) (string, error) {
			return bucket + uri[strings.LastIndexByte(uri, '/')+1:], nil
		}
	}
	const ls = "2026-03-01 09:15:02 "
	for name, test := range map[string]struct {
		in  string
		opt func(*manifest.Options)
	}{
		"URIs":                              {in: "s3://reads/a.fastq.gz\ns3://reads/b.fastq.gz\n"},
		"CRLF, no last line end":            {in: "s3://reads/a.fastq.gz\r\ns3://reads/b.fastq.gz"},
		"byte order mark":                   {in: "\ufeffs3://reads/a.fastq.gz\ns3://reads/b.fastq.gz"},
		"compressed":                        {in: string(gzipped(t, "s3://reads/a.fastq.gz\ns3://reads/b.fastq.gz\n"))},
		"white space, comments":             {in: "# all\n\n  s3://reads/a.fastq.gz \t\n # two\n\ts3://reads/b.fastq.gz\n"},
		"https":                             {in: "https://example.com/a.fastq.gz\nhttps://example.com/b.fastq.gz\n", opt: rewrite},
		"paths":                             {in: "/data/run 1/a.fastq.gz\nb.fastq.gz\n", opt: rewrite},
		"a file that is skipped first":      {in: "s3://reads/a.fastq.gz.md5\ns3://reads/a.fastq.gz\ns3://reads/b.fastq.gz\n"},
		"aws s3 ls":                         {in: ls + "        31 a.fastq.gz\n" + ls + "1234567890 b.fastq.gz\n", opt: inBucket},
		"aws s3 ls --human-readable":        {in: ls + "  31 Bytes a.fastq.gz\r\n" + ls + "   1.2 GiB b.fastq.gz\r\n", opt: inBucket},
		"aws s3 ls --summarize, no objects": {in: ls + "0 x/\n" + ls + "1 a.fastq.gz\n" + ls + "1 b.fastq.gz\n\nTotal Objects: 3\n   Total Size: 2\n", opt: inBucket},
		"aws s3 ls with keys as paths":      {in: ls + "1 x/a.fastq.gz\n" + ls + "1 x/b.fastq.gz\n", opt: rewrite},
		"inventory": {
			in:  "\"reads\",\"a.fastq.gz\",\"true\",\"false\"\n\"reads\",\"b%2Efastq.gz\",\"true\",\"false\"\n",
			opt: func(o *manifest.Options) { o.Inventory = inventoryColumns },
		},
		"inventory, other columns": {
			in:  "1,a.fastq.gz\n2,b.fastq.gz\n",
			opt: func(o *manifest.Options) { o.Inventory, o.Bucket = "size,key", "reads" },
		},
		"a sheet with the options of lists": {
			in:  "sample,fastq_1,fastq_2,strandedness\na,s3://reads/a.fastq.gz,,\nb,s3://reads/b.fastq.gz,,\n",
			opt: func(o *manifest.Options) { o.Inventory, o.Bucket = inventoryColumns, "reads" },
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, test.in, options(test.opt)...)
			require.NoError(t, err)
			require.Equal(t, sources{sourceA, sourceB}, got)
		})
	}
}

// TestListOrder shows that mates find each other wherever they are in a list.
func TestListOrder(t *testing.T) {
	got, err := readString(t, "s3://reads/q/a_R1.fq.gz\ns3://reads/r/b_R1.fq.gz\ns3://reads/q/a_R2.fq.gz\ns3://reads/p/c.fq.gz\ns3://reads/r/b_R2.fq.gz\n")
	require.NoError(t, err)
	require.Equal(t, sources{pair("a", "q/a_R1.fq.gz", "q/a_R2.fq.gz"), pair("b", "r/b_R1.fq.gz", "r/b_R2.fq.gz"), single("c", "p/c.fq.gz")}, got)
}

func TestListFaults(t *testing.T) {
	const ls, pattern = "2026-03-01 09:15:02 ", readsetimport.RulePattern
	inBucket := func(o *manifest.Options) { o.Bucket = "reads" }
	inventory := func(o *manifest.Options) { o.Inventory = inventoryColumns }
	long := strings.Repeat("x", 2<<20)
	for name, test := range map[string]struct {
		in     string
		opt    func(*manifest.Options)
		faults []fault
	}{
		"no URI":            {in: "s3://reads/a.fastq.gz\n  b.fastq.gz\n", faults: []fault{{2, 3, "", pattern, "s3://bucket/key"}}},
		"a folder":          {in: "s3://reads/a.fastq.gz\ns3://reads/run1/\n", faults: []fault{{2, 1, "", pattern, "aws s3 ls --recursive"}}},
		"upper-case bucket": {in: "s3://reads/a.fastq.gz\ns3://Reads/b.fastq.gz\n", faults: []fault{{2, 1, "", pattern, "lower-case"}}},
		"https":             {in: "https://example.com/b.fastq.gz\ns3://reads/a.fastq.gz\n", faults: []fault{{1, 1, "", pattern, "Options.RewriteURI"}}},
		"mates in the order of lines": {
			in: "s3://reads/b_R2.fastq.gz\n\ns3://reads/a.fastq.gz\ns3://reads/x/c.vcf\ns3://reads/x/b_R2.fastq.gz\ns3://reads/a.fastq.gz\n",
			faults: []fault{
				{1, 1, "", readsetimport.RuleCombination, "without its first"},
				{4, 1, "", pattern, ".vcf"},
				{5, 1, "", readsetimport.RuleCombination, "without its first"},
				{6, 1, "", readsetimport.RuleDuplicate, "line 3"},
			},
		},
		"a line that is too long": {in: "s3://reads/a.fastq.gz\n" + long + "\n", faults: []fault{{2, 1, "", pattern, "1 MiB"}}},
		"a folder of aws s3 ls": {
			in: "                           PRE run1/\n" + ls + "1 a.fastq.gz\n", opt: inBucket,
			faults: []fault{{1, 28, "", pattern, "--recursive"}},
		},
		"no line of aws s3 ls": {in: ls + "1 a.fastq.gz\ns3://reads/b.fastq.gz\n", opt: inBucket, faults: []fault{{2, 1, "", pattern, "date, time, size and key"}}},
		"an unsupported key":   {in: ls + "1 a.fastq.gz\n" + ls + "1 b.sra\n", opt: inBucket, faults: []fault{{2, 23, "", pattern, ".sra"}}},
		"too few fields":       {in: "reads,a.fastq.gz,true,false\nreads,b.fastq.gz,true\n", opt: inventory, faults: []fault{{2, 1, "", readsetimport.RuleLength, "4 fields, as Options.Inventory has columns, not 3"}}},
		"no URL encoding":      {in: "reads,a.fastq.gz,true,false\nreads,b%zz.fastq.gz,true,false\n", opt: inventory, faults: []fault{{2, 7, "Key", pattern, "URL encoding"}}},
		"a bad row":            {in: "reads,a.fastq.gz,true,false\n\"x\"y,b.fastq.gz,true,false\n", opt: inventory, faults: []fault{{2, 4, "", pattern, "separator"}}},
		"a bad bucket":         {in: "reads,a.fastq.gz,true,false\nReads,b.fastq.gz,true,false\n", opt: inventory, faults: []fault{{2, 7, "Key", pattern, "lower-case"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, test.in, options(test.opt)...)
			requireFaults(t, err, test.faults...)
			require.Equal(t, sources{sourceA}, got)
		})
	}
}

// TestListOptions are lists that cannot be read without an option, or with what it says.
func TestListOptions(t *testing.T) {
	for name, test := range map[string]struct {
		in     string
		opt    func(*manifest.Options)
		detail string
	}{
		"no bucket":                  {in: "2026-03-01 09:15:02 1 a.fastq.gz\n", detail: "Options.Bucket"},
		"no bucket of an inventory":  {in: "1,a.fastq.gz\n", opt: func(o *manifest.Options) { o.Inventory = "Size, Key" }, detail: "Options.Bucket"},
		"no key":                     {in: "reads,a.fastq.gz\n", opt: func(o *manifest.Options) { o.Inventory = "Bucket, Size" }, detail: "column Key"},
		"an unknown inventory":       {in: "\"reads\",\"a.fastq.gz\"\n", detail: "Options.Inventory"},
		"another inventory":          {in: "reads,a.fastq.gz\n", opt: func(o *manifest.Options) { o.Inventory = inventoryColumns }, detail: "Options.Inventory"},
		"a sheet and not a bucket":   {in: "Sample 1,a.fastq.gz\n", opt: func(o *manifest.Options) { o.Inventory = "Bucket, Key" }, detail: "Options.Columns"},
		"an inventory in the middle": {in: "s3://reads/a.fastq.gz,\n", opt: func(o *manifest.Options) { o.Inventory = "Bucket, Key" }, detail: "Options.Columns"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, test.in, options(test.opt)...)
			require.Empty(t, got)
			require.ErrorContains(t, err, test.detail)
		})
	}
}

// TestListFails shows that no FASTQ file of a list is yielded that ends early, since its mate may be missing.
func TestListFails(t *testing.T) {
	text := "s3://reads/a_R1.fastq.gz\ns3://reads/x.unmapped.bam\ns3://reads/b.fastq.gz\n"
	got, err := collect(t, manifest.Read(io.MultiReader(strings.NewReader(text), failing{})))
	require.Equal(t, sources{readsetimport.UBAM(bucket + "x.unmapped.bam").WithSample("x").WithSubject("x")}, got)
	require.ErrorIs(t, err, errBroken)
}

func TestOncoanalyserFaults(t *testing.T) {
	const header = "group_id,subject_id,sample_id,sample_type,sequence_type,filetype,filepath\n"
	const good = "g,ok,ok,tumor,rna,fastq,s3://reads/ok_1.fastq.gz;s3://reads/ok_2.fastq.gz\n"
	pattern := readsetimport.RulePattern
	for name, test := range map[string]struct {
		row    string
		faults []fault
	}{
		"unsupported type": {"g,p,s,tumor,dna,amber_dir,s3://reads/amber/", []fault{{2, 17, "filetype", pattern, "Options.SkipUnsupported"}}},
		"another ending":   {"g,p,s,tumor,dna,bam,s3://reads/a.cram", []fault{{2, 21, "filepath", pattern, ".bam"}, {2, 1, "referenceArn", readsetimport.RuleRequired, ""}}},
		"three files":      {"g,p,s,tumor,dna,fastq,s3://reads/a_1.fq.gz;s3://reads/a_2.fq.gz;s3://reads/a_3.fq.gz", []fault{{2, 23, "filepath", pattern, "two FASTQ files"}}},
		"turned mates":     {"g,p,s,tumor,dna,fastq,s3://reads/a_2.fq.gz;s3://reads/a_1.fq.gz", []fault{{2, 23, "filepath", readsetimport.RuleCombination, "wrong order"}}},
		"no file":          {"g,p,s,tumor,dna,fastq,", []fault{{2, 23, "filepath", readsetimport.RuleRequired, ""}}},
		"no type":          {"g,p,s,tumor,dna,,s3://reads/a.bam", []fault{{2, 17, "filetype", pattern, "no file type"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, header+test.row+"\n"+good)
			requireFaults(t, err, test.faults...)
			require.Equal(t, sources{pair("ok", "ok_1.fastq.gz", "ok_2.fastq.gz")}, got)
		})
	}
	var skipped []string
	got, err := readString(t, header+"g,p,s,tumor,dna,amber_dir,s3://reads/amber/\n"+good, func(o *manifest.Options) { o.SkipUnsupported = true }, recordSkips(&skipped))
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, []string{"unsupported s3://reads/amber/"}, skipped)
}
