package journal_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

var target = readsetimport.Target{SequenceStoreID: "1234567890", RoleARN: "arn:aws:iam::123456789012:role/omics-import"}

// importedJournal returns a journal in a folder, and the sources that were imported with it.
func importedJournal(folder string) (*journal.File, []readsetimport.Source) {
	memory, err := journal.Open(filepath.Join(folder, "stores.journal"))
	if err != nil {
		log.Fatal(err)
	}
	service := omicstest.New(func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(0)
		o.KeepOrder = true
	})
	client, err := readsetimport.New(service.Client(), func(o *readsetimport.Options) {
		o.Journal = memory
		o.MinPollDelay = time.Millisecond
	})
	if err != nil {
		log.Fatal(err)
	}
	sources := []readsetimport.Source{
		readsetimport.UBAM("s3://bucket/NA12878.bam").WithSubject("NA12878").WithSample("NA12878"),
		readsetimport.UBAM("s3://bucket/NA12891.bam").WithSubject("NA12891").WithSample("NA12891"),
	}
	if _, err := client.Import(context.Background(), target, sources); err != nil {
		log.Fatal(err)
	}
	return memory, sources
}

// A journal in a file is a client's memory of its stores.
func ExampleOpen() {
	folder, err := os.MkdirTemp("", "journal")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	memory, err := journal.Open(filepath.Join(folder, "stores.journal"))
	if err != nil {
		log.Fatal(err)
	}
	defer memory.Close()

	client, err := readsetimport.New(omicstest.New().Client(), func(o *readsetimport.Options) { o.Journal = memory })
	fmt.Println(client != nil, err)
	_, err = journal.Open(filepath.Join(folder, "stores.journal"))
	fmt.Println("a second time:", err != nil) // one process, and one client, at a time
	// Output:
	// true <nil>
	// a second time: true
}

// A program that reports on a journal replays it.
func ExampleFile_Replay() {
	folder, err := os.MkdirTemp("", "journal")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	memory, _ := importedJournal(folder)
	defer memory.Close()
	for record, err := range memory.Replay(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		switch record.Kind {
		case journal.Placed:
			fmt.Println(record.Kind, record.SequenceStoreID, record.Place)
		default:
			fmt.Println(record.Kind, record.JobID, len(record.Sources))
		}
	}
	// Output:
	// placed 1234567890 Region us-east-1, account 123456789012
	// sending  2
	// started 2234567891 0
	// ended 2234567891 2
}

// Whether a source is in the store, as far as the journal knows: it has no names and no ids, but fingerprints.
func ExampleFingerprint() {
	folder, err := os.MkdirTemp("", "journal")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	memory, sources := importedJournal(folder)
	defer memory.Close()

	readSets := make(map[journal.Fingerprint]string)
	for record, err := range memory.Replay(context.Background()) {
		if err != nil {
			log.Fatal(err)
		}
		if record.Kind == journal.Ended {
			for _, s := range record.Sources {
				readSets[s.Fingerprint] = s.ReadSetID
			}
		}
	}
	for _, s := range append(sources, sources[0].WithSample("another")) {
		fmt.Println(s.SampleID, readSets[target.Fingerprint(s)])
	}
	// Output:
	// NA12878 3469135782
	// NA12891 4703703673
	// another
}
