package sqljournal

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/journal/journaltest"
)

func openDB(t *testing.T, path string) *sql.DB {
	db, err := sql.Open("sqlite", SQLite(path))
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func TestJournal(t *testing.T) {
	for name, connections := range map[string]int{"one connection": 1, "many": 0} {
		t.Run(name, func(t *testing.T) {
			db := openDB(t, filepath.Join(t.TempDir(), "a b?c%.db"))
			db.SetMaxOpenConns(connections)
			j, err := Open(t.Context(), db, "all checks")
			require.NoError(t, err)
			require.NoError(t, journaltest.TestJournal(j))
			require.NoError(t, journaltest.TestReopen(func() (journal.Journal, error) {
				return Open(t.Context(), db, "reopened")
			}))
		})
	}
}

func TestJournalInFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c%.db")
	require.NoError(t, journaltest.TestReopen(func() (journal.Journal, error) {
		return Open(t.Context(), openDB(t, path), "j")
	}))
	require.FileExists(t, path)
}

// Of two clients that use one journal, one stops.
func TestTwoClients(t *testing.T) {
	ctx, db := t.Context(), openDB(t, filepath.Join(t.TempDir(), "journal.db"))
	record := journal.Record{Kind: journal.Sending, ClientToken: "a"}
	first, err := Open(ctx, db, "j")
	require.NoError(t, err)
	second, err := Open(ctx, db, "j")
	require.NoError(t, err)
	other, err := Open(ctx, db, "other")
	require.NoError(t, err)

	require.NoError(t, first.Append(ctx, record))
	require.Error(t, second.Append(ctx, record))
	require.Error(t, second.Append(ctx, record), "it is final")
	require.NoError(t, first.Append(ctx, record))
	require.NoError(t, other.Append(ctx, record))
}

func TestDamage(t *testing.T) {
	ctx, db := t.Context(), openDB(t, filepath.Join(t.TempDir(), "journal.db"))
	for name, tc := range map[string]struct{ statement, want string }{
		"a row is gone":      {`DELETE FROM import_journal WHERE name = $1 AND seq = 1`, "record 1 is missing"},
		"another version":    {`UPDATE import_journal SET record = '{"kind":"sending","color":"red"}' WHERE name = $1 AND seq = 2`, "record 2: "},
		"no JSON":            {`UPDATE import_journal SET record = '' WHERE name = $1 AND seq = 0`, "record 0: "},
		"the last is gone":   {`DELETE FROM import_journal WHERE name = $1 AND seq = 2`, "record 2 is missing"},
		"the table is empty": {`DELETE FROM import_journal WHERE name = $1`, "record 0 is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			j, err := Open(ctx, db, name)
			require.NoError(t, err)
			for range 3 {
				require.NoError(t, j.Append(ctx, journal.Record{Kind: journal.Sending}))
			}
			_, err = db.ExecContext(ctx, tc.statement, name)
			require.NoError(t, err)
			require.ErrorContains(t, readAll(ctx, j), tc.want)
		})
	}
}

func readAll(ctx context.Context, j journal.Journal) error {
	for _, err := range j.Replay(ctx) {
		if err != nil {
			return err
		}
	}
	return nil
}
