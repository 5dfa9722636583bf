package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/omicstest"
)

// newIdle returns a service in this process that imports nothing.
func newIdle(t *testing.T) *service {
	w := newWorld(t)
	db, err := openDatabase(t.Context(), w.db)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	noTraces, err := newTraces(t.Context())
	require.NoError(t, err)
	set := settings{role: role, stores: []string{store}, rate: 500, minPoll: time.Millisecond, maxSheet: 1 << 20}
	s, err := newService(t.Context(), set, db, omicstest.New().Client(), slog.New(slog.DiscardHandler), newMeters(), noTraces)
	require.NoError(t, err)
	return s
}

func (s *service) mustAdd(t *testing.T, id string) {
	_, err := s.add(t.Context(), posted{id: id, store: store, sheet: []byte(sheet(0, 1)), total: 1})
	require.NoError(t, err)
}

// An import that ends while it is asked for has not gone back into the queue.
func TestAskedAtTheEnd(t *testing.T) {
	s := newIdle(t)
	s.mustAdd(t, "monday")
	_, err := s.take(t.Context(), store, &live{})
	require.NoError(t, err)
	s.mu.Lock()
	asked := make(chan []progress, 2)
	go func() {
		one, _ := s.get(t.Context(), "monday")
		asked <- []progress{one}
	}()
	go func() {
		all, _ := s.list(t.Context())
		asked <- all
	}()
	time.Sleep(200 * time.Millisecond) // both have come as far as they can
	require.NoError(t, s.db.end(t.Context(), "monday", imported, 1, nil))
	delete(s.live, "monday")
	s.mu.Unlock()
	for range 2 {
		require.Equal(t, imported, (<-asked)[0].State)
	}
}

// An import that ends while it is being stopped is there.
func TestStoppedAtTheEnd(t *testing.T) {
	s := newIdle(t)
	for i := range 20 {
		id := fmt.Sprint(i)
		s.mustAdd(t, id)
		connection, err := s.db.Conn(t.Context()) // the only one
		require.NoError(t, err)
		waiting := s.db.Stats().WaitCount
		done := make(chan error, 2)
		go func() { done <- s.stop(t.Context(), id) }()
		go func() { done <- s.db.end(t.Context(), id, imported, 1, nil) }()
		for s.db.Stats().WaitCount < waiting+2 {
			time.Sleep(time.Millisecond)
		}
		require.NoError(t, connection.Close())
		require.NoError(t, errors.Join(<-done, <-done))
	}
}

// Whoever listens is told of the end of an import, also after a hundred others were posted.
func TestEndOfAnOldImport(t *testing.T) {
	s := newIdle(t)
	s.mustAdd(t, "old")
	server := httptest.NewServer(s.handler())
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events", nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	require.True(t, lines.Scan())
	require.Contains(t, lines.Text(), `"id":"old"`)
	for i := range 100 {
		s.mustAdd(t, fmt.Sprint("new-", i))
	}
	require.NoError(t, s.db.end(t.Context(), "old", imported, 1, nil))
	s.mustAdd(t, "last")
	for lines.Scan() {
		if strings.Contains(lines.Text(), `"id":"old"`) {
			require.Contains(t, lines.Text(), `"state":"imported"`)
			return
		}
	}
	require.NoError(t, lines.Err())
}

// An upload that breaks off is not the database's fault, and is no import.
func TestBrokenUpload(t *testing.T) {
	s := newIdle(t)
	body := io.MultiReader(strings.NewReader(sheet(0, 3)), iotest.ErrReader(io.ErrUnexpectedEOF))
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/stores/"+store+"/imports", body)
	r.Header.Set(requestID, "monday")
	w := httptest.NewRecorder()
	s.handler().ServeHTTP(w, r)
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.NotContains(t, w.Body.String(), "database")
	_, err := s.get(t.Context(), "monday")
	require.ErrorIs(t, err, errNoImport)
}

// Ids are taken out of messages in the forms that they have there.
func TestHider(t *testing.T) {
	hide := newHider([]readsetimport.Source{
		readsetimport.FASTQ("s3://lab/PATIENT 7/reads.fastq.gz").WithSubject("PATIENT  7").WithSample("lane-1"),
	})
	for message, want := range map[string]string{
		"no such key: PATIENT 7/reads.fastq.gz":             "no such key: …",
		"no such object: s3://lab/PATIENT 7/reads.fastq.gz": "no such object: …",
		"of PATIENT  7": "of …",
		"of PATIENT 7":  "of …", // as errors have it, in one line
	} {
		require.Equal(t, want, hide.failure(readsetimport.Result{Err: errors.New(message)}).Reason)
	}
}
