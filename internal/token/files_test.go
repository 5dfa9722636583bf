package token

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFiles(t *testing.T) {
	t.Parallel()
	f := make(Files)
	f.Add("s3://bucket/a")
	f.Add("")
	require.True(t, f.Has("s3://bucket/a"))
	require.False(t, f.Has("s3://bucket/b"))
	require.False(t, f.Has(""), "no name is no file")
	require.Len(t, f, 1)
}
