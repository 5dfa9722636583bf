package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// progress says each minute what the audit is at: that of a large store takes long.
type progress struct {
	mu    sync.Mutex
	w     io.Writer
	began time.Time
	doing string
	done  int

	stop    chan struct{}
	stopped sync.WaitGroup
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, began: time.Now(), stop: make(chan struct{})}
	p.stopped.Go(func() {
		tick := time.NewTicker(time.Minute)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				p.say()
			case <-p.stop:
				return
			}
		}
	})
	return p
}

// step begins something else.
func (p *progress) step(doing string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doing, p.done = doing, 0
}

// add counts a job or a read set.
func (p *progress) add() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done++
}

func (p *progress) say() {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.w, "%s so far: %s", time.Since(p.began).Round(time.Second), p.doing)
	if p.done > 0 {
		fmt.Fprintf(p.w, ", %d", p.done)
	}
	fmt.Fprintln(p.w)
}

// Write writes whole lines between those of the progress.
func (p *progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.w.Write(text)
}

func (p *progress) close() {
	close(p.stop)
	p.stopped.Wait()
}
