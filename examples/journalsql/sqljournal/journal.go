// Package sqljournal keeps journals of imports in a table of an SQL database.
package sqljournal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"
	"sync"

	"github.com/readsetimport/readsetimport/journal"
)

// Journal keeps a [journal.Journal] in a table of any SQL database: one row a record, numbered from 0. Journals of
// several imports share the table under their names.
//
// The primary key keeps two clients from using one journal at the same time: each counts for itself, so the second to
// write a number fails, and its import stops before the request that the record was for.
type Journal struct {
	db   *sql.DB
	name string

	mu     sync.Mutex
	next   int64
	broken error // the first error of a write, after which nobody knows what is in the table
}

// The statements are such as PostgreSQL and SQLite understand. MySQL and MariaDB write ? for $1, and JSON or LONGTEXT
// for TEXT, which holds 64 KiB there.
const (
	createTable = `CREATE TABLE IF NOT EXISTS import_journal (
	name   VARCHAR(127) NOT NULL,
	seq    BIGINT       NOT NULL,
	record TEXT         NOT NULL,
	PRIMARY KEY (name, seq)
)`
	countRecords  = `SELECT COUNT(*) FROM import_journal WHERE name = $1`
	selectRecords = `SELECT seq, record FROM import_journal WHERE name = $1 ORDER BY seq`
	insertRecord  = `INSERT INTO import_journal (name, seq, record) VALUES ($1, $2, $3)`
)

// Open opens the journal of that name, and makes the table if there is none.
//
// A record counts as durable once it is committed, so the database must write through to the disk then. PostgreSQL does
// unless synchronous_commit is off, SQLite does with PRAGMA synchronous = EXTRA; with FULL, which is its default, a power
// cut can take the last record back.
func Open(ctx context.Context, db *sql.DB, name string) (*Journal, error) {
	j := &Journal{db: db, name: name}
	if _, err := db.ExecContext(ctx, createTable); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := db.QueryRowContext(ctx, countRecords, name).Scan(&j.next); err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	return j, nil
}

// Replay yields the records by number. A number that is missing is an error: what the journal says would be untrue.
func (j *Journal) Replay(ctx context.Context) iter.Seq2[journal.Record, error] {
	return func(yield func(journal.Record, error) bool) {
		fail := func(err error) { yield(journal.Record{}, fmt.Errorf("read journal: %w", err)) }
		j.mu.Lock()
		next := j.next
		j.mu.Unlock()
		rows, err := j.db.QueryContext(ctx, selectRecords, j.name)
		if err != nil {
			fail(err)
			return
		}
		defer rows.Close()
		want := int64(0)
		for ; rows.Next(); want++ {
			var seq int64
			var text string
			if err := rows.Scan(&seq, &text); err != nil {
				fail(err)
				return
			}
			if seq != want {
				fail(fmt.Errorf("record %d is missing", want))
				return
			}
			r, err := decode(text)
			if err != nil {
				fail(fmt.Errorf("record %d: %w", seq, err))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			fail(err)
		} else if want < next {
			fail(fmt.Errorf("record %d is missing", want))
		}
	}
}

// decode refuses fields that this version of the library does not know, since it would misread such a record.
func decode(text string) (r journal.Record, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	err = d.Decode(&r)
	return r, err
}

// Append adds a record in a transaction of its own.
func (j *Journal) Append(ctx context.Context, r journal.Record) error {
	r.Time = r.Time.UTC()
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	if err := ctx.Err(); err != nil {
		return err // nothing is written, and the next one may be
	}
	if err := j.insert(ctx, string(text)); err != nil {
		j.broken = fmt.Errorf("write journal: %w", err)
		return j.broken
	}
	j.next++
	return nil
}

func (j *Journal) insert(ctx context.Context, text string) error {
	tx, err := j.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, insertRecord, j.name, j.next, text); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// SQLite returns the data source name of an SQLite database in a file, for the driver of modernc.org/sqlite. A commit is on
// the disk when it returns, and waits for others to finish theirs. More pragmas are written as locking_mode(exclusive).
func SQLite(path string, pragmas ...string) string {
	u := url.URL{Scheme: "file", Opaque: url.PathEscape(path)}
	u.RawQuery = url.Values{"_pragma": append([]string{"synchronous(extra)", "busy_timeout(5000)"}, pragmas...)}.Encode()
	return u.String()
}
