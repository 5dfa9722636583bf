// Command service imports read sets into AWS HealthOmics sequence stores behind HTTP: sheets are posted to it, and it
// imports them, one at a time for each store, across its own restarts and crashes. README.md says how to use it.
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
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	_ "modernc.org/sqlite" // or any other database: see README.md

	"github.com/readsetimport/readsetimport"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "service:", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage")

// settings are what the flags say.
type settings struct {
	addr, db, role string
	stores         []string
	maxSheet       int64
	rate           float64
	minPoll        time.Duration
}

func parse(args []string, stderr io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("service", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.addr, "addr", "127.0.0.1:8090", "listen on `host:port`")
	flags.StringVar(&s.db, "db", "service.db", "the SQLite `file` with the imports and the journal")
	flags.StringVar(&s.role, "role", "", "the `ARN` of the role with which HealthOmics reads the files")
	stores := flags.String("stores", "", "the `ids` of the sequence stores that may be imported into, separated by commas")
	flags.Int64Var(&s.maxSheet, "max-sheet", 32<<20, "how many `bytes` a sheet may have, and four times as many once it is decompressed")
	flags.Float64Var(&s.rate, "rate", 4.5, "`requests` per second of each operation")
	flags.DurationVar(&s.minPoll, "min-poll", 2*time.Second, "the shortest `time` between two looks at a job")
	if err := flags.Parse(args); err != nil {
		return s, errors.Join(errUsage, err)
	}
	s.stores = strings.Split(*stores, ",")
	for _, store := range s.stores {
		if err := (readsetimport.Target{SequenceStoreID: store, RoleARN: s.role}).Validate(); err != nil {
			fmt.Fprintln(stderr, "service: -stores and -role:", err)
			return s, errors.Join(errUsage, err)
		}
	}
	return s, nil
}

// run runs the service until the context ends, or until what it has to remember can no longer be written.
func run(ctx context.Context, args []string, stderr io.Writer) error {
	set, err := parse(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(stderr, nil))
	db, err := openDatabase(ctx, set.db)
	if err != nil {
		return err
	}
	defer db.Close()
	traces, err := newTraces(ctx)
	if err != nil {
		return err
	}
	defer traces.close()
	meters := newMeters()
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	api := omics.NewFromConfig(cfg, meters.requests, traces.requests)
	service, err := newService(ctx, set, db, api, log, meters, traces)
	if err != nil {
		return err
	}
	return service.serve(ctx, set.addr)
}

// grace is how long requests may take that are under way when the service is told to end.
const grace = 10 * time.Second

// serve answers requests and imports until the context ends. Imports that are not done go on at the next start.
func (s *service) serve(ctx context.Context, addr string) error {
	working, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	s.fail, s.ending = fail, working.Done()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	go func() { fail(server.Serve(listener)) }()
	s.log.Info("listening", "addr", listener.Addr().String(), "stores", s.stores)
	s.work(working)

	inTime, stop := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer stop()
	if server.Shutdown(inTime) != nil {
		_ = server.Close()
	}
	s.log.Info("ended; what is not done goes on at the next start")
	if ctx.Err() == nil {
		return context.Cause(working)
	}
	return nil
}
