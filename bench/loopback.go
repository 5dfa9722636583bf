package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/readsetimport/readsetimport"
)

// benchLoopback imports over real connections into omicsim, a process of its own, so that the CPU time is the client's
// alone. Sources are fewer where a client is slow.
func benchLoopback(ctx context.Context) ([]table, error) {
	t := table{
		Title: "The whole import over loopback, into omicsim",
		Notes: []string{
			"For each source of jobs of 100 pairs of FASTQ files, without TLS. The service is a process of its own, so that the CPU time",
			"is the client's alone; its jobs end at once. The AWS CLI is two processes for each job, one after the other.",
		},
		Columns: []column{
			{"client", ""}, {"sources", "%.0f"}, {"CPU a source, µs", "%.0f"}, {"CPU / this library", "%.2f"}, {"time a source, µs", "%.0f"}, {"time / this library", "%.2f"},
		},
	}
	url, stop, err := omicsim(ctx)
	if err != nil {
		return nil, err
	}
	defer stop()
	const many, few = 10_000, 300
	sources := pairs(many)
	sides := []side{
		{"this library, Import", func() (cost, error) {
			return measure(many, func() error {
				client, err := readsetimport.New(loopbackClient(url), unhindered(nil))
				if err != nil {
					return err
				}
				_, err = client.Import(ctx, target, sources)
				return err
			})
		}},
		{"by hand: a loop over the SDK for Go", func() (cost, error) {
			return measure(many, func() error {
				_, err := importByHand(ctx, loopbackClient(url), sources, lookEvery(0, 10*time.Second))
				return err
			})
		}},
	}
	items := []float64{many, many}
	add := func(name string, n int, installed []string, how string, run func() (cost, error)) {
		if _, err := exec.LookPath(installed[0]); err != nil || exec.CommandContext(ctx, installed[0], installed[1:]...).Run() != nil {
			t.Skipped = append(t.Skipped, name+", which is not installed: "+how)
			return
		}
		sides, items = append(sides, side{name, run}), append(items, float64(n))
	}
	add("boto3, by hand", many, []string{"python3", "-c", "import boto3"}, "pip install boto3", func() (cost, error) { return byBoto3(ctx, url, many) })
	add("AWS CLI, by hand", few, []string{"aws", "--version"}, "pip install awscli", func() (cost, error) { return byCLI(ctx, url, sources[:few]) })
	costs, err := alternate(ctx, 3, sides)
	if err != nil {
		return nil, err
	}
	for i, s := range sides {
		t.Rows = append(t.Rows, row{s.name, []*figure{
			one(items[i]), overRounds(costs[i], cpu, 1e3), ratio(costs[i], costs[0], cpu), overRounds(costs[i], wall, 1e3), ratio(costs[i], costs[0], wall),
		}})
	}
	return []table{t}, nil
}

// omicsim builds and starts the simulated service, and returns its address.
func omicsim(ctx context.Context) (url string, stop func(), err error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return "", nil, err
	}
	path := filepath.Join(dir, "omicsim")
	clean := func() { os.RemoveAll(dir) }
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/readsetimport/readsetimport/omicstest/omicsim").CombinedOutput(); err != nil {
		clean()
		return "", nil, fmt.Errorf("build omicsim: %w: %s", err, out)
	}
	cmd := exec.CommandContext(ctx, path, "-addr", "127.0.0.1:0", "-rate", "0", "-max-jobs", "0", "-job-duration", "0s")
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		clean()
		return "", nil, err
	}
	stop = func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		clean()
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	_, url, found := strings.Cut(strings.TrimSpace(line), "listening on ")
	if err != nil || !found {
		stop()
		return "", nil, fmt.Errorf("omicsim did not start: %q, %w", line, err)
	}
	return url, stop, nil
}

// loopbackClient returns the SDK's own client, with its own connections.
func loopbackClient(url string) *omics.Client {
	return omics.New(omics.Options{Region: "us-east-1", Credentials: credentials, BaseEndpoint: aws.String(url)}, func(o *omics.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("NoHostPrefix", func(
				ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler,
			) (middleware.InitializeOutput, middleware.Metadata, error) {
				return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
			}), middleware.Before)
		})
	})
}

// byBoto3 runs testdata/boto3_import.py, which measures itself: starting Python is not in it.
func byBoto3(ctx context.Context, url string, sources int) (cost, error) {
	cmd := exec.CommandContext(ctx, "python3", "testdata/boto3_import.py", url, fmt.Sprint(sources))
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return cost{}, err
	}
	var took struct {
		Seconds, CPUSeconds float64
		ReadSets            int
	}
	if err := json.Unmarshal(out, &took); err != nil {
		return cost{}, err
	}
	if took.ReadSets != sources {
		return cost{}, fmt.Errorf("boto3 imported %d of %d sources", took.ReadSets, sources)
	}
	n := float64(sources)
	return cost{wall: took.Seconds * 1e9 / n, cpu: took.CPUSeconds * 1e9 / n}, nil
}

// byCLI starts a job and looks at it, with a process for each.
func byCLI(ctx context.Context, url string, sources []readsetimport.Source) (total cost, err error) {
	file, err := os.CreateTemp("", "sources*.json")
	if err != nil {
		return cost{}, err
	}
	defer os.Remove(file.Name())
	defer file.Close()
	began := time.Now()
	var used time.Duration
	aws := func(operation string, args ...string) (string, error) {
		cmd := exec.CommandContext(ctx, "aws", append([]string{
			"--endpoint-url", url, "--output", "text", "omics", operation, "--sequence-store-id", target.SequenceStoreID,
		}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_DEFAULT_REGION=us-east-1",
			"AWS_DISABLE_HOST_PREFIX_INJECTION=true")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if cmd.ProcessState != nil {
			used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		}
		return strings.TrimSpace(string(out)), err
	}
	for n := 0; n < len(sources); n += 100 {
		if err := rewrite(file, sources[n:min(n+100, len(sources))]); err != nil {
			return cost{}, err
		}
		id, err := aws("start-read-set-import-job", "--role-arn", target.RoleARN, "--sources", "file://"+file.Name(), "--query", "id")
		if err != nil {
			return cost{}, err
		}
		status, err := aws("get-read-set-import-job", "--id", id, "--query", "status")
		if err != nil || status != "COMPLETED" {
			return cost{}, errors.Join(err, fmt.Errorf("job %s is %s", id, status))
		}
	}
	n := float64(len(sources))
	return cost{wall: float64(time.Since(began)) / n, cpu: float64(used) / n}, nil
}

// rewrite writes the sources, whose JSON is that of the CLI, into the file.
func rewrite(file *os.File, sources []readsetimport.Source) error {
	data, err := json.Marshal(sources)
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.Write(data)
	return err
}
