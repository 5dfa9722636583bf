package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

// importJournaled imports these with the journal in a file, for at most as long as given.
func importJournaled(t *testing.T, service *omicstest.Service, path string, most time.Duration, names ...string) (*readsetimport.Report, error) {
	t.Helper()
	log, err := journal.Open(path)
	require.NoError(t, err)
	defer log.Close()
	client, err := readsetimport.New(service.Client(), func(o *readsetimport.Options) { o.Journal = log })
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), most)
	defer cancel()
	var sources []readsetimport.Source
	for _, name := range names {
		sources = append(sources, readsetimport.FASTQ("s3://bucket/"+name+".fastq.gz").WithSubject("sample-"+name).WithSample("sample-"+name))
	}
	return client.Import(ctx, readsetimport.Target{SequenceStoreID: store, RoleARN: role}, sources)
}

// inDoubt returns a store and a journal with two batches in doubt, a, b and bad, of which the last has failed, and c; and the ids
// of the read sets. The answers to both were lost long ago, and the jobs' records are gone.
func inDoubt(t *testing.T, optFns ...func(*omicstest.Options)) (service *omicstest.Service, journal string, ids map[string]string) {
	t.Helper()
	service = newService(append([]func(*omicstest.Options){func(o *omicstest.Options) { o.JobRetention = time.Hour }}, optFns...)...)
	path := filepath.Join(t.TempDir(), "stores.journal")
	for _, names := range [][]string{{"a", "b", "bad"}, {"c"}} {
		service.Inject(omicstest.OpStart, omicstest.DropAfter())
		_, err := importJournaled(t, service, path, time.Millisecond, names...)
		require.ErrorIs(t, err, readsetimport.ErrUnresolved)
		time.Sleep(time.Minute)
	}
	time.Sleep(8 * 24 * time.Hour)
	_, err := importJournaled(t, service, path, 24*time.Hour, "a", "b", "bad", "c")
	require.ErrorIs(t, err, readsetimport.ErrUnresolved)
	ids = make(map[string]string)
	for _, set := range service.ReadSets(store) {
		ids[strings.TrimSuffix(strings.TrimPrefix(set.Source.Source1, "s3://bucket/"), ".fastq.gz")] = set.ID
	}
	require.Len(t, ids, 3)
	return service, path, ids
}

var doubtsHeader = []string{"doubt", "line", "file", "job", "sent", "read sets", "decision", "batch", "source"}

// decide writes a person's decisions into a file with doubts, by the lines of the sheet.
func decide(t *testing.T, path string, byLine map[string]string) {
	t.Helper()
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	require.NoError(t, w.Write(doubtsHeader))
	for _, row := range readTable(t, path, doubtsHeader...) {
		row[6] = byLine[row[1]]
		require.NoError(t, w.Write(row))
	}
	w.Flush()
	require.NoError(t, os.WriteFile(path, text.Bytes(), 0o600))
}

// lastLine is the summary.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return lines[len(lines)-1]
}

