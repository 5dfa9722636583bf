package main

import (
	"fmt"
	"iter"
	"strconv"

	"github.com/readsetimport/readsetimport"
)

var target = readsetimport.Target{SequenceStoreID: "1234567890", RoleARN: "arn:aws:iam::123456789012:role/import"}

// pair returns the n-th pair of FASTQ files.
func pair(n int) readsetimport.Source {
	return readsetimport.PairedFASTQ(fmt.Sprintf("s3://bucket/run/%07d_R1.fastq.gz", n), fmt.Sprintf("s3://bucket/run/%07d_R2.fastq.gz", n)).
		WithSubject("subject").WithSample(strconv.Itoa(n)).WithTag("project", "p")
}

func pairs(n int) []readsetimport.Source {
	out := make([]readsetimport.Source, n)
	for i := range out {
		out[i] = pair(i)
	}
	return out
}

// withoutErrors is what Stream reads, of sources that are all there.
func withoutErrors(sources iter.Seq[readsetimport.Source]) iter.Seq2[readsetimport.Source, error] {
	return func(yield func(readsetimport.Source, error) bool) {
		for s := range sources {
			if !yield(s, nil) {
				return
			}
		}
	}
}
