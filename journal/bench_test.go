package journal

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkEncodeLine writes the three records of a job of 100 sources.
func BenchmarkEncodeLine(b *testing.B) {
	records := batchHistory(1, 100, time.Date(2030, 1, 2, 3, 4, 5, 678_901_234, time.UTC))
	b.ReportAllocs()
	for b.Loop() {
		for i, r := range records {
			if _, err := encodeLine(uint64(i), r); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkReplay reads the records of 100 jobs of 100 sources.
func BenchmarkReplay(b *testing.B) {
	var records []Record
	at := time.Date(2030, 1, 2, 3, 4, 5, 678_901_234, time.UTC)
	for batch := range 100 {
		records = append(records, batchHistory(batch, 100, at)...)
	}
	j, _, err := newMemJournal(encodeJournal(b, records))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for _, err := range j.Replay(b.Context()) {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != len(records) {
			b.Fatal(n)
		}
	}
}
