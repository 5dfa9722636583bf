package quota

import "time"

// JobTimes is what an import has learned of how long its jobs take, in seconds. Jobs that failed teach nothing: they
// often end at once.
type JobTimes struct {
	ended    float64 // jobs that have ended, the latest counting most
	total    float64 // how long these took together
	shortest float64 // of the latest
}

const (
	learnedFrom = 96 // ends, about: older ones hardly count
	learnedMin  = 3  // nothing is learned from fewer, which may be odd ones
)

// Add notes how long a job took that ended well.
func (j *JobTimes) Add(took time.Duration) {
	const keep = 1 - 1.0/learnedFrom
	t := took.Seconds()
	if j.ended == 0 || t < j.shortest {
		j.shortest = t
	}
	j.shortest += (t - j.shortest) / learnedFrom
	j.ended = j.ended*keep + 1
	j.total = j.total*keep + t
}

// Delay returns how many seconds to wait before the next look at a job of an age, given how long it and the others that
// run have been running together, and the oldest of them.
//
// A look costs a request, and a job that has ended and is not looked at costs the time of its slot. With looks at every
// 28th of the time that jobs take, that is a 56th on average. How long they take is told by those that run as well as by
// those that have ended: of many that start together the shortest end first, and if one ended at once, the others show
// that it is no example. A job that is much older than that is looked at by its own age, and before enough have ended,
// all are by the oldest's.
func (j *JobTimes) Delay(age, together, oldest float64) float64 {
	const few, share = 4, 27.7
	if j.ended < learnedMin-0.5 { // older ends count a little less than one
		return oldest / few
	}
	typical := (j.total + together) / (j.ended + 0.5)
	return max(typical/share, j.shortest/2-age, (age-4*typical)/10)
}
