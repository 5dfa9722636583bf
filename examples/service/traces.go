package main

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/smithy-go/tracing/smithyoteltracing"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// traces sends a span for each import, and beneath it those that the SDK makes of each request, to where
// OTEL_EXPORTER_OTLP_ENDPOINT says. Without it there are none.
type traces struct{ provider *sdktrace.TracerProvider }

func newTraces(ctx context.Context) (*traces, error) {
	var opts []sdktrace.TracerProviderOption
	if os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		opts = append(opts, sdktrace.WithSampler(sdktrace.NeverSample()))
	} else {
		exporter, err := otlptracehttp.New(ctx)
		if err != nil {
			return nil, err
		}
		opts = append(opts, sdktrace.WithBatcher(careful{exporter}))
	}
	return &traces{sdktrace.NewTracerProvider(opts...)}, nil
}

// requests is an option of the SDK's client: its own hooks make spans of its requests.
func (t *traces) requests(o *omics.Options) { o.TracerProvider = smithyoteltracing.Adapt(t.provider) }

// start begins the span of an import.
func (t *traces) start(ctx context.Context, p posted, sources int) (_ context.Context, end func()) {
	ctx, span := t.provider.Tracer("readsetimport/service").Start(ctx, "import", trace.WithAttributes(
		attribute.String("import.id", p.id), attribute.String("import.store", p.store), attribute.Int("import.sources", sources)))
	return ctx, func() { span.End() }
}

// close sends what is left.
func (t *traces) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = t.provider.Shutdown(ctx)
}

// careful exports spans without what may quote a request: the SDK puts messages of the service into its spans, and these
// can have ids of samples.
type careful struct{ sdktrace.SpanExporter }

// harmless are the attributes that leave the process.
var harmless = []attribute.Key{
	"import.id", "import.store", "import.sources",
	"rpc.system", "rpc.service", "rpc.method", "error", "api.error_code", "api.error_fault",
	"http.method", "http.status_code", "http.request_content_length", "http.response_content_length",
}

func (c careful) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	out := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, span := range spans {
		out[i] = bare{span}
	}
	return c.SpanExporter.ExportSpans(ctx, out)
}

type bare struct{ sdktrace.ReadOnlySpan }

func (b bare) Attributes() []attribute.KeyValue {
	return slices.DeleteFunc(slices.Clone(b.ReadOnlySpan.Attributes()), func(a attribute.KeyValue) bool {
		return !slices.Contains(harmless, a.Key)
	})
}

// Events returns none: a recorded error would be one, with its message.
func (b bare) Events() []sdktrace.Event { return nil }
