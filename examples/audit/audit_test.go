package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport"
	"github.com/readsetimport/readsetimport/examples/internal/sheet"
	"github.com/readsetimport/readsetimport/journal"
	"github.com/readsetimport/readsetimport/omicstest"
)

const (
	store = "1234567890"
	role  = "arn:aws:iam::123456789012:role/import"
)

// answer is what the program leaves.
type answer struct {
	code           int
	stdout, stderr string
}

func program(t *testing.T, service *omicstest.Service, sheet string, args ...string) answer {
	t.Helper()
	var stdout, stderr bytes.Buffer
	connect := func(context.Context) (readsetimport.API, error) { return service.Client(), nil }
	code := run(t.Context(), connect, args, strings.NewReader(sheet), &stdout, &stderr)
	return answer{code, stdout.String(), stderr.String()}
}

// newService is a store in which jobs take a minute, and those of s3://bucket/slow… a day.
func newService(optFns ...func(*omicstest.Options)) *omicstest.Service {
	return omicstest.New(append([]func(*omicstest.Options){func(o *omicstest.Options) {
		o.RequestRate = 5
		o.JobDuration = func(job omicstest.Job) time.Duration {
			if strings.HasPrefix(job.Sources[0].Source1, "s3://bucket/slow") {
				return 24 * time.Hour
			}
			return time.Minute
		}
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			if strings.Contains(s.Source1, "bad") {
				return omicstest.Failed("File validation failed")
			}
			return omicstest.Outcome{}
		}
	}}, optFns...)...)
}

func source(name string) omicstest.Source {
	return omicstest.Source{Type: types.FileTypeFastq, Source1: "s3://bucket/" + name + ".fastq.gz", SubjectID: "sample-" + name, SampleID: "sample-" + name}
}

// imports lets a job import these, and returns the ids of the read sets by their names.
func imports(t *testing.T, service *omicstest.Service, storeID string, names ...string) map[string]string {
	t.Helper()
	before := make(map[string]bool)
	for _, set := range service.ReadSets(storeID) {
		before[set.ID] = true
	}
	var sources []omicstest.Source
	for _, name := range names {
		sources = append(sources, source(name))
	}
	_, err := service.StartJob(storeID, role, sources...)
	require.NoError(t, err)
	time.Sleep(time.Minute)
	ids := make(map[string]string)
	for _, set := range service.ReadSets(storeID) {
		if !before[set.ID] {
			ids[strings.TrimSuffix(strings.TrimPrefix(set.Source.Source1, "s3://bucket/"), ".fastq.gz")] = set.ID
		}
	}
	return ids
}

// rows is a sheet with these, the first of which is on line 2.
func rows(names ...string) string {
	var text strings.Builder
	text.WriteString("sample,fastq_1\n")
	for _, name := range names {
		fmt.Fprintf(&text, "sample-%s,s3://bucket/%[1]s.fastq.gz\n", name)
	}
	return text.String()
}

// readTable returns a CSV file without its header.
func readTable(t *testing.T, path string, header ...string) [][]string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	all, err := csv.NewReader(file).ReadAll()
	require.NoError(t, err)
	require.Equal(t, header, all[0])
	return all[1:]
}

var sheetHeader = []string{"line", "status", "read set", "file", "detail"}

