package omicstest

import (
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash/fnv"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
)

// contents returns what the files of a source contain.
func (o *Options) contents(s *Source) [2]string {
	c := [2]string{s.Source1, s.Source2}
	if o.Content != nil {
		for i, uri := range c {
			if uri != "" {
				c[i] = o.Content(uri)
			}
		}
	}
	return c
}

// etagOf returns the ETag of a read set. The service publishes algorithms for FASTQ, BAM and CRAM; a uBAM file has
// that of BAM.
func etagOf(family types.ETagAlgorithmFamily, source *Source, contents [2]string) *etagJSON {
	if family == "" {
		family = types.ETagAlgorithmFamilyMd5up
	}
	fileType := source.Type
	if fileType == types.FileTypeUbam {
		fileType = types.FileTypeBam
	}
	e := &etagJSON{Algorithm: string(fileType) + "_" + string(family), Source1: digest(family, contents[0])}
	if source.Source2 != "" {
		e.Source2 = digest(family, contents[1])
	}
	return e
}

func digest(family types.ETagAlgorithmFamily, content string) string {
	switch family {
	case types.ETagAlgorithmFamilySha256up:
		sum := sha256.Sum256([]byte(content))
		return hex.EncodeToString(sum[:])
	case types.ETagAlgorithmFamilySha512up:
		sum := sha512.Sum512([]byte(content))
		return hex.EncodeToString(sum[:])
	}
	sum := md5.Sum([]byte(content))
	return hex.EncodeToString(sum[:])
}

// The reads of a file are invented from its content: as many as in a small sequencing run, each of 150 bases.
const (
	minReads, moreReads = 1_000_000, 9_000_000
	basesPerRead        = 150
	partSize            = 100 << 20
)

func readsOf(content string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(content))
	return minReads + int64(h.Sum64()%moreReads)
}

// readsIn returns the number of reads in a read set. Mates have the same number of reads.
func readsIn(source *Source, contents [2]string) int64 {
	n := readsOf(contents[0])
	if source.Source2 != "" {
		n *= 2
	}
	return n
}

// fileOf returns what is told of a stored file, which takes about a byte for three bases.
func fileOf(content string) *fileJSON {
	n := readsOf(content) * basesPerRead / 3
	return &fileJSON{TotalParts: (n + partSize - 1) / partSize, PartSize: partSize, ContentLength: n}
}
