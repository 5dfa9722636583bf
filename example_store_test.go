package readsetimport_test

import (
	"context"
	"errors"
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

// doubtfulStore is a store with a read set of A, and a journal that knows only that A was sent: the answer was lost, and the import
// was cut off.
func doubtfulStore(path string) (*omicstest.Service, *journal.File) {
	service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(0) })
	service.Inject(omicstest.OpStart, omicstest.DropAfter())
	memory, err := journal.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	ctx, cutOff := context.WithCancel(context.Background())
	client, err := readsetimport.New(service.Client(), func(o *readsetimport.Options) {
		o.Journal = memory
		o.OnEvent = func(e readsetimport.Event) {
			if e.Kind == readsetimport.EventStartFailed {
				cutOff()
			}
		}
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err = client.Import(ctx, target, []readsetimport.Source{sample("A")}); !errors.Is(err, readsetimport.ErrUnresolved) {
		log.Fatal(err)
	}
	return service, memory
}

// What a journal has in doubt. The sheet tells which files these are.
func ExampleClient_Doubts() {
	folder, err := os.MkdirTemp("", "journal")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	service, memory := doubtfulStore(filepath.Join(folder, "stores.journal"))
	defer memory.Close()
	client, err := readsetimport.New(service.Client(), func(o *readsetimport.Options) { o.Journal = memory })
	if err != nil {
		log.Fatal(err)
	}
	sheet := map[readsetimport.Fingerprint]readsetimport.Source{target.Fingerprint(sample("A")): sample("A")}
	doubts, err := client.Doubts(context.Background(), target)
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range doubts {
		for _, s := range d.Sources {
			fmt.Println("in doubt:", sheet[s.Fingerprint].Source1)
		}
	}
	// Output: in doubt: s3://bucket/A.bam
}

// A person has looked at the read sets of the sample, and knows which of them was made of the file: Settle writes it down, and the
// next import skips the source.
func ExampleClient_Settle() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "journal")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	service, memory := doubtfulStore(filepath.Join(folder, "stores.journal"))
	defer memory.Close()
	client, err := readsetimport.New(service.Client(), func(o *readsetimport.Options) { o.Journal = memory })
	if err != nil {
		log.Fatal(err)
	}
	doubts, err := client.Doubts(ctx, target)
	if err != nil {
		log.Fatal(err)
	}
	decided := make(map[readsetimport.Fingerprint]string) // a source that is not in it was not imported
	for set, err := range client.ReadSets(ctx, target.SequenceStoreID, func(f *readsetimport.ReadSetFilter) {
		f.SubjectID, f.SampleID, f.CreatedAfter = "NA12878", "A", doubts[0].SentAt.Add(-15*time.Minute)
	}) {
		if err != nil {
			log.Fatal(err)
		}
		decided[target.Fingerprint(sample("A"))] = set.ID // the only one: as the person has decided
	}
	if err := client.Settle(ctx, doubts[0], decided); err != nil {
		log.Fatal(err)
	}
	report, err := client.Import(ctx, target, []readsetimport.Source{sample("A")})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Results[0].Source.Source1, report.Results[0].AlreadyImported)
	// Output: s3://bucket/A.bam true
}
