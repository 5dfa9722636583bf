package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/readsetimport/readsetimport"
)

// newSheets makes a sheet and what becomes of it from run to run.
func newSheets(random *rand.Rand, n, least int) [][]readsetimport.Source {
	var sheets [][]readsetimport.Source
	made := 0
	add := func(sheet []readsetimport.Source, n int) []readsetimport.Source {
		for range n {
			sheet = append(sheet, sourceFor(made))
			made++
		}
		return sheet
	}
	size := max(least, pick(random, 1, 2, 3, 5, 8, 13, 20))
	if least == 1 && random.IntN(40) == 0 {
		size = 40 + random.IntN(100)
	}
	sheet := add(nil, size)
	var lost []readsetimport.Source // rows that were in it
	for i := range n {
		sheet = slices.Clone(sheet)
		for range changes(random, i) {
			switch random.IntN(8) {
			case 0, 1:
				sheet = add(sheet, 1+random.IntN(5))
			case 2, 3: // at the top
				sheet = append(add(nil, 1+random.IntN(5)), sheet...)
			case 4:
				random.Shuffle(len(sheet), func(a, b int) { sheet[a], sheet[b] = sheet[b], sheet[a] })
			case 5:
				for range min(1+random.IntN(3), len(sheet)-1) {
					at := random.IntN(len(sheet))
					lost = append(lost, sheet[at])
					sheet = append(sheet[:at], sheet[at+1:]...)
				}
			case 6:
				sheet, lost = append(lost, sheet...), nil
			case 7:
				at := random.IntN(len(sheet))
				sheet[at] = sheet[at].WithName(fmt.Sprintf("name %d", i)).WithTag("run", fmt.Sprint(i))
			}
		}
		sheets = append(sheets, sheet)
	}
	return sheets
}

// changes is how often a sheet is changed before a run.
func changes(random *rand.Rand, run int) int {
	if run == 0 {
		return 0
	}
	return pick(random, 0, 1, 1, 2, 3)
}

// bucket is where the sources of the sheets are.
const bucket = "s3://bucket/sim/"

// sourceFor is the source of a number. Its key is in the names of its files.
func sourceFor(n int) readsetimport.Source {
	uri := bucket + keyFor(n)
	var s readsetimport.Source
	switch n % 3 {
	case 0:
		s = readsetimport.UBAM(uri + ".bam")
	case 1:
		s = readsetimport.PairedFASTQ(uri+"_R1.fastq.gz", uri+"_R2.fastq.gz").WithTag("project", "p")
	case 2:
		s = readsetimport.CRAM(uri+".cram", "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1234567890")
	}
	return s.WithSubject(fmt.Sprintf("subject-%d", n/2)).WithSample(fmt.Sprintf("sample-%d", n))
}

func keyFor(n int) string { return fmt.Sprintf("s%04d", n) }

// keyOf is the key of the source with this first file, or the file itself if it is not one of the sheet.
func keyOf(source1 string) string {
	if key, ours := strings.CutPrefix(source1, bucket); ours && len(key) >= 5 {
		return key[:5]
	}
	return source1
}
