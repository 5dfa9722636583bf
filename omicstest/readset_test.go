package omicstest_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

func metadata(t *testing.T, c *omics.Client, id string) (*omics.GetReadSetMetadataOutput, error) {
	t.Helper()
	return c.GetReadSetMetadata(t.Context(), &omics.GetReadSetMetadataInput{SequenceStoreId: aws.String(store), Id: aws.String(id)})
}

func TestReadSetsOfJob(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(10 * time.Minute)
		o.Outcome = func(s omicstest.Source) omicstest.Outcome {
			if s.SampleID == "sample-1" {
				return omicstest.Failed("File validation failed")
			}
			return omicstest.Outcome{}
		}
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		began := time.Now()
		id := start(t, c, "", 3)
		for _, step := range []struct {
			after time.Duration
			want  []string // samples, the newest first
		}{
			{4*time.Minute - 1, nil},
			{4 * time.Minute, []string{"sample-0"}},
			{7 * time.Minute, []string{"sample-0"}},
			{10*time.Minute - 1, []string{"sample-0"}},
			{10 * time.Minute, []string{"sample-2", "sample-0"}},
			{time.Hour, []string{"sample-2", "sample-0"}},
		} {
			time.Sleep(time.Until(began.Add(step.after)))
			var samples []string
			for _, s := range readSets(t, c, nil, 0) {
				samples = append(samples, *s.SampleId)
			}
			require.Equal(t, step.want, samples, step.after)
		}

		job, err := get(t.Context(), c, id)
		require.NoError(t, err)
		created := map[string]time.Duration{"sample-0": 4 * time.Minute, "sample-2": 10 * time.Minute}
		for _, source := range job.Sources {
			if *source.SampleId == "sample-1" {
				require.Nil(t, source.ReadSetId)
				continue
			}
			out, err := metadata(t, c, *source.ReadSetId)
			require.NoError(t, err)
			require.Equal(t, *source.SampleId, *out.SampleId)
			require.Equal(t, id, *out.CreationJobId)
			require.Equal(t, began.Add(created[*source.SampleId]).UTC(), *out.CreationTime)
		}
	})
}

func TestReadSetAnswers(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.JobDuration = omicstest.FixedDuration(0)
		o.Content = func(string) string { return "content" }
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		sources := []omicstest.Source{
			{
				Type: "CRAM", Source1: "s3://lab/a.cram", SubjectID: "Zoë", SampleID: `<7> & "x"`, Name: "name",
				Description: "text", GeneratedFrom: "origin", ReferenceARN: reference1, Tags: map[string]string{"lane": "1"},
			},
			{Type: "FASTQ", Source1: "s3://lab/a_R1.fastq.gz", Source2: "s3://lab/a_R2.fastq.gz", SubjectID: "s", SampleID: "b"},
		}
		job := started(t, service, sources...)
		sets := service.ReadSets(store)
		require.Equal(t, []omicstest.ReadSet{
			{ID: sets[0].ID, StoreID: store, JobID: job.ID, Status: "ACTIVE", CreationTime: time.Now(), Source: sources[0]},
			{ID: sets[1].ID, StoreID: store, JobID: job.ID, Status: "ACTIVE", CreationTime: time.Now(), Source: sources[1]},
		}, sets)
		sets[0].Tags["lane"] = "changed by the caller"
		require.Equal(t, "1", service.ReadSets(store)[0].Tags["lane"])

		const md5, reads = "9a0364b9e99bb480dd25e1f0284c8555", 9_588_290 // both of "content"
		want := types.ReadSetListItem{
			Id: &sets[0].ID, Arn: aws.String("arn:aws:omics:us-east-1:123456789012:sequenceStore/1234567890/readSet/" + sets[0].ID),
			SequenceStoreId: aws.String(store), Status: "ACTIVE", FileType: "CRAM", CreationType: "IMPORT",
			CreationTime: aws.Time(time.Now().UTC()), SubjectId: aws.String("Zoë"), SampleId: aws.String(`<7> & "x"`),
			Name: aws.String("name"), Description: aws.String("text"), ReferenceArn: aws.String(reference1),
			SequenceInformation: &types.SequenceInformation{
				Alignment: aws.String("ALIGNED"), GeneratedFrom: aws.String("origin"),
				TotalReadCount: aws.Int64(reads), TotalBaseCount: aws.Int64(150 * reads),
			},
			Etag: &types.ETag{Algorithm: "CRAM_MD5up", Source1: aws.String(md5)},
		}
		listed := readSets(t, c, nil, 0)
		require.Equal(t, want, listed[1])
		require.Equal(t, types.ReadSetListItem{
			Id: &sets[1].ID, Arn: aws.String("arn:aws:omics:us-east-1:123456789012:sequenceStore/1234567890/readSet/" + sets[1].ID),
			SequenceStoreId: aws.String(store), Status: "ACTIVE", FileType: "FASTQ", CreationType: "IMPORT",
			CreationTime: aws.Time(time.Now().UTC()), SubjectId: aws.String("s"), SampleId: aws.String("b"),
			SequenceInformation: &types.SequenceInformation{
				Alignment: aws.String("UNALIGNED"), TotalReadCount: aws.Int64(2 * reads), TotalBaseCount: aws.Int64(300 * reads),
			},
			Etag: &types.ETag{Algorithm: "FASTQ_MD5up", Source1: aws.String(md5), Source2: aws.String(md5)},
		}, listed[0])

		out, err := metadata(t, c, sets[0].ID)
		require.NoError(t, err)
		file := &types.FileInformation{ContentLength: aws.Int64(50 * reads), PartSize: aws.Int64(100 << 20), TotalParts: aws.Int32(5)}
		require.Equal(t, &omics.GetReadSetMetadataOutput{
			Id: want.Id, Arn: want.Arn, SequenceStoreId: want.SequenceStoreId, Status: want.Status, FileType: want.FileType,
			CreationType: want.CreationType, CreationTime: want.CreationTime, SubjectId: want.SubjectId, SampleId: want.SampleId,
			Name: want.Name, Description: want.Description, ReferenceArn: want.ReferenceArn,
			SequenceInformation: want.SequenceInformation, Etag: want.Etag,
			CreationJobId: aws.String(job.ID), Files: &types.ReadSetFiles{Source1: file}, ResultMetadata: out.ResultMetadata,
		}, out)
		out, err = metadata(t, c, sets[1].ID)
		require.NoError(t, err)
		require.Equal(t, &types.ReadSetFiles{Source1: file, Source2: file}, out.Files)
	})
}

