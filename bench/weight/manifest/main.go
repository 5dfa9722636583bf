// Command manifest imports the read sets of a sample sheet.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/omics"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/manifest"
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
	for result, err := range client.Stream(ctx, target, manifest.Open(os.Args[3])) {
		fmt.Println(result, err)
	}
	wrong, err := client.Verify(ctx, target, nil)
	fmt.Println(wrong, err)
}
