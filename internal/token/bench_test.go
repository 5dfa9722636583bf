package token

import (
	"bytes"
	"testing"
)

func BenchmarkFirst100(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 200*100)
	b.ReportAllocs()
	for b.Loop() {
		First("run-1", "1234567890", "arn:aws:iam::123456789012:role/import", parts(body))
	}
}

func BenchmarkFingerprint(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Fingerprint("1234567890", "FASTQ", "s3://bucket/run/0000001_R1.fastq.gz", "s3://bucket/run/0000001_R2.fastq.gz", "subject", "sample")
	}
}

func BenchmarkFile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		File("s3://bucket/run/0000001_R1.fastq.gz")
	}
}
