package main

import (
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/readsetimport/readsetimport/omicstest"
)

// errUsage is the error for a wrong command line, after the mistake has been explained.
var errUsage = errors.New("usage")

// config holds the flags of the command line.
type config struct {
	addr        string
	stores      storeList
	jobDuration time.Duration
	rate        float64
	maxJobs     int
	failRate    float64
	faultRate   float64
	seed        uint64
	tokenWindow time.Duration
	listLag     time.Duration
	readSetLag  time.Duration
	retention   time.Duration
}

// storeList is a flag that may be repeated, with the ids of several stores separated by commas.
type storeList []string

func (l *storeList) String() string { return strings.Join(*l, ",") }

func (l *storeList) Set(s string) error {
	for id := range strings.SplitSeq(s, ",") {
		if len(id) < 10 || len(id) > 36 || strings.Trim(id, "0123456789") != "" {
			return errors.New("a store id has 10 to 36 digits")
		}
		*l = append(*l, id)
	}
	return nil
}

func parse(args []string, stderr io.Writer) (config, error) {
	var c config
	flags := flag.NewFlagSet("omicsim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&c.addr, "addr", "127.0.0.1:8080", "listen on `host:port`; port 0 takes a free one")
	flags.Var(&c.stores, "store", "`ids` of sequence stores, separated by commas; may be repeated (default 1234567890)")
	flags.DurationVar(&c.jobDuration, "job-duration", 2*time.Second, "how long a job takes")
	flags.Float64Var(&c.rate, "rate", 5, "requests per second of each operation above which 429 is answered; 0: no limit")
	flags.IntVar(&c.maxJobs, "max-jobs", 20, "active jobs above which 402 is answered; 0: no limit")
	flags.Float64Var(&c.failRate, "fail-rate", 0, "`fraction` of sources that fail; the same ones each time")
	flags.Float64Var(&c.faultRate, "fault-rate", 0, "`fraction` of requests answered with 429 or 500, or not at all")
	flags.Uint64Var(&c.seed, "seed", 1, "seed of the random numbers for -fault-rate")
	flags.DurationVar(&c.tokenWindow, "token-window", 24*time.Hour, "how long client tokens are remembered; 0: not at all")
	flags.DurationVar(&c.listLag, "list-lag", 0, "how far the list of jobs is behind")
	flags.DurationVar(&c.readSetLag, "read-set-list-lag", 0, "how far the list of read sets is behind")
	flags.DurationVar(&c.retention, "job-retention", 0, "how long a job is known after its end; 0: for ever")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return c, err
		}
		return c, errUsage
	}
	var wrong string
	switch {
	case flags.NArg() > 0:
		wrong = "unexpected argument " + flags.Arg(0)
	case c.jobDuration < 0 || c.listLag < 0 || c.readSetLag < 0 || c.retention < 0 || c.tokenWindow < 0:
		wrong = "durations cannot be negative"
	case !(c.rate >= 0) || c.maxJobs < 0:
		wrong = "-rate and -max-jobs cannot be negative"
	case !(c.failRate >= 0 && c.failRate <= 1 && c.faultRate >= 0 && c.faultRate <= 1):
		wrong = "-fail-rate and -fault-rate are fractions, from 0 to 1"
	default:
		return c, nil
	}
	_, _ = fmt.Fprintln(stderr, "omicsim:", wrong)
	flags.Usage()
	return c, errUsage
}

// options sets the options of the service.
func (c config) options(o *omicstest.Options) {
	o.Stores = c.stores
	o.JobDuration = omicstest.FixedDuration(c.jobDuration)
	o.RequestRate = c.rate
	o.MaxActiveJobs = c.maxJobs
	o.TokenWindow = c.tokenWindow
	if c.tokenWindow == 0 {
		o.TokenWindow = -1
	}
	o.ListLag, o.ReadSetListLag = c.listLag, c.readSetLag
	o.JobRetention = c.retention
	o.MaxRequests = -1
	o.Outcome = func(s omicstest.Source) omicstest.Outcome {
		if hash(s.Source1) < c.failRate {
			return omicstest.Failed("File validation failed")
		}
		return omicstest.Outcome{}
	}
	random := rand.New(rand.NewPCG(c.seed, 0))
	o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
		if random.Float64() >= c.faultRate {
			return omicstest.Fault{}, false
		}
		faults := []omicstest.Fault{
			omicstest.Throttled(),
			omicstest.Internal(),
			omicstest.Internal().AfterExecution(),
			omicstest.DropBefore(),
			omicstest.DropAfter(),
		}
		return faults[random.IntN(len(faults))], true
	}
}

// hash returns a number from 0 up to, not including, 1.
func hash(s string) float64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	// A multiplication spreads what FNV leaves in the low bits for strings that differ at their end only.
	return float64(h.Sum64()*0x9e3779b97f4a7c15>>11) / (1 << 53)
}
