package omicstest_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/aws/aws-sdk-go-v2/service/omics/types"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/omicstest"
)

func TestStartJob(t *testing.T) {
	bubble(t, func(o *omicstest.Options) {
		o.MaxActiveJobs, o.RequestRate = 2, 1
		o.KeepOrder = true
	}, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		service.Inject(omicstest.OpStart, omicstest.Internal())
		source := omicstest.Source{
			Type: "FASTQ", Source1: "s3://lab/1", Source2: "s3://lab/2", SubjectID: "subject", SampleID: "sample",
			Name: "name", Description: "text", GeneratedFrom: "origin", ReferenceARN: reference1,
			Tags: map[string]string{"lane": "1"},
		}
		job, err := service.StartJob(store, role+"/console", source, ubams(1)[0])
		require.NoError(t, err)
		source.Tags["lane"] = "changed by the caller"
		require.Equal(t, service.Jobs(store)[0], job)
		require.Equal(t, "1", job.Sources[0].Tags["lane"])

		out, err := get(t.Context(), c, job.ID)
		require.NoError(t, err)
		require.Equal(t, role+"/console", *out.RoleArn)
		require.EqualValues(t, "SUBMITTED", out.Status)
		require.Equal(t, types.ImportReadSetSourceItem{
			SourceFiles:    &types.SourceFiles{Source1: aws.String("s3://lab/1"), Source2: aws.String("s3://lab/2")},
			SourceFileType: "FASTQ", Status: "NOT_STARTED", SubjectId: aws.String("subject"), SampleId: aws.String("sample"),
			Name: aws.String("name"), Description: aws.String("text"), GeneratedFrom: aws.String("origin"),
			ReferenceArn: aws.String(reference1),
			Tags:         map[string]string{"lane": "1", "aws:omics:subjectId": "subject", "aws:omics:sampleId": "sample"},
		}, out.Sources[0])
		require.Equal(t, []string{job.ID}, list(t, c, omics.ListReadSetImportJobsInput{}))
		time.Sleep(2 * time.Second)
		require.Len(t, service.ReadSets(store), 2)

		// It is no request: the fault is still there.
		require.Empty(t, service.Requests(omicstest.OpStart))
		require.Len(t, service.Unused()[omicstest.OpStart], 1)
		_, err = c.StartReadSetImportJob(t.Context(), input("", 1))
		require.Equal(t, "InternalServerException", code(t, err))

		// It takes a slot, and is refused when there is none.
		started(t, service, ubams(1)...)
		started(t, service, ubams(1)...)
		_, err = service.StartJob(store, role, ubams(1)...)
		require.ErrorContains(t, err, "2 jobs are active")
		time.Sleep(time.Second)
		_, err = c.StartReadSetImportJob(t.Context(), input("", 1))
		require.Equal(t, "ServiceQuotaExceededException", code(t, err))
		time.Sleep(2 * time.Second)
		start(t, c, "", 1)

		for want, call := range map[string]func() error{
			"there is no store 5555555555": func() error { _, err := service.StartJob("5555555555", role, source); return err },
			"'sources'":                    func() error { _, err := service.StartJob(store, role); return err },
			"'roleArn'":                    func() error { _, err := service.StartJob(store, "", source); return err },
			"'sources.2.member.sampleId'": func() error {
				_, err := service.StartJob(store, role, source, omicstest.Source{Type: "UBAM", Source1: "s3://lab/a", SubjectID: "s"})
				return err
			},
		} {
			require.ErrorContains(t, call(), want)
		}
		require.Len(t, service.Jobs(store), 4)
	})
}

