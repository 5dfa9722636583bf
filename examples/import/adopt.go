package main

import (
	"context"
	"fmt"
	"io"

	"github.com/readsetimport/readsetimport"
)

// adopt reads the store's jobs into the client's journal, and says in one line what it found.
func adopt(ctx context.Context, client *readsetimport.Client, t readsetimport.Target, notes io.Writer) error {
	found, err := client.Adopt(ctx, t)
	if err != nil {
		return fmt.Errorf("adopt: %w; nothing was sent", err)
	}
	fmt.Fprintf(notes, "adopted: jobs %d, of which the journal knew %d; new to it are imported %d, running %d, failed %d, gone %d, doubles %d\n",
		found.Jobs, found.Known, found.Imported, found.Running, found.Failed, found.Gone, len(found.Doubles))
	return nil
}
