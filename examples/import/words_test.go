package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
)

func TestBetween(t *testing.T) {
	const s, m, h = time.Second, time.Minute, time.Hour
	for _, test := range []struct {
		low, high time.Duration
		want      string
	}{
		{4 * s, 9 * s, "0s to 10s"},
		{44 * s, 71 * s, "40s to 1m20s"},
		{25*m + 1, 31*m - 1, "25m to 31m"},
		{61 * m, 80 * m, "1h to 1h20m"},
		{11*h + 3*m, 14 * h, "11h to 14h"},
	} {
		require.Equal(t, test.want, between(test.low, test.high))
	}
}

func TestHideIDs(t *testing.T) {
	source := func(sample, subject string) readsetimport.Source {
		return readsetimport.UBAM("s3://bucket/a.bam").WithSample(sample).WithSubject(subject)
	}
	job := readsetimport.Job{Sources: []readsetimport.JobSource{{Source: source("NA2", "Ann B")}, {Source: source("NA2 b", "")}}}
	for text, want := range map[string]string{
		"":                         "",
		"NA1 of Jo was not found":  "… of … was not found",
		"(NA1)":                    "(…)",
		"s3://bucket/NA1_R1.fq.gz": "s3://bucket/…_R1.fq.gz",
		"NA2, NA2 b and Ann B":     "…, … and …",
		"XNA1 NA12 NA1NA1 Job":     "XNA1 NA12 NA1NA1 Job",
	} {
		require.Equal(t, want, hideIDs(text, source("NA1", "Jo"), job))
	}
}
