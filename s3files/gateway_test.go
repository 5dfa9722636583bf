package s3files_test

import (
	"context"
	"fmt"
	"go/build"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"
)

// The real S3 server of the tests: one process for all of them, in a temporary folder, with a bucket for each test.
const (
	gatewayInstall = "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0"
	testKey        = "test"
)

var gateway struct {
	start  sync.Once
	cmd    *exec.Cmd
	folder string // its subfolders are buckets
	url    string
	client *http.Client
	err    error
}

// realBucket returns a client of the real server, and the name and the folder of a new bucket in it. Where the server is
// not installed, the test is skipped.
func realBucket(tb testing.TB) (client *s3.Client, bucket, folder string) {
	program := findGateway()
	if program == "" {
		tb.Skip("needs a real S3 server: " + gatewayInstall)
	}
	gateway.start.Do(func() { gateway.err = startGateway(program) })
	require.NoError(tb, gateway.err)
	folder, err := os.MkdirTemp(gateway.folder, "bucket-")
	require.NoError(tb, err)
	return newClient(gateway.url, gateway.client), filepath.Base(folder), folder
}

// findGateway looks where go install puts programs, too.
func findGateway() string {
	if path, err := exec.LookPath("versitygw"); err == nil {
		return path
	}
	path, err := exec.LookPath(filepath.Join(build.Default.GOPATH, "bin", "versitygw"))
	if err != nil {
		return ""
	}
	return path
}

func startGateway(program string) error {
	var err error
	if gateway.folder, err = os.MkdirTemp("", "s3files-"); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	address := listener.Addr().String()
	listener.Close() // the port is free now
	gateway.cmd = exec.Command(program, "--port", address, "--quiet", "posix", gateway.folder)
	gateway.cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+testKey, "ROOT_SECRET_KEY="+testKey)
	gateway.cmd.SysProcAttr = dieWithParent()
	if err := gateway.cmd.Start(); err != nil {
		return err
	}
	gateway.url = "http://" + address
	gateway.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	for begin := time.Now(); time.Since(begin) < 30*time.Second; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return nil
		}
	}
	return fmt.Errorf("%s does not answer on %s", program, address)
}

// stopGateway ends the server and removes its folder.
func stopGateway() {
	if gateway.client != nil {
		gateway.client.CloseIdleConnections()
	}
	if gateway.cmd != nil && gateway.cmd.Process != nil {
		gateway.cmd.Process.Kill()
		gateway.cmd.Wait()
	}
	if gateway.folder != "" {
		os.RemoveAll(gateway.folder)
	}
}

// newClient returns a client of the SDK for a server.
func newClient(url string, client s3.HTTPClient) *s3.Client {
	return s3.New(s3.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url), UsePathStyle: true, HTTPClient: client,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: testKey, SecretAccessKey: testKey}, nil
		}),
	})
}
