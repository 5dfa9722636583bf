package readsetimport_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

// usedStore is a store into which others have imported: A, B, and the content of A once more under another name.
func usedStore() *omicstest.Service {
	service := omicstest.New(func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(time.Millisecond)
		o.Content = func(uri string) string {
			if uri == "s3://bucket/copy-of-A.bam" {
				return "s3://bucket/A.bam"
			}
			return uri
		}
	})
	for _, name := range []string{"A", "B", "copy-of-A"} {
		_, err := service.StartJob(target.SequenceStoreID, target.RoleARN, omicstest.Source{
			Type: types.FileTypeUbam, Source1: "s3://bucket/" + name + ".bam", SubjectID: "NA12878", SampleID: name,
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	time.Sleep(10 * time.Millisecond) // until the jobs have ended
	return service
}

func sample(name string) readsetimport.Source {
	return readsetimport.UBAM("s3://bucket/" + name + ".bam").WithSubject("NA12878").WithSample(name)
}

// A journal was lost, or others have imported into the store: Adopt makes a journal of what is there.
func ExampleClient_Adopt() {
	ctx := context.Background()
	service := usedStore()
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
	client, err := readsetimport.New(service.Client(), func(o *readsetimport.Options) { o.Journal = memory })
	if err != nil {
		log.Fatal(err)
	}
	adoption, err := client.Adopt(ctx, target)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("jobs:", adoption.Jobs, "in the store:", adoption.Imported, "twice:", len(adoption.Doubles))

	report, err := client.Import(ctx, target, []readsetimport.Source{sample("A"), sample("B"), sample("C")})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range report.Results {
		fmt.Println(r.Source.Source1, r.AlreadyImported)
	}
	// Output:
	// jobs: 3 in the store: 3 twice: 0
	// s3://bucket/A.bam true
	// s3://bucket/B.bam true
	// s3://bucket/C.bam false
}

// The read sets of one sample, as the service lists them.
func ExampleClient_ReadSets() {
	client, err := readsetimport.New(usedStore().Client())
	if err != nil {
		log.Fatal(err)
	}
	for set, err := range client.ReadSets(context.Background(), target.SequenceStoreID, func(f *readsetimport.ReadSetFilter) {
		f.SampleID = "B"
	}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(set.Type, set.Status, set.CreationType)
	}
	// Output: UBAM ACTIVE IMPORT
}

// Read sets with the same content, whatever they are called.
func ExampleDoubleReadSets() {
	client, err := readsetimport.New(usedStore().Client())
	if err != nil {
		log.Fatal(err)
	}
	doubles, err := readsetimport.DoubleReadSets(client.ReadSets(context.Background(), target.SequenceStoreID))
	if err != nil {
		log.Fatal(err)
	}
	for _, group := range doubles {
		fmt.Println(len(group), "read sets have the same content")
	}
	// Output: 2 read sets have the same content
}

// After an import, and perhaps after weeks, the results are held against the store.
func ExampleClient_Verify() {
	ctx := context.Background()
	service := usedStore()
	client, err := readsetimport.New(service.Client())
	if err != nil {
		log.Fatal(err)
	}
	report, err := client.Import(ctx, target, []readsetimport.Source{sample("D"), sample("E")})
	if err != nil {
		log.Fatal(err)
	}
	if err := service.DeleteReadSet(report.Results[1].ReadSetID); err != nil { // somebody does
		log.Fatal(err)
	}
	discrepancies, err := client.Verify(ctx, target, report.Results)
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range discrepancies {
		fmt.Println(d.Result.Source.Source1, d.Kind)
	}
	// Output: s3://bucket/E.bam deleted
}