// Rows of every kind: each is where it is, by line and by file, in the table and in the file. Nothing is sent.
func TestSheet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService(func(o *omicstest.Options) {
			o.Content = func(uri string) string { return strings.ReplaceAll(uri, "copy-of-", "") }
		})
		first := imports(t, service, store, "in", "two", "gone", "again", "archived", "bad", "original", "a-gone")
		second := imports(t, service, store, "two", "again", "a-gone")
		for _, id := range []string{first["gone"], first["again"], first["a-gone"], second["a-gone"]} {
			require.NoError(t, service.DeleteReadSet(id))
		}
		require.NoError(t, service.SetReadSetStatus(first["archived"], types.ReadSetStatusArchived, ""))
		copied := imports(t, service, store, "copy-of-original")
		imports(t, service, store, "slow")
		uploaded, err := service.Upload(store, omicstest.Upload{Source: source("uploaded")})
		require.NoError(t, err)
		failed := ""
		for _, job := range service.Jobs(store) {
			if len(job.Sources) == 8 {
				failed = job.ID
			}
		}
		jobs := len(service.Jobs(store))

		path := filepath.Join(t.TempDir(), "audit.csv")
		sheet := rows("in", "two", "missing", "gone", "again", "archived", "bad", "slow", "uploaded", "original", "a-gone") +
			"sample-in,s3://bucket/in-lane2.fastq.gz\n" // whose sample has a read set, of another file
		got := program(t, service, sheet, "-store", store, "-sheet", "-", "-csv", path)
		require.Equal(t, exitFound, got.code, got.stderr)
		require.Empty(t, got.stderr)
		require.Len(t, service.Jobs(store), jobs)

		table := readTable(t, path, sheetHeader...)
		slow := table[7][4]
		require.Regexp(t, `^job [0-9]{10} has it$`, slow)
		file := func(name string) string { return "s3://bucket/" + name + ".fastq.gz" }
		require.Equal(t, [][]string{
			{"2", "in the store", first["in"], file("in"), ""},
			{"3", "twice", first["two"] + " " + second["two"], file("two"), ""},
			{"4", "missing", "", file("missing"), ""},
			{"5", "deleted", "", file("gone"), "read set " + first["gone"] + " is no longer there"},
			{"6", "in the store", second["again"], file("again"), ""},
			{"7", "in the store", first["archived"], file("archived"), "read set " + first["archived"] + ": its status is ARCHIVED"},
			{"8", "missing", "", file("bad"), "job " + failed + " has not imported it"},
			{"9", "on its way", "", file("slow"), slow},
			{"10", "unclear", uploaded, file("uploaded"), "of its subject, sample and type, uploaded or from a job that is no longer listed: look whether it is this one"},
			{"11", "twice", first["original"], file("original"), "the same content as read set " + copied["copy-of-original"]},
			{"12", "deleted", "", file("a-gone"), "read set " + second["a-gone"] + " is no longer there"},
			{"13", "missing", "", file("in-lane2"), ""},
		}, table)

		lines := strings.Split(got.stdout, "\n")
		require.Equal(t, "LINE  STATUS        READ SET               FILE                           DETAIL", lines[0])
		require.Equal(t, "2     in the store  "+first["in"]+"             s3://bucket/in.fastq.gz", lines[1])
		require.Equal(t, "3     twice         "+first["two"]+" "+second["two"]+"  s3://bucket/two.fastq.gz", lines[2])
		require.Equal(t, []string{"", "rows 12: in the store 3, twice 2, on its way 1, unclear 1, deleted 2, missing 3", ""}, lines[13:])
		require.NotContains(t, got.stdout, "sample-")
	})
}

// If all is in the store once, the status is 0.
func TestSheetAllThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService()
		imports(t, service, store, "a", "b")
		imports(t, service, store, "c")
		got := program(t, service, rows("a", "c"), "-store", store, "-sheet", "-")
		require.Equal(t, exitGood, got.code, got.stderr)
		require.True(t, strings.HasSuffix(got.stdout, "\n\nrows 2: in the store 2\n"), got.stdout)
	})
}

// A journal of an import counts, also where the service no longer lists the jobs, and the audit says the same each time.
func TestSheetWithJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService(func(o *omicstest.Options) { o.JobRetention = 24 * time.Hour })
		ids := imports(t, service, store, "a", "b", "two", "c")
		again := imports(t, service, store, "two", "c")
		path := filepath.Join(t.TempDir(), "stores.journal")
		audit := func(args ...string) answer {
			return program(t, service, rows("a", "b", "two", "c"), append([]string{"-store", store, "-sheet", "-"}, args...)...)
		}
		want := audit()
		require.Contains(t, want.stdout, "\nrows 4: in the store 2, twice 2\n")
		for range 2 {
			require.Equal(t, want, audit("-journal", path))
		}
		require.NoError(t, service.DeleteReadSet(ids["c"])) // the one that the journal knows
		got := audit("-journal", path)
		require.Regexp(t, `(?m)^5     in the store  `+again["c"]+` `, got.stdout)

		time.Sleep(48 * time.Hour)
		got = audit()
		require.Equal(t, exitFound, got.code)
		require.Contains(t, got.stdout, "\nrows 4: unclear 4\n")
		got = audit("-journal", path)
		require.Regexp(t, `(?m)^2     in the store  `+ids["a"]+` `, got.stdout)
		require.Contains(t, got.stdout, "\nrows 4: in the store 3, twice 1\n", "the journal knows both read sets")
	})
}

