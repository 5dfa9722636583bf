package readsetimport

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/omics"
	"github.com/stretchr/testify/require"

	"github.com/readsetimport/readsetimport/internal/search"
	"github.com/readsetimport/readsetimport/internal/token"
	"github.com/readsetimport/readsetimport/internal/wire"
	"github.com/readsetimport/readsetimport/omicstest"
)

// ours is a batch with everything that the service answers differently from how it was sent.
func ours() Batch {
	return newBatch(testTarget, "run", []Source{
		PairedFASTQ("s3://bucket/a_1.fastq.gz", "s3://bucket/a_2.fastq.gz").WithSubject("u").WithSample("a").WithTag("lane", "1"),
		FASTQ("s3://bucket/b.fastq.gz").WithSubject("u").WithSample("b").WithName("b"),
		BAM("s3://bucket/c.bam", "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1234567890").WithSubject("u").WithSample("c"),
		UBAM("s3://bucket/d.bam").WithSubject("v").WithSample("d").WithDescription("of v"),
		CRAM("s3://bucket/e.cram", "arn:aws:omics:us-east-1:123456789012:referenceStore/1234567890/reference/1234567890").WithSubject("v").WithSample("e"),
	})
}

// lostAnswer is a submission whose request was sent and not answered, read back by a client that has sent nothing yet.
func lostAnswer(t *testing.T, service *omicstest.Service, b Batch, started bool) Submission {
	t.Helper()
	fault := omicstest.DropBefore()
	if started {
		fault = omicstest.DropAfter()
	}
	service.Inject(omicstest.OpStart, fault)
	c := newTestClient(t, service)
	s, err := c.Advance(t.Context(), Submission{Batch: b})
	require.NoError(t, err)
	s, err = c.Advance(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, PhaseSending, s.Phase)
	return readBack(t, s)
}

// startJob is another request to the service, answered well.
func startJob(t *testing.T, service *omicstest.Service, token string, sources ...Source) {
	t.Helper()
	_, err := newTestClient(t, service).start(t.Context(), Batch{Target: testTarget, ClientToken: token, Sources: sources}, 1, notTooLate)
	require.NoError(t, err)
}

func TestSearchFindsTheJob(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*omicstest.Options){
		"plain":                    func(*omicstest.Options) {},
		"in the order of the sent": func(o *omicstest.Options) { o.KeepOrder = true },
		"pages":                    func(o *omicstest.Options) { o.PageSize = 3 },
		"service's clock ahead":    func(o *omicstest.Options) { o.ClockSkew = 3 * time.Hour },
		"service's clock behind":   func(o *omicstest.Options) { o.ClockSkew = -3 * time.Hour },
		"far behind, pages":        func(o *omicstest.Options) { o.ClockSkew, o.PageSize = -300*24*time.Hour, 1 },
		"lag":                      func(o *omicstest.Options) { o.ListLag = 4 * time.Minute },
		"tokens forgotten":         func(o *omicstest.Options) { o.TokenWindow = -1 },
	} {
		for _, window := range []time.Duration{time.Hour, -1} {
			t.Run(fmt.Sprintf("%s/%s", name, window), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					service := omicstest.New(func(o *omicstest.Options) {
						o.KeepBodies = true
						o.JobDuration = omicstest.FixedDuration(30 * time.Minute)
						change(o)
					})
					for i := range 5 {
						startJob(t, service, fmt.Sprint("before", i), testSources(9)[i])
					}
					s := lostAnswer(t, service, ours(), true)
					for i := range 5 {
						startJob(t, service, fmt.Sprint("after", i), testSources(9)[i])
					}
					time.Sleep(max(0, window))
					c := newTestClient(t, service, func(o *Options) { o.TokenWindow = window })
					d := driver{client: c, service: service, readBack: window > 0}
					last, err := d.run(t, s)
					require.NoError(t, err)
					require.Equal(t, PhaseDone, last.Phase)
					require.NoError(t, last.Job.Err())
					require.Equal(t, 1, last.Attempt)
					require.Len(t, service.Requests(omicstest.OpStart), 11)
					require.Equal(t, ours().ClientToken, service.Jobs(testTarget.SequenceStoreID)[5].ClientToken)
					require.Equal(t, service.Jobs(testTarget.SequenceStoreID)[5].ID, last.Job.ID)
				})
			})
		}
	}
}

