package journaltest_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/journal/journaltest"
)

// A new, empty journal, here that of package journal in place of one's own.
func ExampleTestJournal() {
	folder, err := os.MkdirTemp("", "journal")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	j, err := journal.Open(filepath.Join(folder, "test.journal"))
	if err != nil {
		log.Fatal(err)
	}
	defer j.Close()
	fmt.Println(journaltest.TestJournal(j))
	// Output: <nil>
}

// A function that opens the same journal each time.
func ExampleTestReopen() {
	folder, err := os.MkdirTemp("", "journal")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	fmt.Println(journaltest.TestReopen(func() (journal.Journal, error) {
		return journal.Open(filepath.Join(folder, "test.journal"))
	}))
	// Output: <nil>
}
