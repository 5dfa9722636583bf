// Command temporal imports sample sheets into an AWS HealthOmics sequence store as a workflow of Temporal. README.md says how to
// use it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/readsetimport/readsetimport"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "temporal:", err)
		os.Exit(1)
	}
}

var (
	errUsage      = errors.New("usage")
	errIncomplete = errors.New("not every source was imported")
)

const usage = `usage: temporal COMMAND [FLAG]...

  worker    takes the steps of imports; run as many as you like
  start     starts the import of a sheet
  progress  prints how far an import is; with -wait, once it has ended
  cancel    starts no more jobs for an import
  notify    hands an event of EventBridge, on the standard input, to the imports that run

temporal COMMAND -h lists the flags of a command.
`

// command is a command line.
type command struct {
	address, namespace, queue string
	dir, name                 string

	// worker
	rate             float64
	minPoll, maxPoll time.Duration

	// start
	sheet string
	in    importInput

	// progress
	wait bool
}

func parse(args []string, stderr io.Writer) (do string, c command, err error) {
	if len(args) == 0 || args[0] == "-h" || args[0] == "-help" {
		fmt.Fprint(stderr, usage)
		return "", c, errUsage
	}
	do = args[0]
	flags := flag.NewFlagSet("temporal "+do, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.address, "address", "127.0.0.1:7233", "`host:port` of the Temporal server")
	flags.StringVar(&c.namespace, "namespace", "default", "`name` of the namespace")
	flags.StringVar(&c.queue, "queue", "readsetimport", "`name` of the task queue: one for all imports into an account and Region")
	switch do {
	case "worker", "start":
		flags.StringVar(&c.dir, "dir", "imports", "`folder` of sheets, batches and results, which all workers have")
	}
	switch do {
	case "start", "progress", "cancel":
		flags.StringVar(&c.name, "name", "", "`name` of the import: do not make it of a sample")
	}
	switch do {
	case "worker":
		flags.Float64Var(&c.rate, "rate", 4.5, "`requests` per second, of all workers together; give each the same")
		flags.DurationVar(&c.minPoll, "min-poll", 2*time.Second, "the shortest `time` between two looks at a job")
		flags.DurationVar(&c.maxPoll, "max-poll", 15*time.Minute, "the longest `time` between two looks at a job; events make it shorter")
	case "start":
		flags.StringVar(&c.sheet, "sheet", "", "the sample sheet, a `file`")
		flags.StringVar(&c.in.Target.SequenceStoreID, "store", "", "`id` of the sequence store")
		flags.StringVar(&c.in.Target.RoleARN, "role", "", "`ARN` of the role with which HealthOmics reads the files")
		flags.StringVar(&c.in.ReferenceARN, "reference", "", "`ARN` of the reference of BAM and CRAM files for which the sheet has none")
		flags.IntVar(&c.in.MaxJobs, "max-jobs", 20, "how many `jobs` run at once, at most")
		flags.DurationVar(&c.in.Settings.StepTimeout, "step-timeout", time.Minute, "after this `time` another worker takes a step")
		flags.DurationVar(&c.in.Settings.RaiseEvery, "raise-every", 5*time.Minute, "after this `time` without a 402, one more job is tried")
		flags.IntVar(&c.in.Settings.MaxEvents, "max-events", 10_000, "after so many `events` a workflow begins a new history")
	case "progress":
		flags.BoolVar(&c.wait, "wait", false, "wait for the end")
	case "cancel", "notify":
	default:
		fmt.Fprint(stderr, usage)
		return "", c, errUsage
	}
	if err := flags.Parse(args[1:]); err != nil {
		return "", c, errors.Join(errUsage, err)
	}
	if wrong := c.wrong(do, flags.NArg()); wrong != "" {
		fmt.Fprintf(stderr, "temporal %s: %s\n", do, wrong)
		return "", c, errUsage
	}
	return do, c, nil
}

// wrong returns what is wrong with a command line.
func (c command) wrong(do string, more int) string {
	s := c.in.Settings
	switch {
	case more > 0:
		return "there are arguments that are no flags"
	case (do == "start" || do == "progress" || do == "cancel") && !names.MatchString(c.name):
		return "-name has letters, digits, dots, hyphens and underscores, 100 of them at most"
	case do == "worker" && !(c.rate > 0):
		return "-rate must be more than 0"
	case do != "start":
	case c.sheet == "":
		return "-sheet is missing"
	case c.in.Target.Validate() != nil:
		return "-store and -role: " + c.in.Target.Validate().Error()
	case c.in.MaxJobs < 1 || s.StepTimeout < time.Second || s.RaiseEvery < time.Second || s.MaxEvents < 100:
		return "-max-jobs must be at least 1, -step-timeout and -raise-every 1s, -max-events 100"
	}
	return ""
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	do, c, err := parse(args, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	server, err := client.DialContext(ctx, client.Options{HostPort: c.address, Namespace: c.namespace, Logger: sdklog.NewStructuredLogger(log)})
	if err != nil {
		return err
	}
	defer server.Close()
	switch do {
	case "worker":
		return c.work(ctx, server)
	case "start":
		return c.start(ctx, server, stdout)
	case "progress":
		return c.progress(ctx, server, stdout)
	case "cancel":
		return server.CancelWorkflow(ctx, c.name, "")
	}
	return notify(ctx, server, stdin, stdout)
}

// start starts an import. To start it again changes nothing.
func (c command) start(ctx context.Context, server client.Client, stdout io.Writer) error {
	data, err := os.ReadFile(c.sheet)
	if err != nil {
		return err
	}
	if err := folder(c.dir).addSheet(c.name, data); err != nil {
		return err
	}
	_, err = server.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       c.name,
		TaskQueue:                                c.queue,
		WorkflowIDReusePolicy:                    enumspb.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy:                 enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, Import, c.in)
	if err == nil {
		fmt.Fprintln(stdout, "started", c.name)
	}
	return err
}

// progress prints how far an import is.
func (c command) progress(ctx context.Context, server client.Client, stdout io.Writer) error {
	if c.wait {
		// How it ended is in the answer to the query too, except for a sheet that is not valid.
		if err := server.GetWorkflow(ctx, c.name, "").Get(ctx, nil); ctx.Err() != nil {
			return err
		}
	}
	var p progress
	answer, err := server.QueryWorkflow(ctx, c.name, "", progressQuery)
	if err == nil {
		err = answer.Get(&p)
	}
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, string(text))
	if c.wait && !p.complete() {
		return errIncomplete
	}
	return nil
}

// notify hands an event to the imports that run.
func notify(ctx context.Context, server client.Client, stdin io.Reader, stdout io.Writer) error {
	const most = 1 << 20
	event, err := io.ReadAll(io.LimitReader(stdin, most))
	if err != nil {
		return err
	}
	job, _, err := readsetimport.ParseEvent(event)
	if err != nil {
		return err
	}
	var page []byte
	for n := 0; ; {
		list, err := server.ListWorkflow(ctx, &workflowservice.ListWorkflowExecutionsRequest{
			Query: "WorkflowType = 'Import' AND ExecutionStatus = 'Running'", NextPageToken: page,
		})
		if err != nil {
			return err
		}
		for _, w := range list.Executions {
			if err := server.SignalWorkflow(ctx, w.Execution.WorkflowId, "", eventSignal, job); err == nil { // else it has ended
				n++
			}
		}
		if page = list.NextPageToken; len(page) == 0 {
			fmt.Fprintln(stdout, "imports told:", n)
			return nil
		}
	}
}