// All pages of a list are asked for with one filter, whatever the service's clock does meanwhile.
func TestSearchPagesOfOneList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) { o.PageSize, o.KeepBodies = 2, true })
		for i := range 9 {
			startJob(t, service, fmt.Sprint(i), testSources(9)[i])
		}
		s := lostAnswer(t, service, ours(), false)
		c := newTestClient(t, service, func(o *Options) { o.TokenWindow = -1 })
		for s.Search.ClearAt.IsZero() {
			next, err := c.Advance(t.Context(), s)
			require.NoError(t, err)
			c.guard.Skew.Add(-int64(time.Second))
			s = next
		}
		lists := service.Requests(omicstest.OpList)
		require.Len(t, lists, 5)
		for _, r := range lists {
			require.Equal(t, 200, r.Status)
			require.Equal(t, string(lists[0].Body), string(r.Body))
		}
		require.Len(t, service.Requests(omicstest.OpGet), 9)
	})
}

// Where no such job is found, twice and minutes apart, the batch is sent under another token.
func TestSearchFindsNothing(t *testing.T) {
	t.Parallel()
	none := jsonBody(200, `{}`)
	tests := map[string]struct {
		change func(*omicstest.Options)
		answer *omicstest.Fault // to every List
		others int
		lists  int
	}{
		"empty store":         {lists: 2},
		"other jobs":          {others: 7, lists: 2},
		"pages":               {others: 7, lists: 8, change: func(o *omicstest.Options) { o.PageSize = 2 }},
		"clock behind":        {others: 3, lists: 3, change: func(o *omicstest.Options) { o.ClockSkew = -2 * time.Hour }},
		"no list in the list": {lists: 2 * doubtPatience, answer: &none},
	}
	for name, test := range tests {
		for _, saved := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/%t", name, saved), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					service := omicstest.New(func(o *omicstest.Options) {
						if test.change != nil {
							test.change(o)
						}
						o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
							if r.Op == omicstest.OpList && test.answer != nil {
								return *test.answer, true
							}
							return omicstest.Fault{}, false
						}
					})
					for i := range test.others {
						startJob(t, service, fmt.Sprint(i), testSources(9)[i])
					}
					s := lostAnswer(t, service, ours(), false)
					time.Sleep(time.Hour)
					d := driver{client: newTestClient(t, service), service: service, readBack: saved}
					last, err := d.run(t, s)
					require.NoError(t, err)
					require.Equal(t, PhaseDone, last.Phase)
					require.Equal(t, 2, last.Attempt)
					require.Zero(t, last.Search)
					starts := service.Requests(omicstest.OpStart)
					require.Len(t, starts, test.others+2)
					require.Equal(t, token.Attempt(ours().ClientToken, 2), starts[test.others+1].ClientToken)
					require.NotEqual(t, starts[test.others].ClientToken, starts[test.others+1].ClientToken)
					require.Len(t, jobsOf(service, ours()), 1)
					lists := service.Requests(omicstest.OpList)
					require.Len(t, lists, test.lists)
					require.GreaterOrEqual(t, lists[len(lists)-1].Time.Sub(lists[0].Time), settling)
				})
			})
		}
	}
}

