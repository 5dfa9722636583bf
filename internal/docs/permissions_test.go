package docs

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
	"github.com/readsetimport/readsetimport/s3files"
)

// What the page's policies are for.
const (
	store  = "1234567890"
	role   = "arn:aws:iam::123456789012:role/omics-import"
	bucket = "arn:aws:s3:::your-bucket"
)

type statement struct {
	Effect    string
	Principal map[string]string
	Action    list
	Resource  string
	Condition map[string]map[string]string
}

// list is a string or a list of strings.
type list []string

func (l *list) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*l = list{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(l))
}

// policies returns the page's policies by the word after ```json.
func policies(t *testing.T) map[string][]statement {
	page, err := os.ReadFile("../../docs/permissions.md")
	require.NoError(t, err)
	out := make(map[string][]statement)
	for _, m := range regexp.MustCompile("(?s)```json ([a-z]+)\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		var policy struct{ Statement []statement }
		require.NoError(t, json.Unmarshal([]byte(m[2]), &policy), m[1])
		for _, s := range policy.Statement {
			require.Equal(t, "Allow", s.Effect)
		}
		out[m[1]] = policy.Statement
	}
	return out
}

// allowed returns the actions of a policy by their resource.
func allowed(policy []statement) map[string][]string {
	out := make(map[string][]string)
	for _, s := range policy {
		out[s.Resource] = append(out[s.Resource], s.Action...)
		slices.Sort(out[s.Resource])
	}
	return out
}

// The caller may do what the import program does, and nothing else.
func TestCallerPolicy(t *testing.T) {
	t.Parallel()
	service := omicstest.New(func(o *omicstest.Options) { o.KeepBodies = true })
	importSheet(t, service)
	operations := make(map[string]bool)
	for _, r := range service.Requests("") {
		require.Equal(t, store, r.StoreID)
		operations["omics:"+r.Op] = true
		if r.Op == omicstest.OpStart {
			var body struct{ RoleARN string }
			require.NoError(t, json.Unmarshal(r.Body, &body))
			require.Equal(t, role, body.RoleARN, "the role that is passed")
		}
	}
	policy := policies(t)["caller"]
	require.Equal(t, map[string][]string{
		"arn:aws:omics:us-east-1:123456789012:sequenceStore/" + store: slices.Sorted(maps.Keys(operations)),
		role: {"iam:PassRole"},
	}, allowed(policy))
	require.Equal(t, map[string]map[string]string{"StringEquals": {"iam:PassedToService": "omics.amazonaws.com"}},
		policy[1].Condition)

	require.ElementsMatch(t, operationsOf[readsetimport.API](), policy[0].Action, "what the library may call at all")
}

// operationsOf returns the actions that the methods of a client of HealthOmics need.
func operationsOf[API any]() (actions []string) {
	for api, i := reflect.TypeFor[API](), 0; i < api.NumMethod(); i++ {
		actions = append(actions, "omics:"+api.Method(i).Name)
	}
	return actions
}

// importSheet runs the import program with more jobs than it looks at one by one.
func importSheet(t *testing.T, service *omicstest.Service) {
	var uris strings.Builder
	for i := range 450 {
		fmt.Fprintf(&uris, "s3://your-bucket/sample%d.fastq.gz\n", i)
	}
	runProgram(t, service, "import", uris.String(), "-role", role, "-journal", filepath.Join(t.TempDir(), "journal"), "-progress", "none")
}

// runProgram runs one of the example programs with a sheet for the store, which must go well.
func runProgram(t *testing.T, service *omicstest.Service, name, sheet string, args ...string) {
	dir := t.TempDir()
	program := filepath.Join(dir, name)
	out, err := exec.CommandContext(t.Context(), "go", "build", "-C", "../../examples", "-o", program, "./"+name).CombinedOutput()
	require.NoError(t, err, "%s", out)
	server := httptest.NewServer(service)
	t.Cleanup(server.Close)
	cmd := exec.CommandContext(t.Context(), program, append([]string{"-sheet", "-", "-store", store}, args...)...)
	cmd.Stdin = strings.NewReader(sheet)
	cmd.Env = []string{
		"HTTP_PROXY=" + server.URL, "AWS_ENDPOINT_URL=http://omics.test", "AWS_REGION=us-east-1", "HOME=" + dir,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
	}
	out, err = cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// The auditor may do what the audit program does, and nothing else.
func TestAuditorPolicy(t *testing.T) {
	t.Parallel()
	service := omicstest.New(func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(0)
		o.PageSize = 1 // so that not all read sets are on the page on which they are looked for
	})
	var uris strings.Builder
	var sources []omicstest.Source
	for _, name := range []string{"A", "B"} {
		s := omicstest.Source{Type: types.FileTypeFastq, Source1: "s3://your-bucket/" + name + ".fastq.gz", SubjectID: name, SampleID: name}
		sources = append(sources, s)
		fmt.Fprintln(&uris, s.Source1)
	}
	_, err := service.StartJob(store, role, sources...)
	require.NoError(t, err)
	runProgram(t, service, "audit", uris.String())

	arn := "arn:aws:omics:us-east-1:123456789012:sequenceStore/" + store
	resources := map[string]string{omicstest.OpGetReadSetMetadata: arn + "/readSet/*"}
	want := make(map[string][]string)
	for _, r := range service.Requests("") {
		resource := cmp.Or(resources[r.Op], arn)
		if action := "omics:" + r.Op; !slices.Contains(want[resource], action) {
			want[resource] = append(want[resource], action)
			slices.Sort(want[resource])
		}
	}
	require.Equal(t, want, allowed(policies(t)["auditor"]))
}

