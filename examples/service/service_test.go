package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// A sheet is imported, the same request again is the same import, and another sheet under its id is refused.
func TestImport(t *testing.T) {
	w := newWorld(t)
	p := w.start()
	p.post("monday", sheet(0, 250))
	got := p.wait("monday")
	require.Equal(t, imported, got.State)
	require.Equal(t, [3]int{250, 250, 0}, [3]int{got.Total, got.Imported, got.Failed})
	require.Len(t, w.omics.ReadSets(store), 250)

	status, text := p.do(http.MethodPost, "/stores/"+store+"/imports", "monday", sheet(0, 250))
	require.Equal(t, http.StatusOK, status, text)
	require.Contains(t, text, `"state":"imported"`)
	for path, body := range map[string]string{"/stores/" + store + "/imports": sheet(0, 251), "/stores/" + otherStore + "/imports": sheet(0, 250)} {
		status, text = p.do(http.MethodPost, path, "monday", body)
		require.Equal(t, http.StatusUnprocessableEntity, status, text)
	}

	// A sheet that has grown is another import, of what is new.
	p.post("tuesday", sheet(0, 260))
	require.Equal(t, 260, p.wait("tuesday").Imported)
	require.Len(t, w.omics.ReadSets(store), 260)
	require.Len(t, w.omics.Jobs(store), 4)

	p.stop()
}

// Bad requests are refused with a reason, and nothing is sent.
func TestRefused(t *testing.T) {
	w := newWorld(t)
	p := w.start("-max-sheet=2000")
	good := "/stores/" + store + "/imports"
	for name, tc := range map[string]struct {
		path, id, body string
		status         int
		want           string
	}{
		"no request id":    {good, "", sheet(0, 1), http.StatusBadRequest, requestID},
		"odd request id":   {good, "../monday", sheet(0, 1), http.StatusBadRequest, requestID},
		"another store":    {"/stores/9999999999/imports", "a", sheet(0, 1), http.StatusNotFound, "does not import"},
		"too large":        {good, "a", sheet(0, 100), http.StatusRequestEntityTooLarge, "more than 2000 bytes"},
		"no sheet":         {good, "a", "", http.StatusBadRequest, "faults"},
		"a fault":          {good, "a", strings.Replace(sheet(0, 2), "s3://", "http://", 1), http.StatusBadRequest, "sheet:2:14: fastq_1: "},
		"the same twice":   {good, "a", sheet(0, 2) + strings.SplitAfter(sheet(0, 1), "\n")[1], http.StatusBadRequest, "sheet:4:"},
		"for others":       {good, "a", apiManifest(otherStore, role), http.StatusBadRequest, "for store " + otherStore},
		"with their role":  {good, "a", apiManifest(store, role+"2"), http.StatusBadRequest, role},
		"of another page":  {good, "cross-site", sheet(0, 1), http.StatusForbidden, ""},
		"no such import":   {"/imports/none", "", "", http.StatusNotFound, "no such import"},
		"no such failures": {"/imports/none/failures", "", "", http.StatusNotFound, "no such import"},
		"no such events":   {"/imports/none/events", "", "", http.StatusNotFound, "no such import"},
	} {
		t.Run(name, func(t *testing.T) {
			method := http.MethodPost
			if strings.HasPrefix(tc.path, "/imports/") {
				method = http.MethodGet
			}
			r, err := http.NewRequestWithContext(t.Context(), method, p.url+tc.path, strings.NewReader(tc.body))
			require.NoError(t, err)
			r.Header.Set(requestID, tc.id)
			if tc.id == "cross-site" {
				r.Header.Set("Sec-Fetch-Site", tc.id)
			}
			answer, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			text := new(strings.Builder)
			require.NoError(t, answer.Write(text))
			require.Equal(t, tc.status, answer.StatusCode, text)
			require.Contains(t, text.String(), tc.want)
			require.NotContains(t, text.String(), "PATIENT")
		})
	}
	var all []progress
	p.get("/imports", &all)
	require.Empty(t, all)
	require.Empty(t, w.omics.Jobs(store))
}

