package journal

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// A new journal's name is synced too. A test cannot see the sync itself, but that the folder is opened for it: one that
// may be written to and not read holds no new journal, since nobody could make its name durable.
func TestJournalSyncsFolder(t *testing.T) {
	const nobody = 65534
	dir := t.TempDir()
	path := filepath.Join(dir, "journal.jsonl")
	if os.Geteuid() == 0 {
		// Root may read everything, so this thread is somebody else for now.
		require.NoError(t, os.Chown(filepath.Dir(dir), nobody, nobody))
		require.NoError(t, os.Chown(dir, nobody, nobody))
		runtime.LockOSThread()
		beUser(nobody)
		defer runtime.UnlockOSThread()
		defer beUser(0)
	}
	require.NoError(t, os.Chmod(dir, 0o300))
	_, err := Open(path)
	require.ErrorIs(t, err, os.ErrPermission)
	require.NoError(t, os.Chmod(dir, 0o700))
	j := openJournal(t, path)
	require.NoError(t, j.Append(t.Context(), lifeOfBatches(1, 1)[0]))
	require.NoError(t, j.Close())
	require.NoError(t, os.Chmod(dir, 0o300))
	openJournal(t, path) // its name is durable
	require.NoError(t, os.Chmod(dir, 0o700))
}

// beUser changes whose files the thread may open.
func beUser(uid uintptr) { _, _, _ = syscall.RawSyscall(syscall.SYS_SETFSUID, uid, 0, 0) }
