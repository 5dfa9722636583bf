package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

func TestMetrics(t *testing.T) {
	w := newWorld(t, func(o *omicstest.Options) {
		o.MaxActiveJobs = 2
		o.JobDuration = omicstest.FixedDuration(2 * time.Second)
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			if s.SampleID < "PATIENT00007" {
				return omicstest.Failed("no such file")
			}
			return omicstest.Outcome{}
		}
	})
	w.omics.Inject(omicstest.OpStart, omicstest.Throttled())
	p := w.start()
	p.post("monday", sheet(0, 300))
	number := func(name string) float64 {
		n, err := strconv.ParseFloat(p.metrics()[name], 64)
		require.NoError(t, err, name)
		return n
	}
	p.until(func() bool { return number("readsetimport_job_slots") == 2 })
	require.EqualValues(t, 1, number("readsetimport_imports_open"))
	require.EqualValues(t, 2, number("readsetimport_jobs_running"))
	require.Positive(t, number("readsetimport_oldest_job_age_seconds"))
	require.Equal(t, incomplete, p.wait("monday").State)

	for name, want := range map[string]float64{
		`readsetimport_sources_total{outcome="imported"}`:                                 293,
		`readsetimport_sources_total{outcome="failed"}`:                                   7,
		`readsetimport_sources_total{outcome="already_imported"}`:                         0,
		`readsetimport_sources_total{outcome="unknown"}`:                                  0,
		`readsetimport_sources_total{outcome="not_sent"}`:                                 0,
		`readsetimport_requests_total{operation="StartReadSetImportJob",status="429"}`:    1,
		`readsetimport_jobs_running`:                                                      0,
		`readsetimport_oldest_job_age_seconds`:                                            0,
		`readsetimport_imports_open`:                                                      0,
		`readsetimport_request_duration_seconds_count{operation="ListReadSetImportJobs"}`: float64(len(w.omics.Requests(omicstest.OpList))),
		`readsetimport_request_duration_seconds_count{operation="GetReadSetImportJob"}`:   float64(len(w.omics.Requests(omicstest.OpGet))),
		`readsetimport_request_duration_seconds_count{operation="StartReadSetImportJob"}`: float64(len(w.omics.Requests(omicstest.OpStart))),
	} {
		require.InDelta(t, want, number(name), 0, name)
	}
	require.GreaterOrEqual(t, number(`readsetimport_requests_total{operation="StartReadSetImportJob",status="402"}`), 1.)

	// The same sheet again brings in what failed, if it can, and counts the rest as what it is.
	w.omics.Inject(omicstest.OpStart, omicstest.DropAfter())
	p.post("tuesday", sheet(0, 300))
	require.Equal(t, 293, p.wait("tuesday").Imported)
	require.InDelta(t, 293, number(`readsetimport_sources_total{outcome="already_imported"}`), 0)
	require.InDelta(t, 14, number(`readsetimport_sources_total{outcome="failed"}`), 0)
	require.InDelta(t, 1, number(`readsetimport_requests_total{operation="StartReadSetImportJob",status="0"}`), 0)
}

var (
	metricNames = regexp.MustCompile(`(readsetimport_\w+)(?:\{([^}]*)\})?`)
	labelValues = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"`)
	byLabels    = regexp.MustCompile(`by \(([^)]*)\)`)
)

// The dashboard asks for metrics, labels and values that the service has, and for each of its metrics.
func TestDashboard(t *testing.T) {
	text, err := os.ReadFile("dashboard.json")
	require.NoError(t, err)
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	require.NoError(t, json.Unmarshal(text, &dashboard))
	values := newWorld(t).start().metrics()
	asked := make(map[string]bool)
	for _, panel := range dashboard.Panels {
		require.NotEmpty(t, panel.Targets)
		for _, target := range panel.Targets {
			found := metricNames.FindAllStringSubmatch(target.Expr, -1)
			require.NotEmpty(t, found, target.Expr)
			for _, metric := range found {
				asked[family(metric[1])] = true
				requireSeries(t, values, metric[1], target.Expr, metric[2])
			}
		}
	}
	for series := range values {
		require.True(t, asked[family(metricNames.FindStringSubmatch(series)[1])], "no panel shows %s", series)
	}
}

func family(name string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		name = strings.TrimSuffix(name, suffix)
	}
	return name
}

// requireSeries requires a series of the metric with every label that the query names, and with the values that it selects.
func requireSeries(t *testing.T, values map[string]string, metric, query, labels string) {
	t.Helper()
	has := func(part string) bool {
		for series := range values {
			name, _, _ := strings.Cut(series, "{")
			if name == metric && strings.Contains(series, part) {
				return true
			}
		}
		return false
	}
	require.True(t, has(""), "no metric %s, which %s asks for", metric, query)
	for _, label := range labelValues.FindAllStringSubmatch(labels, -1) {
		for value := range strings.SplitSeq(label[3], "|") {
			require.True(t, has(label[1]+`="`+value+`"`), "%s has no %s=%q, which %s asks for", metric, label[1], value, query)
		}
	}
	for _, by := range byLabels.FindAllStringSubmatch(query, -1) {
		for label := range strings.SplitSeq(by[1], ",") {
			require.True(t, has(strings.TrimSpace(label)+`="`), "%s has no label %s, which %s asks for", metric, label, query)
		}
	}
}