func TestETags(t *testing.T) {
	asked := map[string]int{}
	families := map[string]types.ETagAlgorithmFamily{"9999999999": "SHA256up", "8888888888": "SHA512up"}
	bubble(t, func(o *omicstest.Options) {
		o.Stores = []string{store, "9999999999", "8888888888"}
		o.ETagFamilies = families
		o.JobDuration = omicstest.FixedDuration(0)
		o.Content = func(uri string) string {
			asked[uri]++
			if uri == "s3://backup/a.fastq.gz" {
				return "s3://lab/a.fastq.gz" // a copy
			}
			return uri
		}
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		clear(families) // the service has a copy
		etag := func(storeID string, source omicstest.Source) types.ETag {
			source.SubjectID, source.SampleID = "subject", "sample"
			if source.Type == "BAM" || source.Type == "CRAM" {
				source.ReferenceARN = reference1
			}
			before := len(service.ReadSets(storeID))
			_, err := service.StartJob(storeID, role, source)
			require.NoError(t, err)
			out, err := c.GetReadSetMetadata(t.Context(), &omics.GetReadSetMetadataInput{
				SequenceStoreId: &storeID, Id: &service.ReadSets(storeID)[before].ID,
			})
			require.NoError(t, err)
			return *out.Etag
		}
		pair := etag(store, omicstest.Source{Type: "FASTQ", Source1: "s3://lab/a.fastq.gz", Source2: "s3://lab/b.fastq.gz"})
		require.Equal(t, types.ETagAlgorithmFastqMd5up, pair.Algorithm)
		require.NotEqual(t, *pair.Source1, *pair.Source2)
		single := etag(store, omicstest.Source{Type: "FASTQ", Source1: "s3://backup/a.fastq.gz"})
		require.Equal(t, pair.Source1, single.Source1, "a copy has the same ETag")
		require.Nil(t, single.Source2)
		require.Equal(t, single, etag(store, omicstest.Source{Type: "FASTQ", Source1: "s3://lab/a.fastq.gz"}))
		require.Equal(t, map[string]int{
			"s3://lab/a.fastq.gz": 2, "s3://lab/b.fastq.gz": 1, "s3://backup/a.fastq.gz": 1,
		}, asked, "once for each file of a read set")

		sum := func(algorithm types.ETagAlgorithm, source1 string) types.ETag {
			return types.ETag{Algorithm: algorithm, Source1: &source1}
		}
		const md5 = "900cb7db59f2bc2e50e39e8adbd57061" // of s3://lab/a
		require.Equal(t, sum("BAM_MD5up", md5), etag(store, omicstest.Source{Type: "BAM", Source1: "s3://lab/a"}))
		require.Equal(t, sum("BAM_MD5up", md5), etag(store, omicstest.Source{Type: "UBAM", Source1: "s3://lab/a"}))
		require.Equal(t, sum("CRAM_MD5up", md5), etag(store, omicstest.Source{Type: "CRAM", Source1: "s3://lab/a"}))
		require.Equal(t, sum("CRAM_SHA256up", "795f59344fdd4ea5c07f5ad410f95e04b7557351e7a4a37652219de21323d91f"), etag("9999999999", omicstest.Source{Type: "CRAM", Source1: "s3://lab/a"}))
		require.Equal(t, sum("FASTQ_SHA512up", "99c920a373115400610cfc2c0ef9d51b66ddfec4c7bd1f8430933502eded5c727b533142e5d51f2a9c33e497cb3691963e0deef6007a50d93edecff43869e111"), etag("8888888888", omicstest.Source{Type: "FASTQ", Source1: "s3://lab/a"}))

		for id, want := range map[string]types.ETagAlgorithmFamily{store: "MD5up", "9999999999": "SHA256up", "8888888888": "SHA512up"} {
			out, err := c.GetSequenceStore(t.Context(), &omics.GetSequenceStoreInput{Id: aws.String(id)})
			require.NoError(t, err)
			require.Equal(t, want, out.ETagAlgorithmFamily)
			require.Equal(t, "arn:aws:omics:us-east-1:123456789012:sequenceStore/"+id, *out.Arn)
			require.Equal(t, types.SequenceStoreStatusActive, out.Status)
			require.Equal(t, time.Now().UTC(), *out.CreationTime)
		}
	})
}

