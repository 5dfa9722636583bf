package sim

import (
	"os"
	"os/exec"
	"testing"

	"github.com/readsetimport/readsetimport/internal/child/childtest"
)

// Nothing is left of a simulation that is killed.
func TestNothingOutlivesTheSimulation(t *testing.T) {
	if *flagWorker >= 0 {
		t.Skip("for the process that has the others")
	}
	childtest.RequireNoneLeft(t, exec.Command(os.Args[0], "-test.run=^TestSimulation$", "-seeds=1000000", "-cores=2", "-all"), 3)
}
