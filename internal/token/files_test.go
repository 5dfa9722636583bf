package token

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	var f Files
	require.False(t, f.Has(File("0")))
	for i := range 200_000 {
		f.Add(File(strconv.Itoa(i)))
		f.Add(File(strconv.Itoa(i / 2)))
	}
	for i := range 200_000 {
		require.True(t, f.Has(File(strconv.Itoa(i))))
		require.False(t, f.Has(File("other "+strconv.Itoa(i))))
	}
	n, room := 0, 0
	for _, rest := range f.rest {
		require.IsIncreasing(t, append([]uint64{0}, rest...))
		n, room = n+len(rest), room+cap(rest)
	}
	require.Equal(t, 200_000, n, "each is there once")
	require.Less(t, room, 2*n)
}

// Every bit of a key counts.
func TestFilesKeys(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for bit := range 8 * len(FileKey{}) {
		var f Files
		var k FileKey
		for i := range k {
			k[i] = byte(random.Uint32())
		}
		f.Add(k)
		require.True(t, f.Has(k))
		k[bit/8] ^= 1 << (bit % 8)
		require.False(t, f.Has(k), bit)
	}
}

func BenchmarkFiles(b *testing.B) {
	keys := make([]FileKey, 1_000_000)
	for i := range keys {
		keys[i] = File(strconv.Itoa(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		var f Files
		for _, k := range keys {
			if !f.Has(k) {
				f.Add(k)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(keys)), "ns/file")
}
