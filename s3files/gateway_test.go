package s3files_test

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/gateway"
)

// server is the real S3 server of the tests: one for all of them, with a bucket for each.
var server struct {
	start sync.Once
	*gateway.Server
	err error
}

// realBucket returns a client of the real server, and the name and the folder of a new bucket in it. Where the server is
// not installed, the test is skipped.
func realBucket(tb testing.TB) (client *s3.Client, bucket, folder string) {
	program := gateway.Find()
	if program == "" {
		tb.Skip("needs a real S3 server: " + gateway.Install)
	}
	server.start.Do(func() { server.Server, server.err = gateway.Start(program) })
	require.NoError(tb, server.err)
	bucket, err := server.NewBucket()
	require.NoError(tb, err)
	return server.Client(), bucket, filepath.Join(server.Folder, bucket)
}

// stopServer ends the server, if it was started.
func stopServer() {
	if server.Server != nil {
		server.Stop()
	}
}