func TestETagDelay(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.ETagDelay = time.Hour
		o.JobDuration = omicstest.FixedDuration(0)
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		source := ubams(1)[0]
		source.GeneratedFrom = "origin"
		started(t, service, source)
		_, err := service.Upload(store, omicstest.Upload{Source: source, Duration: time.Minute})
		require.NoError(t, err)
		_, err = service.Upload(store, omicstest.Upload{Source: source, Failure: "no"})
		require.NoError(t, err)
		known := func() (n int) {
			for _, s := range readSets(t, c, nil, 0) {
				require.Equal(t, "origin", *s.SequenceInformation.GeneratedFrom)
				has := s.Etag != nil
				require.Equal(t, has, s.SequenceInformation.TotalReadCount != nil)
				require.Equal(t, has, s.SequenceInformation.TotalBaseCount != nil)
				out, err := metadata(t, c, *s.Id)
				require.NoError(t, err)
				require.Equal(t, has, out.Etag != nil)
				require.Equal(t, has, out.Files != nil)
				if has {
					n++
				}
			}
			return n
		}
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{0, 0}, {time.Hour - 1, 0}, {1, 1}, {time.Minute - 1, 1}, {1, 2}, {time.Hour, 2}} {
			time.Sleep(step.wait)
			require.Equal(t, step.want, known())
		}
	})
}

// Read sets stay when the record of their job expires, and name a job that is gone.
func TestReadSetsOutliveTheirJob(t *testing.T) {
	for _, discard := range []bool{false, true} {
		bubble(t, func(o *omicstest.Options) { o.JobRetention, o.DiscardExpired = time.Hour, discard },
			func(t *testing.T, service *omicstest.Service, c *omics.Client) {
				id := start(t, c, "", 3)
				upload, err := service.Upload(store, omicstest.Upload{})
				require.NoError(t, err)
				time.Sleep(time.Minute)
				before := readSets(t, c, nil, 0)
				require.Len(t, before, 4)
				time.Sleep(2 * time.Hour)
				_, err = get(t.Context(), c, id)
				require.Equal(t, "ResourceNotFoundException", code(t, err))
				out, err := metadata(t, c, *before[0].Id)
				if discard {
					require.Equal(t, "ResourceNotFoundException", code(t, err))
					require.Equal(t, []string{upload}, readSetIDs(readSets(t, c, nil, 0)))
					require.Len(t, service.ReadSets(store), 1)
					require.Error(t, service.DeleteReadSet(*before[0].Id))
				} else {
					require.NoError(t, err)
					require.Equal(t, id, *out.CreationJobId)
					require.Equal(t, before, readSets(t, c, nil, 0))
				}
				require.Equal(t, 3, service.CountReadSets(store), "uploads do not count")
			})
	}
}

