package manifest_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/manifest"
)

func gzipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func TestGzip(t *testing.T) {
	text := "sample,fastq_1\na,s3://reads/a.fastq.gz\n"
	path := filepath.Join(t.TempDir(), "sheet.csv") // the name does not say it
	two := append(gzipped(t, "\ufeff"+text), gzipped(t, "b,s3://reads/b.fastq.gz\n")...)
	require.NoError(t, os.WriteFile(path, two, 0o600))
	got, err := collect(t, manifest.Open(path))
	require.NoError(t, err)
	require.Equal(t, sources{sourceA, sourceB}, got)

	for name, cut := range map[string][]byte{"header": two[:5], "end": two[:len(two)-3], "second": append(gzipped(t, text), "x\n"...)} {
		got, err = collect(t, manifest.Read(bytes.NewReader(cut), func(o *manifest.Options) { o.Name = "sheet.csv" }))
		require.Error(t, err, name)
		require.NotErrorIs(t, err, readsetimport.ErrValidation, name)
		require.LessOrEqual(t, len(got), 2)
		require.True(t, strings.HasPrefix(err.Error(), "sheet.csv: cannot be read: "), err.Error())
	}
}

// TestNoManifest are inputs of no format, each with the reason.
func TestNoManifest(t *testing.T) {
	for name, test := range map[string]struct {
		in     string
		line   int
		detail string
	}{
		"empty":               {"", 1, "empty"},
		"byte order mark":     {"\ufeff", 1, "empty"},
		"gzip of nothing":     {string(gzipped(t, "")), 1, "empty"},
		"comments":            {"# a\n\n# b", 1, "comments"},
		"many comments":       {strings.Repeat("# a\n", 100_000), 1, "comments"},
		"Excel":               {"PK\x03\x04\x00\x00", 1, "Excel"},
		"UTF-16":              {"\xff\xfes\x00a\x00", 1, "UTF-16"},
		"UTF-16, big endian":  {"\xfe\xff\x00s\x00a", 1, "UTF-16"},
		"zero bytes":          {"\nBAM\x01\x00\x00", 2, "zero bytes"},
		"a single long line":  {strings.Repeat("x", 100_000), 1, "Options.Columns"},
		"a FASTQ file":        {"@SRR1.1\nACGT\n+\nIIII\n", 1, "Options.Columns"},
		"a table of URIs":     {"s3://reads/a_1.fastq.gz,s3://reads/a_2.fastq.gz\n", 1, "Options.Columns"},
		"a header of nothing": {",,\n,\n", 1, "separators"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, test.in)
			require.Empty(t, got)
			requireFaults(t, err, fault{test.line, 1, "", readsetimport.RulePattern, test.detail})
			require.ErrorIs(t, err, manifest.ErrUnknownFormat)
		})
	}
}