// The journal of an audit is one for imports, too.
func TestJournalServesImport(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService()
		ids := imports(t, service, store, "a")
		path := filepath.Join(t.TempDir(), "stores.journal")
		require.Equal(t, exitGood, program(t, service, rows("a"), "-store", store, "-sheet", "-", "-journal", path).code)
		log, err := journal.Open(path)
		require.NoError(t, err)
		defer log.Close()
		client, err := readsetimport.New(service.Client(), func(o *readsetimport.Options) { o.Journal = log })
		require.NoError(t, err)
		report, err := client.Import(t.Context(), readsetimport.Target{SequenceStoreID: store, RoleARN: role}, []readsetimport.Source{
			readsetimport.FASTQ("s3://bucket/a.fastq.gz").WithSample("sample-a").WithSubject("sample-a"),
		})
		require.NoError(t, err)
		require.True(t, report.Results[0].AlreadyImported)
		require.Equal(t, ids["a"], report.Results[0].ReadSetID)
		require.Len(t, service.Jobs(store), 1)
	})
}

// A journal can have several stores: what is twice in one says nothing of another.
func TestSheetWithJournalOfStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const other = "9876543210"
		service := newService(func(o *omicstest.Options) { o.Stores = []string{store, other} })
		imports(t, service, other, "a")
		imports(t, service, other, "a")
		path := filepath.Join(t.TempDir(), "stores.journal")
		got := program(t, service, rows("a"), "-store", other, "-sheet", "-", "-journal", path)
		require.Contains(t, got.stdout, "\nrows 1: twice 1\n")
		got = program(t, service, rows("a"), "-store", store, "-sheet", "-", "-journal", path)
		require.Contains(t, got.stdout, "\nrows 1: missing 1\n")
		got = program(t, service, rows("a"), "-store", other, "-sheet", "-", "-journal", path)
		require.Contains(t, got.stdout, "\nrows 1: twice 1\n")
	})
}

// Of very many read sets with the same content, the first are told by name.
func TestSheetOfManyDoubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService(func(o *omicstest.Options) {
			o.RequestRate = 0
			o.Content = func(string) string { return "nothing" }
		})
		var names []string
		for range 50 {
			var sources []omicstest.Source
			for range 100 {
				name := fmt.Sprint(len(names))
				names, sources = append(names, name), append(sources, source(name))
			}
			_, err := service.StartJob(store, role, sources...)
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		got := program(t, service, rows(names...), "-store", store, "-sheet", "-")
		require.Equal(t, exitFound, got.code)
		id := `read set [0-9]{10} of line [0-9]+`
		require.Regexp(t, `\n2 +twice   [0-9]{10}  s3://bucket/0\.fastq\.gz +the same content as (`+id+`, ){4}`+id+` and 4994 more\n`, got.stdout)
		require.True(t, strings.HasSuffix(got.stdout, "\nrows 5000: twice 5000\n"))
	})
}

// An audit that takes long says each minute what it is at.
func TestProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService()
		for i := range 400 {
			_, err := service.StartJob(store, role, source(fmt.Sprint(i)))
			require.NoError(t, err)
		}
		time.Sleep(time.Minute)
		got := program(t, service, rows("0", "1"), "-store", store, "-sheet", "-")
		require.Equal(t, exitGood, got.code, got.stderr)
		require.Regexp(t, `^1m0s so far: reading the import jobs, [12][0-9]{2}\n$`, got.stderr)
	})
}

