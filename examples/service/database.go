package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/readsetimport/readsetimport/examples/journalsql/sqljournal"
)

// The table of imports. The sheet, which holds ids of persons, is there until its import has ended, and then only its digest.
const createImports = `CREATE TABLE IF NOT EXISTS imports (
	place     INTEGER      NOT NULL PRIMARY KEY,
	id        VARCHAR(64)  NOT NULL UNIQUE,
	store     VARCHAR(36)  NOT NULL,
	reference VARCHAR(127) NOT NULL,
	digest    VARCHAR(64)  NOT NULL,
	sheet     BLOB,
	state     VARCHAR(16)  NOT NULL,
	created   VARCHAR(35)  NOT NULL,
	ended     VARCHAR(35)  NOT NULL DEFAULT '',
	total     INTEGER      NOT NULL,
	imported  INTEGER      NOT NULL DEFAULT 0,
	failed    INTEGER      NOT NULL DEFAULT 0,
	failures  TEXT         NOT NULL DEFAULT '[]'
)`

// state is how far an import is.
type state string

const (
	queued     state = "queued"
	running    state = "running"    // in this process: the table says queued
	stopping   state = "stopping"   // no more jobs are started
	imported   state = "imported"   // every source is in the store
	incomplete state = "incomplete" // some are not, and the failures say why
	stopped    state = "stopped"
)

// progress is what everybody may see of an import: no ids of samples or subjects, no names and no files.
type progress struct {
	ID       string `json:"id"`
	Store    string `json:"store"`
	Total    int    `json:"total"` // sources in the sheet
	State    state  `json:"state"`
	Running  int    `json:"running"`  // in jobs that run
	Imported int    `json:"imported"` // in the store
	Failed   int    `json:"failed"`   // with any other outcome
	Created  string `json:"created"`
	Ended    string `json:"ended,omitempty"`
}

// failure is a source that was not imported, or may not have been.
type failure struct {
	Index  int    `json:"index"` // position in the sheet, from 0
	Job    string `json:"job,omitempty"`
	Reason string `json:"reason"`
}

// posted is an import as it is needed to be run.
type posted struct {
	id, store, reference, digest string
	sheet                        []byte
	total                        int
	state                        state
}

// database is the table of imports.
type database struct{ *sql.DB }

// openDatabase opens the database for this process alone: a second service on the same file would import the same sheets. What
// is deleted is overwritten, since sheets hold ids of persons.
func openDatabase(ctx context.Context, path string) (database, error) {
	db, err := sql.Open("sqlite", sqljournal.SQLite(path, "locking_mode(exclusive)", "secure_delete(on)", "journal_mode(truncate)"))
	if err != nil {
		return database{}, err
	}
	db.SetMaxOpenConns(1) // it is a connection that has the lock
	if _, err := db.ExecContext(ctx, createImports); err != nil {
		return database{}, errors.Join(fmt.Errorf("open %s, which one service at a time can use: %w", path, err), db.Close())
	}
	return database{db}, nil
}

func now() string { return time.Now().UTC().Format(time.RFC3339) }

var (
	errNoImport  = errors.New("there is no such import")
	errOtherBody = errors.New("the request id was used for another sheet")
)

// add writes an import down, or finds it if it is there already. The error is errOtherBody if that is another import.
func (d database) add(ctx context.Context, p posted) (added bool, err error) {
	res, err := d.ExecContext(ctx, `INSERT INTO imports (id, store, reference, digest, sheet, state, created, total)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
		p.id, p.store, p.reference, p.digest, p.sheet, queued, now(), p.total)
	if err != nil {
		return false, err
	}
	if n, err := res.RowsAffected(); n > 0 || err != nil {
		return true, err
	}
	var digest string
	err = d.one(ctx, `SELECT digest FROM imports WHERE id = $1`, p.id)(&digest)
	if err == nil && digest != p.digest {
		err = errOtherBody
	}
	return false, err
}

// next returns the import of a store whose turn it is: the first that has not ended. The error is errNoImport if all have.
func (d database) next(ctx context.Context, store string) (p posted, err error) {
	err = d.one(ctx, `SELECT id, store, reference, sheet, state FROM imports WHERE store = $1 AND ended = ''
		ORDER BY place LIMIT 1`, store)(&p.id, &p.store, &p.reference, &p.sheet, &p.state)
	return p, err
}

// stopping writes down that an import is to be stopped.
func (d database) stopping(ctx context.Context, id string) error {
	_, err := d.ExecContext(ctx, `UPDATE imports SET state = $1 WHERE id = $2 AND ended = ''`, stopping, id)
	return err
}

// end writes down how an import ended, and forgets the sheet.
func (d database) end(ctx context.Context, id string, s state, in int, failures []failure) error {
	text, err := json.Marshal(failures)
	if err == nil {
		_, err = d.ExecContext(ctx, `UPDATE imports SET state = $1, ended = $2, imported = $3, failed = $4, failures = $5, sheet = NULL
			WHERE id = $6 AND ended = ''`, s, now(), in, len(failures), string(text), id)
	}
	return err
}

const columns = `SELECT id, store, state, total, imported, failed, created, ended FROM imports `

func (p *progress) fields() []any {
	return []any{&p.ID, &p.Store, &p.State, &p.Total, &p.Imported, &p.Failed, &p.Created, &p.Ended}
}

// get returns an import as the table has it.
func (d database) get(ctx context.Context, id string) (p progress, err error) {
	err = d.one(ctx, columns+`WHERE id = $1`, id)(p.fields()...)
	return p, err
}

// newest returns the imports that came last, and all that have not ended, the newest first.
func (d database) newest(ctx context.Context, most int) ([]progress, error) {
	rows, err := d.QueryContext(ctx, columns+`WHERE ended = '' OR place > (SELECT MAX(place) FROM imports) - $1 ORDER BY place DESC`, most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := []progress{}
	for rows.Next() {
		var p progress
		if err := rows.Scan(p.fields()...); err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, rows.Err()
}

// failures returns the failures of an import that has ended.
func (d database) failures(ctx context.Context, id string) (f []failure, err error) {
	var text string
	if err = d.one(ctx, `SELECT failures FROM imports WHERE id = $1`, id)(&text); err == nil {
		err = json.Unmarshal([]byte(text), &f)
	}
	return f, err
}

// open counts the imports that have not ended.
func (d database) open(ctx context.Context) (n int, err error) {
	err = d.one(ctx, `SELECT COUNT(*) FROM imports WHERE ended = ''`)(&n)
	return n, err
}

// one returns a function that reads the one row of an answer. Its error is errNoImport if there is none.
func (d database) one(ctx context.Context, query string, args ...any) func(to ...any) error {
	return func(to ...any) error {
		err := d.QueryRowContext(ctx, query, args...).Scan(to...)
		if errors.Is(err, sql.ErrNoRows) {
			return errNoImport
		}
		return err
	}
}
