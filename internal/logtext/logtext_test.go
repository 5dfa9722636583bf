package logtext

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

type ownError struct{ secret string }

func (e ownError) Error() string { return e.secret }

func TestOf(t *testing.T) {
	const secret = "NA12878"
	known := []error{io.EOF, io.ErrUnexpectedEOF}
	own := func(err error) (string, bool) {
		if _, ok := err.(ownError); ok { //nolint:errorlint // one node of the tree
			return "an own error", true
		}
		return "", false
	}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"nothing":           {nil, ""},
		"harmless":          {Harmless("jobs 1"), "jobs 1"},
		"known":             {fmt.Errorf("%s: %w", secret, io.EOF), "EOF"},
		"own":               {fmt.Errorf("%s: %w", secret, ownError{secret}), "an own error"},
		"several":           {fmt.Errorf("%s: %w: %w", secret, io.EOF, ownError{secret}), "EOF: an own error"},
		"the same twice":    {errors.Join(io.EOF, io.EOF, io.ErrUnexpectedEOF), "EOF: unexpected EOF"},
		"of another":        {errors.New(secret), "*errors.errorString"},
		"a file":            {&fs.PathError{Op: "write", Path: "/" + secret, Err: syscall.ENOSPC}, syscall.ENOSPC.Error()},
		"a connection":      {&url.Error{Op: "Get", URL: secret, Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}, syscall.ECONNREFUSED.Error()},
		"a host":            {&url.Error{Op: "Get", URL: secret, Err: &net.DNSError{Name: secret}}, "a host name cannot be resolved"},
		"nothing within it": {fmt.Errorf("%s: %w", secret, error(nil)), "*fmt.wrapError"},
	} {
		require.Equal(t, test.want, Of(test.err, known, own), name)
	}
}

func TestIDs(t *testing.T) {
	require.Equal(t, "1234567890", ID("1234567890"))
	require.Empty(t, ID("NA12878"))
	const id = "00000000-0000-4000-8000-00000000000F"
	require.Equal(t, id, RequestID(id))
	for _, id := range []string{"", "NA12878", id + "0", "00000000-0000-4000-8000-00000000000G", "00000000x0000-4000-8000-000000000001", "0000000--0000-4000-8000-000000000001"} {
		require.Empty(t, RequestID(id), id)
	}
}

func TestOneOf(t *testing.T) {
	known := []string{"RED", "BLUE"}
	require.Equal(t, "RED", OneOf("RED", known))
	require.Empty(t, OneOf("", known))
	require.Equal(t, "unknown", OneOf("NA12878", known))
}

func TestPath(t *testing.T) {
	for path, want := range map[string]string{
		"sources[7].sampleId":                 "sources[7].sampleId",
		"sources[7].sourceFiles.source2":      "sources[7].sourceFiles.source2",
		`sources[7].tags["NA12878"]`:          "sources[7].tags",
		"uris[3]":                             "uris[3]",
		"roleArn":                             "roleArn",
		"NA12878":                             "a field",
		"":                                    "a field",
		`column "NA12878" of sources[7].name`: "a field",
	} {
		require.Equal(t, want, Path(path), path)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	text := func(i int) string { return string(rune('a' + i)) }
	require.Equal(t, "invalid field: a", List(1, text))
	require.Equal(t, "3 invalid fields: a; b; c", List(3, text))
	require.Equal(t, "5 invalid fields: a; b; c; and 2 more", List(5, text))
}