// What cannot be told is not sent again.
func TestSearchUnresolved(t *testing.T) {
	t.Parallel()
	b := ours()
	first, second := b.Sources[0], b.Sources[1]
	stranger := testSources(1)[0]
	mended := false
	onList := func(fault func(omicstest.Request) omicstest.Fault) func(*omicstest.Options) {
		return func(o *omicstest.Options) {
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				return fault(r), r.Op == omicstest.OpList && !mended
			}
		}
	}
	always := func(f omicstest.Fault) func(omicstest.Request) omicstest.Fault {
		return func(omicstest.Request) omicstest.Fault { return f }
	}
	page := 0
	tests := map[string]struct {
		change  func(*omicstest.Options)
		prepare func(*testing.T, *omicstest.Service)
		age     time.Duration
		most    int // requests
		cause   error
		refused bool
	}{
		"two such jobs": {prepare: func(t *testing.T, s *omicstest.Service) {
			startJob(t, s, "x", b.Sources...)
			startJob(t, s, "y", b.Sources...)
		}, most: 3},
		"very many such jobs": {prepare: func(t *testing.T, s *omicstest.Service) {
			for i := range 30 {
				startJob(t, s, fmt.Sprint(i), b.Sources...)
			}
		}, most: 1 + 10},
		"a part of the sources": {prepare: func(t *testing.T, s *omicstest.Service) { startJob(t, s, "x", first, second) }, most: 2},
		"a part and others":     {prepare: func(t *testing.T, s *omicstest.Service) { startJob(t, s, "x", first, stranger) }, most: 2},
		"all and another":       {prepare: func(t *testing.T, s *omicstest.Service) { startJob(t, s, "x", append(b.Sources, stranger)...) }, most: 2},
		"one twice": {prepare: func(t *testing.T, s *omicstest.Service) {
			startJob(t, s, "x", first, first, second, b.Sources[2], b.Sources[3])
		}, most: 2},
		"such a job, and a part": {prepare: func(t *testing.T, s *omicstest.Service) {
			startJob(t, s, "x", b.Sources...)
			startJob(t, s, "y", first)
		}, most: 3},
		"older than records": {age: 8 * 24 * time.Hour, most: 1},
		"list refused":       {change: onList(always(omicstest.Status(403, "AccessDeniedException", ""))), most: 1, cause: ErrAccessDenied, refused: true},
		"list invalid":       {change: onList(always(omicstest.Status(400, "", ""))), most: 1, cause: ErrValidation, refused: true},
		"store gone":         {change: onList(always(omicstest.Status(404, "ResourceNotFoundException", ""))), most: 1, cause: ErrNotFound, refused: true},
		"list redirected":    {change: onList(always(omicstest.Redirect("https://elsewhere.example/"))), most: 1, refused: true},
		"same page for ever": {change: onList(always(jsonBody(200, `{"importJobs":[],"nextToken":"x"}`))), most: 1 + doubtPatience, cause: wire.ErrNotCredible},
		"of another store":   {change: onList(always(jsonBody(200, `{"importJobs":[{"id":"1234567890","sequenceStoreId":"1"}]}`))), most: doubtPatience, cause: wire.ErrNotCredible},
		"paths for ids":      {change: onList(always(jsonBody(200, `{"importJobs":[{"id":"../../../x"}]}`))), most: doubtPatience, cause: wire.ErrNotCredible},
		"pages without an end": {change: onList(func(omicstest.Request) omicstest.Fault {
			page++
			return jsonBody(200, fmt.Sprintf(`{"importJobs":[],"nextToken":"%d"}`, page))
		}), most: search.PageMax, cause: wire.ErrNotCredible},
		"a job that is on the list only":      {change: onList(always(jsonBody(200, `{"importJobs":[{"id":"5555555555"}]}`))), most: 1 + doubtPatience},
		"a job that does not say its sources": {change: sourceless, prepare: func(t *testing.T, s *omicstest.Service) { startJob(t, s, "x", stranger) }, most: 1 + doubtPatience, cause: wire.ErrNotCredible},
	}
	if underRace {
		delete(tests, "pages without an end") // a thousand
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				page, mended = 0, false
				service := omicstest.New(func(o *omicstest.Options) {
					if test.change != nil {
						test.change(o)
					}
				})
				s := lostAnswer(t, service, b, false)
				if test.prepare != nil {
					test.prepare(t, service)
				}
				time.Sleep(max(time.Hour, test.age))
				before := len(service.Requests(""))
				c := newJobsClient(t, service, func(o *Options) { o.RequestRate = 1000 })
				d := driver{client: c, service: service}
				last, err := d.run(t, s)
				require.ErrorIs(t, err, ErrUnresolved)
				if test.cause != nil {
					require.ErrorIs(t, err, test.cause)
				}
				requireFitForLog(t, err)
				require.NotEmpty(t, last.LastError)
				requireRoundTrip(t, last)
				require.Equal(t, test.most, len(service.Requests(""))-before)
				require.Zero(t, last.Job)
				if !test.refused {
					require.Equal(t, PhaseUnresolved, last.Phase)
					return
				}
				var e *Error
				require.ErrorAs(t, err, &e)
				require.Equal(t, opList.String(), e.Op)
				mended = true
				last, err = d.run(t, last)
				require.NoError(t, err)
				require.Equal(t, PhaseDone, last.Phase)
				require.Len(t, jobsOf(service, b), 1)
			})
		})
	}
}

