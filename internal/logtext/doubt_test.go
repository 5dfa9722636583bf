package logtext

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDoubt(t *testing.T) {
	t.Parallel()
	require.Equal(t, "why", Doubt("why", nil))
	require.Equal(t, "why", Doubt("why", []string{"a sample"}))
	require.Equal(t, "why; look at read sets 1234567890", Doubt("why", []string{"a sample", "1234567890"}))
	many := make([]string, 100)
	for i := range many {
		many[i] = fmt.Sprintf("%010d", i)
	}
	require.Equal(t, 9, strings.Count(Doubt("why", many), ","), "ten of them")
}

func TestError(t *testing.T) {
	t.Parallel()
	a, b := errors.New("a"), errors.New("b")
	err := error(&Error{Text: "text", Causes: []error{a, b}})
	require.EqualError(t, err, "text")
	require.ErrorIs(t, err, a)
	require.ErrorIs(t, err, b)
}
