package omicstest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

func bigStart(b *testing.B) []byte {
	sources := make([]fields, 100)
	for i := range sources {
		sources[i] = source()
		sources[i]["name"], sources[i]["tags"] = "a name", fields{"lane": "1"}
	}
	body, err := json.Marshal(fields{"roleArn": role, "sources": sources})
	require.NoError(b, err)
	return body
}

// forgetful returns a service that forgets its jobs, so that a benchmark of any length needs little memory.
func forgetful() *omicstest.Service {
	return omicstest.New(func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(0)
		o.JobRetention, o.DiscardExpired, o.MaxRequests = time.Millisecond, true, -1
	})
}

func BenchmarkStart100(b *testing.B) {
	service, body := forgetful(), bigStart(b)
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		service.ServeHTTP(w, httptest.NewRequest("POST", "/sequencestore/1234567890/importjob", bytes.NewReader(body)))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

func BenchmarkGet100(b *testing.B) {
	service := omicstest.New(func(o *omicstest.Options) { o.MaxRequests = -1 })
	w := httptest.NewRecorder()
	service.ServeHTTP(w, httptest.NewRequest("POST", "/sequencestore/1234567890/importjob", bytes.NewReader(bigStart(b))))
	path := "/sequencestore/1234567890/importjob/" + service.Jobs(store)[0].ID
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		service.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

// BenchmarkListReadSets lists a page of a store with 100,000 read sets, from another place each time.
func BenchmarkListReadSets(b *testing.B) {
	service := omicstest.New(func(o *omicstest.Options) {
		o.MaxRequests, o.JobDuration = -1, omicstest.FixedDuration(0)
	})
	for range 1000 {
		_, err := service.StartJob(store, role, ubams(100)...)
		require.NoError(b, err)
	}
	path, token := "/sequencestore/1234567890/readsets", ""
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		service.ServeHTTP(w, httptest.NewRequest("POST", path+token, nil))
		var page struct{ NextToken string }
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != http.StatusOK {
			b.Fatal(w.Code, err)
		}
		if token = ""; page.NextToken != "" {
			token = "?nextToken=" + page.NextToken
		}
	}
}

func BenchmarkGet100BySDK(b *testing.B) {
	service := omicstest.New(func(o *omicstest.Options) { o.MaxRequests = -1 })
	c := service.Client()
	out, err := c.StartReadSetImportJob(b.Context(), input("", 100))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := get(b.Context(), c, *out.Id); err != nil {
			b.Fatal(err)
		}
	}
}