// TestLimits are inputs with something too big, which are told and read on where they can be.
func TestLimits(t *testing.T) {
	const header = "sample,fastq_1,note\n"
	const a, b = "a,s3://reads/a.fastq.gz,\n", "b,s3://reads/b.fastq.gz,\n"
	long := strings.Repeat("x", 2<<20)
	for name, test := range map[string]struct {
		in    string
		want  sources
		fault fault
	}{
		"row":               {header + a + "c,s3://reads/c.fastq.gz," + long + "\n" + b, sources{sourceA, sourceB}, fault{3, 1, "", readsetimport.RulePattern, "1 MiB"}},
		"last row":          {header + a + long, sources{sourceA}, fault{3, 1, "", readsetimport.RulePattern, "1 MiB"}},
		"row of many lines": {header + a + "c,s3://reads/c.fastq.gz,\"" + strings.Repeat("x\n", 600_000) + "\"\n" + b, nil, fault{3, 1, "", readsetimport.RulePattern, "1 MiB"}},
		"field":             {header + a + "c,s3://reads/c.fastq.gz," + long[:200_000] + "\n" + b, sources{sourceA, sourceB}, fault{3, 25, "", readsetimport.RulePattern, "128 KiB"}},
		"quoted field":      {header + a + "c,s3://reads/c.fastq.gz,\"" + long[:200_000] + "\"\n" + b, sources{sourceA, sourceB}, fault{3, 25, "", readsetimport.RulePattern, "128 KiB"}},
		"columns":           {header + a + strings.Repeat(",", 1001) + "x\n" + b, sources{sourceA, sourceB}, fault{3, 1001, "", readsetimport.RulePattern, "1000 columns"}},
		"quoted columns":    {header + a + "\"x\"" + strings.Repeat(",", 1001) + "\n" + b, sources{sourceA, sourceB}, fault{3, 1004, "", readsetimport.RulePattern, "1000 columns"}},
		"JSON string":       {"[" + jsonA + `,{"name":"` + long, sources{sourceA}, fault{1, 118, "", readsetimport.RulePattern, "128 KiB"}},
		"JSON source":       {"[" + jsonA + `,{"tags":{` + strings.Repeat(`"k":"v",`, 200_000), sources{sourceA}, fault{1, 127, "tags", readsetimport.RuleDuplicate, ""}},
		"JSON number":       {"[" + jsonA + `,{"name":` + strings.Repeat("1", 200_000), sources{sourceA}, fault{1, 118, "", readsetimport.RulePattern, "128 KiB"}},
		"JSON comment":      {"[" + jsonA + ", /*" + long[:200_000], sources{sourceA}, fault{1, 111, "", readsetimport.RulePattern, "128 KiB"}},
		"YAML source":       {yamlA + "- name: " + long[:300_000], sources{sourceA}, fault{6, 1, "", readsetimport.RulePattern, "256 KiB"}},
		"YAML line":         {yamlA + "- name: " + long, nil, fault{6, 1, "", readsetimport.RulePattern, "1 MiB"}},
		"YAML source's line": {
			yamlB + yamlA + "  name: " + long + "\n" + yamlB, sources{sourceB}, // the source would be another one without the line
			fault{7, 1, "", readsetimport.RulePattern, "1 MiB"},
		},
		"YAML manifest": {"clientToken: " + long[:300_000], nil, fault{1, 1, "", readsetimport.RulePattern, "256 KiB"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readString(t, test.in)
			var e *manifest.Error
			require.ErrorAs(t, err, &e)
			e.Faults = e.Faults[:1]
			requireFaults(t, e, test.fault)
			if test.want != nil {
				require.Equal(t, test.want, got)
			}
		})
	}
}

func TestJSONSourceLimit(t *testing.T) {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, `"k%d":"%s",`, i, strings.Repeat("v", 10))
	}
	_, err := readString(t, `[{"tags":{`+b.String()+`}}]`)
	requireFaults(t, err, fault{1, 2, "", readsetimport.RulePattern, "1 MiB"})
}

// TestJSONLimits shows where a source is found to be too large, whatever else is wrong with it.
func TestJSONLimits(t *testing.T) {
	var tags strings.Builder
	for i := range 100 {
		fmt.Fprintf(&tags, `"k%d":"%s",`+"\n", i, strings.Repeat("v", 20_000))
	}
	for name, test := range map[string]struct{ in, detail string }{
		"bytes":    {`{"tags":{` + tags.String(), "1 MiB"},
		"keys":     {`{"x":[1` + strings.Repeat(",1", 10_000), "5000 keys"},
		"brackets": {`{"x":` + strings.Repeat("[", 101), "100 brackets"},
	} {
		for begin, want := range map[string]fault{
			jsonA + "\n":                 {2, 1, "", readsetimport.RulePattern, test.detail},
			"[" + jsonA + ",":            {1, 110, "", readsetimport.RulePattern, test.detail},
			`{"sources":[` + jsonA + `,`: {1, 121, "", readsetimport.RulePattern, test.detail},
		} {
			got, err := readString(t, begin+test.in)
			require.Equal(t, sources{sourceA}, got, name)
			var e *manifest.Error
			require.ErrorAs(t, err, &e)
			e.Faults = e.Faults[len(e.Faults)-1:]
			requireFaults(t, e, want)
		}
	}
}