func TestUpload(t *testing.T) {
	bubble(t, nil, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		status := func(id string) (types.ReadSetStatus, string) {
			out, err := metadata(t, c, id)
			require.NoError(t, err)
			require.EqualValues(t, "UPLOAD", out.CreationType)
			require.Nil(t, out.CreationJobId)
			return out.Status, aws.ToString(out.StatusMessage)
		}
		source := omicstest.Source{
			Type: "FASTQ", Source1: "reads_1.fastq.gz", Source2: "reads_2.fastq.gz", SampleID: "sample", Tags: map[string]string{"a": "b"},
		}
		slow, err := service.Upload(store, omicstest.Upload{Source: source, Duration: time.Hour})
		require.NoError(t, err)
		failed, err := service.Upload(store, omicstest.Upload{Source: source, Duration: time.Hour, Failure: "Checksums differ"})
		require.NoError(t, err)
		atOnce, err := service.Upload(store, omicstest.Upload{Source: source})
		require.NoError(t, err)
		source.Tags["a"] = "changed by the caller"

		for id, want := range map[string]types.ReadSetStatus{slow: "PROCESSING_UPLOAD", failed: "PROCESSING_UPLOAD", atOnce: "ACTIVE"} {
			got, message := status(id)
			require.Equal(t, want, got)
			require.Empty(t, message)
		}
		out, err := metadata(t, c, slow)
		require.NoError(t, err)
		require.Nil(t, out.Etag)
		require.Nil(t, out.SubjectId)
		time.Sleep(time.Hour)
		got, _ := status(slow)
		require.EqualValues(t, "ACTIVE", got)
		got, message := status(failed)
		require.EqualValues(t, "UPLOAD_FAILED", got)
		require.Equal(t, "Checksums differ", message)

		out, err = metadata(t, c, slow)
		require.NoError(t, err)
		require.Equal(t, "b", service.ReadSets(store)[0].Tags["a"])
		require.Equal(t, time.Now().Add(-time.Hour).UTC(), *out.CreationTime)
		other, err := metadata(t, c, atOnce)
		require.NoError(t, err)
		require.NotNil(t, out.Etag)
		require.Equal(t, out.Etag, other.Etag, "the same files")

		require.Equal(t, []string{atOnce, failed, slow}, readSetIDs(readSets(t, c, nil, 0)))
		require.Empty(t, service.Jobs(store))
		require.Zero(t, service.CountReadSets(store))
		_, err = service.Upload("5555555555", omicstest.Upload{Source: source})
		require.ErrorContains(t, err, "there is no store 5555555555")
	})
}

// An upload takes its place among the read sets of the jobs.
func TestUploadAmongImports(t *testing.T) {
	bubble(t, func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(100 * time.Second) },
		func(t *testing.T, service *omicstest.Service, c *omics.Client) {
			started(t, service, ubams(3)...) // at 40, 70 and 100 s
			time.Sleep(70 * time.Second)
			upload, err := service.Upload(store, omicstest.Upload{})
			require.NoError(t, err)
			time.Sleep(time.Minute)
			sets := service.ReadSets(store)
			require.Equal(t, upload, sets[3].ID, "in the order of the jobs and uploads")
			require.Equal(t, []string{sets[2].ID, upload, sets[1].ID, sets[0].ID}, readSetIDs(readSets(t, c, nil, 0)))
		})
}

