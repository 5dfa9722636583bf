package manifest_test

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/readsetimport/readsetimport/manifest"
)

// endless writes rows of a sheet as they are read, so that the benchmark's own input takes no memory and little time.
type endless struct {
	row, end    string
	rows, next  int
	ready, room []byte
}

func newEndless(rows int, text [3]string) *endless {
	return &endless{row: text[1], end: text[2], rows: rows, ready: []byte(text[0])}
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.ready) == 0 {
		if e.next == e.rows {
			n := copy(p, e.end)
			if e.end = e.end[n:]; n == 0 {
				return 0, io.EOF
			}
			return n, nil
		}
		e.room = e.room[:0]
		for len(e.room) < 32<<10 && e.next < e.rows {
			from := len(e.room)
			e.room = append(e.room, e.row...)
			fillIn(e.room[from:], e.next)
			e.next++
		}
		e.ready = e.room
	}
	n := copy(p, e.ready)
	e.ready = e.ready[n:]
	return n, nil
}

func fillIn(row []byte, number int) {
	for {
		at := bytes.IndexByte(row, '#')
		if at < 0 {
			return
		}
		for i, n := at+6, number; i >= at; i, n = i-1, n/10 {
			row[i] = byte('0' + n%10)
		}
		row = row[at+7:]
	}
}

// benchRows are what begins a manifest of each format, a row, and what ends it; ####### is the row's number.
var benchRows = map[string][3]string{
	"rnaseq": {
		"sample,fastq_1,fastq_2,strandedness\n",
		"S#######,s3://ngi-igenomes/test-data/rnaseq/SRX#######_T1_1.fastq.gz,s3://ngi-igenomes/test-data/rnaseq/SRX#######_T1_2.fastq.gz,reverse\n",
	},
	"generator": {
		"name,referenceArn,sampleId,subjectId,sourceFileType,description,generatedFrom,source1,source2,tags\n",
		"HG#######," + reference + ",HG#######,HG#######,BAM,low coverage,1000 Genomes,s3://reads/HG#######.chrom20.ILLUMINA.bwa.GBR.low_coverage.bam,,\"{'cohort':'phase 3'}\"\n",
	},
	"jsonlines": {
		"",
		`{"sourceFiles":{"source1":"s3://reads/SRX#######_T1_1.fastq.gz","source2":"s3://reads/SRX#######_T1_2.fastq.gz"},"sourceFileType":"FASTQ","subjectId":"S#######","sampleId":"S#######"}` + "\n",
	},
	"json": {
		"{\n  \"sequenceStoreId\": \"1234567890\", // a comment\n  \"sources\": [\n",
		"    {\n      \"sourceFiles\": {\n        \"source1\": \"s3://reads/SRX#######_T1_1.fastq.gz\",\n        \"source2\": \"s3://reads/SRX#######_T1_2.fastq.gz\"\n      },\n" +
			"      \"sourceFileType\": \"FASTQ\",\n      \"subjectId\": \"S#######\",\n      \"sampleId\": \"S#######\",\n    },\n",
		"  ],\n}\n",
	},
	"yaml": {
		"sources:\n",
		"- sourceFiles:\n    source1: s3://reads/SRX#######_T1_1.fastq.gz\n    source2: s3://reads/SRX#######_T1_2.fastq.gz\n  sourceFileType: FASTQ\n  subjectId: S#######\n  sampleId: S#######\n",
		"",
	},
}

// BenchmarkRead reads a million rows, or 50,000 of YAML. The live heap is taken at every quarter of them; what it grows by
// is what reading holds, which is the memory of files seen before.
func BenchmarkRead(b *testing.B) {
	for _, format := range []string{"rnaseq", "generator", "jsonlines", "json", "yaml"} {
		rows := 1_000_000
		if format == "yaml" {
			rows = 50_000
		}
		for _, known := range []int{0, -1} {
			name := format
			if known < 0 {
				name += ", repeated files not looked for"
			}
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				var grown uint64
				for b.Loop() {
					before := liveHeap()
					n := 0
					for _, err := range manifest.Read(newEndless(rows, benchRows[format]), func(o *manifest.Options) { o.KnownFiles = known }) {
						if err != nil {
							b.Fatal(err)
						}
						if n++; n%(rows/4) == 0 {
							b.StopTimer()
							grown = max(grown, max(liveHeap(), before)-before)
							b.StartTimer()
						}
					}
					if n < rows {
						b.Fatal(n)
					}
				}
				b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
				b.ReportMetric(float64(grown)/(1<<20), "live-MiB")
			})
		}
	}
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
