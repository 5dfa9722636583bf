package ledger_test

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/ledger"
	"github.com/readsetimport/readsetimport/journal"
)

type memory struct{ records []journal.Record }

func (m *memory) Replay(context.Context) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		for _, r := range m.records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *memory) Append(_ context.Context, r journal.Record) error {
	m.records = append(m.records, r)
	return nil
}

const store = "1234567890"

// Whatever is written, in whatever order, is read again, and to the same effect.
func TestReplay(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		if !t.Run(fmt.Sprint(seed), func(t *testing.T) { replayOf(t, seed) }) {
			return
		}
	}
}

func replayOf(t *testing.T, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 7))
	n := 2 + random.IntN(5)
	all := make([]journal.Fingerprint, n)
	for i := range all {
		all[i] = journal.Fingerprint{byte(i + 1)}
	}
	mem := new(memory)
	l := ledger.New(mem)
	ctx := t.Context()
	require.NoError(t, l.Open(ctx))
	now := time.Unix(1e9, 0)
	next := 0
	id := func(kind int) string { next++; return fmt.Sprintf("%d%09d", kind, next) }
	pick := func() (out []journal.Fingerprint) {
		for _, f := range all {
			if random.IntN(2) == 0 {
				out = append(out, f)
			}
		}
		random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		return out
	}
	attempts := make(map[string]int)
	imports := []any{"a", "b"}
	jobs := make(map[string][]journal.Source) // of others
	var names []string
	log := ""
	for range 25 {
		now = now.Add(time.Second)
		by := imports[random.IntN(2)]
		under := l.UnderWay(store)
		var b ledger.Batch
		if len(under) > 0 {
			b = under[random.IntN(len(under))]
			b, _ = l.Batch(b.ClientToken)
		}
		rec := journal.Record{Time: now, SequenceStoreID: store, ClientToken: b.ClientToken}
		switch op := random.IntN(9); {
		case op == 0: // send
			rec.Kind, rec.ClientToken, rec.Attempt = journal.Sending, id(1), 1
			for _, f := range pick() {
				if s, err := l.Hold(f, by); err == nil && s.ReadSetID == "" && s.Batch == "" {
					rec.Sources = append(rec.Sources, journal.Source{Fingerprint: f})
				}
			}
			if len(rec.Sources) > 0 {
				require.NoError(t, l.Append(ctx, rec, by), log)
				attempts[rec.ClientToken] = 1
			}
			l.LetGo(all, by)
		case op == 1 && b.ClientToken != "" && b.JobID == "":
			rec.Kind, rec.JobID = journal.Started, id(2)
			require.NoError(t, l.Append(ctx, rec, by), log)
		case op == 2 && b.ClientToken != "" && b.JobID == "":
			rec.Kind = journal.Released
			require.NoError(t, l.Append(ctx, rec, by), log)
			if random.IntN(2) == 0 { // and again, under the next attempt
				rec.Kind, rec.Attempt = journal.Sending, 2
				for _, f := range b.Sources {
					rec.Sources = append(rec.Sources, journal.Source{Fingerprint: f})
				}
				require.NoError(t, l.Append(ctx, rec, by), log)
			}
		case op == 3 && b.ClientToken != "" && b.JobID != "":
			rec.Kind, rec.JobID = journal.Ended, b.JobID
			for i, f := range b.Sources {
				switch random.IntN(3) {
				case 0:
					rec.Sources = append(rec.Sources, journal.Source{Fingerprint: f, Status: types.ReadSetImportJobItemStatusFailed})
				case 1:
					rec.Sources = append(rec.Sources, journal.Source{Fingerprint: f, Status: types.ReadSetImportJobItemStatusFinished, ReadSetID: b.JobID + fmt.Sprint(i)})
				}
			}
			rec.Sources = l.Unknown(rec.ClientToken, rec.Sources)
			require.NoError(t, l.Append(ctx, rec, by), log)
		case op == 4 || op == 5: // adopt
			var name string
			if len(names) > 0 && random.IntN(2) == 0 {
				name = names[random.IntN(len(names))]
			} else {
				name = id(3)
				names = append(names, name)
				for i, f := range pick() {
					s := journal.Source{Fingerprint: f, Status: types.ReadSetImportJobItemStatusInProgress}
					if random.IntN(2) == 0 {
						s.Status = types.ReadSetImportJobItemStatusFailed
						if random.IntN(3) > 0 {
							s.Status, s.ReadSetID = types.ReadSetImportJobItemStatusFinished, name+fmt.Sprint(i)
						}
					}
					jobs[name] = append(jobs[name], s)
				}
			}
			rec.Kind, rec.JobID, rec.ClientToken = journal.Adopted, name, "adopted "+store+" "+name
			rec.Sources = jobs[name]
			held := pick()
			for _, f := range held {
				_, _ = l.Hold(f, by)
			}
			_, _, err := l.Adopt(ctx, rec)
			require.NoError(t, err, log)
			l.LetGo(held, by)
		case op == 6:
			var gone []journal.Source
			for _, s := range l.ReadSets(store) {
				if random.IntN(3) == 0 {
					gone = append(gone, s)
				}
			}
			_, err := l.Gone(ctx, journal.Record{Kind: journal.Gone, Time: now, SequenceStoreID: store, Sources: gone})
			require.NoError(t, err, log)
		case op == 7 && len(under) > 0:
			b := under[random.IntN(len(under))]
			rec.Kind, rec.ClientToken, rec.JobID = journal.Settled, b.ClientToken, b.JobID
			for _, f := range b.Sources {
				s := journal.Source{Fingerprint: f, Status: types.ReadSetImportJobItemStatusFailed}
				if random.IntN(2) == 0 {
					s.Status, s.ReadSetID = types.ReadSetImportJobItemStatusFinished, id(4)
				}
				rec.Sources = append(rec.Sources, s)
			}
			if rec.JobID == "" && random.IntN(2) == 0 && len(names) > 0 {
				rec.JobID = names[random.IntN(len(names))]
			}
			l.LetGoOfBatch(b.ClientToken, imports[0])
			l.LetGoOfBatch(b.ClientToken, imports[1])
			if len(rec.Sources) > 0 {
				d := journal.Doubt{SequenceStoreID: rec.SequenceStoreID, ClientToken: rec.ClientToken, JobID: b.JobID}
				for _, s := range rec.Sources {
					d.Sources = append(d.Sources, journal.DoubtSource{Fingerprint: s.Fingerprint})
				}
				require.NoError(t, l.Settle(ctx, d, []journal.Record{rec}), log)
			}
		case op == 8 && b.ClientToken != "":
			require.NoError(t, l.Doubt(ctx, b.ClientToken, map[journal.Fingerprint][]string{b.Sources[0]: {id(5)}}, random.IntN(2) == 0), log)
		default:
			continue
		}
		log = ""
		for _, r := range mem.records {
			log += fmt.Sprintf("%s %s job %s %v\n", r.Kind, r.ClientToken, r.JobID, r.Sources)
		}
		again := ledger.New(mem)
		require.NoError(t, again.Open(ctx), log)
		for _, f := range all {
			require.Equal(t, l.Source(f), again.Source(f), log)
			s := l.Source(f)
			if s.Batch != "" {
				known, ok := l.Batch(s.Batch)
				require.True(t, ok, log)
				require.Contains(t, known.Sources, f, log)
			}
		}
		require.Equal(t, l.UnderWay(store), again.UnderWay(store), log)
		require.ElementsMatch(t, l.ReadSets(store), again.ReadSets(store), log)
	}
}
