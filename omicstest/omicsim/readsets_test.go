package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

const (
	testStore = "1234567890"
	reference = "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1111111111"
)

// storeWithReadSets serves a store with read sets of every kind, and returns the URL, the read set that the clients ask
// for, and filters for each field with the samples that they select.
func storeWithReadSets(t *testing.T) (url string, pair omicstest.ReadSet, filters map[string]map[string]any, selected map[string][]any) {
	t.Helper()
	cfg, err := parse([]string{"-rate", "0", "-job-duration", "0s"}, io.Discard)
	require.NoError(t, err)
	var log buffer
	logger := slog.New(slog.NewTextHandler(&log, nil))
	service := omicstest.New(cfg.options, logTo(logger))

	var ids []string
	var created []time.Time
	add := func(sources ...omicstest.Source) {
		_, err := service.StartJob(testStore, "arn:aws:iam::123456789012:role/Import", sources...)
		require.NoError(t, err)
		for _, s := range service.ReadSets(testStore)[len(ids):] {
			ids, created = append(ids, s.ID), append(created, s.CreationTime)
		}
		time.Sleep(2 * time.Millisecond) // the times of answers have milliseconds
	}
	add(
		omicstest.Source{Type: "UBAM", Source1: "s3://lab/0.bam", SubjectID: "subject 0", SampleID: "zero", GeneratedFrom: "run 1"},
		omicstest.Source{Type: "CRAM", Source1: "s3://lab/1.cram", SubjectID: "subject 1", SampleID: "one", ReferenceARN: reference},
	)
	add(omicstest.Source{
		Type: "FASTQ", Source1: "s3://lab/2_R1.fastq.gz", Source2: "s3://lab/2_R2.fastq.gz", SubjectID: "subject 0",
		SampleID: "pair", Name: "Zoë", GeneratedFrom: "run 2",
	})
	add(omicstest.Source{Type: "UBAM", Source1: "s3://lab/3.bam", SubjectID: "subject 3", SampleID: "three"})
	for _, upload := range []omicstest.Upload{
		{Source: omicstest.Source{Type: "BAM"}}, // of no sample
		{Source: omicstest.Source{Type: "UBAM", SampleID: "failed"}, Failure: "Checksums differ"},
	} {
		_, err := service.Upload(testStore, upload)
		require.NoError(t, err)
		time.Sleep(2 * time.Millisecond)
	}
	require.NoError(t, service.SetReadSetStatus(ids[3], types.ReadSetStatusArchived, ""))
	require.NoError(t, service.DeleteReadSet(ids[1]))

	url = inBackground(t, func(ctx context.Context, out io.Writer) error {
		return serve(ctx, "127.0.0.1:0", service, out, logger)
	})
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(log.String())
		}
	})
	filters, selected = map[string]map[string]any{}, map[string][]any{}
	filter := func(field string, value any, samples ...any) {
		name := field
		if _, taken := filters[name]; taken {
			name += " again"
		}
		filters[name], selected[name] = map[string]any{field: value}, samples
	}
	filter("name", "Zoë", "pair")
	filter("status", "ARCHIVED", "three")
	filter("status", "DELETED", "one")
	filter("referenceArn", reference, "one")
	filter("createdAfter", created[2].UTC().Format("2006-01-02T15:04:05.000Z"), "failed", nil, "three")
	filter("createdBefore", created[2].UTC().Format("2006-01-02T15:04:05.000Z"), "one", "zero")
	filter("sampleId", "zero", "zero")
	filter("subjectId", "subject 0", "pair", "zero")
	filter("generatedFrom", "run 1", "zero")
	filter("creationType", "UPLOAD", "failed", nil)
	filter("creationType", "IMPORT", "three", "pair", "one", "zero")
	filters["all fields"], selected["all fields"] = map[string]any{
		"name": "Zoë", "status": "ACTIVE", "sampleId": "pair", "subjectId": "subject 0", "generatedFrom": "run 2",
		"creationType": "IMPORT", "createdAfter": "2001-02-03T04:05:06Z", "createdBefore": "2101-02-03T04:05:06.789Z",
	}, []any{"pair"}
	filters["none"], selected["none"] = map[string]any{"sampleId": "unknown"}, []any{}
	for _, s := range service.ReadSets(testStore) {
		if s.SampleID == "pair" {
			pair = s
		}
	}
	return url, pair, filters, selected
}

