package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// No id of a person leaves the service, whatever HealthOmics says of it: not in logs, metrics, traces and answers. Once an
// import has ended, none is in the database.
func TestNoIDs(t *testing.T) {
	var mu sync.Mutex
	var spans strings.Builder
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		_, err := io.Copy(&spans, r.Body)
		if err != nil {
			spans.WriteString(err.Error())
		}
	}))
	defer collector.Close()
	w := newWorld(t, func(o *omicstest.Options) {
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			switch s.SampleID {
			case "PATIENT00003":
				return omicstest.Failed(fmt.Sprintf("the mates of %s in %s differ", s.SampleID, s.Source1))
			case "PATIENT00004":
				return omicstest.Failed("PATIENT00005 has these reads already")
			}
			return omicstest.Outcome{}
		}
	})
	w.env = []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL}
	p := w.start()
	p.post("good", sheet(0, 50))
	require.Equal(t, incomplete, p.wait("good").State)
	status, text := p.do(http.MethodPost, "/stores/"+store+"/imports", "faulty", sheet(0, 50)+"PATIENT00099,PATIENT00099.fastq,\n")
	require.Equal(t, http.StatusBadRequest, status)
	seen := text
	w.omics.Inject(omicstest.OpStart, omicstest.Validation().WithMessage("PATIENT00100 is not valid"))
	p.post("refused", sheet(100, 50))
	require.Equal(t, incomplete, p.wait("refused").State)
	w.omics.Inject(omicstest.OpStart, omicstest.NotFound().WithMessage("no reads of PATIENT00200"))
	p.post("denied", sheet(200, 50))
	require.Equal(t, incomplete, p.wait("denied").State)

	for _, path := range []string{
		"/", "/metrics", "/imports", "/imports/good", "/imports/good/failures", "/imports/good/events",
		"/imports/refused/failures", "/imports/denied/failures",
	} {
		status, text := p.do(http.MethodGet, path, "", "")
		require.Equal(t, http.StatusOK, status, path)
		seen += text
	}
	require.Contains(t, seen, "the mates of … in … differ")
	require.Contains(t, seen, "… has these reads already")
	for _, name := range []string{w.db, w.db + "-journal"} {
		bytes, err := os.ReadFile(name)
		require.NoError(t, err)
		seen += string(bytes)
	}
	p.stop()
	require.Contains(t, p.logged(), "StartReadSetImportJob")
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"import.sources", "Omics.StartReadSetImportJob", "http.status_code", "ValidationException"} {
		require.Contains(t, spans.String(), want)
	}
	seen += p.logged() + spans.String()
	require.NotContains(t, seen, "PATIENT")
}

// Server-sent events tell of an import until it has ended.
func TestEvents(t *testing.T) {
	w := newWorld(t, func(o *omicstest.Options) { o.MaxActiveJobs = 1 })
	p := w.start()
	p.post("monday", sheet(0, 500))
	status, text := p.do(http.MethodGet, "/imports/monday/events", "", "") // until it ends
	require.Equal(t, http.StatusOK, status)
	events := strings.Split(strings.TrimSpace(text), "\n\n")
	require.Greater(t, len(events), 2, text)
	for _, event := range events {
		require.True(t, strings.HasPrefix(event, `data: {"id":"monday"`), event)
	}
	require.NotContains(t, events[0], `"ended"`)
	require.Contains(t, events[len(events)-1], `"total":500,"state":"imported","running":0,"imported":500,"failed":0`)
}
