// Package gateway runs a real S3 server for tests: versitygw, whose buckets are folders.
package gateway

import (
	"context"
	"fmt"
	"go/build"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/readsetimport/readsetimport/internal/child"
)

const (
	// Install is the command that installs the server.
	Install = "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0"
	// Key is the access key and the secret key of the server.
	Key = "test"
	// Region is where its buckets are.
	Region = "us-east-1"
)

// Find returns the path of the server's program, or "" if it is not installed. It looks where go install puts programs, too.
func Find() string {
	if path, err := exec.LookPath("versitygw"); err == nil {
		return path
	}
	path, err := exec.LookPath(filepath.Join(build.Default.GOPATH, "bin", "versitygw"))
	if err != nil {
		return ""
	}
	return path
}

// Server is a server under way. It ends with this process, however that ends.
type Server struct {
	URL    string
	Folder string // its subfolders are buckets
	cmd    *exec.Cmd
	http   *http.Client
}

// Start starts the server's program on a free port of this machine, with a temporary folder.
func Start(program string) (*Server, error) {
	folder, err := os.MkdirTemp("", "gateway-")
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := listener.Addr().String()
	listener.Close() // the port is free now
	s := &Server{
		URL: "http://" + address, Folder: folder, cmd: exec.Command(program, "--port", address, "--quiet", "posix", folder),
		http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
	}
	s.cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+Key, "ROOT_SECRET_KEY="+Key)
	if err := child.Start(s.cmd); err != nil {
		return nil, err
	}
	for begin := time.Now(); time.Since(begin) < 30*time.Second; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", address); err == nil {
			conn.Close()
			return s, nil
		}
	}
	s.Stop()
	return nil, fmt.Errorf("%s does not answer on %s", program, address)
}

// NewBucket makes a bucket, and returns its name.
func (s *Server) NewBucket() (string, error) {
	folder, err := os.MkdirTemp(s.Folder, "bucket-")
	return filepath.Base(folder), err
}

// Client returns a client of the server.
func (s *Server) Client() *s3.Client { return NewClient(s.URL, s.http) }

// Stop ends the server and removes its folder.
func (s *Server) Stop() {
	s.http.CloseIdleConnections()
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	_ = os.RemoveAll(s.Folder)
}

// NewClient returns a client of the SDK for a server that has buckets as folders.
func NewClient(url string, client s3.HTTPClient) *s3.Client {
	return s3.New(s3.Options{
		Region: Region, BaseEndpoint: aws.String(url), UsePathStyle: true, HTTPClient: client,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: Key, SecretAccessKey: Key}, nil
		}),
	})
}
