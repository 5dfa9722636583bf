package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.db")
	var first, second bytes.Buffer
	require.NoError(t, run(t.Context(), &first, path))
	require.Contains(t, first.String(), "1 jobs in this run")
	require.NoError(t, run(t.Context(), &second, path))
	require.Contains(t, second.String(), "0 jobs in this run")
	readSets := func(b *bytes.Buffer) []byte { return b.Bytes()[:bytes.LastIndexByte(b.Bytes()[:b.Len()-1], '\n')] }
	require.Equal(t, string(readSets(&first)), string(readSets(&second)))
}
