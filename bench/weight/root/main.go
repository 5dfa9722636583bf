// Command root imports read sets with this library, and uses all that a Client can do.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/omics"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
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
	report, err := client.Import(ctx, target, []readsetimport.Source{readsetimport.UBAM(os.Args[3]).WithSubject(os.Args[4]).WithSample(os.Args[4])})
	fmt.Println(report, err)
	wrong, err := client.Verify(ctx, target, report.Results)
	fmt.Println(wrong, err)
}