// TestLongDocuments reads documents of any length, and finds the fault of their last source.
func TestLongDocuments(t *testing.T) {
	const count = 5000
	for name, text := range map[string][3]string{
		"list":     {"[ // all\n", `{"sourceFiles":{"source1":"s3://reads/%d.fastq.gz"}, "sourceFileType":"FASTQ", "subjectId":"é", "sampleId":"%s",}, /* next */` + "\n", "]\n"},
		"manifest": {"{\"sources\":[\n", `{"sourceFiles":{"source1":"s3://reads/%d.fastq.gz"}, "sourceFileType":"FASTQ", "subjectId":"é", "sampleId":"%s"},` + "\n", "],\"clientToken\":null}\n"},
		"YAML":     {"sources:\n", `- {sourceFiles: {source1: "s3://reads/%d.fastq.gz"}, sourceFileType: FASTQ, subjectId: é, sampleId: "%s"}` + "\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			b.WriteString(text[0])
			for i := range count {
				fmt.Fprintf(&b, text[1], i, "s")
			}
			b.WriteString(strings.Replace(fmt.Sprintf(text[1], count, ""), "sourceFileType", "fileType", 1))
			b.WriteString(text[2])
			got, err := readString(t, b.String())
			require.Len(t, got, count)
			var e *manifest.Error
			require.ErrorAs(t, err, &e)
			require.Len(t, e.Faults, 3)
			for _, f := range e.Faults {
				require.Equal(t, count+2, f.Line)
			}
			require.Equal(t, "fileType", e.Faults[0].Field)
			line := strings.Split(b.String(), "\n")[count+1]
			require.Equal(t, "fileType", strings.Trim(line[e.Faults[0].Column-1:], `"`)[:8])
		})
	}
}

func TestMaxBytes(t *testing.T) {
	text := "sample,fastq_1\na,s3://reads/a.fastq.gz\nb,s3://reads/b.fastq.gz\n"
	for _, in := range []string{text, string(gzipped(t, text))} {
		limit := func(n int) func(*manifest.Options) { return func(o *manifest.Options) { o.MaxBytes = int64(n) } }
		got, err := readString(t, in, limit(len(text)))
		require.NoError(t, err)
		require.Len(t, got, 2)

		got, err = readString(t, in, limit(len(text)-1))
		require.ErrorContains(t, err, "Options.MaxBytes")
		require.NotErrorIs(t, err, readsetimport.ErrValidation)
		require.LessOrEqual(t, len(got), 2)

		got, err = readString(t, in, limit(math.MaxInt))
		require.NoError(t, err)
		require.Len(t, got, 2)
	}
}

// TestKnownFiles shows that the same file is found in two rows as long as it is remembered.
func TestKnownFiles(t *testing.T) {
	const rows = 1000
	var b strings.Builder
	b.WriteString("sample,fastq_1\n")
	for i := range rows {
		fmt.Fprintf(&b, "s,s3://reads/%d.fastq.gz\n", i)
	}
	text := b.String() + "s,s3://reads/990.fastq.gz\ns,s3://reads/930.fastq.gz\ns,s3://reads/0.fastq.gz\n"
	near := fault{rows + 2, 3, "fastq_1", readsetimport.RuleDuplicate, "line 992"}
	older := fault{rows + 3, 3, "fastq_1", readsetimport.RuleDuplicate, "line 932"}
	far := fault{rows + 4, 3, "fastq_1", readsetimport.RuleDuplicate, "line 2"}
	for known, want := range map[int][]fault{0: {near, older, far}, 2 * rows: {near, older, far}, 100: {near, older}, -1: nil} {
		got, err := readString(t, text, func(o *manifest.Options) { o.KnownFiles = known })
		require.Len(t, got, rows+3-len(want))
		if want == nil {
			require.NoError(t, err)
		} else {
			requireFaults(t, err, want...)
		}
	}
}

// TestStreams shows that a source is yielded as soon as its row has been read.
func TestStreams(t *testing.T) {
	for name, text := range map[string][2]string{
		"table":      {"sample,fastq_1\na,s3://reads/a.fastq.gz\n", "b,s3://reads/b.fastq.gz\n"},
		"JSON Lines": {jsonA, jsonB},
		"JSON":       {`{"sources":[` + jsonA, "," + jsonB + "]}"},
		"YAML":       {yamlA + "-\n", "  " + yamlB[2:]}, // a source ends where the next line begins
	} {
		t.Run(name, func(t *testing.T) {
			out, in := io.Pipe()
			first := make(chan struct{})
			go func() {
				_, _ = io.WriteString(in, text[0])
				<-first
				_, _ = io.WriteString(in, text[1])
				in.Close()
			}()
			n := 0
			for s, err := range manifest.Read(out) {
				require.NoError(t, err)
				if n++; n == 1 {
					require.Equal(t, sourceA, s)
					close(first)
				}
			}
			require.Equal(t, 2, n)
		})
	}
}

var errBroken = errors.New("connection broken")

