package killtest

import (
	"os"
	"os/exec"
	"testing"

	"github.com/readsetimport/readsetimport/internal/child/childtest"
)

// Nothing is left of a test that is killed itself.
func TestNothingOutlivesTheTest(t *testing.T) {
	childtest.RequireNoneLeft(t, exec.Command(os.Args[0], "-test.run=^TestKill$", "-kills=1000000"), 2)
}
