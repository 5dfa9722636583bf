package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

// readResults returns the rows of a file of results by their index, or none if there is no file.
func readResults(t *testing.T, path string) map[int][]string {
	t.Helper()
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	defer file.Close()
	all, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err, path)
	byIndex := make(map[int][]string)
	for i, row := range all {
		if i == 0 {
			require.Equal(t, []string{"index", "source1", "source2", "status", "read_set_id", "job_id", "reason"}, row)
			continue
		}
		index, err := strconv.Atoi(row[0])
		require.NoError(t, err)
		require.NotContains(t, byIndex, index)
		byIndex[index] = row
	}
	return byIndex
}

// A program that is killed leaves a file of results that can be read, and the same command again leaves one that has the
// rest.
func TestResultsOfKilledProgram(t *testing.T) {
	t.Parallel()
	const programs, atOnce, sources = 50, 17, 250
	var stores []string
	for i := range programs {
		stores = append(stores, strconv.Itoa(1_000_000_000+i))
	}
	service := omicstest.New(func(o *omicstest.Options) {
		o.Stores = stores
		o.JobDuration = func(omicstest.Job) time.Duration { return rand.N(3 * time.Second) }
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			if strings.HasSuffix(s.Source1, "9.fastq.gz") {
				return omicstest.Failed("The file of " + s.SampleID + " was not found")
			}
			return omicstest.Outcome{}
		}
	})
	inPart := 0
	for some := range slices.Chunk(stores, atOnce) {
		dirs := make(map[string]string) // by store
		for _, store := range some {
			dirs[store] = t.TempDir()
		}
		start := func(store string) *exec.Cmd {
			cmd := program(t, service, "-store", store, "-sheet", "-", "-results", filepath.Join(dirs[store], "results.csv"),
				"-journal", filepath.Join(dirs[store], "import.journal"))
			cmd.Stdin = strings.NewReader(header + rows("a", sources))
			require.NoError(t, cmd.Start())
			return cmd
		}
		var killed []*exec.Cmd
		for _, store := range some {
			killed = append(killed, start(store))
		}
		for _, cmd := range killed {
			time.Sleep(rand.N(time.Second / 2))
			require.NoError(t, cmd.Process.Kill())
			_ = cmd.Wait()
		}
		var again []*exec.Cmd
		for _, store := range some {
			if n := len(readResults(t, filepath.Join(dirs[store], "results.csv"))); 0 < n && n < sources {
				inPart++
			}
			again = append(again, start(store))
		}
		for i, store := range some {
			_ = again[i].Wait()
			requireWhole(t, dirs[store], sources)
		}
	}
	t.Logf("%d of %d programs were killed when they had written a part of the results", inPart, programs)
	require.Positive(t, inPart)
}

// requireWhole checks the results of a killed program and of the one that ran after it.
func requireWhole(t *testing.T, dir string, sources int) {
	t.Helper()
	before := readResults(t, filepath.Join(dir, "results.1.csv"))
	after := readResults(t, filepath.Join(dir, "results.csv"))
	require.Len(t, after, sources)
	for i, row := range after {
		require.Equal(t, fmt.Sprintf("s3://bucket/a%d.fastq.gz", i), row[1])
		if i%10 == 9 {
			require.Equal(t, []string{"not imported", "", "The file of … was not found"}, []string{row[3], row[4], row[6]})
			continue
		}
		require.Contains(t, []string{"imported", "in already"}, row[3])
		require.Len(t, row[4], 10)
		if old := before[i]; old != nil {
			require.Equal(t, "in already", row[3])
			require.Equal(t, old[4], row[4])
		}
	}
}