// sourceless makes Get leave the sources out.
func sourceless(o *omicstest.Options) {
	o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
		return jsonBody(200, fmt.Sprintf(`{"id":%q,"status":"SUBMITTED"}`, r.JobID)), r.Op == omicstest.OpGet
	}
}

// Jobs that are known to be another batch's are not read.
func TestSearchLeavesOthersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		s := lostAnswer(t, service, ours(), true)
		startJob(t, service, "x", ours().Sources...)
		startJob(t, service, "y", testSources(1)...)
		jobs := service.Jobs(testTarget.SequenceStoreID)
		require.Len(t, jobs, 3)
		c := newTestClient(t, service, func(o *Options) { o.TokenWindow = -1 })
		other := func(ref JobRef) bool {
			return ref.SequenceStoreID == testTarget.SequenceStoreID && ref.ID != jobs[0].ID
		}
		for range 2 {
			next, _, err := c.advance(t.Context(), s, other)
			require.NoError(t, err)
			s = next
		}
		require.Equal(t, PhaseRunning, s.Phase)
		require.Equal(t, jobs[0].ID, s.Job.ID)
		require.Len(t, service.Requests(omicstest.OpGet), 1)
	})
}

// A state from a machine whose clock was wrong says nothing of when the request left.
func TestSearchAfterClockWasSetBack(t *testing.T) {
	for _, started := range []bool{true, false} {
		t.Run(fmt.Sprint(started), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) { o.TokenWindow = time.Minute })
				s := lostAnswer(t, service, ours(), started)
				time.Sleep(2 * time.Hour)
				begin := time.Now()
				s.SentAt = begin.AddDate(0, 1, 0)
				if !started {
					s.Search = Search{Since: s.SentAt, ClearAt: s.SentAt}
				}
				d := driver{client: newTestClient(t, service), service: service, readBack: true}
				last, err := d.run(t, s)
				require.NoError(t, err)
				require.Equal(t, PhaseDone, last.Phase)
				require.Len(t, jobsOf(service, ours()), 1)
				require.Less(t, time.Since(begin), time.Hour)
			})
		})
	}
}

// With tokens that are not trusted, none is sent twice, and no job is started twice although the service forgets them.
func TestTokensNotTrusted(t *testing.T) {
	t.Parallel()
	faults := []omicstest.Fault{
		omicstest.DropBefore(), omicstest.DropAfter(), omicstest.Truncate(), omicstest.Status(500, "", "").AfterExecution(),
		omicstest.Status(429, "ThrottlingException", "x"), omicstest.HTML(503), omicstest.Late(time.Minute), omicstest.Empty(),
	}
	seeds := uint64(12)
	if underRace {
		seeds = 3
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 2))
			service := omicstest.New(func(o *omicstest.Options) {
				o.TokenWindow = -1
				o.ListLag = time.Duration(random.IntN(3)) * time.Minute
				o.JobDuration = omicstest.FixedDuration(time.Hour)
				o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
					return faults[random.IntN(len(faults))], random.IntN(2) == 0
				}
			})
			c := newTestClient(t, service, func(o *Options) { o.TokenWindow = -1 })
			d := driver{client: c, service: service}
			last, err := d.run(t, Submission{Batch: ours()})
			require.NoError(t, err, seed)
			require.Equal(t, PhaseDone, last.Phase)
			time.Sleep(time.Hour)
			require.Len(t, jobsOf(service, ours()), 1, seed)
			unanswered := make(map[string]bool)
			for _, r := range service.Requests(omicstest.OpStart) {
				require.False(t, unanswered[r.ClientToken], "a token whose outcome is not known is repeated")
				unanswered[r.ClientToken] = r.Status != 429
			}
		})
	}
}

