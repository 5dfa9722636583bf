// Command s3files imports the read sets whose files it finds under a prefix, once they are checked.
package main

import (
	"context"
	"fmt"
	"iter"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/s3files"
)

func main() {
	ctx := context.Background()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	memory, err := journal.Open(os.Args[5])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer memory.Close()
	client, err := readsetimport.New(omics.NewFromConfig(cfg), func(o *readsetimport.Options) { o.Journal = memory })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	target := readsetimport.Target{SequenceStoreID: os.Args[1], RoleARN: os.Args[2]}
	adopted, err := client.Adopt(ctx, target)
	fmt.Println(adopted, err)
	files := s3.NewFromConfig(cfg)
	checked := s3files.Check(ctx, files, s3files.Sources(ctx, files, os.Args[3]))
	for result, err := range client.Stream(ctx, target, good(checked)) {
		fmt.Println(result, err)
	}
	wrong, err := client.Verify(ctx, target, nil)
	fmt.Println(wrong, err)
}

func good(checked iter.Seq2[s3files.Checked, error]) iter.Seq2[readsetimport.Source, error] {
	return func(yield func(readsetimport.Source, error) bool) {
		for c, err := range checked {
			if !yield(c.Source, err) {
				return
			}
		}
	}
}