// allSamples is what a list without a filter has, the newest first.
var allSamples = []any{"failed", nil, "three", "pair", "one", "zero"}

// The MD5 of the two URIs: the default content of a file.
var pairETag = map[string]any{
	"algorithm": "FASTQ_MD5up", "source1": "bc47c2cd55cfc10de71b31fa84e74e98", "source2": "99125e2d63ec961921dec870de2a73c2",
}

// testReadSets runs a client that reads filters from its standard input, and compares what it prints.
func testReadSets(t *testing.T, command, script string) {
	url, pair, filters, selected := storeWithReadSets(t)
	in, err := json.Marshal(filters)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), command, script, url)
	cmd.Env, cmd.Stdin, cmd.Stderr = awsEnv("NODE_NO_WARNINGS=1"), bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	want, err := json.Marshal(map[string]any{
		"pages":   []int{3, 3},
		"samples": allSamples,
		"filters": selected,
		"metadata": map[string]any{
			"id": pair.ID, "arn": "arn:aws:omics:us-east-1:123456789012:sequenceStore/1234567890/readSet/" + pair.ID,
			"job": pair.JobID, "type": "FASTQ", "created by": "IMPORT", "etag": pairETag,
			"sequence": map[string]any{
				"totalReadCount": 10180838, "totalBaseCount": 150 * 10180838, "generatedFrom": "run 2", "alignment": "UNALIGNED",
			},
			"parts": true, "created": pair.CreationTime.UnixMilli(), "as listed": true,
		},
		"strange token": []any{"ValidationException", 400},
		"unknown id":    []any{"ResourceNotFoundException", 404},
		"store":         "MD5up",
	})
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(out))
}

func testBoto3ReadSets(t *testing.T) {
	needsBoto3(t)
	testReadSets(t, "python3", "testdata/readsets.py")
}

func testJavaScriptReadSets(t *testing.T) {
	needsJavaScript(t)
	testReadSets(t, "node", "testdata/readsets.cjs")
}

func testAWSCLIReadSets(t *testing.T) {
	needsAWSCLI(t)
	url, pair, filters, selected := storeWithReadSets(t)
	aws := awsCLI(t, url)
	answer := func(args ...string) map[string]any {
		out, failure := aws(args...)
		require.Empty(t, failure)
		var answer map[string]any
		require.NoError(t, json.Unmarshal([]byte(out), &answer))
		return answer
	}
	list := func(args ...string) (samples []any) {
		for _, s := range answer(append([]string{"list-read-sets", "--sequence-store-id", testStore}, args...)...)["readSets"].([]any) {
			samples = append(samples, s.(map[string]any)["sampleId"])
		}
		return samples
	}
	require.Equal(t, allSamples, list("--page-size", "2"))
	for _, name := range []string{"all fields", "createdAfter", "referenceArn"} { // each takes a second
		filter, err := json.Marshal(filters[name])
		require.NoError(t, err)
		require.Equal(t, selected[name], list("--page-size", "1", "--filter", string(filter)), name)
	}

	got := answer("get-read-set-metadata", "--sequence-store-id", testStore, "--id", pair.ID)
	require.Equal(t, pair.JobID, got["creationJobId"])
	require.Equal(t, "Zoë", got["name"])
	require.Equal(t, pairETag, got["etag"])
	created, err := time.Parse(time.RFC3339Nano, got["creationTime"].(string))
	require.NoError(t, err)
	require.Equal(t, pair.CreationTime.UnixMilli(), created.UnixMilli())
	require.Equal(t, "MD5up", answer("get-sequence-store", "--id", testStore)["eTagAlgorithmFamily"])
	_, failure := aws("get-read-set-metadata", "--sequence-store-id", testStore, "--id", "1000000000")
	require.Contains(t, failure, "(ResourceNotFoundException)")
}