func TestDeletion(t *testing.T) {
	for name, test := range map[string]struct {
		opts  func(*omicstest.Options)
		after time.Duration
		want  string // the status, or the error code
	}{
		"at once":               {nil, 0, "DELETED"},
		"for ever":              {nil, 10000 * time.Hour, "DELETED"},
		"deleting":              {func(o *omicstest.Options) { o.DeletionDuration = time.Hour }, time.Hour - 1, "DELETING"},
		"deleted":               {func(o *omicstest.Options) { o.DeletionDuration = time.Hour }, time.Hour, "DELETED"},
		"still known":           {func(o *omicstest.Options) { o.DeletedRetention = time.Hour }, time.Hour - 1, "DELETED"},
		"known no more":         {func(o *omicstest.Options) { o.DeletedRetention = time.Hour }, time.Hour, "ResourceNotFoundException"},
		"gone at once":          {func(o *omicstest.Options) { o.DeletedRetention = -1 }, 0, "ResourceNotFoundException"},
		"deleting, not gone":    {func(o *omicstest.Options) { o.DeletionDuration, o.DeletedRetention = time.Hour, -1 }, time.Hour - 1, "DELETING"},
		"deleting, then gone":   {func(o *omicstest.Options) { o.DeletionDuration, o.DeletedRetention = time.Hour, -1 }, time.Hour, "ResourceNotFoundException"},
		"deleting, still known": {func(o *omicstest.Options) { o.DeletionDuration, o.DeletedRetention = time.Hour, time.Hour }, 2*time.Hour - 1, "DELETED"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, test.opts, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
				jobID := start(t, c, "", 3)
				time.Sleep(time.Minute)
				sets := service.ReadSets(store)
				id := sets[1].ID
				require.NoError(t, service.DeleteReadSet(id))
				time.Sleep(test.after)

				var listed string
				for _, s := range readSets(t, c, nil, 0) {
					if *s.Id == id {
						listed = string(s.Status)
					} else {
						require.EqualValues(t, "ACTIVE", s.Status)
					}
				}
				out, err := metadata(t, c, id)
				if err != nil {
					require.Equal(t, test.want, code(t, err))
					require.Empty(t, listed)
				} else {
					require.EqualValues(t, test.want, out.Status)
					require.Equal(t, test.want, listed)
				}
				want := []string{sets[0].ID, sets[2].ID}
				if test.want == "DELETING" {
					want = []string{sets[0].ID, id, sets[2].ID}
					require.NoError(t, service.DeleteReadSet(id), "it is being deleted already")
				} else {
					require.ErrorContains(t, service.DeleteReadSet(id), "there is no read set "+id)
					require.ErrorContains(t, service.SetReadSetStatus(id, "ACTIVE", ""), "there is no read set "+id)
				}
				var have []string
				for _, s := range service.ReadSets(store) {
					have = append(have, s.ID)
				}
				require.Equal(t, want, have)

				job, err := get(t.Context(), c, jobID)
				require.NoError(t, err)
				var named []string
				for _, s := range job.Sources {
					named = append(named, aws.ToString(s.ReadSetId))
				}
				require.Contains(t, named, id, "the job still names it")
				require.Equal(t, 3, service.CountReadSets(store))
			})
		})
	}
}

// The id of a read set that nobody has asked for yet.
func TestDeletionOfWhatAJobNames(t *testing.T) {
	bubble(t, nil, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		id := start(t, c, "", 1)
		time.Sleep(time.Minute)
		job, err := get(t.Context(), c, id)
		require.NoError(t, err)
		require.NoError(t, service.DeleteReadSet(*job.Sources[0].ReadSetId))
		require.Empty(t, service.ReadSets(store))
		require.Equal(t, *job.Sources[0].ReadSetId, service.Jobs(store)[0].Sources[0].ReadSetID)
	})
}

func TestDeletionIsNotPutOff(t *testing.T) {
	bubble(t, func(o *omicstest.Options) { o.DeletionDuration = time.Hour },
		func(t *testing.T, service *omicstest.Service, c *omics.Client) {
			id, err := service.Upload(store, omicstest.Upload{})
			require.NoError(t, err)
			require.NoError(t, service.DeleteReadSet(id))
			time.Sleep(59 * time.Minute)
			require.NoError(t, service.DeleteReadSet(id))
			time.Sleep(time.Minute)
			require.Empty(t, service.ReadSets(store))
		})
}

func TestSetReadSetStatus(t *testing.T) {
	bubble(t, nil, func(t *testing.T, service *omicstest.Service, c *omics.Client) {
		id, err := service.Upload(store, omicstest.Upload{Duration: time.Hour})
		require.NoError(t, err)
		for _, want := range []types.ReadSetStatus{"ARCHIVED", "ACTIVATING", "ACTIVE", "FROZEN"} {
			message := "since " + string(want)
			require.NoError(t, service.SetReadSetStatus(id, want, message))
			for range 2 {
				out, err := metadata(t, c, id)
				require.NoError(t, err)
				require.Equal(t, want, out.Status)
				require.Equal(t, message, *out.StatusMessage)
				require.Equal(t, want, readSets(t, c, nil, 0)[0].Status)
				require.Equal(t, want, service.ReadSets(store)[0].Status)
				require.Equal(t, message, service.ReadSets(store)[0].StatusMessage)
				time.Sleep(2 * time.Hour) // the end of the upload changes nothing any more
			}
		}
		require.NoError(t, service.SetReadSetStatus(id, types.ReadSetStatusDeleted, ""))
		require.Empty(t, service.ReadSets(store))
		require.Error(t, service.SetReadSetStatus("1000000000", types.ReadSetStatusActive, ""))
	})
}