// Package manifest finds rows that are the same; of those that it does not, the audit would tell the last only.
func TestSheetOfSameRows(t *testing.T) {
	same := readsetimport.UBAM("s3://bucket/a.bam").WithSample("a").WithSubject("a")
	_, err := auditSheet(t.Context(), nil, nil, store, sheet.Sheet{Sources: []readsetimport.Source{same, same.WithName("b")}, Lines: []int{2, 7}}, nil)
	require.EqualError(t, err, "lines 2 and 7 of the sheet are the same")
}

// What the service says of a read set is held against the row.
func TestSheetDiffers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := newService(func(o *omicstest.Options) { o.Content = func(string) string { return "the same" } })
		pair := source("a")
		pair.Source2 = "s3://bucket/b.fastq.gz"
		_, err := service.StartJob(store, role, pair)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		sheet := "sample,fastq_1,fastq_2\nsample-a,s3://bucket/a.fastq.gz,s3://bucket/b.fastq.gz\n"
		got := program(t, service, sheet, "-store", store, "-sheet", "-")
		require.Equal(t, exitFound, got.code, got.stderr)
		require.Regexp(t, `(?m)^2     differs  [0-9]{10}  s3://bucket/a\.fastq\.gz  read set [0-9]{10}: both files have the same content$`, got.stdout)
		require.Contains(t, got.stdout, "\nrows 1: differs 1\n")
	})
}

// Read sets with the same content in two stores, whatever they are called and however they came in.
func TestDoubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const other = "9876543210"
		service := newService(func(o *omicstest.Options) {
			o.Stores = []string{store, other}
			o.Content = func(uri string) string { return strings.ReplaceAll(uri, "copy-of-", "") }
		})
		here := imports(t, service, store, "a", "b", "c")
		there := imports(t, service, other, "copy-of-a", "d", "copy-of-c")
		uploaded, err := service.Upload(other, omicstest.Upload{Source: source("a")})
		require.NoError(t, err)
		require.NoError(t, service.DeleteReadSet(there["copy-of-c"]))

		path := filepath.Join(t.TempDir(), "doubles.csv")
		got := program(t, service, "", "-store", store+","+other, "-csv", path)
		require.Equal(t, exitFound, got.code, got.stderr)
		require.Empty(t, got.stderr)
		table := readTable(t, path, "content", "store", "read set", "type", "status", "created", "by")
		for i, row := range table {
			_, err := time.Parse(time.RFC3339, row[5])
			require.NoError(t, err)
			table[i] = slices.Delete(row, 5, 6)
		}
		require.Equal(t, [][]string{
			{"1", store, here["a"], "FASTQ", "ACTIVE", "import"},
			{"1", other, there["copy-of-a"], "FASTQ", "ACTIVE", "import"},
			{"1", other, uploaded, "FASTQ", "ACTIVE", "upload"},
		}, table)
		require.True(t, strings.HasPrefix(got.stdout, "CONTENT  STORE       READ SET    TYPE   STATUS  CREATED               BY\n1        1234567890  "), got.stdout)
		require.True(t, strings.HasSuffix(got.stdout, "\n\nread sets 6 in stores 2: 1 contents are there more than once, in 3 read sets\n"), got.stdout)

		got = program(t, service, "", "-store", store)
		require.Equal(t, answer{code: exitGood, stdout: "read sets 3 in stores 1: 0 contents are there more than once, in 0 read sets\n"}, got)
	})
}

// Hashes that cannot be compared, and those that are not there yet, are told.
func TestDoublesOfSeveralKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const other = "9876543210"
		service := newService(func(o *omicstest.Options) {
			o.Stores = []string{store, other}
			o.ETagFamilies = map[string]types.ETagAlgorithmFamily{other: types.ETagAlgorithmFamilySha256up}
			o.ETagDelay = time.Hour
		})
		imports(t, service, store, "a")
		imports(t, service, other, "a")
		time.Sleep(time.Hour)
		imports(t, service, other, "b")
		got := program(t, service, "", "-store", store, "-store", other)
		require.Equal(t, answer{
			code:   exitGood,
			stdout: "read sets 3 in stores 2: 0 contents are there more than once, in 0 read sets; of 1 the service has not computed the content's hash yet\n",
			stderr: "audit: the ETags are hashes of several kinds, and the same content under different kinds cannot be told: MD5up in 1234567890; SHA256up in 9876543210\n",
		}, got)
	})
}
