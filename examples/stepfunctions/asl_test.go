package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

// machine interprets the part of the Amazon States Language that the definition uses. What it does not know is an error.
type machine struct {
	StartAt string
	States  map[string]state
}

type state struct {
	Type, Resource, Next, Default  string
	End                            bool
	Parameters                     map[string]any
	ResultPath                     json.RawMessage // absent: "$"; null: the result is thrown away
	TimeoutSeconds, MaxConcurrency int
	TimeoutSecondsPath             string
	TimestampPath                  string
	Retry                          []retrier
	Catch                          []catcher
	Choices                        []choice
	ItemReader                     struct {
		Resource     string
		ReaderConfig struct{ InputType string }
		Parameters   map[string]any
	}
	ItemProcessor struct {
		ProcessorConfig struct{ Mode, ExecutionType string }
		machine
	}
	Error, Cause, Comment string
}

type retrier struct {
	ErrorEquals                                   []string
	IntervalSeconds, MaxAttempts, MaxDelaySeconds int
	BackoffRate                                   float64
	JitterStrategy                                string
}

type catcher struct {
	ErrorEquals []string
	ResultPath  json.RawMessage
	Next        string
}

type choice struct {
	Variable      string
	BooleanEquals *bool
	Next          string
}

// world is what a machine runs in.
type world struct {
	invoke  func(ctx context.Context, function string, payload []byte) ([]byte, error)
	read    func(bucket, key string) ([]byte, error)
	mu      sync.Mutex
	tokens  map[string]chan struct{}
	visited map[string]int // states
	errors  map[string]int // that states have ended with, by name
	woken   int            // waits that an event has ended
	largest int            // bytes that have passed between two states
	retried map[string]int // tasks, by the name of the error
}

