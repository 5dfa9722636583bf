package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A bug whose lines are no longer in the library must be written anew.
func TestBugsApply(t *testing.T) {
	all, err := bugs()
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(all), 20)
	for _, b := range all {
		t.Run(b.name, func(t *testing.T) {
			changed, err := b.apply(func(name string) ([]byte, error) {
				return os.ReadFile(filepath.Join("..", "..", name))
			})
			require.NoError(t, err)
			for name, text := range changed {
				_, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
				require.NoError(t, err)
			}
		})
	}
}

func TestParse(t *testing.T) {
	b, err := parse("name", "What is\nwrong.\ntest: ./b TestX\n\n--- a.go\n \tkeep\n-\told\n+\tnew\n+\tmore\n\n--- b.go\n-x\n+y\n")
	require.NoError(t, err)
	require.Equal(t, bug{"name", "What is wrong.", "./b", "TestX", []hunk{
		{"a.go", "\tkeep\n\told\n", "\tkeep\n\tnew\n\tmore\n"}, {"b.go", "x\n", "y\n"},
	}}, b)
	for name, text := range map[string]string{"no change": "Text.\n", "no text": "--- a.go\n-x\n", "no package": "Text.\ntest: TestX\n\n--- a.go\n-x\n", "no mark": "Text.\n\n--- a.go\nx\n"} {
		_, err := parse("name", text)
		require.Error(t, err, name)
	}
}