func apiManifest(store, role string) string {
	return fmt.Sprintf(`{"sequenceStoreId": %q, "roleArn": %q, "sources": [{"sourceFiles": {"source1": "s3://reads/PATIENT00000.bam"},
		"sourceFileType": "UBAM", "sampleId": "PATIENT00000", "subjectId": "PATIENT00000"}]}`, store, role)
}

// Imports into one store wait for each other, and those into another store do not. A request to end loses nothing.
func TestQueueAndShutdown(t *testing.T) {
	w := newWorld(t, func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(2 * time.Second) })
	p := w.start()
	p.post("first", sheet(0, 120))
	p.post("second", sheet(100, 100))
	status, text := p.do(http.MethodPost, "/stores/"+otherStore+"/imports", "other", sheet(0, 10))
	require.Equal(t, http.StatusAccepted, status, text)
	states := func() [3]state {
		var all [3]progress
		for i, id := range []string{"first", "second", "other"} {
			p.get("/imports/"+id, &all[i])
		}
		return [3]state{all[0].State, all[1].State, all[2].State}
	}
	p.until(func() bool { return len(w.omics.Jobs(store)) == 2 && len(w.omics.Jobs(otherStore)) == 1 })
	require.Equal(t, [3]state{running, queued, running}, states())
	p.stop()

	p = w.start()
	p.until(func() bool { return states() == [3]state{imported, imported, imported} })
	require.Len(t, w.omics.ReadSets(store), 200)
	require.Len(t, w.omics.Jobs(store), 3)
	require.Len(t, w.omics.ReadSets(otherStore), 10)
}

// The service does not start where it would lose or double something, or ends at once.
func TestNotStarted(t *testing.T) {
	w := newWorld(t, func(o *omicstest.Options) { o.MaxActiveJobs = 1 })
	ends := func(want string, args ...string) {
		t.Helper()
		p := w.start(args...)
		require.Error(t, p.end())
		require.Contains(t, p.logged(), want)
	}
	ends("-stores and -role: ", "-role=none")
	p := w.start()
	ends("which one service at a time can use")
	p.post("monday", sheet(0, 200))
	p.until(func() bool { return len(w.omics.Jobs(store)) == 1 })
	p.kill()
	ends("import monday has not ended: give its store, "+store, "-stores="+otherStore)
	ends("the sheet of import monday can no longer be read", "-max-sheet=100")

	w.spoil(`UPDATE import_journal SET seq = seq + 1000 WHERE seq = 0`)
	ends("record 0 is missing")
	w.spoil(`UPDATE import_journal SET seq = seq - 1000 WHERE seq = 1000`)
	require.Equal(t, 200, w.start().wait("monday").Imported)
	requireOnce(t, w, store, 200)
}

// A service that cannot write its journal any more ends, and goes on when it can.
func TestJournalBreaks(t *testing.T) {
	for seq := range 5 { // where it breaks
		t.Run(fmt.Sprint(seq), func(t *testing.T) {
			w := newWorld(t)
			w.start().stop()
			w.spoil(fmt.Sprintf(`CREATE TRIGGER full BEFORE INSERT ON import_journal WHEN NEW.seq >= %d
				BEGIN SELECT RAISE(ABORT, 'the disk is full'); END`, seq))
			p := w.start()
			p.do(http.MethodPost, "/stores/"+store+"/imports", "monday", sheet(0, 200)) // answered or not
			require.Error(t, p.end())
			require.Contains(t, p.logged(), "the disk is full")
			w.spoil(`DROP TRIGGER full`)
			require.Equal(t, 200, w.start().wait("monday").Imported)
			requireOnce(t, w, store, 200)
		})
	}
}

