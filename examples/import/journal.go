package main

import (
	"errors"
	"fmt"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/recall"
)

// correct puts right what the results say of sources that the import did not come to before it was cut off.
func correct(known recall.Memory, t readsetimport.Target, results []readsetimport.Result) {
	for i := range results {
		r := &results[i]
		switch s := known[t.Fingerprint(r.Source)]; {
		case r.Err == nil:
		case s.State == recall.InStore:
			r.JobID, r.ReadSetID, r.AlreadyImported, r.Err = s.JobID, s.ReadSetID, true, nil
		case s.State == recall.UnderWay && r.JobID == "" && !errors.Is(r.Err, readsetimport.ErrUnresolved):
			r.JobID, r.Err = s.JobID, fmt.Errorf("%w: an earlier run sent it", readsetimport.ErrUnresolved)
		}
	}
}