// Who asks what a store has may call what the library calls for that.
func TestStorePolicy(t *testing.T) {
	t.Parallel()
	arn := "arn:aws:omics:us-east-1:123456789012:sequenceStore/" + store
	want := map[string][]string{arn: {"omics:ListReadSets"}, arn + "/readSet/*": {"omics:GetReadSetMetadata"}}
	require.Equal(t, want, allowed(policies(t)["store"]))
	require.ElementsMatch(t, operationsOf[readsetimport.ReadSetAPI](), slices.Concat(want[arn], want[arn+"/readSet/*"]))
}

// An import that has a batch in doubt for long calls what the two policies allow that its page names for it, and nothing else.
func TestDoubtPolicy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.JobRetention = time.Hour })
		service.Inject(omicstest.OpStart, omicstest.DropAfter())
		log, err := journal.Open(filepath.Join(t.TempDir(), "journal"))
		require.NoError(t, err)
		defer log.Close()
		target := readsetimport.Target{SequenceStoreID: store, RoleARN: role}
		sources := []readsetimport.Source{readsetimport.UBAM("s3://your-bucket/A.bam").WithSubject("A").WithSample("A")}
		for _, wait := range []time.Duration{time.Millisecond, 24 * time.Hour} {
			client, err := readsetimport.New(service.Client(), func(o *readsetimport.Options) { o.Journal = log })
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			_, err = client.Import(ctx, target, sources)
			cancel()
			require.ErrorIs(t, err, readsetimport.ErrUnresolved)
			time.Sleep(8 * 24 * time.Hour)
		}
		called := make(map[string]bool)
		for _, r := range service.Requests("") {
			called["omics:"+r.Op] = true
		}
		may := allowed(slices.Concat(policies(t)["caller"], policies(t)["store"]))
		delete(may, role)
		actions := slices.Concat(slices.Collect(maps.Values(may))...)
		require.ElementsMatch(t, slices.Collect(maps.Keys(called)), actions)
	})
}

// A caller of package s3files may do what each method of its client needs.
func TestFilesPolicy(t *testing.T) {
	t.Parallel()
	needs := map[string]struct{ resource, action string }{
		"ListObjectsV2": {bucket, "s3:ListBucket"},
		"HeadBucket":    {bucket, "s3:ListBucket"},
		"HeadObject":    {bucket + "/*", "s3:GetObject"},
		"GetObject":     {bucket + "/*", "s3:GetObject"},
	}
	want := make(map[string][]string)
	for api, i := reflect.TypeFor[s3files.API](), 0; i < api.NumMethod(); i++ {
		need, ok := needs[api.Method(i).Name]
		require.True(t, ok, api.Method(i).Name)
		if !slices.Contains(want[need.resource], need.action) {
			want[need.resource] = append(want[need.resource], need.action)
		}
	}
	require.Equal(t, want, allowed(policies(t)["files"]))
}

// HealthOmics assumes the role for this account only, and reads nothing but the bucket.
func TestRolePolicies(t *testing.T) {
	t.Parallel()
	require.Equal(t, []statement{{
		Effect:    "Allow",
		Principal: map[string]string{"Service": "omics.amazonaws.com"},
		Action:    list{"sts:AssumeRole"},
		Condition: map[string]map[string]string{
			"StringEquals": {"aws:SourceAccount": "123456789012"},
			"ArnLike":      {"aws:SourceArn": "arn:aws:omics:us-east-1:123456789012:*"},
		},
	}}, policies(t)["trust"])
	policy := policies(t)["role"]
	require.Equal(t, map[string][]string{
		bucket:        {"s3:GetBucketLocation", "s3:ListBucket"},
		bucket + "/*": {"s3:GetObject"},
	}, allowed(policy))
	for _, s := range policy {
		require.Equal(t, map[string]map[string]string{"StringEquals": {"aws:ResourceAccount": "123456789012"}}, s.Condition)
	}
}