// What is in doubt is listed, a person decides, and the next import goes on. What is decided in part stays.
func TestDoubtsAreSettled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service, log, ids := inDoubt(t)
		file := filepath.Join(t.TempDir(), "doubts.csv")
		list := func(args ...string) answer {
			return program(t, service, rows("a", "b", "bad"), append([]string{"-store", store, "-sheet", "-", "-journal", log, "-doubts"}, args...)...)
		}
		settle := func() answer { return program(t, service, "", "-store", store, "-journal", log, "-settle", file) }

		got := list("-csv", file)
		require.Equal(t, exitFound, got.code, got.stderr)
		require.Empty(t, got.stderr)
		sent := func(after time.Duration) string {
			return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Add(after).Format(time.RFC3339) // as the bubble's clock begins
		}
		table := readTable(t, file, doubtsHeader...)
		require.Len(t, table, 4)
		for i, want := range [][]string{
			{"1", "2", "s3://bucket/a.fastq.gz", "", sent(0), ids["a"], ""},
			{"1", "3", "s3://bucket/b.fastq.gz", "", sent(0), ids["b"], ""},
			{"1", "4", "s3://bucket/bad.fastq.gz", "", sent(0), "", ""},
			{"2", "", "", "", sent(time.Minute), ids["c"], ""},
		} {
			require.Equal(t, want, table[i][:7])
		}
		require.Equal(t, strings.Join([]string{
			"DOUBT  LINE  FILE                      JOB  SENT                  READ SETS",
			"1      2     s3://bucket/a.fastq.gz         " + sent(0) + "  " + ids["a"],
			"1      3     s3://bucket/b.fastq.gz         " + sent(0) + "  " + ids["b"],
			"1      4     s3://bucket/bad.fastq.gz       " + sent(0),
			"2                                           " + sent(time.Minute) + "  " + ids["c"],
			"", "doubts 2, sources in doubt 4, of which 1 are not on the sheet", "",
		}, "\n"), got.stdout)

		got = program(t, service, rows("a"), "-store", store, "-sheet", "-", "-journal", log)
		require.Contains(t, got.stdout, "s3://bucket/a.fastq.gz  an import was cut off when it sent it: its next run finds out what became of it, or leaves that to you: see -doubts\n")

		asked := len(service.Requests(""))
		before, err := os.ReadFile(log)
		require.NoError(t, err)
		got = settle() // nothing is decided
		require.Equal(t, exitFound, got.code, got.stderr)
		require.Contains(t, got.stdout, "left: 3 of its sources have no decision\n")
		after, err := os.ReadFile(log)
		require.NoError(t, err)
		require.Equal(t, string(before), string(after), "nothing is written")

		decide(t, file, map[string]string{"2": ids["a"], "4": "not imported", "": ids["c"]})
		got = settle()
		require.Equal(t, exitFound, got.code, got.stderr)
		require.Contains(t, got.stdout, "left: 1 of its sources have no decision\n")
		require.Contains(t, got.stdout, "settled: imported 1, not imported 0\n")
		require.Equal(t, "doubts 2: settled 1, left 1", lastLine(got.stdout))
		require.Equal(t, "doubts 1, sources in doubt 3", lastLine(list().stdout))

		decide(t, file, map[string]string{"2": ids["a"], "3": " " + ids["b"], "4": "Not imported ", "": ids["c"]})
		got = settle()
		require.Equal(t, exitGood, got.code, got.stderr)
		require.Contains(t, got.stdout, "settled: imported 2, not imported 1\n")
		require.Equal(t, "doubts 1: settled 1, left 0; rows that are in doubt no more 1, the first on line 5", lastLine(got.stdout))
		got = list()
		require.Equal(t, answer{code: exitGood, stdout: "doubts 0, sources in doubt 0\n"}, got)

		for _, r := range service.Requests("")[asked:] { // what an auditor may call
			require.Contains(t, []string{omicstest.OpGet, omicstest.OpGetReadSetMetadata}, r.Op)
		}

		jobs := len(service.Jobs(store))
		report, err := importJournaled(t, service, log, 24*time.Hour, "a", "b", "bad", "c")
		require.ErrorIs(t, err, readsetimport.ErrIncomplete)
		for i, name := range []string{"a", "b", "bad", "c"} {
			require.Equal(t, name != "bad", report.Results[i].AlreadyImported, name)
			require.Equal(t, ids[name], report.Results[i].ReadSetID)
		}
		require.Len(t, service.Jobs(store), jobs+1, "only what was not imported is sent again")
	})
}

// A decision that the store contradicts is not written, and keeps none of the others from being so.
func TestDecisionRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service, log, ids := inDoubt(t)
		file := filepath.Join(t.TempDir(), "doubts.csv")
		require.Equal(t, exitFound, program(t, service, rows("a", "b", "bad", "c"), "-store", store, "-sheet", "-", "-journal", log, "-doubts", "-csv", file).code)
		other := filepath.Join(t.TempDir(), "other.csv")
		require.NoError(t, os.WriteFile(other, []byte(strings.Join(doubtsHeader, ",")+"\n"), 0o600))
		none := program(t, service, "", "-store", store, "-journal", log, "-settle", other)
		require.Equal(t, exitFound, none.code, none.stderr)
		require.Equal(t, 2, strings.Count(none.stdout, "left: the file has none of its sources\n"))
		decide(t, file, map[string]string{"2": ids["a"], "3": "1111111111", "4": "not imported", "5": ids["c"]})
		got := program(t, service, "", "-store", store, "-journal", log, "-settle", file)
		require.Equal(t, exitFailed, got.code, got.stderr)
		require.Contains(t, got.stdout, "left: read set 1111111111 is not in the store\n")
		require.Contains(t, got.stdout, "settled: imported 1, not imported 0\n")
		require.Equal(t, "doubts 2: settled 1, left 1", lastLine(got.stdout))
	})
}

// Where the store cannot be asked, nothing is settled, and the next doubt is not tried in vain.
func TestDecisionsThatCannotBeChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := false
		service, log, ids := inDoubt(t, func(o *omicstest.Options) {
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return omicstest.AccessDenied(), refuse && r.Op == omicstest.OpGetReadSetMetadata
			}
		})
		file := filepath.Join(t.TempDir(), "doubts.csv")
		require.Equal(t, exitFound, program(t, service, rows("a", "b", "bad", "c"), "-store", store, "-sheet", "-", "-journal", log, "-doubts", "-csv", file).code)
		decide(t, file, map[string]string{"2": ids["a"], "3": ids["b"], "4": "not imported", "5": ids["c"]})
		refuse = true
		asked := len(service.Requests(omicstest.OpGetReadSetMetadata))
		got := program(t, service, "", "-store", store, "-journal", log, "-settle", file)
		require.Equal(t, exitFailed, got.code)
		require.Equal(t, 2, strings.Count(got.stdout, "left: GetReadSetMetadata: access denied"), got.stdout)
		require.Equal(t, "doubts 2: settled 0, left 2", lastLine(got.stdout))
		require.Len(t, service.Requests(omicstest.OpGetReadSetMetadata), asked+1)
	})
}

