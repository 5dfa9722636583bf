// Command omicsim runs a simulated HealthOmics service for read sets, for demonstrations and for clients in any
// language. It knows StartReadSetImportJob, GetReadSetImportJob, ListReadSetImportJobs, ListReadSets,
// GetReadSetMetadata and GetSequenceStore.
//
//	go run ./omicstest/omicsim -addr 127.0.0.1:8080
//
// It prints one line with its address when it listens, and logs one line for each request. It has one sequence
// store, 1234567890, unless -store names others; it keeps everything in memory, checks no credentials, and ends on
// SIGINT or SIGTERM. -help shows how to set the quotas, the duration of jobs, and which sources and requests fail.
//
// # Pointing clients at it
//
// The SDKs put control-storage- before the host name for these operations, even before that of a custom endpoint, and
// control-storage-127.0.0.1 does not exist. Turn this off, as shown below. Any credentials and any Region will do.
//
// The AWS CLI, and everything else on botocore, boto3 included:
//
//	export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=us-east-1
//	export AWS_DISABLE_HOST_PREFIX_INJECTION=true
//	aws omics list-read-set-import-jobs --sequence-store-id 1234567890 --endpoint-url http://127.0.0.1:8080
//	aws omics list-read-sets --sequence-store-id 1234567890 --endpoint-url http://127.0.0.1:8080
//
// boto3 within the program:
//
//	omics = boto3.client("omics", endpoint_url="http://127.0.0.1:8080", region_name="us-east-1",
//	                     config=botocore.config.Config(inject_host_prefix=False))
//
// The AWS SDK for JavaScript:
//
//	const client = new OmicsClient({
//	  endpoint: "http://127.0.0.1:8080", region: "us-east-1", disableHostPrefix: true,
//	  credentials: { accessKeyId: "test", secretAccessKey: "test" },
//	});
//
// The AWS SDK for Go:
//
//	client := omics.NewFromConfig(cfg, func(o *omics.Options) {
//		o.BaseEndpoint = aws.String("http://127.0.0.1:8080")
//		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
//			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("NoHostPrefix", func(
//				ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
//			) (middleware.InitializeOutput, middleware.Metadata, error) {
//				return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
//			}), middleware.Before)
//		})
//	})
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/readsetimport/readsetimport/omicstest"
)

// shutdownGrace is how long the current requests may take when the program is told to end.
const shutdownGrace = 5 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	default:
		_, _ = fmt.Fprintln(os.Stderr, "omicsim:", err)
		os.Exit(1)
	}
}

// run runs the program until the context ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cfg, err := parse(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	return serve(ctx, cfg.addr, omicstest.New(cfg.options, logTo(log)), stdout, log)
}

// serve answers requests until the context ends.
func serve(ctx context.Context, addr string, service *omicstest.Service, stdout io.Writer, log *slog.Logger) error {
	server := &http.Server{
		Handler:           service,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(stdout, "omicsim: listening on http://%s\n", listener.Addr())

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if server.Shutdown(grace) != nil {
		_ = server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// logTo returns an option that logs each request, without its client token, path and body: these can identify a
// person.
func logTo(log *slog.Logger) func(*omicstest.Options) {
	return func(o *omicstest.Options) {
		o.OnRequest = func(r omicstest.Request) {
			op := r.Op
			if op == "" {
				op = "unknown"
			}
			log.Info("request", "op", op, "store", id(r.StoreID), "job", id(r.JobID), "readset", id(r.ReadSetID),
				"status", r.Status, "sources", r.Sources, "duration", r.Duration)
		}
	}
}

// id returns s if it is an id, so that nothing else gets into the log.
func id(s string) string {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return "invalid"
		}
	}
	return s[:min(len(s), 36)]
}