// TestListReadSetsAmongDiscarded lists page by page while jobs end in another order than they were started, and are
// discarded.
func TestListReadSetsAmongDiscarded(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.JobRetention, o.DiscardExpired = time.Hour, true
		o.JobDuration = func(j omicstest.Job) time.Duration {
			return time.Duration(len(j.Sources)) * 10 * time.Minute
		}
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		began := time.Now()
		ends := map[string]time.Time{}
		for i := range 40 {
			n := i*7%12 + 1
			ends[started(t, service, ubams(n)...).ID] = time.Now().Add(time.Duration(n) * 10 * time.Minute)
			time.Sleep(3 * time.Minute)
			if i%5 > 0 { // not each time: some read sets are added to the list late, some are never
				continue
			}
			got := map[string]int{}
			for _, s := range readSets(t, c, nil, 4) {
				out, err := metadata(t, c, *s.Id)
				require.NoError(t, err)
				got[*out.CreationJobId]++
			}
			want := map[string]int{}
			for _, j := range service.Jobs(store) {
				for _, s := range j.Sources {
					if s.ReadSetID != "" && time.Now().Before(ends[j.ID].Add(time.Hour)) {
						want[j.ID]++
					}
				}
			}
			require.Equal(t, want, got, time.Since(began))
		}
		time.Sleep(24 * time.Hour)
		require.Empty(t, readSets(t, c, nil, 0))
		require.Empty(t, service.ReadSets(store))
		total := 0
		for i := range 40 {
			total += i*7%12 + 1
		}
		require.Equal(t, total, service.CountReadSets(store))
	})
}

func TestReadSetOfAnotherStore(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.Stores = []string{store, "9999999999"}
		o.JobDuration = omicstest.FixedDuration(0)
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		started(t, service, ubams(1)...)
		id := service.ReadSets(store)[0].ID
		_, err := metadata(t, c, id)
		require.NoError(t, err)
		for _, other := range []string{"9999999999", "5555555555"} {
			_, err := c.GetReadSetMetadata(t.Context(), &omics.GetReadSetMetadataInput{SequenceStoreId: &other, Id: &id})
			require.Equal(t, "ResourceNotFoundException", code(t, err))
		}
		out, err := c.ListReadSets(t.Context(), &omics.ListReadSetsInput{SequenceStoreId: aws.String("9999999999")})
		require.NoError(t, err)
		require.Empty(t, out.ReadSets)
		_, err = c.ListReadSets(t.Context(), &omics.ListReadSetsInput{SequenceStoreId: aws.String("5555555555")})
		require.Equal(t, "ResourceNotFoundException", code(t, err))
		require.Nil(t, service.ReadSets("5555555555"))
	})
}

func TestClockSkewOfReadSets(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.ClockSkew = -time.Hour
		o.JobDuration = omicstest.FixedDuration(0)
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		began := time.Now()
		started(t, service, ubams(1)...)
		require.Equal(t, began.Add(-time.Hour), service.ReadSets(store)[0].CreationTime)
		require.Equal(t, began.Add(-time.Hour).UTC(), *readSets(t, c, nil, 0)[0].CreationTime)
		require.Empty(t, readSets(t, c, &types.ReadSetFilter{CreatedAfter: aws.Time(began.Add(-time.Minute))}, 0))
		require.Len(t, readSets(t, c, &types.ReadSetFilter{CreatedAfter: aws.Time(began.Add(-61 * time.Minute))}, 0), 1)
		out, err := c.GetSequenceStore(t.Context(), &omics.GetSequenceStoreInput{Id: aws.String(store)})
		require.NoError(t, err)
		require.Equal(t, began.Add(-time.Hour).UTC(), *out.CreationTime)
	})
}

func TestReadSetQuotas(t *testing.T) {
	bubble(t, func(o *omicstest.Options) { o.RequestRate = 5 },
		func(t *testing.T, service *omicstest.Service, c *omics.Client) {
			calls := map[string]func() error{
				omicstest.OpListReadSets: func() error {
					_, err := c.ListReadSets(t.Context(), &omics.ListReadSetsInput{SequenceStoreId: aws.String(store)})
					return err
				},
				omicstest.OpGetReadSetMetadata: func() error {
					_, err := metadata(t, c, "1000000000")
					return err
				},
				omicstest.OpGetSequenceStore: func() error {
					_, err := c.GetSequenceStore(t.Context(), &omics.GetSequenceStoreInput{Id: aws.String(store)})
					return err
				},
			}
			for round := range 2 {
				for op, call := range calls { // each operation has a quota of its own
					for i := range 8 {
						err := call()
						var throttled *types.ThrottlingException
						if i < 5 {
							require.False(t, errors.As(err, &throttled), fmt.Sprint(op, i, round))
						} else {
							require.ErrorAs(t, err, &throttled, fmt.Sprint(op, i, round))
						}
					}
				}
				time.Sleep(time.Second)
			}
		})
}
