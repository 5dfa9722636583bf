package main

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/readsetimport/readsetimport"
)

// meters are the metrics. They count since the start of the process, and have neither ids of imports nor of anything in
// them.
type meters struct {
	registry *prometheus.Registry
	sources  *prometheus.CounterVec
	answers  *prometheus.CounterVec
	latency  *prometheus.HistogramVec

	mu    sync.Mutex
	jobs  map[readsetimport.JobRef]job // those that run
	slots int                          // how many the service is known to admit at once; 0: as many as there were
}

type job struct {
	run   string
	since time.Time
}

// Outcomes of sources.
const (
	outcomeImported = "imported"
	outcomeAlready  = "already_imported" // by an earlier import, or by this one before a restart
	outcomeFailed   = "failed"
	outcomeUnknown  = "unknown"  // whether it was imported
	outcomeNotSent  = "not_sent" // or its job was left running
)

func newMeters() *meters {
	m := &meters{
		registry: prometheus.NewRegistry(),
		jobs:     make(map[readsetimport.JobRef]job),
		sources: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "readsetimport_sources_total", Help: "Sources of which it is known what became of them, by outcome.",
		}, []string{"outcome"}),
		answers: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "readsetimport_requests_total", Help: "Requests to HealthOmics, by operation and HTTP status; 0 is no answer.",
		}, []string{"operation", "status"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "readsetimport_request_duration_seconds", Help: "Time until a request to HealthOmics was answered, by operation.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"operation"}),
	}
	for _, outcome := range []string{outcomeImported, outcomeAlready, outcomeFailed, outcomeUnknown, outcomeNotSent} {
		m.sources.WithLabelValues(outcome)
	}
	for _, operation := range []string{"StartReadSetImportJob", "GetReadSetImportJob", "ListReadSetImportJobs"} {
		m.answers.WithLabelValues(operation, "200")
		m.answers.WithLabelValues(operation, "429")
		m.latency.WithLabelValues(operation)
	}
	m.answers.WithLabelValues("StartReadSetImportJob", "402")
	m.registry.MustRegister(m.sources, m.answers, m.latency,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.gauge("readsetimport_jobs_running", "Import jobs of this service that run.", func() float64 { return float64(len(m.jobs)) })
	m.gauge("readsetimport_job_slots", "Import jobs that the account admits at once, as far as is known: as many as ran at the last 402, or since; 0 before the first.",
		func() float64 { return float64(m.slots) })
	m.gauge("readsetimport_oldest_job_age_seconds", "Age of the oldest import job that runs; 0 if none does.", m.oldest)
	return m
}

// gauge registers a value that is read under the lock when it is asked for.
func (m *meters) gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
		m.mu.Lock()
		defer m.mu.Unlock()
		return value()
	}))
}

func (m *meters) oldest() float64 {
	var age time.Duration
	for _, j := range m.jobs {
		age = max(age, time.Since(j.since))
	}
	return age.Seconds()
}

// watch adds how many imports the database has.
func (m *meters) watch(open func(context.Context) (int, error)) {
	m.gauge("readsetimport_imports_open", "Imports that have not ended, those that wait for their turn included.", func() float64 {
		n, err := open(context.Background())
		if err != nil {
			return math.NaN()
		}
		return float64(n)
	})
}

func (m *meters) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// event counts what happens in an import.
func (m *meters) event(e readsetimport.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch e.Kind {
	case readsetimport.EventSourceEnded:
		m.sources.WithLabelValues(outcome(*e.Result)).Inc()
	case readsetimport.EventSlotWait:
		m.slots = max(1, len(m.jobs)) // one that is being started may not be among them yet
	case readsetimport.EventJobStarted, readsetimport.EventJobStatus:
		if e.Job.Done() {
			delete(m.jobs, e.Job.JobRef)
			break
		}
		since := e.Job.CreationTime
		if since.IsZero() {
			since = e.Time
		}
		m.jobs[e.Job.JobRef] = job{e.RunID, since}
		if m.slots > 0 {
			m.slots = max(m.slots, len(m.jobs))
		}
	case readsetimport.EventImportEnded:
		for ref, j := range m.jobs {
			if j.run == e.RunID {
				delete(m.jobs, ref)
			}
		}
	}
}

func outcome(r readsetimport.Result) string {
	var failed *readsetimport.JobError
	var refused *readsetimport.Error
	switch {
	case r.AlreadyImported:
		return outcomeAlready
	case r.Err == nil:
		return outcomeImported
	case errors.Is(r.Err, readsetimport.ErrUnresolved):
		return outcomeUnknown
	case errors.As(r.Err, &failed), errors.As(r.Err, &refused):
		return outcomeFailed
	}
	return outcomeNotSent
}

// requests is an option of the SDK's client: each of its requests is measured.
func (m *meters) requests(o *omics.Options) {
	measure := middleware.InitializeMiddlewareFunc("Measure", func(
		ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
	) (middleware.InitializeOutput, middleware.Metadata, error) {
		begin := time.Now()
		out, metadata, err := next.HandleInitialize(ctx, in)
		operation, status := awsmiddleware.GetOperationName(ctx), 0
		if raw, ok := awsmiddleware.GetRawResponse(metadata).(*smithyhttp.Response); ok {
			status = raw.StatusCode
		}
		m.answers.WithLabelValues(operation, strconv.Itoa(status)).Inc()
		m.latency.WithLabelValues(operation).Observe(time.Since(begin).Seconds())
		return out, metadata, err
	})
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
		return stack.Initialize.Add(measure, middleware.After)
	})
}