func (w *world) note(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// run takes an input through the states, to the end of one.
func (w *world) run(ctx context.Context, m machine, input any, name string) (any, error) {
	for at := m.StartAt; ; {
		s, ok := m.States[at]
		if !ok {
			return nil, fmt.Errorf("there is no state %q", at)
		}
		data, err := json.Marshal(input)
		if err != nil {
			return nil, err
		}
		w.note(func() { w.visited[at]++; w.largest = max(w.largest, len(data)) })
		output, next, err := w.state(ctx, s, input, name)
		var e messages.InvokeResponse_Error
		if errors.As(err, &e) {
			w.note(func() { w.errors[e.Type]++ })
			i := slices.IndexFunc(s.Catch, func(c catcher) bool { return matches(c.ErrorEquals, e.Type) })
			if i < 0 {
				return nil, err
			}
			c := s.Catch[i]
			output, next = put(c.ResultPath, input, map[string]any{"Error": e.Type, "Cause": e.Message}), c.Next
		} else if err != nil {
			return nil, err
		}
		if input, at = output, next; at == "" {
			return output, nil
		}
	}
}

func matches(names []string, name string) bool {
	return slices.Contains(names, name) || slices.Contains(names, "States.ALL")
}

func (w *world) state(ctx context.Context, s state, input any, name string) (output any, next string, err error) {
	switch s.Type {
	case "Succeed":
		return input, "", nil
	case "Fail":
		return nil, "", messages.InvokeResponse_Error{Type: s.Error, Message: s.Cause}
	case "Wait":
		at, err := time.Parse(time.RFC3339, get(input, s.TimestampPath).(string))
		if err == nil {
			time.Sleep(time.Until(at))
		}
		return input, s.Next, err
	case "Choice":
		for _, c := range s.Choices {
			if get(input, c.Variable).(bool) == *c.BooleanEquals {
				return input, c.Next, nil
			}
		}
		return input, s.Default, nil
	case "Pass":
		return put(s.ResultPath, input, w.parameters(s.Parameters, input, nil)), s.Next, nil
	case "Map":
		result, err := w.each(ctx, s, input)
		return put(s.ResultPath, input, result), s.Next, err
	case "Task":
		result, err := w.task(ctx, s, input, name)
		return put(s.ResultPath, input, result), s.Next, err
	}
	return nil, "", fmt.Errorf("a state of the type %q", s.Type)
}

// each is a distributed map: each item has an execution of its own, and the first that fails ends it.
func (w *world) each(ctx context.Context, s state, input any) (any, error) {
	where := w.parameters(s.ItemReader.Parameters, input, nil).(map[string]any)
	data, err := w.read(where["Bucket"].(string), where["Key"].(string))
	if err != nil {
		return nil, err
	}
	var items []any
	if err := json.Unmarshal(data, &items); err != nil {
		return nil, err
	}
	outputs, failures := make([]any, len(items)), make([]error, len(items))
	slots := make(chan struct{}, s.MaxConcurrency)
	var group sync.WaitGroup
	for i, item := range items {
		slots <- struct{}{}
		group.Go(func() {
			outputs[i], failures[i] = w.run(ctx, s.ItemProcessor.machine, item, fmt.Sprint("item ", i))
			<-slots
		})
	}
	group.Wait()
	data, err = json.Marshal(outputs)
	w.note(func() { w.largest = max(w.largest, len(data)) })
	return outputs, errors.Join(append(failures, err)...)
}

// task makes the attempts that the state's retriers ask for.
func (w *world) task(ctx context.Context, s state, input any, name string) (any, error) {
	tried := make([]int, len(s.Retry))
	for {
		result, err := w.attempt(ctx, s, input, name)
		var e messages.InvokeResponse_Error
		if !errors.As(err, &e) {
			return result, err
		}
		i := slices.IndexFunc(s.Retry, func(r retrier) bool { return matches(r.ErrorEquals, e.Type) })
		if i < 0 || tried[i] >= s.Retry[i].MaxAttempts {
			return nil, err
		}
		r := s.Retry[i]
		seconds := float64(r.IntervalSeconds) * math.Pow(r.BackoffRate, float64(tried[i]))
		if r.MaxDelaySeconds > 0 {
			seconds = min(seconds, float64(r.MaxDelaySeconds))
		}
		tried[i]++
		w.note(func() { w.retried[e.Type]++ })
		time.Sleep(time.Duration(seconds * float64(time.Second)))
	}
}

func (w *world) attempt(ctx context.Context, s state, input any, name string) (any, error) {
	timeout := time.Duration(s.TimeoutSeconds) * time.Second
	if s.TimeoutSecondsPath != "" {
		timeout = time.Duration(get(input, s.TimeoutSecondsPath).(float64)) * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	token := fmt.Sprintf("token of %s at %s", name, time.Now())
	payload, function := input, s.Resource
	if s.Parameters != nil {
		payload = w.parameters(s.Parameters, input, map[string]any{"Execution": map[string]any{"Name": name}, "Task": map[string]any{"Token": token}})
	}
	waits := s.Resource == "arn:aws:states:::lambda:invoke.waitForTaskToken"
	woken := make(chan struct{}, 1)
	if waits {
		function, payload = payload.(map[string]any)["FunctionName"].(string), payload.(map[string]any)["Payload"]
		w.note(func() { w.tokens[token] = woken })
	}
	data, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	data, err = w.invoke(ctx, function, data)
	if err != nil {
		return nil, err
	}
	if waits {
		select {
		case <-woken:
			data = []byte("{}")
		case <-ctx.Done():
			return nil, messages.InvokeResponse_Error{Type: "States.Timeout"}
		}
	}
	var result any
	err = json.Unmarshal(data, &result)
	return result, err
}

// parameters puts values in the place of paths.
func (w *world) parameters(template map[string]any, input any, global map[string]any) any {
	out := make(map[string]any)
	for key, value := range template {
		name, isPath := strings.CutSuffix(key, ".$")
		switch v := value.(type) {
		case map[string]any:
			out[key] = w.parameters(v, input, global)
		case string:
			if out[name] = v; isPath && strings.HasPrefix(v, "$$") {
				out[name] = get(global, v[1:])
			} else if isPath {
				out[name] = get(input, v)
			}
		default:
			out[key] = value
		}
	}
	return out
}

// get returns what a path leads to. One that leads nowhere panics, as it ends an execution.
func get(value any, path string) any {
	for _, name := range strings.Split(path, ".")[1:] {
		next, ok := value.(map[string]any)[name]
		if !ok {
			panic("nothing is at " + path)
		}
		value = next
	}
	return value
}

// put returns the input with a result at a path of one step, or the result alone.
func put(path json.RawMessage, input, result any) any {
	switch string(path) {
	case "", `"$"`:
		return result
	case "null":
		return input
	}
	out := make(map[string]any)
	for key, value := range input.(map[string]any) {
		out[key] = value
	}
	out[strings.Trim(string(path), `"$.`)] = result
	return out
}