// What is stopped starts no more jobs, now and after a crash in the middle of it. What its jobs bring in is not lost.
func TestStop(t *testing.T) {
	for name, crash := range map[string]bool{"by itself": false, "with a crash": true} {
		t.Run(name, func(t *testing.T) {
			durations := []time.Duration{time.Second / 10, 4 * time.Second, time.Second / 10, time.Second / 10}
			w := newWorld(t, func(o *omicstest.Options) {
				o.MaxActiveJobs = 1
				o.JobDuration = func(omicstest.Job) (d time.Duration) {
					d, durations = durations[0], durations[1:]
					return d
				}
			})
			p := w.start()
			p.post("first", sheet(0, 300))
			p.post("second", sheet(300, 10))
			p.until(func() bool {
				var first progress
				p.get("/imports/first", &first)
				return first.Imported == 100 && len(w.omics.Jobs(store)) == 2
			})
			if crash {
				w.omics.Inject(omicstest.OpGet, omicstest.Internal().WithDelay(2*time.Second)) // and stopping takes a while
			}
			status, text := p.do(http.MethodDelete, "/imports/second", "", "")
			require.Equal(t, http.StatusOK, status, text)
			require.Contains(t, text, `"state":"stopped"`)
			status, text = p.do(http.MethodDelete, "/imports/first", "", "")
			require.Equal(t, http.StatusOK, status, text)
			if crash {
				require.Contains(t, text, `"state":"stopping"`)
				p.kill()
				p = w.start()
			}
			got := p.wait("first")
			require.Equal(t, stopped, got.State)
			require.Equal(t, [3]int{300, 100, 200}, [3]int{got.Total, got.Imported, got.Failed})
			var why []failure
			p.get("/imports/first/failures", &why)
			require.Len(t, why, 200)
			require.Contains(t, why[0].Reason, errStopped.Error())
			require.Len(t, w.omics.Jobs(store), 2)

			p.post("again", sheet(0, 300))
			require.Equal(t, 300, p.wait("again").Imported)
			require.Len(t, w.omics.ReadSets(store), 300)
		})
	}
}

// An import that began before a restart, and is stopped before its worker has it again, is not said to have sent nothing.
func TestStopEarly(t *testing.T) {
	w := newWorld(t, func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
	db, err := openDatabase(t.Context(), w.db)
	require.NoError(t, err)
	defer db.Close()
	noTraces, err := newTraces(t.Context())
	require.NoError(t, err)
	open := func() *service {
		set := settings{role: role, stores: []string{store}, rate: 500, minPoll: time.Millisecond}
		s, err := newService(t.Context(), set, db, w.omics.Client(), slog.New(slog.DiscardHandler), newMeters(), noTraces)
		require.NoError(t, err)
		return s
	}
	work := func(s *service, until func() bool) {
		var ctx context.Context
		ctx, s.fail = context.WithCancelCause(t.Context())
		var working sync.WaitGroup
		working.Go(func() { s.work(ctx) })
		for !until() {
			time.Sleep(time.Millisecond)
		}
		s.fail(nil)
		working.Wait()
	}
	s := open()
	for _, id := range []string{"first", "second"} {
		_, err := s.add(t.Context(), posted{id: id, store: store, sheet: []byte(sheet(0, 300)), total: 300})
		require.NoError(t, err)
	}
	work(s, func() bool { // until the answers that name the jobs are on record: a job that no answer named has no id to tell
		var started int
		require.NoError(t, db.QueryRowContext(t.Context(), `SELECT COUNT(*) FROM import_journal WHERE record LIKE '%"kind":"started"%'`).Scan(&started))
		return started == 3
	})
	require.Len(t, w.omics.Jobs(store), 3)

	s = open()
	states := func() (all [2]state) {
		for i, id := range []string{"first", "second"} {
			got, err := s.get(t.Context(), id)
			require.NoError(t, err)
			all[i] = got.State
		}
		return all
	}
	require.Equal(t, [2]state{queued, queued}, states())
	for _, id := range []string{"second", "first", "first"} {
		require.NoError(t, s.stop(t.Context(), id))
	}
	require.Equal(t, [2]state{stopping, stopped}, states())
	work(s, func() bool { return states() == [2]state{stopped, stopped} })
	why, err := s.failures(t.Context(), "first")
	require.NoError(t, err)
	require.Len(t, why, 300)
	for _, f := range why {
		require.NotEmpty(t, f.Job, "the job that source %d is in: %s", f.Index, f.Reason)
	}
}
