package main

import (
	"time"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

var simulatedTarget = readsetimport.Target{
	SequenceStoreID: "1234567890",
	RoleARN:         "arn:aws:iam::123456789012:role/simulated",
}

// notThere is the file of samples.csv that the 1000 Genomes Project does not have: this sample's is dated 20130415.
const notThere = "s3://1000genomes/phase3/data/HG00097/alignment/HG00097.chrom20.ILLUMINA.bwa.GBR.low_coverage.20120522.bam"

// newSimulation is a HealthOmics of our own. It reads no files, so it is told which one is not there.
func newSimulation() readsetimport.API {
	service := omicstest.New(func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(500 * time.Millisecond)
		o.MaxActiveJobs = 20
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			if s.Source1 == notThere {
				return omicstest.Failed("The source file was not found")
			}
			return omicstest.Outcome{}
		}
	})
	return service.Client()
}

// simulatedPace suits jobs that take half a second, and a service without a quota of requests.
func simulatedPace(o *readsetimport.Options) {
	o.RequestRate = 100
	o.MinPollDelay, o.MaxPollDelay = 100*time.Millisecond, 100*time.Millisecond
}
