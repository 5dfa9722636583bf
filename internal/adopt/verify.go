package adopt

import (
	"context"
	"fmt"

	"github.com/readsetimport/readsetimport/internal/rules"
	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/readset"
)

// Imported is a result of an import: a source that is said to be in the store.
type Imported struct {
	Index     int
	ReadSetID string
	Source    wire.Source
}

// Discrepancy is something in the store that does not agree with one of the results.
type Discrepancy struct {
	wire.Discrepancy
	At  int // among the results
	Set readset.ReadSet
}

// Verify holds results against the store.
func Verify[S any](ctx context.Context, store Store[S], results []Imported) ([]Discrepancy, error) {
	found, err := find(ctx, store, results)
	if err != nil {
		return nil, err
	}
	var out []Discrepancy
	content := make(map[readset.Content]Imported)
	sets := make(map[string]Imported)
	for i, res := range results {
		set := found[res.ReadSetID]
		for _, d := range wire.Compare(res.Source, set) {
			out = append(out, Discrepancy{d, i, set})
		}
		twice := func(detail string) {
			out = append(out, Discrepancy{wire.Discrepancy{Kind: wire.ContentTwice, Detail: detail}, i, set})
		}
		if other, is := sets[res.ReadSetID]; is && set.ID != "" {
			twice(fmt.Sprintf("it is the read set of source %d, too", other.Index))
			continue
		}
		sets[res.ReadSetID] = res
		c, ok := set.Content()
		if other, is := content[c]; ok && is {
			twice(fmt.Sprintf("it has the content of read set %s, of source %d", other.ReadSetID, other.Index))
		} else if ok {
			content[c] = res
		}
	}
	return out, nil
}

// find returns those of the read sets that the store has. One that is not on the list, which may lag, is asked for by its id.
func find[S any](ctx context.Context, store Store[S], results []Imported) (map[string]readset.ReadSet, error) {
	const few = 200
	found := make(map[string]readset.ReadSet, len(results))
	for _, res := range results {
		found[res.ReadSetID] = readset.ReadSet{}
	}
	for set, err := range store.ReadSets(ctx) {
		if err != nil {
			return nil, err // also of a store that is not there, which has no read set either
		}
		if _, wanted := found[set.ID]; wanted {
			found[set.ID] = set
		}
		if len(found) <= few {
			break
		}
	}
	for id, set := range found {
		if set.ID != "" || !rules.IsID(id) {
			continue
		}
		set, _, err := store.ReadSet(ctx, id)
		if err != nil {
			return nil, err
		}
		found[id] = set
	}
	return found, nil
}
