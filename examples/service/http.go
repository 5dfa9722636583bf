package main

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"regexp"

	"github.com/readsetimport/readsetimport/manifest"
)

//go:embed page
var page embed.FS

// requestID is the header that names an import. The same request can be made again, and is one import.
const requestID = "Idempotency-Key"

var validID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// handler answers all requests. It asks nobody who they are: put it behind something that does.
func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /stores/{store}/imports", s.post)
	mux.HandleFunc("GET /imports", func(w http.ResponseWriter, r *http.Request) { answer(w)(s.list(r.Context())) })
	mux.HandleFunc("GET /imports/{id}", func(w http.ResponseWriter, r *http.Request) { answer(w)(s.get(r.Context(), r.PathValue("id"))) })
	mux.HandleFunc("GET /imports/{id}/failures", func(w http.ResponseWriter, r *http.Request) {
		answer(w)(s.failures(r.Context(), r.PathValue("id")))
	})
	mux.HandleFunc("DELETE /imports/{id}", s.delete)
	mux.HandleFunc("GET /imports/{id}/events", s.streamOne)
	mux.HandleFunc("GET /events", s.streamAll)
	mux.Handle("GET /metrics", s.meters.handler())
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the folder is in the program
	}
	mux.Handle("GET /", http.FileServerFS(files))
	safe := http.NewCrossOriginProtection().Handler(mux) // pages of others cannot post
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src data:; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		safe.ServeHTTP(w, r)
	})
}

// answer returns a function that writes a value, or what an error means.
func answer(w http.ResponseWriter) func(value any, err error) {
	return func(value any, err error) {
		status, text := http.StatusInternalServerError, "the database cannot be read or written"
		switch {
		case err == nil:
			write(w, http.StatusOK, value)
			return
		case errors.Is(err, errNoImport):
			status, text = http.StatusNotFound, err.Error()
		case errors.Is(err, errOtherBody):
			status, text = http.StatusUnprocessableEntity, err.Error()
		}
		write(w, status, problem{Error: text})
	}
}

// problem is the body of an error.
type problem struct {
	Error  string   `json:"error"`
	Faults []string `json:"faults,omitempty"` // of the sheet, each with its place
}

func write(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // whoever asked may be gone
}

// post takes a sheet in. Once it is answered with 202, the sheet is in the database and will be imported.
func (s *service) post(w http.ResponseWriter, r *http.Request) {
	p := posted{id: r.Header.Get(requestID), store: r.PathValue("store"), reference: r.URL.Query().Get("reference")}
	switch {
	case s.posted[p.store] == nil:
		write(w, http.StatusNotFound, problem{Error: "this service does not import into that store"})
		return
	case !validID.MatchString(p.id):
		write(w, http.StatusBadRequest, problem{Error: "the header " + requestID + " must name the import: 1 to 64 letters, digits, dots, hyphens and underscores"})
		return
	}
	select {
	case s.uploads <- struct{}{}:
		defer func() { <-s.uploads }()
	case <-r.Context().Done():
		return
	}
	var err error
	var tooLarge *http.MaxBytesError
	switch p.sheet, err = io.ReadAll(http.MaxBytesReader(w, r.Body, s.maxSheet)); {
	case errors.As(err, &tooLarge):
		text := fmt.Sprintf("the sheet has more than %d bytes: post it in parts", tooLarge.Limit)
		write(w, http.StatusRequestEntityTooLarge, problem{Error: text})
		return
	case err != nil:
		write(w, http.StatusBadRequest, problem{Error: "nothing is imported: the sheet has not come to its end"})
		return
	}
	sources, err := s.readSheet(p)
	if err != nil {
		write(w, http.StatusBadRequest, problem{Error: "nothing is imported: the sheet has faults", Faults: faults(err)})
		return
	}
	p.total, p.digest = len(sources), digest(p)
	added, err := s.add(r.Context(), p)
	if err != nil {
		answer(w)(nil, err)
		return
	}
	status := http.StatusOK
	if added {
		status = http.StatusAccepted
		s.log.Info("import posted", "run", p.id, "store", p.store, "sources", p.total)
	}
	known, err := s.get(r.Context(), p.id)
	if err != nil {
		answer(w)(nil, err)
		return
	}
	w.Header().Set("Location", "/imports/"+p.id)
	write(w, status, known)
}

// digest tells whether two requests are the same.
func digest(p posted) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%q\n", p.store, p.reference)
	h.Write(p.sheet)
	return hex.EncodeToString(h.Sum(nil))
}

// faults lists what is wrong with a sheet.
func faults(err error) []string {
	var sheet *manifest.Error
	if !errors.As(err, &sheet) || len(sheet.Faults) == 0 {
		return []string{err.Error()}
	}
	list := make([]string, len(sheet.Faults))
	for i, f := range sheet.Faults {
		list[i] = f.Error()
	}
	return list
}

// delete stops an import. It answers at once: the import is stopping until the requests under way are answered.
func (s *service) delete(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if err := s.stop(r.Context(), id); err != nil {
		answer(w)(nil, err)
		return
	}
	answer(w)(s.get(r.Context(), id))
}