// A job of which the record is gone is in doubt, by its id, also before an import has looked for its read sets.
func TestDoubtsOfJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService(func(o *omicstest.Options) { o.JobRetention = time.Hour })
		log := filepath.Join(t.TempDir(), "stores.journal")
		_, err := importJournaled(t, service, log, 10*time.Second, "a")
		require.Error(t, err)
		list := func() answer {
			return program(t, service, rows("a"), "-store", store, "-sheet", "-", "-journal", log, "-doubts")
		}
		require.Equal(t, exitGood, list().code, "the job runs")
		time.Sleep(2 * time.Hour)
		got := list()
		require.Equal(t, exitFound, got.code, got.stderr)
		require.Regexp(t, `(?m)^1      2     s3://bucket/a\.fastq\.gz  `+service.Jobs(store)[0].ID+`  2000-01-01T00:00:00Z$`, got.stdout)
	})
}

// A journal that is not there, or that has nothing of the store, is not one without doubts; and a file with decisions is not
// written over.
func TestDoubtsOfWhat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService()
		dir := t.TempDir()
		log, file := filepath.Join(dir, "stores.journal"), filepath.Join(dir, "doubts.csv")
		list := func(storeID, log string) answer {
			return program(t, service, rows("a"), "-store", storeID, "-sheet", "-", "-journal", log, "-doubts", "-csv", file)
		}
		got := list(store, log)
		require.Equal(t, answer{exitFailed, "", "audit: stat " + log + ": no such file or directory\n"}, got)
		_, err := importJournaled(t, service, log, time.Hour, "a")
		require.NoError(t, err)
		require.Equal(t, answer{exitFailed, "", "audit: the journal knows of no import into store 9999999999\n"}, list("9999999999", log))
		require.Equal(t, exitGood, list(store, log).code)
		require.Empty(t, readTable(t, file, doubtsHeader...))
		require.Equal(t, answer{exitFailed, "", "audit: " + file + " is there already, and may have decisions: give another file to -csv\n"}, list(store, log))
	})
}

const batchName, sourceName = "rsi1-abc", "000102030405060708090a0b0c0d0e0f"

// A file comes back from a spreadsheet in many ways.
func TestReadDecisions(t *testing.T) {
	key := rowKey{batch: batchName, source: journal.Fingerprint{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}}
	for name, text := range map[string]string{
		"as it was written":              "doubt,line,decision,batch,source\n7,2,1234567890," + batchName + "," + sourceName + "\n",
		"with a mark":                    "\ufeffdoubt,line,decision,batch,source\n7,2,1234567890," + batchName + "," + sourceName + "\n",
		"with semicolons":                "doubt;line;decision;batch;source\r\n7;2;1234567890;" + batchName + ";" + sourceName + "\r\n",
		"with tabs, and other columns":   "source\tmine\tdecision\tbatch\tdoubt\n" + strings.ToUpper(sourceName) + "\tx\t1234567890 \t" + batchName + "\t7\n",
		"with empty rows and short ones": "batch,source,doubt,decision\n" + batchName + "," + sourceName + ",7,1234567890\n,,\n",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "doubts.csv")
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
			got, err := readDecisions(path)
			require.NoError(t, err)
			require.Equal(t, map[rowKey]decision{key: {line: 2, doubt: "7", text: "1234567890"}}, got)
		})
	}
}

// All that is wrong with a file of decisions is told at once, by line.
func TestReadDecisionsRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doubts.csv")
	for text, want := range map[string]string{
		"":                                     `doubts.csv: it has no column "doubt"`,
		"a,b\n1,2\n":                           `doubts.csv: it has no column "doubt"`,
		"doubt,batch,source\n":                 `doubts.csv: it has no column "decision": give a file that -doubts -csv has written`,
		"doubt,decision,batch,source\n\"1,x\n": `extraneous or missing`,
		"doubt,decision,batch,source\n1,3.46914E+09," + batchName + "," + sourceName + "\n1,perhaps," + batchName + ",1.0203E+30\n": `doubts.csv:2: "3.46914E+09" is no decision: write the id of a read set (10 to 36 digits), or not imported` + "\n" +
			path + `:3: the columns "batch" and "source" must stay as they were written`,
		"doubt,decision,batch,source\n1,not imported," + batchName + "," + sourceName + "\n1,1234567890," + batchName + "," + sourceName + "\n": `doubts.csv:3: it is of the same source as line 2`,
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := readDecisions(path)
		require.ErrorContains(t, err, want)
	}
	_, err := readDecisions(filepath.Join(t.TempDir(), "none.csv"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
