package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	eventPause = 200 * time.Millisecond // between two events of an import: what happens in between is in the second
	eventAlive = 15 * time.Second       // a comment, so that nothing on the way takes the connection for idle
	eventWrite = 30 * time.Second       // how long a reader may be too slow
)

// streamAll sends the progress of every import, and then of each that has changed.
func (s *service) streamAll(w http.ResponseWriter, r *http.Request) { s.stream(w, r, s.list) }

// streamOne does so for one import, until it has ended.
func (s *service) streamOne(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	one := func(ctx context.Context) ([]progress, error) {
		p, err := s.get(ctx, id)
		return []progress{p}, err
	}
	if _, err := one(r.Context()); err != nil {
		answer(w)(nil, err)
		return
	}
	s.stream(w, r, one)
}

// stream sends server-sent events. Each of them is the whole progress of one import, so that a reader that was away, or is
// slow, misses nothing that counts.
func (s *service) stream(w http.ResponseWriter, r *http.Request, read func(context.Context) ([]progress, error)) {
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // that of the server is for requests
	alive := time.NewTicker(eventAlive)
	defer alive.Stop()
	one := r.PathValue("id") != ""
	sent := make(map[string]progress)
	for {
		changed := s.news()
		all, err := read(r.Context())
		for id, p := range sent { // those that have ended since, and are not among the newest any more
			if err == nil && p.Ended == "" && !slices.ContainsFunc(all, func(a progress) bool { return a.ID == id }) {
				p, err = s.get(r.Context(), id)
				all = append(all, p)
			}
		}
		_ = out.SetWriteDeadline(time.Now().Add(eventWrite))
		for _, p := range slices.Backward(all) {
			if err == nil && sent[p.ID] != p {
				sent[p.ID] = p
				err = writeEvent(w, p)
			}
		}
		if err != nil || out.Flush() != nil || one && all[0].Ended != "" {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-s.ending:
			return
		case <-changed:
			time.Sleep(eventPause)
		case <-alive.C:
			fmt.Fprint(w, ":\n\n")
		}
	}
}

func writeEvent(w http.ResponseWriter, p progress) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "data: %s\n\n", text)
	return err
}