// A state that always comes back too late is given up, not sent in the dark and not searched for ever.
func TestStateAlwaysTooLate(t *testing.T) {
	for _, window := range []time.Duration{-1, time.Hour} {
		t.Run(fmt.Sprint(window), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New()
				c := newTestClient(t, service, func(o *Options) { o.TokenWindow = window })
				d := driver{client: c, service: service, readBack: true, late: func() time.Duration { return max(0, window) }}
				last, err := d.run(t, Submission{Batch: ours()})
				require.ErrorIs(t, err, ErrUnresolved)
				require.Equal(t, unsentPatience, last.Attempt)
				require.Empty(t, service.Requests(omicstest.OpStart))
			})
		})
	}
}

// After some attempts that were lost the caller is told, and can go on.
func TestManyAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New()
		for range attemptMax {
			service.Inject(omicstest.OpStart, omicstest.DropBefore())
		}
		d := driver{client: newTestClient(t, service, func(o *Options) { o.TokenWindow = -1 }), service: service}
		last, err := d.run(t, Submission{Batch: ours()})
		require.ErrorIs(t, err, errGivenUp)
		require.NotErrorIs(t, err, ErrUnresolved)
		requireFitForLog(t, err)
		require.Equal(t, PhasePlanned, last.Phase)
		last, err = d.run(t, last)
		require.NoError(t, err)
		require.Equal(t, PhaseDone, last.Phase)
		tokens := make(map[string]bool)
		for _, r := range service.Requests(omicstest.OpStart) {
			tokens[r.ClientToken] = true
		}
		require.Len(t, tokens, attemptMax+1)
		require.Len(t, jobsOf(service, ours()), 1)
	})
}

// A full quota is waited for however long it lasts, by a driver too whose state is read back before every step.
func TestFullQuotaIsNotGivenUp(t *testing.T) {
	t.Parallel()
	for _, readBack := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			service := omicstest.New(func(o *omicstest.Options) {
				o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
					full := r.Op == omicstest.OpStart && time.Since(began) < 24*time.Hour
					return omicstest.Status(402, "ServiceQuotaExceededException", "x"), full
				}
			})
			d := driver{client: newTestClient(t, service), service: service, readBack: readBack}
			last, err := d.run(t, Submission{Batch: ours()})
			require.NoError(t, err)
			require.Equal(t, PhaseDone, last.Phase)
			require.Len(t, jobsOf(service, ours()), 1)
		})
	}
}

// withDate is a client whose answers have this Date header.
func withDate(date string) func(*omics.Options) {
	return func(o *omics.Options) {
		next := o.HTTPClient
		o.HTTPClient = doFunc(func(req *http.Request) (*http.Response, error) {
			res, err := next.Do(req)
			if err == nil {
				res.Header.Set("Date", date)
			}
			return res, err
		})
	}
}

// Whatever time an answer tells, the job is found, and none is started twice.
func TestSearchWithAFalseDate(t *testing.T) {
	t.Parallel()
	for _, date := range []string{
		"Mon, 01 Jan 0001 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 01 Jan 1999 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT",
		"Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "yesterday", "",
	} {
		for _, started := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, %t", date, started), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					service := omicstest.New(func(o *omicstest.Options) { o.TokenWindow, o.KeepBodies = -1, true })
					s := lostAnswer(t, service, ours(), started)
					time.Sleep(3 * time.Hour)
					c, err := New(service.Client(withDate(date)))
					require.NoError(t, err)
					d := driver{client: c, service: service}
					last, err := d.run(t, s)
					require.NoError(t, err)
					require.Equal(t, PhaseDone, last.Phase)
					require.Len(t, jobsOf(service, ours()), 1)
				})
			})
		}
	}
}

func TestSearchAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		epoch := time.Unix(0, 0)
		for _, tc := range []struct {
			since time.Time
			skew  time.Duration
			want  time.Time
		}{
			{now, 0, now.Add(-clockMargin)},
			{now.Add(-time.Hour), time.Hour, now.Add(-clockMargin - time.Hour)},
			{now.Add(-time.Hour), -time.Hour, now.Add(-clockMargin - 2*time.Hour)},
			{now.Add(clockMargin), 0, now},
			{now.AddDate(0, 1, 0), 0, now.Add(-clockMargin - recordsKept)},
			{time.Time{}, 0, epoch},
			{time.Time{}, math.MinInt64, epoch},
			{now, math.MinInt64, epoch},
			{now, math.MaxInt64, now.Add(-clockMargin)},
			{epoch, -366 * 24 * time.Hour, epoch},
			{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), math.MinInt64, epoch},
		} {
			c := newTestClient(t, omicstest.New())
			c.guard.Skew.Store(int64(tc.skew))
			require.Equal(t, tc.want.UTC(), c.searchAfter(tc.since).UTC(), "%v %v", tc.since, tc.skew)
		}
	})
}

// A state that somebody made by hand finds its job, whatever times are missing or wrong in it.
func TestSearchFromAHandMadeState(t *testing.T) {
	t.Parallel()
	b := ours()
	for name, s := range map[string]Submission{
		"no time":          {Batch: b, Phase: PhaseSending, Attempt: 1},
		"no attempt":       {Batch: b, Phase: PhaseSending},
		"long ago":         {Batch: b, Phase: PhaseSending, Attempt: 1, SentAt: time.Unix(0, 0)},
		"the year 1":       {Batch: b, Phase: PhaseSending, Attempt: 1, SentAt: time.Time{}.Add(1)},
		"the far future":   {Batch: b, Phase: PhaseSending, Attempt: 1, SentAt: time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC)},
		"clear in future":  {Batch: b, Phase: PhaseSending, Attempt: 1, Search: Search{Since: time.Unix(1, 0), ClearAt: time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC)}},
		"clear long since": {Batch: b, Phase: PhaseSending, Attempt: 1, Search: Search{Since: time.Unix(1, 0), ClearAt: time.Time{}.Add(1)}},
	} {
		for _, started := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, %t", name, started), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					service := omicstest.New(func(o *omicstest.Options) { o.TokenWindow, o.JobDuration = -1, omicstest.FixedDuration(time.Hour) })
					if started {
						startJob(t, service, b.ClientToken, b.Sources...)
					}
					d := driver{client: newJobsClient(t, service), service: service, readBack: true}
					last, err := d.run(t, s)
					if !started && (s.SentAt.Year() < 2000) {
						require.ErrorIs(t, err, ErrUnresolved)
						require.Empty(t, service.Requests(omicstest.OpStart))
						return
					}
					require.NoError(t, err)
					require.Equal(t, PhaseDone, last.Phase)
					require.Len(t, jobsOf(service, b), 1)
				})
			})
		}
	}
}

