package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
)

// Histories of imports of before are replayed by the workflows as they are now. A change of a workflow that fails here needs
// workflow.GetVersion: imports that run would be stuck. TestCommands writes them (see README.md).
func TestReplay(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/history/*.json")
	require.NoError(t, err)
	require.Len(t, files, 4)
	for _, file := range files {
		data, err := os.Open(file)
		require.NoError(t, err)
		defer data.Close()
		history, err := client.HistoryFromJSON(data, client.HistoryJSONOptions{})
		require.NoError(t, err)
		id := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".json"), "_", "/")
		require.NoError(t, replayer().ReplayWorkflowHistoryWithOptions(silent{}, history, worker.ReplayWorkflowHistoryOptions{
			OriginalExecution: workflow.Execution{ID: id},
		}), file)
	}
}

func replayer() worker.WorkflowReplayer {
	r := worker.NewWorkflowReplayer()
	r.RegisterWorkflow(Import)
	r.RegisterWorkflow(Batch)
	return r
}
