package journaltest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
)

var begin = time.Date(2030, 1, 2, 3, 4, 5, 678_901_234, time.UTC)

// batch is the life of the n-th batch. No two records of all of them have both kind and client token in common.
func batch(n int) []journal.Record {
	r := journal.Record{
		Kind:            journal.Sending,
		Time:            begin.Add(time.Duration(n) * 1_000_000_007),
		SequenceStoreID: "1234567890",
		ClientToken:     fmt.Sprintf("rsi1-%d", n),
	}
	sending, released, started, ended := r, r, r, r
	sending.Attempt, sending.Body = 2+n, fmt.Sprintf("%032x", n)
	sending.Sources = sources(n, 3, false)
	released.Kind = journal.Released
	started.Kind, started.JobID = journal.Started, fmt.Sprintf("%010d", n)
	ended.Kind, ended.JobID = journal.Ended, started.JobID
	ended.Sources = sources(n, 3, true)
	return []journal.Record{sending, released, started, ended}
}

func sources(n, count int, ended bool) []journal.Source {
	list := make([]journal.Source, count)
	for i := range list {
		f := &list[i].Fingerprint
		binary.BigEndian.PutUint64(f[:8], uint64(n))
		binary.BigEndian.PutUint64(f[8:], ^uint64(i))
		switch {
		case ended && i%3 == 1:
			list[i].Status = types.ReadSetImportJobItemStatusFailed
		case ended:
			list[i].Status = types.ReadSetImportJobItemStatusFinished
			list[i].ReadSetID = fmt.Sprintf("%036d", n*count+i)
		}
	}
	return list
}

// samples are records of every kind, and such as are hard to keep.
func samples() []journal.Record {
	list := slices.Concat(batch(0), batch(1))
	add := func(change func(*journal.Record)) {
		r := batch(len(list))[0]
		change(&r)
		list = append(list, r)
	}
	for _, zone := range []*time.Location{time.FixedZone("", 5*3600+1800), time.FixedZone("", -8*3600), time.Local} {
		add(func(r *journal.Record) { r.Time = r.Time.In(zone) })
	}
	add(func(r *journal.Record) { r.Time = time.Now() })
	add(func(r *journal.Record) { r.Time = begin.Truncate(time.Second) })
	add(func(r *journal.Record) { r.Time = begin.Truncate(time.Second).Add(1) })
	for _, token := range []string{`quoted "', \ \n %s {}`, "Zoë \u00a0\u2028 読み取り 🧬", " spaces ", "<&>", "null", "0012"} {
		add(func(r *journal.Record) { r.ClientToken = token })
	}
	add(func(r *journal.Record) {
		r.Kind, r.ClientToken = journal.Placed, ""
		r.Place = &journal.Place{Region: "us-east-1", Endpoint: "127.0.0.1:8080", Account: "012345678901"}
	})
	// The largest that an import writes.
	add(func(r *journal.Record) {
		r.Kind, r.JobID = journal.Ended, strings.Repeat("9", 36)
		r.ClientToken = strings.Repeat("🧬", 127)
		r.Sources = sources(len(list), readsetimport.MaxSourcesPerJob, true)
	})
	return list
}

func clone(r journal.Record) journal.Record {
	r.Sources = slices.Clone(r.Sources)
	if r.Place != nil {
		place := *r.Place
		r.Place = &place
	}
	return r
}

// compare is how a replay differs from what was appended: the first few faults.
func compare(got, want []journal.Record) []error {
	const few = 3
	faults := compareAll(got, want)
	if more := len(faults) - few; more > 1 {
		faults = append(faults[:few], fmt.Errorf("and %d such faults more", more))
	}
	return faults
}

func compareAll(got, want []journal.Record) []error {
	name := func(r journal.Record) string { return fmt.Sprintf("%q of %q", r.Kind, r.ClientToken) }
	times := make(map[string]int)
	for _, r := range got {
		times[name(r)]++
	}
	var faults []error
	for i, r := range want {
		switch n := times[name(r)]; n {
		case 0:
			faults = append(faults, fmt.Errorf("record %d is missing", i))
		case 1:
		default:
			faults = append(faults, fmt.Errorf("record %d comes %d times", i, n))
		}
	}
	if len(faults) == 0 && len(got) > len(want) {
		faults = append(faults, fmt.Errorf("%d records too many", len(got)-len(want)))
	}
	if len(got) != len(want) {
		return faults
	}
	if len(faults) == 0 && !slices.EqualFunc(got, want, func(a, b journal.Record) bool { return name(a) == name(b) }) {
		return []error{errors.New("the records come in another order")}
	}
	for i, r := range got {
		if diff := difference(r, want[i]); diff != nil {
			faults = append(faults, fmt.Errorf("record %d: %w", i, diff))
		}
	}
	return faults
}

// difference is how a record has changed.
func difference(got, want journal.Record) error {
	var diffs []error
	differ := func(field string, got, want any) {
		if got != want {
			diffs = append(diffs, fmt.Errorf("%s is %q, not %q", field, fmt.Sprint(got), fmt.Sprint(want)))
		}
	}
	differ("Kind", got.Kind, want.Kind)
	if !got.Time.Equal(want.Time) {
		differ("Time", got.Time.Format(time.RFC3339Nano), want.Time.Format(time.RFC3339Nano))
	}
	differ("SequenceStoreID", got.SequenceStoreID, want.SequenceStoreID)
	differ("ClientToken", got.ClientToken, want.ClientToken)
	differ("Attempt", got.Attempt, want.Attempt)
	differ("Body", got.Body, want.Body)
	differ("JobID", got.JobID, want.JobID)
	if got.Place == nil || want.Place == nil {
		differ("Place", got.Place, want.Place)
	} else {
		differ("Place", *got.Place, *want.Place)
	}
	if len(got.Sources) != len(want.Sources) {
		differ("len(Sources)", len(got.Sources), len(want.Sources))
		return join(diffs)
	}
	for i, s := range got.Sources {
		if s != want.Sources[i] {
			differ(fmt.Sprintf("Sources[%d]", i), s, want.Sources[i])
			break
		}
	}
	return join(diffs)
}

// join is one error in one line.
func join(faults []error) error {
	if len(faults) == 0 {
		return nil
	}
	err := faults[0]
	for _, f := range faults[1:] {
		err = fmt.Errorf("%w; %w", err, f)
	}
	return err
}