// A store that is not there has no jobs, so that a batch whose state is read back can be planned again.
func TestSearchInAStoreThatIsNotThere(t *testing.T) {
	t.Parallel()
	gone := omicstest.Status(404, "ResourceNotFoundException", "x")
	internal := omicstest.Status(500, "InternalServerException", "x")
	nine := func(then ...omicstest.Fault) []omicstest.Fault {
		return append(slices.Repeat([]omicstest.Fault{gone}, doubtPatience-1), then...)
	}
	for name, tc := range map[string]struct {
		lists   []omicstest.Fault // then the service answers for itself
		started bool              // a request may have started a job, and had no answer
		planned bool
		others  error
	}{
		"ten times":                      {lists: nine(gone), planned: true},
		"nine times":                     {lists: nine()},
		"an outage in between":           {lists: append(nine(internal), nine()...)},
		"throttled in between":           {lists: append(nine(omicstest.Status(429, "ThrottlingException", "x")), nine()...)},
		"a gateway's, twenty times":      {lists: slices.Repeat([]omicstest.Fault{omicstest.HTML(404)}, 20), others: ErrUnresolved},
		"a gateway's in between":         {lists: append(nine(omicstest.HTML(404)), gone), others: ErrUnresolved},
		"another code, twenty times":     {lists: slices.Repeat([]omicstest.Fault{omicstest.Status(404, "UnknownOperationException", "x")}, 20), others: ErrUnresolved},
		"after a request without answer": {lists: nine(gone), started: true, others: ErrUnresolved},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := omicstest.New(func(o *omicstest.Options) { o.JobDuration = omicstest.FixedDuration(time.Hour) })
				b := ours()
				var s Submission
				var err error
				if tc.started {
					s = lostAnswer(t, service, b, true)
				} else {
					s, err = newTestClient(t, service).Advance(t.Context(), Submission{Batch: b})
					require.NoError(t, err)
					startJob(t, service, "a crash", b.Sources...) // the process died before it saved more
				}
				time.Sleep(time.Hour)
				service.Inject(omicstest.OpList, tc.lists...)
				d := driver{client: newTestClient(t, service), service: service, readBack: true}
				before := time.Now()
				last, err := d.run(t, s)
				if !tc.planned && tc.others == nil {
					require.NoError(t, err)
					require.Equal(t, PhaseDone, last.Phase)
					require.Len(t, jobsOf(service, b), 1)
					return
				}
				require.ErrorIs(t, err, ErrNotFound)
				require.Equal(t, !tc.planned, errors.Is(err, ErrUnresolved))
				require.Zero(t, last.Search.Gone)
				if !tc.planned {
					require.Equal(t, PhaseSending, last.Phase)
					return
				}
				require.Greater(t, time.Since(before), 2*time.Minute)
				require.Equal(t, PhasePlanned, last.Phase)
				require.Equal(t, 1, last.Attempt, "the token is the same, which the service may know")
				require.Zero(t, last.Search)
				require.Zero(t, last.Failures)
			})
		})
	}
}

// A wrong store id is an error that says so, again and again, and a right one mends it.
func TestAdvanceInAStoreThatIsNotThere(t *testing.T) {
	t.Parallel()
	for _, saved := range []bool{false, true} {
		t.Run(fmt.Sprint(saved), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				absent := true
				service := omicstest.New(func(o *omicstest.Options) {
					o.Fault = func(omicstest.Request) (omicstest.Fault, bool) {
						return omicstest.Status(404, "ResourceNotFoundException", "x"), absent
					}
				})
				d := driver{client: newTestClient(t, service), service: service, readBack: saved}
				s := Submission{Batch: ours()}
				planned := 0
				for range 6 {
					last, err := d.run(t, s)
					require.ErrorIs(t, err, ErrNotFound)
					require.NotErrorIs(t, err, ErrUnresolved)
					if s = last; s.Phase == PhasePlanned {
						planned++
					}
				}
				require.GreaterOrEqual(t, planned, 3)
				absent = false
				last, err := d.run(t, s)
				require.NoError(t, err)
				require.Equal(t, PhaseDone, last.Phase)
				require.Len(t, jobsOf(service, ours()), 1)
			})
		})
	}
}

// What gave a batch up is why its last attempt started nothing, and not what a search met on the way.
func TestGivenUpNamesItsCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service := omicstest.New(func(o *omicstest.Options) {
			lists := 0
			o.Fault = func(r omicstest.Request) (omicstest.Fault, bool) {
				if r.Op == omicstest.OpStart {
					return omicstest.Status(500, "InternalServerException", "no disk"), true
				}
				lists++
				return omicstest.Status(503, "", ""), lists%2 == 1
			}
		})
		d := driver{client: newTestClient(t, service, func(o *Options) { o.TokenWindow = -1 }), service: service}
		last, err := d.run(t, Submission{Batch: ours()})
		require.ErrorIs(t, err, errGivenUp)
		require.ErrorContains(t, err, "InternalServerException: no disk")
		require.NotContains(t, err.Error(), "List")
		require.Contains(t, last.StartError, "no disk")
		require.Zero(t, last.FailedAttempts)
	})
}