// TestReaderFails shows that what was good is yielded, and that the reader's error is kept beside the faults.
func TestReaderFails(t *testing.T) {
	in := io.MultiReader(strings.NewReader("sample,fastq_1\na,s3://reads/a.fastq.gz\n,s3://reads/b.fastq.gz\n"), failing{})
	got, err := collect(t, manifest.Read(in))
	require.Equal(t, sources{sourceA}, got)
	require.ErrorIs(t, err, errBroken)
	require.ErrorIs(t, err, readsetimport.ErrValidation)
	for _, begin := range []string{"", "x", jsonA, "{", "[", "- ", "/*"} {
		_, err = collect(t, manifest.Read(io.MultiReader(strings.NewReader(begin), failing{})))
		require.ErrorIs(t, err, errBroken, begin)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBroken }

// TestHostileInputs reads inputs that are made to be held, and watches what is. Those that have a limit are read as far
// as it; the others are read to their end, with buffers only.
func TestHostileInputs(t *testing.T) {
	type input struct{ begin, repeat string }
	watch := func(t *testing.T, in input, size int64, most uint64) {
		base := liveHeap()
		h := &hostile{Reader: io.LimitReader(&repeat{begin: in.begin, text: strings.Repeat(in.repeat, 4096)}, size)}
		got, _ := collect(t, manifest.Read(h))
		require.Empty(t, got)
		require.Less(t, max(h.peak, base)-base, most)
	}
	for name, in := range map[string]input{
		"a line without end":         {"sample,fastq_1\n", "x"},
		"a header without end":       {"", "sample,"},
		"a quote that is open":       {"sample,fastq_1\n\"", "x\n"},
		"quotes":                     {"sample,fastq_1\n", "\""},
		"bad rows":                   {"sample,fastq_1\n", "x\n"},
		"a JSON string":              {`[{"name":"`, "x"},
		"tags":                       {`[{"tags":{`, `"k":"v",`},
		"keys":                       {`[{`, `"k":"v",`},
		"JSON Lines of nothing":      {"", "{}\n"},
		"a YAML source":              {"- name: x\n", "  a: b\n"},
		"a YAML source of brackets":  {"- ", "["},
		"a YAML list in a line":      {"- [", "a,"},
		"YAML sources of nothing":    {"", "-\n"},
		"a YAML manifest of nothing": {"sources:\n", "-\n"},
		"YAML keys":                  {"roleArn: x\n", "a: b\n"},
	} {
		t.Run(name, func(t *testing.T) { watch(t, in, 8<<20, 4<<20) })
	}
	for name, in := range map[string]input{
		"blank rows":     {"sample,fastq_1\n", ",\n"},
		"skipped rows":   {"patient,sample,vcf\n", ",,x\n"},
		"comments":       {"", "#\n"},
		"brackets":       {`[{"x":`, "["},
		"a JSON number":  {`[{"x":`, "1"},
		"a JSON comment": {"/*", "*"},
		"YAML documents": {"", "---\n"},
	} {
		t.Run(name, func(t *testing.T) { watch(t, in, 2<<20, 1<<20) })
	}
	t.Run("a gzip bomb", func(t *testing.T) {
		const size = 2 << 20
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := io.Copy(z, io.LimitReader(&repeat{begin: "sample,fastq_1\n", text: strings.Repeat("\n", 4096)}, size))
		require.NoError(t, err)
		require.NoError(t, z.Close())
		got, err := collect(t, manifest.Read(&b, func(o *manifest.Options) { o.MaxBytes = size / 2 }))
		require.ErrorContains(t, err, "Options.MaxBytes")
		require.Empty(t, got)
	})
}

// TestYAMLMemory bounds all that is allocated for the longest YAML that is read at once, which is more than is held.
func TestYAMLMemory(t *testing.T) {
	for _, text := range []string{"a,", "[", "{a: ", "\n  - ", "? ", "a: b\n  ", "&a ", "- - - "} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readString(t, "- ["+strings.Repeat(text, (256<<10-100)/len(text))+"\n")
		require.Error(t, err)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(64<<20), text)
	}
}

// hostile takes the size of what is held while it is read.
type hostile struct {
	io.Reader
	read int
	peak uint64
}

func (h *hostile) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if before := h.read; before>>20 != (before+n)>>20 || before == 0 {
		h.peak = max(h.peak, liveHeap())
	}
	h.read += n
	return n, err
}

type repeat struct {
	begin, text string
}

func (r *repeat) Read(p []byte) (int, error) {
	if r.begin == "" {
		r.begin = r.text
	}
	n := copy(p, r.begin)
	r.begin = r.begin[n:]
	return n, nil
}
